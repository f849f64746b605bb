"""Tiles against the whole picture: the same loss, the same gradient, for everything that can be asked for."""

from typing import Any

import numpy as np
import pytest
import torch

from conftest import CAFFE, narrow_tensors
from scumble.perceptual.vgg import VGG19
from scumble.style.losses.style import STYLE_LOSSES
from scumble.style.objective import tiles as tiles_module
from scumble.style.objective.objective import Evaluation, Objective
from scumble.style.objective.tiles import margin_of, tiles
from scumble.style.preparation.masks import Region

CONTENT = {"relu4_2": 1.0}
STYLE = {"relu1_1": 3.0, "relu2_1": 1.0, "relu3_1": 0.5, "relu4_1": 0.2, "relu5_1": 0.1}
HEIGHT, WIDTH = 277, 330


def picture(seed: int, height: int = HEIGHT, width: int = WIDTH, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    """Blobs and noise."""
    generator = torch.Generator().manual_seed(seed)
    blobs = torch.rand(1, 3, 6, 5, generator=generator, dtype=dtype)
    smooth = torch.nn.functional.interpolate(blobs, (height, width), mode="bilinear")
    return smooth * 0.8 + 0.2 * torch.rand(1, 3, height, width, generator=generator, dtype=dtype)


def evaluation(tile_side: int | None, dtype: torch.dtype = torch.float64, **options: Any) -> Evaluation:
    kinds = {"pooling", "padding"} & set(options)
    network = VGG19(narrow_tensors(), CAFFE, tuple(STYLE), dtype=dtype, **{kind: options.pop(kind) for kind in kinds})
    styles = [picture(1, 200, 310, dtype), picture(2, 340, 180, dtype)]
    objective = Objective(network, picture(0, dtype=dtype), styles, CONTENT, STYLE, tile_side=tile_side, **options)
    assert (len(objective.tiles) > 1) == (tile_side is not None)
    return objective.value_and_gradient(picture(3, dtype=dtype))


def assert_same(one: Evaluation, other: Evaluation, tolerance: float) -> None:
    assert one.loss == pytest.approx(other.loss, rel=tolerance)
    assert one.terms == pytest.approx(other.terms, rel=tolerance)
    assert (one.gradient - other.gradient).norm() <= tolerance * other.gradient.norm()


@pytest.mark.parametrize("loss", STYLE_LOSSES)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-6), (torch.float32, 1e-4)])
def test_tiled_loss_and_gradient_equal_the_whole_ones(loss, dtype, tolerance):
    whole = evaluation(None, dtype, loss=loss, variation_weight=2.0, strength=0.7, range_weight=5.0)
    assert_same(
        evaluation(100, dtype, loss=loss, variation_weight=2.0, strength=0.7, range_weight=5.0), whole, tolerance
    )


@pytest.mark.parametrize("focused", [False, True])
def test_tiled_equals_whole_with_all_that_holds_the_photograph(focused):
    across = torch.linspace(0, 1, WIDTH).expand(1, 1, HEIGHT, WIDTH)
    regions = [Region("left", (0.3, 0.7), 1 - across), Region("right", (1.0, 0.0), across)]
    options: dict[str, Any] = {
        "loss": "wasserstein",
        "regions": regions,
        "strength": 0.8,
        "transported_layers": {"relu2_1": 2.0, "relu3_1": 1.0},
        "leak_layers": {"relu4_1": 1e5},
        "focused": focused,
    }
    whole, tiled = evaluation(None, **options), evaluation(100, **options)
    assert min(whole.terms.values()) > 0
    assert_same(tiled, whole, 1e-6)


@pytest.mark.parametrize("options", [{"pooling": "average"}, {"pooling": "l2"}, {"padding": "replicate"}])
def test_tiled_equals_whole_with_other_poolings_and_borders(options):
    assert_same(evaluation(64, loss="wasserstein", **options), evaluation(None, loss="wasserstein", **options), 1e-6)


@pytest.mark.parametrize("loss", STYLE_LOSSES)
def test_tiled_equals_whole_with_masks(loss):
    across = torch.linspace(0, 1, WIDTH).expand(1, 1, HEIGHT, WIDTH)
    left, right = (1.5 - 2 * across).clamp(0, 1), (2 * across - 0.5).clamp(0, 1)
    half = torch.zeros(1, 1, 200, 310)
    half[..., :180] = 1
    regions = [Region("left", (0.3, 0.7), left, (half, None)), Region("right", (0.0, 1.0), right)]
    assert_same(evaluation(100, loss=loss, regions=regions), evaluation(None, loss=loss, regions=regions), 1e-6)


@pytest.mark.parametrize(("missing", "same"), [(0, True), (32, False)])
def test_the_margin_is_as_wide_as_it_must_be(monkeypatch, missing, same):
    whole = evaluation(None)
    monkeypatch.setattr(tiles_module, "margin_of", lambda layers: margin_of(layers) - missing)
    tiled = evaluation(100)
    error = ((tiled.gradient - whole.gradient).norm() / whole.gradient.norm()).item()
    assert (error < 1e-9) == same


@pytest.mark.parametrize("size", [(512, 512), (277, 330), (16, 900), (1000, 31), (17, 17), (62, 62)])
@pytest.mark.parametrize("side", [None, 16, 21, 100, 10_000])
def test_cores_cover_a_picture_once_and_begin_where_poolings_do(size, side):
    covered = np.zeros(size, int)
    for tile in tiles(size[0], size[1], side, ["relu5_1"]):
        top, bottom, left, right = tile.core
        covered[top:bottom, left:right] += 1
        assert all(edge % 16 == 0 for edge in (top, left, tile.seen[0], tile.seen[2]))
        assert min(bottom - top, right - left) >= 16
        assert bottom - top < (side or 10**5) + 32
    assert (covered == 1).all()


def test_the_work_of_the_last_row_of_tiles_is_like_that_of_the_others():
    heights = [tile.core[1] - tile.core[0] for tile in tiles(1040, 16, 500, ["relu5_1"])]
    assert heights == [352, 336, 352]
