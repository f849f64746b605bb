"""The objective against finite differences, against zero, and against the plain program in examples/."""

import sys

import pytest
import torch

from conftest import CAFFE, REPOSITORY
from scumble.perceptual.vgg import VGG19
from scumble.style.losses import STYLE_LOSSES, out_of_range
from scumble.style.masks import Region
from scumble.style.objective import Objective
from scumble.style.settings import (
    GATYS_CONTENT_LAYERS,
    GATYS_STYLE_LAYERS,
    MOMENT_STYLE_LAYERS,
    StyleSettings,
)

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
    settings = StyleSettings(content_weight=0, style_weight=1, style_layers={"relu1_1": 1.0, "relu2_1": 0.0})
    assert (settings.content_weights(), settings.style_weights()) == ({}, {"relu1_1": 1.0})  # not computed at all
    alone = Objective(network64, picture(0), [picture(1)], {}, settings.style_weights())
    assert list(alone.value_and_gradient(picture(2)).terms) == ["style relu1_1"]


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
    objective = Objective(network64, picture(0), styles, *layers, loss, 1e-3, 0.6, regions, range_weight=1e-2)
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
    settings = StyleSettings(style_weight=2)
    vgg, pocket = settings.style_weights("vgg19-caffe"), settings.style_weights("pocket")
    assert vgg == {name: 2 * weight for name, weight in MOMENT_STYLE_LAYERS.items()}
    assert pocket == settings.style_weights()
    assert all(pocket[name] > vgg[name] for name in vgg)
    given = StyleSettings(style_weight=2, style_layers={"relu5_1": 3})
    assert given.style_weights("pocket") == {"relu5_1": 6}
