"""Precision, recall, density and coverage, against naive loops and closed forms, and what each is blind to."""

import numpy as np
import pytest

from gan_material import mixed, normal
from scumble.gan.evaluation import measure as measures
from scumble.gan.evaluation.neighbours import neighbour_figures


def naive_neighbour_figures(real, generated):
    def distance(a, b):
        return np.sqrt(np.sum((a - b) ** 2))

    def radius(i, xs, k):
        return sorted(distance(xs[i], x) for j, x in enumerate(xs) if j != i)[k - 1]

    def among(x, ys, k):
        return [distance(x, y) <= radius(i, ys, k) for i, y in enumerate(ys)]

    balls = np.array([among(g, real, 5) for g in generated])  # (M, N)
    near = sorted(radius(i, real, 1) for i in range(len(real)))[int(0.01 * (len(real) - 1))]
    return (
        np.mean([any(among(g, real, 3)) for g in generated]),
        np.mean([any(among(r, generated, 3)) for r in real]),
        balls.sum() / (5 * len(generated)),
        balls.any(0).mean(),
        np.mean([min(distance(g, r) for r in real) < near for g in generated]),
    )


@pytest.mark.parametrize("pairs", [1, 100, 1 << 20])
@pytest.mark.parametrize("offset", [0, 1e7])
def test_neighbour_figures_are_those_of_naive_loops_whatever_the_pieces(pairs, offset, monkeypatch):
    monkeypatch.setattr(measures, "PAIRS_AT_ONCE", pairs)
    real, generated = normal(25, 3, seed=1), normal(18, 3, seed=2) * 1.3 + 0.5
    generated[:3] = real[:3] + 0.02
    found = neighbour_figures(real + offset, generated + offset)
    assert found == pytest.approx(naive_neighbour_figures(real, generated), rel=1e-12)
    assert all(0.1 < figure < 1 for figure in found)


def test_six_pictures_of_each_kind_are_enough_for_neighbours():
    real, generated = normal(6, 2, seed=1), normal(6, 2, seed=2)
    assert neighbour_figures(real, generated) == pytest.approx(naive_neighbour_figures(real, generated))


def test_neighbour_figures_of_equal_distributions_average_to_their_closed_forms():
    # Of 40 + 30 pictures that could be a real one's neighbours, the 5 nearest are all real (Naeem et al. 2020).
    uncovered = np.prod([(39 - nearer) / (69 - nearer) for nearer in range(5)])
    found = np.array([neighbour_figures(normal(40, 3, seed=s), normal(30, 3, seed=10_000 + s)) for s in range(400)])
    errors = found.std(0) / np.sqrt(len(found))
    assert np.all(errors < 0.01)
    assert abs(found.mean(0)[2] - 1) < 3 * errors[2]
    assert abs(found.mean(0)[3] - (1 - uncovered)) < 3 * errors[3]


def test_copies_of_the_real_pictures_are_perfect():
    real = mixed(300, 40, seed=1)
    figures = neighbour_figures(real, real[::-1].copy())
    assert figures == pytest.approx((1, 1, 6 / 5, 1, 1))  # in its own ball and, on average, in those of five others


def test_pictures_that_are_all_alike_are_in_balls_without_extent():
    alike = np.tile(normal(1, 500, seed=1) + 30, (33, 1))
    assert neighbour_figures(alike, alike[:7]) == pytest.approx((1, 1, 33 / 5, 1, 1))
    assert neighbour_figures(alike, alike[:7] * (1 + 1e-4)) == (0, 0, 0, 0, 0)


def four_modes(count, seed, modes=4):
    corners = np.array([[0, 0], [0, 50], [50, 0], [50, 50]])[np.arange(count) % modes]
    return corners + normal(count, 2, seed=seed)


def test_missing_modes_show_in_recall_and_coverage_but_not_in_precision():
    full = neighbour_figures(four_modes(400, seed=1), four_modes(400, seed=2))
    half = neighbour_figures(four_modes(400, seed=1), four_modes(400, seed=3, modes=2))
    assert min(full[:4]) > 0.85
    assert half.precision > 0.85
    assert half.density > 0.85
    assert 0.4 < half.recall <= 0.5
    assert 0.4 < half.coverage <= 0.5


def test_bad_pictures_show_in_precision_and_density_but_not_in_coverage():
    generated = four_modes(800, seed=2)
    generated[400:] += 500 + 100 * normal(400, 2, seed=3)
    figures = neighbour_figures(four_modes(400, seed=1), generated)
    assert 0.4 < figures.precision <= 0.5
    assert 0.4 < figures.density < 0.6
    assert figures.coverage > 0.85


def test_near_copies_are_those_of_training_pictures_and_not_good_ones():
    real, good = mixed(500, 20, seed=1), mixed(500, 20, seed=2)
    repeated = np.concatenate([good[:400], real[:100] + 1e-3])
    assert neighbour_figures(real, good).near_copies < 0.03
    assert neighbour_figures(real, repeated).near_copies == pytest.approx(0.2, abs=0.03)


def test_an_odd_real_picture_makes_bad_ones_precise_but_not_dense():
    real = np.concatenate([normal(50, 2, seed=1), [[100.0, 0.0]]])
    bad = normal(30, 2, seed=2) + np.array(
        [60, 0]
    )  # 60 from all the others, and 40 from the odd one, whose ball reaches to them
    figures = neighbour_figures(real, bad)
    assert figures.precision == 1
    assert figures.density == pytest.approx(1 / 5)  # one ball of five
    assert figures.coverage == pytest.approx(1 / 51)


def test_a_blurred_mean_of_many_features_shows_in_recall_alone():
    figures = neighbour_figures(normal(100, 200, seed=1), 0.05 * normal(100, 200, seed=2))
    assert figures == pytest.approx((1, 0, 100 / 5, 1, 1))
