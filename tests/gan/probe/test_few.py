"""Few labels beside many pictures without: learnt from and tested with in turn, stopped and resumed, and refused."""

import csv
import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from conftest import run as command
from gan_material import HALVES, TINY_TRAINING, halves_of_noise
from scumble.data import dataset
from scumble.data.labels import UNLABELLED
from scumble.data.sources.opener import open_source
from scumble.errors import RunError, SettingsError
from scumble.events import Noted, Warned, returned
from scumble.gan.evaluation.pictures import both_sets
from scumble.gan.facts import ClassifierFacts
from scumble.gan.probe.data import ProbeData, split
from scumble.gan.probe.protocol import IN_ORDER, SUBJECTS, TABLE, classify_events
from scumble.gan.probe.table import wilson_interval
from scumble.gan.probe.trials import TRIALS
from scumble.gan.settings import ClassifySettings, GANSettings
from scumble.gan.train import train, train_events

pytestmark = pytest.mark.usefixtures("one_thread", "one_c")

QUICK = ClassifySettings(draws=2, supervised_steps=1)
WORDS = ("--draws", "2", "--supervised-steps", "1")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """90 unlabelled pictures, the classes of ten of each kind, and a run of a few steps."""
    folder = tmp_path_factory.mktemp("few")
    (folder / "photos").mkdir()
    pixels, names = halves_of_noise(90, 0)
    for number, picture in enumerate(pixels):
        Image.fromarray(picture).save(folder / "photos" / f"{number:02}.png")
    rows = [(f"{number:02}.png", str(name)) for number, name in enumerate(names[:30])]
    written(folder / "few.csv", rows)
    for number, name in rows:
        (folder / "few" / name).mkdir(parents=True, exist_ok=True)
        shutil.copy(folder / "photos" / number, folder / "few" / name / number)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SCUMBLE_HOME", str(folder / "cache"))
        train(folder / "photos", folder / "run", **TINY_TRAINING)
    return folder


def written(path: Path, rows: list[tuple[str, str]]) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("picture", "class"), *rows])
    return path


def data_of(folder: Path, labels: str) -> ProbeData:
    pictures = returned(dataset.prepare(open_source(folder / "photos", folder / labels)))
    return returned(split(str(folder / "photos"), pictures))


def test_no_picture_is_tested_by_what_has_learnt_from_it_and_every_labelled_one_is_once_a_round(folder):
    data = data_of(folder, "few.csv")
    assert (data.folds, len(data.learning), len(data.test_labels)) == (5, 30, 30)
    assert (data.labels[data.learning] == data.test_labels).all()
    assert (data.labels != UNLABELLED).sum() == 30
    for per_class, learnt in ((None, 24), (10, 24), (4, 12), (1, 3)):
        tested = []
        for draw in range(5):
            learning, testing = data.draw(per_class, 0, draw), data.learning[data.tested(0, draw)]
            assert not set(learning) & set(testing)
            assert len(learning) == learnt
            assert np.bincount(data.labels[testing]).tolist() == [2, 2, 2]
            tested += testing.tolist()
        assert sorted(tested) == data.learning.tolist()
    assert data.tested(0, 0).tolist() != data.tested(0, 5).tolist()  # another round, other parts
    assert data.numbers_of_labels(None) == [1, 4, None]


def test_ten_labels_a_class_are_enough_for_a_table_and_a_classifier_that_has_them_all(folder, tmp_path):
    tables = []
    for labels in ("few.csv", "few"):
        out = tmp_path / labels
        tables.append(returned(classify_events(folder / "run", folder / "photos", out, QUICK, labels=folder / labels)))
    found = tables[0]
    assert found == tables[1]
    assert [(row["subject"], row["labels"]) for row in found["rows"]] == [
        (s, n) for s in SUBJECTS for n in (1, 4, "all")
    ]
    assert {row["draws"] for row in found["rows"]} == {5}
    assert (found["tested"], found["labels_of_all"], found["missing"]) == (30, 30, 0)
    assert found["tested_by"] == "cross-validation of 30 labelled pictures in 5 parts"
    assert np.array(found["confusion"]).sum(1).tolist() == [10, 10, 10]
    of_pixels = next(row for row in found["rows"] if (row["subject"], row["labels"]) == ("pixels", "all"))
    assert of_pixels["accuracy"] > 0.8
    assert of_pixels["interval"] == pytest.approx(wilson_interval(of_pixels["accuracy"], 30))
    best = next(row for row in found["rows"] if (row["subject"], row["labels"]) == ("discriminator", "all"))
    known = ClassifierFacts.read_from(tmp_path / "few").classifier
    assert (known.labelled, known.tested, known.folds, known.accuracy) == (30, 30, 5, best["accuracy"])
    assert "30 pictures in cross-validation in 5 parts, by others" in (tmp_path / "few" / "README.md").read_text()


