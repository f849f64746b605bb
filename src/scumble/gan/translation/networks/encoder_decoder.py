"""The context encoder (Pathak et al. 2016, figure 9a): halved to 4 x 4 pixels, one column of numbers, and back.

No skips: what fills a hole has to come through the numbers in the middle. At 128 pixels and `width` 64 it is the
authors' program for holes anywhere, layer for layer: five halvings and 4,000 numbers. Sides that are too short, or no
multiples, are padded and cut; larger pictures have more such columns, one for each window of the trained size.
"""

import itertools

import torch
import torch.nn.functional as F
from torch import nn

from scumble.gan.translation.networks.layers import SLOPE, draw_weights, fitted, norm_of, upsampling_of

BOTTOM = 4
"""The side of the smallest features, in pixels."""
NUMBERS = 4000 / 64
"""In the middle, for each channel of the width."""


class EncoderDecoder(nn.Module):
    """(N, C, H, W) pictures in [-1, 1] -> (N, C', H, W) in [-1, 1].

    Args:
        before: C.
        after: C'.
        width: channels at the largest sides; up to eight times as many follow.
        halvings: that leave `BOTTOM` pixels of the shorter side.
        norm: "batch", as in the paper, "instance" or "none".
        upsampling: "transposed", as in the paper, "resize" or "shuffle".
    """

    def __init__(self, before: int, after: int, width: int, halvings: int, norm: str, upsampling: str):
        super().__init__()
        self.multiple, bias = 2**halvings, norm == "none"
        channels = [width * 2 ** max(0, 3 - level) for level in range(halvings)][::-1]
        self.down = nn.Sequential()
        for level, (c, wider) in enumerate(itertools.pairwise([before, *channels])):
            first = level == 0
            convolution = nn.Conv2d(c, wider, 4, 2, 1, bias=bias or first)
            self.down.extend([convolution, norm_of("none" if first else norm, wider), nn.LeakyReLU(SLOPE)])
        numbers = round(NUMBERS * width)
        # Of one column, instance norm would leave nothing.
        inner = "none" if norm == "instance" else norm
        self.middle = nn.Sequential(
            nn.Conv2d(channels[-1], numbers, BOTTOM, bias=inner == "none"),
            norm_of(inner, numbers),
            nn.LeakyReLU(SLOPE),
            nn.ConvTranspose2d(numbers, channels[-1], BOTTOM, bias=bias),
            norm_of(norm, channels[-1]),
            nn.ReLU(),
        )
        self.up = nn.Sequential()
        for c, narrower in itertools.pairwise(channels[::-1]):
            self.up.extend([upsampling_of(upsampling, c, narrower, bias), norm_of(norm, narrower), nn.ReLU()])
        self.up.extend([upsampling_of(upsampling, channels[0], after, True), nn.Tanh()])
        self.apply(draw_weights)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Pictures of the same size."""
        height, width = pictures.shape[2:]
        below, right = (max(0, BOTTOM * self.multiple - side) for side in (height, width))
        if below or right:
            pictures = F.pad(pictures, (0, right, 0, below), mode="replicate")
        return fitted(self._translated, pictures, self.multiple)[..., :height, :width]

    def _translated(self, pictures: torch.Tensor) -> torch.Tensor:
        return self.up(self.middle(self.down(pictures)))


def halvings_for(size: tuple[int, int]) -> int:
    """How often pictures are halved until `BOTTOM` pixels of the shorter side are left, after padding.

    Example:
        >>> halvings_for((128, 128)), halvings_for((64, 48)), halvings_for((28, 28))
        (5, 4, 3)
    """
    return max(1, (-(-min(size) // BOTTOM) - 1).bit_length())
