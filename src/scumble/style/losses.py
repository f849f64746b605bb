"""The losses of style transfer: pure functions of features, each after its paper.

They hold no state, choose no layer and apply no weight; `scumble.style.objective` does. A style loss has two halves:
the *statistics* of a picture's features, and the *distance* between two such statistics. All statistics here are
averages over places. Whatever mixes places therefore mixes statistics, linearly: several styles are blended, regions
are weighted and large pictures are summed up tile by tile in the same way for every loss.

Statistics and distances are float32 at least, whatever format features have: averages over all places lose in shorter
formats what little they still change by. What needs more takes float64 by itself.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F

from scumble.style.roots import TraceOfRoot
from scumble.style.transport import covariance_between, square_root, transport_map

Statistics = dict[str, torch.Tensor]
"""Averages over the places of one layer, by name, and what was derived from them."""

VARIANCE_FLOOR = 1e-4
"""Added to all variances, relative to the target's mean one: roots need some room above 0 to have a gradient."""

TRANSPORT_RIDGES = (0.01, 0.001)
"""Added to variances that are moved from: the larger of these shares of their mean, and of the mean of those moved to.
Without the second, what is all but plain would be stretched without bound."""

PLACES_AT_ONCE, SUMS_THAT_CANCEL = 256, 16
"""Products of bfloat16 are summed up over so many places, if there are so many sums: 4e-4 of the whole, or less."""

LARGEST_LEVEL = 255
LEVELS_PER_DOUBLING = 16
"""Levels of histograms: at 2^(k/16) - 1, which is 4% apart for large features, up to 63,000, and the same below 0."""


# --- Statistics: features at P places, weights of the places -> averages ---------------------------------------------


def gram(features: torch.Tensor, weights: torch.Tensor | None = None) -> Statistics:
    """The correlations between channels, averaged over all places (Gatys et al. 2015, eq. 3, divided by H*W).

    Divided by the number of places only, as the authors do, so that pictures of different sizes compare; dividing by
    channels too would only move a constant into the layer's weight.

    Args:
        features: (P, C), C channels at P places.
        weights: (P), how much each place counts, with the sum 1; None for all alike.

    Returns:
        {"second": (C, C)}.

    Example:
        Two channels over two places, (1, 2) and (3, 4): products averaged over places.

        >>> gram(torch.tensor([[1.0, 3.0], [2.0, 4.0]]))["second"].tolist()
        [[2.5, 5.5], [5.5, 12.5]]
    """
    _, second = _moments(features, weights, False)
    return {"second": second}


def moments(features: torch.Tensor, weights: torch.Tensor | None = None) -> Statistics:
    """The mean of each channel, and the products of all pairs of channels; arguments as in `gram`.

    The second moments are raw: the second moments of a mixture are the mixture of second moments, which is not true of
    covariances.

    Returns:
        {"mean": (C), "second": (C, C)}.
    """
    mean, second = _moments(features, weights, True)
    return {"mean": mean, "second": second}


def squares(features: torch.Tensor, weights: torch.Tensor | None = None) -> Statistics:
    """The mean of each channel and of its square; arguments as in `gram`.

    Returns:
        {"mean": (C), "square": (C)}.
    """
    features = wide(features)
    return {"mean": _average(features, weights), "square": _average(features.square(), weights)}


def histograms(features: torch.Tensor, weights: torch.Tensor | None = None) -> Statistics:
    """How the values of each channel are spread over the levels of `_levels`; arguments as in `gram`.

    A value between two levels counts for both, in proportion: its mean is kept, and there is a gradient.

    Returns:
        {"histogram": (bins, C)}, each column with the sum 1.
    """
    return {"histogram": _counted(wide(features), 1 / len(features) if weights is None else weights[:, None])}


