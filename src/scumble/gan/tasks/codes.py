"""From codes to pictures and back: InfoGAN and ClusterGAN, whose generators are told what to draw by a code, and whose
pictures must tell it.

Without labels, categories become what differs most among the pictures, often their classes. What is different from the
papers' programs: the latent is drawn as normal numbers, of which the generator makes the code (`networks.games.codes`);
cross-entropies are of logits; and one optimiser moves the generator, along the sum of its losses.
"""

import math

import torch

from scumble.gan.losses.codes import category_surprise, numbers_surprise, squared_distance
from scumble.gan.networks.games.codes import CodedGenerator, WithEncoder
from scumble.gan.tasks.latent import LatentGAN
from scumble.training.task import Batch, Moment, Outcome

NOISE_WEIGHT, CATEGORY_WEIGHT = 10.0, 10.0
"""beta_n and beta_c of ClusterGAN (Mukherjee et al. 2019, section 4)."""


class InfoGAN(LatentGAN):
    """Chen et al. 2016, eq. 6: V(D, G) - L, where L bounds the information I(c; G(z, c)) from below.

    G and Q seek the least of it, D the most of V. Q shares the layers of D, which therefore learn from both.
    """

    def _asked_of_drawn(self, seen: torch.Tensor, batch: Batch) -> torch.Tensor:
        """What is lacking of the information: -log Q(c|x) of the category and of the other numbers."""
        category, others = self._code(batch["latents"])
        guess = seen[:, 1 + self.settings.categories :].float()
        return self._surprise(seen, category) + numbers_surprise(guess, others[:, : self.settings.continuous])

    def generator_loss(self, batch: Batch, moment: Moment) -> Outcome:
        """To be taken for real, and that Q guesses the code.

        Figures: what pictures tell of their category at least, in nats: log K where all can be told, 0 for nothing.
        """
        value, seen = self._fooling(batch, moment)
        surprise = self._surprise(seen, self._code(batch["latents"])[0])
        return Outcome(value, {"information": math.log(self.settings.categories) - surprise})

    def _surprise(self, seen: torch.Tensor, category: torch.Tensor) -> torch.Tensor:
        return category_surprise(seen[:, 1 : 1 + self.settings.categories].float(), category)

    def _code(self, latents: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(N, K) categories, and the other (N, Z - K) numbers, as the generator reads latents."""
        assert isinstance(self.generator, CodedGenerator)
        category, others = self.generator.read(latents).tensor_split([self.settings.categories], 1)
        return category, others


class ClusterGAN(InfoGAN):
    """Mukherjee et al. 2019, eq. 2: an encoder beside the discriminator finds all of the latent, the noise too."""

    judging = ("discriminator.judge",)
    generating = ("generator", "discriminator.encoder")

    def _asked_of_drawn(self, seen: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Nothing: the discriminator knows of no codes."""
        return seen.new_zeros(())

    def generator_loss(self, batch: Batch, moment: Moment) -> Outcome:
        """To be taken for real, and that the encoder finds the latent; figures as of InfoGAN."""
        value, _ = self._fooling(batch, moment)
        assert isinstance(self.discriminator, WithEncoder)
        guess = self.placement.compute(self.discriminator.encoder, self._fake(batch, with_gradient=True)).float()
        category, others = self._code(batch["latents"])
        surprise = category_surprise(guess[:, : self.settings.categories], category)
        distance = squared_distance(guess[:, self.settings.categories :], others)
        value = value + NOISE_WEIGHT * distance + CATEGORY_WEIGHT * surprise
        return Outcome(value, {"information": math.log(self.settings.categories) - surprise, "distance": distance})
