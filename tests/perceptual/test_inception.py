"""FID's Inception against the graph written out in float64, and against its quirks one by one."""

import math
from collections.abc import Mapping

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from scumble.perceptual.inception import Inception, parameter_shapes

pytestmark = pytest.mark.usefixtures("one_thread")


# --- The graph, written out: no table, no folding, averages counted by hand ------------------------------------------


class Graph:
    """TensorFlow's graph in float64, branch by branch; notes which parameters it took."""

    def __init__(self, tensors: Mapping[str, torch.Tensor]):
        self.tensors, self.taken = tensors, set()

    def take(self, name: str) -> torch.Tensor:
        self.taken.add(name)
        return self.tensors[name].double()

    def conv(self, x, name, stride=1, padding: int | tuple[int, int] = 0):
        x = F.conv2d(x, self.take(f"{name}.conv.weight"), None, stride, padding)
        names = ("running_mean", "running_var", "weight", "bias")
        return F.batch_norm(x, *(self.take(f"{name}.bn.{part}") for part in names), eps=0.001).relu()

    def a(self, x, name):
        five = self.conv(self.conv(x, f"{name}.branch5x5_1"), f"{name}.branch5x5_2", padding=2)
        three = self.conv(self.conv(x, f"{name}.branch3x3dbl_1"), f"{name}.branch3x3dbl_2", padding=1)
        three = self.conv(three, f"{name}.branch3x3dbl_3", padding=1)
        pool = self.conv(averaged(x), f"{name}.branch_pool")
        return torch.cat([self.conv(x, f"{name}.branch1x1"), five, three, pool], 1)

    def b(self, x, name):
        double = self.conv(self.conv(x, f"{name}.branch3x3dbl_1"), f"{name}.branch3x3dbl_2", padding=1)
        double = self.conv(double, f"{name}.branch3x3dbl_3", stride=2)
        return torch.cat([self.conv(x, f"{name}.branch3x3", stride=2), double, F.max_pool2d(x, 3, 2)], 1)

    def c(self, x, name):
        wide, high = (0, 3), (3, 0)
        seven, double = x, x
        for number, padding in enumerate((0, wide, high), 1):
            seven = self.conv(seven, f"{name}.branch7x7_{number}", padding=padding)
        for number, padding in enumerate((0, high, wide, high, wide), 1):
            double = self.conv(double, f"{name}.branch7x7dbl_{number}", padding=padding)
        pool = self.conv(averaged(x), f"{name}.branch_pool")
        return torch.cat([self.conv(x, f"{name}.branch1x1"), seven, double, pool], 1)

    def d(self, x, name):
        three = self.conv(self.conv(x, f"{name}.branch3x3_1"), f"{name}.branch3x3_2", stride=2)
        seven = self.conv(self.conv(x, f"{name}.branch7x7x3_1"), f"{name}.branch7x7x3_2", padding=(0, 3))
        seven = self.conv(seven, f"{name}.branch7x7x3_3", padding=(3, 0))
        return torch.cat([three, self.conv(seven, f"{name}.branch7x7x3_4", stride=2), F.max_pool2d(x, 3, 2)], 1)

    def e(self, x, name, pooled):
        def split(x, name):
            return [self.conv(x, f"{name}a", padding=(0, 1)), self.conv(x, f"{name}b", padding=(1, 0))]

        three = split(self.conv(x, f"{name}.branch3x3_1"), f"{name}.branch3x3_2")
        double = self.conv(self.conv(x, f"{name}.branch3x3dbl_1"), f"{name}.branch3x3dbl_2", padding=1)
        double = split(double, f"{name}.branch3x3dbl_3")
        pool = self.conv(pooled, f"{name}.branch_pool")
        return torch.cat([self.conv(x, f"{name}.branch1x1"), *three, *double, pool], 1)

    def features(self, x):
        """(N, 3, 299, 299) in [-1, 1] to (N, C)."""
        x = self.conv(x, "Conv2d_1a_3x3", stride=2)
        x = self.conv(self.conv(x, "Conv2d_2a_3x3"), "Conv2d_2b_3x3", padding=1)
        x = self.conv(F.max_pool2d(x, 3, 2), "Conv2d_3b_1x1")
        x = F.max_pool2d(self.conv(x, "Conv2d_4a_3x3"), 3, 2)
        for name in ("Mixed_5b", "Mixed_5c", "Mixed_5d"):
            x = self.a(x, name)
        x = self.b(x, "Mixed_6a")
        for name in ("Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e"):
            x = self.c(x, name)
        x = self.d(x, "Mixed_7a")
        x = self.e(x, "Mixed_7b", averaged(x))
        x = self.e(x, "Mixed_7c", F.max_pool2d(x, 3, 1, 1))
        assert x.shape[2:] == (8, 8)
        return x.flatten(2).sum(2) / 64