# --- Distances: what was found, what is aimed at -> a number ---------------------------------------------------------


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
    squares = (wide(values) - wide(target)).square()
    return (squares if weights is None else squares * weights).mean()


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
        From deviation 1 around 0 to deviation 2 around 3, but for the ridge:

        >>> one = {"mean": torch.zeros(1), "second": torch.ones(1, 1)}
        >>> other = {"mean": torch.tensor([3.0]), "second": torch.tensor([[13.0]])}
        >>> [part.round(decimals=1).tolist() for part in gaussian_map(one, other)]
        [[[2.0]], [3.0]]
    """
    here, there = _double(found), _double(wanted)
    covariance, target = _covariance(here), _covariance(there)
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
    return (directions(features, centre) @ places.mT).amax(1)


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


def gram_distance(found: Statistics, target: Statistics) -> torch.Tensor:
    """The style loss of Gatys et al. 2015, eq. 4: the mean squared difference of Gram matrices."""
    return mean_squared_error(found["second"], target["second"])


def covariance_distance(found: Statistics, target: Statistics) -> torch.Tensor:
    """Squared differences of covariances and of products of means, averaged over all pairs of channels.

    A Gram matrix is the sum of the two, and so confuses a channel that is strong with one that varies (Risser et al.
    2017, section 3); here each must fit by itself.
    """
    products = [torch.outer(statistics["mean"], statistics["mean"]) for statistics in (found, target)]
    return mean_squared_error(*products) + mean_squared_error(_covariance(found), _covariance(target))


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
    moments = _double(target)
    covariance = _covariance(moments)
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
    moments = _double(found)
    covariance, floor, root = _covariance(moments), target["floor"], target["root"]
    if not covariance.isfinite().all():
        return found["second"].sum() * torch.nan  # of which there are no eigenvalues
    covariance = covariance + floor * torch.eye(len(covariance), dtype=torch.float64, device=covariance.device)
    # Every eigenvalue is at least the floor's square, but for rounding and what it made of a constant channel.
    overlap = TraceOfRoot.apply(root @ covariance @ root, floor**2)
    bures = covariance.trace() + target["covariance"].trace() - 2 * overlap
    means = (moments["mean"] - target["mean"].to(moments["mean"])).square().sum()
    return ((means + bures) / len(covariance)).to(found["mean"])


def histogram_distance(found: Statistics, target: Statistics) -> torch.Tensor:
    """The squared Wasserstein-2 distance of each channel's histogram from the target's, averaged over channels.

    That is the mean squared difference of the features from what they become when the target's histogram is forced on
    them: the histogram loss of Risser et al. 2017, eq. 6. Along the share of places that lie below, 0 to 1, both
    histograms are stairs; between two stairs of either one their difference is constant.
    """
    widths, ours, theirs = _stairs(found, target)
    return (widths * (ours - theirs).square()).sum(1).mean()


def total_variation(picture: torch.Tensor) -> torch.Tensor:
    """The mean squared difference of neighbouring pixels, across and down (after Mahendran and Vedaldi 2015, eq. 6).

    Args:
        picture: (1, 3, H, W).

    Example:
        >>> total_variation(torch.tensor([[[[0.0, 1.0], [0.0, 3.0]]]])).item()
        7.0
    """
    differences = (picture.diff(dim=3), picture.diff(dim=2))
    return torch.stack([d.square().sum() / max(1, d.numel()) for d in differences]).sum()


def out_of_range(picture: torch.Tensor) -> torch.Tensor:
    """The mean squared distance of a picture's values from [0, 1]: no file can hold what lies outside.

    Example:
        >>> out_of_range(torch.tensor([-2.0, 0.5, 1.0, 1.0])).item()
        1.0
    """
    return (picture - picture.clamp(0, 1)).square().mean()


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


def blend(statistics: list[Statistics], shares: list[float]) -> Statistics:
    """The statistics of a mixture of places, of which each of the given ones has its share; shares have the sum 1."""
    return {name: sum(share * s[name] for share, s in zip(shares, statistics, strict=True)) for name in statistics[0]}  # pyright: ignore[reportReturnType]


def between(one: Statistics, other: Statistics, share: float) -> Statistics:
    """Statistics after a share of the straight way from one distribution to another (see `scumble.style.transport`).

    In a blend, some places are as in the one and some as in the other; here, each place is something between. Of Gram
    matrices alone, as if they were covariances.

    Args:
        one: statistics of any one kind.
        other: of the same kind.
        share: how far, 0 to 1.
    """
    if "histogram" in one:
        widths, low, high = _stairs(one, other)
        return {"histogram": _counted(torch.lerp(low, high, share).mT, widths.mT)}
    if "mean" not in one:
        return {"second": covariance_between(one["second"], other["second"], share)}
    mean = torch.lerp(one["mean"], other["mean"], share)
    if "square" in one:
        here, there = ((s["square"] - s["mean"].square()).clamp_min(0).sqrt() for s in (one, other))
        return {"mean": mean, "square": mean.square() + torch.lerp(here, there, share).square()}
    covariance = covariance_between(_covariance(one), _covariance(other), share)
    return {"mean": mean, "second": covariance + torch.outer(mean, mean)}


class _Moments(torch.autograd.Function):
    """Means, if they are wanted, and products, with their gradient in one pass over the features.

    By itself, autograd would multiply the features by the gradient of their products twice, once for each factor, and
    add the means' gradient, spread over all places: some tenths of what a small network's evaluation takes.

    Features of bfloat16 are multiplied as such. Processors add these products up in float32, but round each sum to
    three digits: the sums are those of `PLACES_AT_ONCE` places, whose errors cancel in what they come to together.
    """

    @staticmethod
    def forward(ctx, features, weights, with_mean):
        ctx.save_for_backward(features, weights)
        if weights is None and len(features) >= PLACES_AT_ONCE * SUMS_THAT_CANCEL:
            mean, second = _sum(features) if with_mean else None, _products(features)
        else:
            full = wide(features)
            weighted = full if weights is None else full * weights[:, None]
            mean, second = weighted.sum(0) if with_mean else None, weighted.mT @ full
        share = 1 / len(features) if weights is None else 1.0
        mean = second.new_zeros(len(second)) if mean is None else mean.mul_(share)
        return mean, second.mul_(share)

    @staticmethod
    def backward(ctx, to_mean, to_second):  # pyright: ignore[reportIncompatibleMethodOverride]
        features, weights = ctx.saved_tensors
        both = (to_second + to_second.mT).to(features)
        to_mean = to_mean.to(features)
        if weights is None:
            share = 1 / len(features)
            return torch.addmm(to_mean, features, both, beta=share, alpha=share), None, None
        return torch.addmm(to_mean, features, both).mul_(weights[:, None]), None, None


def _sum(features: torch.Tensor) -> torch.Tensor:
    """Over all places: (C)."""
    blocks, rest = _blocks(features)
    return blocks.sum(1).sum(0, dtype=rest.dtype) + rest.sum(0)


def _products(features: torch.Tensor) -> torch.Tensor:
    """Of all pairs of channels, summed up over all places: (C, C)."""
    blocks, rest = _blocks(features)
    return torch.bmm(blocks.mT, blocks).sum(0, dtype=rest.dtype) + rest.mT @ rest


def _blocks(features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Features of bfloat16 as (sums, places, C), and the rest of them; longer formats need no such care."""
    if features.dtype != torch.bfloat16:
        return features[None, :0], features
    count = len(features) // PLACES_AT_ONCE
    blocks, rest = features.split([count * PLACES_AT_ONCE, len(features) - count * PLACES_AT_ONCE])
    return blocks.view(count, PLACES_AT_ONCE, -1), rest.float()


