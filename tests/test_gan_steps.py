import copy

import numpy as np
import pytest
import torch
from scumble.gan.critic import Critic

from scumble.gan import steps
from scumble.gan.losses.adversarial import LOSSES
from scumble.gan.networks.build import build
from scumble.gan.settings import GANSettings

SHAPE = (1, 16, 16)


def pair(preset: str = "sndcgan"):
    generator, discriminator = build(GANSettings(preset=preset, width=4, latent=8), SHAPE)
    return generator, Critic(discriminator)


def random():
    return torch.Generator().manual_seed(0)


def adam(network):
    return torch.optim.Adam(network.parameters(), 1e-3, (0.0, 0.9))


@pytest.mark.parametrize("preset", ["gan", "dcgan", "sndcgan", "sngan", "rpgan"])
@pytest.mark.parametrize("loss", LOSSES)
def test_repeated_steps_tell_a_fixed_real_batch_from_a_fixed_fake_one(preset, loss):
    _, critic = pair(preset)
    optimizer = adam(critic)
    torch.manual_seed(0)
    real, fake = torch.rand(8, *SHAPE), -torch.rand(8, *SHAPE)
    told = [steps.discriminator_step(critic, optimizer, LOSSES[loss], real, fake, random()) for _ in range(30)]
    assert told[-1][0] < told[0][0]
    on_real, on_fake = critic.judge(real, fake)
    assert on_real.mean() - on_fake.mean() > 0.5


@pytest.mark.parametrize("loss", ["hinge", "relativistic"])
def test_a_generator_step_lowers_its_loss_and_leaves_the_discriminator_alone(loss):
    generator, critic = pair()
    optimizer, real = adam(generator), torch.rand(8, *SHAPE)
    latents = torch.randn(8, 8, generator=random())
    before = copy.deepcopy(list(critic.parameters()))
    losses = [steps.generator_step(critic, optimizer, LOSSES[loss], real, generator(latents)).item() for _ in range(20)]
    assert losses[-1] < losses[0]
    for old, new in zip(before, critic.parameters(), strict=True):
        assert torch.equal(old, new)
        assert new.grad is None
        assert new.requires_grad


def test_the_discriminators_step_does_not_reach_the_generator():
    generator, critic = pair()
    fake = generator(torch.randn(4, 8))
    steps.discriminator_step(critic, adam(critic), LOSSES["bce"], torch.rand(4, *SHAPE), fake, random())
    assert all(parameter.grad is None for parameter in generator.parameters())


def test_what_a_step_tells_is_the_loss_and_the_mean_beliefs():
    _, critic = pair()
    critic.eval()
    real, fake = torch.rand(4, *SHAPE), -torch.rand(4, *SHAPE)
    with torch.no_grad():
        on_real, on_fake = critic.discriminator(real).numpy(), critic.discriminator(fake).numpy()
    told = steps.discriminator_step(critic, adam(critic), LOSSES["hinge"], real, fake, random()).numpy()
    expected = [
        np.maximum(0, 1 - on_real).mean() + np.maximum(0, 1 + on_fake).mean(),
        (1 / (1 + np.exp(-on_real))).mean(),
        (1 / (1 + np.exp(-on_fake))).mean(),
    ]
    assert told == pytest.approx(expected, rel=1e-5)


def test_batch_norm_never_sees_real_and_generated_pictures_together():
    _, critic = pair("dcgan")
    real, fake = torch.rand(4, *SHAPE), -torch.rand(4, *SHAPE)
    together = critic.judge(real, fake)
    assert torch.equal(together[0], critic.discriminator(real))
    assert torch.equal(together[1], critic.discriminator(fake))


