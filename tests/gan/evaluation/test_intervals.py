"""Confidence intervals: as wide as figures vary, of halves that have nothing in common."""

import numpy as np
import pytest

from gan_material import mixed, normal
from scumble.gan.evaluation.frechet import GROUPS, Moments, MomentsOfGroups, frechet_distance
from scumble.gan.evaluation.inception_score import inception_score
from scumble.gan.evaluation.intervals import MEASURES, estimate, estimate_frechet
from scumble.gan.evaluation.kernel import kernel_distance
from scumble.gan.evaluation.measure import Measure
from scumble.gan.evaluation.neighbours import neighbour_figures


def distance_of_samples(real, generated):
    one, other = Moments.of(real), Moments.of(generated)
    return frechet_distance(one.mean, one.covariance, other.mean, other.covariance)


def probabilities(count, seed):
    return np.random.default_rng(seed).dirichlet([0.2, 0.5, 1.0], size=count)


def in_groups(features, groups=GROUPS, piece=90):
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


ALL_MEASURES = ("frechet", *MEASURES)


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


def test_the_halves_of_a_split_have_no_picture_in_common_and_all_together():
    seen = []

    def figures(pictures, draws):
        seen.extend(draws)
        return {"none": np.zeros(len(draws[0]))}

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(MEASURES, "spy", Measure("spy", figures, 2))
        estimate("spy", normal(11, 2), normal(8, 2), generator=np.random.default_rng(0), splits=4)
    for draws, count in zip(seen, (11, 8), strict=True):
        assert draws[0].all()
        assert (draws[1::2] ^ draws[2::2]).all()
        assert set(draws[1:].sum(1)) == {count // 2, count - count // 2}
        assert len(np.unique(draws, axis=0)) == 9