def averaged(x: torch.Tensor) -> torch.Tensor:
    """The sum over each 3 x 3 window by the number of its pixels that are in the picture."""
    ones = torch.ones(1, 1, 3, 3, dtype=x.dtype)
    sums = F.conv2d(x.flatten(0, 1)[:, None], ones, padding=1).view_as(x)
    return sums / F.conv2d(torch.ones_like(x[:1, :1]), ones, padding=1)


def resized(picture: np.ndarray) -> np.ndarray:
    """(H, W) to (299, 299): between the middles of the four nearest pixels, in float64, one coordinate at a time."""
    for axis in (0, 1):
        length = picture.shape[axis]
        places = ((np.arange(299) + 0.5) * length / 299 - 0.5).clip(0, length - 1)
        below = np.floor(places).astype(int)
        share = np.expand_dims(places - below, 1 - axis)
        lower, upper = (picture.take(index, axis) for index in (below, np.minimum(below + 1, length - 1)))
        picture = lower * (1 - share) + upper * share
    return picture


# --- Networks --------------------------------------------------------------------------------------------------------

NARROWER = 16


@pytest.fixture(scope="module")
def narrow(inception_tensors) -> dict[str, torch.Tensor]:
    """The same network with a sixteenth of the channels; inputs as much stronger as there are fewer of them."""
    tensors = {}
    for name, tensor in inception_tensors.items():
        tensor = tensor[: len(tensor) // NARROWER]
        if tensor.ndim > 1 and tensor.shape[1] > 3:
            tensor = tensor[:, : tensor.shape[1] // NARROWER] * NARROWER**0.5
        tensors[name] = tensor
    return tensors


@pytest.fixture(scope="module")
def network(inception_tensors) -> Inception:
    return Inception(inception_tensors)


def pictures(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def seen(network: Inception, x: torch.Tensor) -> torch.Tensor:
    """What the first block gets of pictures."""
    inputs = []
    hook = network.blocks["Conv2d_1a_3x3"].register_forward_pre_hook(lambda _, given: inputs.append(given[0]))
    network.features(x)
    hook.remove()
    return inputs[0]


# --- Tests -----------------------------------------------------------------------------------------------------------


def test_features_are_those_of_the_graph_written_out(narrow):
    x = pictures(2, 3, 299, 299).double()
    graph = Graph(narrow)
    expected = graph.features(2 * x - 1)
    found = Inception(narrow).double().features(x)
    assert (expected.std(0) > 0).double().mean() > 0.5  # the two pictures differ in most features
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5 * expected.max().item())
    assert graph.taken | {"fc.weight"} == set(parameter_shapes())


def test_there_are_as_many_parameters_as_published():
    sizes = {name: math.prod(shape) for name, shape in parameter_shapes().items()}
    kinds = ("conv.weight", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var", "fc.weight")
    count = {kind: sum(size for name, size in sizes.items() if name.endswith(kind)) for kind in kinds}
    assert len(sizes) == 94 * 5 + 1
    # Keras' summary of InceptionV3 without its classifier; it has no factors in its batch norm.
    assert sum(count.values()) - count["fc.weight"] - count["bn.weight"] == 21_802_784
    # torchvision's documentation of inception_v3: 1000 classes, their bias, and an auxiliary classifier.
    auxiliary = 768 * 128 + 2 * 128 + 128 * 768 * 25 + 2 * 768 + 769 * 1000
    classifier = 2049 * 1000
    assert count["conv.weight"] + count["bn.weight"] + count["bn.bias"] + classifier + auxiliary == 27_161_264
    assert parameter_shapes()["fc.weight"] == (1008, 2048)


@pytest.mark.parametrize("block", ["5b", "5c", "5d", "6b", "6c", "6d", "6e", "7b"])
def test_average_pooling_leaves_a_flat_picture_flat(narrow, block):
    """If the padding counted, a corner would have 4/9 of the middle's value."""
    inputs = narrow[f"Mixed_{block}.branch_pool.conv.weight"].shape[1]
    pool = Inception(narrow).blocks[f"Mixed_{block}"][3]
    out = pool(torch.rand(1, inputs, 1, 1, generator=torch.Generator().manual_seed(1)).expand(1, inputs, 5, 5))
    assert out.max() > 0
    torch.testing.assert_close(out, out[:, :, 2:3, 2:3].expand_as(out))


def test_only_the_last_block_pools_maxima(narrow):
    """Of one bright pixel with weights of 1, all nine pixels around have 1 as a maximum, and 1/9 as an average."""
    ones = dict(narrow)
    for block, peak in {"Mixed_7b": 1 / 9, "Mixed_7c": 1.0}.items():
        name = f"{block}.branch_pool"
        ones[f"{name}.conv.weight"] = torch.ones_like(narrow[f"{name}.conv.weight"])
        for part, value in {"weight": 1, "bias": 0, "running_mean": 0, "running_var": 1 - 0.001}.items():
            ones[f"{name}.bn.{part}"] = torch.full_like(narrow[f"{name}.bn.{part}"], value)
        x = torch.zeros(1, ones[f"{name}.conv.weight"].shape[1], 7, 7)
        x[0, 0, 3, 3] = 1
        expected = torch.zeros(7, 7)
        expected[2:5, 2:5] = peak
        for channel in Inception(ones).blocks[block][3](x)[0]:
            torch.testing.assert_close(channel, expected)


def test_batch_norms_epsilon_is_tensorflows(narrow):
    """Without a variance it is all that there is to divide by: (1 - 0.25) * 0.5 / sqrt(0.001) + 2."""
    tensors, name = dict(narrow), "Conv2d_3b_1x1"
    tensors[f"{name}.conv.weight"] = torch.ones_like(narrow[f"{name}.conv.weight"])
    for part, value in {"weight": 0.5, "bias": 2, "running_mean": 0.25, "running_var": 0}.items():
        tensors[f"{name}.bn.{part}"] = torch.full_like(narrow[f"{name}.bn.{part}"], value)
    x = torch.zeros(1, narrow[f"{name}.conv.weight"].shape[1], 1, 1)
    x[0, 0] = 1
    found = Inception(tensors).blocks[name](x)
    torch.testing.assert_close(found, torch.full_like(found, 0.75 * 0.5 / math.sqrt(0.001) + 2))


@pytest.mark.parametrize("size", [(32, 32), (299, 299), (640, 500), (1, 4)])
def test_pictures_are_resized_between_the_middles_of_pixels_without_averaging(narrow, size):
    x = pictures(1, 3, *size)
    found = seen(Inception(narrow), x)[0].numpy()
    expected = np.stack([2 * resized(channel) - 1 for channel in x[0].double().numpy()])
    np.testing.assert_allclose(found, expected, atol=2e-4)  # float32 places among 640 pixels
    if size == (299, 299):
        np.testing.assert_array_equal(found, 2 * x[0].numpy() - 1)


def test_black_is_minus_one_and_white_is_one(narrow):
    x = torch.zeros(2, 3, 40, 40)
    x[1] = 1
    black, white = seen(Inception(narrow), x)
    torch.testing.assert_close(black, -torch.ones(3, 299, 299))
    torch.testing.assert_close(white, torch.ones(3, 299, 299))


def test_logits_are_products_with_the_classes_weights_alone(inception_tensors, network):
    features = pictures(2, 2048, seed=2)
    found = network.logits(features)
    assert found.shape == (2, 1008)
    expected = np.einsum("nf,cf->nc", features.numpy(), inception_tensors["fc.weight"].numpy(), dtype=np.float64)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-4, atol=1e-4)
    assert (network.logits(torch.zeros(1, 2048)) == 0).all()


def test_a_picture_has_the_same_features_alone_and_among_others_of_any_size(network):
    for height, width in [(32, 32), (300, 40)]:
        x = pictures(2, 3, height, width, seed=height)
        together = network.features(x)
        assert together.shape == (2, 2048)
        assert together.min() >= 0
        tolerance = 1e-5 * together.max().item()
        assert (together[0] - together[1]).abs().max() > 100 * tolerance
        torch.testing.assert_close(network.features(x[1:]), together[1:], rtol=1e-5, atol=tolerance)


def test_nothing_of_it_is_trained(network):
    assert not any(parameter.requires_grad for parameter in network.parameters())
    before = network.features(pictures(1, 3, 32, 32))
    assert torch.equal(network.train().features(pictures(1, 3, 32, 32)), before)
