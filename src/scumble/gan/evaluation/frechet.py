"""How good generated pictures are: figures of two sets of features, (N, D) each, one row for each picture.

Features are what some network makes of pictures; figures compare only if the network is the same, and how the pictures
were brought to its size, and how many there are. All computing is done in float64, and pair by pair of pictures only in
pieces: memory grows with the number of pictures, not with its square.

What is unusual: the costly part, kernels and distances between all pictures, is the same for any *draw*, some of the
pictures. So each figure is computed for many draws at once. The figure itself is that of the draw of all; how far it
can be trusted is told by draws of random halves (see `estimate`). The Frechet distance needs no more than moments of
groups of pictures, however many these are.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
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

PRECISION_NEIGHBOURS = 3
COVERAGE_NEIGHBOURS = 5
"""As the papers have them, Kynkäänniemi et al. 2019 and Naeem et al. 2020."""

LISTED_NEIGHBOURS = 64
"""So many of a picture's neighbours are kept; that fewer than 5 of them fall into a random half has odds of 4e-14."""

GROUPS = 20
"""Pictures are dealt out to so many, and halves are made of them: 19 degrees of freedom leave a margin off by 16%."""

INCEPTION_SPLITS = 10
"""As in Salimans et al. 2016."""

ROUNDING = 1e-12
"""Of a squared distance, relative to the squares that it is a difference of; up to 1e-15 was found."""

PAIRS_AT_ONCE = 1 << 20
"""8 MB of float64: 2 MB were 1.5 times slower, 32 MB no faster."""

NORMAL_95 = 1.96
"""Standard deviations to either side that hold 95% of a normal distribution."""


# --- Frechet distance: of the Gaussians with the features' moments ---------------------------------------------------


@dataclass(frozen=True)
class Moments:
    """The mean and covariance of features that need not be in memory together: moments of batches are added.

    Example:
        >>> whole = Moments.of(np.array([[1.0], [2.0]])) + Moments.of(np.array([[6.0]]))
        >>> whole.mean.tolist(), whole.covariance.tolist()
        ([3.0], [[7.0]])
    """

    count: int
    mean: np.ndarray  # (D,)
    scatter: np.ndarray  # (D, D): products of deviations from the mean, summed over pictures

    @classmethod
    def of(cls, features: Features) -> "Moments":
        """Of one batch (n, D), n at least 1.

        Raises:
            DataError: if features are not finite, or of another shape.
        """
        (features,) = _checked("moments", (features,), least=1)
        mean = features.mean(0)
        deviations = features - mean
        return cls(len(features), mean, deviations.T @ deviations)

    def __add__(self, other: "Moments") -> "Moments":
        """Of both batches together (Chan et al. 1982): no large squares are subtracted from each other.

        Raises:
            DataError: if one has more features than the other.
        """
        _check_widths("moments", self.mean, other.mean)
        count = self.count + other.count
        apart = other.mean - self.mean
        between = np.outer(apart, apart) * (self.count * other.count / count)
        return Moments(count, self.mean + apart * (other.count / count), self.scatter + other.scatter + between)

    @property
    def covariance(self) -> np.ndarray:
        """(D, D), unbiased: divided by one less than the number of pictures.

        Raises:
            DataError: of a single picture.
        """
        if self.count < 2:
            raise DataError("covariance: got 1 picture, wanted 2 or more")
        return self.scatter / (self.count - 1)