def wide(features: torch.Tensor) -> torch.Tensor:
    """In float32 at least."""
    return features.to(torch.promote_types(features.dtype, torch.float32))


def _moments(
    features: torch.Tensor, weights: torch.Tensor | None, with_mean: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    """(C) and (C, C); instead of means that are not wanted, zeros."""
    return _Moments.apply(features, weights, with_mean)  # pyright: ignore[reportReturnType]


def _counted(values: torch.Tensor, mass: torch.Tensor | float) -> torch.Tensor:
    """How much mass each channel of values (P, C) has at each level: (levels, C)."""
    levels = _levels(values)
    finite = values.detach().nan_to_num(0)
    position = (finite.abs() + 1).log2().copysign(finite) * LEVELS_PER_DOUBLING + LARGEST_LEVEL
    lower = position.clamp(0, len(levels) - 2).long()
    upper_share = ((values - levels[lower]) / (levels[lower + 1] - levels[lower])).clamp(0, 1)
    # Summed place by place, a million small numbers in float32 would be off by 1e-4. (Apple's GPUs have no float64.)
    exact = values.dtype if values.device.type == "mps" else torch.float64
    counts = values.new_zeros(len(levels), values.shape[1], dtype=exact)
    counts = counts.scatter_add(0, lower, ((1 - upper_share) * mass).to(exact))
    return counts.scatter_add(0, lower + 1, (upper_share * mass).to(exact))


def _stairs(one: Statistics, other: Statistics) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Two histograms along the share of places that lie below: steps on which both are level.

    Returns:
        The steps' widths and the levels of both, (C, steps) each.
    """
    levels = _levels(one["histogram"])
    shares = [statistics["histogram"].mT.contiguous().cumsum(1) for statistics in (one, other)]  # (C, levels)
    stairs = torch.cat(shares, 1).sort(1).values
    widths = stairs.diff(dim=1, prepend=stairs.new_zeros(len(stairs), 1))
    middles = (stairs - widths / 2).detach()
    # Both stairs end at 1 but for rounding: what lies above the end of one belongs to its highest level in use. Where
    # features are not finite, shares are not, and any level will do.
    ends = [torch.minimum(middles, s.detach()[:, -1:]) for s in shares]
    ours, theirs = (
        levels[torch.searchsorted(s.detach(), end).clamp_max(len(levels) - 1)]
        for s, end in zip(shares, ends, strict=True)
    )
    return widths, ours, theirs


def _average(values: torch.Tensor, weights: torch.Tensor | None) -> torch.Tensor:
    return values.mean(0) if weights is None else weights @ values


def _covariance(moments: Statistics) -> torch.Tensor:
    return moments["second"] - torch.outer(moments["mean"], moments["mean"])


def _double(statistics: Statistics) -> Statistics:
    """In float64, on the CPU where the device (Apple's) has none."""
    return {n: (s.cpu() if s.device.type == "mps" else s).double() for n, s in statistics.items()}


def _levels(like: torch.Tensor) -> torch.Tensor:
    k = torch.arange(-LARGEST_LEVEL, LARGEST_LEVEL + 1, dtype=torch.float64)
    return (torch.exp2(k.abs() / LEVELS_PER_DOUBLING) - 1).copysign(k).to(like)
