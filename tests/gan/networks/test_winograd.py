"""Convolutions at a few points against torch's own, in float64, where only a mistake makes a difference."""

import pytest
import torch
import torch.nn.functional as F

from scumble.gan.networks import winograd
from scumble.gan.networks.winograd import TILES, Tiling, convolve, convolve_transposed

SIZES = [(4, 4), (6, 8), (7, 5), (14, 14)]
KERNEL = {1: 3, 2: 4}


@pytest.fixture(params=TILES)
def tile(request, monkeypatch):
    """Every convolution by tiles of this side, and a few pictures at a time."""
    monkeypatch.setattr(winograd, "TILES_AT_ONCE", 8)
    monkeypatch.setattr(winograd, "_tiling", tiling_of(request.param))


def tiling_of(tile):
    """What decides, if it always decides for this tile."""
    return lambda x, weight, stride, border=1, outputs=None: Tiling(stride, tile, weight.shape[2] // stride, border)


def drawn(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, dtype=torch.float64, generator=generator).requires_grad_()


def assert_same(result, expected, given):
    """Results, and gradients by all that was given, towards the same."""
    assert torch.allclose(result, expected, atol=1e-12)
    towards = drawn(*result.shape, seed=9).detach()
    ours, theirs = (torch.autograd.grad(value, given, towards) for value in (result, expected))
    for one, other in zip(ours, theirs, strict=True):
        assert torch.allclose(one, other, atol=1e-11)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("stride", [1, 2])
def test_a_convolution_and_its_gradients_are_torchs(tile, stride, size):
    x, weight, bias = drawn(3, 2, *size), drawn(5, 2, KERNEL[stride], KERNEL[stride]), drawn(5)
    expected = F.conv2d(x, weight, bias, stride=stride, padding=1)
    assert_same(convolve(x, weight, bias, stride), expected, (x, weight, bias))


@pytest.mark.parametrize("size", [*SIZES, (3, 3)])
def test_a_border_may_be_there_already(tile, size):
    x, weight, bias = drawn(3, 2, *size), drawn(5, 2, 3, 3), drawn(5)
    assert_same(convolve(x, weight, bias, border=0), F.conv2d(x, weight, bias), (x, weight, bias))


@pytest.mark.parametrize("size", [*SIZES, (16, 16), (2, 3)])
def test_kernels_of_4_x_4_that_move_by_a_pixel_are_torch_s(size, monkeypatch):
    monkeypatch.setattr(winograd, "TILES_AT_ONCE", 8)
    monkeypatch.setattr(winograd, "_tiling", tiling_of(3))
    x, weight, bias = drawn(3, 2, *size), drawn(5, 2, 4, 4), drawn(5)
    assert_same(convolve(x, weight, bias), F.conv2d(x, weight, bias, padding=1), (x, weight, bias))


def test_a_patch_discriminator_s_last_kernels_are_taken_apart():
    x, weight = torch.zeros(2, 256, 16, 16), torch.zeros(512, 256, 4, 4)
    assert winograd._tiling(x, weight, 1) == Tiling(1, 3, 4)
    assert winograd._tiling(x[..., :4, :4], weight, 1) is None


@pytest.mark.parametrize("size", [(4, 4), (3, 7)])
def test_a_transposed_convolution_and_its_gradients_are_torchs(tile, size):
    x, weight, bias = drawn(3, 5, *size), drawn(5, 2, 4, 4), drawn(2)
    expected = F.conv_transpose2d(x, weight, bias, stride=2, padding=1)
    assert_same(convolve_transposed(x, weight, bias), expected, (x, weight, bias))


def test_gradients_of_gradients_are_right_too(tile):
    # Penalties on the discriminator's gradient need them.
    x, weight = drawn(2, 2, 4, 4), drawn(2, 2, 4, 4)
    assert torch.autograd.gradgradcheck(lambda a, b, c: convolve(a, b, c, stride=2).tanh(), (x, weight, drawn(2)))
    assert torch.autograd.gradgradcheck(lambda a, b: convolve_transposed(a, b).tanh(), (x, weight))


def test_frozen_kernels_give_the_same_bits_and_keep_nothing(tile):
    x, weight = drawn(2, 3, 8, 8), drawn(5, 3, 4, 4)
    learning, frozen = convolve(x, weight, stride=2), convolve(x, weight.detach(), stride=2)
    assert torch.equal(learning, frozen)
    assert frozen.grad_fn is not None
    assert len(frozen.grad_fn.saved_tensors) == 3  # pyright: ignore[reportAttributeAccessIssue]
    (of_learning,) = torch.autograd.grad(learning.sum(), x)
    (of_frozen,) = torch.autograd.grad(frozen.sum(), x)
    assert torch.equal(of_learning, of_frozen)


def test_in_float32_it_rounds_as_float32_does():
    x, weight = drawn(64, 128, 8, 8), drawn(128, 128, 4, 4)
    exact = F.conv2d(x, weight, stride=2, padding=1)
    found = convolve(x.float(), weight.float(), stride=2)
    assert isinstance(found.grad_fn, winograd._Convolution._backward_cls)
    assert (found - exact).abs().max() < 1e-5 * exact.abs().max()


@pytest.mark.parametrize(
    ("pictures", "channels", "after", "side", "tile"),
    [(64, 64, 128, 32, 4), (64, 256, 512, 8, 2), (64, 128, 256, 10, 3), (1, 256, 512, 8, None), (64, 3, 64, 64, None)],
)
def test_the_choice_is_one_of_shapes(pictures, channels, after, side, tile):
    x, weight = torch.empty(pictures, channels, side, side), torch.empty(after, channels, 4, 4)
    chosen = winograd._tiling(x, weight, stride=2)
    assert chosen == (None if tile is None else Tiling(2, tile, 2))
    with torch.autocast("cpu", torch.bfloat16):
        assert winograd._tiling(x, weight, stride=2) is None