def frechet_distance(
    mean: np.ndarray, covariance: np.ndarray, other_mean: np.ndarray, other_covariance: np.ndarray
) -> float:
    """The squared Frechet distance of two Gaussians (Dowson and Landau 1982; Heusel et al. 2017, eq. 6).

    |m - n|^2 + tr(A + B - 2 (A B)^(1/2)) for means m, n and covariances A, B. A B has the eigenvalues of R B R,
    where R is the root of A. That matrix is symmetric, and so its eigenvalues are real and not negative even with fewer
    pictures than features, where algorithms for the root of A B itself fail.

    The distance between samples is larger than that of what they were drawn from, the more so the fewer they are:
    compare only figures of equally many pictures.

    Args:
        mean: (D,).
        covariance: (D, D), symmetric, with no eigenvalues below 0.
        other_mean: (D,).
        other_covariance: (D, D).

    Returns:
        0 for equals; larger is worse.

    Raises:
        DataError: if the sizes differ or a number is not finite.

    Example:
        On a line: the squared difference of means and that of standard deviations.

        >>> frechet_distance(np.zeros(1), np.eye(1), np.array([3.0]), 4 * np.eye(1))
        10.0
    """
    moments = (mean, covariance, other_mean, other_covariance)
    _check_widths("Frechet distance", *moments)
    if not all(np.isfinite(moment).all() for moment in moments):
        raise DataError("Frechet distance: got NaN or infinity, wanted finite numbers")
    values, vectors = np.linalg.eigh(covariance)
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    overlap = np.sqrt(np.linalg.eigvalsh(root @ other_covariance @ root).clip(0)).sum()
    distance = np.square(mean - other_mean).sum() + np.trace(covariance) + np.trace(other_covariance) - 2 * overlap
    return max(0.0, float(distance))


class MomentsOfGroups:
    """The moments of groups of pictures, which are dealt out in turn: picture i goes to group i modulo `groups`.

    Attributes:
        count: of the pictures so far.

    Args:
        groups: how many.
    """

    def __init__(self, groups: int = GROUPS):
        self.count = 0
        self._dealt: list[Moments | None] = [None] * groups

    def add(self, features: Features) -> None:
        """Deal out the next pictures, (n, D).

        Raises:
            DataError: if features are not finite, or differ in number from earlier ones.
        """
        for first in range(min(len(self._dealt), len(features))):
            group = (self.count + first) % len(self._dealt)
            moments, before = Moments.of(features[first :: len(self._dealt)]), self._dealt[group]
            self._dealt[group] = moments if before is None else before + moments
        self.count += len(features)

    def moments(self) -> list[Moments]:
        """Of each group.

        Raises:
            DataError: if there are fewer pictures than groups.
        """
        if self.count < len(self._dealt):
            raise DataError(f"moments of groups: got {self.count} pictures, wanted {len(self._dealt)} or more")
        return [moments for moments in self._dealt if moments is not None]


# --- Kernel distance -------------------------------------------------------------------------------------------------


def kernel_distance(real: Features, generated: Features) -> float:
    """The squared maximum mean discrepancy with the kernel (x.y / D + 1)^3, unbiased (Binkowski et al. 2018).

    The estimate is eq. 3 of Gretton et al. 2012. The paper averages it over 100 random subsets of 1000 pictures; here
    all pairs of pictures are taken, which estimates the same number, with less noise and nothing random.

    Args:
        real: (N, D), N at least 2.
        generated: (M, D), M at least 2.

    Returns:
        About 0 for equal distributions, from below as often as from above; larger is worse.

    Raises:
        DataError: if there are too few pictures, or features differ in number or are not finite.
    """
    return _of_all("kernel", real, generated)["kernel_distance"]


def _kernel_distances(pictures: Pictures, draws: Draws) -> Figures:
    distances = -2 * _kernel_sums(*pictures, *draws) / np.prod([drawn.sum(1) for drawn in draws], axis=0)
    for x, drawn in zip(pictures, draws, strict=True):
        count = drawn.sum(1)
        with_itself = drawn @ _kernel(np.square(x).sum(1), x.shape[1])
        distances += (_kernel_sums(x, x, drawn, drawn) - with_itself) / (count * (count - 1))
    return {"kernel_distance": distances}


