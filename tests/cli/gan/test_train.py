"""Commands that train, as they are typed, and what their runs are good for."""

import json

import numpy as np
import pytest
from PIL import Image

from conftest import run

pytestmark = pytest.mark.usefixtures("one_thread")

TINY = ["--width", "4", "--latent", "8", "--batch", "8", "--images", "400", "--grids", "3"]


def test_from_pictures_to_samples(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run("gan", "check", "digits") == 0
    told = capsys.readouterr().out
    assert "1,797" in told
    assert "scumble gan train digits --run runs/digits --augment" in told
    assert run("gan", "train", "digits", "--run", "runs/digits", *TINY) == 0
    captured = capsys.readouterr()
    assert captured.out.splitlines() == ["runs/digits/model", "runs/digits/grids/000000000400.png"]
    assert "images 400" in captured.err
    assert run("gan", "sample", "runs/digits", "--seeds", "0-8", "-o", "grid.png", "--truncation", "1") == 0
    with Image.open("grid.png") as grid:
        assert grid.size == (3 * 64 + 4, 3 * 64 + 4)
    assert run("info", "grid.png", "--json") == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["seeds"] == list(range(9))
    assert run("gan", "sample", "runs/digits/model", "--seeds", "5", "-o", "one") == 0
    assert run("gan", "plot", "runs/digits") == 0
    assert run("gan", "film", "runs/digits") == 0
    assert capsys.readouterr().out.split() == ["one/seed000005.png", "runs/digits/curves.png", "runs/digits/film.webp"]


def test_json_tells_every_event(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run("gan", "train", "digits", "--run", "run", *TINY, "--json") == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert events[-1]["event"] == "finished"
    assert events[-1]["images"] == 400
    assert {"loss_d", "loss_g", "d_real", "d_fake", "images_per_second"} <= set(events[-1])
    for command, written in (
        (["sample", "run", "--seeds", "0-3", "-o", "samples.png"], ["samples.png"]),
        (["interpolate", "run", "--seeds", "0,1", "-o", "walk.png"], ["walk.png"]),
        (["arithmetic", "run", "0", "1", "2"], ["arithmetic.png"]),
        (["plot", "run"], ["run/curves.png"]),
        (["film", "run", "-o", "film.gif"], ["film.gif"]),
        (["features", "run", "digits", "--side", "1", "--layers", "1"], ["features.npy", "features.json"]),
    ):
        assert run("gan", *command, "--json") == 0
        events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert [event["path"] for event in events if event["event"] == "saved"] == written
    assert run("gan", "check", "digits", "--json") == 0
    assert json.loads(capsys.readouterr().out)["found"]["pictures"] == "1,797"


def test_a_run_of_another_preset_is_one_line_and_exit_code_1(tmp_path, capsys):
    assert run("gan", "train", "digits", "--run", tmp_path / "run", *TINY, "-q") == 0
    capsys.readouterr()
    assert run("gan", "train", "digits", "--run", tmp_path / "run", "--preset", "dcgan") == 1
    error = capsys.readouterr().err
    assert "is a run with preset sndcgan; got preset dcgan" in error
    assert "Traceback" not in error


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["train", "digits"], 2, "run"),
        (["train", "nowhere", "--run", "run"], 1, "nowhere"),
        (["train", "digits", "--run", "run", "--width", "2"], 2, "width: got"),
        (["train", "digits", "--run", "run", "--size", "9"], 2, "sides of 16 to 4096"),
        (["train", "digits", "--run", "run", "--preset", "biggan"], 2, "preset"),
        (["sample", "nowhere"], 1, "nowhere is no"),
        (["sample", "nowhere", "--seeds", "9-3"], 2, "seeds: got '9-3'"),
        (["plot", "nowhere"], 1, "nowhere is no run"),
        (["film", "nowhere", "-o", "film.avi"], 2, ".webp"),
        (["check", "empty"], 1, "empty"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(arguments, code, words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    assert run("gan", *arguments) == code
    error = capsys.readouterr().err
    assert words in error
    assert "Traceback" not in error
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]


def test_check_tells_what_will_go_wrong(tmp_path, capsys):
    rng = np.random.default_rng(0)
    for number in range(20):
        side = 100 if number < 15 else 40
        Image.fromarray(rng.integers(0, 256, (side, side, 3), dtype=np.uint8)).save(tmp_path / f"{number}.png")
    Image.open(tmp_path / "0.png").save(tmp_path / "copy.png")
    (tmp_path / "broken.png").write_bytes(b"not a picture")
    assert run("gan", "check", tmp_path) == 0
    told = capsys.readouterr().out
    for words in ("100x100 (16), 40x40 (5)", "very few", "unreadable: 1, to be skipped", "--size 100"):
        assert words in told
    assert "duplicates: 1" in told
    assert "sizes differ" in told
