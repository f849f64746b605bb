"""The kernel distance, against naive loops and the moments of normal distributions."""

import numpy as np
import pytest

from gan_material import mixed, normal
from scumble.gan.evaluation import measure as measures
from scumble.gan.evaluation.kernel import kernel_distance


def naive_kernel_distance(real, generated):
    def mean_kernel(xs, ys, same):
        values = [
            (sum(a * b for a, b in zip(x, y, strict=True)) / len(x) + 1) ** 3
            for i, x in enumerate(xs.tolist())
            for j, y in enumerate(ys.tolist())
            if not (same and i == j)
        ]
        return sum(values) / len(values)

    both = mean_kernel(real, real, True) + mean_kernel(generated, generated, True)
    return both - 2 * mean_kernel(real, generated, False)


@pytest.mark.parametrize("pairs", [1, 30, 1 << 20])
def test_kernel_distance_is_that_of_naive_loops_whatever_the_pieces(pairs, monkeypatch):
    monkeypatch.setattr(measures, "PAIRS_AT_ONCE", pairs)
    real, generated = mixed(17, 3, seed=1), mixed(11, 3, seed=2, shift=0.3)
    expected = naive_kernel_distance(real, generated)
    assert kernel_distance(real, generated) == pytest.approx(expected, rel=1e-12)
    assert kernel_distance(real.astype(np.float32), generated) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("shift", [0, 0.5])
def test_kernel_distances_of_small_samples_average_to_that_of_their_distributions(shift):
    # (x y + 1)^3 compares the moments of orders 1 to 3, which for a normal distribution are m, m^2 + 1 and m^3 + 3 m.
    expected = 3 * shift**2 + 3 * shift**4 + (shift**3 + 3 * shift) ** 2
    samples = ((normal(6, 1, seed=s), normal(8, 1, seed=10_000 + s) + shift) for s in range(3000))
    found = np.array([kernel_distance(*pair) for pair in samples])
    error = found.std() / np.sqrt(len(found))
    assert abs(found.mean() - expected) < 3 * error
    assert error < 1  # a picture's kernel with itself would add (E (x^2 + 1)^3 - ...) (1 / 6 + 1 / 8), more than 7
