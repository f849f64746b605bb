"""SRResNet and its discriminator (Ledig et al. 2017, figure 4): residual blocks at the small size, enlarged at the end.

At `width` 64 with 16 blocks these are the paper's networks, layer for layer. What is different: the result is added to
the bicubic enlargement and the last layer starts at 0, so that training begins where the baseline stands; there is no
tanh, whose ends no output reaches; and the discriminator ends in a logit.
"""

import itertools
import math
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import nn

from scumble.gan.networks import discriminator
from scumble.gan.networks.pyramid import ToLogit
from scumble.gan.translation.networks.layers import SLOPE, norm_of, upsampling_of, with_channels


class Block(nn.Module):
    """(N, C, H, W) -> the same shape: convolved, normalised and rectified, convolved and normalised; plus a skip."""

    def __init__(self, channels: int, norm: str):
        super().__init__()
        bias = norm == "none"
        self.layers = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=bias),
            norm_of(norm, channels),
            nn.PReLU(),
            nn.Conv2d(channels, channels, 3, padding=1, bias=bias),
            norm_of(norm, channels),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Features."""
        return x + self.layers(x)


class SRResNet(nn.Module):
    """(N, C, H, W) pictures in [-1, 1] -> (N, C', factor * H, factor * W), about in [-1, 1].

    Args:
        before: C.
        after: C'. The bicubic enlargement is added where it is C, too, or one of the two is 1.
        factor: a power of 2; at 1, the network is that of PixelDA (Bousmalis et al. 2017, figure 2), without a skip.
        width: channels of the features.
        blocks: residual ones.
        norm: "batch", "instance" or "none".
        upsampling: "shuffle", as in the paper, "resize" or "transposed".
    """

    def __init__(self, before: int, after: int, factor: int, width: int, blocks: int, norm: str, upsampling: str):
        super().__init__()
        self.factor = factor
        self.start = nn.Sequential(nn.Conv2d(before, width, 9, padding=4), nn.PReLU())
        last = nn.Conv2d(width, width, 3, padding=1, bias=norm == "none")
        self.blocks = nn.Sequential(*(Block(width, norm) for _ in range(blocks)), last, norm_of(norm, width))
        self.enlarge = nn.Sequential()
        for _ in range(int(math.log2(factor))):
            self.enlarge.extend([upsampling_of(upsampling, width, width, bias=True), nn.PReLU()])
        self.end = nn.Conv2d(width, after, 9, padding=4)
        if factor > 1:
            nn.init.zeros_(self.end.weight)
            nn.init.zeros_(self.end.get_parameter("bias"))

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Larger pictures."""
        x = self.start(pictures)
        x = self.end(self.enlarge(x + self.blocks(x)))
        return x + enlarged(pictures, self.factor, x.shape[1]) if self.factor > 1 else x


def enlarged(pictures: torch.Tensor, factor: int, channels: int) -> torch.Tensor:
    """(N, channels, factor * H, factor * W): bicubic (Keys 1981), of other channels the mean where they are others."""
    pictures = with_channels(pictures, channels)
    return F.interpolate(pictures, scale_factor=float(factor), mode="bicubic", align_corners=False)


class Discriminator(discriminator.Discriminator):
    """(N, C, H, W) pictures in [-1, 1] -> (N,) logits: positive for what looks real.

    Eight convolutions, every second of stride 2, and two dense layers, as in VGG.

    Args:
        width: channels of the first layer, 64 in the paper; the last ones have eight times as many.
        shape: (C, H, W) of a picture.
        norm: "batch", as in the paper, "instance" or "none".
    """

    def __init__(self, width: int, shape: tuple[int, int, int], norm: str = "batch"):
        super().__init__()
        colours, *sides = shape
        widths = [colours, *(width * 2**layer for layer in (0, 0, 1, 1, 2, 2, 3, 3))]
        self.couples_pictures = norm == "batch"
        self.layers = nn.ModuleList()
        for layer, (channels, after) in enumerate(itertools.pairwise(widths)):
            first, stride = layer == 0, 1 + layer % 2
            sides = [-(-side // stride) for side in sides]
            # No norm on the first layer: pictures may differ in brightness and contrast. Nor one that leaves nothing.
            without = first or (norm == "instance" and max(sides) == 1) or norm == "none"
            convolution = nn.Conv2d(channels, after, 3, stride, padding=1, bias=without)
            self.layers.append(nn.Sequential(convolution, norm_of("none" if without else norm, after)))
        self.channels = 16 * width
        self.dense = nn.Linear(widths[-1] * sides[0] * sides[1], self.channels)
        self.end = ToLogit(self.channels, (1, 1), bias=True)

    def activations(self, pictures: torch.Tensor) -> Iterator[torch.Tensor]:
        """See the base class."""
        x = pictures
        for layer in self.layers:
            x = F.leaky_relu(layer(x), SLOPE)
            yield x
        yield F.leaky_relu(self.dense(x.flatten(1)), SLOPE)[..., None, None]
