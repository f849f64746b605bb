import functools
import operator
import tracemalloc

import numpy as np
import pytest
import scipy.linalg
import scipy.stats

from scumble.errors import DataError
from scumble.gan import metrics
from scumble.gan.metrics import (
    Moments,
    MomentsOfGroups,
    estimate,
    estimate_frechet,
    frechet_distance,
    inception_score,
    kernel_distance,
    neighbour_figures,
)


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def mixed(count, width, seed, scale=1.0, shift=0.0):
    """Correlated features with a scale of their own each."""
    mixture = normal(width, width, seed=99) * np.linspace(0.2, 1, width)
    return normal(count, width, seed=seed) @ mixture * scale + shift


def distance_of_samples(real, generated):
    one, other = Moments.of(real), Moments.of(generated)
    return frechet_distance(one.mean, one.covariance, other.mean, other.covariance)


# --- Moments ---


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


# --- Frechet distance ---


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


# --- Kernel distance ---


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
    monkeypatch.setattr(metrics, "PAIRS_AT_ONCE", pairs)
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


# --- Precision, recall, density, coverage ---


def naive_neighbour_figures(real, generated):
    def distance(a, b):
        return np.sqrt(np.sum((a - b) ** 2))

    def radius(i, xs, k):
        return sorted(distance(xs[i], x) for j, x in enumerate(xs) if j != i)[k - 1]

    def among(x, ys, k):
        return [distance(x, y) <= radius(i, ys, k) for i, y in enumerate(ys)]

    balls = np.array([among(g, real, 5) for g in generated])  # (M, N)
    return (
        np.mean([any(among(g, real, 3)) for g in generated]),
        np.mean([any(among(r, generated, 3)) for r in real]),
        balls.sum() / (5 * len(generated)),
        balls.any(0).mean(),
    )


@pytest.mark.parametrize("pairs", [1, 100, 1 << 20])
@pytest.mark.parametrize("offset", [0, 1e7])
def test_neighbour_figures_are_those_of_naive_loops_whatever_the_pieces(pairs, offset, monkeypatch):
    monkeypatch.setattr(metrics, "PAIRS_AT_ONCE", pairs)
    real, generated = normal(25, 3, seed=1), normal(18, 3, seed=2) * 1.3 + 0.5
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
    assert figures == pytest.approx((1, 1, 6 / 5, 1))  # in its own ball and, on average, in those of five others


def test_pictures_that_are_all_alike_are_in_balls_without_extent():
    alike = np.tile(normal(1, 500, seed=1) + 30, (33, 1))
    assert neighbour_figures(alike, alike[:7]) == pytest.approx((1, 1, 33 / 5, 1))
    assert neighbour_figures(alike, alike[:7] * (1 + 1e-4)) == (0, 0, 0, 0)


def four_modes(count, seed, modes=4):
    corners = np.array([[0, 0], [0, 50], [50, 0], [50, 50]])[np.arange(count) % modes]
    return corners + normal(count, 2, seed=seed)


def test_missing_modes_show_in_recall_and_coverage_but_not_in_precision():
    full = neighbour_figures(four_modes(400, seed=1), four_modes(400, seed=2))
    half = neighbour_figures(four_modes(400, seed=1), four_modes(400, seed=3, modes=2))
    assert min(full) > 0.85
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
    assert figures == pytest.approx((1, 0, 100 / 5, 1))


# --- Inception score ---


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


# --- Intervals ---


def probabilities(count, seed):
    return np.random.default_rng(seed).dirichlet([0.2, 0.5, 1.0], size=count)


def in_groups(features, groups=metrics.GROUPS, piece=90):
    """Their moments, dealt out in pieces that do not end with a round."""
    dealt = MomentsOfGroups(groups)
    for start in range(0, len(features), piece):
        dealt.add(features[start : start + piece])
    return dealt.moments()


def estimated(measure, *features, generator, splits):
    """By name, of the Frechet distance too."""
    if measure != "frechet":
        return estimate(measure, *features, generator=generator, splits=splits)
    return {"frechet_distance": estimate_frechet(*map(in_groups, features), generator=generator, splits=splits)}


ALL_MEASURES = ("frechet", *metrics.MEASURES)


def drawn(measure, seed, repeats):
    """Estimates of many pairs of samples of the same distributions, by name."""
    found = {}
    for repeat in range(seed, seed + repeats):
        real, generated = normal(250, 4, seed=repeat), normal(200, 4, seed=10_000 + repeat) * 1.2 + 0.4
        features = (probabilities(250, repeat),) if measure == "inception" else (real, generated)
        generator = np.random.default_rng(20_000 + repeat)
        for name, one in estimated(measure, *features, generator=generator, splits=20).items():
            found.setdefault(name, []).append(one)
    return {name: np.array(estimates).T for name, estimates in found.items()}


