"""The few-label linear probe: the protocol, its table, the classifier that is saved, and labels for pictures."""

import json

import numpy as np
import pytest

from gan_material import TINY_TRAINING, halves_of_noise
from scumble import GAN
from scumble.cli import app
from scumble.errors import SettingsError
from scumble.events import Progress, returned
from scumble.gan.facts import ClassifierFacts
from scumble.gan.probe.protocol import SUBJECTS, TABLE, classify_events
from scumble.gan.probe.table import confidence_interval
from scumble.gan.probe.trials import TRIALS
from scumble.gan.settings import ClassifySettings
from scumble.gan.train import train

pytestmark = pytest.mark.usefixtures("one_thread", "one_c")

QUICK = ClassifySettings(labelled="1,3", draws=2, supervised_steps=2)


def command(*words: object) -> int:
    with pytest.raises(SystemExit) as exit_:
        app.main(["gan", *map(str, words)])
    return int(exit_.value.code or 0)


def test_the_table_holds_every_subject_and_number_of_labels(halves_run, halves):
    table = returned(classify_events(halves_run, halves, settings=QUICK))
    assert [(row["subject"], row["labels"]) for row in table["rows"]] == [(s, n) for s in SUBJECTS for n in (1, 3)]
    assert table["tested"] == 30
    assert np.array(table["confusion"]).sum(1).tolist() == [10, 10, 10]
    trials = [json.loads(line) for line in (halves_run / "classifier" / TRIALS).read_text().splitlines() if line]
    for row in table["rows"]:
        these = [t["confusion"] for t in trials if (t["subject"], t["labels"]) == (row["subject"], row["labels"])]
        assert len(these) == row["draws"] == 2
        right = [np.trace(confusion) / 30 for confusion in these]
        assert row["accuracy"] == pytest.approx(np.mean(right))
        assert row["interval"] == pytest.approx(confidence_interval(right))
    pixels = next(row for row in table["rows"] if (row["subject"], row["labels"]) == ("pixels", 3))
    assert pixels["accuracy"] > 0.9  # halves are easy
    assert (halves_run / "classifier" / "table.png").stat().st_size > 10_000


def test_a_job_that_was_stopped_goes_on_to_the_same_table(halves_run, halves, tmp_path):
    whole = returned(classify_events(halves_run, halves, tmp_path / "whole", QUICK))
    events = classify_events(halves_run, halves, tmp_path / "parts", QUICK)
    while not (isinstance(event := next(events), Progress) and event.job == "classify" and event.done == 5):
        pass
    events.close()
    trials = tmp_path / "parts" / TRIALS
    trials.write_text(trials.read_text() + '\n{"key": "cut sh')
    found = json.loads((tmp_path / "parts" / TABLE).read_text())  # so far
    assert ([row["subject"] for row in found["rows"]], found["missing"]) == (["discriminator"] * 2, 12)
    events = classify_events(halves_run, halves, tmp_path / "parts", QUICK)
    done = [e.done for e in events if isinstance(e, Progress) and e.job == "classify"]
    assert done == list(range(6, 17))
    assert json.loads((tmp_path / "parts" / TABLE).read_text()) == json.loads(json.dumps(whole))
    before = trials.read_bytes()
    returned(classify_events(halves_run, halves, tmp_path / "parts", QUICK))
    assert trials.read_bytes() == before


def test_features_from_a_file_give_the_same_table(halves_run, halves, tmp_path):
    assert command("features", halves_run, halves, "-o", tmp_path / "f.npy", "-q") == 0
    one = returned(classify_events(halves_run, halves, tmp_path / "one", QUICK))
    other = returned(classify_events(halves_run, halves, tmp_path / "other", QUICK, tmp_path / "f.npy"))
    assert one == other


def test_without_a_part_for_testing_a_fifth_is_held_out(tmp_path):
    x, y = halves_of_noise(180, 0)
    np.savez(tmp_path / "all.npz", x=x, y=y)
    train(tmp_path / "all.npz", tmp_path / "run", **TINY_TRAINING)
    settings = QUICK.model_copy(update={"labelled": "2,all", "classifier": "logistic"})
    table = returned(classify_events(tmp_path / "run", tmp_path / "all.npz", settings=settings))
    assert table["tested"] == 36
    assert table["tested_by"] == "36 labelled pictures, a fifth, held out"
    assert table["labels_of_all"] == 144
    of_all = [row for row in table["rows"] if row["labels"] == "all"]
    assert {(row["draws"], row["interval"]) for row in of_all} == {(1, None)}


