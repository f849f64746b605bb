"""The networks of the first GAN (Goodfellow et al. 2014): fully connected, three hidden layers each.

What is different from the paper: leaky ReLUs in place of maxout units and sigmoids, and a logit at the end. They are
good for points in the plane and for small pictures.
"""

import itertools
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import nn

from scumble.gan.networks import discriminator
from scumble.gan.networks.discriminator import batch_norm, bounded

SLOPE = 0.2
HIDDEN = 3


class Generator(nn.Module):
    """(N, Z) latents -> (N, C, H, W) pictures in [-1, 1].

    Args:
        latent: Z, the latent dimension.
        width: an eighth of the units of each hidden layer.
        shape: (C, H, W) of a picture.
    """

    def __init__(self, latent: int, width: int, shape: tuple[int, int, int]):
        super().__init__()
        self.shape = shape
        sizes = [latent, *[8 * width] * HIDDEN]
        self.hidden = nn.ModuleList([nn.Linear(before, after) for before, after in itertools.pairwise(sizes)])
        self.end = nn.Linear(sizes[-1], shape[0] * shape[1] * shape[2])

    def forward(self, latents: torch.Tensor) -> torch.Tensor:
        """Pictures."""
        x = latents
        for layer in self.hidden:
            x = F.leaky_relu(layer(x), SLOPE)
        return torch.tanh(self.end(x)).unflatten(1, self.shape)


class Discriminator(discriminator.Discriminator):
    """(N, C, H, W) pictures in [-1, 1] -> (N,) logits: positive for what looks real.

    Args:
        width: as of the generator.
        shape: (C, H, W) of a picture.
        norm: "none", "batch" or "spectral".
    """

    def __init__(self, width: int, shape: tuple[int, int, int], norm: str = "none"):
        super().__init__()
        self.channels, self.couples_pictures = 8 * width, norm == "batch"
        sizes = [shape[0] * shape[1] * shape[2], *[self.channels] * HIDDEN]
        layers = [nn.Linear(before, after) for before, after in itertools.pairwise(sizes)]
        self.hidden = nn.ModuleList([bounded(layer, norm) for layer in layers])
        self.norms = nn.ModuleList([nn.Identity(), *(batch_norm(self.channels, norm) for _ in layers[1:])])
        self.end = bounded(_ToLogit(self.channels, 1), norm)

    def activations(self, pictures: torch.Tensor) -> Iterator[torch.Tensor]:
        """See the base class; pictures of 1 x 1."""
        x = pictures.flatten(1)
        for layer, norm in zip(self.hidden, self.norms, strict=True):
            x = F.leaky_relu(norm(layer(x)[:, :, None, None])[:, :, 0, 0], SLOPE)
            yield x[:, :, None, None]


class _ToLogit(nn.Linear):
    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return super().forward(input.flatten(1)).squeeze(1)
