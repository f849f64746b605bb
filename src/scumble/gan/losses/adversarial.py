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
    """What the two networks minimise, given the logits of real and of generated pictures.

    `compares` says that the generator's loss looks at the real ones, too; else it is given none. `couples` says that
    each logit is compared with those of the whole batch, so that a batch cannot be taken in parts. `of_features` says
    that the generator's loss is given not logits but (N, D) features.
    """

    discriminator: Callable[[Logits, Logits], torch.Tensor]
    generator: Callable[[Logits, Logits], torch.Tensor]
    compares: bool = False
    couples: bool = False
    of_features: bool = False


def bce_discriminator(real: Logits, fake: Logits) -> torch.Tensor:
    """Binary cross-entropy: -log sigmoid(real) - log(1 - sigmoid(fake)) (Goodfellow et al. 2014, eq. 1).

    Example:
        >>> round(bce_discriminator(torch.zeros(2), torch.zeros(2)).item(), 4)  # 2 log 2
        1.3863
    """
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def bce_generator(real: Logits, fake: Logits) -> torch.Tensor:
    """The non-saturating form: -log sigmoid(fake) (Goodfellow et al. 2014, section 3).

    Example:
        >>> round(bce_generator(torch.zeros(2), torch.zeros(2)).item(), 4)  # log 2
        0.6931
    """
    return F.softplus(-fake).mean()


def hinge_discriminator(real: Logits, fake: Logits) -> torch.Tensor:
    """max(0, 1 - real) + max(0, 1 + fake) (Lim and Ye 2017; Miyato et al. 2018, eq. 16).

    Example:
        >>> hinge_discriminator(torch.tensor([0.5, 3.0]), torch.tensor([-2.0, 0.0])).item()  # 0.25 + 0.5
        0.75
    """
    return F.relu(1 - real).mean() + F.relu(1 + fake).mean()


def wasserstein_discriminator(real: Logits, fake: Logits) -> torch.Tensor:
    """fake.mean() - real.mean(): minus what the distance of Arjovsky et al. 2017 is the supremum of (eq. 2).

    It is one only while the discriminator's slope is bounded, which a penalty has to see to.

    Example:
        >>> wasserstein_discriminator(torch.tensor([1.0, 3.0]), torch.tensor([0.5])).item()
        -1.5
    """
    return fake.mean() - real.mean()


def wasserstein_generator(real: Logits, fake: Logits) -> torch.Tensor:
    """-fake (Arjovsky et al. 2017, algorithm 1), and that of the hinge loss, too (Miyato et al. 2018, eq. 17)."""
    return -fake.mean()


def least_squares_discriminator(real: Logits, fake: Logits) -> torch.Tensor:
    """((real - 1)^2 + fake^2) / 2 (Mao et al. 2017, eq. 2 with a = 0, b = 1).

    Example:
        >>> least_squares_discriminator(torch.tensor([3.0]), torch.tensor([1.0])).item()
        2.5
    """
    return ((real - 1).square().mean() + fake.square().mean()) / 2


def least_squares_generator(real: Logits, fake: Logits) -> torch.Tensor:
    """(fake - 1)^2 / 2 (Mao et al. 2017, eq. 2 with c = 1)."""
    return (fake - 1).square().mean() / 2


MARGIN = 0.1
"""Of an energy that is a mean squared error of numbers in [-1, 1]. With 1, digits stayed noise: no reconstruction is so
bad, and the discriminator had no end to its work; with 0.1, they were digits after 10,000 images (docs/log.md)."""


def margin_discriminator(real: Logits, fake: Logits) -> torch.Tensor:
    """-real + max(0, margin + fake), where a logit is minus an energy (Zhao et al. 2017, eq. 1, EBGAN).

    The generator's is -fake (eq. 2), as of the hinge loss.

    Example:
        >>> margin_discriminator(torch.tensor([-0.5]), torch.tensor([0.0, -3.0])).item()  # 0.5 + (0.1 + 0) / 2
        0.550000011920929
    """
    return F.relu(MARGIN + fake).mean() - real.mean()


def boundary_seeking_generator(real: Logits, fake: Logits) -> torch.Tensor:
    """fake^2 / 2: the log-odds of a generated picture shall be even (Hjelm et al. 2018, for continuous data)."""
    return fake.square().mean() / 2


def relativistic_discriminator(real: Logits, fake: Logits) -> torch.Tensor:
    """-log sigmoid(real - fake), pair by pair (Jolicoeur-Martineau 2019, RSGAN).

    Each generated picture competes with one real picture, not with a threshold for all: no part of the data can be
    left out (Sun et al. 2020).
    """
    return F.softplus(fake - real).mean()


def relativistic_generator(real: Logits, fake: Logits) -> torch.Tensor:
    """-log sigmoid(fake - real) (likewise)."""
    return relativistic_discriminator(fake, real)


def relativistic_average_discriminator(real: Logits, fake: Logits) -> torch.Tensor:
    """Binary cross-entropy of logits less the mean of the other side's (Jolicoeur-Martineau 2019, RaSGAN)."""
    return bce_discriminator(real - fake.mean(), fake - real.mean())


def relativistic_average_generator(real: Logits, fake: Logits) -> torch.Tensor:
    """The same with the two sides exchanged."""
    return relativistic_average_discriminator(fake, real)


def softmax_discriminator(real: Logits, fake: Logits) -> torch.Tensor:
    """Cross-entropy of a softmax over the whole batch, with all of its mass on the real pictures (Lin 2017).

    Example:
        >>> round(softmax_discriminator(torch.zeros(2), torch.zeros(2)).item(), 4)  # log 4
        1.3863
    """
    return torch.cat([real, fake]).logsumexp(0) - real.mean()


def softmax_generator(real: Logits, fake: Logits) -> torch.Tensor:
    """The same with the mass spread over all pictures."""
    both = torch.cat([real, fake])
    return both.logsumexp(0) - both.mean()


def feature_matching_generator(real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
    """|mean real - mean fake|^2 of (N, D) features (Salimans et al. 2016, section 3.1).

    Example:
        >>> feature_matching_generator(torch.tensor([[1.0, 0.0], [3.0, 0.0]]), torch.tensor([[0.0, 1.0]])).item()
        5.0
    """
    return (real.mean(0) - fake.mean(0)).square().sum()


LOSSES = {
    "bce": Loss(bce_discriminator, bce_generator),
    "hinge": Loss(hinge_discriminator, wasserstein_generator),
    "least-squares": Loss(least_squares_discriminator, least_squares_generator),
    "wasserstein": Loss(wasserstein_discriminator, wasserstein_generator),
    "margin": Loss(margin_discriminator, wasserstein_generator),
    "boundary-seeking": Loss(bce_discriminator, boundary_seeking_generator),
    "relativistic": Loss(relativistic_discriminator, relativistic_generator, compares=True),
    "relativistic-average": Loss(
        relativistic_average_discriminator, relativistic_average_generator, compares=True, couples=True
    ),
    "feature-matching": Loss(
        bce_discriminator, feature_matching_generator, compares=True, couples=True, of_features=True
    ),
    "softmax": Loss(softmax_discriminator, softmax_generator, compares=True, couples=True),
}
