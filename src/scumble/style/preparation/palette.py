"""Which of a painting's colours a photograph has a place for.

Statistics ask for a painting's colours in the painting's own proportions: all the red of its roses, of a photograph in
which nothing is red. It then becomes a stain on what is least unlike it, an animal's head or still water. So the
proportions give way (unbalanced transport, Chizat et al. 2018, "Scaling algorithms for unbalanced optimal transport
problems"), and where which colour goes is decided by the photograph, coarsely.

Pictures are (1, 3, H, W), RGB in [0, 1], with sRGB's curve. Colours are compared by brightness and by chroma, which is
the colour less its brightness.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F

from scumble.style.preparation.bounds import BRIGHTNESS_GAIN, CHROMA_GAINS, NOTICED, SHORTER_SIDE
from scumble.style.preparation.colour import luminance
from scumble.style.preparation.masks import resized

CHROMA_COUNTS = 1.6
"""Chroma counts by this in differences of colours, brightness by 1."""

BLUR = 0.07
"""Colours so far apart are much the same."""

YIELD = 1 / 3
"""From 1, the painting's proportions are kept, to 0, every place takes what is nearest to it."""

LEAST, MOST = 0.15, 4.0
"""A colour of the painting loses and gains at most so much of its part."""

PAINTED = 0.94
"""How far statistics go from those of the photograph in the painting's palette to the painting's own. The rest
would take small things and colours of their own, by which people know what they see."""

ROUNDS = 15
"""Of the scaling, whose error each one divides by three and more: what float32 can tell."""


def in_palette(
    photograph: torch.Tensor, painting: torch.Tensor, visible_of_model: torch.Tensor | None = None
) -> torch.Tensor:
    """The photograph with the painting's brightness, its mean colour and, within bounds, its range of chroma.

    Hues keep their places around the mean: what is warmer than the rest stays so.

    Args:
        photograph: whose colours are changed.
        painting: the model.
        visible_of_model: (1, 1, H', W') in [0, 1], how much each of its pixels counts; None for all alike.

    Returns:
        Of the photograph's shape.
    """
    here, there = _spread(_coarse(photograph)), _spread(_coarse(painting), visible_of_model)
    gain = (there.brightness / here.brightness).clamp(1 / BRIGHTNESS_GAIN, BRIGHTNESS_GAIN)
    chroma_gain = (there.chroma / here.chroma).clamp(*CHROMA_GAINS)
    away = photograph - here.mean
    brightness = luminance(away)
    return (there.mean + gain * brightness + chroma_gain * (away - brightness)).clamp(0, 1)


def proportions(
    photograph: torch.Tensor,
    painting: torch.Tensor,
    mask: torch.Tensor | None = None,
    painting_mask: torch.Tensor | None = None,
) -> torch.Tensor:
    """How much the places of a painting count, by how much of the photograph its colours can paint.

    Of all plans that bring the photograph's colours (as by `in_palette`) to the painting's, the one for which the
    distance, its entropy and what the proportions lose together come to the least.

    Args:
        photograph: what is painted.
        painting: what with.
        mask: (1, 1, H, W) in [0, 1], the part of the photograph that is painted; None for all of it.
        painting_mask: likewise, of the painting.

    Returns:
        (1, 1, h, w) in [0, 1], reduced; only ratios matter.
    """
    small = _coarse(painting)
    here = _colours(in_palette(_coarse(photograph), small, painting_mask))
    there = _colours(small)
    amounts, parts = _shares(mask, _coarse(photograph)), _shares(painting_mask, small)
    costs = torch.cdist(here, there, compute_mode="donot_use_mm_for_euclid_dist").square() / BLUR**2
    costs[:, parts == 0] = torch.inf
    # A row may be scaled as one likes, since the photograph's places are all painted; and one colour is always near.
    kernel = (costs.amin(1, keepdim=True) - costs).exp()
    ratio = reached = torch.ones_like(parts)
    for _ in range(ROUNDS):
        reached = (amounts / (kernel @ (ratio * parts))) @ kernel
        ratio = reached.clamp_min(torch.finfo(reached.dtype).tiny) ** -YIELD
    return (ratio * reached).clamp(LEAST, MOST).div(MOST).view(1, 1, *small.shape[2:]).to(painting)


def coarse_difference(picture: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """The mean squared difference of two pictures of one size whose brushwork is averaged out.

    Example:
        >>> stripes = torch.tensor([0.0, 1.0]).repeat(64).expand(1, 3, 128, 128)
        >>> coarse_difference(stripes, torch.full((1, 3, 128, 128), 0.5)).item()
        0.0
    """
    return (_coarse(picture) - _coarse(other)).square().mean()


def _coarse(picture: torch.Tensor) -> torch.Tensor:
    height, width = picture.shape[2:]
    times = max(1.0, min(height, width) / SHORTER_SIDE)
    return F.adaptive_avg_pool2d(picture, (max(1, round(height / times)), max(1, round(width / times))))


class _Spread(NamedTuple):
    """The mean colour (1, 3, 1, 1), and the deviations from it in brightness and in chroma, which are never 0."""

    mean: torch.Tensor
    brightness: torch.Tensor
    chroma: torch.Tensor


def _spread(coarse: torch.Tensor, mask: torch.Tensor | None = None) -> _Spread:
    counts = _shares(mask, coarse).to(coarse).view(1, 1, *coarse.shape[2:])
    mean = (counts * coarse).sum((2, 3), keepdim=True)
    away = coarse - mean
    brightness = luminance(away)
    of_brightness, of_chroma = ((counts * part.square()).sum() for part in (brightness, away - brightness))
    return _Spread(mean, of_brightness.sqrt().clamp_min(NOTICED), of_chroma.sqrt().clamp_min(NOTICED))


def _colours(picture: torch.Tensor) -> torch.Tensor:
    """(P, 4): brightness and chroma by place, as they count in differences."""
    brightness = luminance(picture)
    values = torch.cat([brightness, CHROMA_COUNTS * (picture - brightness)], dim=1)
    return values.flatten(2)[0].T.cpu().float()


def _shares(mask: torch.Tensor | None, coarse: torch.Tensor) -> torch.Tensor:
    """(P): each place's part in what a mask takes of a reduced picture, with the sum 1."""
    height, width = coarse.shape[2:]
    if mask is None:
        return torch.full((height * width,), 1 / (height * width), dtype=torch.float32)
    parts = resized(mask, (width, height)).flatten().cpu().float()
    return parts / parts.sum()
