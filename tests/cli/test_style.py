"""The command `stylize` where it paints nothing."""

import json
import subprocess
import sys

import pytest

# torch takes seconds to import, and a list of names needs none of it.
SCRIPT = (
    "import sys, scumble.cli.app as app\n"
    "try: app.main(sys.argv[1:])\n"
    "finally: assert 'torch' not in sys.modules, 'torch is imported'\n"
)


def stylize(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", SCRIPT, "stylize", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert "torch is imported" not in done.stderr
    return done


def test_layers_are_listed_without_pictures():
    done = stylize("--list-layers")
    assert done.returncode == 0
    rows = [line.split() for line in done.stdout.splitlines()]
    assert ["0", "conv1_1"] in rows
    assert ["1", "relu1_1", "style"] in rows
    assert ["22", "relu4_2", "content"] in rows
    assert ["36", "pool5"] in rows


def test_layers_are_listed_as_json():
    layers = json.loads(stylize("--list-layers", "--json").stdout)["layers"]
    assert layers[25] == {"number": 25, "name": "conv4_4", "can_be_asked_for": True}
    assert [layer["name"] for layer in layers if not layer["can_be_asked_for"]] == [f"pool{n}" for n in range(1, 6)]


@pytest.mark.parametrize("pictures", [[], ["photo.jpg"]])
def test_missing_pictures_are_a_wrong_usage(pictures):
    done = stylize(*pictures)
    assert done.returncode == 2
    assert "wanted a photograph and a painting" in done.stderr
