"""The figures of painted pictures against naive loops and closed forms."""

import numpy as np
import pytest
import torch

import scumble
from scumble.image.tensors import resize
from scumble.style.evaluation.figures import (
    edge_correlation,
    leakage,
    patches,
    self_similarity_distance,
    sliced_wasserstein,
)


def points(seed: int, count: int, channels: int) -> torch.Tensor:
    return torch.randn(count, channels, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def scene(seed: int, height: int = 96, width: int = 128) -> torch.Tensor:
    """Something with forms: smooth noise, which is another one for each seed."""
    noise = torch.rand(1, 3, 12, 16, generator=torch.Generator().manual_seed(seed))
    return resize(noise, (width, height))


def test_sliced_distance_of_gaussians_is_that_of_their_projections():
    """Along any direction, N(0, 1) and N(m, s^2) are m^2 + (1 - s)^2 apart; m is the direction's part of the shift."""
    one, other = points(0, 8_000, 3), 2 * points(1, 8_000, 3)
    assert sliced_wasserstein(one, other) == pytest.approx(1, rel=0.04)
    shift = torch.tensor([3.0, 0.0, 0.0], dtype=torch.float64)
    assert sliced_wasserstein(one, one + shift, count=500) == pytest.approx(3 / 3**0.5, rel=0.08)
    assert sliced_wasserstein(one, one) == 0
    assert sliced_wasserstein(one, one[torch.randperm(len(one))]) == pytest.approx(0, abs=1e-12)


def test_edges_are_where_they_are_whatever_the_colours():
    picture = scene(0)
    assert edge_correlation(picture, picture) == pytest.approx(1)
    assert edge_correlation(1 - 0.5 * picture, picture) == pytest.approx(1)
    assert abs(edge_correlation(scene(1), picture)) < 0.2
    assert edge_correlation(torch.full_like(picture, 0.5), picture) == 0


def test_self_similarity_is_that_of_a_naive_loop():
    one, other = points(0, 7, 5).relu() + 0.1, points(1, 7, 5).relu() + 0.1

    def matrix(features: np.ndarray) -> np.ndarray:
        distances = np.array([[1 - f @ g / np.linalg.norm(f) / np.linalg.norm(g) for g in features] for f in features])
        return distances / distances.sum(0)

    expected = np.abs(matrix(one.numpy()) - matrix(other.numpy())).mean() * 7
    assert self_similarity_distance(one, other) == pytest.approx(expected)
    assert self_similarity_distance(3 * one, one) == pytest.approx(0, abs=1e-12)


def test_leakage_is_none_for_the_photograph_and_all_for_the_painting():
    photo, painting = points(0, 30, 8), points(1, 40, 8)
    assert leakage(photo, photo, painting) == 0
    assert leakage(painting, photo, painting) == pytest.approx(1)
    half = torch.cat([photo[:15], painting[:15]])
    assert 0.2 < leakage(half, photo, painting) < 0.8


def test_patches_are_of_the_picture_and_have_no_mean():
    ramp = torch.arange(20.0).view(1, 1, 1, 20).expand(1, 3, 16, 20)
    found = patches(ramp)
    assert found.shape == (20_000, 147)
    torch.testing.assert_close(found[0].view(3, 7, 7), torch.arange(-3.0, 4.0).expand(3, 7, 7))


def test_the_module_is_there_by_its_public_name():
    assert scumble.evaluation.edge_correlation is edge_correlation
