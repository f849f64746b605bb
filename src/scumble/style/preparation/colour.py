"""Keeping a photograph's colours (Gatys et al. 2017, "Controlling Perceptual Factors", section 5).

Two ways, both on whole pictures and both outside the optimisation: painting in grey, to which the photograph's chroma
is added afterwards, and giving the painting the photograph's colours beforehand. Pictures are (1, 3, H, W), RGB in
[0, 1], with sRGB's curve, in which painters' and cameras' colours are spread evenly.
"""

import torch

from scumble.style.losses.optimal_transport import transport_map
from scumble.style.preparation.bounds import LUMA

RIDGE = 1e-5
"""Added to the variances of colours, half a grey level squared and more: a grey picture has directions without any."""


def luminance(picture: torch.Tensor) -> torch.Tensor:
    """(1, 1, H, W): the brightness of each pixel."""
    return (picture * picture.new_tensor(LUMA).view(1, 3, 1, 1)).sum(1, keepdim=True)


def grey(picture: torch.Tensor) -> torch.Tensor:
    """The picture without its chroma: three equal channels."""
    return luminance(picture).expand(-1, 3, -1, -1).contiguous()


def grey_like(picture: torch.Tensor, model: torch.Tensor, visible: torch.Tensor | None = None) -> torch.Tensor:
    """`picture` in grey, with the mean and standard deviation of the brightness of `model` (section 5.2, eq. 10).

    What counts of `picture` is what is `visible`, (1, 1, H, W); None for all of it.
    """
    brightness, wanted = luminance(picture), luminance(model)
    if visible is None:
        mean, deviation = brightness.mean(), brightness.std()
    else:
        mean = (brightness * visible).sum() / visible.sum()
        deviation = ((brightness - mean).square() * visible).sum().div(visible.sum()).sqrt()
    spread = wanted.std() / deviation.clamp_min(1e-6)
    return ((brightness - mean) * spread + wanted.mean()).clamp(0, 1).expand(-1, 3, -1, -1).contiguous()


def with_chroma(picture: torch.Tensor, model: torch.Tensor) -> torch.Tensor:
    """The brightness of one picture with the chroma of another.

    Where the two do not fit into [0, 1] together, the brightness gives way, by as little as it takes: the chroma is
    kept exactly.
    """
    chroma = model - luminance(model)
    darkest = (-chroma).amax(1, keepdim=True)
    brightest = 1 - chroma.amax(1, keepdim=True)
    return luminance(picture).clamp(darkest, brightest) + chroma


def match_colours(
    picture: torch.Tensor,
    model: torch.Tensor,
    visible: torch.Tensor | None = None,
    visible_of_model: torch.Tensor | None = None,
) -> torch.Tensor:
    """`picture` with the mean and the covariance of the colours of `model`.

    By the affine map that moves colours the least (see `scumble.style.losses.optimal_transport`). Of either, what
    counts is what is visible, (1, 1, H, W); None for all of it.
    """
    colours, wanted = (p.flatten(2)[0].cpu().double() for p in (picture, model))  # (3, P)
    mean, a = _moments(colours, visible)
    wanted_mean, b = _moments(wanted, visible_of_model)
    transport = transport_map(a, b + RIDGE * torch.eye(3, dtype=torch.float64), RIDGE)
    moved = transport @ (colours - mean) + wanted_mean
    return moved.clamp(0, 1).view(picture.shape).to(picture)


def _moments(colours: torch.Tensor, visible: torch.Tensor | None) -> tuple[torch.Tensor, torch.Tensor]:
    """The mean (3, 1) and the covariance (3, 3) of colours (3, P)."""
    if visible is None:
        return colours.mean(1, keepdim=True), colours.cov(correction=0)
    weights = visible.flatten().to(colours)
    mean = (colours * weights).sum(1, keepdim=True) / weights.sum()
    return mean, colours.cov(correction=0, aweights=weights)