def save(path, pixels, labels=None):
    np.savez(path, x=pixels, **({} if labels is None else {"y": labels}))
    return path


@pytest.mark.parametrize(
    ("kind", "words", "code", "complaint"),
    [
        ("larger", [], 1, "holds grey pictures of 20x20; the discriminator takes grey pictures of 16x16"),
        ("colour", [], 1, "holds colour pictures of 16x16; the discriminator takes grey"),
        ("unlabelled", [], 1, "has no classes"),
        ("one class", [], 1, "has no classes (all are of one class, same)"),
        ("single", [], 1, "class 'rare' has 1 picture; wanted 2"),
        ("whole", ["--labelled", "17"], 1, "has 16 pictures to learn from; wanted 17"),
        ("whole", ["--labels", "17"], 1, "has 16 pictures to learn from; wanted 17"),  # as it was called before
        ("whole", ["--labelled", "0"], 2, "labelled: got '0', wanted 1 or more"),
        ("whole", ["--labelled", "ten"], 2, "labelled: got 'ten'"),
        ("whole", ["--labels", "ten"], 1, "ten does not exist; wanted a table of labels"),
        ("whole", ["--labelled", "3", "--features", "missing.npy"], 1, "cannot be read as features"),
        ("whole", ["-o", "taken"], 1, "holds something else"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    kind, words, code, complaint, halves_run, halves, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "thesis.txt").write_text("mine")
    (x, y), odd = halves_of_noise(48, 0), tmp_path / "odd.npz"
    data = {
        "larger": lambda: save(odd, np.pad(x, ((0, 0), (2, 2), (2, 2))), y),
        "colour": lambda: save(odd, np.stack([x, x // 2, x], 3), y),
        "unlabelled": lambda: save(odd, x),
        "one class": lambda: save(odd, x, np.array(["same"] * 48)),
        "single": lambda: save(odd, x, np.array(["rare", *(["many"] * 47)])),
        "whole": lambda: halves,
    }[kind]()
    capsys.readouterr()
    assert command("classify", halves_run, data, *words) == code
    error = capsys.readouterr().err
    assert complaint in error
    assert "Traceback" not in error
    assert not (halves_run / "classifier").exists()
    assert [path.name for path in (tmp_path / "taken").iterdir()] == ["thesis.txt"]


def test_features_of_another_run_are_refused(halves_run, halves, tmp_path, capsys):
    train(halves, tmp_path / "other", seed=1, **TINY_TRAINING)
    assert command("features", tmp_path / "other", halves, "-o", tmp_path / "f.npy", "-q") == 0
    assert command("classify", halves_run, halves, "--labelled", "3", "--features", tmp_path / "f.npy") == 1
    assert "holds features of another run" in capsys.readouterr().err


def test_a_semi_supervised_run_stands_in_the_same_table(halves_run, halves, tmp_path):
    for seed in (0, 1):
        train(halves, tmp_path / f"semi{seed}", preset="sgan", labelled=3, seed=seed, **TINY_TRAINING)
    semi = [tmp_path / "semi0", tmp_path / "semi1"]
    table = returned(classify_events(halves_run, halves, tmp_path / "out", QUICK, semi=semi))
    row = table["rows"][-1]
    assert (row["subject"], row["labels"], row["draws"]) == ("semi-supervised", 3, 2)
    assert GAN.from_pretrained(semi[0]).classes == ()
    with pytest.raises(SettingsError, match="condition none; wanted few-labels"):
        returned(classify_events(halves_run, halves, tmp_path / "again", QUICK, semi=[halves_run]))


def test_more_labels_make_another_classifier_and_fewer_none(halves_run, halves):
    kept = []
    for labelled in ("1", "1,3", "1"):
        returned(classify_events(halves_run, halves, settings=QUICK.model_copy(update={"labelled": labelled})))
        kept.append(ClassifierFacts.read_from(halves_run / "classifier").classifier.labelled)
    assert kept == [3, 9, 9]