@pytest.mark.parametrize("preset", ["gan", "rpgan"])
@pytest.mark.parametrize("penalty", ["none", "gp", "r1r2"])
@pytest.mark.parametrize("loss", [name for name, loss in LOSSES.items() if not loss.couples])
def test_three_parts_give_the_gradients_of_a_batch_three_times_as_large(preset, penalty, loss):
    generator, critic = pair(preset)
    critic = Critic(critic.discriminator, penalty, 2.0).double()
    real, latents = torch.rand(9, *SHAPE, dtype=torch.float64), torch.randn(9, 8, dtype=torch.float64)
    generator.double()
    told, gradients = [], []
    for count in (1, 3):
        here, looks = [], random()
        still = [torch.optim.SGD(network.parameters(), 0.0) for network in (critic, generator)]
        for number, some in enumerate(zip(real.chunk(count), latents.chunk(count), strict=True)):
            part = steps.Part(number, count)
            fake = generator(some[1])
            of_d = steps.discriminator_step(critic, still[0], LOSSES[loss], some[0], fake, looks, part=part)
            of_g = steps.generator_step(critic, still[1], LOSSES[loss], some[0], fake, part=part)
            here.append([*of_d, of_g])
        told.append(np.mean(here, 0))
        gradients.append(
            [p.grad.clone() for p in (*critic.parameters(), *generator.parameters()) if p.grad is not None]
        )
    np.testing.assert_allclose(*told, rtol=1e-9)
    assert sum(gradient.abs().sum() for gradient in gradients[0]) > 0
    for whole, summed in zip(*gradients, strict=True):
        torch.testing.assert_close(whole, summed, rtol=1e-9, atol=1e-12)


def test_only_the_last_part_moves():
    _, critic = pair("gan")
    optimizer, (real, fake) = adam(critic), torch.rand(2, 4, *SHAPE)
    before = copy.deepcopy(list(critic.parameters()))
    for number, moved in ((0, False), (1, False), (2, True)):
        steps.discriminator_step(critic, optimizer, LOSSES["bce"], real, fake, random(), part=steps.Part(number, 3))
        assert any(not torch.equal(*both) for both in zip(before, critic.parameters(), strict=True)) is moved


def test_clipped_weights_are_within_the_bound():
    _, critic = pair()
    before = [parameter.detach().clone() for parameter in critic.parameters()]
    steps.clip_weights(critic, 0.01)
    for old, new in zip(before, critic.parameters(), strict=True):
        assert torch.equal(new, old.clamp(-0.01, 0.01))


def test_the_average_has_the_half_life_that_was_asked_for():
    old, new = torch.nn.Linear(1, 1), torch.nn.Linear(1, 1)
    torch.nn.init.zeros_(old.weight)
    torch.nn.init.ones_(new.weight)
    for step in range(100):  # 100 steps of 10 images, long after the start
        steps.update_average(old, new, 10, 10**9 + 10 * step, half_life=1000)
    assert old.weight.item() == pytest.approx(0.5, rel=1e-4)


def test_the_average_follows_at_once_in_the_beginning_or_where_there_is_none():
    generator, _ = pair()
    average, copied = copy.deepcopy(generator), copy.deepcopy(generator)
    with torch.no_grad():
        for parameter in generator.parameters():
            parameter.add_(1)
        generator.norms[0].running_mean.add_(3)
    steps.update_average(average, generator, 64, 64, half_life=10_000)
    steps.update_average(copied, generator, 64, 10**6, half_life=0)
    for a, c, g in zip(average.parameters(), copied.parameters(), generator.parameters(), strict=True):
        assert torch.allclose(a, g, atol=1e-5)
        assert torch.equal(c, g)
    assert torch.equal(average.norms[0].running_mean, generator.norms[0].running_mean)


def test_the_norm_of_the_gradient_is_that_of_all_numbers_in_a_row():
    network = torch.nn.Linear(3, 2)
    network(torch.ones(1, 3)).sum().backward()
    numbers = np.concatenate([p.grad.numpy().ravel() for p in network.parameters()])
    assert steps.gradient_norm(network).item() == pytest.approx(np.linalg.norm(numbers), rel=1e-6)
