"""Batches: every picture once per shuffle, and any step at once without the ones before it."""

import numpy as np
import pytest

from scumble.data.batches import indices


@pytest.mark.parametrize(("count", "batch"), [(10, 3), (7, 7), (5, 12), (1, 4)])
def test_the_stream_is_shuffles_laid_end_to_end(count, batch):
    stream = np.concatenate([indices(count, batch, step, seed=3) for step in range(4 * count)])
    shuffles = stream[: 4 * count // count * count].reshape(-1, count)
    assert (np.sort(shuffles, axis=1) == np.arange(count)).all()
    expected = np.concatenate([np.random.default_rng([3, epoch]).permutation(count) for epoch in range(4)])
    assert np.array_equal(stream[: 4 * count], expected)


def test_a_step_is_the_same_whatever_was_asked_before():
    forwards = [indices(100, 8, step, seed=1) for step in range(40)]
    backwards = [indices(100, 8, step, seed=1) for step in reversed(range(40))][::-1]
    assert np.array_equal(forwards, backwards)


def test_shuffles_and_seeds_differ():
    assert not np.array_equal(indices(100, 100, 0, seed=0), indices(100, 100, 1, seed=0))
    assert not np.array_equal(indices(100, 100, 0, seed=0), indices(100, 100, 0, seed=1))


def test_a_batch_may_be_written_to_without_changing_the_next():
    batch = indices(10, 10, 0, seed=0)
    kept = batch.copy()
    batch[:] = 0
    assert np.array_equal(indices(10, 10, 0, seed=0), kept)


def test_the_first_picture_of_a_shuffle_is_any_of_them_equally_often():
    firsts = np.bincount([indices(4, 4, step, seed=0)[0] for step in range(4000)], minlength=4)
    assert np.abs(firsts - 1000).max() < 5 * (4000 * 0.25 * 0.75) ** 0.5  # five standard deviations
