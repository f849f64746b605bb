"""What every discriminator is, and its two normalisations."""

from collections.abc import Iterator

import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm


class Discriminator(nn.Module):
    """(N, C, H, W) pictures in [-1, 1] -> (N,) logits, positive for what looks real.

    Attributes:
        channels: of the features that the logit is computed from.
        couples_pictures: whether the pictures of a batch influence one another, as batch norm lets them: real and
            generated ones then come in batches of their own.
        end: (N, channels, H', W') features -> (N,) logits.
    """

    channels: int
    couples_pictures: bool
    end: nn.Module

    def activations(self, pictures: torch.Tensor) -> Iterator[torch.Tensor]:
        """(N, C', H', W') each: the output of every nonlinearity in turn; the last is the `features`."""
        raise NotImplementedError

    def features(self, pictures: torch.Tensor) -> torch.Tensor:
        """(N, channels, H', W'): what the logit is computed from."""
        x = pictures
        for x in self.activations(pictures):  # noqa: B007 (the last one is wanted)
            pass
        return x

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Logits."""
        return self.end(self.features(pictures))


def bounded(layer: nn.Module, norm: str) -> nn.Module:
    """The layer, with a spectral norm of 1 where `norm` is "spectral" (Miyato et al. 2018)."""
    return spectral_norm(layer) if norm == "spectral" else layer


def batch_norm(channels: int, norm: str) -> nn.Module:
    """Batch norm (Ioffe and Szegedy 2015) where `norm` is "batch", else nothing."""
    return nn.BatchNorm2d(channels) if norm == "batch" else nn.Identity()
