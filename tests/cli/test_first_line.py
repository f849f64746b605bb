"""The first line of output: what is going to be done, before PyTorch is imported, which takes seconds."""

import json
import os
import subprocess
import sys

import pytest

from scumble.cli import report

NO_TORCH = 77
COMMANDS = {
    "stylize": (("content.png", "style.png"), "painting content.png in the style of style.png: content-style.png"),
    "stylize --dry-run": (("content.png", "style.png"), "planning content.png in the style of style.png"),
    "texture": (("style.png",), "painting a texture of style.png: style-texture.png"),
    "batch": (("content.png", "--style", "style.png"), "painting content.png in the style of style.png, into painted"),
    "gan train": (("digits", "--run", "runs/new"), "training on digits: runs/new"),
    "gan classify": (("runs/new", "digits"), "classifying digits by runs/new: runs/new/classifier"),
    "translate train": (("photos", "--run", "runs/new"), "training on photos: runs/new"),
    "translate apply": (("runs/new", "content.png"), "translating content.png with runs/new: translated"),
    "gan evaluate": (("runs/new", "digits"), "comparing pictures of runs/new with digits"),
}


def without_torch(*arguments: str, folder) -> subprocess.CompletedProcess[str]:
    """A command where importing PyTorch ends the process at once."""
    (folder / "empty" / "torch").mkdir(parents=True)
    (folder / "empty" / "torch" / "__init__.py").write_text(f"import os\nos._exit({NO_TORCH})\n")
    command = [
        sys.executable,
        "-c",
        "import sys; sys.path.insert(0, 'empty'); from scumble.cli.app import main; main()",
    ]
    return subprocess.run([*command, *arguments], cwd=folder, capture_output=True, text=True, timeout=60)


@pytest.mark.usefixtures("content_file", "style_file")
@pytest.mark.parametrize("command", COMMANDS)
def test_it_comes_before_torch(command, tmp_path):
    arguments, line = COMMANDS[command]
    done = without_torch(*command.split(), *arguments, folder=tmp_path)
    assert done.returncode == NO_TORCH, done.stderr
    assert done.stderr.startswith(line)


@pytest.mark.usefixtures("content_file", "style_file")
def test_it_is_an_event_in_json_and_left_out_where_only_results_are_wanted(tmp_path):
    done = without_torch("stylize", "content.png", "style.png", "--json", folder=tmp_path)
    message = "painting content.png in the style of style.png: content-style.png"
    assert json.loads(done.stdout) == {"event": "noted", "message": message}
    (tmp_path / "quiet").mkdir()
    for name in ("content.png", "style.png"):
        os.link(tmp_path / name, tmp_path / "quiet" / name)
    done = without_torch("stylize", "content.png", "style.png", "--quiet", folder=tmp_path / "quiet")
    assert (done.returncode, done.stdout, done.stderr) == (NO_TORCH, "", "")


def test_of_several_processes_the_first_says_it(monkeypatch, capsys):
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "x")
    for rank, said in (("1", ""), ("0", "training\n")):
        monkeypatch.setenv("RANK", rank)
        report.begin("training")
        assert capsys.readouterr().err == said


def test_of_many_pictures_three_are_named(tmp_path):
    for name in ("a.png", "b.png", "c.png", "d.png", "e.png"):
        (tmp_path / name).write_bytes(b"")
    pictures = ("a.png", "b.png", "c.png", "d.png", "e.png", "--style", "a.png")
    done = without_torch("batch", *pictures, folder=tmp_path)
    assert done.stderr.startswith("painting a.png, b.png, c.png and 2 more in the style of a.png, into painted")
