"""SNDCGAN (Miyato et al. 2018): the same pyramid with a discriminator bounded by spectral norm instead of batch norm.

At equal cost this is the largest single gain over DCGAN that is known (their Table 2: FID 56.3 with batch norm, 25.5
with spectral norm and hinge loss, on CIFAR-10). The discriminator has two convolutions a stage, 3 x 3 and 4 x 4, in the
widths of the later reimplementations. What is different from the paper: the generator doubles by repeating pixels and
convolving, which leaves no checkerboard (Odena et al. 2016), and has a batch norm after its first layer; other sizes
than 32 are built by the same rule (see `pyramid`); the weights are drawn as PyTorch draws them.
"""

import itertools
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import nn

from scumble.gan.networks import discriminator
from scumble.gan.networks.discriminator import batch_norm, bounded
from scumble.gan.networks.pyramid import ToFeatures, ToLogit, crop, stage_channels, stage_sizes
from scumble.gan.networks.resampling import Downsample, SmoothUpsample
from scumble.gan.networks.winograd import Convolution

SLOPE = 0.1
"""Of the leaky ReLU (Table 3 of the paper)."""


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
        self.norms = nn.ModuleList([nn.BatchNorm2d(c) for c in channels])
        self.upsamplings = nn.ModuleList([SmoothUpsample(c, a) for c, a in itertools.pairwise(channels)])
        self.end = nn.Conv2d(channels[-1], colours, 3, padding=1)

    def forward(self, latents: torch.Tensor) -> torch.Tensor:
        """Pictures."""
        x = self.start(latents)
        first, *others = self.norms
        x = F.relu(first(x), inplace=True)
        for upsampling, norm, size in zip(self.upsamplings, others, self.sizes[1:], strict=True):
            x = F.relu(norm(crop(upsampling(x), size)), inplace=True)
        return torch.tanh(self.end(x))


class Discriminator(discriminator.Discriminator):
    """(N, C, H, W) pictures in [-1, 1] -> (N,) logits: positive for what looks real.

    Args:
        width: as of the generator.
        shape: (C, H, W) of a picture.
        norm: "spectral", as in the paper, "batch" or "none".
    """

    def __init__(self, width: int, shape: tuple[int, int, int], norm: str = "spectral"):
        super().__init__()
        colours, *size = shape
        channels = stage_channels(width, len(stage_sizes(*size)))[::-1]
        self.channels, self.couples_pictures = channels[-1], norm == "batch"
        # Two layers a stage, but for the first: halving, and at the same size.
        layers: list[nn.Module] = [nn.Conv2d(colours, channels[0], 3, padding=1)]
        for c, after in itertools.pairwise(channels):
            layers += [Downsample(c, after, bias=True), Convolution(after, after)]
        self.layers = nn.ModuleList([bounded(layer, norm) for layer in layers])
        self.norms = nn.ModuleList([nn.Identity(), *(batch_norm(c, norm) for c in channels[1:] for _ in range(2))])
        halvings = len(channels) - 1
        self.end = bounded(ToLogit(channels[-1], (size[0] >> halvings, size[1] >> halvings), bias=True), norm)

    def activations(self, pictures: torch.Tensor) -> Iterator[torch.Tensor]:
        """See the base class."""
        x = pictures
        for layer, norm in zip(self.layers, self.norms, strict=True):
            x = F.leaky_relu(norm(layer(x)), SLOPE, inplace=True)
            yield x
