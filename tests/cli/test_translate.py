"""Commands that translate, as they are typed, from pictures to pictures."""

import json

import pytest
from PIL import Image

from conftest import photographs, run

pytestmark = pytest.mark.usefixtures("one_thread")

TINY = ["--size", "16", "--width", "4", "--batch", "4", "--images", "40", "--grids", "1", "--patch-layers", "1"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    for number, picture in enumerate(photographs(20)):
        picture.save(tmp_path / "photos" / f"{number:02}.png")
    return tmp_path


def test_from_a_folder_to_coloured_pictures(folder, capsys):
    assert run("translate", "train", "photos", "--run", "runs/colours", "--pairs", "grey", *TINY) == 0
    captured = capsys.readouterr()
    assert captured.out.splitlines() == ["runs/colours/model", "runs/colours/grids/000000000040.png"]
    assert "side A is made by code: grey for colours" in captured.err
    assert run("translate", "apply", "runs/colours", "photos/03.png", "-o", "one.png") == 0
    with Image.open("one.png") as picture:
        assert (picture.mode, picture.size) == ("RGB", (24, 20))
    assert run("translate", "apply", "runs/colours/model", "photos", "-o", "out", "--json") == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()[1:]]
    assert events[-1]["event"] == "finished"
    assert sum(event["event"] == "saved" for event in events) == 21
    assert run("translate", "apply", "runs/colours", "photos", "-o", "out") == 0
    assert capsys.readouterr().err.count("is finished: nothing is left to do") == 20


def test_json_tells_every_event(folder, capsys):
    assert run("translate", "train", "photos", "--run", "run", "--pairs", "grey", *TINY, "--json") == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert events[-1]["event"] == "finished"
    assert events[-1]["images"] == 40
    assert {"loss_d", "loss_g", "l1"} <= set(events[-1])


def test_check_tells_what_would_be_trained(folder, capsys):
    assert run("translate", "check", "photos", "--pairs", "grey", *TINY) == 0
    told = capsys.readouterr().out
    assert "16x16, 1 channel to 16x16, 3 channels" in told
    assert "networks  generator " in told
    assert "note: few pictures on side A: 16; expect results that fit these alone" in told
    assert "scumble translate train photos --run runs/photos" in told
    assert "--pairs grey" in told
    assert run("translate", "check", "photos", "--pairs", "grey", "--no-flip", *TINY, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["figures"]["pictures"] == 16
    images, seconds = found["figures"]["images"], found["figures"]["seconds"]
    speed = found["figures"]["images_per_second"]
    assert images["within the hour"] == 400  # ten times what was asked for takes no hour
    assert seconds == {when: pytest.approx(number / speed) for when, number in images.items()}
    assert found["commands"]["by tomorrow"].startswith("scumble translate train photos")
    assert " --no-flip --images " in found["commands"]["by tomorrow"]


def test_evaluate_stands_beside_what_takes_no_network(folder, capsys):
    assert run("translate", "train", "photos", "--run", "run", "--pairs", "grey", *TINY, "--evaluate-every", "20") == 0
    captured = capsys.readouterr()
    assert captured.out.splitlines() == ["run/model", "run/best", "run/grids/000000000040.png"]
    assert "at 20 images: " in captured.err
    rows = [json.loads(line) for line in (folder / "run" / "metrics.jsonl").read_text().splitlines()]
    assert [row["images"] for row in rows if "withheld_l1" in row] == [20, 40]
    assert run("translate", "evaluate", "run/best", "photos") == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0].split()[:4] == ["figure", "value", "95%", "interval"]
    assert "identity" in told[0]
    assert any(line.startswith("L1 ") for line in told)
    assert told[-1].startswith("decides: ")
    assert run("translate", "evaluate", "run", "photos", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert {"figures", "baselines", "ahead", "criterion", "lower_is_better"} <= found.keys()
    assert found["figures"]["l1"].keys() == {"name", "value", "low", "high", "pictures"}


def test_presets_are_listed_with_what_they_learn_from(capsys):
    assert run("translate", "presets") == 0
    told = capsys.readouterr().out
    assert "pix2pix" in told
    assert "two translators that undo each other" in told
    assert run("translate", "presets", "--json") == 0
    rows = json.loads(capsys.readouterr().out)["presets"]
    assert {"preset", "year", "paper", "news", "learns_from", "published", "differs", "values"} == rows[0].keys()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["train", "photos", "--run", "r"], 1, "photos"),
        (["train", "photos", "--run", "r", "--pairs", "grey", "--weights", "a=1"], 2, "weights: got a, which is no"),
        (["train", "photos", "--run", "r", "--pairs", "sepia"], 2, "pairs: got 'sepia', wanted"),
        (["train", "nowhere", "--run", "r"], 1, "nowhere"),
        (["apply", "nowhere", "photos/00.png"], 1, "nowhere"),
        (["evaluate", "nowhere", "photos", "--pictures", "0"], 2, "pictures: got 0, wanted 1 or more"),
        (["export", "photos"], 1, "photos is no run; wanted"),
        (["export", "photos", "-o", "x.pt"], 2, "output x.pt ends in '.pt'"),
    ],
)
def test_mistakes_are_told_in_a_line(folder, capsys, arguments, code, words):
    assert run("translate", *arguments) == code
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.startswith("scumble: ")
    assert words in last
    assert not (folder / "r").exists()