def _kernel_sums(x: np.ndarray, y: np.ndarray, drawn_x: np.ndarray, drawn_y: np.ndarray) -> np.ndarray:
    """The kernel summed over all pairs that a draw has of x and y: (R,)."""
    sums = np.zeros(len(drawn_x))
    columns = drawn_y.T.astype(np.float64)
    for rows in _pieces(x, y):
        by_row = _kernel(x[rows] @ y.T, x.shape[1]) @ columns  # (rows, R)
        sums += (drawn_x[:, rows].T * by_row).sum(0)
    return sums


def _kernel(products: np.ndarray, width: int) -> np.ndarray:
    base = products / width + 1
    return base * base * base  # many times faster than a power


# --- Precision, recall, density, coverage: who is among whose neighbours ---------------------------------------------


class NeighbourFigures(NamedTuple):
    """Shares of pictures; around each picture is a ball that reaches to its k-th neighbour in its own set.

    precision: of generated pictures that lie in the ball of some real one (k = 3): are they like real ones?
    recall: of real pictures that lie in the ball of some generated one (k = 3): is there something like each?
    density: in how many balls of real pictures a generated one lies, over k (k = 5); about 1 for equal distributions.
    coverage: of real pictures that have a generated one in their ball (k = 5).
    """

    precision: float
    recall: float
    density: float
    coverage: float


def neighbour_figures(real: Features, generated: Features) -> NeighbourFigures:
    """Precision and recall (Kynkäänniemi et al. 2019, eq. 2), density and coverage (Naeem et al. 2020).

    None of them is enough by itself. An odd real picture has a large ball, in which bad pictures count as precise; by
    density they count for little. A blurred mean of all pictures lies, among many features, in the balls of all real
    ones: precision, density and coverage are at their best, and only recall, at 0, tells. And equal distributions have
    a precision, recall and coverage below 1: compare only figures of equally many pictures.

    Args:
        real: (N, D), N at least 6.
        generated: (M, D), M at least 6.

    Returns:
        All in [0, 1], but for the density.

    Raises:
        DataError: if there are too few pictures, or features differ in number or are not finite.
    """
    return NeighbourFigures(**_of_all("neighbours", real, generated))


def _neighbour_figures(pictures: Pictures, draws: Draws) -> Figures:
    real, generated = (x - pictures[0].mean(0) for x in pictures)  # far from 0, distances would be lost in rounding
    drawn_real, drawn_generated = draws
    small, large = _radii(real, drawn_real, PRECISION_NEIGHBOURS, COVERAGE_NEIGHBOURS)
    (opposite,) = _radii(generated, drawn_generated, PRECISION_NEIGHBOURS)
    precise, recalled, covered = (np.zeros_like(drawn) for drawn in (drawn_generated, drawn_real, drawn_real))
    balls = np.zeros(len(drawn_real))
    for rows in _pieces(real, generated):
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
    return {
        "precision": precise.sum(1) / drawn_generated.sum(1),
        "recall": recalled.sum(1) / drawn_real.sum(1),
        "density": balls / (COVERAGE_NEIGHBOURS * drawn_generated.sum(1)),
        "coverage": covered.sum(1) / drawn_real.sum(1),
    }


def _radii(x: np.ndarray, drawn: np.ndarray, *ranks: int) -> np.ndarray:
    """The squared distances to the k-th neighbour that is in the same draw, for each k of `ranks`: (ranks, R, N).

    A little more, so that copies of a neighbour are inside whatever rounding does. For pictures not in the draw, 0.
    """
    nearest, squared = _nearest(x, min(LISTED_NEIGHBOURS, len(x) - 1))
    radii = np.zeros((len(ranks), *drawn.shape))
    for draw, members in enumerate(drawn):
        met = members[nearest[members]].cumsum(1)  # (drawn, listed): how many of the draw up to here
        for place, rank in enumerate(ranks):
            kth = (met < rank).sum(1, keepdims=True).clip(max=nearest.shape[1] - 1)
            radii[place, draw, members] = np.take_along_axis(squared[members], kth, 1)[:, 0]
    return radii + ROUNDING * (radii + np.square(x).sum(1))


