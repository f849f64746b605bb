"""Residual networks (He et al. 2016) as GANs have them: Gulrajani et al. 2017, and Miyato et al. 2018, Tables 4 and 5.

What is different from the latter: the widths follow our pyramid, halving with each doubling of the picture, where the
paper keeps one width at 32 pixels. No ReLU works in place: it would change what the skip connection carries.
"""

import itertools
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import nn

from scumble.gan.networks import discriminator
from scumble.gan.networks.discriminator import batch_norm, bounded
from scumble.gan.networks.pyramid import ToFeatures, crop, stage_channels, stage_sizes


class Generator(nn.Module):
    """(N, Z) latents -> (N, C, H, W) pictures in [-1, 1].

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
        self.blocks = nn.ModuleList([UpBlock(c, after) for c, after in itertools.pairwise(channels)])
        self.norm = nn.BatchNorm2d(channels[-1])
        self.end = nn.Conv2d(channels[-1], colours, 3, padding=1)

    def forward(self, latents: torch.Tensor) -> torch.Tensor:
        """Pictures."""
        x = self.start(latents)
        for block, size in zip(self.blocks, self.sizes[1:], strict=True):
            x = block(x, size)
        return torch.tanh(self.end(F.relu(self.norm(x))))


class Discriminator(discriminator.Discriminator):
    """(N, C, H, W) pictures in [-1, 1] -> (N,) logits: positive for what looks real.

    Args:
        width: as of the generator.
        shape: (C, H, W) of a picture.
        norm: "spectral", as of Miyato et al., "none", as of Gulrajani et al., or "batch".
    """

    def __init__(self, width: int, shape: tuple[int, int, int], norm: str = "spectral"):
        super().__init__()
        colours, *size = shape
        channels = stage_channels(width, len(stage_sizes(*size)))[::-1]
        self.channels, self.couples_pictures = channels[-1], norm == "batch"
        self.start = bounded(nn.Conv2d(colours, channels[0], 3, padding=1), norm)
        self.blocks = nn.ModuleList([DownBlock(c, after, norm) for c, after in itertools.pairwise(channels)])
        self.end = bounded(SumToLogit(channels[-1]), norm)

    def activations(self, pictures: torch.Tensor) -> Iterator[torch.Tensor]:
        """See the base class; of whole blocks."""
        x = self.start(pictures)
        for block in self.blocks:
            x = block(x)
            yield F.relu(x)


class UpBlock(nn.Module):
    """(N, C, H, W) -> (N, C', 2 H, 2 W): normalised, rectified, doubled and convolved, twice; plus a skip."""

    def __init__(self, channels: int, after: int):
        super().__init__()
        self.norms = nn.ModuleList([nn.BatchNorm2d(c) for c in (channels, after)])
        self.convolutions = nn.ModuleList([nn.Conv2d(c, after, 3, padding=1) for c in (channels, after)])
        self.around = nn.Conv2d(channels, after, 1)

    def forward(self, x: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
        """Features of (height, width) = `size`, a pixel less than the double if need be."""
        y = crop(F.interpolate(F.relu(self.norms[0](x)), scale_factor=2.0), size)
        y = self.convolutions[1](F.relu(self.norms[1](self.convolutions[0](y))))
        # The skip convolves first and doubles then: the same with a kernel of one pixel, at a quarter of the cost.
        return y + crop(F.interpolate(self.around(x), scale_factor=2.0), size)


class DownBlock(nn.Module):
    """(N, C, H, W) -> (N, C', H / 2, W / 2), rounded down: rectified and convolved, twice; plus a skip."""

    def __init__(self, channels: int, after: int, norm: str):
        super().__init__()
        self.norms = nn.ModuleList([batch_norm(channels, norm) for _ in range(2)])
        self.convolutions = nn.ModuleList(
            [bounded(nn.Conv2d(channels, c, 3, padding=1), norm) for c in (channels, after)]
        )
        self.around = bounded(nn.Conv2d(channels, after, 1), norm)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Halved features."""
        y = x
        for norm, convolution in zip(self.norms, self.convolutions, strict=True):
            y = convolution(F.relu(norm(y)))
        return F.avg_pool2d(y, 2) + self.around(F.avg_pool2d(x, 2))


class SumToLogit(nn.Linear):
    """(N, C, H, W) features -> (N,) logits, from the sums over all positions."""

    def __init__(self, channels: int):
        super().__init__(channels, 1)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Logits."""
        return super().forward(input.sum((2, 3))).squeeze(1)
