"""Precision, recall, density, coverage and near copies: whose features lie among whose nearest neighbours."""

from typing import NamedTuple

import numpy as np

from scumble.gan.evaluation.measure import Draws, Features, Figures, Measure, Pictures, chunks

PRECISION_NEIGHBOURS = 3
COVERAGE_NEIGHBOURS = 5
"""As in the papers, Kynkäänniemi et al. 2019 and Naeem et al. 2020."""

NEAR = 0.01
"""A near copy is nearer to a real picture than all but this share of the real ones are to another."""

LISTED_NEIGHBOURS = 64
"""So many of a picture's neighbours are kept; that fewer than 5 of them are in a random half has probability 4e-14."""

ROUNDING = 1e-12
"""Of a squared distance, relative to the squares that it is a difference of; up to 1e-15 was found."""


class NeighbourFigures(NamedTuple):
    """Each picture has a ball around it, which reaches to its k-th neighbour in its own set.

    precision: share of generated pictures in the ball of some real one (k = 3): are they like real ones?
    recall: share of real pictures in the ball of some generated one (k = 3): is there something like each?
    density: in how many balls of real pictures a generated one lies, over k (k = 5); about 1 for equal distributions.
    coverage: share of real pictures with a generated one in their ball (k = 5).
    near_copies: share of generated pictures that are nearer to a real one than 99% of the real ones are to another;
        about 0.01 for equal distributions, more where training pictures are repeated.
    """

    precision: float
    recall: float
    density: float
    coverage: float
    near_copies: float


def neighbour_figures(real: Features, generated: Features) -> NeighbourFigures:
    """Precision and recall (Kynkäänniemi et al. 2019, eq. 2), density and coverage (Naeem et al. 2020), near copies.

    None of them is enough by itself. An outlier among the real pictures has a large ball, in which bad pictures count
    as precise; density gives them little weight. A blurred mean of all pictures lies, among many features, in the balls
    of all real ones, and nearer to each than they are to one another: all of it are near copies, precision, density and
    coverage are at their best, and only recall, at 0, shows it. Equal distributions have a precision, recall and
    coverage below 1: compare only figures of equally many pictures.

    Args:
        real: (N, D), N at least 6.
        generated: (M, D), M at least 6.

    Returns:
        All in [0, 1], but for the density.

    Raises:
        DataError: if there are too few pictures, or features differ in number or are not finite.
    """
    return NeighbourFigures(**NEIGHBOURS.of_all(real, generated))


def _neighbour_figures(pictures: Pictures, draws: Draws) -> Figures:
    real, generated = (x - pictures[0].mean(0) for x in pictures)  # far from 0, distances would be lost in rounding
    drawn_real, drawn_generated = draws
    first, small, large = _radii(real, drawn_real, 1, PRECISION_NEIGHBOURS, COVERAGE_NEIGHBOURS)
    (opposite,) = _radii(generated, drawn_generated, PRECISION_NEIGHBOURS)
    precise, recalled, covered = (np.zeros_like(drawn) for drawn in (drawn_generated, drawn_real, drawn_real))
    balls = np.zeros(len(drawn_real))
    nearest = np.full(drawn_generated.shape, np.inf)  # squared distance of each generated picture to a drawn real one
    for rows in chunks(real, generated):
        squared = _squared_distances(real[rows], generated)
        for draw in range(len(balls)):
            i, j = drawn_real[draw, rows].nonzero()[0], drawn_generated[draw].nonzero()[0]
            between = squared[i].take(j, axis=1)
            i += rows.start
            inside = between <= large[draw, i, None]
            balls[draw] += np.count_nonzero(inside)
            covered[draw, i] = inside.any(1)
            precise[draw, j] |= (between <= small[draw, i, None]).any(0)
            recalled[draw, i] = (between <= opposite[draw, j]).any(1)
            if len(i):
                nearest[draw, j] = np.minimum(nearest[draw, j], between.min(0))
    # Not drawn ones are infinitely far, and so are no copies.
    near = [np.quantile(some[drawn], NEAR, method="lower") for some, drawn in zip(first, drawn_real, strict=True)]
    return {
        "precision": precise.sum(1) / drawn_generated.sum(1),
        "recall": recalled.sum(1) / drawn_real.sum(1),
        "density": balls / (COVERAGE_NEIGHBOURS * drawn_generated.sum(1)),
        "coverage": covered.sum(1) / drawn_real.sum(1),
        "near_copies": (nearest < np.array(near)[:, None]).sum(1) / drawn_generated.sum(1),
    }


def _radii(x: np.ndarray, drawn: np.ndarray, *ranks: int) -> np.ndarray:
    """The squared distances to the k-th neighbour that is in the same draw, for each k of `ranks`: (ranks, R, N).

    Slightly larger, so that rounding puts no copy of a neighbour outside. For pictures not in the draw, 0.
    """
    nearest, squared = _nearest(x, min(LISTED_NEIGHBOURS, len(x) - 1))
    radii = np.zeros((len(ranks), *drawn.shape))
    for draw, members in enumerate(drawn):
        met = members[nearest[members]].cumsum(1)  # (drawn, listed): how many of the draw up to here
        for number, rank in enumerate(ranks):
            kth = (met < rank).sum(1, keepdims=True).clip(max=nearest.shape[1] - 1)
            radii[number, draw, members] = np.take_along_axis(squared[members], kth, 1)[:, 0]
    return radii + ROUNDING * (radii + np.square(x).sum(1))


def _nearest(x: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Each picture's nearest others, (N, count), and their squared distances, nearest first."""
    nearest, squared = np.empty((len(x), count), dtype=np.intp), np.empty((len(x), count))
    for rows in chunks(x, x):
        distances = _squared_distances(x[rows], x)
        distances[np.arange(len(distances)), np.arange(len(x))[rows]] = np.inf  # itself
        some = np.argpartition(distances, count - 1, axis=1)[:, :count]
        order = np.take_along_axis(distances, some, 1).argsort(1)
        nearest[rows] = np.take_along_axis(some, order, 1)
        squared[rows] = np.take_along_axis(distances, nearest[rows], 1)
    return nearest, squared


def _squared_distances(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.square(x).sum(1)[:, None] + np.square(y).sum(1) - 2 * (x @ y.T)


NEIGHBOURS = Measure("neighbours", _neighbour_figures, COVERAGE_NEIGHBOURS + 1)
