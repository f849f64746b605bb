"""The style losses: distances between two pictures' statistics, and the table of those that can be chosen.

A style loss has two halves: the *statistics* of a picture's features, and the *distance* between two such statistics.
Losses hold no state, choose no layer and apply no weight: `scumble.style.objective` does. What needs more than float32
takes float64 by itself.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch

from scumble.style.losses.content import mean_squared_error
from scumble.style.losses.histograms import histogram_distance, histograms, histograms_between
from scumble.style.losses.matrix_sqrt import TraceOfRoot
from scumble.style.losses.optimal_transport import covariance_between, square_root
from scumble.style.losses.statistics import Statistics, covariance_of, gram, in_float64, moments, squares

VARIANCE_FLOOR = 1e-4
"""Added to all variances, relative to the target's mean one: roots need some room above 0 to have a gradient."""


def gram_distance(found: Statistics, target: Statistics) -> torch.Tensor:
    """The style loss of Gatys et al. 2015, eq. 4: the mean squared difference of Gram matrices."""
    return mean_squared_error(found["second"], target["second"])


def covariance_distance(found: Statistics, target: Statistics) -> torch.Tensor:
    """Squared differences of covariances and of products of means, averaged over all pairs of channels.

    A Gram matrix is the sum of the two, and so confuses a channel that is strong with one that varies (Risser et al.
    2017, section 3); here each must fit by itself.
    """
    products = [torch.outer(statistics["mean"], statistics["mean"]) for statistics in (found, target)]
    return mean_squared_error(*products) + mean_squared_error(covariance_of(found), covariance_of(target))


def mean_std_distance(found: Statistics, target: Statistics) -> torch.Tensor:
    """Squared differences of the channels' means and standard deviations, averaged over channels.

    The statistics of batch normalisation (Li et al. 2017, "Demystifying Neural Style Transfer", eq. 12).
    """
    variances = [(s["square"] - s["mean"].square()).clamp_min(0) for s in (found, target)]
    floor = VARIANCE_FLOOR * variances[1].mean() + torch.finfo(variances[1].dtype).tiny
    deviations = [(variance + floor).sqrt() for variance in variances]
    return mean_squared_error(found["mean"], target["mean"]) + mean_squared_error(*deviations)


def with_root(target: Statistics) -> Statistics:
    """Moments with their covariance (C, C), its root (C, C) and the floor of its variances, all in float64."""
    moments = in_float64(target)
    covariance = covariance_of(moments)
    # Features of float32 have products of means, which the covariance is the rest of, to 1e-7.
    rounding = 1e-6 * moments["second"].diagonal().mean()
    floor = VARIANCE_FLOOR * covariance.diagonal().clamp_min(0).mean() + rounding + 1e-30
    covariance = covariance + floor * torch.eye(len(covariance), dtype=torch.float64, device=covariance.device)
    return target | {"covariance": covariance, "root": square_root(covariance), "floor": floor}


def wasserstein_distance(found: Statistics, target: Statistics) -> torch.Tensor:
    """The squared Wasserstein-2 distance of two Gaussians (Olkin and Pukelsheim 1982), over the number of channels.

    |m - n|^2 + tr A + tr B - 2 tr (R A R)^(1/2) for means m, n and covariances A, B, where R is the root of B.

    Args:
        found: moments.
        target: moments as completed by `with_root`.
    """
    moments = in_float64(found)
    covariance, floor, root = covariance_of(moments), target["floor"], target["root"]
    if not covariance.isfinite().all():
        return found["second"].sum() * torch.nan  # of which there are no eigenvalues
    covariance = covariance + floor * torch.eye(len(covariance), dtype=torch.float64, device=covariance.device)
    # Every eigenvalue is at least the floor's square, but for rounding and what it made of a constant channel.
    overlap = TraceOfRoot.apply(root @ covariance @ root, floor**2)
    bures = covariance.trace() + target["covariance"].trace() - 2 * overlap
    means = (moments["mean"] - target["mean"].to(moments["mean"])).square().sum()
    return ((means + bures) / len(covariance)).to(found["mean"])


class StyleLoss(NamedTuple):
    """How two pictures' features are compared: their statistics, the target completed once, the distance.

    `glance` is for large pictures: tiles that are looked at without a way back take less than half of the memory, so
    that their sides may be longer by this factor. Histograms take nearly as much either way.
    """

    statistics: Callable[[torch.Tensor, torch.Tensor | None], Statistics]
    distance: Callable[[Statistics, Statistics], torch.Tensor]
    complete: Callable[[Statistics], Statistics] = lambda target: target
    glance: float = 1.5


STYLE_LOSSES = {
    "gram": StyleLoss(gram, gram_distance),
    "covariance": StyleLoss(moments, covariance_distance),
    "mean-std": StyleLoss(squares, mean_std_distance),
    "wasserstein": StyleLoss(moments, wasserstein_distance, with_root),
    "histogram": StyleLoss(histograms, histogram_distance, glance=1.0),
}


def between(one: Statistics, other: Statistics, share: float) -> Statistics:
    """Statistics after a share of the straight way from one distribution to another.

    In a blend, some places are as in the one and some as in the other; here, each place is something between (see
    `scumble.style.losses.optimal_transport`). Of Gram matrices alone, as if they were covariances.

    Args:
        one: statistics of any one kind.
        other: of the same kind.
        share: how far, 0 to 1.
    """
    if "histogram" in one:
        return histograms_between(one, other, share)
    if "mean" not in one:
        return {"second": covariance_between(one["second"], other["second"], share)}
    mean = torch.lerp(one["mean"], other["mean"], share)
    if "square" in one:
        here, there = ((s["square"] - s["mean"].square()).clamp_min(0).sqrt() for s in (one, other))
        return {"mean": mean, "square": mean.square() + torch.lerp(here, there, share).square()}
    covariance = covariance_between(covariance_of(one), covariance_of(other), share)
    return {"mean": mean, "second": covariance + torch.outer(mean, mean)}
