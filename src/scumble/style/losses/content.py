"""What holds a picture to its photograph: losses of features place by place, and the map that moves them."""

from typing import Any

import torch
import torch.nn.functional as F
from torch.autograd.function import once_differentiable

from scumble.style.losses.optimal_transport import transport_map
from scumble.style.losses.statistics import Statistics, covariance_of, in_float64, wide

TRANSPORT_RIDGES = (0.01, 0.001)
"""Added to variances that are moved from: the larger of these shares of their mean, and of the mean of those moved to.
Without the second, what is all but plain would be stretched without bound."""


def mean_squared_error(values: torch.Tensor, target: torch.Tensor, weights: torch.Tensor | None = None) -> torch.Tensor:
    """The mean of squared differences: of features for content (eq. 1), of Gram matrices for style (eq. 4).

    Up to the constants of the paper, which the weights absorb.

    Args:
        values: of any shape.
        target: of the same.
        weights: how much each value counts, 1 on average, of a shape that can be broadcast; None for all alike.

    Example:
        >>> mean_squared_error(torch.tensor([1.0, 5.0]), torch.tensor([1.0, 2.0])).item()
        4.5
    """
    return _MeanSquaredError.apply(values, target, weights)  # pyright: ignore[reportReturnType]


class _MeanSquaredError(torch.autograd.Function):
    """With its gradient in one pass over memory: step by step, both ways would take six. The weights have none."""

    @staticmethod
    def forward(ctx: Any, values: torch.Tensor, target: torch.Tensor, weights: torch.Tensor | None) -> torch.Tensor:
        differences = wide(values) - wide(target)
        weighted = differences if weights is None else differences * weights
        ctx.save_for_backward(weighted)
        ctx.dtypes = values.dtype, target.dtype
        return (differences * weighted).mean()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        (weighted,) = ctx.saved_tensors
        slope = weighted * (2 / weighted.numel() * gradients[0])
        to_target = -slope.to(ctx.dtypes[1]) if ctx.needs_input_grad[1] else None
        return slope.to(ctx.dtypes[0]), to_target, None


def gaussian_map(found: Statistics, wanted: Statistics) -> tuple[torch.Tensor, torch.Tensor]:
    """The map that moves features from one Gaussian to another, each by as little as that takes.

    T(F) = m' + (F - m) A^(-1/2) (A^(1/2) B A^(1/2))^(1/2) A^(-1/2) for means m, m' and covariances A, B (Olkin and
    Pukelsheim 1982): what is special about a place stays special, by the other picture's means. A closed form of style
    transfer (Li et al. 2017, "Universal Style Transfer"), with the map that is the least of all.

    Args:
        found: moments, as they are.
        wanted: moments, as they shall be.

    Returns:
        A matrix (C, C) and an offset (C), in the moments' format: T(F) = F @ matrix + offset for features (P, C).

    Example:
        From standard deviation 1 around 0 to 2 around 3, but for the ridge:

        >>> one = {"mean": torch.zeros(1), "second": torch.ones(1, 1)}
        >>> other = {"mean": torch.tensor([3.0]), "second": torch.tensor([[13.0]])}
        >>> [part.round(decimals=1).tolist() for part in gaussian_map(one, other)]
        [[[2.0]], [3.0]]
    """
    here, there = in_float64(found), in_float64(wanted)
    covariance, target = covariance_of(here), covariance_of(there)
    # Fewer places than channels leave directions without any variance, along which there is nothing to move.
    variances = (c.diagonal().mean().item() for c in (covariance, target))
    ridge = max(share * variance for share, variance in zip(TRANSPORT_RIDGES, variances, strict=True))
    matrix = transport_map(covariance, target, ridge).to(covariance.device)
    offset = there["mean"] - here["mean"] @ matrix
    return matrix.to(found["mean"]), offset.to(found["mean"])


def nearness(features: torch.Tensor, places: torch.Tensor, centre: torch.Tensor) -> torch.Tensor:
    """How much like the most similar of some places each place is: the cosine of the angle between their features.

    Args:
        features: (P, C).
        places: (Q, C), of length 1, and centred as the features will be.
        centre: (C), taken off the features: of what all pictures have in common, nothing is to be told.

    Returns:
        (P), -1 to 1.

    Example:
        >>> nearness(torch.tensor([[3.0, 3.0], [0.0, -2.0]]), torch.eye(2), torch.zeros(2)).round(decimals=3).tolist()
        [0.707, 0.0]
    """
    seen = directions(features, centre)
    # Which place is the nearest has no gradient: on the way back, only that one counts.
    nearest = (seen.detach() @ places.mT).argmax(1)
    return (seen * places[nearest]).sum(1)


def directions(features: torch.Tensor, centre: torch.Tensor) -> torch.Tensor:
    """(P, C) features less a centre (C), each of length 1."""
    return F.normalize(wide(features) - centre, dim=1)


def excess(values: torch.Tensor, allowed: torch.Tensor) -> torch.Tensor:
    """The mean squared excess of values over what is allowed: what is below costs nothing.

    Example:
        >>> excess(torch.tensor([0.5, 0.9]), torch.tensor([0.7, 0.5])).item()
        0.08
    """
    return (values - allowed).clamp_min(0).square().mean()
