"""The Fréchet distance: of two Gaussians with the means and covariances of the features.

Called FID only where the features are Inception's. It needs nothing but moments, and so takes any number of pictures.
"""

from dataclasses import dataclass

import numpy as np

from scumble.errors import DataError
from scumble.gan.evaluation.measure import Features, check_widths, checked

GROUPS = 20
"""Pictures are dealt into so many, from which halves are drawn: 19 degrees of freedom leave a margin off by 16%."""


@dataclass(frozen=True)
class Moments:
    """The mean and covariance of features, batch by batch: moments of batches can be added.

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
        (features,) = checked("moments", (features,), least=1)
        mean = features.mean(0)
        deviations = features - mean
        return cls(len(features), mean, deviations.T @ deviations)

    def __add__(self, other: "Moments") -> "Moments":
        """Of both batches together (Chan et al. 1982): no large squares are subtracted from each other.

        Raises:
            DataError: if one has more features than the other.
        """
        check_widths("moments", self.mean, other.mean)
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
    """The squared Fréchet distance of two Gaussians (Dowson and Landau 1982; Heusel et al. 2017, eq. 6).

    |m - n|^2 + tr(A + B - 2 (A B)^(1/2)) for means m, n and covariances A, B. A B has the eigenvalues of R B R,
    where R is the root of A. That matrix is symmetric, and so its eigenvalues are real and not negative even with fewer
    pictures than features, where algorithms for the root of A B itself fail.

    Between samples the distance is biased upwards, the more so the fewer pictures: compare only figures of equally many
    pictures.

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
    check_widths("Fréchet distance", *moments)
    if not all(np.isfinite(moment).all() for moment in moments):
        raise DataError("Fréchet distance: got NaN or infinity, wanted finite numbers")
    values, vectors = np.linalg.eigh(covariance)
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    overlap = np.sqrt(np.linalg.eigvalsh(root @ other_covariance @ root).clip(0)).sum()
    distance = np.square(mean - other_mean).sum() + np.trace(covariance) + np.trace(other_covariance) - 2 * overlap
    return max(0.0, float(distance))


class MomentsOfGroups:
    """The moments of groups of pictures: picture i goes to group i modulo `groups`.

    Attributes:
        count: how many pictures were added.

    Args:
        groups: how many.
    """

    def __init__(self, groups: int = GROUPS):
        self.count = 0
        self._groups: list[Moments | None] = [None] * groups

    def add(self, features: Features) -> None:
        """Add the features (n, D) of the next pictures.

        Raises:
            DataError: if features are not finite, or differ in number from earlier ones.
        """
        for first in range(min(len(self._groups), len(features))):
            group = (self.count + first) % len(self._groups)
            moments, before = Moments.of(features[first :: len(self._groups)]), self._groups[group]
            self._groups[group] = moments if before is None else before + moments
        self.count += len(features)

    def moments(self) -> list[Moments]:
        """Of each group.

        Raises:
            DataError: if there are fewer pictures than groups.
        """
        if self.count < len(self._groups):
            raise DataError(f"moments of groups: got {self.count} pictures, wanted {len(self._groups)} or more")
        return [moments for moments in self._groups if moments is not None]
