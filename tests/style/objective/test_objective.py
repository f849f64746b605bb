"""The objective against finite differences, against zero, and against the plain program in examples/."""

import sys

import numpy as np
import pytest
import torch

from conftest import CAFFE, REPOSITORY
from scumble.perceptual.vgg import VGG19
from scumble.style.balance import GATYS_CONTENT_LAYERS, GATYS_STYLE_LAYERS, MOMENT_STYLE_LAYERS
from scumble.style.losses.content import TRANSPORT_RIDGES
from scumble.style.losses.pixels import out_of_range
from scumble.style.losses.style import STYLE_LOSSES
from scumble.style.objective.objective import Objective
from scumble.style.preparation.masks import Region
from scumble.style.settings import StyleSettings

sys.path.insert(0, str(REPOSITORY / "examples"))


def picture(seed: int, height: int = 20, width: int = 24, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def test_gradient_equals_finite_differences(network64):
    content, style, canvas = picture(0), picture(1, 30, 18), picture(2)
    objective = Objective(network64, content, [style], {"relu2_1": 1.0}, {"relu1_1": 1e-3, "relu3_1": 1e-3})
    found = objective.value_and_gradient(canvas)
    generator = torch.Generator().manual_seed(4)
    for _ in range(4):
        direction = torch.randn(canvas.shape, generator=generator, dtype=torch.float64)
        width = 1e-6
        ahead = objective.value_and_gradient(canvas + width * direction).loss
        behind = objective.value_and_gradient(canvas - width * direction).loss
        slope = (found.gradient * direction).sum().item()
        assert (ahead - behind) / (2 * width) == pytest.approx(slope, rel=1e-5)


def test_terms_add_up_and_gradient_is_contiguous(network64):
    objective = Objective(network64, picture(0), [picture(1)], {"relu2_1": 2.0}, {"relu1_1": 0.5, "relu2_1": 0.25})
    found = objective.value_and_gradient(picture(2))
    assert list(found.terms) == ["content relu2_1", "style relu1_1", "style relu2_1"]
    assert sum(found.terms.values()) == pytest.approx(found.loss)
    assert found.gradient.is_contiguous()
    assert found.gradient.shape == (1, 3, 20, 24)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_picture_has_no_loss_against_itself(tensors, dtype):
    network = VGG19(tensors, CAFFE, ("relu2_1", "relu3_1"), dtype=dtype)
    same = picture(0, dtype=torch.float32)
    found = Objective(network, same, [same], {"relu3_1": 1.0}, {"relu2_1": 1.0}).value_and_gradient(same)
    assert found.loss == 0
    assert not found.gradient.any()


def test_each_weight_multiplies_its_own_term(network64):
    def terms(content_weight: float, style_weight: float) -> dict[str, float]:
        layers = {"relu2_1": content_weight}, {"relu1_1": style_weight}
        return Objective(network64, picture(0), [picture(1)], *layers).value_and_gradient(picture(2)).terms

    one, other = terms(1, 1), terms(3, 5)
    assert other["content relu2_1"] == pytest.approx(3 * one["content relu2_1"])
    assert other["style relu1_1"] == pytest.approx(5 * one["style relu1_1"])
    settings = StyleSettings(keep=0, style_weight=1, style_layers={"relu1_1": 1.0, "relu2_1": 0.0})
    assert settings.terms()[:4] == ({}, {}, {}, {"relu1_1": 1.0})  # not computed at all
    alone = Objective(network64, picture(0), [picture(1)], {}, settings.terms().style)
    assert list(alone.value_and_gradient(picture(2)).terms) == ["style relu1_1"]


def test_convolutions_are_compared_as_they_are_and_tile_by_tile(network64):
    layers = {"conv2_1": 1.0}, {"relu1_1": 0.5, "conv2_1": 0.25}
    content, style, canvas = picture(0, 40, 36), picture(1, 30, 18), picture(2, 40, 36)
    whole = Objective(network64, content, [style], *layers)
    seen = [network64(one, ("conv2_1",))["conv2_1"] for one in (canvas, content)]
    found = whole.value_and_gradient(canvas)
    assert found.terms["content conv2_1"] == pytest.approx((seen[0] - seen[1]).square().mean().item())
    tiled = Objective(network64, content, [style], *layers, tile_side=16)
    assert len(tiled.tiles) > 1
    torch.testing.assert_close(tiled.value_and_gradient(canvas).gradient, found.gradient)


def test_content_and_style_are_not_mixed_up(network64):
    """The book's pairing by the order of hooks made the content term of the content picture itself non-zero."""
    content, style = picture(0), picture(1)
    objective = Objective(network64, content, [style], {"relu3_1": 1.0}, {"relu1_1": 1.0, "relu2_1": 1.0})
    at_content, at_style = objective.value_and_gradient(content), objective.value_and_gradient(style)
    assert at_content.terms["content relu3_1"] == 0
    assert all(value > 0 for name, value in at_content.terms.items() if name.startswith("style"))
    assert at_style.terms["style relu1_1"] == at_style.terms["style relu2_1"] == 0
    assert at_style.terms["content relu3_1"] > 0


def test_loss_equals_the_program_from_scratch(tensors, weights_file):
    import gatys_from_scratch as scratch

    parameters = scratch.load_vgg19(weights_file)
    content, style, canvas = (picture(seed, 32, 40, torch.float32) for seed in range(3))
    targets = scratch.targets(content * 255, style * 255, parameters)
    with torch.no_grad():
        expected = scratch.loss_of(canvas * 255, parameters, *targets).item()
    half = {name: tensor.half() for name, tensor in tensors.items()}
    network = VGG19(half, CAFFE, (*GATYS_CONTENT_LAYERS, *GATYS_STYLE_LAYERS))
    ours = Objective(network, content, [style], GATYS_CONTENT_LAYERS, GATYS_STYLE_LAYERS).value_and_gradient(canvas)
    assert ours.loss == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("loss", STYLE_LOSSES)
def test_gradient_with_regions_strength_and_terms_of_pixels_equals_finite_differences(network64, loss):
    left = torch.zeros(1, 1, 20, 24)
    left[:, :, :, :12] = 1
    regions = [Region("left", (1.0, 0.0), left), Region("right", (0.25, 0.75), 1 - left)]
    styles = [picture(1, 30, 18), picture(5, 22, 40)]
    layers = {"relu2_1": 1.0}, {"relu1_1": 1.0, "relu2_1": 0.5}
    objective = Objective(
        network64, picture(0), styles, *layers, loss, 1e-3, 0.6, regions, range_weight=1e-2,
        transported_layers={"relu2_1": 1.0}, leak_layers={"relu3_1": 1e3}, focused=True,
    )  # fmt: skip
    canvas = 1.2 * picture(2) - 0.1
    found = objective.value_and_gradient(canvas)
    assert found.terms["variation"] > 0
    assert found.terms["range"] == pytest.approx(1e-2 * 255**2 * out_of_range(canvas).item())
    direction = torch.randn(canvas.shape, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    width = 1e-7
    ahead, behind = (objective.value_and_gradient(canvas + sign * width * direction).loss for sign in (1, -1))
    # Histograms have kinks where shares of places coincide, as those of zeros in few places do.
    tolerance = 1e-3 if loss == "histogram" else 1e-4
    assert (ahead - behind) / (2 * width) == pytest.approx((found.gradient * direction).sum().item(), rel=tolerance)


@pytest.mark.parametrize("loss", STYLE_LOSSES)
def test_without_strength_the_content_is_where_it_should_be(network64, loss):
    objective = Objective(network64, picture(0), [picture(1)], {"relu2_1": 1.0}, {"relu1_1": 1.0}, loss, strength=0)
    assert objective.value_and_gradient(picture(0)).loss == pytest.approx(0, abs=1e-9)


def test_pocket_which_sees_shorter_distances_has_larger_weights():
    settings = StyleSettings(style_weight=2, balance="plain")
    vgg, pocket = settings.terms("vgg19-caffe").style, settings.terms("pocket").style
    assert vgg == {name: 2 * weight for name, weight in MOMENT_STYLE_LAYERS.items()}
    assert pocket == settings.terms().style
    assert all(pocket[name] > vgg[name] for name in vgg)
    given = StyleSettings(style_weight=2, style_layers={"relu5_1": 3})
    assert given.terms("pocket").style == {"relu5_1": 6}


def test_keep_multiplies_all_that_holds_the_photograph_and_small_sizes_hold_it_more():
    one, three = StyleSettings().terms(), StyleSettings(keep=3).terms()
    for here, there in zip(one[:3], three[:3], strict=True):
        assert here
        assert there == pytest.approx({name: 3 * weight for name, weight in here.items()})
    assert one.style == three.style
    halved = StyleSettings().terms(enlargement=1.5)
    assert halved.content == pytest.approx({name: 1.5**4 * weight for name, weight in one.content.items()})
    assert halved.leak == one.leak
    assert StyleSettings().terms(enlargement=4) == StyleSettings().terms(enlargement=64)
    assert StyleSettings(balance="plain").terms(enlargement=4) == StyleSettings(balance="plain").terms()


def test_layers_of_content_that_are_given_take_the_place_of_all_that_holds_it():
    terms = StyleSettings(content_layers={"relu2_1": 2.0}).terms()
    assert terms[:3] == ({"relu2_1": 2.0}, {}, {})


def targets_of(objective: Objective) -> torch.Tensor:
    (tile,) = objective.tiles
    return objective.targets.transported(tile)["relu2_1"]


def test_transported_content_is_the_photograph_moved_by_the_closed_form(network64):
    """Against the map as it is written in books, in NumPy."""

    def root_of(matrix: np.ndarray) -> np.ndarray:
        values, vectors = np.linalg.eigh(matrix)
        return (vectors * np.sqrt(values.clip(0))) @ vectors.T

    content, style = picture(0, 48, 40), picture(1, 56, 44)
    objective = Objective(network64, content, [style], {}, {}, transported_layers={"relu2_1": 3.0})
    here, there = (network64(p, ["relu2_1"])["relu2_1"][0].flatten(1).T.numpy() for p in (content, style))
    a, b = (np.cov(f.T, bias=True) for f in (here, there))
    a += TRANSPORT_RIDGES[0] * a.diagonal().mean() * np.eye(len(a))
    root = root_of(a)
    inverse = np.linalg.inv(root)
    matrix = inverse @ root_of(root @ b @ root) @ inverse
    expected = there.mean(0) + (here - here.mean(0)) @ matrix
    found = targets_of(objective)[0].flatten(1).T.numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())
    canvas = picture(2, 48, 40)
    seen = network64(canvas, ["relu2_1"])["relu2_1"][0].flatten(1).T.numpy()
    terms = objective.value_and_gradient(canvas).terms
    assert terms == {"transported relu2_1": pytest.approx(3 * ((seen - expected) ** 2).mean(), rel=1e-4)}


def test_strength_goes_part_of_the_way_of_transport_and_masks_keep_it_inside(network64):
    content, style, layers = picture(0), picture(1), {"relu2_1": 1.0}
    left = torch.zeros(1, 1, 20, 24)
    left[:, :, :, :12] = 1

    def target(**how) -> torch.Tensor:
        return targets_of(Objective(network64, content, [style], {}, {}, transported_layers=layers, **how))

    own = network64(content, ["relu2_1"])["relu2_1"]
    whole = target()
    torch.testing.assert_close(target(strength=0.25), own + 0.25 * (whole - own), rtol=1e-4, atol=1e-2)
    masked = target(regions=[Region("left", (1.0,), left)])
    torch.testing.assert_close(masked[..., 7:], own[..., 7:], rtol=1e-4, atol=1e-2)
    assert (masked[..., :5] - own[..., :5]).abs().mean() > 0.01 * own.abs().mean()


def test_where_masks_overlap_nothing_moves_twice(network64):
    white, layers = torch.ones(1, 1, 20, 24), {"relu2_1": 1.0}
    twice = [Region("one", (1.0,), white), Region("other", (1.0,), white)]
    found, alone = (
        targets_of(Objective(network64, picture(0), [picture(1)], {}, {}, transported_layers=layers, regions=regions))
        for regions in (twice, None)
    )
    torch.testing.assert_close(found, alone)


def test_a_plain_region_is_not_torn_apart(network64):
    """Over a plain part there is next to no variance to be moved from."""
    content = picture(0, 64, 64)
    content[:, :, :32] = 1
    sky = torch.zeros(1, 1, 64, 64)
    sky[:, :, :32] = 1
    regions = [Region("sky", (1.0,), sky), Region("ground", (1.0,), 1 - sky)]
    style = picture(1, 64, 64)
    objective = Objective(network64, content, [style], {}, {}, transported_layers={"relu2_1": 1.0}, regions=regions)
    largest = network64(style, ["relu2_1"])["relu2_1"].abs().max()
    assert targets_of(objective).abs().max() < 4 * largest


def test_only_what_becomes_more_like_the_painting_leaks(network64):
    content, style = picture(0), picture(1)
    objective = Objective(network64, content, [style], {}, {"relu1_1": 1e-9}, leak_layers={"relu3_1": 2.0})

    def leak(canvas: torch.Tensor) -> float:
        return objective.value_and_gradient(canvas).terms["leak relu3_1"]

    assert leak(content) == pytest.approx(0, abs=1e-20)
    assert leak(picture(1)[:, :, :20, :24]) > 0
    here, there, canvas = (
        network64(p, ["relu3_1"])["relu3_1"][0].flatten(1).T.numpy() for p in (content, style, picture(2))
    )
    centre = (here.mean(0) + there.mean(0)) / 2

    def near(features: np.ndarray) -> np.ndarray:
        """The naive loop."""
        best = []
        for place in features - centre:
            cosines = [place @ q / np.linalg.norm(place) / np.linalg.norm(q) for q in there - centre]
            best.append(max(cosines))
        return np.array(best)

    expected = 2 * (np.maximum(0, near(canvas) - near(here)) ** 2).mean()
    assert leak(picture(2)) == pytest.approx(expected, rel=1e-4)


def test_paintings_without_a_share_do_not_count_as_leaks(network64):
    both = Objective(
        network64, picture(0), [picture(1), picture(3)], {}, {"relu1_1": 1.0},
        regions=[Region("everything", (1.0, 0.0))], leak_layers={"relu3_1": 1.0},
    )  # fmt: skip
    alone = Objective(network64, picture(0), [picture(1)], {}, {"relu1_1": 1.0}, leak_layers={"relu3_1": 1.0})
    assert torch.equal(both.targets.leak["relu3_1"].places, alone.targets.leak["relu3_1"].places)


def test_focused_content_counts_where_the_photograph_has_something_to_say(network64):
    content = picture(0, 96, 96)
    content[:, :, :48] = 0.5  # a plain sky
    focused = Objective(network64, content, [picture(1)], {"relu2_1": 1.0}, {}, focused=True)
    alike = Objective(network64, content, [picture(1)], {"relu2_1": 1.0}, {})
    weights = focused.targets.importance["relu2_1"]
    assert weights.mean().item() == pytest.approx(1)
    assert weights[:, :, :16].max() < 0.4 < 1 < weights[:, :, 32:].min()

    def term(objective: Objective, rows: slice) -> float:
        canvas = content.clone()
        canvas[:, :, rows] += 0.1
        return objective.value_and_gradient(canvas).terms["content relu2_1"]

    assert term(focused, slice(8, 24)) < 0.4 * term(alike, slice(8, 24))
    assert term(focused, slice(64, 80)) > term(alike, slice(64, 80))
    assert focused.value_and_gradient(content).loss == 0
