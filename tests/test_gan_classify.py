"""Few labels: the protocol, its table, the classifier that is kept, and labels for pictures."""

import csv
import json
import shutil
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.special import log_softmax

from scumble import GAN, Classifier, device
from scumble.cli import app
from scumble.data.dataset import Dataset
from scumble.data.labels import hold_out
from scumble.errors import RunError, SettingsError
from scumble.events import Progress, returned
from scumble.gan import classify, linear
from scumble.gan.classify import SUBJECTS, TABLE, TRIALS, Trial, _Trials, classify_events, interval
from scumble.gan.conditioning import UNLABELLED, FewLabelsJudge
from scumble.gan.critic import Critic
from scumble.gan.model import build
from scumble.gan.settings import ClassifySettings, GANSettings
from scumble.gan.train import train
from scumble.gan.trainer import Trainer
from scumble.image.tensors import to_signed

pytestmark = pytest.mark.usefixtures("one_thread")

TINY = {"images": 24, "width": 4, "latent": 8, "batch": 12, "grids": 1}
QUICK = ClassifySettings(labels="1,3", draws=2, supervised_steps=2)
CLASSES = ("left", "right", "top")


def pictures(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(N, 16, 16) noise with a bright half, and which half."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    pixels = random.integers(0, 120, (count, 16, 16), dtype=np.uint8)
    for picture, label in zip(pixels, labels, strict=True):
        (picture[:, :8], picture[:, 8:], picture[:8])[label][:] += 100
    return pixels, np.array(CLASSES)[labels]


@pytest.fixture(autouse=True)
def one_c(monkeypatch):
    """What cross-validation chooses is tested elsewhere."""
    monkeypatch.setattr(linear, "GRID", (10.0,))


@pytest.fixture
def halves(tmp_path):
    """A data set with a part for testing."""
    (x, y), (x_test, y_test) = pictures(48, 0), pictures(30, 1)
    np.savez(tmp_path / "halves.npz", x_train=x, y_train=y, x_test=x_test, y_test=y_test)
    return tmp_path / "halves.npz"


@pytest.fixture
def run(halves, tmp_path):
    train(halves, tmp_path / "run", **TINY)
    return tmp_path / "run"


def command(*words: object) -> int:
    with pytest.raises(SystemExit) as exit_:
        app.main(["gan", *map(str, words)])
    return int(exit_.value.code or 0)


def test_the_table_holds_every_subject_and_number_of_labels(run, halves):
    table = returned(classify_events(run, halves, settings=QUICK))
    assert [(row["subject"], row["labels"]) for row in table["rows"]] == [(s, n) for s in SUBJECTS for n in (1, 3)]
    assert table["tested"] == 30
    assert np.array(table["confusion"]).sum(1).tolist() == [10, 10, 10]
    trials = [json.loads(line) for line in (run / "classifier" / TRIALS).read_text().splitlines() if line]
    for row in table["rows"]:
        these = [t["confusion"] for t in trials if (t["subject"], t["labels"]) == (row["subject"], row["labels"])]
        assert len(these) == row["draws"] == 2
        right = [np.trace(confusion) / 30 for confusion in these]
        assert row["accuracy"] == pytest.approx(np.mean(right))
        assert row["interval"] == pytest.approx(interval(right))
    pixels = next(row for row in table["rows"] if (row["subject"], row["labels"]) == ("pixels", 3))
    assert pixels["accuracy"] > 0.9  # halves are easy
    assert (run / "classifier" / "table.png").stat().st_size > 10_000


def test_a_job_that_was_stopped_goes_on_to_the_same_table(run, halves, tmp_path):
    whole = returned(classify_events(run, halves, tmp_path / "whole", QUICK))
    events = classify_events(run, halves, tmp_path / "parts", QUICK)
    while not (isinstance(event := next(events), Progress) and event.job == "classify" and event.done == 5):
        pass
    events.close()
    trials = tmp_path / "parts" / TRIALS
    trials.write_text(trials.read_text() + '\n{"key": "cut sh')
    done = [e.done for e in classify_events(run, halves, tmp_path / "parts", QUICK) if isinstance(e, Progress)]
    assert 5 not in done[-11:]
    assert done[-11:] == list(range(6, 17))
    assert json.loads((tmp_path / "parts" / TABLE).read_text()) == json.loads(json.dumps(whole))
    before = trials.read_bytes()
    returned(classify_events(run, halves, tmp_path / "parts", QUICK))
    assert trials.read_bytes() == before


def test_results_made_of_something_else_are_not_taken_for_these(tmp_path):
    trial, confusion = Trial("pixels", None, 0), np.eye(2, dtype=np.int64)
    _Trials(tmp_path, "one").add(trial, confusion)
    assert _Trials(tmp_path, "other").results == {}
    ((found, counts),) = _Trials(tmp_path, "one").results.items()
    assert found == trial
    assert np.array_equal(counts, confusion)


@pytest.mark.parametrize("preset", ["sndcgan", "dcgan", "acgan"])
def test_the_classifier_that_is_kept_is_the_one_that_was_tested(preset, halves, tmp_path):
    train(halves, tmp_path / "run", preset=preset, **TINY)
    returned(classify_events(tmp_path / "run", halves, tmp_path / "out", QUICK))
    shutil.rmtree(tmp_path / "run")
    classifier = Classifier.from_pretrained(tmp_path / "out")
    assert classifier.classes == CLASSES
    known = classifier.facts["classifier"]
    assert (known["labelled"], known["tested"]) == (9, 30)
    x_test, y_test = pictures(30, 1)
    assert np.mean(np.array(classifier.predict(x_test)) == y_test) == pytest.approx(known["accuracy"])
    np.testing.assert_allclose(classifier.probabilities(x_test).sum(1), 1, rtol=1e-5)
    first = [json.loads(line) for line in (tmp_path / "out" / TRIALS).read_text().splitlines() if line]
    confusion = next(t["confusion"] for t in first if (t["subject"], t["labels"], t["draw"]) == ("discriminator", 3, 0))
    assert np.trace(confusion) / 30 == pytest.approx(known["accuracy"])


def test_features_from_a_file_give_the_same_table(run, halves, tmp_path):
    assert command("features", run, halves, "-o", tmp_path / "f.npy", "-q") == 0
    one = returned(classify_events(run, halves, tmp_path / "one", QUICK))
    other = returned(classify_events(run, halves, tmp_path / "other", QUICK, tmp_path / "f.npy"))
    assert one == other


def test_without_a_part_for_testing_a_fifth_is_held_out(tmp_path):
    x, y = pictures(60, 0)
    np.savez(tmp_path / "all.npz", x=x, y=y)
    train(tmp_path / "all.npz", tmp_path / "run", **TINY)
    settings = QUICK.model_copy(update={"labels": "2,all", "classifier": "logistic"})
    table = returned(classify_events(tmp_path / "run", tmp_path / "all.npz", settings=settings))
    assert table["tested"] == 12
    assert table["labels_of_all"] == 48
    of_all = [row for row in table["rows"] if row["labels"] == "all"]
    assert {(row["draws"], row["interval"]) for row in of_all} == {(1, None)}


def test_the_interval_is_students():
    """Of 1, 2, 3 hundredths: 2, and t = 4.3027 (tables, 2 degrees of freedom) standard errors of 1 / sqrt(3)."""
    assert interval([0.51, 0.52, 0.53]) == pytest.approx((0.52 - 0.043027 / 3**0.5, 0.52 + 0.043027 / 3**0.5), abs=1e-6)
    assert interval([0.5]) is None


def test_pictures_are_labelled_sorted_and_the_unreadable_left_out(run, halves, tmp_path, capsys):
    assert command("classify", run, halves, "--labels", "3", "--draws", "2", "--supervised-steps", "1") == 0
    assert "discriminator" in capsys.readouterr().out
    x, _ = pictures(6, 9)
    (tmp_path / "new").mkdir()
    for number, pixels in enumerate(x):
        Image.fromarray(pixels).resize((32, 32) if number == 5 else (16, 16)).save(tmp_path / "new" / f"{number}.png")
    (tmp_path / "new" / "broken.png").write_bytes(b"no picture")
    out = tmp_path / "labels.csv"
    assert command("label", tmp_path / "new", "--classifier", run / "classifier", "-o", out) == 0
    told = capsys.readouterr().err
    assert "1 pictures cannot be read" in told
    assert "1 pictures are not 16x16" in told
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert sorted(row["picture"] for row in rows) == [f"{number}.png" for number in range(6)]
    order = [(CLASSES.index(row["class"]), -float(row["probability"])) for row in rows]
    assert order == sorted(order)
    classifier = Classifier.from_pretrained(run / "classifier")
    for row in rows:
        odds = classifier.probabilities([tmp_path / "new" / row["picture"]])[0]
        assert [float(row[f"probability of {name}"]) for name in CLASSES] == pytest.approx(odds.tolist(), abs=1e-3)
        assert float(row["probability"]) == max(float(row[f"probability of {name}"]) for name in CLASSES)


def test_a_damaged_classifier_is_told(run, halves, tmp_path):
    returned(classify_events(run, halves, tmp_path / "out", QUICK))
    with pytest.raises(RunError, match="holds no classifier"):
        Classifier.from_pretrained(run / "model")
    facts = json.loads((tmp_path / "out" / "settings.json").read_text())
    facts["classifier"]["classes"] = ["a", "b"]
    (tmp_path / "out" / "settings.json").write_text(json.dumps(facts))
    with pytest.raises(RunError, match="classes are not as many"):
        Classifier.from_pretrained(tmp_path / "out")
    (tmp_path / "out" / "model.safetensors").write_bytes(b"short")
    with pytest.raises(RunError, match="does not hold what its settings say"):
        Classifier.from_pretrained(tmp_path / "out")


def save(path, pixels, labels=None):
    np.savez(path, x=pixels, **({} if labels is None else {"y": labels}))
    return path


@pytest.mark.parametrize(
    ("kind", "words", "code", "complaint"),
    [
        ("larger", [], 1, "holds grey pictures of 20x20; the discriminator takes grey pictures of 16x16"),
        ("colour", [], 1, "holds colour pictures of 16x16; the discriminator takes grey"),
        ("unlabelled", [], 1, "has no classes"),
        ("one class", [], 1, "has one class alone"),
        ("single", [], 1, "class 'rare' has 1 picture; wanted 2"),
        ("whole", ["--labels", "17"], 1, "has 16 pictures to learn from; wanted 17"),
        ("whole", ["--labels", "0"], 2, "labels: got '0', wanted 1 or more"),
        ("whole", ["--labels", "ten"], 2, "labels: got 'ten'"),
        ("whole", ["--labels", "3", "--features", "missing.npy"], 1, "cannot be read as features"),
        ("whole", ["-o", "taken"], 1, "holds something else"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    kind, words, code, complaint, run, halves, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "thesis.txt").write_text("mine")
    (x, y), odd = pictures(48, 0), tmp_path / "odd.npz"
    data = {
        "larger": lambda: save(odd, np.pad(x, ((0, 0), (2, 2), (2, 2))), y),
        "colour": lambda: save(odd, np.stack([x, x // 2, x], 3), y),
        "unlabelled": lambda: save(odd, x),
        "one class": lambda: save(odd, x, np.array(["same"] * 48)),
        "single": lambda: save(odd, x, np.array(["rare", *(["many"] * 47)])),
        "whole": lambda: halves,
    }[kind]()
    capsys.readouterr()
    assert command("classify", run, data, *words) == code
    error = capsys.readouterr().err
    assert complaint in error
    assert "Traceback" not in error
    assert not (run / "classifier").exists()
    assert [path.name for path in (tmp_path / "taken").iterdir()] == ["thesis.txt"]


def test_features_of_another_run_are_refused(run, halves, tmp_path, capsys):
    train(halves, tmp_path / "other", seed=1, **TINY)
    assert command("features", tmp_path / "other", halves, "-o", tmp_path / "f.npy", "-q") == 0
    assert command("classify", run, halves, "--labels", "3", "--features", tmp_path / "f.npy") == 1
    assert "holds features of another run" in capsys.readouterr().err


# --- The semi-supervised GAN ----------------------------------------------------------------------------------------


def test_real_or_drawn_is_a_softmax_over_one_class_more():
    """The logarithms of D(x) and 1 - D(x) are those of K + 1 logits, the last of which is 0."""
    settings = GANSettings(preset="sgan", width=4, latent=8)
    _, judge = build(settings, (1, 16, 16), 3)
    assert isinstance(judge, FewLabelsJudge)
    seen = judge(torch.randn(5, 1, 16, 16), torch.zeros(5, dtype=torch.long)).detach().double().numpy()
    whole = log_softmax(np.concatenate([seen[:, 1:], np.zeros((5, 1))], 1), axis=1)
    np.testing.assert_allclose(-np.logaddexp(0, seen[:, 0]), whole[:, -1], rtol=1e-5)
    real = np.log(np.exp(whole[:, :-1]).sum(1))
    np.testing.assert_allclose(-np.logaddexp(0, -seen[:, 0]), real, rtol=1e-5)


def test_only_known_labels_of_real_pictures_count():
    settings = GANSettings(preset="sgan", width=4, latent=8)
    _, judge = build(settings, (1, 16, 16), 3)
    critic = Critic(judge.eval())
    real, fake = torch.randn(4, 1, 16, 16), torch.randn(4, 1, 16, 16)
    labels = torch.tensor([2, UNLABELLED, 0, UNLABELLED])
    extra = critic(real, fake, labels, torch.Generator()).extra
    logits = judge(real, labels)[:, 1:].detach().double().numpy()
    wanted = -(log_softmax(logits[0])[2] + log_softmax(logits[2])[0]) / 2
    assert extra.item() == pytest.approx(wanted, rel=1e-5)
    assert critic.look(None, fake, labels).extra.item() == 0


def test_half_of_each_batch_is_known_and_nothing_held_out_is():
    x, y = pictures(60, 0)
    numbers = np.array([CLASSES.index(name) for name in y])
    store = Dataset("halves", x[:, None], numbers, CLASSES, "")
    settings = GANSettings(preset="sgan", labelled=2, width=4, latent=8, batch=8)
    trainer = Trainer(settings, store, False, device.choose("cpu"))
    known = np.flatnonzero(trainer.labels != UNLABELLED)
    assert np.bincount(numbers[known]).tolist() == [2, 2, 2]
    assert not set(known) & set(hold_out(numbers, CLASSES)[1])
    real, labels = trainer.next_batch(trainer._random())
    assert real.shape == (8, 1, 16, 16)
    assert (labels[::2] != UNLABELLED).all()
    pixels = to_signed(x[known][:, None], torch.device("cpu"))
    for picture, label in zip(real[::2], labels[::2], strict=True):
        (place,) = np.flatnonzero([torch.equal(picture, one) for one in pixels])
        assert numbers[known[place]] == label


def test_a_semi_supervised_run_stands_in_the_same_table(run, halves, tmp_path):
    for seed in (0, 1):
        train(halves, tmp_path / f"semi{seed}", preset="sgan", labelled=3, seed=seed, **TINY)
    semi = [tmp_path / "semi0", tmp_path / "semi1"]
    table = returned(classify_events(run, halves, tmp_path / "out", QUICK, semi=semi))
    row = table["rows"][-1]
    assert (row["subject"], row["labels"], row["draws"]) == ("semi-supervised", 3, 2)
    assert GAN.from_pretrained(semi[0]).classes == ()
    with pytest.raises(SettingsError, match="condition none; wanted few-labels"):
        returned(classify_events(run, halves, tmp_path / "again", QUICK, semi=[run]))


def test_few_labels_teach_the_discriminator():
    """Halves of two labels a class: after some steps its own answers are right."""
    x, y = pictures(60, 0)
    numbers = np.array([CLASSES.index(name) for name in y])
    settings = GANSettings(preset="sgan", labelled=2, width=4, latent=8, batch=12, lr=2e-3)
    trainer = Trainer(settings, Dataset("halves", x[:, None], numbers, CLASSES, ""), False, device.choose("cpu"))
    for _ in range(60):
        trainer.train_step()
    with torch.no_grad():
        seen = trainer.plain_discriminator.eval()(to_signed(pictures(30, 1)[0][:, None], torch.device("cpu")), None)
    assert (seen[:, 1:].argmax(1).numpy() == np.arange(30) % 3).mean() > 0.9


# --- The supervised control -----------------------------------------------------------------------------------------


def run_of(settings: GANSettings) -> GAN:
    """As much of a run as the control looks at."""
    facts = {"settings": settings.model_dump(), "data": {"shape": [1, 16, 16]}}
    return cast(GAN, SimpleNamespace(facts=facts, discriminator=torch.nn.Linear(1, 1)))


@pytest.mark.parametrize("preset", ["sndcgan", "dcgan", "gan", "wgan-gp", "sgan", "rpgan"])
def test_the_supervised_network_is_of_the_gans_shape_with_batch_norm(preset):
    gan = run_of(GANSettings(preset=preset, width=4, latent=8))
    network = classify._fresh(gan, 3, seed=0)
    has_norm = any(isinstance(part, torch.nn.BatchNorm2d | torch.nn.BatchNorm1d) for part in network.modules())
    assert has_norm == (preset != "rpgan")
    assert network(torch.randn(4, 1, 16, 16), None).shape == (4, 4)


def test_the_supervised_network_learns_its_few_labels():
    gan = run_of(GANSettings(width=4, latent=8))
    pixels, names = pictures(30, 0)
    labels = np.array([CLASSES.index(name) for name in names])
    network = classify._fresh(gan, 3, seed=0)
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)
    for _ in range(30):
        classify.supervised_step(network, optimizer, pixels[:, None], labels)
    assert (classify.answers(network.eval(), pixels[:, None]) == labels).all()


@pytest.mark.parametrize(("count", "steps"), [(12, 40), (640, 50)])
def test_the_supervised_network_sees_all_of_many_pictures_five_times(monkeypatch, count, steps):
    gan = run_of(GANSettings(width=4))
    pixels, labels = np.zeros((count, 1, 16, 16), np.uint8), np.arange(count) % 3
    parts = cast(
        classify.Parts,
        SimpleNamespace(
            draw=lambda per_class, seed: np.arange(count),
            pixels=pixels,
            labels=labels,
            classes=CLASSES,
            test_pixels=pixels[:2],
        ),
    )
    seen = []
    monkeypatch.setattr(classify, "supervised_step", lambda network, optimizer, some, known: seen.append(len(some)))
    classify._supervised(gan, parts, ClassifySettings(supervised_steps=40))(Trial("supervised", None, 0))
    assert len(seen) == steps
