"""The presets: each trains as its paper's algorithm says, and what cannot be is refused with the reason."""

import copy
import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from gan_material import facts_of_noise
from scumble import GAN
from scumble.cli import app
from scumble.data.dataset import Dataset
from scumble.errors import SettingsError
from scumble.gan.losses.adversarial import LOSSES
from scumble.gan.losses.penalties import PENALTIES
from scumble.gan.networks.conditioning import unconditional
from scumble.gan.presets import PRESETS
from scumble.gan.settings import COUPLING_LOSSES, GANSettings
from scumble.gan.tasks.latent import LatentGAN
from scumble.training.task import Moment

PLAIN = [name for name, preset in PRESETS.items() if preset.values.get("task", "latent") == "latent"]
"""Presets of one generator of latents against one discriminator; others have plain steps beside their tasks' tests."""

pytestmark = pytest.mark.usefixtures("one_thread")


def labelled(classes=3) -> Dataset:
    random = np.random.default_rng(0)
    labels = random.integers(0, classes, 48)
    pixels = (80 * labels[:, None, None, None] + random.integers(0, 60, (48, 1, 16, 16))).astype(np.uint8)
    return Dataset("stripes", pixels, labels, tuple("abc"[:classes]), "")


@pytest.fixture
def stripes(game):
    """Makes a preset's networks, on stripes of three classes."""

    def make(preset: str, **others) -> LatentGAN:
        return game(labelled(), **{"preset": preset, "batch": 12, "critic_steps": 2} | others)

    return make


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_trains_both_networks(stripes, preset):
    trainer = stripes(preset).trainer()
    networks = trainer.task.modules | {"average": trainer.averages["generator"]}
    before = {name: [p.detach().clone() for p in network.parameters()] for name, network in networks.items()}
    for _ in range(3 * 2):
        trainer.train_step()
    assert trainer.is_finite()
    assert trainer.images_seen == 3 * 12 * 2
    for name, network in networks.items():
        moved = [not torch.equal(old, new) for old, new in zip(before[name], network.parameters(), strict=True)]
        assert sum(moved) >= 0.9 * len(moved), name  # what remembers has none


def in_plain_steps(game: LatentGAN, generator_steps: int) -> None:
    """Train as Goodfellow et al. 2014, algorithm 1, with torch's own optimisers and nothing of the engine.

    The generator's step looks at the pictures that the discriminator's last one has looked at.
    """
    settings, g, d, loss = game.settings, game.generator, game.discriminator, LOSSES[game.settings.loss]
    if settings.optimizer == "rmsprop":
        optimizers = [torch.optim.RMSprop(network.parameters(), alpha=settings.beta2) for network in (d, g)]
    else:
        betas = settings.beta1, settings.beta2
        optimizers = [torch.optim.Adam(network.parameters(), betas=betas, fused=True) for network in (d, g)]
    for step in range(generator_steps * settings.critic_steps):
        done, turn = divmod(step, settings.critic_steps)
        left = 1 - done * settings.critic_steps * settings.batch / settings.images if settings.decay == "linear" else 1
        for optimizer, own in zip(optimizers, (settings.lr_discriminator, settings.lr_generator), strict=True):
            optimizer.param_groups[0]["lr"] = (own or settings.lr) * left
        batch = game.batch(Moment(step, (settings.seed, 0)))
        real, latents, labels = batch["real"], batch["latents"], batch["labels"]
        fake = g(latents, labels) if settings.draws_classes else g(latents)
        optimizers[0].zero_grad()
        loss_of_d(settings, d, loss, real, fake.detach(), labels, batch["random"]).backward()
        optimizers[0].step()
        for parameter in d.parameters() if settings.clip else ():
            parameter.data.clamp_(-settings.clip, settings.clip)
        if turn == settings.critic_steps - 1:
            optimizers[1].zero_grad()
            loss_of_g(d, loss, real, fake, labels).backward()
            optimizers[1].step()


