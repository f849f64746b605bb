"""How well codes are told: by values that were computed by hand, and against torch's own distributions."""

import math

import pytest
import torch

from scumble.gan.losses.codes import category_surprise, numbers_surprise, squared_distance


def test_the_surprise_is_zero_where_the_guess_is_sure_and_right_and_grows_without_bound_where_it_is_wrong():
    category = torch.eye(3)
    assert category_surprise(1000 * category, category).item() == pytest.approx(0, abs=1e-6)
    assert category_surprise(1000 * category.roll(1, 0), category).item() == pytest.approx(1000, rel=1e-6)


def test_surprises_are_those_of_the_distributions():
    random = torch.Generator().manual_seed(0)
    logits, numbers, guess = (torch.randn(5, 4, generator=random) for _ in range(3))
    category = torch.eye(4)[[0, 3, 1, 1, 2]]
    expected = -torch.distributions.OneHotCategorical(logits=logits).log_prob(category).mean()
    assert category_surprise(logits, category).item() == pytest.approx(expected.item(), rel=1e-5)
    normal = -torch.distributions.Normal(guess, 1.0).log_prob(numbers).sum(1).mean()
    constant = 4 * math.log(2 * math.pi) / 2
    assert numbers_surprise(guess, numbers).item() == pytest.approx(normal.item() - constant, rel=1e-5)


def test_a_softmax_in_front_would_be_one_too_many():
    """The mistake of a known collection of programs: then even the best guess of two has a surprise of 0.31."""
    category = torch.eye(2)
    assert category_surprise((1000 * category).softmax(1), category).item() == pytest.approx(math.log(1 + math.exp(-1)))


def test_the_distance_is_a_sum_over_numbers_and_a_mean_over_pictures():
    assert squared_distance(torch.tensor([[1.0, 2.0], [0.0, 0.0]]), torch.zeros(2, 2)).item() == 2.5


def test_without_numbers_nothing_is_lacking():
    assert numbers_surprise(torch.zeros(3, 0), torch.zeros(3, 0)).item() == 0
