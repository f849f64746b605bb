"""The photograph in a painting's palette, and which of a painting's colours it has a place for."""

import pytest
import torch

from scumble.style.losses.content import mean_squared_error
from scumble.style.objective.objective import Objective
from scumble.style.preparation.colour import luminance
from scumble.style.preparation.palette import CHROMA_GAINS, coarse_difference, in_palette, proportions

GREY, RED = (0.5, 0.5, 0.5), (0.9, 0.1, 0.1)


def flat(*colours: tuple[float, float, float], height: int = 32, width: int = 16) -> torch.Tensor:
    """(1, 3, height, width * number): one colour beside the other."""
    return torch.cat(
        [torch.tensor(c).view(1, 3, 1, 1).expand(1, 3, height, width) for c in colours], dim=3
    ).contiguous()


def noise(seed: int, spread: float = 0.1, base: tuple[float, float, float] = GREY) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return flat(base, base) + spread * (torch.rand((1, 3, 32, 32), generator=generator) - 0.5)


def chroma_spread(picture: torch.Tensor) -> float:
    chroma = picture - luminance(picture)
    return (chroma - chroma.mean((2, 3), keepdim=True)).square().sum(1).mean().sqrt().item()


def test_a_photograph_takes_the_paintings_mean_and_range_of_brightness():
    photograph, painting = noise(0), noise(1, 0.15, (0.5, 0.3, 0.3))
    result = in_palette(photograph, painting)
    torch.testing.assert_close(result.mean((2, 3)), painting.mean((2, 3)), atol=1e-3, rtol=0)
    assert luminance(result).std().item() == pytest.approx(luminance(painting).std().item(), rel=0.02)


def test_chroma_is_stretched_and_compressed_within_bounds_only():
    photograph = noise(0)
    for painting, gain in (
        (flat(RED, (0.1, 0.9, 0.1)), CHROMA_GAINS[1]),
        (flat(GREY, (0.7, 0.7, 0.7)), CHROMA_GAINS[0]),
    ):
        found = chroma_spread(in_palette(photograph, painting)) / chroma_spread(photograph)
        assert found == pytest.approx(gain, rel=0.02)


def test_grey_has_no_chroma_to_stretch():
    grey = luminance(noise(0)).expand(-1, 3, -1, -1)
    assert chroma_spread(in_palette(grey, flat(RED, GREY))) < 1e-6


@pytest.mark.parametrize("photograph", [flat(GREY), flat((0.0, 0.0, 0.0)), flat((1.0, 1.0, 1.0)), noise(0)])
@pytest.mark.parametrize("painting", [flat(RED), flat((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)), noise(1)])
def test_nothing_is_divided_by_zero(photograph, painting):
    assert in_palette(photograph, painting).isfinite().all()
    found = proportions(photograph, painting)
    assert found.isfinite().all()
    assert found.min() > 0
    assert found.max() <= 1


def test_a_colour_that_the_photograph_has_no_place_for_counts_less():
    painting = flat(GREY, GREY, GREY, RED, width=8)
    of_grey, of_red = (proportions(noise(0), painting)[..., part].mean().item() for part in (slice(24), slice(24, 32)))
    assert of_red < of_grey / 4


def test_a_colour_that_the_photograph_has_a_place_for_counts_as_it_did():
    painting = flat(GREY, GREY, GREY, RED, width=8)
    found = proportions(painting, painting)
    assert found.max() < 1.2 * found.min()


def test_only_the_part_of_the_photograph_that_is_painted_counts():
    photograph, painting = flat(GREY, RED), flat((0.45, 0.45, 0.45), (0.9, 0.15, 0.15))
    masks = [torch.zeros(1, 1, 32, 32) for _ in range(2)]
    masks[0][..., :16], masks[1][..., 16:] = 1, 1
    ratios = [
        (found[..., :16].mean() / found[..., 16:].mean()).item()
        for found in (proportions(photograph, painting, m) for m in masks)
    ]
    assert ratios[0] > 2
    assert ratios[1] < 1 / 2


def test_what_cannot_be_seen_of_the_painting_decides_nothing():
    painting, seen = flat(GREY, (0.6, 0.5, 0.4), RED, width=8), torch.ones(1, 1, 32, 24)
    seen[..., 16:] = 0
    other = painting.clone()
    other[..., 16:] = torch.tensor((0.0, 0.9, 0.1)).view(1, 3, 1, 1)
    one, two = (proportions(noise(0), p, painting_mask=seen)[..., :16] for p in (painting, other))
    torch.testing.assert_close(one, two, atol=1e-6, rtol=0)
    torch.testing.assert_close(
        in_palette(noise(0), painting, seen), in_palette(noise(0), other, seen), atol=1e-6, rtol=0
    )


def test_what_is_smaller_than_brushwork_makes_no_coarse_difference():
    dots = torch.tensor([[1.0, 0.0], [0.0, 1.0]]).repeat(128, 128).expand(1, 3, 256, 256)
    assert coarse_difference(dots, torch.full((1, 3, 256, 256), 0.5)).item() == 0
    assert coarse_difference(dots, torch.zeros(1, 3, 256, 256)).item() == pytest.approx(0.25)


# --- In an objective ------------------------------------------------------------------------------------------------


def objective(network64, content: torch.Tensor, style: torch.Tensor, **options) -> Objective:
    layers = {"relu1_1": 1e-3, "relu2_1": 1e-3}
    return Objective(network64, content, [style], {"relu2_1": 1.0}, layers, loss="wasserstein", **options)


def test_a_layout_is_a_term_of_its_own_whose_gradient_is_right(network64):
    content, style, canvas, layout = (noise(seed).double() for seed in range(4))
    found = objective(network64, content, style, layout=layout, layout_weight=2.0)
    evaluation = found.value_and_gradient(canvas)
    wanted = 2.0 * 255**2 * mean_squared_error(canvas, layout).item()  # so small, each pixel is its own average
    assert evaluation.terms["layout"] == pytest.approx(wanted)
    direction, width = noise(5).double() - 0.5, 1e-6
    ahead, behind = (found.value_and_gradient(canvas + step * direction).loss for step in (width, -width))
    assert (ahead - behind) / (2 * width) == pytest.approx((evaluation.gradient * direction).sum().item(), rel=1e-5)


def test_in_tiles_a_fitted_palette_is_the_same(network64):
    content, style, canvas = (torch.cat([noise(s), noise(s + 5)], dim=3).repeat(1, 1, 3, 2).double() for s in range(3))
    options = {"layout": in_palette(content, style), "layout_weight": 2.0, "fitted": True}
    whole = objective(network64, content, style, **options).value_and_gradient(canvas)
    tiled = objective(network64, content, style, **options, tile_side=48)
    assert len(tiled.tiles) > 1
    found = tiled.value_and_gradient(canvas)
    assert found.loss == pytest.approx(whole.loss, rel=1e-9)
    torch.testing.assert_close(found.gradient, whole.gradient)


def test_a_fitted_palette_asks_for_less_of_what_has_no_place(network64):
    content, painting = noise(0).double(), flat(GREY, GREY, GREY, RED, width=8).double()
    whole, fitted = (objective(network64, content, painting, fitted=fitted) for fitted in (False, True))
    means = [one.targets.regions[0].targets["relu1_1"]["mean"] for one in (whole, fitted)]
    grey = objective(network64, content, flat(GREY).double()).targets.regions[0].targets["relu1_1"]["mean"]
    assert (means[1] - grey).norm() < 0.6 * (means[0] - grey).norm()
