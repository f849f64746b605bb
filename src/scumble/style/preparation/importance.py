"""Where a photograph has something to say: how much each place counts when content is compared.

Held alike everywhere, a plain sky stays as plain as it was, and the painting's large forms, the swirls of a starry
night, have no room anywhere. So content counts by how much there is of it: by the contrast in a place's neighbourhood.
"""

import torch
import torch.nn.functional as F

from scumble.style.preparation.colour import luminance

NEIGHBOURHOOD = 24
"""Of these, the shorter side of a picture has as many as this."""

FLOOR = 0.5
"""Of the mean contrast: added everywhere, since even a plain place is part of the photograph."""


def importance(content: torch.Tensor) -> torch.Tensor:
    """How much each pixel counts, 1 on average: its neighbourhood's standard deviation of brightness.

    Args:
        content: (1, 3, H, W) in [0, 1].

    Returns:
        (1, 1, H, W).
    """
    side = max(3, min(content.shape[2:]) // NEIGHBOURHOOD | 1)
    brightness = luminance(content)
    mean = _blurred(brightness, side)
    variance = _blurred((brightness - brightness.mean()).square(), side) - (mean - brightness.mean()).square()
    contrast = variance.clamp_min(0).sqrt()
    contrast = contrast + FLOOR * contrast.mean() + torch.finfo(contrast.dtype).tiny
    return contrast / contrast.mean()


def at_places(importance: torch.Tensor, shape: tuple[int, int]) -> torch.Tensor:
    """The importance of the places of features of some shape (H', W'): (1, 1, H', W'), again 1 on average."""
    pooled = F.adaptive_avg_pool2d(importance, shape)
    return pooled / pooled.mean()


def _blurred(values: torch.Tensor, side: int) -> torch.Tensor:
    """Twice averaged over squares, nearly a Gaussian; rows, then columns, or large pictures would take minutes."""
    for _ in range(2):
        padded = F.pad(values, [side // 2] * 4, mode="replicate")
        values = F.avg_pool2d(F.avg_pool2d(padded, (1, side), stride=1), (side, 1), stride=1)
    return values