def test_the_time_is_told_first_and_each_row_as_soon_as_it_is_there(folder, tmp_path):
    events = classify_events(folder / "run", folder / "photos", tmp_path, QUICK, labels=folder / "few.csv")
    told = [event.message for event in events if isinstance(event, Noted)]
    (at,) = [number for number, message in enumerate(told) if message.startswith("about ")]
    each = ", ".join(rf"{subject} \d+ s" for subject in IN_ORDER)
    assert re.fullmatch(rf"about \d+ s here: {each}; it can be stopped, and goes on", told[at])
    assert "tested by cross-validation of 30 labelled pictures in 5 parts" in " ".join(told[:at])
    rows = told[at + 1 :]
    assert rows[0].startswith("discriminator, 1 label a class: ")
    assert len(rows) == 12
    assert rows[-1].startswith("supervised, all labels a class: ")


def test_killed_at_any_moment_it_goes_on_to_the_same_table_and_classifier(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    words = [sys.executable, "-m", "scumble", "gan", "classify", str(folder / "run"), str(folder / "photos"), *WORDS]
    words += ["--labels", str(folder / "few"), "-q"]
    subprocess.run([*words, "-o", str(tmp_path / "whole")], check=True, timeout=300)
    killed = subprocess.Popen([*words, "-o", str(tmp_path / "parts")])
    trials = tmp_path / "parts" / TRIALS
    deadline = time.monotonic() + 300
    while not (trials.exists() and trials.read_text().count("confusion") > 20) and time.monotonic() < deadline:
        time.sleep(0.01)
    killed.kill()
    killed.wait()
    done = trials.read_text().count("confusion")
    assert 20 < done < 60
    subprocess.run([*words, "-o", str(tmp_path / "parts")], check=True, timeout=300)
    assert trials.read_text().count("confusion") == 60
    for name in (TABLE, "model.safetensors", "settings.json"):
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_of_many_labels_beside_others_a_fifth_is_held_out(tmp_path):
    pixels, names = halves_of_noise(200, 0)
    (tmp_path / "photos").mkdir()
    for number, picture in enumerate(pixels):
        Image.fromarray(picture).save(tmp_path / "photos" / f"{number:03}.png")
    written(tmp_path / "few.csv", [(f"{number:03}.png", str(names[number])) for number in range(150)])
    data = data_of(tmp_path, "few.csv")
    assert (data.folds, len(data.learning), len(data.test_labels)) == (0, 120, 30)
    assert not data.is_apart
    assert data.numbers_of_labels(None) == [1, 4, 10, 25, None]


def test_labels_of_a_part_for_testing_are_tested_with(tmp_path):
    pixels, names = halves_of_noise(60, 0)
    for number, (picture, name) in enumerate(zip(pixels, names, strict=True)):
        part = Path("test", str(name)) if number < 30 else Path("train", "unlabelled")
        (tmp_path / "photos" / part).mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(tmp_path / "photos" / part / f"{number:02}.png")
    written(tmp_path / "few.csv", [(f"{number:02}.png", str(names[number])) for number in range(30, 36)])
    data = data_of(tmp_path, "few.csv")
    assert (data.folds, len(data.learning), len(data.test_labels), data.is_apart) == (0, 6, 30, True)
    assert data.tested_by == "the part for testing"
    assert data.numbers_of_labels(None) == [1, None]


def test_a_run_that_was_not_finished_is_warned_of(folder, tmp_path):
    settings = GANSettings(**TINY_TRAINING | {"images": 24_000})
    events = train_events(folder / "photos", tmp_path / "run", settings)
    for event in events:
        if getattr(event, "done", 0) and getattr(event, "job", "") == "train":
            events.close()
    told = classify_events(tmp_path / "run", folder / "photos", None, QUICK, labels=folder / "few.csv")
    first = next(event for event in told if isinstance(event, Warned))
    assert "run is not finished, it was trained for " in first.message
    assert "of 24,000 images: `scumble gan train` goes on with it" in first.message


# --- Training with them ---------------------------------------------------------------------------------------------


def test_a_semi_supervised_training_learns_from_all_labels_and_from_all_pictures(folder, game):
    pictures = returned(dataset.prepare(open_source(folder / "photos", folder / "few")))
    this = game(pictures, preset="sgan", labelled=2)
    assert this.labels is not None
    assert this.known is not None
    assert np.bincount(this.labels[this.known]).tolist() == [10, 10, 10]
    assert len(this.learning) + len(this.held_out) == 90
    assert set(this.known) <= set(this.learning)


@pytest.mark.parametrize("preset", ["cgan", "acgan", "projection"])
def test_a_training_that_needs_every_class_is_refused_with_what_to_do(folder, game, preset):
    pictures = returned(dataset.prepare(open_source(folder / "photos", folder / "few")))
    with pytest.raises(SettingsError, match=r"60 of 90 pictures have no class, .*30\.png; wanted a class for each"):
        game(pictures, preset=preset)


def test_its_own_answers_are_not_tested_with_labels_that_it_was_given(folder, tmp_path):
    settings = GANSettings(preset="sgan", **TINY_TRAINING)
    told = list(train_events(folder / "photos", tmp_path / "semi", settings, labels=folder / "few.csv"))
    assert any("60 of 90 pictures have no class" in event.message for event in told if isinstance(event, Noted))
    job = (tmp_path / "out", QUICK, None, [tmp_path / "semi"], folder / "few.csv")
    with pytest.raises(RunError, match="has learnt from the labels that it would be tested with"):
        returned(classify_events(folder / "run", folder / "photos", *job))
    job = classify_events(tmp_path / "semi", folder / "photos", tmp_path / "out", QUICK, labels=folder / "few.csv")
    assert "its errors are too few" in next(event.message for event in job if isinstance(event, Warned))


def test_what_label_writes_is_corrected_and_trained_with_by_class(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    out = tmp_path / "labels.csv"
    made = tmp_path / "classifier"
    assert (
        command("gan", "classify", "run", "photos", "--labels", "few.csv", "--labelled", "all", *WORDS, "-o", made) == 0
    )
    assert command("gan", "label", "photos", "--classifier", made, "--labels", "few.csv", "-o", out) == 0
    rows = {row["picture"]: row["class"] for row in csv.DictReader(out.read_text().splitlines())}
    assert len(rows) == 90
    _, names = halves_of_noise(90, 0)
    assert [rows[f"{number:02}.png"] for number in range(30)] == names[:30].tolist()  # those that were given stay
    wrong = "89.png"
    lines = [line.replace(rows[wrong], "corrected", 1) if line.startswith(wrong) else line for line in
             out.read_text().splitlines()]  # fmt: skip
    out.write_text("\n".join(lines))
    words = ["--preset", "projection", "--critic-steps", "1", "--width", "4", "--latent", "8", "--batch", "12"]
    words += ["--images", "24", "--grids", "1"]
    capsys.readouterr()
    assert command("gan", "train", "photos", "--labels", out, "--run", tmp_path / "by-class", *words) == 0
    assert "classes: 4: corrected (1), " in capsys.readouterr().err
    facts = json.loads((tmp_path / "by-class" / "settings.json").read_text())
    assert facts["data"]["classes"] == sorted([*HALVES, "corrected"])


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        (
            [("nowhere.png", "left"), ("none.png", "right")],
            "names no picture of photos: its first row is 'nowhere.png'",
        ),
        ([("00.png", "left"), ("01.png", "right"), ("03.png", "left")], "class 'right' has 1 picture; wanted 2"),
        ([("00.png", "left"), ("03.png", "left")], "has no classes (88 of 90 pictures have no class, the first"),
        (
            [("00.png", "left"), ("00.png", "right"), ("01.png", "right")],
            "00.png of photos has the labels left and right; wanted one class a picture",
        ),
        ([("00.png", ""), ("01.png", "")], "has no classes (they have no labels"),
        ([], "has a single row, 'picture,class'"),
    ],
    ids=["elsewhere", "one label", "one class", "disagreeing", "blank", "empty"],
)
def test_labels_that_are_of_no_use_are_one_line(rows, complaint, folder, tmp_path, capsys):
    table = written(tmp_path / "few.csv", rows)
    made = tmp_path / "out"
    assert command("gan", "classify", folder / "run", folder / "photos", "--labels", table, "-o", made) == 1
    error = capsys.readouterr().err
    assert complaint in error
    assert "Traceback" not in error
    assert not made.exists()


def test_labels_twice_or_for_pictures_elsewhere_are_told_and_do_no_harm(folder, tmp_path):
    _, names = halves_of_noise(30, 0)
    rows = [(f"{number:02}.png", str(name)) for number, name in enumerate(names)]
    table = written(tmp_path / "few.csv", [*rows, ("00.png", "left"), ("else.png", "top")])
    source = open_source(folder / "photos", table)
    assert "1 of 32 rows of few.csv name no picture, or several, the first: else.png" in source.told[-1].message
    assert [item.label for item in source.items] == [
        item.label for item in open_source(folder / "photos", folder / "few.csv").items
    ]


def test_labelled_pictures_beside_the_others_are_real_ones_too(folder, tmp_path):
    shutil.copytree(folder / "few", tmp_path / "few")
    shutil.copy(folder / "photos" / "50.png", tmp_path / "few" / "top" / "another.png")
    photos = str(folder / "photos")
    for labels, count in ((None, 90), (folder / "few.csv", 90), (folder / "few", 90), (tmp_path / "few", 91)):
        real, evaluated = returned(both_sets(photos, None, photos, "train", labels))
        assert (real.count, evaluated.count) == (count, 90)
