"""The short way to a picture of the preset `instant`: the same as the ordinary one, without what makes that slow."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import photograph, run
from scumble.cli.style import short
from scumble.style.presets import ONE_PASS
from scumble.style.settings import StyleSettings

PAIR = "stylize content.png style.png --preset instant"

SIMPLE = [
    f"{PAIR} --size 40",
    "stylize content.png --preset=instant style.png --size=40 --output=o.png",
    "stylize --size 40 --preset instant content.png style.png style.png -o o.jpg --strength .5",
    f"{PAIR} --size 40 -o o.png --strength 0 --quiet",
    f"{PAIR} --size 40 -o o.png --strength 1 -q",
    f"{PAIR} --size 40 -o o.png --strength 1.0 --json --colour content",
    f"{PAIR} --size 40 -o o.png --colour match -v --seed 7",
    f"{PAIR} --size 40 -o o.webp --style-scale 1.5 --borders keep",
    f"{PAIR} --size 40 -o o.tif --bits 16 --style-scale .5",
    f"{PAIR} --size 40 -o o.png --preview now.jpg --strip --verbose",
    f"{PAIR} --size 40 -o o.png --json --preview now.jpg",
    f"{PAIR} --size 40 -o others.png",
    f"{PAIR} --size 40 -o others.png --overwrite",
    f"{PAIR} --size 40 -o others.png --json",
    f"{PAIR} --size 8 -o o.png",
    f"{PAIR} --size 40 -o o.gif",
    f"{PAIR} --size 40 -o none/o.png",
    f"{PAIR} --size 40 -o content.png",
    f"{PAIR} --size 40 -o o.jpg --bits 16 --quiet",
    f"{PAIR} --size 40 -o o.png --preview o.png",
    "stylize content.png none.png --preset instant",
    "stylize none.png[2] style.png --preset instant --json",
    "stylize text.png style.png --preset instant --size 40 -o o.png",
    "stylize text.png style.png --preset instant --size 40 -o o.png --json",
]
"""What the short way understands, pictures and mistakes alike."""

OTHERS = [
    "stylize content.png --preset instant",
    "stylize content.png style.png",
    f"{PAIR} --steps 5",
    f"{PAIR} --size A3",
    f"{PAIR} --size 0",
    f"{PAIR} --size 040",
    f"{PAIR} --size",
    f"{PAIR} --size -5",
    f"{PAIR} --size 40 --size 50",
    f"{PAIR} --strength 1.5",
    f"{PAIR} --strength nan",
    f"{PAIR} --strength ''",
    f"{PAIR} --style-scale 1,2",
    f"{PAIR} --style-scale 0",
    f"{PAIR} --seed ²",
    f"{PAIR} --colour red",
    f"{PAIR} --bits 12",
    f"{PAIR} --mask content.png",
    f"{PAIR} --dry-run",
    f"{PAIR} --resume",
    f"{PAIR} --help",
    f"{PAIR} --json=true",
    f"{PAIR} -o -o",
    f"{PAIR} -",
    f"{PAIR} -- more.png",
    "stylize content.png style.png --preset fine",
    "stylize content.png style.png --preset instant --preset instant",
    "batch content.png style.png --preset instant",
    "texture style.png style.png --preset instant",
    "--version",
    "",
]


@pytest.fixture
def folder(tmp_path, content_file, style_file, monkeypatch) -> Path:
    (tmp_path / "text.png").write_text("no picture")
    photograph(9, 9).save(tmp_path / "others.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def outcome(words: list[str], folder: Path, capsys) -> tuple[int, str, str, dict[str, bytes]]:
    """What a command line ends with, says and writes, but for the seconds; the folder is as before."""
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    code = run(*words)
    out, err = (re.sub(r"[\d.]+ seconds|\"seconds\": [\d.e-]+", "seconds", text) for text in capsys.readouterr())
    after = {path.name: path.read_bytes() for path in folder.iterdir()}
    for name in after.keys() - before.keys():
        (folder / name).unlink()
    for name, data in before.items():
        (folder / name).write_bytes(data)
    return code, out, err, {name: data for name, data in after.items() if before.get(name) != data}


@pytest.mark.parametrize("line", SIMPLE)
def test_both_ways_say_write_and_refuse_the_same(line, folder, monkeypatch, capsys):
    words = line.split()
    assert short.understood(words) is not None
    in_short = outcome(words, folder, capsys)
    monkeypatch.setattr(short, "understood", lambda arguments: None)
    assert in_short == outcome(words, folder, capsys)


def test_a_picture_of_ours_is_written_over_with_the_same_words(folder, monkeypatch, capsys):
    assert run(*PAIR.split(), "--size", 40, "-o", "o.png") == 0
    capsys.readouterr()
    words = f"{PAIR} --size 40 -o o.png --strength 0.3".split()
    in_short = outcome(words, folder, capsys)
    assert "is written over: its settings strength was 1.0, this one's is 0.3" in in_short[2]
    monkeypatch.setattr(short, "understood", lambda arguments: None)
    assert in_short == outcome(words, folder, capsys)


@pytest.mark.parametrize("line", OTHERS)
def test_what_is_not_plain_goes_the_ordinary_way(line):
    assert short.understood(line.replace("''", " ").split(" ")) is None


@pytest.mark.parametrize("line", SIMPLE)
def test_settings_are_read_as_the_settings_themselves_would(line):
    call = short.understood(line.split())
    assert call is not None
    settings = StyleSettings.model_validate(call.settings)
    assert settings.model_dump(mode="json", include=set(ONE_PASS)) == ONE_PASS | call.settings


def test_every_flag_is_one_of_the_commands_own():
    names = {flag.removeprefix("--").replace("-", "_") for flag in short.SETTINGS}
    assert names <= ONE_PASS.keys()
    assert names <= StyleSettings.model_fields.keys()


HEAVY = ("torch", "pydantic", "cyclopts", "rich", "scumble.style.settings", "tifffile", "importlib.metadata")


def test_the_short_way_imports_nothing_that_takes_long(folder):
    script = (
        "import sys, scumble.cli.app as app\n"
        "try: app.main(sys.argv[1:])\n"
        f"finally: assert not (there := [m for m in {HEAVY} if m in sys.modules]), there\n"
    )
    pytest.importorskip("onnxruntime")
    command = [sys.executable, "-c", script, *PAIR.split(), "--size", "40", "-o", "o.png"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    command[command.index("40")] = "A10"
    assert "cyclopts" in subprocess.run([*command, "--overwrite"], capture_output=True, text=True, timeout=60).stderr


def test_the_ordinary_way_needs_no_torch_either(folder):
    script = (
        "import sys, scumble.cli.app as app\ntry: app.main(sys.argv[1:])\nfinally: assert 'torch' not in sys.modules\n"
    )
    pytest.importorskip("onnxruntime")
    command = [sys.executable, "-c", script, *PAIR.split(), "--size", "A10", "--dpi", "30", "-o", "o.png"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
