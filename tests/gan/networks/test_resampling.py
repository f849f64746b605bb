import pytest
import torch
import torch.nn.functional as F

from scumble.gan.networks import resampling
from scumble.gan.networks.discriminator import bounded
from scumble.gan.networks.resampling import Downsample, SmoothUpsample, Upsample

SLOW = {
    Downsample: lambda x, layer: F.conv2d(x, layer.weight, layer.bias, stride=2, padding=1),
    Upsample: lambda x, layer: F.conv_transpose2d(x, layer.weight, layer.bias, stride=2, padding=1),
    SmoothUpsample: lambda x, layer: F.conv2d(F.interpolate(x, scale_factor=2), layer.weight, layer.bias, padding=1),
}


def test_smooth_doubling_is_repeating_pixels_and_convolving():
    doubling = SmoothUpsample(3, 5).double()
    x = torch.randn(2, 3, 6, 4, dtype=torch.float64)
    assert torch.allclose(doubling(x), SLOW[SmoothUpsample](x, doubling), atol=1e-12)


@pytest.mark.parametrize("size", [(2, 2), (4, 6), (5, 7)])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("kind", SLOW)
def test_products_are_convolutions_with_their_gradients(kind, bias, size, monkeypatch):
    monkeypatch.setattr(resampling, "MANY_CHANNELS", 1)
    layer = kind(3, 5, bias).double().to(memory_format=torch.channels_last)
    x = torch.randn(1, 3, *size, dtype=torch.float64).requires_grad_()
    found, slow = layer(x), SLOW[kind](x, layer)
    assert torch.allclose(found, slow, atol=1e-12)
    towards = torch.randn_like(slow)
    given = (x, *layer.parameters())
    ours, theirs = (torch.autograd.grad(value, given, towards) for value in (found, slow))
    assert all(torch.allclose(one, other, atol=1e-12) for one, other in zip(ours, theirs, strict=True))
    assert ours[1].is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("kind", SLOW)
def test_gradients_of_gradients_are_right_too(kind, monkeypatch):
    monkeypatch.setattr(resampling, "MANY_CHANNELS", 1)
    layer = kind(2, 2, True).double()
    assert torch.autograd.gradgradcheck(lambda x: layer(x).tanh(), (torch.randn(1, 2, 4, 4).double().requires_grad_(),))


def test_products_are_for_few_pixels_and_many_channels():
    narrow, wide = torch.zeros(64, 512, 4, 4), torch.zeros(128, 512, 4, 4)
    x = torch.zeros(4, 512, 8, 8)
    assert resampling._is_small(x, wide, 4 * 4 * 4)
    assert not resampling._is_small(x, wide, 4 * 4 * 4 + 1)
    assert not resampling._is_small(x, narrow, 4)


@pytest.mark.parametrize("many_channels", [1, 128])
@pytest.mark.parametrize("kind", SLOW)
def test_spectral_norm_takes_one_step_a_pass(kind, many_channels, monkeypatch):
    monkeypatch.setattr(resampling, "MANY_CHANNELS", many_channels)
    layer = bounded(kind(3, 5, bias=True), "spectral")
    steps = []
    layer.get_submodule("parametrizations.weight.0").register_forward_hook(lambda *_: steps.append(1))
    layer(torch.randn(1, 3, 4, 4))
    assert len(steps) == 1
