"""Codes in the latent: a generator that reads a category and some numbers from it, and what tells them of a picture.

What is unusual: a latent stays a row of standard normal numbers, as everywhere else, and the generator itself makes the
code of its first ones. Which of the first K is the largest is as likely one as another: that is the category. The
normal distribution function makes a number that is uniform of a normal one. So seeds, paths between latents, projection
and files for other programs need not know of codes.
"""

import math
from types import ModuleType

import torch
import torch.nn.functional as F
from torch import nn

from scumble.gan.networks.discriminator import Discriminator
from scumble.gan.settings import GANSettings

HIDDEN, SLOPE = 128, 0.1
"""Units of the layer between the discriminator's features and the guess (Chen et al. 2016, appendix C.1)."""

CLUSTER_DEVIATION = 0.1
"""Of the noise around a cluster (Mukherjee et al. 2019, section 3): small, so that clusters stay apart."""


class CodedGenerator(nn.Module):
    """(N, Z) latents -> (N, C, H, W) pictures, by way of the code that the first numbers of a latent are.

    Args:
        generator: takes latents of dimension Z.
        categories: K, how many numbers choose among as many categories; `continuous` more become uniform.
        continuous: how many.
        deviation: that the other numbers, the noise, are scaled to.
    """

    def __init__(self, generator: nn.Module, categories: int, continuous: int, deviation: float = 1.0):
        super().__init__()
        self.generator = generator
        self.categories, self.continuous, self.deviation = categories, continuous, deviation

    def read(self, latents: torch.Tensor) -> torch.Tensor:
        """(N, Z): K numbers of which one is 1 and the others are 0, numbers uniform in [-1, 1], and noise.

        Example:
            >>> CodedGenerator(nn.Identity(), 2, 1).read(torch.tensor([[0.3, 0.9, 0.0, 2.0]])).tolist()
            [[0.0, 1.0, 0.0, 2.0]]
        """
        category, uniform, noise = latents.tensor_split([self.categories, self.categories + self.continuous], 1)
        one_hot = F.one_hot(category.argmax(1), self.categories).to(latents)
        return torch.cat([one_hot, torch.erf(uniform / math.sqrt(2)), self.deviation * noise], 1)

    def forward(self, latents: torch.Tensor) -> torch.Tensor:
        """Pictures."""
        return self.generator(self.read(latents))


class ToNumbers(nn.Module):
    """(N, C, H, W) features of a discriminator -> (N, numbers), by a hidden layer.

    It takes the features as their discriminator's own logit does: from every position by itself, or from their sums.
    A mean over positions would see textures: codes were then written into the brightness of a border (docs/log.md).

    Args:
        judge: the discriminator.
        numbers: how many.
    """

    def __init__(self, judge: Discriminator, numbers: int):
        super().__init__()
        inputs = getattr(judge.end, "in_features")  # noqa: B009 (all ends are linear)
        self.sums = inputs == judge.channels
        self.hidden, self.end = nn.Linear(inputs, HIDDEN), nn.Linear(HIDDEN, numbers)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """The numbers."""
        taken = features.sum((2, 3)) if self.sums else features.flatten(1)
        return self.end(F.leaky_relu(self.hidden(taken), SLOPE))


class WithGuess(nn.Module):
    """A discriminator whose features also say which code a picture was drawn from: the Q of InfoGAN.

    Args:
        judge: the discriminator.
        numbers: of the code.
    """

    def __init__(self, judge: Discriminator, numbers: int):
        super().__init__()
        self.judge, self.couples_pictures = judge, judge.couples_pictures
        self.q = ToNumbers(judge, numbers)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """(N, 1 + numbers): the logit of being real, the categories' logits, and what the other numbers seem to be."""
        features = self.judge.features(pictures)
        return torch.cat([self.judge.end(features)[:, None], self.q(features)], 1)

    def guess(self, pictures: torch.Tensor) -> torch.Tensor:
        """(N, numbers), of the code alone."""
        return self.q(self.judge.features(pictures))


class WithEncoder(nn.Module):
    """A discriminator, and beside it a network that says which latent a picture was drawn from, of its own features.

    Args:
        judge: the discriminator.
        trunk: gives the features; its own logit is left out.
        numbers: of the latent.
    """

    def __init__(self, judge: Discriminator, trunk: Discriminator, numbers: int):
        super().__init__()
        self.judge, self.couples_pictures = judge, judge.couples_pictures
        self.encoder = Encoder(trunk, numbers)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """(N,) logits of being real."""
        return self.judge(pictures)

    def guess(self, pictures: torch.Tensor) -> torch.Tensor:
        """(N, numbers): the categories' logits, and what the noise seems to be."""
        return self.encoder(pictures)


class Encoder(nn.Module):
    """(N, C, H, W) pictures -> (N, numbers)."""

    def __init__(self, trunk: Discriminator, numbers: int):
        super().__init__()
        end = ToNumbers(trunk, numbers)
        trunk.end = end
        self.trunk = trunk

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """The numbers."""
        return self.trunk(pictures)


def with_guess(
    pair: ModuleType, settings: GANSettings, shape: tuple[int, int, int], classes: int
) -> tuple[nn.Module, nn.Module]:
    """InfoGAN's (Chen et al. 2016): all that looks at a picture is shared, but for what each of the two has at the end.

    What is different from the paper: no batch norm between the features and the guess, which then is of one picture.
    """
    generator = pair.Generator(settings.latent, settings.width, shape)
    judge = pair.Discriminator(settings.width, shape, settings.norm)
    numbers = settings.categories + settings.continuous
    return CodedGenerator(generator, settings.categories, settings.continuous), WithGuess(judge, numbers)


def with_encoder(
    pair: ModuleType, settings: GANSettings, shape: tuple[int, int, int], classes: int
) -> tuple[nn.Module, nn.Module]:
    """ClusterGAN's (Mukherjee et al. 2019): the encoder is built as the discriminator is, and shares nothing with it.

    It has no norm: what it says of real pictures counts, and it learns of generated ones.
    """
    generator = pair.Generator(settings.latent, settings.width, shape)
    judge, trunk = (pair.Discriminator(settings.width, shape, norm) for norm in (settings.norm, "none"))
    coded = CodedGenerator(generator, settings.categories, settings.continuous, CLUSTER_DEVIATION)
    return coded, WithEncoder(judge, trunk, settings.latent)
