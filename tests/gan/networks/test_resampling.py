import torch
import torch.nn.functional as F

from scumble.gan.networks.resampling import SmoothUpsample


def test_smooth_doubling_is_repeating_pixels_and_convolving():
    doubling = SmoothUpsample(3, 5).double()
    x = torch.randn(2, 3, 6, 4, dtype=torch.float64)
    slow = F.conv2d(F.interpolate(x, scale_factor=2), doubling.weight, doubling.bias, padding=1)
    assert torch.allclose(doubling(x), slow, atol=1e-12)
