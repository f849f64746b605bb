"""Layers that translators share: a norm by its name, three ways to double a picture, and sides that do not divide.

Transposed convolutions with kernels of 4 x 4 are the papers'; repeating pixels before a convolution leaves no
checkerboard in plain areas (Odena et al. 2016, "Deconvolution and checkerboard artifacts").
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import nn

from scumble.gan.networks.dcgan import draw_weights
from scumble.gan.networks.resampling import SmoothUpsample, Upsample
from scumble.gan.networks.winograd import Convolution

SLOPE = 0.2
"""Of the leaky ReLU in everything that looks at pictures (Isola et al. 2017, section 6.1)."""

__all__ = ["SLOPE", "draw_rectified", "draw_weights", "fitted", "norm_of", "upsampling_of", "with_channels"]


def draw_rectified(module: nn.Module) -> None:
    """Draw a layer's weights so that leaky ReLUs keep what is seen as strong as it was (He et al. 2015, eq. 15).

    Without norms, of weights from N(0, 0.02) nothing is left after a few layers, and the less the narrower they are.
    """
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, SLOPE)


def norm_of(name: str, channels: int) -> nn.Module:
    """Batch norm, instance norm without weights (Ulyanov et al. 2016), or nothing.

    A convolution before it needs no bias, since each takes the mean away.
    """
    if name == "batch":
        return nn.BatchNorm2d(channels)
    return nn.InstanceNorm2d(channels) if name == "instance" else nn.Identity()


def upsampling_of(name: str, channels: int, after: int, bias: bool) -> nn.Module:
    """(N, channels, H, W) -> (N, after, 2 H, 2 W): a transposed convolution, pixels repeated, or channels shuffled."""
    if name == "transposed":
        return Upsample(channels, after, bias)
    if name == "resize":
        return SmoothUpsample(channels, after, bias)
    return nn.Sequential(Convolution(channels, 4 * after, bias), nn.PixelShuffle(2))  # Shi et al. 2016


def with_channels(pictures: torch.Tensor, channels: int) -> torch.Tensor:
    """(N, C, H, W) as it can be added to pictures of other channels: the mean, where it has not as many."""
    return pictures if pictures.shape[1] == channels else pictures.mean(1, keepdim=True)


def fitted(
    network: Callable[[torch.Tensor], torch.Tensor], pictures: torch.Tensor, multiple: int, enlarges: int = 1
) -> torch.Tensor:
    """What a network makes of pictures whose sides need not be its multiples: their last pixels are repeated.

    Args:
        network: (N, C, H, W) -> (N, C', enlarges * H, enlarges * W), for sides that `multiple` divides.
        pictures: (N, C, H, W), of any sides.
        multiple: 1 or more.
        enlarges: times.
    """
    height, width = pictures.shape[2:]
    below, right = -height % multiple, -width % multiple
    # A graph for other programs takes sides that fit, and says so.
    if torch.compiler.is_exporting() or not (below or right):
        return network(pictures)
    padded = F.pad(pictures, (0, right, 0, below), mode="replicate")
    return network(padded)[..., : enlarges * height, : enlarges * width]
