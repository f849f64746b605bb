"""Figures of clusters: values by hand, slow loops over pictures and pairs, and what must not change them."""

import itertools
import math

import numpy as np
import pytest
from sklearn import metrics

from scumble.gan.probe.clustering import (
    FIGURES,
    adjusted_rand_index,
    by_chance,
    counted,
    interval,
    mutual_information,
    purity,
)


def drawn(count=200, kinds=(5, 4), agreement=0.6):
    random = np.random.default_rng(0)
    classes = random.integers(0, kinds[1], count)
    clusters = np.where(random.random(count) < agreement, classes, random.integers(0, kinds[0], count))
    return clusters, classes, counted(clusters, classes, kinds)


def test_figures_are_those_of_loops_over_pictures_and_pairs():
    clusters, classes, table = drawn()
    right = sum(max(np.bincount(classes[clusters == k])) for k in set(clusters))
    assert purity(table) == right / len(classes)
    terms = [
        (np.mean((clusters == k) & (classes == c)), np.mean(clusters == k) * np.mean(classes == c))
        for k in range(5)
        for c in range(4)
    ]
    assert mutual_information(table) == pytest.approx(sum(p * math.log(p / q) for p, q in terms if p))
    pairs = list(itertools.combinations(range(len(classes)), 2))
    together = np.array([[clusters[i] == clusters[j], classes[i] == classes[j]] for i, j in pairs])
    both, each = together.all(1).sum(), together.sum(0)
    expected = each[0] * each[1] / len(pairs)
    assert adjusted_rand_index(table) == pytest.approx((both - expected) / (each.mean() - expected))


def test_figures_are_those_of_scikit_learn():
    clusters, classes, table = drawn()
    assert adjusted_rand_index(table) == pytest.approx(metrics.adjusted_rand_score(classes, clusters))
    assert mutual_information(table) == pytest.approx(metrics.mutual_info_score(classes, clusters))


@pytest.mark.parametrize("figure", FIGURES.values())
def test_clusters_have_no_names(figure):
    _, _, table = drawn()
    shuffled = table[np.random.default_rng(1).permutation(5)][:, [2, 0, 3, 1]]
    assert figure(shuffled) == pytest.approx(figure(table))


def test_full_agreement_and_none():
    perfect, none = np.diag([10, 20, 30]), np.outer([1, 2, 3], [2, 4, 6])
    assert [figure(perfect) for figure in FIGURES.values()] == pytest.approx([1, 1.0114, 1], abs=1e-4)
    assert mutual_information(none) == pytest.approx(0, abs=1e-12)
    assert adjusted_rand_index(none) == pytest.approx(0, abs=0.05)
    assert adjusted_rand_index(np.array([[7]])) == 1


def test_an_interval_holds_its_figure_and_narrows_as_the_root_of_the_number():
    _, _, table = drawn(agreement=0.9)
    for figure in (purity, adjusted_rand_index):
        low, high = interval(figure, table)
        assert low < figure(table) < high
        narrow = interval(figure, 16 * table)
        assert narrow[1] - narrow[0] == pytest.approx((high - low) / 4, rel=0.2)


def test_chance_is_what_shuffled_classes_have():
    _, _, table = drawn(count=5000, agreement=0.9)
    assert by_chance(adjusted_rand_index, table) == pytest.approx(0, abs=0.01)
    assert by_chance(purity, table) == pytest.approx(table.sum(0).max() / table.sum(), abs=0.05)
