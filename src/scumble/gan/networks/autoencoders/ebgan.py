"""The networks of EBGAN (Zhao, Mathieu and LeCun 2017): DCGAN's generator against a convolutional autoencoder.

At 64 x 64 and `width` 64 the autoencoder is that of the paper's appendix: 64, 128 and 256 channels, each halving the
picture, and back. What is different: other sizes are built by the same rule; where a side was odd, the decoder repeats
the last row or column.
"""

import itertools

import torch
import torch.nn.functional as F
from torch import nn

from scumble.gan.losses.energy import squared_error
from scumble.gan.networks import dcgan
from scumble.gan.networks.autoencoders.energy import EnergyDiscriminator
from scumble.gan.networks.discriminator import batch_norm, bounded
from scumble.gan.networks.resampling import Downsample, Upsample

Generator = dcgan.Generator

HALVINGS = 3
SLOPE = 0.2


class Discriminator(EnergyDiscriminator):
    """See the base class; the energy is the mean squared error.

    Args:
        width: channels after the first halving; the second and the third double them.
        shape: (C, H, W) of a picture, 16 x 16 at least.
        norm: "batch", as in the paper, "spectral" or "none".
    """

    error = staticmethod(squared_error)

    def __init__(self, width: int, shape: tuple[int, int, int], norm: str = "batch"):
        super().__init__()
        colours, *size = shape
        channels = [colours, *(width << halving for halving in range(HALVINGS))]
        self.channels, self.couples_pictures = channels[-1], norm == "batch"
        # As in DCGAN's discriminator, the first layer has no norm, and no bias precedes one, which would take it away.
        self.layers = nn.ModuleList(
            [
                nn.Sequential(
                    _drawn(Downsample(c, after, bias=norm != "batch"), norm),
                    batch_norm(after, "none" if c == colours else norm),
                    nn.LeakyReLU(SLOPE),
                )
                for c, after in itertools.pairwise(channels)
            ]
        )
        sizes = [(size[0] >> halving, size[1] >> halving) for halving in range(HALVINGS)]
        self.decoder = _Decoder(channels[::-1], sizes[::-1], norm)


class _Decoder(nn.Module):
    """(N, channels[0], H', W') codes -> (N, channels[-1], *sizes[-1]) pictures in [-1, 1], a doubling for each size."""

    def __init__(self, channels: list[int], sizes: list[tuple[int, int]], norm: str):
        super().__init__()
        self.sizes = sizes
        self.doublings = nn.ModuleList([_drawn(Upsample(c, after), norm) for c, after in itertools.pairwise(channels)])
        self.norms = nn.ModuleList([batch_norm(c, norm) for c in channels[1:-1]])

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        *doublings, last = self.doublings
        x = codes
        for doubling, norm, size in zip(doublings, self.norms, self.sizes[:-1], strict=True):
            x = F.relu(norm(grown(doubling(x), size)))
        return torch.tanh(grown(last(x), self.sizes[-1]))


def _drawn(layer: nn.Module, norm: str) -> nn.Module:
    """The layer with weights as DCGAN's, and its normalisation."""
    dcgan.draw_weights(layer)
    return bounded(layer, norm)


def grown(features: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """(N, C, H, W) of (height, width) = `size`: where halving has dropped the last row or column, it is repeated."""
    height, width = size
    return F.pad(features, (0, width - features.shape[3], 0, height - features.shape[2]), mode="replicate")
