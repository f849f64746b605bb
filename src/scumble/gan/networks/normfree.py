"""Residual networks without any normalisation, for relativistic losses with R1 and R2 (Huang et al. 2024, R3GAN).

Normalisation works against these penalties. The initialisation takes its place: the last convolution of every block is
zero, so that each network begins as a chain of resamplings, whose signal neither grows nor fades (Zhang et al. 2019,
"Fixup initialization"). Sizes are changed by averages and by linear interpolation, between the blocks. Unlike theirs,
the convolutions within a block are plain ones of 3 x 3: groups are slow on CPUs.
"""

import itertools
import math
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import nn

from scumble.gan.networks import discriminator
from scumble.gan.networks.discriminator import bounded
from scumble.gan.networks.pyramid import ToFeatures, ToLogit, stage_channels, stage_sizes

SLOPE = 0.2


class Generator(nn.Module):
    """(N, Z) latents -> (N, C, H, W) pictures, about in [-1, 1]: only the discriminator keeps them there.

    Args:
        latent: Z, the latent dimension.
        width: an eighth of the channels at the bottom.
        shape: (C, H, W) of a picture.
    """

    def __init__(self, latent: int, width: int, shape: tuple[int, int, int]):
        super().__init__()
        colours, *size = shape
        self.sizes = stage_sizes(*size)
        channels = stage_channels(width, len(self.sizes))
        self.start = ToFeatures(latent, channels[0], self.sizes[0], bias=True)
        self.blocks = nn.ModuleList([Block(c, len(channels), "none") for c in channels])
        self.narrowings = nn.ModuleList(
            [nn.Conv2d(c, after, 1, bias=False) for c, after in itertools.pairwise(channels)]
        )
        self.end = nn.Conv2d(channels[-1], colours, 1)

    def forward(self, latents: torch.Tensor) -> torch.Tensor:
        """Pictures."""
        first, *others = self.blocks
        x = first(self.start(latents))
        for narrowing, block, size in zip(self.narrowings, others, self.sizes[1:], strict=True):
            x = block(F.interpolate(narrowing(x), size, mode="bilinear", align_corners=False))
        return self.end(x)


class Discriminator(discriminator.Discriminator):
    """(N, C, H, W) pictures in [-1, 1] -> (N,) logits: positive for what looks real.

    Args:
        width: as of the generator.
        shape: (C, H, W) of a picture.
        norm: "none" or "spectral".
    """

    def __init__(self, width: int, shape: tuple[int, int, int], norm: str = "none"):
        super().__init__()
        colours, *size = shape
        channels = stage_channels(width, len(stage_sizes(*size)))[::-1]
        self.channels, self.couples_pictures = channels[-1], False
        self.start = bounded(nn.Conv2d(colours, channels[0], 1), norm)
        self.blocks = nn.ModuleList([Block(c, len(channels), norm) for c in channels])
        self.widenings = nn.ModuleList(
            [bounded(nn.Conv2d(c, after, 1, bias=False), norm) for c, after in itertools.pairwise(channels)]
        )
        halvings = len(channels) - 1
        self.end = bounded(ToLogit(channels[-1], (size[0] >> halvings, size[1] >> halvings), bias=True), norm)

    def activations(self, pictures: torch.Tensor) -> Iterator[torch.Tensor]:
        """See the base class; of whole blocks, which end in a sum, not in a nonlinearity."""
        first, *others = self.blocks
        x = first(self.start(pictures))
        yield x
        for widening, block in zip(self.widenings, others, strict=True):
            x = block(widening(F.avg_pool2d(x, 2)))
            yield x


class Block(nn.Module):
    """x + f(x) for (N, C, H, W) features, with f two 3 x 3 convolutions, and zero at first.

    Args:
        channels: C.
        blocks: how many of them there are in the network.
        norm: "none" or "spectral".
    """

    def __init__(self, channels: int, blocks: int, norm: str):
        super().__init__()
        into, out = (nn.Conv2d(channels, channels, 3, padding=1, bias=False) for _ in range(2))
        self.bias = nn.Parameter(torch.zeros(2, channels, 1, 1))
        with torch.no_grad():
            # He et al. 2015, less as there are more blocks (Zhang et al. 2019, section 3).
            nn.init.kaiming_normal_(into.weight, SLOPE).div_(math.sqrt(blocks))
            nn.init.zeros_(out.weight)
        self.into, self.out = bounded(into, norm), out

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Features of the same shape."""
        y = self.into(F.leaky_relu(x + self.bias[0], SLOPE))
        return x + self.out(F.leaky_relu(y + self.bias[1], SLOPE))
