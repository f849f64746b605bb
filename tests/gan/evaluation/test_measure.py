"""Measures of draws, and features that are refused."""

import numpy as np
import pytest

from gan_material import mixed, normal
from scumble.errors import DataError
from scumble.gan.evaluation.frechet import Moments, frechet_distance
from scumble.gan.evaluation.inception_score import inception_score
from scumble.gan.evaluation.intervals import estimate
from scumble.gan.evaluation.kernel import KERNEL, kernel_distance
from scumble.gan.evaluation.neighbours import NEIGHBOURS, neighbour_figures


def test_figures_of_draws_are_those_of_the_drawn_pictures_alone():
    real, generated = mixed(301, 4, seed=1), mixed(201, 4, seed=2, shift=0.1)  # more than are listed as neighbours
    random = np.random.default_rng(0)
    draws = tuple(random.random((3, len(x))) < 0.5 for x in (real, generated))
    kernels = KERNEL.figures((real, generated), draws)["kernel_distance"]
    neighbours = NEIGHBOURS.figures((real, generated), draws)
    for number, (some_real, some_generated) in enumerate(zip(*draws, strict=True)):
        some = real[some_real], generated[some_generated]
        assert kernels[number] == pytest.approx(kernel_distance(*some), rel=1e-9)
        assert [figures[number] for figures in neighbours.values()] == list(neighbour_figures(*some))


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: kernel_distance(normal(1, 3), normal(9, 3)), "kernel: got 1 pictures, wanted 2 or more"),
        (lambda: neighbour_figures(normal(9, 3), normal(5, 3)), "neighbours: got 5 pictures, wanted 6 or more"),
        (lambda: inception_score(np.eye(3)), "inception score: got 3 pictures, wanted 10 or more"),
        (lambda: Moments.of(normal(0, 3)), "moments: got 0 pictures, wanted 1 or more"),
        (
            lambda: estimate("neighbours", normal(11, 3), normal(99, 3), generator=np.random.default_rng(0)),
            "neighbours with a confidence interval: got 11 pictures, wanted 12 or more",
        ),
        (
            lambda: kernel_distance(normal(9), normal(9, 3)),
            r"got an array of shape \(9,\), wanted \(pictures, features",
        ),
        (lambda: neighbour_figures(normal(9, 3), normal(9, 2)), "got 2 and 3 features for a picture"),
        (lambda: Moments.of(normal(9, 3)) + Moments.of(normal(9, 2)), "got 2 and 3 features for a picture"),
        (lambda: frechet_distance(np.ones(2), np.eye(2), np.ones(3), np.eye(3)), "got 2 and 3 features for a picture"),
        (lambda: Moments.of(np.array([[1.0, np.nan]])), "got NaN or infinity"),
        (lambda: kernel_distance(normal(9, 3), np.full((9, 3), np.inf)), "got NaN or infinity"),
        (lambda: frechet_distance(np.array([np.nan]), np.eye(1), np.ones(1), np.eye(1)), "got NaN or infinity"),
    ],
)
def test_errors_say_what_was_got_and_what_was_wanted(call, told):
    with pytest.raises(DataError, match=told):
        call()
