"""Penalties against discriminators whose slopes are known, and against loops over finite differences."""

import numpy as np
import pytest
import torch

from scumble.gan.losses.penalties import PENALTIES, between, squared_slopes

SHAPE = (2, 3, 4)
REAL, FAKE = (torch.randn(5, *SHAPE, dtype=torch.float64, generator=torch.Generator().manual_seed(n)) for n in (0, 1))


def random():
    return torch.Generator().manual_seed(7)


def linear(slope: float):
    """A discriminator with the same slope everywhere."""
    direction = torch.ones(SHAPE, dtype=torch.float64)
    direction *= slope / direction.norm()
    return lambda pictures: (pictures * direction).sum((1, 2, 3))


def curved(pictures):
    """One whose slope is different at every picture."""
    return pictures.pow(3).sum((1, 2, 3)) + pictures[:, 0, 0, 0] * pictures[:, 1, 2, 3]


def slope_by_differences(judge, picture):
    """The length of the gradient over all numbers of one picture, one at a time."""
    numbers, h = picture.flatten(), 1e-6
    gradient = []
    for place in range(len(numbers)):
        step = torch.zeros_like(numbers)
        step[place] = h
        up, down = (judge((numbers + sign * step).view(1, *picture.shape)).item() for sign in (1, -1))
        gradient.append((up - down) / (2 * h))
    return np.linalg.norm(gradient)


EXPECTED = {
    "gp": lambda slope: (slope - 1) ** 2,
    "div": lambda slope: slope**6,
    "dragan": lambda slope: (slope - 1) ** 2,
    "r1": lambda slope: slope**2 / 2,
    "r1r2": lambda slope: slope**2,  # half of it at real pictures, half at generated ones
}


@pytest.mark.parametrize("name", PENALTIES)
@pytest.mark.parametrize("slope", [0.5, 1.0, 3.0])
def test_penalties_are_those_of_the_formula_where_the_slope_is_known(name, slope):
    value = PENALTIES[name].function(linear(slope), REAL, FAKE, random())
    assert value.item() == pytest.approx(EXPECTED[name](slope), abs=1e-9)


def test_slopes_are_taken_over_all_numbers_of_each_picture():
    """Over colours alone, as has been seen elsewhere, they would be too small; over the batch, too large."""
    expected = [slope_by_differences(curved, picture) ** 2 for picture in REAL]
    assert squared_slopes(curved, REAL).detach().numpy() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", PENALTIES)
def test_penalties_are_those_of_a_loop_over_the_places_they_look_at(name):
    noise = torch.randn(REAL.shape, generator=random()).double()
    looked_at = {
        "gp": between(REAL, FAKE, random()),
        "div": between(REAL, FAKE, random()),
        "dragan": REAL + 0.5 * REAL.std() * noise,
        "r1": REAL,
        "r1r2": None,
    }[name]
    halves = [REAL, FAKE] if looked_at is None else [looked_at]
    one = EXPECTED["r1"] if looked_at is None else EXPECTED[name]
    expected = sum(np.mean([one(slope_by_differences(curved, picture)) for picture in half]) for half in halves)
    value = PENALTIES[name].function(curved, REAL, FAKE, random())
    assert value.item() == pytest.approx(expected, rel=1e-5)


def test_noise_around_real_pictures_goes_both_ways():
    seen = []
    PENALTIES["dragan"].function(lambda x: seen.append(x.detach()) or x.sum((1, 2, 3)), REAL, FAKE, random())
    moved = (seen[0] - REAL) / REAL.std()
    assert moved.mean().abs() < 0.15
    assert 0.4 < moved.std() < 0.6


def test_places_between_are_at_one_share_of_the_way_for_all_pixels_of_a_picture():
    shares = (between(REAL, FAKE, random()) - REAL) / (FAKE - REAL)
    for share in shares:
        assert torch.allclose(share, share.flatten()[0])
    assert ((shares >= 0) & (shares <= 1)).all()
    assert shares.flatten(1)[:, 0].std() > 0.1


@pytest.mark.parametrize("name", PENALTIES)
def test_a_penalty_has_a_gradient_by_the_weights(name):
    """That is a gradient of a gradient."""
    weight = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)

    def penalty(weight):
        return PENALTIES[name].function(lambda x: weight * curved(x), REAL, FAKE, random())

    assert torch.autograd.gradcheck(penalty, (weight,), rtol=1e-4)


def test_a_flat_discriminator_has_a_finite_gradient():
    weight = torch.zeros((), dtype=torch.float64, requires_grad=True)
    PENALTIES["gp"].function(lambda x: weight * x.sum((1, 2, 3)), REAL, FAKE, random()).backward()
    assert weight.grad is not None
    assert weight.grad.isfinite()
