"""The generator of DiscoGAN (Kim et al. 2017, section 3.2): halved a few times and doubled as often, without skips.

At 64 pixels and a width of 64 these are the authors' networks, parameter for parameter. Without skips, the result keeps
what few numbers in the middle say: shape and pose may change, and details are lost.
"""

import itertools

import torch
from torch import nn

from scumble.gan.networks.resampling import Downsample
from scumble.gan.translation.networks.layers import SLOPE, draw_weights, fitted, norm_of, upsampling_of

MAX_HALVINGS = 4


def halvings_for(size: tuple[int, int]) -> int:
    """How often pictures of this size are halved: until 2 pixels are left, at most four times.

    Example:
        >>> halvings_for((64, 64)), halvings_for((16, 28))
        (4, 3)
    """
    return max(1, min(MAX_HALVINGS, min(size).bit_length() - 2))


class Generator(nn.Module):
    """(N, C, H, W) pictures in [-1, 1] -> (N, C', H, W) in [-1, 1], of any size.

    Args:
        channels: C.
        after: C'.
        width: channels after the first halving; each further one doubles them.
        halvings: how many.
        norm: "batch", as in the paper, "instance" or "none".
        upsampling: "transposed", as in the paper, "resize" or "shuffle".
    """

    def __init__(self, channels: int, after: int, width: int, halvings: int, norm: str, upsampling: str):
        super().__init__()
        self.multiple = 2**halvings
        widths, bias = [width << k for k in range(halvings)], norm == "none"
        layers: list[nn.Module] = [Downsample(channels, width, bias), nn.LeakyReLU(SLOPE)]
        for before, wider in itertools.pairwise(widths):
            layers += [Downsample(before, wider, bias), norm_of(norm, wider), nn.LeakyReLU(SLOPE)]
        for before, narrower in itertools.pairwise(widths[::-1]):
            layers += [upsampling_of(upsampling, before, narrower, bias), norm_of(norm, narrower), nn.ReLU()]
        self.layers = nn.Sequential(*layers, upsampling_of(upsampling, width, after, bias), nn.Tanh())
        self.apply(draw_weights)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Pictures."""
        return fitted(self.layers, pictures, self.multiple)
