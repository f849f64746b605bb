"""Figures of results beside their truth, one for each picture, and the interval of their mean.

What is unusual: differences are in shares of the way from black to white, whatever the pictures' format; and the
perceptual distance is that of Zhang et al. 2018 ("The unreasonable effectiveness of deep features") without learnt
weights, through `pocket`, by which it is comparable with itself alone.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

BOOTSTRAPS = 2000
WINDOW, WINDOW_DEVIATION, K1, K2 = 11, 1.5, 0.01, 0.03
"""Of SSIM (Wang et al. 2004, section III.B)."""

HIGHER_IS_BETTER = {"psnr", "psnr_in_holes", "ssim", "right_target", "accuracy", "diversity"}
TITLES = {
    "l1": "L1",
    "l1_in_holes": "L1 in the holes",
    "psnr": "PSNR (dB)",
    "psnr_in_holes": "PSNR in the holes (dB)",
    "ssim": "SSIM",
    "perceptual": "perceptual distance",
    "kernel_distance": "kernel distance",
    "right_target": "right target",
    "kept": "L1 to the picture",
}
"""How figures are printed."""

LEAST_COMPARED = 6
"""Pictures: the differences of fewer are all of one sign by chance more often than once in twenty times."""

MOST_PSNR = 100.0
"""Decibels: equal pictures have infinitely many, which no mean survives."""


@dataclass(frozen=True)
class Figure:
    """The mean of a figure over pictures, and its 95% confidence interval, from `low` to `high`."""

    name: str
    value: float
    low: float
    high: float
    pictures: int

    @property
    def title(self) -> str:
        """Its name for people."""
        return TITLES.get(self.name, self.name)


Look = Callable[[torch.Tensor], Mapping[str, torch.Tensor]]
"""(N, C, H, W) pictures in [-1, 1] -> features by layer, (N, D, H', W') each."""


def per_picture(
    results: torch.Tensor, truth: torch.Tensor, mask: torch.Tensor | None = None, look: Look | None = None
) -> dict[str, np.ndarray]:
    """All figures by name, (N,) each.

    Args:
        results: (N, C, H, W) in [-1, 1].
        truth: the same of what should be.
        mask: (N, 1, H, W), 1 in holes: then distances of pixels are within these alone.
        look: for the perceptual distance; None for none.
    """
    within = "" if mask is None else "_in_holes"
    error = squared_error(results, truth, mask)
    found = {
        f"l1{within}": absolute_error(results, truth, mask),
        f"psnr{within}": (-10 * error.clamp_min(10 ** (-MOST_PSNR / 10)).log10()),
        "ssim": ssim(results, truth),
    }
    if look is not None:
        found["perceptual"] = perceptual(look(results), look(truth))
    return {name: values.double().cpu().numpy() for name, values in found.items()}


def absolute_error(results: torch.Tensor, truth: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
    """(N,): the mean absolute difference in shares of the way from black to white.

    Example:
        >>> absolute_error(torch.ones(1, 1, 2, 2), torch.zeros(1, 1, 2, 2)).item()
        0.5
    """
    return _mean((results - truth).abs() / 2, mask)


def squared_error(results: torch.Tensor, truth: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
    """(N,): the mean squared difference, likewise; of 0.01, the PSNR is 20 dB."""
    return _mean(((results - truth) / 2).square(), mask)


def _mean(values: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    if mask is None:
        return values.mean((1, 2, 3))
    return (values * mask).sum((1, 2, 3)) / (mask.sum((1, 2, 3)) * values.shape[1]).clamp_min(1)


def ssim(results: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """(N,): structural similarity, at most 1, the mean of all channels (Wang et al. 2004, eq. 13).

    By a Gaussian window of 11 pixels, or as many as there are, only where it lies within the picture.
    """
    side = min(WINDOW, *results.shape[2:])
    side -= 1 - side % 2
    line = torch.exp(-(torch.arange(side, dtype=torch.float64) - side // 2).square() / (2 * WINDOW_DEVIATION**2))
    line = (line / line.sum()).to(results.device)
    x, y = (((pictures.double() + 1) / 2).flatten(0, 1)[:, None] for pictures in (results, truth))

    def blurred(values: torch.Tensor) -> torch.Tensor:
        return F.conv2d(F.conv2d(values, line[None, None, None]), line[None, None, :, None])

    mean_x, mean_y = blurred(x), blurred(y)
    variance_x, variance_y = blurred(x * x) - mean_x**2, blurred(y * y) - mean_y**2
    covariance = blurred(x * y) - mean_x * mean_y
    c1, c2 = K1**2, K2**2
    above = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    below = (mean_x**2 + mean_y**2 + c1) * (variance_x + variance_y + c2)
    return (above / below).mean((1, 2, 3)).unflatten(0, results.shape[:2]).mean(1)


def perceptual(features: Mapping[str, torch.Tensor], of_truth: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """(N,): how far features are apart, whose length is taken away at each place; the mean of places and layers.

    Zhang et al. 2018, eq. 1, with all weights 1: 0 for equal ones, 2 for features that have nothing in common.
    """
    distances = []
    for name, found in features.items():
        directions = F.normalize(found, dim=1), F.normalize(of_truth[name], dim=1)
        distances.append((directions[0] - directions[1]).square().sum(1).mean((1, 2)))
    return torch.stack(distances).mean(0)


def figure(name: str, values: np.ndarray) -> Figure:
    """The mean of (N,) values, with a bootstrap's interval over the pictures (Efron 1979): always the same.

    Example:
        >>> figure("l1", np.array([0.25, 0.25, 0.25]))
        Figure(name='l1', value=0.25, low=0.25, high=0.25, pictures=3)
    """
    drawn = np.random.default_rng(0).integers(0, len(values), (BOOTSTRAPS, len(values)))
    low, high = np.quantile(values[drawn].mean(1), (0.025, 0.975))
    return Figure(name, float(values.mean()), float(low), float(high), len(values))


def is_ahead(name: str, values: np.ndarray, others: np.ndarray) -> bool | None:
    """Whether (N,) values are better on average than others of the same pictures; None where that may be chance.

    The differences of pictures are what is drawn: a picture that is hard is so for both.
    """
    if len(values) < LEAST_COMPARED:
        return None
    difference = figure(name, (values - others) * (1 if name in HIGHER_IS_BETTER else -1))
    return None if difference.low <= 0 <= difference.high or math.isnan(difference.value) else difference.value > 0
