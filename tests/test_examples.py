"""The programs in examples/: they run as their first lines say, and the plain one stays plain."""

import os
import runpy
import subprocess
import sys

import pytest
from PIL import Image

import scumble
from conftest import REPOSITORY

EXAMPLES = REPOSITORY / "examples"
NAMES = ("content.png", "style.png", "out.png")


def run(*arguments: object, folder, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *map(str, arguments)]
    done = subprocess.run(
        command, cwd=folder, env=os.environ | variables, capture_output=True, text=True, timeout=250, check=False
    )
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture
def folder(tmp_path, content_file, style_file):
    return tmp_path


def test_from_scratch_paints_and_counts_exactly(folder, weights_file):
    program = EXAMPLES / "gatys_from_scratch.py"
    done = run(
        program,
        "content.png",
        "style.png",
        "out.png",
        "--weights",
        weights_file,
        "--size",
        32,
        "--steps",
        3,
        folder=folder,
    )
    lines = done.stdout.splitlines()
    assert [line.split(":")[0] for line in lines] == ["evaluation 1", "evaluation 2", "evaluation 3"]
    with Image.open(folder / "out.png") as picture:
        assert picture.size == (38, 32)  # 32 pixels on the shorter side


def test_with_scumble_paints(folder, weights_file, monkeypatch):
    """As it stands, but smaller: the job itself is the real one."""
    real = scumble.stylize
    small = {"size": 32, "steps": 1, "weights": weights_file}
    monkeypatch.setattr(
        scumble, "stylize", lambda *pictures, **settings: real(*pictures, **settings | small), raising=False
    )
    monkeypatch.setattr(sys, "argv", ["gatys_with_scumble.py", *(str(folder / n) for n in NAMES)])
    runpy.run_path(str(EXAMPLES / "gatys_with_scumble.py"), run_name="__main__")
    with Image.open(folder / NAMES[2]) as picture:
        assert max(picture.size) == 32


def test_the_plain_programs_stay_plain():
    scratch = (EXAMPLES / "gatys_from_scratch.py").read_text()
    assert len(scratch.splitlines()) <= 150
    assert "scumble" not in scratch
    imported = {line.split()[1].split(".")[0] for line in scratch.splitlines() if line.startswith(("import", "from"))}
    assert imported <= {"argparse", "pathlib", "numpy", "torch", "PIL", "safetensors"}
    assert len((EXAMPLES / "gatys_with_scumble.py").read_text().splitlines()) <= 15
