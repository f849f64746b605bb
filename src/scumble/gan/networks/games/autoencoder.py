"""The second half of an adversarial autoencoder (Makhzani et al. 2016): an encoder, and a discriminator of its codes.

The generator of any pair of networks is the decoder. The encoder is the discriminator of the same pair with as many
outputs as a latent has numbers in the place of its logit. What is different from the paper: so the networks have three
hidden layers and leaky units where the paper's have two.
"""

from collections.abc import Iterator
from types import ModuleType

import torch
from torch import nn

from scumble.gan.networks import discriminator
from scumble.gan.settings import GANSettings

SLOPE = 0.2


class Encoder(discriminator.Discriminator):
    """(N, C, H, W) pictures in [-1, 1] -> (N, Z) codes.

    Args:
        trunk: a discriminator, of which all but the logit is used.
        latent: Z.
        shape: (C, H, W) of a picture.
    """

    def __init__(self, trunk: discriminator.Discriminator, latent: int, shape: tuple[int, int, int]):
        super().__init__()
        self.channels, self.couples_pictures = trunk.channels, trunk.couples_pictures
        trunk.end = nn.Identity()
        with torch.no_grad():
            features = trunk.eval().features(torch.zeros(1, *shape))
        self.trunk = trunk.train()
        self.end = nn.Sequential(nn.Flatten(), nn.Linear(features[0].numel(), latent))

    def activations(self, pictures: torch.Tensor) -> Iterator[torch.Tensor]:
        """See the base class."""
        return self.trunk.activations(pictures)


class CodeDiscriminator(discriminator.Discriminator):
    """(N, C, H, W) pictures in [-1, 1] -> (N,) logits, positive where their code looks drawn from the prior.

    Its features are those of the encoder.

    Args:
        encoder: pictures -> codes.
        latent: Z, the dimension of a code.
        width: an eighth of the units of each of its two hidden layers.
    """

    def __init__(self, encoder: Encoder, latent: int, width: int):
        super().__init__()
        self.channels, self.couples_pictures = encoder.channels, encoder.couples_pictures
        self.encoder = encoder
        hidden = 8 * width
        self.adversary = nn.Sequential(
            nn.Linear(latent, hidden),
            nn.LeakyReLU(SLOPE),
            nn.Linear(hidden, hidden),
            nn.LeakyReLU(SLOPE),
            nn.Linear(hidden, 1),
            nn.Flatten(0),
        )

    def activations(self, pictures: torch.Tensor) -> Iterator[torch.Tensor]:
        """See the base class."""
        return self.encoder.activations(pictures)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Logits."""
        return self.adversary(self.encoder(pictures))


def make(
    pair: ModuleType, settings: GANSettings, shape: tuple[int, int, int], classes: int
) -> tuple[nn.Module, CodeDiscriminator]:
    """The decoder, and the encoder with the discriminator of codes."""
    decoder = pair.Generator(settings.latent, settings.width, shape)
    encoder = Encoder(pair.Discriminator(settings.width, shape, settings.norm), settings.latent, shape)
    return decoder, CodeDiscriminator(encoder, settings.latent, settings.width)
