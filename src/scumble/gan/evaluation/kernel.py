"""The kernel distance: a squared maximum mean discrepancy, called KID only where the features are Inception's."""

import numpy as np

from scumble.gan.evaluation.measure import Draws, Features, Figures, Measure, Pictures, chunks


def kernel_distance(real: Features, generated: Features) -> float:
    """The squared maximum mean discrepancy with the kernel (x.y / D + 1)^3, unbiased (Binkowski et al. 2018).

    The estimate is eq. 3 of Gretton et al. 2012. The paper averages it over 100 random subsets of 1000 pictures; here
    all pairs of pictures are used, which estimates the same number, with less noise and nothing random.

    Args:
        real: (N, D), N at least 2.
        generated: (M, D), M at least 2.

    Returns:
        About 0 for equal distributions, and as often negative as positive; larger is worse.

    Raises:
        DataError: if there are too few pictures, or features differ in number or are not finite.
    """
    return KERNEL.of_all(real, generated)["kernel_distance"]


def _kernel_distances(pictures: Pictures, draws: Draws) -> Figures:
    distances = -2 * _kernel_sums(*pictures, *draws) / np.prod([drawn.sum(1) for drawn in draws], axis=0)
    for x, drawn in zip(pictures, draws, strict=True):
        count = drawn.sum(1)
        with_itself = drawn @ _kernel(np.square(x).sum(1), x.shape[1])
        distances += (_kernel_sums(x, x, drawn, drawn) - with_itself) / (count * (count - 1))
    return {"kernel_distance": distances}


def _kernel_sums(x: np.ndarray, y: np.ndarray, drawn_x: np.ndarray, drawn_y: np.ndarray) -> np.ndarray:
    """(R,): the kernel, summed over all pairs of x and y that are in a draw."""
    sums = np.zeros(len(drawn_x))
    columns = drawn_y.T.astype(np.float64)
    for rows in chunks(x, y):
        by_row = _kernel(x[rows] @ y.T, x.shape[1]) @ columns  # (rows, R)
        sums += (drawn_x[:, rows].T * by_row).sum(0)
    return sums


def _kernel(products: np.ndarray, width: int) -> np.ndarray:
    base = products / width + 1
    return base * base * base  # many times faster than a power


KERNEL = Measure("kernel", _kernel_distances, 2)
