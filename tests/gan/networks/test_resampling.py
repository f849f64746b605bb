import pytest
import torch
import torch.nn.functional as F

from scumble.gan.networks import resampling
from scumble.gan.networks.resampling import SmoothUpsample, downsample, upsample

SIZES = [(4, 4), (6, 8), (7, 5), (14, 14)]


def case(size, channels=3, after=5):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, channels, *size, dtype=torch.float64, generator=generator)
    weight = torch.randn(after, channels, 4, 4, dtype=torch.float64, generator=generator)
    return x.requires_grad_(), weight.requires_grad_()


@pytest.fixture
def never_as_a_product(monkeypatch):
    def slow(function, *arguments):
        with monkeypatch.context() as patch:
            patch.setattr(resampling, "MAX_POSITIONS", -1)
            return function(*arguments)

    return slow


@pytest.mark.parametrize("size", SIZES)
def test_halving_as_a_product_is_the_convolution(size, never_as_a_product):
    x, weight = case(size)
    product, convolution = downsample(x, weight), never_as_a_product(downsample, x, weight)
    assert torch.allclose(product, F.conv2d(x, weight, stride=2, padding=1), atol=1e-12)
    towards = torch.randn_like(product)
    for one, other in zip(
        torch.autograd.grad(product, (x, weight), towards),
        torch.autograd.grad(convolution, (x, weight), towards),
        strict=True,
    ):
        assert torch.allclose(one, other, atol=1e-12)


@pytest.mark.parametrize("size", [(4, 4), (3, 7)])
def test_doubling_as_a_product_is_the_transposed_convolution(size, never_as_a_product):
    x, weight = case(size, channels=5, after=5)
    product, convolution = upsample(x, weight), never_as_a_product(upsample, x, weight)
    assert torch.allclose(product, F.conv_transpose2d(x, weight, stride=2, padding=1), atol=1e-12)
    towards = torch.randn_like(product)
    for one, other in zip(
        torch.autograd.grad(product, (x, weight), towards),
        torch.autograd.grad(convolution, (x, weight), towards),
        strict=True,
    ):
        assert torch.allclose(one, other, atol=1e-12)


def test_gradients_of_gradients_are_right_too():
    # Penalties on the discriminator's gradient need them.
    x, weight = case((4, 4), channels=2, after=2)
    assert torch.autograd.gradgradcheck(lambda a, b: downsample(a, b).tanh(), (x, weight))
    assert torch.autograd.gradgradcheck(lambda a, b: upsample(a, b).tanh(), (x, weight))


def test_biases_are_added():
    x, weight = case((6, 6), channels=5, after=5)
    bias = torch.arange(5, dtype=torch.float64)
    assert torch.allclose(downsample(x, weight, bias), F.conv2d(x, weight, bias, stride=2, padding=1))
    assert torch.allclose(upsample(x, weight, bias), F.conv_transpose2d(x, weight, bias, stride=2, padding=1))


def test_smooth_doubling_is_repeating_pixels_and_convolving():
    doubling = SmoothUpsample(3, 5).double()
    x = torch.randn(2, 3, 6, 4, dtype=torch.float64)
    slow = F.conv2d(F.interpolate(x, scale_factor=2), doubling.weight, doubling.bias, padding=1)
    assert torch.allclose(doubling(x), slow, atol=1e-12)
