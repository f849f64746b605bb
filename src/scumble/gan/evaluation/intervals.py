"""95% confidence intervals of figures, from random halves of the pictures."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from scumble.errors import DataError
from scumble.gan.evaluation.frechet import Moments, frechet_distance
from scumble.gan.evaluation.inception_score import INCEPTION
from scumble.gan.evaluation.kernel import KERNEL
from scumble.gan.evaluation.measure import Features, checked
from scumble.gan.evaluation.neighbours import NEIGHBOURS

MEASURES = {measure.name: measure for measure in (KERNEL, NEIGHBOURS, INCEPTION)}
"""All but the Fréchet distance, which needs moments only."""

NORMAL_95 = 1.96
"""Standard deviations to either side that hold 95% of a normal distribution."""


BOUNDS = {
    "frechet_distance": (0.0, math.inf),
    "inception_score": (1.0, math.inf),
    "precision": (0.0, 1.0),
    "recall": (0.0, 1.0),
    "density": (0.0, math.inf),
    "coverage": (0.0, 1.0),
    "near_copies": (0.0, 1.0),
}
"""What figures can be; a kernel distance can be any number."""


class Estimate(NamedTuple):
    """A figure, its 95% confidence interval, and what it is with fewer pictures.

    value: of all pictures.
    margin: the 95% confidence interval is value - margin to value + margin, or what of that is possible (`interval`);
        it is for the mean of this figure over other samples of equally many pictures.
    of_half: the average of the figures of random halves. Where it is far from value, the number of pictures matters.
    """

    value: float
    margin: float
    of_half: float

    def interval(self, name: str) -> tuple[float, float]:
        """The 95% confidence interval of the figure `name`, as far as it is possible.

        Example:
            >>> Estimate(0.0, 0.25, 0.0).interval("precision")
            (0.0, 0.25)
        """
        low, high = BOUNDS.get(name, (-math.inf, math.inf))
        return max(low, self.value - self.margin), min(high, self.value + self.margin)


def estimate(
    measure: str, *features: Features, generator: np.random.Generator, splits: int = 50
) -> dict[str, Estimate]:
    """Figures with 95% confidence intervals, from random splits of the pictures into two halves.

    A figure that is an average, or nearly one, has twice the variance for halves that it has for all, and the two
    halves of a split have no picture in common. So half of their difference varies as the figure itself does; any bias
    is in both, and cancels in the difference (McCarthy 1969; Shao and Wu 1989). Real and generated
    pictures are both split: both are samples.

    A bootstrap fails here. It draws pictures more than once, which biases the Fréchet distance by more than its
    variation, and makes copies of a picture its nearest neighbours (Abadie and Imbens 2008).

    Between equal distributions, distances are not averages, and the margin is up to 1.4 times too wide.

    Args:
        measure: one of `MEASURES`.
        features: real (N, D) and generated (M, D); for "inception", only probabilities (N, K).
        generator: draws the splits.
        splits: how many; they leave the margin off by 1 / sqrt(2 splits), 10% with 50.

    Returns:
        By name: "kernel_distance" or "inception_score"; for "neighbours", "precision", "recall", "density",
        "coverage" and "near_copies".

    Raises:
        DataError: as the measure does, of which an interval takes twice as many pictures.
    """
    assert splits >= 1, f"{splits} splits"
    chosen = MEASURES[measure]
    pictures = checked(f"{measure} with a confidence interval", features, 2 * chosen.least)
    draws = tuple(_all_and_halves(len(x), splits, generator) for x in pictures)
    return {name: _estimate(values) for name, values in chosen.figures(pictures, draws).items()}


def estimate_frechet(
    real: Sequence[Moments], generated: Sequence[Moments], *, generator: np.random.Generator, splits: int = 20
) -> Estimate:
    """The Fréchet distance with its 95% confidence interval: `estimate`, but from halves of groups of pictures.

    Only moments are needed, so there may be any number of pictures. The distance has a bias of about c / N, and so
    2 value - of_half is near that of infinitely many pictures (Chong and Forsyth 2020 extrapolate like this, from more
    numbers of pictures).

    Args:
        real: of groups of real pictures, equally large but for one picture; see `MomentsOfGroups`.
        generated: of groups of generated ones.
        generator: draws the splits.
        splits: how many; more than there are groups gain little.

    Raises:
        DataError: if there are fewer than two groups, or features differ in number.
    """
    assert splits >= 1, f"{splits} splits"
    for groups in (real, generated):
        if len(groups) < 2:
            raise DataError(f"Fréchet distance with a confidence interval: got {len(groups)} groups, wanted 2 or more")
    draws = (_all_and_halves(len(groups), splits, generator) for groups in (real, generated))
    distances = []
    for members in zip(*draws, strict=True):
        one, other = (_together(groups, drawn) for groups, drawn in zip((real, generated), members, strict=True))
        distances.append(frechet_distance(one.mean, one.covariance, other.mean, other.covariance))
    return _estimate(np.array(distances))


def _together(groups: Sequence[Moments], drawn: np.ndarray) -> Moments:
    first, *others = (groups[number] for number in drawn.nonzero()[0].tolist())
    return sum(others, start=first)


def _all_and_halves(count: int, splits: int, generator: np.random.Generator) -> np.ndarray:
    """(1 + 2 splits, count): all, then the halves of each split, one after the other."""
    draws = [np.ones(count, dtype=bool)]
    for _ in range(splits):
        half = generator.permutation(count) < count // 2
        draws += [half, ~half]
    return np.array(draws)


def _estimate(values: np.ndarray) -> Estimate:
    halves = values[1:].reshape(-1, 2)
    standard_deviation = np.sqrt(np.square(np.diff(halves) / 2).mean())
    return Estimate(float(values[0]), float(NORMAL_95 * standard_deviation), float(halves.mean()))
