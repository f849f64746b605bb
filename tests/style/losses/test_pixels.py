"""Losses of the pixels alone, against NumPy and their own finite differences."""

import numpy as np
import pytest
import torch

from scumble.style.losses.pixels import out_of_range, total_variation


def test_total_variation_equals_numpy_and_its_finite_differences():
    picture = torch.rand(1, 3, 5, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    expected = np.mean(np.diff(picture.numpy(), axis=2) ** 2) + np.mean(np.diff(picture.numpy(), axis=3) ** 2)
    assert total_variation(picture).item() == pytest.approx(expected)
    assert torch.autograd.gradcheck(total_variation, picture.requires_grad_())


def test_out_of_range_equals_numpy_and_its_finite_differences():
    picture = torch.randn(1, 3, 5, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    values = picture.numpy()
    expected = np.mean(np.maximum(values - 1, 0) ** 2 + np.maximum(-values, 0) ** 2)
    assert expected > 0
    assert out_of_range(picture).item() == pytest.approx(expected)
    assert torch.autograd.gradcheck(out_of_range, picture.requires_grad_())
    assert out_of_range(torch.rand(1, 3, 4, 4)) == 0


def test_total_variation_of_a_line_is_finite():
    assert total_variation(torch.rand(1, 3, 1, 9)).isfinite()
    assert total_variation(torch.rand(1, 3, 1, 1)).item() == 0
