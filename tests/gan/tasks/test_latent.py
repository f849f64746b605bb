"""The task of the presets: the losses on a fixed batch, what a step computes, and what it draws."""

import copy
import sys

import numpy as np
import pytest
import torch

from conftest import REPOSITORY
from scumble.gan.losses.adversarial import LOSSES
from scumble.gan.tasks.latent import LatentGAN
from scumble.training.distributed import Processes
from scumble.training.randomness import Share
from scumble.training.task import Moment
from scumble.training.trainer import Trainer
from scumble.training.updates import Made, make_update

sys.path.insert(0, str(REPOSITORY / "examples"))
import dcgan_from_scratch as scratch

SHAPE = (1, 16, 16)
ADAM = {"lr": 1e-3, "beta1": 0.0, "beta2": 0.9}

pytestmark = pytest.mark.usefixtures("one_thread")


def random() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def fixed(count: int = 8, **given) -> dict:
    """A batch that is always the same: bright real pictures, and dark generated ones where they are asked for."""
    real, latents = torch.rand(count, *SHAPE, generator=random()), torch.randn(count, 8, generator=random())
    return {"real": real, "latents": latents, "labels": None} | given


def dark(count: int = 8) -> torch.Tensor:
    return -torch.rand(count, *SHAPE, generator=random().manual_seed(1))


def moved(trainer: Trainer, name: str, batch: dict, parts: int = 1, optimizer=None) -> Made:
    """What one update does, given a batch."""
    update = next(update for update in trainer.task.updates if update.name == name)
    looks = random()  # each part goes on where the one before it stopped
    shares = [Share(number, parts) for number in range(parts)]

    def some(share: Share) -> dict:
        chosen = {key: value if value is None else value[share.of(len(value))] for key, value in batch.items()}
        return chosen | {"random": looks}

    return make_update(
        update if optimizer is None else update._replace(schedule=None),
        trainer.parameters_of(name),
        optimizer or trainer.optimizers[name],
        [(Moment(0, (0, 0), share), lambda share=share: some(share)) for share in shares],
        Processes(),
    )


# --- Losses ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("preset", ["gan", "dcgan", "sndcgan", "sngan", "rpgan"])
@pytest.mark.parametrize("loss", LOSSES)
def test_repeated_steps_tell_a_fixed_real_batch_from_a_fixed_fake_one(game, preset, loss):
    this = game(preset=preset, loss=loss, penalty="none", critic_steps=1, **ADAM)
    trainer, batch = this.trainer(), fixed(fake=dark())
    losses = [moved(trainer, "d", batch).figures["loss"].item() for _ in range(30)]
    assert losses[-1] < losses[0]
    assert this.logits(batch["real"], None).mean() - this.logits(batch["fake"], None).mean() > 0.5


@pytest.mark.parametrize("loss", ["hinge", "relativistic"])
def test_a_generator_step_lowers_its_loss_and_leaves_the_discriminator_alone(game, loss):
    this = game(loss=loss, **ADAM)
    trainer, batch = this.trainer(), fixed()
    before = copy.deepcopy(list(this.discriminator.parameters()))
    losses = [moved(trainer, "g", batch).figures["loss"].item() for _ in range(20)]
    assert losses[-1] < losses[0]
    for old, new in zip(before, this.discriminator.parameters(), strict=True):
        assert torch.equal(old, new)
        assert new.grad is None
        assert new.requires_grad


def test_the_discriminators_step_does_not_reach_the_generator(game):
    this = game(loss="bce")
    moved(this.trainer(), "d", fixed())
    assert all(parameter.grad is None for parameter in this.generator.parameters())
    assert all(parameter.grad is not None for parameter in this.discriminator.parameters())


def test_what_a_step_tells_is_the_loss_and_the_mean_beliefs(game):
    this = game(loss="hinge")
    this.discriminator.eval()
    batch = fixed(4, fake=dark(4))
    with torch.no_grad():
        on_real, on_fake = (this.discriminator(batch[name]).numpy() for name in ("real", "fake"))
    expected = {
        "loss": np.maximum(0, 1 - on_real).mean() + np.maximum(0, 1 + on_fake).mean(),
        "d_real": (1 / (1 + np.exp(-on_real))).mean(),
        "d_fake": (1 / (1 + np.exp(-on_fake))).mean(),
    }
    figures = moved(this.trainer(), "d", batch).figures
    assert {name: value.item() for name, value in figures.items()} == pytest.approx(expected, rel=1e-5)


