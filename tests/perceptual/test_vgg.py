"""VGG19 against an independent slow forward, its preprocessing against the plain formula, and its traps."""

import numpy as np
import pytest
import torch

from conftest import CAFFE, narrow_tensors
from scumble.errors import SettingsError
from scumble.perceptual.catalogue import CATALOGUE, Preprocessing
from scumble.perceptual.layers import CONVOLUTIONS, LAYERS, min_side
from scumble.perceptual.vgg import VGG19, parameter_shapes

# torchvision's indexes of the convolutions, written down from its printed table, not from ours.
INDEXES = [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34]


def slow_convolution(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """A 3 x 3 convolution with a border of zeros: the sum over nine shifted pictures, in float64."""
    _, height, width = x.shape
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
    result = np.broadcast_to(bias[:, None, None], (len(bias), height, width)).copy()
    for dy in range(3):
        for dx in range(3):
            shifted = padded[:, dy : dy + height, dx : dx + width]
            result += np.einsum("oi,ihw->ohw", weight[:, :, dy, dx], shifted)
    return result


def slow_pool(x: np.ndarray, pooling: str) -> np.ndarray:
    channels, height, width = x.shape
    blocks = x[:, : height // 2 * 2, : width // 2 * 2].reshape(channels, height // 2, 2, width // 2, 2)
    match pooling:
        case "max":
            return blocks.max((2, 4))
        case "average":
            return 2 * blocks.mean((2, 4))
        case _:
            return 0.78 * np.sqrt((blocks**2).sum((2, 4)))


def slow_vgg19(prepared: np.ndarray, tensors: dict[str, torch.Tensor], pooling: str) -> dict[str, np.ndarray]:
    x, seen = prepared, {}
    for index, name in zip(INDEXES, LAYERS, strict=True):
        if name in ("relu2_1", "relu3_1", "relu4_1", "relu5_1"):
            x = slow_pool(x, pooling)
        weight, bias = tensors[f"features.{index}.weight"], tensors[f"features.{index}.bias"]
        seen[name.replace("relu", "conv")] = slow_convolution(x, weight.double().numpy(), bias.double().numpy())
        seen[name] = x = np.maximum(seen[name.replace("relu", "conv")], 0)
    return seen


@pytest.fixture(scope="module")
def picture() -> torch.Tensor:
    return torch.rand(1, 3, 37, 34, generator=torch.Generator().manual_seed(3), dtype=torch.float64)


@pytest.mark.parametrize("pooling", ["max", "average", "l2"])
def test_all_layers_equal_a_slow_forward(tensors, picture, pooling):
    mean = np.array([103.939, 116.779, 123.68])[:, None, None]
    expected = slow_vgg19(picture[0].numpy()[::-1] * 255 - mean, tensors, pooling)
    network = VGG19(tensors, CAFFE, LAYERS, pooling, dtype=torch.float64)
    found = network(picture, LAYERS)
    assert list(found) == list(LAYERS)
    found |= network(picture, CONVOLUTIONS)
    for name in LAYERS + CONVOLUTIONS:
        np.testing.assert_allclose(found[name][0].numpy(), expected[name], rtol=1e-4, atol=1e-4 * expected[name].max())


def test_the_weights_decide_how_wide_layers_are_and_heads_what_is_seen_of_them(picture):
    plain = narrow_tensors(5)
    heads = {"heads.relu4_2.weight": torch.randn(7, 5, 1, 1), "heads.relu4_2.bias": torch.randn(7)}
    preprocessing = Preprocessing("RGB", 1, (0.0, 0.0, 0.0))
    expected = slow_vgg19(picture[0].numpy(), plain, "max")
    network = VGG19(plain | heads, preprocessing, ("relu5_1",), dtype=torch.float64)
    found = network(picture, ("relu3_1", "relu4_2", "relu5_1"))
    head = heads["heads.relu4_2.weight"][:, :, 0, 0].double().numpy()
    expected["relu4_2"] = (
        np.einsum("oc,chw->ohw", head, expected["relu4_2"])
        + heads["heads.relu4_2.bias"].double().numpy()[:, None, None]
    )
    for name, features in found.items():
        np.testing.assert_allclose(features[0].numpy(), expected[name], rtol=1e-4, atol=1e-6)


def test_pictures_of_a_batch_do_not_know_of_each_other(tensors):
    network = VGG19(tensors, CAFFE, ("relu4_2",))
    pictures = torch.rand(3, 3, 40, 33, generator=torch.Generator().manual_seed(0))
    together = network(pictures, ("relu1_1", "relu4_2"))
    for name, features in together.items():
        alone = torch.cat([network(picture[None], (name,))[name] for picture in pictures])
        torch.testing.assert_close(features, alone, rtol=1e-4, atol=1e-4 * alone.abs().max().item())


def test_torchvisions_preprocessing_and_gain(tensors, picture):
    mean = np.array([0.485, 0.456, 0.406])[:, None, None]
    deviation = np.array([0.229, 0.224, 0.225])[:, None, None]
    expected = slow_vgg19((picture[0].numpy() - mean) / deviation, tensors, "max")
    preprocessing = CATALOGUE["vgg19"].preprocessing
    found = VGG19(tensors, preprocessing, ("relu3_1",), dtype=torch.float64)(picture, ("relu3_1",))
    np.testing.assert_allclose(found["relu3_1"][0].numpy(), expected["relu3_1"] * preprocessing.gain, rtol=1e-3)


def test_features_are_rectified_and_not_overwritten_by_deeper_layers(network64, picture):
    alone = network64(picture, ("relu1_1",))["relu1_1"].clone()
    together = network64(picture, ("relu1_1", "relu2_1", "relu3_1"))
    assert torch.equal(together["relu1_1"], alone)
    assert all((features >= 0).all() for features in together.values())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_convolution_is_not_rectified_by_what_comes_after_it(tensors, picture, dtype):
    """As it is where ReLUs work in place: what was captured is then no longer what the layer gave."""
    network = VGG19(tensors, CAFFE, ("conv4_2",), dtype=dtype)
    found = network(picture.to(dtype), ("conv4_1", "relu4_1", "conv4_2"))
    assert list(found) == ["conv4_1", "relu4_1", "conv4_2"]
    assert torch.equal(found["conv4_1"].relu(), found["relu4_1"])
    assert (found["conv4_2"] < 0).any()
    assert network.channels("conv4_2") == network.channels("relu4_1") == 512
    assert network.bytes_per_pixel(["conv4_1"]) > network.bytes_per_pixel(["relu4_1"])


def test_nothing_deeper_than_asked_for_is_kept_or_computed(tensors):
    network = VGG19(tensors, CAFFE, ("relu2_1", "relu1_2"))
    assert len(network.convolutions) == 3
    cut = {name: tensor for name, tensor in tensors.items() if int(name.split(".")[1]) <= 5}
    VGG19(cut, CAFFE, ("relu2_1",))  # needs no more than these


def test_parameters_are_frozen(network64):
    assert not any(parameter.requires_grad for parameter in network64.parameters())


def test_gradient_reaches_the_picture(network64, picture):
    small = picture[:, :, :9, :8].clone().requires_grad_()
    for layers in (("relu2_1",), ("conv1_2", "relu1_2", "conv2_1")):
        assert torch.autograd.gradcheck(
            lambda x, layers=layers: sum(f.pow(3).mean() for f in network64(x, layers).values()), small
        )


def test_bfloat16_stays_near_float32(tensors, picture):
    exact = VGG19(tensors, CAFFE)(picture.float(), LAYERS)
    short = VGG19(tensors, CAFFE, dtype=torch.bfloat16)(picture.float(), LAYERS)
    for name, features in short.items():
        assert features.dtype == torch.bfloat16
        assert ((features.float() - exact[name]).norm() / exact[name].norm()).item() < 0.03


def test_the_mean_colour_is_not_rounded_to_bfloat16(tensors):
    """A picture of nothing but the mean is seen as nothing but the biases, in every number format."""
    mean = torch.tensor([123.68, 116.779, 103.939]).view(1, 3, 1, 1).expand(1, 3, 8, 8) / 255
    seen = VGG19(tensors, CAFFE, ("relu1_1",), dtype=torch.bfloat16)(mean, ("relu1_1",))["relu1_1"].float()
    biases = tensors["features.0.bias"].relu().view(1, -1, 1, 1)
    assert (seen - biases).abs().max() < 2e-3


def test_smallest_pictures():
    assert [min_side((name,)) for name in ("relu1_2", "relu2_1", "relu3_4", "relu4_1", "relu5_1")] == [
        1,
        2,
        4,
        8,
        16,
    ]


def test_the_smallest_picture_works_and_a_smaller_one_does_not(tensors):
    network = VGG19(tensors, CAFFE, ("relu5_1",))
    assert network(torch.zeros(1, 3, 16, 16), ("relu5_1",))["relu5_1"].shape == (1, 512, 1, 1)
    with pytest.raises(RuntimeError):
        network(torch.zeros(1, 3, 15, 16), ("relu5_1",))


def test_unknown_layers_are_refused(tensors):
    with pytest.raises(SettingsError, match=r"got 'fc6', wanted one of VGG19's: relu1_1"):
        VGG19(tensors, CAFFE, ("fc6",))


def test_parameter_table_is_vgg19():
    shapes = parameter_shapes()
    assert sum(torch.Size(shape).numel() for shape in shapes.values()) == 20_024_384  # torchvision's features
    assert [int(name.split(".")[1]) for name in shapes if name.endswith("bias")] == INDEXES


def test_gain_scales_features_exactly():
    generator = torch.Generator().manual_seed(0)
    tensors = {name: torch.randn(shape, generator=generator) * 0.05 for name, shape in parameter_shapes().items()}
    plain, scaled = (Preprocessing("RGB", 1, (0.5, 0.5, 0.5), gain=gain) for gain in (1.0, 4.0))
    x = torch.rand(1, 3, 8, 8, generator=generator)
    one, four = (VGG19(tensors, p, ("relu2_2",))(x, ("relu2_2",))["relu2_2"] for p in (plain, scaled))
    torch.testing.assert_close(four, 4 * one)
