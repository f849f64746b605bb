"""The statistics of features: averages over the places of one layer.

Whatever mixes places therefore mixes statistics, linearly: several styles are blended, regions are weighted and large
pictures are summed up tile by tile in the same way for every loss.

Statistics are float32 at least, whatever format features have: averages over all places lose in shorter formats what
little they still change by.
"""

import torch

Statistics = dict[str, torch.Tensor]
"""Averages over the places of one layer, by name, and what was derived from them."""

PLACES_AT_ONCE, SUMS_THAT_CANCEL = 256, 16
"""Products of bfloat16 are summed up over so many places, if there are so many sums: 4e-4 of the whole, or less."""


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


def blend(statistics: list[Statistics], shares: list[float]) -> Statistics:
    """The statistics of a mixture of places, of which each of the given ones has its share; shares have the sum 1."""
    return {name: sum(share * s[name] for share, s in zip(shares, statistics, strict=True)) for name in statistics[0]}  # pyright: ignore[reportReturnType]


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


def _average(values: torch.Tensor, weights: torch.Tensor | None) -> torch.Tensor:
    return values.mean(0) if weights is None else weights @ values


def covariance_of(moments: Statistics) -> torch.Tensor:
    """(C, C), of statistics as from `moments`."""
    return moments["second"] - torch.outer(moments["mean"], moments["mean"])


def in_float64(statistics: Statistics) -> Statistics:
    """In float64, on the CPU where the device (Apple's) has none."""
    return {n: (s.cpu() if s.device.type == "mps" else s).double() for n, s in statistics.items()}
