"""Energies and what is made of them, against plain loops in float64."""

import numpy as np
import pytest
import torch

from scumble.gan.losses.energy import (
    absolute_error,
    balance,
    convergence,
    energy_distance,
    pull_away,
    squared_error,
)


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_errors_are_means_over_each_picture():
    one, other = normal(3, 2, 5, 4), normal(3, 2, 5, 4, seed=1)
    difference = (one - other).numpy()
    assert squared_error(one, other).numpy() == pytest.approx([np.mean(d**2) for d in difference])
    assert absolute_error(one, other).numpy() == pytest.approx([np.mean(np.abs(d)) for d in difference])


def test_pulling_away_is_the_mean_squared_cosine_of_two_codes():
    codes = normal(6, 4)
    cosines = [
        (a @ b / np.linalg.norm(a) / np.linalg.norm(b)) ** 2
        for i, a in enumerate(codes.numpy())
        for j, b in enumerate(codes.numpy())
        if i != j
    ]
    assert pull_away(codes).item() == pytest.approx(np.mean(cosines))
    assert pull_away(7 * codes[:1].expand(5, 4)).item() == pytest.approx(1)
    assert pull_away(torch.eye(4)).item() == 0


def test_equilibrium_is_where_generated_energies_are_gamma_of_the_real_ones():
    real, fake = torch.tensor(0.4), torch.tensor(0.1)
    assert balance(real, 0.5 * real, 0.5) == 0
    assert convergence(real, 0.5 * real, 0.5) == real
    assert balance(real, fake, 0.5).item() == pytest.approx(0.1)
    assert convergence(real, fake, 0.5).item() == convergence(real, 3 * fake, 0.5).item() == pytest.approx(0.5)


def test_the_energy_distance_is_that_of_a_plain_loop_and_about_0_for_one_distribution():
    one, other = normal(7, 3), normal(5, 3, seed=1) + 1

    def mean(a, b, same):
        return np.mean([np.linalg.norm(x - y) for i, x in enumerate(a) for j, y in enumerate(b) if not same or i != j])

    a, b = one.numpy(), other.numpy()
    expected = 2 * mean(a, b, False) - mean(a, a, True) - mean(b, b, True)
    assert energy_distance(one, other).item() == pytest.approx(expected)
    many = [energy_distance(normal(16, 3, seed=n), normal(16, 3, seed=n + 100)).item() for n in range(40)]
    assert abs(np.mean(many)) < 4 * np.std(many) / 40**0.5


def test_the_gradient_of_an_energy_comes_from_the_picture_on_both_sides():
    """Where what is compared with is detached, half of it is gone."""
    picture = normal(1, 4).requires_grad_()
    squared_error(picture, 0.5 * picture).sum().backward()
    assert torch.allclose(picture.grad, 2 * 0.25 * picture.detach() / 4)
