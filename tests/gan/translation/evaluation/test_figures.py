import math

import numpy as np
import pytest
import torch

from scumble.gan.translation.evaluation.figures import figure, is_ahead, per_picture, perceptual, ssim


def some(seed=0, count=3, channels=3, side=24) -> torch.Tensor:
    return torch.rand(count, channels, side, side, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def naive_ssim(x: np.ndarray, y: np.ndarray) -> float:
    """Window by window, in float64, of (H, W) in [0, 1]."""
    line = np.exp(-((np.arange(11) - 5) ** 2) / (2 * 1.5**2))
    window = np.outer(line, line) / line.sum() ** 2
    found = []
    for top in range(x.shape[0] - 10):
        for left in range(x.shape[1] - 10):
            p, q = (image[top : top + 11, left : left + 11] for image in (x, y))
            mp, mq = (window * p).sum(), (window * q).sum()
            vp, vq = (window * (p - mp) ** 2).sum(), (window * (q - mq) ** 2).sum()
            c = (window * (p - mp) * (q - mq)).sum()
            found.append((2 * mp * mq + 1e-4) * (2 * c + 9e-4) / ((mp**2 + mq**2 + 1e-4) * (vp + vq + 9e-4)))
    return float(np.mean(found))


def test_ssim_is_that_of_a_naive_loop():
    x, y = some(0), some(0) * 0.7 + some(1) * 0.3
    wanted = [np.mean([naive_ssim(*(((p[n, c] + 1) / 2).double().numpy() for p in (x, y))) for c in range(3)])
              for n in range(3)]  # fmt: skip
    assert ssim(x, y).tolist() == pytest.approx(wanted, abs=1e-6)
    assert ssim(x, x).tolist() == pytest.approx([1, 1, 1])


def test_distances_of_pixels_are_shares_of_black_to_white():
    truth = torch.full((2, 1, 16, 16), -1.0)
    results = truth.clone()
    results[1] += 0.2  # a tenth
    found = per_picture(results, truth)
    assert found["l1"].tolist() == pytest.approx([0, 0.1])
    assert found["psnr"].tolist() == pytest.approx([100, 20])


def test_distances_are_within_holes_where_there_are_some():
    truth, mask = some(), torch.zeros(3, 1, 24, 24)
    mask[..., :6, :6] = 1
    results = truth + 0.4 * mask - 0.7 * (1 - mask)
    found = per_picture(results, truth, mask)
    assert found["l1_in_holes"].tolist() == pytest.approx([0.2] * 3)
    assert found["psnr_in_holes"].tolist() == pytest.approx([-20 * math.log10(0.2)] * 3, abs=1e-4)


def test_perceptual_distance_is_of_directions():
    one = {"x": torch.tensor([[[[3.0]], [[4.0]]]])}  # (0.6, 0.8)
    other = {"x": torch.tensor([[[[8.0]], [[6.0]]]])}  # (0.8, 0.6)
    assert perceptual(one, other).item() == pytest.approx(0.08)
    assert perceptual(one, {"x": 5 * one["x"]}).item() == pytest.approx(0, abs=1e-7)


def test_an_interval_holds_the_mean_of_others_as_often_as_it_says():
    random = np.random.default_rng(1)
    found = [figure("l1", random.normal(5, 2, 60)) for _ in range(200)]
    assert 0.9 <= np.mean([one.low <= 5 <= one.high for one in found]) <= 0.99
    assert figure("l1", np.arange(9.0)) == figure("l1", np.arange(9.0))


def test_better_is_told_from_chance_picture_by_picture():
    hard = np.random.default_rng(0).normal(0.5, 0.2, 50)
    noise = np.random.default_rng(1).normal(0, 0.01, 50)
    assert is_ahead("l1", hard - 0.02 + noise, hard) is True
    assert is_ahead("l1", hard + 0.02 + noise, hard) is False
    assert is_ahead("psnr", hard + 0.02 + noise, hard) is True
    assert is_ahead("l1", hard + noise - noise.mean(), hard) is None


def test_nothing_is_sure_of_few_pictures():
    values = np.linspace(0.1, 0.2, 6)
    assert is_ahead("l1", values, values + 0.1) is True
    assert is_ahead("l1", values[:5], values[:5] + 0.1) is None
