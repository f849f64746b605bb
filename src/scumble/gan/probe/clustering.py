"""How well clusters that nobody named agree with classes: pure functions of a table that counts both.

A table is (K, C): how many pictures of each class fell into each cluster. Clusters have no names, so that what counts
is not which is which: permuted rows or columns change nothing.
"""

from collections.abc import Callable

import numpy as np

RESAMPLED = 1000


def counted(clusters: np.ndarray, classes: np.ndarray, kinds: tuple[int, int]) -> np.ndarray:
    """The table of (N,) clusters and (N,) classes, of so many `kinds` of each.

    Example:
        >>> counted(np.array([0, 1, 1]), np.array([1, 0, 0]), (2, 2)).tolist()
        [[0, 1], [2, 0]]
    """
    table = np.zeros(kinds, np.int64)
    np.add.at(table, (clusters, classes), 1)
    return table


def purity(table: np.ndarray) -> float:
    """The share of pictures that are of their cluster's most frequent class: in (0, 1].

    Many clusters are pure by themselves: it is 1 where each picture has its own.

    Example:
        >>> purity(np.array([[3, 1], [0, 4]]))
        0.875
    """
    return float(table.max(1).sum() / table.sum())


def mutual_information(table: np.ndarray) -> float:
    """What a picture's cluster tells of its class, in nats: from 0 to the entropy of either.

    Example:
        >>> round(mutual_information(np.array([[5, 0], [0, 5]])), 4)  # log 2
        0.6931
    """
    joint = table / table.sum()
    independent = joint.sum(1, keepdims=True) * joint.sum(0, keepdims=True)
    some = joint > 0
    return float((joint[some] * np.log(joint[some] / independent[some])).sum())


def adjusted_rand_index(table: np.ndarray) -> float:
    """How many pairs of pictures are together in both or apart in both, beyond chance (Hubert and Arabie 1985).

    0 is what chance has, 1 is full agreement; below 0 is worse than chance.

    Example:
        >>> adjusted_rand_index(np.array([[2, 0], [0, 2]]))
        1.0
    """

    def pairs(counts: np.ndarray) -> float:
        counts = counts.astype(np.float64)
        return float((counts * (counts - 1) / 2).sum())

    both, clusters, classes, all_ = (pairs(some) for some in (table, table.sum(1), table.sum(0), table.sum()[None]))
    expected, most = clusters * classes / all_, (clusters + classes) / 2
    return 1.0 if most == expected else (both - expected) / (most - expected)


FIGURES: dict[str, Callable[[np.ndarray], float]] = {
    "purity": purity,
    "mutual_information": mutual_information,
    "adjusted_rand_index": adjusted_rand_index,
}
"""By name."""


def interval(figure: Callable[[np.ndarray], float], table: np.ndarray) -> tuple[float, float]:
    """The 95% interval of a figure, from tables of as many pictures drawn as often as they are in this one."""
    random, count = np.random.default_rng(0), int(table.sum())
    drawn = random.multinomial(count, (table / count).ravel(), size=RESAMPLED).reshape(-1, *table.shape)
    low, high = np.quantile([figure(some) for some in drawn], (0.025, 0.975))
    return float(low), float(high)


def by_chance(figure: Callable[[np.ndarray], float], table: np.ndarray) -> float:
    """What a figure is where clusters and classes of these sizes have nothing to do with each other."""
    random = np.random.default_rng(0)
    clusters, classes = (np.repeat(np.arange(table.shape[axis]), table.sum(1 - axis)) for axis in (0, 1))
    shape = (table.shape[0], table.shape[1])
    return float(np.mean([figure(counted(clusters, random.permutation(classes), shape)) for _ in range(20)]))
