"""What all measures share: features in, figures of *draws* out, and checks of both.

Features are what some network computes from pictures; figures compare only if the network, its resize and the numbers
of pictures are the same. All computing is done in float64, and pair by pair of pictures only in chunks: memory grows
with the number of pictures, not with its square.

What is unusual: the costly part, kernels and distances between all pictures, is the same for any draw, a subset of the
pictures. So each figure is computed for many draws at once: that of all pictures, and random halves for its confidence
interval (see `intervals`).
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from scumble.errors import DataError

Features = np.ndarray
"""(N, D) numbers of any format, D for each of N pictures."""

Pictures = tuple[np.ndarray, ...]
"""Real and generated features in float64, or the one array that a measure takes."""

Draws = tuple[np.ndarray, ...]
"""For each array of `Pictures` (R, N) booleans: which of its pictures each of R draws takes."""

Figures = dict[str, np.ndarray]
"""By name (R,): the figure of each draw."""

PAIRS_AT_ONCE = 1 << 20
"""8 MB of float64: 2 MB were 1.5 times slower, 32 MB no faster."""


class Measure(NamedTuple):
    """A measure's name, the figures of many draws, and the least number of pictures of each kind in a draw."""

    name: str
    figures: Callable[[Pictures, Draws], Figures]
    least: int

    def of_all(self, *features: Features) -> dict[str, float]:
        """The figures of the one draw that takes every picture.

        Raises:
            DataError: if there are too few pictures, or features differ in number or are not finite.
        """
        pictures = checked(self.name, features, self.least)
        draws = tuple(np.ones((1, len(x)), dtype=bool) for x in pictures)
        return {name: float(values[0]) for name, values in self.figures(pictures, draws).items()}


def checked(purpose: str, features: tuple[Features, ...], least: int) -> Pictures:
    """Features in float64.

    Args:
        purpose: begins the message of an error.
        features: arrays (N, D).
        least: how many pictures each must have.

    Raises:
        DataError: if there are fewer, or features differ in number or are not finite.
    """
    arrays = tuple(np.asarray(x, dtype=np.float64) for x in features)
    for array in arrays:
        if array.ndim != 2:
            raise DataError(f"{purpose}: got an array of shape {array.shape}, wanted (pictures, features)")
        if len(array) < least:
            raise DataError(f"{purpose}: got {len(array)} pictures, wanted {least} or more of each kind")
        if not np.isfinite(array).all():
            raise DataError(f"{purpose}: got NaN or infinity, wanted finite numbers")
    check_widths(purpose, *arrays)
    return arrays


def check_widths(purpose: str, *arrays: np.ndarray) -> None:
    """Refuse arrays (..., D) with different D.

    Raises:
        DataError: if there are such.
    """
    widths = sorted({array.shape[-1] for array in arrays})
    if len(widths) > 1:
        raise DataError(
            f"{purpose}: got {' and '.join(map(str, widths))} features for a picture, wanted equally many",
            "both must come from the same network",
        )


def chunks(x: np.ndarray, y: np.ndarray) -> Iterator[slice]:
    """Slices of the rows of x, each short enough that all its pairs with y fit into `PAIRS_AT_ONCE`."""
    step = max(1, PAIRS_AT_ONCE // len(y))
    return (slice(start, start + step) for start in range(0, len(x), step))
