"""The losses of both sides, as functions of logits: (N,) numbers, positive for what the discriminator takes for real.

All of them work on logits. A sigmoid followed by binary cross-entropy rounds to exactly 0 or 1 as soon as the
discriminator is sure, and the gradient is then exactly zero for both networks.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F

Logits = torch.Tensor


class Loss(NamedTuple):
    """What the discriminator minimises, given real and generated logits, and what the generator minimises."""

    discriminator: Callable[[Logits, Logits], torch.Tensor]
    generator: Callable[[Logits], torch.Tensor]


def bce_discriminator(real: Logits, fake: Logits) -> torch.Tensor:
    """Binary cross-entropy: -log sigmoid(real) - log(1 - sigmoid(fake)) (Goodfellow et al. 2014, eq. 1).

    Example:
        >>> round(bce_discriminator(torch.zeros(2), torch.zeros(2)).item(), 4)  # 2 log 2
        1.3863
    """
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def bce_generator(fake: Logits) -> torch.Tensor:
    """The non-saturating form: -log sigmoid(fake) (Goodfellow et al. 2014, section 3)."""
    return F.softplus(-fake).mean()


def hinge_discriminator(real: Logits, fake: Logits) -> torch.Tensor:
    """max(0, 1 - real) + max(0, 1 + fake) (Lim and Ye 2017; Miyato et al. 2018, eq. 16).

    Example:
        >>> hinge_discriminator(torch.tensor([0.5, 3.0]), torch.tensor([-2.0, 0.0])).item()  # 0.25 + 0.5
        0.75
    """
    return F.relu(1 - real).mean() + F.relu(1 + fake).mean()


def hinge_generator(fake: Logits) -> torch.Tensor:
    """-fake (Miyato et al. 2018, eq. 17)."""
    return -fake.mean()


LOSSES = {
    "bce": Loss(bce_discriminator, bce_generator),
    "hinge": Loss(hinge_discriminator, hinge_generator),
}
