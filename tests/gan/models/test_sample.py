"""Sampling: latents, truncation, and what is refused."""

import io

import pytest
import torch
from PIL import Image

from scumble.gan.models import sample
from scumble.gan.models.sample import Samples

pytestmark = pytest.mark.usefixtures("one_thread")


def test_latents_are_normal_and_truncation_draws_what_is_outside_again():
    plain = sample.draw_latents(range(500), 20)
    assert abs(plain.mean()) < 0.05
    assert plain.std().item() == pytest.approx(1, abs=0.03)
    truncated = sample.draw_latents(range(500), 20, 0.7)
    assert truncated.abs().max() <= 0.7
    inside = plain.abs() <= 0.7
    assert torch.equal(truncated[inside], plain[inside])
    # The deviation of a normal distribution cut at a: sqrt(1 - 2 a phi(a) / (2 Phi(a) - 1)).
    assert truncated.std().item() == pytest.approx(0.3876, abs=0.01)


def test_a_list_of_samples_shows_itself_as_one_picture():
    pictures = [Image.new("L", (20, 16), 10 * n) for n in range(10)]
    samples = Samples(pictures)
    assert samples == pictures
    assert repr(samples) == "<10 pictures of 20 x 16 pixels>"
    assert isinstance(samples[2:5], Samples)
    assert samples[3] is pictures[3]
    with Image.open(io.BytesIO(samples._repr_png_() or b"")) as shown:
        assert shown.size == (8 * (3 * 20 + 2) - 2, 2 * (3 * 16 + 2) - 2)
    assert Samples()._repr_png_() is None
    assert repr(Samples()) == "<0 pictures>"
