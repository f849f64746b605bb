"""What others install: small, whole, and at work without this folder, without weights and without a network."""

import os
import subprocess
import sys

import pytest

from conftest import REPOSITORY
from scumble.image import recipe

NO_NETWORK = """
import sys

def refuse(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.bind"):
        raise OSError(f"this test allows no {event}")

sys.addaudithook(refuse)
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder with the package as its wheel installs it, and no way to the network."""
    folder = tmp_path_factory.mktemp("wheel")
    run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder], cwd=REPOSITORY)
    (wheel,) = folder.glob("*.whl")
    assert wheel.stat().st_size < 4e6
    site = folder / "site"
    run([sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--target", site, wheel])
    (site / "sitecustomize.py").write_text(NO_NETWORK)
    return site


def run(command, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_paints_in_an_empty_folder_with_no_network(site, content_file, style_file, tmp_path):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SCUMBLE_")}
    environment |= {"PYTHONPATH": str(site), "SCUMBLE_HOME": str(tmp_path / "home"), "SCUMBLE_OFFLINE": "0"}
    where = run([sys.executable, "-c", "import scumble; print(scumble.__file__)"], cwd=tmp_path, env=environment)
    assert where.startswith(str(site))
    words = ["stylize", content_file, style_file, "--size", 48, "--steps", 2, "-o", "out.png"]
    run([sys.executable, "-m", "scumble.cli.app", *words], cwd=tmp_path, env=environment)
    assert recipe.read(tmp_path / "out.png")["settings"]["backbone"] == "pocket"
    refused = [sys.executable, "-c", "import socket; socket.create_connection(('localhost', 1))"]
    done = subprocess.run(refused, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert "this test allows no" in done.stderr


def test_the_wheel_holds_all_that_the_page_is_made_of(site):
    own = REPOSITORY / "src"
    files = [path.relative_to(own) for path in (own / "scumble" / "web").rglob("*") if path.is_file()]
    assert {path.suffix for path in files} >= {".html", ".css", ".js", ".svg", ".jpg"}
    for path in files:
        if path.suffix != ".pyc":
            assert (site / path).read_bytes() == (own / path).read_bytes()
