from typing import get_args

import numpy as np
import pytest
import torch

from scumble.gan.losses.adversarial import LOSSES
from scumble.gan.losses.penalties import PENALTIES
from scumble.gan.networks.build import NETWORKS
from scumble.gan.networks.conditioning import CONDITIONAL
from scumble.gan.presets import PRESETS
from scumble.gan.settings import GANSettings

NONE = torch.zeros(0)
REAL, FAKE = np.array([0.3, -1.2, 2.5]), np.array([-0.7, 0.1, -3.0])


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def log_sigmoid(x):
    return np.log(sigmoid(x))


def softmax(x):
    return np.exp(x) / np.exp(x).sum()


def test_choices_in_the_settings_are_those_that_exist():
    fields = GANSettings.model_fields
    assert set(get_args(fields["loss"].annotation)) == set(LOSSES)
    assert set(get_args(fields["network"].annotation)) == set(NETWORKS)
    assert set(get_args(fields["penalty"].annotation)) == {"none", *PENALTIES}
    assert set(get_args(fields["condition"].annotation)) == {"none", "coupled", *CONDITIONAL}
    assert list(get_args(fields["preset"].annotation)) == list(PRESETS) == list(GANSettings.PRESETS)


BOTH = np.concatenate([REAL, FAKE])
LEAST = lambda x, target: (x - target) ** 2 / 2  # noqa: E731
# Cross-entropy of a target with the softmax of the batch: 1/3 on each real picture, or 1/6 on every one.
FORMULAS = {
    "bce": (-log_sigmoid(REAL).mean() - np.log(1 - sigmoid(FAKE)).mean(), -log_sigmoid(FAKE).mean()),
    "hinge": (np.maximum(0, 1 - REAL).mean() + np.maximum(0, 1 + FAKE).mean(), -FAKE.mean()),
    "least-squares": (LEAST(REAL, 1).mean() + LEAST(FAKE, 0).mean(), LEAST(FAKE, 1).mean()),
    "wasserstein": (FAKE.mean() - REAL.mean(), -FAKE.mean()),
    "margin": (np.maximum(0, 0.1 + FAKE).mean() - REAL.mean(), -FAKE.mean()),
    "boundary-seeking": (
        -log_sigmoid(REAL).mean() - np.log(1 - sigmoid(FAKE)).mean(),
        (np.log(sigmoid(FAKE)) - np.log(1 - sigmoid(FAKE))).__pow__(2).mean() / 2,
    ),
    "relativistic": (-log_sigmoid(REAL - FAKE).mean(), -log_sigmoid(FAKE - REAL).mean()),
    "relativistic-average": (
        -log_sigmoid(REAL - FAKE.mean()).mean() - np.log(1 - sigmoid(FAKE - REAL.mean())).mean(),
        -log_sigmoid(FAKE - REAL.mean()).mean() - np.log(1 - sigmoid(REAL - FAKE.mean())).mean(),
    ),
    "feature-matching": (
        -log_sigmoid(REAL).mean() - np.log(1 - sigmoid(FAKE)).mean(),
        (REAL.mean() - FAKE.mean()) ** 2,  # here, features of one number each
    ),
    "softmax": (-np.log(softmax(BOTH)[:3]).mean(), -np.log(softmax(BOTH)).mean()),
}


@pytest.mark.parametrize("name", LOSSES)
def test_losses_are_those_of_the_formula(name):
    loss, (of_discriminator, of_generator) = LOSSES[name], FORMULAS[name]
    real, fake = torch.tensor(REAL), torch.tensor(FAKE)
    assert loss.discriminator(real, fake).item() == pytest.approx(of_discriminator, rel=1e-12)
    assert loss.generator(real, fake).item() == pytest.approx(of_generator, rel=1e-12)


@pytest.mark.parametrize("name", LOSSES)
def test_only_a_loss_that_compares_looks_at_real_pictures_for_the_generator(name):
    """The relativistic generator's loss, which has been seen overwritten by the plain one elsewhere, does."""
    loss, fake = LOSSES[name], torch.tensor(FAKE)
    if not loss.compares:
        assert loss.generator(NONE, fake) == loss.generator(torch.tensor(REAL), fake)
    else:
        assert loss.generator(torch.tensor(REAL), fake) != loss.generator(torch.tensor(REAL) + 1, fake)


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_can_be_taken_in_parts_unless_it_says_otherwise(name):
    loss = LOSSES[name]
    real, fake = torch.tensor([*REAL, 0.5]), torch.tensor([*FAKE, -1.5])
    differ = []
    for side in (loss.discriminator, loss.generator):
        parts = (side(real[:2], fake[:2]) + side(real[2:], fake[2:])) / 2
        differ.append(not torch.isclose(side(real, fake), parts).item())
    assert any(differ) is loss.couples


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_are_those_of_finite_differences(name):
    loss = LOSSES[name]
    real, fake = (torch.tensor(x, requires_grad=True) for x in (REAL, FAKE))
    assert torch.autograd.gradcheck(loss.discriminator, (real, fake))
    assert torch.autograd.gradcheck(loss.generator, (real if loss.compares else NONE, fake))


@pytest.mark.parametrize("name", LOSSES)
def test_a_discriminator_that_is_sure_and_wrong_still_gets_a_gradient(name):
    real, fake = torch.tensor([-40.0], requires_grad=True), torch.tensor([40.0], requires_grad=True)
    LOSSES[name].discriminator(real, fake).backward()
    assert real.grad is not None
    assert fake.grad is not None
    assert real.grad.item() <= -0.99
    assert fake.grad.item() >= 0.99
    lost = torch.tensor([-40.0], requires_grad=True)
    LOSSES[name].generator(torch.tensor([40.0]), lost).backward()
    assert lost.grad is not None
    assert lost.grad.item() <= -0.49
