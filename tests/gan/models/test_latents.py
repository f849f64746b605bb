"""Interpolation and arithmetic of latents, against closed forms."""

import math

import numpy as np
import pytest
import torch

from scumble.gan.models import latents
from scumble.gan.models.sample import draw_latents

pytestmark = pytest.mark.usefixtures("one_thread")


def test_the_arc_turns_by_equal_angles_and_keeps_the_length():
    a, b = torch.tensor([2.0, 0.0, 0.0]), torch.tensor([2 * math.cos(2.0), 2 * math.sin(2.0), 0.0])
    points = latents.slerp(a, b, torch.linspace(0, 1, 9))
    for number, point in enumerate(points):
        turned = 2.0 * number / 8
        expected = [2 * math.cos(turned), 2 * math.sin(turned), 0]
        assert point.tolist() == pytest.approx(expected, abs=1e-5)


def test_where_there_is_no_one_arc_the_way_is_straight():
    a = torch.tensor([1.0, 2.0])
    for b in (3 * a, -a):
        points = latents.slerp(a, b, torch.tensor([0.0, 0.25, 1.0]))
        torch.testing.assert_close(points, torch.stack([a, 0.75 * a + 0.25 * b, b]))


def test_a_walk_passes_through_all_and_comes_back_if_closed():
    ends = draw_latents(range(3), 16)
    way = latents.walk(ends, 5)
    assert way.shape == (11, 16)
    torch.testing.assert_close(way[::5], ends)
    round_trip = latents.walk(ends, 5, closed=True)
    assert round_trip.shape == (15, 16)
    torch.testing.assert_close(round_trip[:10], way[:10])
    torch.testing.assert_close(round_trip[10:], latents.slerp(ends[2], ends[0], torch.arange(5) / 5))


def test_arithmetic_is_that_of_averages_brought_to_the_sphere():
    a, b, c = (draw_latents(seeds, 9).double() for seeds in (range(3), range(3, 5), [7]))
    found = latents.arithmetic(a, b, c).numpy()
    means = [x.numpy().mean(0) for x in (a, b, c)]
    for latent, expected in zip(found, [*means, means[0] - means[1] + means[2]], strict=True):
        np.testing.assert_allclose(latent, expected * 3 / np.linalg.norm(expected), rtol=1e-9)
    torch.testing.assert_close(latents.arithmetic(a, a, c)[3], latents.arithmetic(a, a, c)[2])