def test_batch_norm_never_sees_real_and_generated_pictures_together(game):
    this = game(preset="dcgan")
    batch = fixed(4, fake=dark(4), random=random())
    outcome = this.discriminator_loss(batch, Moment(0, (0, 0)))
    on_real, on_fake = this.discriminator(batch["real"]), this.discriminator(batch["fake"])
    assert torch.equal(outcome.loss, LOSSES["bce"].discriminator(on_real, on_fake))
    assert torch.equal(outcome.figures["d_real"], on_real.sigmoid().mean())
    assert torch.equal(outcome.figures["d_fake"], on_fake.sigmoid().mean())


class InDouble:
    """Networks in float64, as they are."""

    device = torch.device("cpu")

    def compute(self, network, *inputs):
        return network(*(each.double() if each.is_floating_point() else each for each in inputs))


@pytest.mark.parametrize("preset", ["gan", "rpgan"])
@pytest.mark.parametrize("penalty", ["none", "gp", "r1r2"])
@pytest.mark.parametrize("loss", [name for name, loss in LOSSES.items() if not loss.couples])
def test_three_parts_give_the_gradients_of_a_batch_three_times_as_large(game, preset, penalty, loss):
    weight = {} if penalty == "none" else {"penalty_weight": 2.0}
    this = game(preset=preset, penalty=penalty, loss=loss, **weight)
    this.placement = InDouble()
    networks = {"d": this.discriminator.double(), "g": this.generator.double()}
    trainer = this.trainer()
    batch = {name: None if value is None else value.double() for name, value in fixed(9).items()}
    figures, gradients = [], []
    for count in (1, 3):
        for name, network in networks.items():
            still = torch.optim.SGD(network.parameters(), 0.0)
            figures.append(moved(trainer, name, batch, count, still).figures)
            gradients.append([p.grad.clone() for p in network.parameters() if p.grad is not None])
    for one, again in ((0, 2), (1, 3)):
        torch.testing.assert_close(figures[one], figures[again], rtol=1e-9, atol=0)
        assert sum(gradient.abs().sum() for gradient in gradients[one]) > 0
        for whole, summed in zip(gradients[one], gradients[again], strict=True):
            torch.testing.assert_close(whole, summed, rtol=1e-9, atol=1e-12)


# --- A step ---------------------------------------------------------------------------------------------------------


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


def test_steps_of_dcgan_are_those_of_the_plain_program(game):
    # In float64: Adam makes whole steps of gradients that are only rounding, and in float32 the plain program's losses
    # differ from its own in float64 by up to 0.5% after three of them.
    torch.manual_seed(0)
    ours = game(shape=(3, 64, 64), preset="dcgan", width=64, latent=100)
    g, d = scratch.initialize(scratch.generator()).double(), scratch.initialize(scratch.discriminator()).double()
    ours.placement = InDouble()
    copy_weights(g, ours.generator.double())
    copy_weights(d, ours.discriminator.double())
    trainer = ours.trainer()
    g_optimizer, d_optimizer = (torch.optim.Adam(n.parameters(), lr=2e-4, betas=(0.5, 0.999)) for n in (g, d))
    for _ in range(3):
        batch = ours.batch(trainer.moment())
        real, latents = batch["real"].double(), batch["latents"].double()
        losses = scratch.train_step(g, d, g_optimizer, d_optimizer, real, latents)
        loss_d, loss_g, d_real, d_fake = losses
        trainer.train_step()
        figures = trainer.take_figures()
        expected = {"loss": loss_d.item(), "d_real": d_real.item(), "d_fake": d_fake.item()}
        assert figures["d"] == pytest.approx(expected, rel=1e-6)
        assert figures["g"] == pytest.approx({"loss": loss_g.item()}, rel=1e-6)


def test_the_learning_rate_falls_to_zero_in_a_line_or_stays(game):
    for decay, expected in (("linear", [2e-4, 1e-4, 0.0]), ("none", [2e-4, 2e-4, 2e-4])):
        trainer = game(images=800, decay=decay).trainer()
        for step, rate in zip((0, 50, 100), expected, strict=True):
            trainer.step = step
            trainer.train_step()
            for optimizer in trainer.optimizers.values():
                assert [group["lr"] for group in optimizer.param_groups] == [pytest.approx(rate)]


