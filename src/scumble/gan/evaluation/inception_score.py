"""The Inception Score: of class probabilities alone, without real pictures."""

import numpy as np

from scumble.errors import DataError
from scumble.gan.evaluation.measure import Draws, Figures, Measure, Pictures, checked

INCEPTION_SPLITS = 10
"""As in Salimans et al. 2016."""


def inception_score(probabilities: np.ndarray, splits: int = INCEPTION_SPLITS) -> float:
    """How certain a classifier is of each picture, and how varied its classes are (Salimans et al. 2016, section 4).

    exp of the mean Kullback-Leibler divergence of p(class | picture) from p(class), averaged over splits. These are
    consecutive pictures, which must not be sorted by class. Real pictures are not used.

    Args:
        probabilities: (N, K), of K classes for each of N pictures, in rows with the sum 1.
        splits: how many parts are scored separately, at most N.

    Returns:
        1 to K; larger is better.

    Raises:
        DataError: if there are fewer pictures than splits, or rows that are no probabilities.

    Example:
        >>> round(inception_score(np.eye(3), splits=1), 9)
        3.0
    """
    assert splits >= 1, f"{splits} splits"
    (probabilities,) = checked("inception score", (probabilities,), least=splits)
    if (probabilities < 0).any() or not np.allclose(probabilities.sum(1), 1, atol=1e-3):
        raise DataError("inception score: got rows that are no probabilities, wanted numbers from 0 with the sum 1")
    return float(np.mean([_score(part) for part in np.array_split(probabilities, splits)]))


def _score(probabilities: np.ndarray) -> float:
    marginal = probabilities.mean(0)
    ratios = np.divide(probabilities, marginal, out=np.ones_like(probabilities), where=probabilities > 0)
    return np.exp((probabilities * np.log(ratios)).sum(1).mean())


def _inception_scores(pictures: Pictures, draws: Draws) -> Figures:
    return {"inception_score": np.array([inception_score(pictures[0][members]) for members in draws[0]])}


INCEPTION = Measure("inception", _inception_scores, INCEPTION_SPLITS)
