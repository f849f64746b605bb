from typing import get_args

import numpy as np
import pytest
import torch

from scumble.gan.losses import LOSSES
from scumble.gan.networks import NETWORKS
from scumble.gan.settings import GANSettings

REAL, FAKE = np.array([0.3, -1.2, 2.5]), np.array([-0.7, 0.1, -3.0])


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_choices_in_the_settings_are_those_that_exist():
    fields = GANSettings.model_fields
    assert set(get_args(fields["loss"].annotation)) == set(LOSSES)
    assert set(get_args(fields["network"].annotation)) == set(NETWORKS)
    assert set(get_args(fields["preset"].annotation)) == set(GANSettings.PRESETS)


def test_binary_cross_entropy_is_that_of_the_formula():
    loss = LOSSES["bce"]
    expected = -np.log(sigmoid(REAL)).mean() - np.log(1 - sigmoid(FAKE)).mean()
    assert loss.discriminator(torch.tensor(REAL), torch.tensor(FAKE)).item() == pytest.approx(expected, rel=1e-12)
    assert loss.generator(torch.tensor(FAKE)).item() == pytest.approx(-np.log(sigmoid(FAKE)).mean(), rel=1e-12)


def test_hinge_loss_is_that_of_the_formula():
    loss = LOSSES["hinge"]
    expected = np.maximum(0, 1 - REAL).mean() + np.maximum(0, 1 + FAKE).mean()
    assert loss.discriminator(torch.tensor(REAL), torch.tensor(FAKE)).item() == pytest.approx(expected, rel=1e-12)
    assert loss.generator(torch.tensor(FAKE)).item() == pytest.approx(-FAKE.mean(), rel=1e-12)


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_are_those_of_finite_differences(name):
    loss = LOSSES[name]
    real, fake = (torch.tensor(x, requires_grad=True) for x in (REAL, FAKE))
    assert torch.autograd.gradcheck(loss.discriminator, (real, fake))
    assert torch.autograd.gradcheck(loss.generator, (fake,))


@pytest.mark.parametrize("name", LOSSES)
def test_a_discriminator_that_is_sure_and_wrong_still_gets_a_gradient(name):
    real, fake = torch.tensor([-40.0], requires_grad=True), torch.tensor([40.0], requires_grad=True)
    LOSSES[name].discriminator(real, fake).backward()
    assert real.grad is not None
    assert fake.grad is not None
    assert real.grad.item() == pytest.approx(-1)
    assert fake.grad.item() == pytest.approx(1)
    lost = torch.tensor([-40.0], requires_grad=True)
    LOSSES[name].generator(lost).backward()
    assert lost.grad is not None
    assert lost.grad.item() == pytest.approx(-1)
