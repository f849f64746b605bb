"""Moments of batches and of groups, and the Fréchet distance, against SciPy and closed forms."""

import functools
import operator
import tracemalloc

import numpy as np
import pytest
import scipy.linalg
import scipy.stats

from gan_material import mixed, normal
from scumble.errors import DataError
from scumble.gan.evaluation.frechet import GROUPS, Moments, MomentsOfGroups, frechet_distance
from scumble.gan.evaluation.intervals import estimate_frechet


def in_groups(features, groups=GROUPS, piece=90):
    """Their moments, dealt out in pieces that do not end with a round."""
    dealt = MomentsOfGroups(groups)
    for start in range(0, len(features), piece):
        dealt.add(features[start : start + piece])
    return dealt.moments()


def distance_of_samples(real, generated):
    one, other = Moments.of(real), Moments.of(generated)
    return frechet_distance(one.mean, one.covariance, other.mean, other.covariance)


@pytest.mark.parametrize("offset", [0, 1e8])
def test_moments_of_batches_are_those_of_numpy(offset):
    features = mixed(1000, 5, seed=1) + offset
    batches = np.split(features, [1, 4, 400, 401, 900])
    moments = functools.reduce(operator.add, map(Moments.of, batches))
    assert moments.count == 1000
    np.testing.assert_allclose(moments.mean, features.mean(0), rtol=1e-14)
    np.testing.assert_allclose(moments.covariance, np.cov(features.T), rtol=1e-7, atol=1e-7)


def test_moments_of_pieces_that_were_computed_apart_are_those_of_the_whole():
    pieces = [Moments.of(mixed(count, 4, seed=count)) for count in (3, 50, 7, 200)]
    in_pairs = (pieces[3] + pieces[0]) + (pieces[1] + pieces[2])
    in_turn = functools.reduce(operator.add, pieces)
    np.testing.assert_allclose(in_pairs.mean, in_turn.mean, rtol=1e-12)
    np.testing.assert_allclose(in_pairs.covariance, in_turn.covariance, rtol=1e-12)


def test_moments_of_float32_features_are_computed_in_float64():
    features = (mixed(500, 3, seed=2) + 1000).astype(np.float32)
    expected = np.cov(features.astype(np.float64).T)
    np.testing.assert_allclose(Moments.of(features).covariance, expected, rtol=1e-10)


def test_moments_of_many_batches_take_the_memory_of_a_few():
    def peak(batches):
        tracemalloc.start()
        functools.reduce(operator.add, (Moments.of(normal(200, 32, seed=seed)) for seed in range(batches)))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(2)
    assert peak(100) < 1.2 * peak(10)


def test_a_single_picture_has_no_covariance():
    with pytest.raises(DataError, match="got 1 picture, wanted 2 or more"):
        _ = Moments.of(np.ones((1, 3))).covariance


def test_groups_are_dealt_out_in_turn_whatever_the_pieces():
    features = mixed(67, 3, seed=1)
    for groups in (5, 20):
        for piece in (1, 8, 90):
            found = in_groups(features, groups, piece)
            for number, moments in enumerate(found):
                assert moments.count == len(features[number::groups])
                np.testing.assert_allclose(moments.mean, features[number::groups].mean(0), rtol=1e-12)
                np.testing.assert_allclose(moments.covariance, np.cov(features[number::groups].T), rtol=1e-10)
    with pytest.raises(DataError, match="moments of groups: got 4 pictures, wanted 5 or more"):
        in_groups(features[:4], groups=5)
    with pytest.raises(DataError, match="got 1 groups, wanted 2 or more"):
        estimate_frechet(in_groups(features, 1), in_groups(features), generator=np.random.default_rng(0))


def test_frechet_distance_of_independent_features_is_the_sum_of_those_of_each():
    means, variances = np.array([[1.0, 2.0, -1.0], [0.0, 2.5, 3.0]]), np.array([[4.0, 0.0, 0.25], [9.0, 1.0, 0.25]])
    expected = (1 + 0.25 + 16) + ((2 - 3) ** 2 + (0 - 1) ** 2 + 0)
    got = frechet_distance(means[0], np.diag(variances[0]), means[1], np.diag(variances[1]))
    assert got == pytest.approx(expected, rel=1e-12)


def test_frechet_distance_in_two_dimensions_is_that_of_the_closed_form():
    one, other = np.array([[2.0, 1.0], [1.0, 3.0]]), np.array([[1.0, -0.5], [-0.5, 0.7]])
    product = one @ other
    overlap = np.sqrt(np.trace(product) + 2 * np.sqrt(np.linalg.det(product)))  # by Cayley and Hamilton
    expected = 13 + np.trace(one) + np.trace(other) - 2 * overlap
    assert frechet_distance(np.zeros(2), one, np.array([2.0, 3.0]), other) == pytest.approx(expected, rel=1e-12)


def test_frechet_distance_is_that_of_scipy():
    one, other = Moments.of(mixed(300, 12, seed=1)), Moments.of(mixed(200, 12, seed=2, scale=1.3, shift=0.4))
    root = scipy.linalg.sqrtm(one.covariance @ other.covariance).real
    expected = np.sum((one.mean - other.mean) ** 2) + np.trace(one.covariance + other.covariance - 2 * root)
    got = frechet_distance(one.mean, one.covariance, other.mean, other.covariance)
    assert got == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("count", [15, 300])
def test_frechet_distance_of_equals_is_zero_and_that_of_a_shift_its_square(count):
    moments = Moments.of(mixed(count, 40, seed=3))
    shift = np.linspace(-1, 2, 40)
    equal = frechet_distance(moments.mean, moments.covariance, moments.mean, moments.covariance)
    rounding = 1e-6 * np.trace(moments.covariance)  # of roots of what should be 0, where there are few pictures
    assert 0 <= equal < rounding
    shifted = frechet_distance(moments.mean, moments.covariance, moments.mean + shift, moments.covariance)
    assert shifted == pytest.approx(np.sum(shift**2), rel=1e-6, abs=rounding)


def test_frechet_distance_is_right_with_fewer_pictures_than_features():
    real, generated = mixed(20, 50, seed=4), mixed(30, 50, seed=5, scale=0.7)
    centred = [x - x.mean(0) for x in (real, generated)]
    # The eigenvalues' roots are singular values of a product of the features themselves: no root of a matrix.
    overlap = np.linalg.svd(centred[0] @ centred[1].T, compute_uv=False).sum() / np.sqrt(19 * 29)
    expected = np.sum((real.mean(0) - generated.mean(0)) ** 2) - 2 * overlap
    expected += np.trace(np.cov(real.T)) + np.trace(np.cov(generated.T))
    assert distance_of_samples(real, generated) == pytest.approx(expected, rel=1e-6)
    assert distance_of_samples(generated, real) == pytest.approx(expected, rel=1e-6)