def _nearest(x: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Each picture's nearest others, (N, count), and their squared distances, nearest first."""
    nearest, squared = np.empty((len(x), count), dtype=np.intp), np.empty((len(x), count))
    for rows in _pieces(x, x):
        distances = _squared_distances(x[rows], x)
        distances[np.arange(len(distances)), np.arange(len(x))[rows]] = np.inf  # itself
        some = np.argpartition(distances, count - 1, axis=1)[:, :count]
        order = np.take_along_axis(distances, some, 1).argsort(1)
        nearest[rows] = np.take_along_axis(some, order, 1)
        squared[rows] = np.take_along_axis(distances, nearest[rows], 1)
    return nearest, squared


def _squared_distances(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.square(x).sum(1)[:, None] + np.square(y).sum(1) - 2 * (x @ y.T)


# --- Inception score -------------------------------------------------------------------------------------------------


def inception_score(probabilities: np.ndarray, splits: int = INCEPTION_SPLITS) -> float:
    """How sure a classifier is of each picture while seeing many classes (Salimans et al. 2016, section 4).

    exp of the mean Kullback-Leibler divergence of p(class | picture) from p(class), averaged over splits. These are
    consecutive pictures, which must not be sorted by class. Real pictures play no part in it.

    Args:
        probabilities: (N, K), of K classes for each of N pictures, in rows with the sum 1.
        splits: how many parts are scored by themselves, at most N.

    Returns:
        1 to K; larger is better.

    Raises:
        DataError: if there are fewer pictures than splits, or rows that are no probabilities.

    Example:
        >>> round(inception_score(np.eye(3), splits=1), 9)
        3.0
    """
    assert splits >= 1, f"{splits} splits"
    (probabilities,) = _checked("inception score", (probabilities,), least=splits)
    if (probabilities < 0).any() or not np.allclose(probabilities.sum(1), 1, atol=1e-3):
        raise DataError("inception score: got rows that are no probabilities, wanted numbers from 0 with the sum 1")
    return float(np.mean([_score(part) for part in np.array_split(probabilities, splits)]))


def _score(probabilities: np.ndarray) -> float:
    marginal = probabilities.mean(0)
    ratios = np.divide(probabilities, marginal, out=np.ones_like(probabilities), where=probabilities > 0)
    return np.exp((probabilities * np.log(ratios)).sum(1).mean())


def _inception_scores(pictures: Pictures, draws: Draws) -> Figures:
    return {"inception_score": np.array([inception_score(pictures[0][members]) for members in draws[0]])}


# --- How far a figure can be trusted ---------------------------------------------------------------------------------


class Measure(NamedTuple):
    """The figures of many draws, and how many pictures a draw takes of each kind at least."""

    figures: Callable[[Pictures, Draws], Figures]
    least: int


MEASURES = {
    "kernel": Measure(_kernel_distances, 2),
    "neighbours": Measure(_neighbour_figures, COVERAGE_NEIGHBOURS + 1),
    "inception": Measure(_inception_scores, INCEPTION_SPLITS),
}


class Estimate(NamedTuple):
    """A figure, how far it can be trusted, and what it is with fewer pictures.

    value: of all pictures.
    margin: the 95% interval is value - margin to value + margin: where the average lies of such figures of equally many
        other pictures of the same kinds.
    of_half: the average of the figures of random halves. Where it is far from value, the number of pictures matters.
    """

    value: float
    margin: float
    of_half: float


def estimate(
    measure: str, *features: Features, generator: np.random.Generator, splits: int = 50
) -> dict[str, Estimate]:
    """Figures with 95% intervals, from random splits of the pictures into two halves.

    A figure that is an average, or nearly one, has twice the variance for halves that it has for all, and the two
    halves of a split have no picture in common. So half of their difference varies as the figure itself does; what bias
    there is, both have, and it is gone from the difference (McCarthy 1969; Shao and Wu 1989). Real and generated
    pictures are both split: both are samples of something.

    A bootstrap will not do. It draws pictures more than once, which adds to the Frechet distance a bias larger than
    what is looked for, and copies of a picture are its nearest neighbours (Abadie and Imbens 2008).

    Between equal distributions, distances are no averages, and the margin is up to 1.4 times too wide.

    Args:
        measure: one of `MEASURES`.
        features: real (N, D) and generated (M, D); for "inception", only probabilities (N, K).
        generator: draws the splits.
        splits: how many; they leave the margin off by 1 / sqrt(2 splits), 10% with 50.

    Returns:
        By name: "kernel_distance" or "inception_score"; for "neighbours", "precision", "recall", "density" and
        "coverage".

    Raises:
        DataError: as the measure does, of which an interval takes twice as many pictures.
    """
    assert splits >= 1, f"{splits} splits"
    figures, least = MEASURES[measure]
    pictures = _checked(f"{measure} with an interval", features, 2 * least)
    draws = tuple(_all_and_halves(len(x), splits, generator) for x in pictures)
    return {name: _estimate(values) for name, values in figures(pictures, draws).items()}


def estimate_frechet(
    real: Sequence[Moments], generated: Sequence[Moments], *, generator: np.random.Generator, splits: int = 20
) -> Estimate:
    """The Frechet distance with its 95% interval, as `estimate` has it, but from halves of groups of pictures.

    Nothing but moments is needed, and so there may be as many pictures as one likes. The distance has a bias of about
    c / N, and so 2 value - of_half comes near that with endlessly many pictures (Chong and Forsyth 2020 extrapolate
    like this, from more numbers of pictures).

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
            raise DataError(f"Frechet distance with an interval: got {len(groups)} groups, wanted 2 or more")
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
    deviation = np.sqrt(np.square(np.diff(halves) / 2).mean())
    return Estimate(float(values[0]), float(NORMAL_95 * deviation), float(halves.mean()))


def _of_all(measure: str, *features: Features) -> dict[str, float]:
    """The figures of the one draw that takes every picture."""
    figures, least = MEASURES[measure]
    pictures = _checked(measure, features, least)
    draws = tuple(np.ones((1, len(x)), dtype=bool) for x in pictures)
    return {name: float(values[0]) for name, values in figures(pictures, draws).items()}


# --- What is asked of features ---------------------------------------------------------------------------------------


def _checked(purpose: str, features: tuple[Features, ...], least: int) -> Pictures:
    """In float64, after a look at shapes and numbers."""
    arrays = tuple(np.asarray(x, dtype=np.float64) for x in features)
    for array in arrays:
        if array.ndim != 2:
            raise DataError(f"{purpose}: got an array of shape {array.shape}, wanted (pictures, features)")
        if len(array) < least:
            raise DataError(f"{purpose}: got {len(array)} pictures, wanted {least} or more of each kind")
        if not np.isfinite(array).all():
            raise DataError(f"{purpose}: got NaN or infinity, wanted finite numbers")
    _check_widths(purpose, *arrays)
    return arrays


def _check_widths(purpose: str, *arrays: np.ndarray) -> None:
    widths = sorted({array.shape[-1] for array in arrays})
    if len(widths) > 1:
        raise DataError(
            f"{purpose}: got {' and '.join(map(str, widths))} features for a picture, wanted equally many",
            "both must come from the same network",
        )


def _pieces(x: np.ndarray, y: np.ndarray) -> Iterator[slice]:
    """Rows of x, as many at once as pairs with all of y may be in memory."""
    step = max(1, PAIRS_AT_ONCE // len(y))
    return (slice(start, start + step) for start in range(0, len(x), step))
