"""The painting that code draws: the same for the same seed, covered in paint, full of strokes."""

import numpy as np
import pytest

from scumble.data.synthetic import painting


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
