"""Eyes on the training: figures against plain loops and closed forms; warnings on trainings made to fail."""

import json
import math
import statistics
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from scumble.gan.monitor import PATIENCE, SYMPTOMS, counted, diversity, lead, overfitting, spread, warning
from scumble.gan.trainer import Trainer
from sklearn.datasets import load_digits

from scumble import GANSettings
from scumble.data.store import Store
from scumble.device import choose
from scumble.events import Progress, Warned
from scumble.gan import monitor
from scumble.gan import trainer as training
from scumble.gan.train import train_events

pytestmark = pytest.mark.usefixtures("one_thread")

TINY = {"width": 8, "latent": 16, "batch": 16, "precision": "float32", "grids": 1}


@pytest.fixture
def often(monkeypatch):
    """A look every 20 steps, so that trainings of seconds have some."""
    monkeypatch.setattr(monitor, "LOOK_IMAGES", 0)
    monkeypatch.setattr(monitor, "LOOK_STEPS", 20)


@pytest.fixture(scope="module")
def digits(tmp_path_factory) -> Path:
    """All of scikit-learn's digits, 16 x 16."""
    path = tmp_path_factory.mktemp("digits") / "digits.npz"
    pixels = (np.asarray(load_digits(return_X_y=True)[0]).reshape(-1, 8, 8) * 15.9).astype(np.uint8)
    np.savez(path, x=np.kron(pixels, np.ones((2, 2), np.uint8)))
    return path


@pytest.fixture(scope="module")
def blocks(tmp_path_factory) -> Path:
    """A hundred pictures of 4 x 4 blocks at random: whatever is known of one says nothing of another."""
    path = tmp_path_factory.mktemp("blocks") / "blocks.npz"
    coarse = np.random.default_rng(0).integers(0, 256, (100, 4, 4), dtype=np.uint8)
    np.savez(path, x=np.kron(coarse, np.ones((4, 4), np.uint8)))
    return path


def warned(data: Path | str, run: Path, steps: int, **given) -> set[str]:
    """The names of all symptoms that a training of so many steps warns of."""
    settings = GANSettings.model_validate(TINY | given | {"images": 1})
    images = steps * settings.batch * settings.critic_steps
    events = list(train_events(data, run, GANSettings.model_validate(TINY | given | {"images": images})))
    told = [event.message for event in events if isinstance(event, Warned)]
    assert told == [text for row in looks(run) for text in row.get("warnings", [])]
    return {name for name, symptom in SYMPTOMS.items() for text in told if text.startswith(symptom.words.split("{")[0])}


def looks(run: Path) -> list[dict]:
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [row for row in rows if "diversity" in row]


# --- Figures --------------------------------------------------------------------------------------------------------


def naive_spread(pictures: torch.Tensor) -> list[float]:
    flat = [one.flatten().tolist() for one in pictures]
    rows = [[math.dist(a, b) for j, b in enumerate(flat) if j != i] for i, a in enumerate(flat)]
    return [statistics.mean(map(statistics.mean, rows)), statistics.median_low(map(min, rows))]


@pytest.mark.parametrize("count", [2, 7, 8, 40])
def test_the_spread_is_that_of_a_plain_loop(count):
    pictures = torch.randn(count, 1, 4, 4, generator=torch.Generator().manual_seed(count))
    assert spread(pictures).tolist() == pytest.approx(naive_spread(pictures), rel=1e-9)


