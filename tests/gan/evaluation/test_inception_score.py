"""The Inception Score, against entropies and in its limits."""

import numpy as np
import pytest
import scipy.linalg
import scipy.stats

from gan_material import normal
from scumble.errors import DataError
from scumble.gan.evaluation.inception_score import inception_score


def test_inception_score_of_pictures_that_look_like_anything_is_one():
    assert inception_score(np.full((50, 7), 1 / 7)) == pytest.approx(1, rel=1e-12)
    assert inception_score(np.tile([0.2, 0.0, 0.8], (50, 1))) == pytest.approx(1, rel=1e-12)


def test_inception_score_of_sure_and_balanced_classes_is_their_number():
    assert inception_score(np.tile(np.eye(8), (20, 1))) == pytest.approx(8, rel=1e-12)


def test_inception_score_is_the_average_of_its_splits():
    one_class, two_classes = np.tile([1.0, 0.0], (10, 1)), np.tile(np.eye(2), (5, 1))
    assert inception_score(np.concatenate([one_class, two_classes]), splits=2) == pytest.approx((1 + 2) / 2)


def test_inception_score_is_that_of_its_entropies():
    probabilities = np.random.default_rng(1).dirichlet(np.full(6, 0.3), size=90)
    parts = [probabilities[start : start + 30] for start in (0, 30, 60)]
    gains = [scipy.stats.entropy(part.mean(0)) - scipy.stats.entropy(part, axis=1).mean() for part in parts]
    assert inception_score(probabilities, splits=3) == pytest.approx(np.mean(np.exp(gains)), rel=1e-12)


def test_logits_are_no_probabilities():
    for wrong in (normal(20, 3), np.full((20, 3), 0.5), np.tile([1.5, -0.5], (20, 1))):
        with pytest.raises(DataError, match="no probabilities"):
            inception_score(wrong)