@pytest.mark.parametrize("measure", ALL_MEASURES)
def test_margins_are_as_wide_as_figures_vary_and_hold_their_average_19_times_in_20(measure):
    for name, (values, margins, _) in drawn(measure, seed=0, repeats=100).items():
        average = values.mean()
        ratio = np.sqrt(np.mean(margins**2)) / (1.96 * values.std())
        assert 0.8 < ratio < 1.3, name  # off by a root of 2 if halves were taken for wholes
        assert 0.88 <= np.mean(abs(values - average) <= margins) <= 0.995, name


def test_figures_of_halves_tell_the_bias_of_the_frechet_distance():
    expected = 4 * 0.4**2 + 4 * 0.2**2  # of the distributions
    values, _, halves = drawn("frechet", seed=0, repeats=100)["frechet_distance"]
    without_bias = 2 * values - halves
    error = without_bias.std() / 10
    assert abs(without_bias.mean() - expected) < 3 * error
    assert values.mean() - expected > 3 * error


def test_between_equal_distributions_margins_are_wide_enough():
    found = []
    for seed in range(60):
        real, generated = normal(200, 4, seed=seed), normal(200, 4, seed=1000 + seed)
        found.append(estimate("kernel", real, generated, generator=np.random.default_rng(seed))["kernel_distance"])
    assert np.mean([abs(one.value) <= one.margin for one in found]) >= 0.95


@pytest.mark.parametrize("measure", ALL_MEASURES)
def test_estimates_have_the_value_of_all_pictures_and_are_repeatable(measure):
    real, generated = mixed(70, 4, seed=1), mixed(90, 4, seed=2, shift=0.1)
    features = (probabilities(70, 1),) if measure == "inception" else (real, generated)
    found = estimated(measure, *features, generator=np.random.default_rng(5), splits=3)
    values = {
        "frechet": lambda: [distance_of_samples(real, generated)],
        "kernel": lambda: [kernel_distance(real, generated)],
        "neighbours": lambda: neighbour_figures(real, generated),
        "inception": lambda: [inception_score(probabilities(70, 1))],
    }[measure]()
    assert [one.value for one in found.values()] == pytest.approx(list(values), rel=1e-12)
    assert found == estimated(measure, *features, generator=np.random.default_rng(5), splits=3)
    assert found != estimated(measure, *features, generator=np.random.default_rng(6), splits=3)


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


def test_figures_of_draws_are_those_of_the_drawn_pictures_alone():
    real, generated = mixed(301, 4, seed=1), mixed(201, 4, seed=2, shift=0.1)  # more than are listed as neighbours
    random = np.random.default_rng(0)
    draws = tuple(random.random((3, len(x))) < 0.5 for x in (real, generated))
    kernels = metrics.MEASURES["kernel"].figures((real, generated), draws)["kernel_distance"]
    neighbours = metrics.MEASURES["neighbours"].figures((real, generated), draws)
    for number, (some_real, some_generated) in enumerate(zip(*draws, strict=True)):
        some = real[some_real], generated[some_generated]
        assert kernels[number] == pytest.approx(kernel_distance(*some), rel=1e-9)
        assert [figures[number] for figures in neighbours.values()] == list(neighbour_figures(*some))


def test_the_halves_of_a_split_have_no_picture_in_common_and_all_together():
    seen = []

    def figures(pictures, draws):
        seen.extend(draws)
        return {"none": np.zeros(len(draws[0]))}

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(metrics.MEASURES, "spy", metrics.Measure(figures, 2))
        estimate("spy", normal(11, 2), normal(8, 2), generator=np.random.default_rng(0), splits=4)
    for draws, count in zip(seen, (11, 8), strict=True):
        assert draws[0].all()
        assert (draws[1::2] ^ draws[2::2]).all()
        assert set(draws[1:].sum(1)) == {count // 2, count - count // 2}
        assert len(np.unique(draws, axis=0)) == 9


# --- Errors ---


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: kernel_distance(normal(1, 3), normal(9, 3)), "kernel: got 1 pictures, wanted 2 or more"),
        (lambda: neighbour_figures(normal(9, 3), normal(5, 3)), "neighbours: got 5 pictures, wanted 6 or more"),
        (lambda: inception_score(np.eye(3)), "inception score: got 3 pictures, wanted 10 or more"),
        (lambda: Moments.of(normal(0, 3)), "moments: got 0 pictures, wanted 1 or more"),
        (
            lambda: estimate("neighbours", normal(11, 3), normal(99, 3), generator=np.random.default_rng(0)),
            "neighbours with an interval: got 11 pictures, wanted 12 or more",
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
