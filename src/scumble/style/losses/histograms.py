"""Histograms of features, channel by channel, and their distance (Risser et al. 2017)."""

import torch

from scumble.style.losses.statistics import Statistics, wide

LARGEST_LEVEL = 255
LEVELS_PER_DOUBLING = 16
"""Levels of histograms: at 2^(k/16) - 1, which is 4% apart for large features, up to 63,000, and the same below 0."""


def histograms(features: torch.Tensor, weights: torch.Tensor | None = None) -> Statistics:
    """How the values of each channel are spread over the levels of `_levels`; arguments as in `gram`.

    A value between two levels counts for both, in proportion: its mean is kept, and there is a gradient.

    Returns:
        {"histogram": (bins, C)}, each column with the sum 1.
    """
    return {"histogram": _counted(wide(features), 1 / len(features) if weights is None else weights[:, None])}


def histogram_distance(found: Statistics, target: Statistics) -> torch.Tensor:
    """The squared Wasserstein-2 distance of each channel's histogram from the target's, averaged over channels.

    That is the mean squared difference of the features from what they become when the target's histogram is forced on
    them: the histogram loss of Risser et al. 2017, eq. 6. Along the share of places that lie below, 0 to 1, both
    histograms are stairs; between two stairs of either one their difference is constant.
    """
    widths, ours, theirs = _stairs(found, target)
    return (widths * (ours - theirs).square()).sum(1).mean()


def histograms_between(one: Statistics, other: Statistics, share: float) -> Statistics:
    """Histograms after a share of the way from one to the other, 0 to 1: values of equal rank meet between."""
    widths, low, high = _stairs(one, other)
    return {"histogram": _counted(torch.lerp(low, high, share).mT, widths.mT)}


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


def _levels(like: torch.Tensor) -> torch.Tensor:
    k = torch.arange(-LARGEST_LEVEL, LARGEST_LEVEL + 1, dtype=torch.float64)
    return (torch.exp2(k.abs() / LEVELS_PER_DOUBLING) - 1).copysign(k).to(like)
