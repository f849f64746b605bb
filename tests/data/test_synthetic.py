"""What code draws: the same for the same seed; a painting covered in strokes, shapes of the right area."""

import numpy as np
import pytest

from scumble.data.synthetic import SHAPES, painting, shape


@pytest.fixture(scope="module")
def night():
    return painting(192, 144)


def test_the_same_seed_is_the_same_painting_and_another_another(night):
    assert night.size == (192, 144)
    assert painting(192, 144, seed=0).tobytes() == night.tobytes() != painting(192, 144, seed=1).tobytes()


def test_it_is_a_night_with_lights_over_green_land(night):
    pixels = np.asarray(night, float)
    sky, land = pixels[:60].reshape(-1, 3), pixels[110:].reshape(-1, 3)
    assert sky[:, 2].mean() > sky[:, 0].mean()  # blue above
    assert land[:, 1].mean() > land[:, 2].mean()  # green below
    assert ((sky[:, 0] > 200) & (sky[:, 2] < 180)).mean() > 0.02  # yellow lights


def test_neighbouring_pixels_belong_to_strokes(night):
    grey = np.asarray(night.convert("L"), float)
    # Rough all over, unlike a gradient, yet smooth along the strokes, unlike noise.
    steps = np.abs(np.diff(grey, axis=1))
    assert 3 < steps.mean() < 20


def test_the_same_number_is_the_same_shape_and_the_next_another():
    assert shape(5).tobytes() == shape(5).tobytes()
    assert len({shape(number).tobytes() for number in range(30)}) == 30
    assert shape(5, seed=1).tobytes() != shape(5).tobytes()


@pytest.mark.parametrize("number", range(12))
def test_a_shape_covers_the_area_that_its_kind_has_in_its_circle(number):
    pixels = np.asarray(shape(number, side=256), float)
    ground = pixels[0, 0]
    distance = np.abs(pixels - ground).sum(2)
    cover = distance / distance.max()  # 1 inside, between 0 and 1 at soft edges
    y, x = np.mgrid[0:256, 0:256] + 0.5
    centre = (cover * x).sum() / cover.sum(), (cover * y).sum() / cover.sum()
    radius = np.hypot(x - centre[0], y - centre[1])[cover > 0.5].max()
    share = cover.sum() / (np.pi * radius**2)
    expected = {"disc": 1, "square": 2 / np.pi, "triangle": 3 * 3**0.5 / (4 * np.pi)}
    assert share == pytest.approx(expected[SHAPES[number % 3]], rel=0.06)
    assert ((cover > 0.01) & (cover < 0.99)).any()
