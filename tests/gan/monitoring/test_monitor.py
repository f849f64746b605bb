"""Eyes on the training: warnings on trainings made to fail, silence on others, and nothing changed by looking."""

import json
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from sklearn.datasets import load_digits

from scumble import GANSettings
from scumble.events import Progress, Warned
from scumble.gan.monitoring import monitor
from scumble.gan.monitoring.symptoms import ALIKE, SYMPTOMS
from scumble.gan.tasks import learning
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
    return [row for row in rows if "gradient_size_d" in row]


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


@pytest.mark.parametrize(
    ("preset", "figures"),
    [("ebgan", {"lead", "overfitting"}), ("began", set()), ("aae", {"reconstruction_held_out"})],
)
def test_where_logits_of_real_pictures_are_not_to_be_higher_no_lead_is_told(tmp_path, digits, often, preset, figures):
    told = warned(digits, tmp_path / "run", 60, preset=preset)
    assert figures >= {"lead"} or told <= {"collapse"}  # sixty steps make beginners
    found = looks(tmp_path / "run")
    assert len(found) == 3
    names = {"images", "diversity", "gradient_size_d", "gradient_size_g", *figures}
    assert all(row.keys() - {"warnings"} == names for row in found)


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
    monkeypatch.setattr(learning, "HELD_OUT_ONE_OF", 2)  # few to learn, and a mean of many: seconds show it
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


@pytest.mark.parametrize("levels", [0, 1])
def test_where_real_pictures_do_not_differ_there_is_no_figure_and_one_line_says_so(levels, often, tmp_path):
    noise = np.random.default_rng(0).integers(0, levels + 1, (40, 16, 16), dtype=np.uint8)
    np.savez(tmp_path / "alike.npz", x=100 + noise)
    for images in (16 * 40, 16 * 80):
        list(train_events(tmp_path / "alike.npz", tmp_path / "run", GANSettings(**(TINY | {"images": images}))))
    assert looks(tmp_path / "run")
    rows = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    assert not any("diversity" in row for row in rows)
    assert all(abs(row["lead"]) <= 1000 for row in rows if "lead" in row)
    assert [text for row in rows for text in row.get("warnings", ())].count(ALIKE) == 1


def test_where_most_real_pictures_have_a_twin_the_mean_alone_is_compared(often, tmp_path):
    few = np.random.default_rng(0).integers(0, 256, (10, 16, 16), dtype=np.uint8)
    np.savez(tmp_path / "twins.npz", x=few.repeat(4, 0))
    list(train_events(tmp_path / "twins.npz", tmp_path / "run", GANSettings(**(TINY | {"images": 16 * 20}))))
    assert all(0 <= row["diversity"] < 10 for row in looks(tmp_path / "run"))
