"""Losses against float64 NumPy written as loops over the formulas, and against their own finite differences."""

import numpy as np
import pytest
import torch

from scumble.style.losses import gram, mean_squared_error


def naive_gram(features: np.ndarray) -> np.ndarray:
    channels, height, width = features.shape
    result = np.zeros((channels, channels))
    for i in range(channels):
        for j in range(channels):
            for y in range(height):
                for x in range(width):
                    result[i, j] += features[i, y, x] * features[j, y, x]
    return result / (height * width)


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_gram_equals_the_sum_over_places(memory_format):
    features = torch.randn(2, 5, 4, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    result = gram(features.to(memory_format=memory_format))
    for picture, expected in zip(result.numpy(), features.numpy(), strict=True):
        np.testing.assert_allclose(picture, naive_gram(expected), rtol=1e-12)


def test_gram_of_float32_is_as_exact_as_float32_can_be():
    features = torch.randn(1, 64, 128, 96, generator=torch.Generator().manual_seed(0))
    expected = features.double().flatten(2)
    expected = expected @ expected.mT / (128 * 96)
    assert ((gram(features).double() - expected).norm() / expected.norm()).item() < 1e-6


def test_gram_forgets_where_things_are():
    features = torch.randn(1, 4, 6, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    shuffled = features.flatten(2)[:, :, torch.randperm(30, generator=torch.Generator().manual_seed(1))].view(
        1, 4, 6, 5
    )
    torch.testing.assert_close(gram(features), gram(shuffled))


def test_gram_does_not_grow_with_the_picture():
    features = torch.randn(1, 4, 6, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    torch.testing.assert_close(gram(features), gram(features.repeat(1, 1, 3, 2)))


def test_mean_squared_error_by_hand_and_of_equals():
    values = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    assert mean_squared_error(values, torch.zeros(2, 2)).item() == (1 + 4 + 9 + 16) / 4
    assert mean_squared_error(values, values).item() == 0


def test_gradients_equal_finite_differences():
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(1, 3, 4, 5, generator=generator, dtype=torch.float64, requires_grad=True)
    target = torch.randn(1, 3, 3, generator=generator, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda f: mean_squared_error(gram(f), target), features)
    place = torch.randn(1, 3, 4, 5, generator=generator, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda f: mean_squared_error(f, place), features)


def test_gradient_of_the_gram_loss_equals_the_papers_formula():
    # Gatys et al. 2015, eq. 6: the derivative of sum (G - A)^2 by F is 4 (G - A) F, over our divisors.
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(1, 3, 4, 5, generator=generator, dtype=torch.float64, requires_grad=True)
    target = gram(torch.randn(1, 3, 4, 5, generator=generator, dtype=torch.float64))
    (found,) = torch.autograd.grad(mean_squared_error(gram(features), target), features)
    flat = features.detach().flatten(2)
    expected = 4 / (3**2 * 20) * (gram(features.detach()) - target) @ flat
    torch.testing.assert_close(found.flatten(2), expected)
