"""Fast convolutions against the library's, values and gradients, at all sizes around a tile."""

import pytest
import torch
import torch.nn.functional as F

from scumble.perceptual import winograd


def numbers(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 5), (4, 4), (7, 8), (13, 30), (16, 3)])
@pytest.mark.parametrize("tiles", [1, 5, 1024])
def test_values_and_gradients_equal_a_direct_convolution(height, width, tiles, monkeypatch):
    monkeypatch.setattr(winograd, "TILES_AT_ONCE", tiles)
    weight, bias = numbers(6, 5, 3, 3, seed=1), numbers(6, seed=2)
    x = numbers(1, 5, height, width).to(memory_format=torch.channels_last).requires_grad_()
    fast, direct = winograd.RectifiedConvolution(weight, bias)(x), F.conv2d(x, weight, bias, padding=1).relu()
    torch.testing.assert_close(fast, direct, rtol=1e-10, atol=1e-10)
    pull = numbers(1, 6, height, width, seed=3)
    gradients = [torch.autograd.grad((out * pull).sum(), x)[0] for out in (fast, direct)]
    torch.testing.assert_close(*gradients, rtol=1e-10, atol=1e-10)


def test_float32_loses_little():
    weight, bias, x = numbers(128, 128, 3, 3) / 34, numbers(128), numbers(1, 128, 40, 50, seed=1).relu()
    exact = F.conv2d(x, weight, bias, padding=1).relu()
    fast = winograd.RectifiedConvolution(weight.float(), bias.float())(x.float())
    assert ((fast - exact).norm() / exact.norm()).item() < 1e-5


def test_gradients_equal_finite_differences():
    convolution = winograd.RectifiedConvolution(numbers(3, 2, 3, 3), numbers(3))
    assert torch.autograd.gradcheck(convolution, numbers(1, 2, 9, 10).requires_grad_())
