"""The timeline: every preset trains, and what cannot be is refused with the reason."""

import json

import numpy as np
import pytest
import torch
from scumble.gan.trainer import Trainer

from scumble import GAN, device
from scumble.cli import app
from scumble.data.dataset import Dataset
from scumble.errors import SettingsError
from scumble.gan.losses.adversarial import LOSSES
from scumble.gan.presets import PRESETS
from scumble.gan.settings import COUPLING_LOSSES, GANSettings

pytestmark = pytest.mark.usefixtures("one_thread")


def labelled(classes=3) -> Dataset:
    random = np.random.default_rng(0)
    labels = random.integers(0, classes, 48)
    pixels = (80 * labels[:, None, None, None] + random.integers(0, 60, (48, 1, 16, 16))).astype(np.uint8)
    return Dataset("stripes", pixels, labels, tuple("abc"[:classes]), "")


def trainer(preset: str, **others) -> Trainer:
    settings = GANSettings(**({"preset": preset, "width": 4, "latent": 8, "batch": 12, "critic_steps": 2} | others))
    return Trainer(settings, labelled(), False, device.choose("cpu"))


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_trains_both_networks(preset):
    this = trainer(preset)
    before = {name: [p.detach().clone() for p in network.parameters()] for name, network in this._networks().items()}
    for _ in range(3):
        this.train_step()
    assert this.is_finite()
    assert this.images_seen == 3 * 12 * 2
    for name, network in this._networks().items():
        moved = [not torch.equal(old, new) for old, new in zip(before[name], network.parameters(), strict=True)]
        assert np.mean(moved) > 0.9, name


@pytest.mark.parametrize("preset", ["wgan", "rpgan", "projection", "acgan"])
def test_a_trainer_goes_on_from_its_checkpoint_to_the_same_bits(preset):
    straight, stopped = trainer(preset), trainer(preset)
    for _ in range(4):
        straight.train_step()
    for _ in range(2):
        stopped.train_step()
    resumed = trainer(preset).restored(stopped.checkpoint())
    for _ in range(2):
        resumed.train_step()
    for (name, one), other in zip(
        straight.checkpoint().tensors.items(), resumed.checkpoint().tensors.values(), strict=True
    ):
        assert torch.equal(one, other), name


def test_clipped_weights_stay_within_the_bound_and_others_do_not():
    clipped, free = trainer("wgan", clip=0.01), trainer("wgan", clip=0.0)
    for this in (clipped, free):
        this.train_step()
    assert max(p.abs().max() for p in clipped.plain_discriminator.parameters()) <= 0.01
    assert max(p.abs().max() for p in free.plain_discriminator.parameters()) > 0.02


def test_each_turn_of_the_discriminator_sees_other_pictures():
    this = trainer("wgan", critic_steps=4)
    turns = [this.next_batch(this._random(turn), turn)[0].flatten(1) for turn in range(4)]
    assert len(torch.cat(turns).unique(dim=0)) == 48  # all there are, each once


def test_classes_are_learnt_and_drawn():
    """Stripes of three brightnesses: after some steps, a class asked for is drawn in its brightness."""
    this = trainer("cgan", batch=24, lr=2e-3, critic_steps=1, ema=200)
    for _ in range(60):
        this.train_step()
    facts = {"settings": this.settings.model_dump(mode="json")}
    gan = GAN(this.average, this.plain_discriminator, facts | {"data": {"classes": ["a", "b", "c"]}})
    brightness = [gan.sample_array(range(8), of_class=name).mean() for name in "abc"]
    assert brightness[0] + 30 < brightness[1] < brightness[2] - 30
    in_turn = gan.sample_array(range(3))
    for seed, name in enumerate("abc"):
        assert np.array_equal(in_turn[seed], gan.sample_array([seed], of_class=name)[0])


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"preset": "dcgan", "penalty": "gp"}, "penalty: got gp with norm batch; batch norm couples pictures"),
        ({"network": "normfree", "norm": "batch"}, "built to work without"),
        ({"penalty_weight": 3.0}, "penalty-weight: got one, and no penalty"),
        ({"preset": "ragan", "accumulate": 2}, "accumulate: got 2 with loss relativistic-average, which compares"),
        ({"batch": 32, "accumulate": 5}, "accumulate: got 5 with batch 32, wanted parts of equally many pictures"),
        (
            {"batch": 32, "accumulate": 32},
            "accumulate: got 32 with batch 32, wanted parts of equally many pictures, two",
        ),
        ({"preset": "wgan-pg"}, "preset: got 'wgan-pg', wanted 'gan', 'cgan'"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(given, complaint):
    with pytest.raises(SettingsError, match=complaint):
        GANSettings(**given)


def test_losses_that_couple_a_batch_are_those_that_refuse_parts():
    assert {name for name, loss in LOSSES.items() if loss.couples} == set(COUPLING_LOSSES)


def test_classes_are_asked_of_pictures_that_have_none(tmp_path, capsys):
    np.savez(tmp_path / "noise.npz", x=np.random.default_rng(0).integers(0, 256, (40, 16, 16), dtype=np.uint8))
    with pytest.raises(SystemExit) as exit_:
        app.main(["gan", "train", str(tmp_path / "noise.npz"), "--run", str(tmp_path / "run"), "--preset", "cgan"])
    assert exit_.value.code == 2
    assert "condition: got plane, and noise.npz has no classes" in capsys.readouterr().err
    assert not (tmp_path / "run" / "settings.json").exists()


def test_the_timeline_is_listed_with_what_each_trains_with(capsys):
    for words in ([], ["--json"]):
        with pytest.raises(SystemExit):
            app.main(["gan", "presets", *words])
    *table, line = capsys.readouterr().out.splitlines()
    assert [row["preset"] for row in json.loads(line)["presets"]] == list(PRESETS)
    assert any("2017" in row and "wgan-gp" in row and "Gulrajani" in row and "penalty gp" in row for row in table)


def test_a_class_is_sampled_by_its_name(tmp_path, capsys):
    run = tmp_path / "run"
    tiny = ["--preset", "cgan", "--width", "4", "--latent", "8", "--batch", "8", "--images", "80", "--grids", "1"]
    for words, code in (
        (["train", "digits", "--run", run, *tiny], 0),
        (["sample", run, "--class", "7", "--seeds", "0-3", "-o", tmp_path / "sevens.png"], 0),
        (["sample", run, "--class", "eleven", "-o", tmp_path / "elevens.png"], 2),
    ):
        with pytest.raises(SystemExit) as exit_:
            app.main(["gan", *map(str, words)])
        assert (exit_.value.code or 0) == code
    assert (tmp_path / "sevens.png").exists()
    assert "class: got 'eleven', wanted one of 0, 1, 2" in capsys.readouterr().err
    assert not (tmp_path / "elevens.png").exists()
