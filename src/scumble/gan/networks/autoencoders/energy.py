"""What a discriminator is that reconstructs pictures: its logit is minus the energy, the reconstruction's error."""

from collections.abc import Callable, Iterator

import torch
from torch import nn

from scumble.gan.networks import discriminator


class EnergyDiscriminator(discriminator.Discriminator):
    """(N, C, H, W) pictures in [-1, 1] -> (N,) logits: minus their energies.

    Attributes:
        layers: of the encoder, with their nonlinearities; the last one's output is the code, (N, channels, H', W').
        decoder: the code -> pictures.
        error: (N,), of pictures and their reconstructions.
    """

    layers: nn.ModuleList
    decoder: nn.Module
    error: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

    def activations(self, pictures: torch.Tensor) -> Iterator[torch.Tensor]:
        """See the base class; of the encoder."""
        x = pictures
        for layer in self.layers:
            x = layer(x)
            yield x

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Logits."""
        return -self.error(pictures, self.decoder(self.features(pictures)))