def test_the_critics_steps_have_the_learning_rate_of_the_generators(game):
    trainer = game(images=800, critic_steps=5).trainer()
    moments = [Moment(step, (0, 0), images_seen=8 * step) for step in range(100)]
    [rates, others] = [[update.schedule(moment)["lr"] for moment in moments] for update in trainer.task.updates]
    assert rates == others
    assert rates[::5] == pytest.approx([2e-4 * (1 - step / 100) for step in range(0, 100, 5)])
    assert all(len(set(rates[first : first + 5])) == 1 for first in range(0, 100, 5))


def test_what_a_step_draws_depends_on_the_seed_and_the_step_alone(game):
    one, other = game(flip=True), game(flip=True)
    other.trainer().train_step()  # other random numbers were drawn before
    first = one.batch(Moment(0, (0, 0)))["real"]
    assert torch.equal(first, other.batch(Moment(0, (0, 0)))["real"])
    assert not torch.equal(first, one.batch(Moment(1, (0, 0)))["real"])
    assert not torch.equal(first, one.batch(Moment(0, (0, 1)))["real"])


def test_the_average_is_frozen_and_the_generator_is_not(game):
    this = game(ema=0)
    trainer = this.trainer()
    trainer.train_step()
    average = trainer.averages["generator"]
    for a, b in zip(average.parameters(), this.generator.parameters(), strict=True):
        assert torch.equal(a, b)
        assert not a.requires_grad
    assert not average.training
    assert this.generator.training
    assert trainer.result() == {"generator": average, "discriminator": this.discriminator}


def gradients(this: LatentGAN, name: str) -> torch.Tensor:
    return torch.cat([parameter.grad.flatten() for parameter in getattr(this, name).parameters()])


@pytest.mark.parametrize("preset", ["gan", "rpgan"])
def test_a_batch_in_parts_has_the_gradients_of_the_whole(game, preset):
    # Next to no learning rate: Adam divides gradients by their size, and makes whole steps of what is only rounding.
    both = [game(preset=preset, accumulate=parts, lr=1e-9) for parts in (1, 4)]
    for this in both:
        this.trainer().train_step()
    for name in ("generator", "discriminator"):
        one, again = (gradients(this, name) for this in both)
        assert one.norm() > 0
        assert (one - again).norm() < 1e-5 * one.norm()


@pytest.mark.parametrize("preset", ["gan", "rpgan"])
def test_a_batch_in_parts_trains_as_it_does_whole(game, preset):
    whole, parts = (game(preset=preset, accumulate=count, critic_steps=2).trainer() for count in (1, 4))
    for _ in range(10):
        whole.train_step()
        parts.train_step()
    assert parts.images_seen == whole.images_seen == 80
    found, expected = parts.take_figures(), whole.take_figures()
    assert found.keys() == expected.keys() == {"d", "g"}
    for name, figures in found.items():
        # Ten steps of Adam make whole steps of what is only rounding: 1.3e-4 on processors with AMX.
        assert figures == pytest.approx(expected[name], rel=1e-3, abs=1e-5)


def test_parts_take_less_memory(game):
    """What the tape of the way back holds at once, by its largest batch."""
    for count, largest in ((1, 8), (4, 2)):
        kept = []
        with torch.autograd.graph.saved_tensors_hooks(lambda x, kept=kept: (kept.append(x.shape), x)[1], lambda x: x):
            game(preset="rpgan", accumulate=count).trainer().train_step()
        pictures = [shape[0] for shape in kept if len(shape) == 4 and shape[2:] == (16, 16)]
        assert max(pictures) == 2 * largest  # the discriminator sees real and generated ones together


# --- Held-out pictures ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("count", "held"), [(99, 0), (100, 5), (1000, 50), (4000, 128)])
def test_a_twentieth_is_held_out_but_neither_many_nor_too_few(game, count, held):
    this = game(count)
    assert len(this.held_out) == held
    assert sorted([*this.learning, *this.held_out]) == list(range(count))


def test_no_batch_has_a_picture_that_is_held_out_and_an_epoch_has_all_others(game):
    this = game(100, batch=19)
    seen = set()
    for step in range(5):
        seen |= {picture.numpy().tobytes() for picture in this.batch(Moment(step, (0, 0)))["real"]}
    assert seen == {picture.numpy().tobytes() for picture in this.pictures_at(this.learning)[0]}


def test_a_class_of_one_picture_keeps_it_and_known_labels_are_kept(game):
    labels = np.array([0] * 50 + [1] * 50 + list(range(2, 102)))
    this = game(200, labels, preset="cgan")
    assert set(labels[this.learning]) == set(range(102))
    few = game(200, np.arange(200) % 2, preset="sgan", labelled=70)
    assert few.known is not None
    assert set(few.known) <= set(few.learning)
