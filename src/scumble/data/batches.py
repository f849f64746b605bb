"""Which pictures make up a batch: an endless stream of shuffles, as a pure function of the step.

Training does not walk through a data loader that has a state; it asks which pictures step 12,345 takes. So a run that
goes on after a pause needs no replay, and nothing about batches has to be saved.
"""

import functools

import numpy as np


def indices(count: int, batch: int, step: int, seed: int) -> np.ndarray:
    """The pictures of one step: positions step*batch up to (step+1)*batch of all shuffles laid end to end.

    Every picture comes once before any comes again, across the borders of batches too.

    Args:
        count: how many pictures there are, at least 1; it may be smaller than `batch`.
        batch: how many pictures a step takes, at least 1.
        step: which step, from 0.
        seed: another seed is another order; not negative.

    Returns:
        (batch,) int64, each in [0, count).

    Example:
        >>> sorted(np.concatenate([indices(6, 2, step, seed=0) for step in range(3)]).tolist())
        [0, 1, 2, 3, 4, 5]
    """
    assert count >= 1, f"{count} pictures"
    positions = np.arange(step * batch, (step + 1) * batch)
    epochs, places = np.divmod(positions, count)
    return np.concatenate([_shuffle(count, seed, int(epoch))[places[epochs == epoch]] for epoch in np.unique(epochs)])


@functools.lru_cache(maxsize=2)  # consecutive steps read from one shuffle, or from two at its end
def _shuffle(count: int, seed: int, epoch: int) -> np.ndarray:
    shuffle = np.random.default_rng([seed, epoch]).permutation(count)
    shuffle.flags.writeable = False
    return shuffle