def test_diversity_of_the_same_spread_is_one_and_does_not_change_with_the_contrast_of_both():
    real = torch.randn(50, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    assert diversity(spread(real.flip(0)), spread(real)) == pytest.approx(1)
    assert diversity(spread(0.3 * real), spread(0.3 * real)) == pytest.approx(1)
    assert diversity(spread(0.3 * real), spread(real)) == pytest.approx(0.3)


def test_one_picture_again_and_again_and_three_pictures_again_and_again_have_no_diversity():
    real = torch.randn(60, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    for modes in (1, 3):
        again = real[:modes].repeat(60 // modes, 1, 1, 1)
        assert diversity(spread(again), spread(real)) == pytest.approx(0, abs=1e-6)


def test_the_lead_of_normal_logits_is_their_distance_in_deviations_on_any_scale():
    """And with it goes the share of pairs that the discriminator orders rightly: normal.cdf(d' / sqrt 2)."""
    random = torch.Generator().manual_seed(0)
    real, fake = (torch.randn(4000, generator=random, dtype=torch.float64) + at for at in (1.5, 0.0))
    assert lead(real, fake) == pytest.approx(1.5, abs=0.08)
    assert lead(40 * real - 7, 40 * fake - 7) == pytest.approx(lead(real, fake))
    right = (real[:, None] > fake).double().mean().item()
    assert right == pytest.approx(statistics.NormalDist().cdf(lead(real, fake) / 2**0.5), abs=0.01)
    assert lead(torch.ones(8), torch.ones(8)) == 0


def test_overfitting_is_the_ratio_of_karras_et_al_but_for_what_may_be_chance():
    random = torch.Generator().manual_seed(0)
    noise = torch.randn(3, 4000, generator=random)
    trained_on, held_out, fake = noise + torch.tensor([[4.0], [1.0], [0.0]])
    ratio = (trained_on.mean() - held_out.mean()) / (trained_on.mean() - fake.mean())
    error = (2 / 4000) ** 0.5
    assert overfitting(trained_on, held_out, fake) == pytest.approx(ratio.item() - 2 * error / 4, abs=1e-3)
    for draw in range(20):  # nothing is learnt by heart: five held-out pictures show no more than chance
        same = torch.randn(128 + 5 + 128, generator=random.manual_seed(draw)).split([128, 5, 128])
        assert overfitting(same[0] + 2, same[1] + 2, same[2]) < 0.2


def test_the_size_of_a_gradient_is_its_root_mean_square():
    network = torch.nn.Linear(3, 2)
    network(torch.tensor([[1.0, 2.0, 3.0]])).sum().backward()
    assert monitor.gradient_size(network) == pytest.approx(((2 * (1 + 4 + 9) + 2) / 8) ** 0.5)


# --- Symptoms -------------------------------------------------------------------------------------------------------


def told(values: list[float], figure: str = "diversity", images: int = 6400) -> list[int]:
    """The looks, from 1, at which a symptom of this figure is told of."""
    settings, at = GANSettings(images=51_200), []
    counts = dict.fromkeys(SYMPTOMS, 0)
    for number, value in enumerate(values, start=1):
        before, counts = counts, counted(counts, {figure: value}, number * images, settings)
        if any(monitor._is_new(name, before, counts) for name in SYMPTOMS):
            at.append(number)
    return at


def test_a_symptom_is_told_of_once_when_it_lasts_and_again_only_after_it_was_gone():
    assert PATIENCE == 3
    assert told([0.3, 0.3, 0.9, 0.3, 0.3]) == []
    assert told([0.3] * 9) == [3]
    assert told([0.3, 0.3, 0.3, 0.55, 0.3, 0.3, 0.3]) == [3]  # not yet well
    assert told([0.3, 0.3, 0.3, 0.9, 0.3, 0.3, 0.3]) == [3, 7]


def test_nothing_is_said_of_the_first_eighth_or_the_first_images():
    assert told([0.1] * 20, images=640) == [12]  # 6,400 images are the tenth look
    assert told([0.1] * 9, images=64_000) == [3]


def test_a_figure_that_was_not_measured_leaves_its_symptom_as_it_was():
    assert told([0.9] * 5, figure="something else") == []


def test_what_the_training_has_already_is_not_advised():
    figures = {"overfitting": 0.5, "diversity": 0.2}
    assert "helps: --augment, --augment-colour if" in warning("overfitting", figures, GANSettings())
    assert "helps: --augment-colour if" in warning("overfitting", figures, GANSettings(augment=True))
    assert "--preset rpgan" in warning("collapse", figures, GANSettings())
    assert "--preset rpgan" not in warning("collapse", figures, GANSettings(preset="rpgan"))
    assert "--clip" not in warning("dead generator", {"gradient_size_g": 0.0}, GANSettings(preset="gan"))
    assert "a larger --clip" in warning("dead generator", {"gradient_size_g": 0.0}, GANSettings(preset="wgan"))


@pytest.mark.parametrize("name", SYMPTOMS)
def test_every_help_that_is_an_option_is_one(name):
    warning(
        name,
        dict.fromkeys(("diversity", "lead", "overfitting", "gradient_size_d", "gradient_size_g"), 0.0),
        GANSettings(),
    )


# --- Held-out pictures ----------------------------------------------------------------------------------------------


def trainer(count: int, labels: np.ndarray | None = None, **given) -> Trainer:
    pixels = np.random.default_rng(0).integers(0, 256, (count, 1, 16, 16), dtype=np.uint8)
    classes = () if labels is None else tuple(map(str, range(labels.max() + 1)))
    settings = GANSettings.model_validate({"width": 4, "latent": 8, "batch": 8} | given)
    return Trainer(settings, Store("noise", pixels, labels, classes, ""), False, choose("cpu"))


@pytest.mark.parametrize(("count", "held"), [(99, 0), (100, 5), (1000, 50), (4000, 128)])
def test_a_twentieth_is_held_out_but_neither_many_nor_too_few(count, held):
    this = trainer(count)
    assert len(this.held_out) == held
    assert sorted([*this.learning, *this.held_out]) == list(range(count))


def test_no_batch_has_a_picture_that_is_held_out_and_an_epoch_has_all_others():
    this = trainer(100, batch=19)
    seen = set()
    for step in range(5):
        this.step = step
        seen |= {picture.numpy().tobytes() for picture in this.next_batch(this._random())[0]}
    assert seen == {picture.numpy().tobytes() for picture in this.pictures_at(this.learning)[0]}


def test_a_class_of_one_picture_keeps_it_and_known_labels_are_kept():
    labels = np.array([0] * 50 + [1] * 50 + list(range(2, 102)))
    this = trainer(200, labels, preset="cgan")
    assert set(labels[this.learning]) == set(range(102))
    few = trainer(200, np.arange(200) % 2, preset="sgan", labelled=70)
    assert few.known is not None
    assert set(few.known) <= set(few.learning)


# --- Trainings ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("preset", ["sndcgan", "dcgan", "projection"])
def test_looking_changes_nothing(tmp_path, digits, monkeypatch, often, preset):
    ends = []
    source = "digits" if preset == "projection" else digits
    for is_due in (monitor.Monitor.is_due, lambda self: False):
        monkeypatch.setattr(monitor.Monitor, "is_due", is_due)
        warned(source, tmp_path / f"{len(ends)}", 40, preset=preset, width=4)
        ends.append(safetensors.torch.load_file(tmp_path / f"{len(ends)}/checkpoints/000000000640.safetensors"))
    assert looks(tmp_path / "0")
    assert not looks(tmp_path / "1")
    assert all(torch.equal(one, ends[1][name]) for name, one in ends[0].items())


def test_a_training_that_is_stopped_says_no_more_and_no_less(tmp_path, digits, often):
    settings = GANSettings.model_validate(TINY | {"preset": "gan", "lr": 0.1, "images": 16 * 160})
    whole = [event.message for event in train_events(digits, tmp_path / "whole", settings) if isinstance(event, Warned)]
    assert whole
    parts = []
    for stop_at in (16 * 45, 16 * 80, 16 * 160):
        events = train_events(digits, tmp_path / "parts", settings)
        for event in events:
            parts += [event.message] if isinstance(event, Warned) else []
            if isinstance(event, Progress) and event.job == "train" and event.done >= stop_at:
                break
        events.close()
    assert parts == whole
    assert looks(tmp_path / "whole") == looks(tmp_path / "parts")


def test_a_generator_that_collapses_is_told_of(tmp_path, digits, often):
    assert "collapse" in warned(digits, tmp_path / "run", 160, preset="gan", lr=0.1)


def test_a_discriminator_that_learns_by_heart_is_told_of(tmp_path, blocks, often, monkeypatch):
    monkeypatch.setattr(training, "HELD_OUT_ONE_OF", 2)  # few to learn, and a mean of many: seconds show it
    found = warned(blocks, tmp_path / "run", 300, latent=32, norm="none", lr=2e-3)
    assert found == {"overfitting"}


def test_a_discriminator_that_is_held_at_nothing_loses_and_nobody_learns(tmp_path, digits, often):
    found = warned(digits, tmp_path / "run", 80, preset="wgan", clip=1e-6, width=4, critic_steps=1)
    assert found >= {"generator wins", "dead discriminator", "dead generator"}


def test_a_discriminator_that_is_far_ahead_wins(tmp_path, digits, often):
    assert "discriminator wins" in warned(digits, tmp_path / "run", 100, preset="gan", lr=1e-3, critic_steps=10)


@pytest.mark.parametrize("given", [{"lr": 1e-3}, {"preset": "rpgan", "lr": 1e-3}])
def test_trainings_that_go_well_are_left_in_peace(tmp_path, digits, often, given):
    assert warned(digits, tmp_path / "run", 140, **given) == set()
    assert len(looks(tmp_path / "run")) == 7
