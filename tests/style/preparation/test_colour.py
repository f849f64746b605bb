"""Colour control against its own definitions: what is kept is kept exactly, what is matched is matched."""

import numpy as np
import pytest
import torch

from scumble.image.files import load
from scumble.image.tensors import to_tensor
from scumble.style.inputs import Inputs
from scumble.style.preparation.colour import LUMA, grey, grey_like, luminance, match_colours, with_chroma
from scumble.style.preparation.sources import Sources
from scumble.style.settings import StyleSettings


def picture(seed: int, low: float = 0.0, high: float = 1.0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    mixing = torch.tensor([[1.0, 0.3, 0.0], [0.2, 0.8, 0.1], [0.0, 0.4, 0.6]])
    colours = torch.rand(1, 3, 20, 30, generator=generator)
    return low + (high - low) * torch.einsum("ij,njhw->nihw", mixing / mixing.sum(1, keepdim=True), colours)


def test_luminance_is_the_weighted_sum():
    expected = np.tensordot(np.array(LUMA), picture(0)[0].numpy(), 1)
    np.testing.assert_allclose(luminance(picture(0))[0, 0], expected, rtol=1e-6)


def test_chroma_is_kept_exactly_even_where_brightness_must_give_way():
    bright = torch.ones(1, 3, 20, 30)
    for painted in (bright, 1 - bright, picture(1)):
        result = with_chroma(painted, picture(0))
        torch.testing.assert_close(result - luminance(result), picture(0) - luminance(picture(0)), atol=1e-6, rtol=0)
        assert result.min() >= -1e-6
        assert result.max() <= 1 + 1e-6


def test_brightness_is_the_paintings_wherever_it_fits():
    painted, model = picture(1, 0.4, 0.6), picture(0, 0.4, 0.6)
    torch.testing.assert_close(luminance(with_chroma(painted, model)), luminance(painted))


def test_a_picture_with_its_own_chroma_is_itself():
    torch.testing.assert_close(with_chroma(picture(0), picture(0)), picture(0))


def test_grey_pictures_have_no_chroma_and_the_models_brightness():
    model = picture(0, 0.3, 0.7)
    result = grey_like(picture(1, 0.2, 0.5), model)
    torch.testing.assert_close(result, grey(result))
    assert luminance(result).mean().item() == pytest.approx(luminance(model).mean().item(), abs=1e-4)
    assert luminance(result).std().item() == pytest.approx(luminance(model).std().item(), rel=1e-3)


def test_matched_colours_have_the_models_mean_and_covariance():
    model = picture(0, 0.3, 0.6)
    result = match_colours(picture(1).flip(1), model).flatten(2)[0].numpy()
    np.testing.assert_allclose(result.mean(1), model.mean((0, 2, 3)), atol=1e-4)
    np.testing.assert_allclose(np.cov(result), np.cov(model.flatten(2)[0].numpy()), atol=2e-5)


def test_matching_a_picture_to_itself_changes_nothing_and_a_flat_one_breaks_nothing():
    torch.testing.assert_close(match_colours(picture(0), picture(0)), picture(0), atol=1e-4, rtol=0)
    flat = torch.full((1, 3, 4, 5), 0.25)
    assert match_colours(flat, picture(0)).isfinite().all()
    assert match_colours(picture(0), flat).isfinite().all()
    assert grey_like(flat, picture(0)).isfinite().all()


def start_of(canvas: tuple[int, int], content, styles, masks=(), **settings) -> torch.Tensor:
    """Where the work begins."""
    settings = StyleSettings(**{"init": "matched"} | settings, size=max(canvas), scales=1)
    inputs = Inputs(Sources(content, styles, masks=masks), settings)
    return inputs.start(*inputs.pixels(canvas, torch.device("cpu")), torch.device("cpu"))


def moments(picture: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    colours = picture.flatten(2)[0]
    return colours.mean(1), colours.cov()


def as_file(picture: torch.Tensor) -> np.ndarray:
    return (picture[0].permute(1, 2, 0) * 255).round().byte().numpy()


CONTENT, STYLE, OTHER = (as_file(picture(seed, low, low + 0.4)) for seed, low in ((0, 0.1), (1, 0.3), (2, 0.5)))


def test_a_matched_start_has_the_styles_colours_as_far_as_the_strength_says():
    canvas = (30, 20)
    plain = start_of(canvas, CONTENT, [STYLE], init="content")
    wanted = to_tensor(load(STYLE))
    for found, expected in zip(moments(start_of(canvas, CONTENT, [STYLE])), moments(wanted), strict=True):
        torch.testing.assert_close(found, expected, atol=2e-3, rtol=0)
    assert torch.equal(start_of(canvas, CONTENT, [STYLE], strength=0.0), plain)
    half = start_of(canvas, CONTENT, [STYLE], strength=0.5)
    torch.testing.assert_close(half, (plain + start_of(canvas, CONTENT, [STYLE])) / 2)


def test_a_matched_start_mixes_styles_and_keeps_to_masks():
    canvas = (30, 20)
    one, other = (start_of(canvas, CONTENT, [style]) for style in (STYLE, OTHER))
    mixed = start_of(canvas, CONTENT, [STYLE, OTHER], shares=(3, 1))
    torch.testing.assert_close(mixed, 0.75 * one + 0.25 * other)
    left = np.zeros((20, 30), np.uint8)
    left[:, :10] = 255
    masked = start_of(canvas, CONTENT, [STYLE, OTHER], masks=[left, 255 - left])
    torch.testing.assert_close(masked[..., :10], one[..., :10])
    torch.testing.assert_close(masked[..., 10:], other[..., 10:])
    uncovered = start_of(canvas, CONTENT, [STYLE, OTHER], masks=[left, left])
    assert torch.equal(uncovered[..., 10:], start_of(canvas, CONTENT, [STYLE], init="content")[..., 10:])
