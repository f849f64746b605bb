"""What is known of pictures: in NumPy the same as in PyTorch, and as in naive loops."""

import numpy as np
import pytest
import torch

from scumble.style.feedforward.moments import (
    Affine,
    Known,
    Moments,
    blended,
    coarse,
    mixture,
    moments,
    recoloured,
    transport,
)
from scumble.style.feedforward.moving import gaussian_map, in_colours
from scumble.style.losses.statistics import moments as torch_moments
from scumble.style.preparation.palette import _coarse


def features(seed: int, channels: int = 6, places: int = 200) -> np.ndarray:
    """(channels, 1, places)."""
    random = np.random.default_rng(seed)
    mixed = random.standard_normal((channels, channels)) @ random.standard_normal((channels, places))
    return np.maximum(mixed + random.random((channels, 1)), 0).astype(np.float32)[:, None]


def picture(seed: int, height: int = 70, width: int = 90) -> np.ndarray:
    random = np.random.default_rng(seed)
    slope = np.linspace(0.1, 0.7, width)[None, None] * random.random((3, 1, 1))
    return (slope + 0.2 * random.random((3, height, width))).clip(0, 1).astype(np.float32)


def test_moments_are_means_and_covariances():
    values = features(0)
    found = moments(values)
    np.testing.assert_allclose(found.mean, values.astype(np.float64).mean((1, 2)), rtol=1e-6)
    np.testing.assert_allclose(found.covariance, np.cov(values[:, 0].astype(np.float64), bias=True), atol=1e-5)


def test_a_place_of_double_weight_counts_as_two_places():
    values, weights = features(0), np.ones((1, 200), np.float32)
    weights[:, :50] = 2
    found, wanted = moments(values, weights), moments(np.concatenate([values, values[:, :, :50]], axis=2))
    np.testing.assert_allclose(found.mean, wanted.mean, rtol=1e-5)
    np.testing.assert_allclose(found.covariance, wanted.covariance, atol=1e-4)


def test_of_many_places_enough_are_looked_at():
    many = np.random.default_rng(0).standard_normal((2, 600, 500)).astype(np.float32) + 1
    found = moments(many)
    np.testing.assert_allclose(found.mean, 1, atol=0.02)
    np.testing.assert_allclose(found.covariance, np.eye(2), atol=0.03)
    only = np.zeros((600, 500), np.float32)
    only[::7] = 1
    np.testing.assert_allclose(moments(many, only).mean, many[:, ::7].mean((1, 2)), atol=0.03)
    only[:] = 0
    only[1, 1] = 1  # between those that are looked at
    np.testing.assert_allclose(moments(many, only).mean, found.mean)


def test_a_mixture_has_the_moments_of_all_places_together():
    one, other = features(1, places=300), features(2, places=100)
    found, wanted = mixture([moments(one), moments(other)], [0.75, 0.25]), moments(np.concatenate([one, other], axis=2))
    np.testing.assert_allclose(found.mean, wanted.mean, rtol=1e-5)
    np.testing.assert_allclose(found.covariance, wanted.covariance, atol=1e-4)


def test_transport_is_that_of_the_training():
    here, there = features(3), features(4)
    ours = transport(moments(here), moments(there))
    matrix, offset = gaussian_map(*(torch_moments(torch.from_numpy(values[:, 0].T.copy())) for values in (here, there)))
    np.testing.assert_allclose(ours.matrix, matrix.T, atol=1e-3)
    np.testing.assert_allclose(ours.offset, offset, atol=1e-3)


def test_transport_without_a_ridge_carries_one_distribution_into_the_other():
    here, there = moments(features(3)), moments(features(4))
    matrix, offset = transport(here, there, ridges=(0.0, 0.0))
    np.testing.assert_allclose(matrix @ here.covariance @ matrix.T, there.covariance, atol=1e-9)
    np.testing.assert_allclose(matrix @ here.mean + offset, there.mean, atol=1e-9)


def test_transport_is_finite_where_channels_are_silent():
    silent = Moments(np.zeros(4), np.zeros((4, 4)))
    for here, there in ((silent, moments(features(5, 4))), (moments(features(5, 4)), silent), (silent, silent)):
        assert all(np.abs(part).max() < 1e4 for part in transport(here, there))


def test_a_part_of_a_way_begins_with_nothing_and_ends_with_all():
    way = Affine(np.array([[2.0, 1.0], [0.0, 3.0]]), np.array([1.0, 2.0]))
    np.testing.assert_array_equal(way.part(0).matrix, np.eye(2))
    np.testing.assert_array_equal(way.part(1).offset, way.offset)
    np.testing.assert_allclose(way.part(0.5).matrix, [[1.5, 0.5], [0, 2]])


@pytest.mark.parametrize("size", [(70, 90), (33, 200), (20, 20)])
def test_a_coarse_picture_is_that_of_the_palette(size):
    pixels = picture(0, *size)
    np.testing.assert_allclose(coarse(pixels), _coarse(torch.from_numpy(pixels)[None])[0], atol=1e-5)


def known(pixels: np.ndarray) -> Known:
    return Known(moments(pixels), moments(coarse(pixels)), {"relu2_1": moments(features(0))})


@pytest.mark.parametrize("painting", [picture(1), 0.2 + picture(2) * 0.3, np.full((3, 50, 50), 0.6, np.float32)])
@pytest.mark.parametrize("whole", [0.0, 0.6])
def test_colours_are_those_of_the_training(painting, whole):
    pixels = 0.3 + 0.4 * picture(0)  # which stays within [0, 1] on its way
    matrix, offset = recoloured(known(pixels), known(painting), whole)
    moved = (np.tensordot(matrix, pixels, 1) + offset[:, None, None]).clip(0, 1)
    wanted = in_colours(torch.from_numpy(pixels)[None], torch.from_numpy(painting)[None], whole)[0]
    np.testing.assert_allclose(moved, wanted, atol=2e-3)


def test_pictures_blended_with_themselves_are_themselves():
    one = known(picture(0))
    np.testing.assert_allclose(blended([one, one], [0.3, 0.7]).code(), one.code())


def test_of_grey_a_rounding_below_no_variance_at_all_is_none():
    shade = np.full((3, 3), 0.03952007)
    shade[0, 0] -= 1e-15
    grey = Known(*[Moments(np.full(3, 0.48), shade)] * 2, {})
    matrix, offset = recoloured(grey, grey)
    assert np.isrealobj(matrix)
    assert np.isfinite(matrix).all()
    assert np.isfinite(offset).all()
