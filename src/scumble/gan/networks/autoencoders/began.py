"""The networks of BEGAN (Berthelot, Schumm and Metz 2017): a decoder draws, and an autoencoder with the same decoder
judges.

Exponential linear units, and no tanh at the end; channels grow by `width` with each halving in the encoder and stay the
same in the decoder. What is different: pictures are halved to about 8 pixels by the rule of all networks here, which
allows any size; without the paper's optional skips from the code to every stage; the code has `width` numbers, as with
the paper's 64; the discriminator may have a norm.
"""

import torch
import torch.nn.functional as F
from torch import nn

from scumble.gan.losses.energy import absolute_error
from scumble.gan.networks.autoencoders.energy import EnergyDiscriminator
from scumble.gan.networks.discriminator import batch_norm, bounded
from scumble.gan.networks.pyramid import ToFeatures, crop, stage_sizes


class Generator(nn.Module):
    """(N, Z) latents, or codes -> (N, C, H, W) pictures, about in [-1, 1]: figure 1 of the paper, right.

    Args:
        latent: Z, the latent dimension.
        width: channels of every layer.
        shape: (C, H, W) of a picture.
    """

    def __init__(self, latent: int, width: int, shape: tuple[int, int, int]):
        super().__init__()
        colours, *size = shape
        self.sizes = _sizes(*size)
        self.start = ToFeatures(latent, width, self.sizes[0], bias=True)
        self.stages = nn.ModuleList([_twice(width) for _ in self.sizes])
        self.end = nn.Conv2d(width, colours, 3, padding=1)

    def forward(self, latents: torch.Tensor) -> torch.Tensor:
        """Pictures."""
        first, *others = self.stages
        x = first(self.start(latents.flatten(1)))
        for stage, size in zip(others, self.sizes[1:], strict=True):
            x = stage(crop(F.interpolate(x, scale_factor=2.0), size))
        return self.end(x)


class Discriminator(EnergyDiscriminator):
    """See the base class; the energy is the mean absolute error.

    Args:
        width: channels at the picture's own size, what each halving adds to them, and numbers of the code.
        shape: (C, H, W) of a picture.
        norm: "none", as in the paper, "spectral" or "batch"; of the encoder.
    """

    error = staticmethod(absolute_error)

    def __init__(self, width: int, shape: tuple[int, int, int], norm: str = "none"):
        super().__init__()
        colours, *size = shape
        sizes = _sizes(*size)
        stages: list[nn.Module] = [_convolved(colours, width, "none"), _twice(width, norm)]
        for before in range(width, width * len(sizes), width):
            stages += [_convolved(before, before + width, norm, stride=2), _twice(before + width, norm)]
        numbers = width * len(sizes) * sizes[0][0] * sizes[0][1]
        to_code = nn.Sequential(nn.Flatten(), bounded(nn.Linear(numbers, width), norm), nn.Unflatten(1, (width, 1, 1)))
        self.channels, self.couples_pictures = width, norm == "batch"
        self.layers = nn.ModuleList([*stages, to_code])
        self.decoder = Generator(width, width, shape)


def _sizes(height: int, width: int) -> list[tuple[int, int]]:
    """(height, width) from the bottom, about 8 pixels, to the picture."""
    return stage_sizes(height, width)[1:]


def _convolved(channels: int, after: int, norm: str, stride: int = 1) -> nn.Sequential:
    convolution = bounded(nn.Conv2d(channels, after, 3, stride, padding=1), norm)
    return nn.Sequential(convolution, batch_norm(after, norm), nn.ELU())


def _twice(channels: int, norm: str = "none") -> nn.Module:
    """Two convolutions at one size, as every stage has them."""
    return nn.Sequential(*(_convolved(channels, channels, norm) for _ in range(2)))
