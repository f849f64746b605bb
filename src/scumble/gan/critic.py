"""The discriminator with all that its loss needs, as one module with one forward pass.

Real and generated pictures go through it together, and the penalty, which needs gradients of the inner network, is
computed inside. That is more than order: wrappers for many processes count the forward passes, those for short number
formats want all gradients to go through them, and both go wrong with two passes or a gradient taken outside.

Where there are classes to be drawn, the n-th generated picture is of the class of the n-th real one.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from scumble.gan.losses import Logits
from scumble.gan.networks.conditioning import unconditional
from scumble.gan.penalties import PENALTIES


class Verdict(NamedTuple):
    """Logits (N,) of real and of generated pictures, and what is to be added to the loss, ()."""

    real: Logits
    fake: Logits
    extra: torch.Tensor


class Critic(nn.Module):
    """A discriminator and its penalty.

    Args:
        discriminator: (N, C, H, W) pictures, and (N,) classes if it knows of such, to (N,) logits, or, if it says what
            class it sees, (N, 1 + classes).
        penalty: a name out of `PENALTIES`, or "none".
        weight: what it is multiplied by.
    """

    def __init__(self, discriminator: nn.Module, penalty: str = "none", weight: float = 1.0):
        super().__init__()
        self.discriminator = discriminator
        self.penalty = None if penalty == "none" else PENALTIES[penalty].function
        self.weight = weight

    def forward(
        self, real: torch.Tensor, fake: torch.Tensor, labels: torch.Tensor | None, random: torch.Generator
    ) -> Verdict:
        """What the discriminator learns from.

        Args:
            real: (N, C, H, W) in [-1, 1], from the data.
            fake: the same, from the generator; constants here.
            labels: (N,) classes of both; None where there are none.
            random: of where the penalty looks.
        """
        on_real, on_fake = self.judge(real, fake, labels)
        extra = _class_loss(on_real, labels) + self._class_loss_of_drawn(on_fake, labels)
        if self.penalty is not None:
            extra = extra + self.weight * self.penalty(
                lambda pictures: _logit(self._see(pictures, labels)), real, fake, random
            )
        return Verdict(_logit(on_real), _logit(on_fake), extra)

    def look(
        self, real: torch.Tensor | None, fake: torch.Tensor, labels: torch.Tensor | None, of_features: bool = False
    ) -> Verdict:
        """What the generator learns from: no penalty, and no real pictures (None) unless its loss compares.

        With `of_features`, real and fake are not logits but what these are made from, averaged over places: (N, D).
        """
        if of_features:
            assert real is not None
            on_real, on_fake = (unconditional(self.discriminator).features(each).mean((2, 3)) for each in (real, fake))
            return Verdict(on_real, on_fake, fake.new_zeros(()))
        on_real = fake.new_zeros(0) if real is None else _logit(self._see(real, labels))
        on_fake = self._see(fake, labels)
        return Verdict(on_real, _logit(on_fake), self._class_loss_of_drawn(on_fake, labels))

    def judge(
        self, real: torch.Tensor, fake: torch.Tensor, labels: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """What the discriminator says to both: in one pass wherever that changes nothing."""
        if self.discriminator.couples_pictures:
            return self._see(real, labels), self._see(fake, labels)
        on_real, on_fake = self._see(torch.cat([real, fake]), labels).split([len(real), len(fake)])
        return on_real, on_fake

    def _class_loss_of_drawn(self, seen: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
        return _class_loss(seen, labels if getattr(self.discriminator, "asks_of_drawn", True) else None)

    def _see(self, pictures: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
        if labels is None:
            return self.discriminator(pictures)
        return self.discriminator(pictures, labels.repeat(len(pictures) // len(labels)))


def _logit(seen: torch.Tensor) -> Logits:
    return seen[:, 0] if seen.dim() == 2 else seen


def _class_loss(seen: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
    """Cross-entropy of the known classes, where they were asked for (Odena et al. 2017, eq. 3)."""
    if seen.dim() < 2 or labels is None:
        return seen.new_zeros(())
    return F.cross_entropy(seen[:, 1:], labels)
