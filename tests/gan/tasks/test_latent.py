"""One step of the trainer: what it computes, and what it draws."""

import sys

import numpy as np
import pytest
import torch
from scumble.gan.trainer import Trainer

from conftest import REPOSITORY
from scumble import device
from scumble.data.dataset import Dataset
from scumble.gan.settings import GANSettings

sys.path.insert(0, str(REPOSITORY / "examples"))
import dcgan_from_scratch as scratch


def trainer(shape=(1, 16, 16), flip=False, **given) -> Trainer:
    pixels = np.random.default_rng(0).integers(0, 256, (32, *shape), dtype=np.uint8)
    settings = GANSettings(**({"width": 4, "latent": 8, "batch": 8} | given))
    return Trainer(settings, Dataset("noise", pixels, None, (), ""), flip, device.choose("cpu", "float32"))


@torch.no_grad()
def copy_weights(plain: torch.nn.Module, ours: torch.nn.Module) -> None:
    """From the plain program's networks into ours, whose layers of 1 x 1 or to 1 x 1 pixels are written as matrices."""

    def all_of(network, kind):
        return [module for module in network.modules() if isinstance(module, kind)]

    layers = all_of(plain, (torch.nn.Conv2d, torch.nn.ConvTranspose2d))
    if isinstance(layers[0], torch.nn.ConvTranspose2d):
        ours.start.weight.copy_(layers.pop(0).weight.permute(2, 3, 1, 0).flatten(0, 2))
    else:
        ours.end.weight.copy_(layers.pop().weight.permute(0, 2, 3, 1).flatten(1))
    for theirs, own in zip(layers, all_of(ours, (torch.nn.Conv2d, torch.nn.ConvTranspose2d)), strict=True):
        own.weight.copy_(theirs.weight)
    for theirs, own in zip(all_of(plain, torch.nn.BatchNorm2d), all_of(ours, torch.nn.BatchNorm2d), strict=True):
        own.weight.copy_(theirs.weight)
        own.bias.copy_(theirs.bias)


def test_steps_of_dcgan_are_those_of_the_plain_program():
    torch.manual_seed(0)
    ours = trainer((3, 64, 64), preset="dcgan", width=64, latent=100)
    g, d = scratch.initialize(scratch.generator()), scratch.initialize(scratch.discriminator())
    copy_weights(g, ours.plain_generator)
    copy_weights(d, ours.plain_discriminator)
    g_optimizer, d_optimizer = (torch.optim.Adam(n.parameters(), lr=2e-4, betas=(0.5, 0.999)) for n in (g, d))
    for _ in range(3):
        random = ours._random()
        real, _ = ours.next_batch(random)
        latents = torch.randn(8, 100, generator=random)
        loss_d, loss_g, d_real, d_fake = scratch.train_step(g, d, g_optimizer, d_optimizer, real, latents)
        ours.sums.zero_()
        ours.train_step()
        expected = [loss_d.item(), d_real.item(), d_fake.item(), loss_g.item(), 1]
        assert ours.sums.tolist() == pytest.approx(expected, rel=2e-3)


def test_the_learning_rate_falls_to_zero_in_a_line_or_stays():
    for decay, expected in (("linear", [2e-4, 1e-4, 0.0]), ("none", [2e-4, 2e-4, 2e-4])):
        this = trainer(images=800, decay=decay)
        for step, rate in zip((0, 50, 100), expected, strict=True):
            this.step = step
            this._set_learning_rate()
            for optimizer in this._optimizers().values():
                assert [group["lr"] for group in optimizer.param_groups] == [pytest.approx(rate)]


def test_what_a_step_draws_depends_on_the_seed_and_the_step_alone():
    one, other = trainer(flip=True), trainer(flip=True)
    other.train_step()  # other random numbers were drawn before
    other.step = 0
    first = one.next_batch(one._random())[0]
    assert torch.equal(first, other.next_batch(other._random())[0])
    one.step = 1
    assert not torch.equal(first, one.next_batch(one._random())[0])
    one.step, one.rollbacks = 0, 1
    assert not torch.equal(first, one.next_batch(one._random())[0])


def test_the_average_is_frozen_and_the_generator_is_not():
    this = trainer(ema=0)
    this.train_step()
    for a, b in zip(this.average.parameters(), this.plain_generator.parameters(), strict=True):
        assert torch.equal(a, b)
        assert not a.requires_grad
    assert not this.average.training
    assert this.plain_generator.training


@pytest.mark.parametrize("preset", ["gan", "rpgan"])
def test_a_batch_in_parts_has_the_gradients_of_the_whole(preset):
    # Next to no learning rate: Adam divides gradients by their size, and makes whole steps of what is only rounding.
    both = [trainer(preset=preset, accumulate=parts, lr=1e-9) for parts in (1, 4)]
    for this in both:
        this.train_step()
    for network in ("generator", "discriminator"):
        one, again = (torch.cat([p.grad.flatten() for p in this._networks()[network].parameters()]) for this in both)
        assert one.norm() > 0
        assert (one - again).norm() < 1e-5 * one.norm()


@pytest.mark.parametrize("preset", ["gan", "rpgan"])
def test_a_batch_in_parts_trains_as_it_does_whole(preset):
    whole, parts = (trainer(preset=preset, accumulate=count, critic_steps=2) for count in (1, 4))
    for _ in range(5):
        whole.train_step()
        parts.train_step()
    assert parts.images_seen == whole.images_seen
    assert parts.sums.tolist() == pytest.approx(whole.sums.tolist(), rel=1e-4, abs=1e-5)


def test_parts_take_less_memory():
    """What the tape of the way back holds at once, by its largest batch."""
    for count, largest in ((1, 8), (4, 2)):
        kept = []
        with torch.autograd.graph.saved_tensors_hooks(lambda x, kept=kept: (kept.append(x.shape), x)[1], lambda x: x):
            trainer(preset="rpgan", accumulate=count).train_step()
        pictures = [shape[0] for shape in kept if len(shape) == 4 and shape[2:] == (16, 16)]
        assert max(pictures) == 2 * largest  # the discriminator sees real and generated ones together
