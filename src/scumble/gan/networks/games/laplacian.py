"""LAPGAN (Denton et al. 2015): a small picture is drawn first, and each further level draws what doubling it lacks.

A level of the Laplacian pyramid is the difference of a picture and its half, enlarged again. Its generator is given the
enlarged half and noise; its discriminator sees their sum, a picture of the level's size. In training, the half is a
real one: no level depends on what another has learnt. What is different from the paper: a picture is halved by averages
of 2 x 2 pixels, and enlarged bilinearly; a level's noise, a plane there, is a linear map of its part of the one latent
that stands for the whole picture; batch norm between its convolutions; and the first level has DCGAN's networks, where
fully connected ones drew but one picture (docs/log.md).
"""

import functools
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import nn

from scumble.errors import SettingsError
from scumble.gan.networks import dcgan, discriminator
from scumble.gan.networks.pyramid import stage_sizes

KERNEL = 5


def halved(pictures: torch.Tensor) -> torch.Tensor:
    """(N, C, H, W) -> (N, C, H / 2, W / 2), rounded up: each pixel the mean of the two by two that are there.

    Example:
        >>> halved(torch.tensor([[[[0.0, 2.0, 5.0]]]])).tolist()
        [[[[1.0, 5.0]]]]
    """
    return F.avg_pool2d(pictures, 2, ceil_mode=True)


def enlarged(pictures: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """(N, C, H, W) pictures as (height, width) = `size`, bilinearly."""
    return F.interpolate(pictures, size, mode="bilinear")


def pyramid(pictures: torch.Tensor, levels: int) -> list[torch.Tensor]:
    """The pictures at so many sizes, from the smallest to their own: (N, C, H / 2^k, W / 2^k)."""
    found = [pictures]
    for _ in range(levels - 1):
        found.append(halved(found[-1]))
    return found[::-1]


def level_sizes(height: int, width: int) -> list[tuple[int, int]]:
    """(height, width) of each level: the shorter side is about 8 pixels at the first, as in the paper for CIFAR-10."""
    return stage_sizes(height, width)[1:]


class LevelGenerator(nn.Module):
    """(N, Z) latents and (N, C, h, w) pictures of half the size -> (N, C, H, W): enlarged, with what it adds.

    Args:
        latent: Z, of this level.
        width: channels of its three convolutions.
        shape: (C, H, W) of this level's pictures.
    """

    def __init__(self, latent: int, width: int, shape: tuple[int, int, int]):
        super().__init__()
        colours, *size = shape
        self.size = (size[0], size[1])
        self.noise = nn.Sequential(nn.Linear(latent, size[0] * size[1]), nn.Unflatten(1, (1, *size)))
        convolution = functools.partial(nn.Conv2d, kernel_size=KERNEL, padding=KERNEL // 2)
        self.layers = nn.Sequential(
            convolution(colours + 1, width, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            convolution(width, width, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            convolution(width, colours),
        )

    def forward(self, latents: torch.Tensor, smaller: torch.Tensor) -> torch.Tensor:
        """Pictures."""
        low = enlarged(smaller, self.size)
        return low + self.layers(torch.cat([low, self.noise(latents)], 1))


class Generator(nn.Module):
    """(N, Z) latents -> (N, C, H, W) pictures, about in [-1, 1].

    Args:
        latent: Z, the latent dimension, which the levels share out.
        width: channels of a level's convolutions, and the width of `dcgan`, which draws the first.
        shape: (C, H, W) of a picture.

    Attributes:
        levels: the first takes its share of the latents, the others theirs and the pictures of the one before.
    """

    levels: nn.ModuleList

    def __init__(self, latent: int, width: int, shape: tuple[int, int, int]):
        super().__init__()
        colours, *size = shape
        sizes = level_sizes(*size)
        if latent < len(sizes):
            raise SettingsError(f"latent: got {latent}, and the pyramid has {len(sizes)} levels; wanted one for each")
        # As equally as can be: the first levels have one more.
        self.shares = [latent // len(sizes) + (level < latent % len(sizes)) for level in range(len(sizes))]
        first, *others = [(colours, *size) for size in sizes]
        above = [LevelGenerator(z, width, of) for z, of in zip(self.shares[1:], others, strict=True)]
        self.levels = nn.ModuleList([dcgan.Generator(self.shares[0], width, first), *above])

    def parts(self, latents: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Each level's share of (N, Z) latents."""
        return latents.split(self.shares, 1)

    def forward(self, latents: torch.Tensor) -> torch.Tensor:
        """Pictures."""
        parts = self.parts(latents)
        pictures = self.levels[0](parts[0])
        for level, part in zip(self.levels[1:], parts[1:], strict=True):
            pictures = level(part, pictures)
        return pictures


class Discriminator(discriminator.Discriminator):
    """(N, C, H, W) pictures in [-1, 1] -> (N,) logits: the mean of those of all levels.

    Its features are those of one level after the other.

    Args:
        width: of each level's discriminator, that of `dcgan`.
        shape: (C, H, W) of a picture.
        norm: "none", "spectral" or "batch".

    Attributes:
        levels: discriminators of the pictures of each size.
    """

    levels: nn.ModuleList

    def __init__(self, width: int, shape: tuple[int, int, int], norm: str = "none"):
        super().__init__()
        colours, *size = shape
        levels = [dcgan.Discriminator(width, (colours, *size), norm) for size in level_sizes(*size)]
        self.levels = nn.ModuleList(levels)
        self.channels, self.couples_pictures = levels[-1].channels, norm == "batch"

    def activations(self, pictures: torch.Tensor) -> Iterator[torch.Tensor]:
        """See the base class."""
        for level, of_size in zip(self.levels, pyramid(pictures, len(self.levels)), strict=True):
            assert isinstance(level, discriminator.Discriminator)
            yield from level.activations(of_size)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Logits."""
        sizes = pyramid(pictures, len(self.levels))
        return torch.stack([level(of_size) for level, of_size in zip(self.levels, sizes, strict=True)]).mean(0)