def seen_by(d, pictures, labels):
    """Logits (N,), and those of the classes (N, K), where they are asked for."""
    seen = d(pictures) if labels is None else d(pictures, labels.repeat(len(pictures) // len(labels)))
    return (seen[:, 0], seen[:, 1:]) if seen.dim() == 2 else (seen, None)


def loss_of_d(settings, d, loss, real, fake, labels, random):
    if d.couples_pictures:
        (on_real, classes), (on_fake, classes_drawn) = seen_by(d, real, labels), seen_by(d, fake, labels)
    else:
        both, of_both = seen_by(d, torch.cat([real, fake]), labels)
        (on_real, on_fake), (classes, classes_drawn) = (
            both.chunk(2),
            (None, None) if of_both is None else of_both.chunk(2),
        )
    value = loss.discriminator(on_real, on_fake)
    if settings.condition == "auxiliary":
        value = value + (F.cross_entropy(classes, labels) + F.cross_entropy(classes_drawn, labels))
    if settings.condition == "few-labels":
        value = value + F.cross_entropy(classes, labels)
    if settings.penalty != "none":
        penalty = PENALTIES[settings.penalty]
        value = value + penalty.weight * penalty.function(lambda x: seen_by(d, x, labels)[0], real, fake, random)
    return value


def loss_of_g(d, loss, real, fake, labels):
    if loss.of_features:
        return loss.generator(*(unconditional(d).features(pictures).mean((2, 3)) for pictures in (real, fake)))
    on_real = seen_by(d, real, labels)[0] if loss.compares else None
    on_fake, classes = seen_by(d, fake, labels)
    value = loss.generator(on_real, on_fake)
    return value if classes is None else value + F.cross_entropy(classes, labels)


@pytest.mark.parametrize("preset", PLAIN)
def test_three_steps_of_every_preset_are_those_of_the_plain_algorithm_to_the_bit(game, preset):
    ours, plain = (game(labelled(), preset=preset, batch=12, images=10_000) for _ in range(2))
    before = copy.deepcopy(ours.generator.state_dict())
    trainer = ours.trainer()
    for _ in range(3 * ours.settings.critic_steps):
        trainer.train_step()
    in_plain_steps(plain, 3)
    for name in ("generator", "discriminator"):
        found, expected = getattr(ours, name).state_dict(), getattr(plain, name).state_dict()
        assert found.keys() == expected.keys()
        for key, value in expected.items():
            assert torch.equal(found[key], value), key
    assert not all(torch.equal(value, ours.generator.state_dict()[key]) for key, value in before.items())


@pytest.mark.parametrize("preset", ["wgan", "rpgan", "projection", "acgan"])
def test_a_trainer_goes_on_from_its_state_to_the_same_bits(stripes, preset):
    """Also from between the critic's steps."""
    straight = stripes(preset).trainer()
    for _ in range(8):
        straight.train_step()
    for stop_at in (3, 4):
        stopped = stripes(preset).trainer()
        for _ in range(stop_at):
            stopped.train_step()
        resumed = stripes(preset).trainer().restored(stopped.state())
        for _ in range(8 - stop_at):
            resumed.train_step()
        one, other = straight.state().tensors, resumed.state().tensors
        assert one.keys() == other.keys()
        assert all(torch.equal(one[name], other[name]) for name in one)


def test_clipped_weights_stay_within_the_bound_and_others_do_not(stripes):
    clipped, free = stripes("wgan", clip=0.01), stripes("wgan", clip=0.0)
    for this in (clipped, free):
        trainer = this.trainer()
        for _ in range(2):
            trainer.train_step()
    assert max(p.abs().max() for p in clipped.discriminator.parameters()) <= 0.01
    assert max(p.abs().max() for p in free.discriminator.parameters()) > 0.02


def test_each_turn_of_the_discriminator_sees_other_pictures(stripes):
    this = stripes("wgan", critic_steps=4)
    turns = [this.batch(Moment(step, (0, 0)))["real"].flatten(1) for step in range(4)]
    assert len(torch.cat(turns).unique(dim=0)) == 48  # all there are, each once


def test_classes_are_learnt_and_drawn(stripes):
    """Stripes of three brightnesses: after some steps, a class asked for is drawn in its brightness."""
    this = stripes("cgan", batch=24, lr=2e-3, critic_steps=1, ema=200)
    trainer = this.trainer()
    for _ in range(60):
        trainer.train_step()
    gan = GAN(trainer.averages["generator"], this.discriminator, facts_of_noise(this.settings))
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
