"""Sampling: latents, truncation, and what is refused."""

import pytest
import torch

from scumble.gan.models import sample

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
