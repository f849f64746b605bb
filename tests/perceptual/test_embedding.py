"""Pictures as points: which features of which network, whatever the batch."""

import numpy as np
import pytest
import safetensors.torch
import torch

from scumble import device
from scumble.errors import SettingsError, WeightsError
from scumble.events import returned
from scumble.perceptual import backbones, embedding
from scumble.perceptual.catalogue import CATALOGUE
from scumble.perceptual.inception import Inception
from scumble.perceptual.vgg import VGG19

pytestmark = pytest.mark.usefixtures("one_thread")

PLACEMENT = device.choose("cpu", "float32")


def pictures(count, channels=3, side=20, seed=0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, channels, side, side + 3), dtype=np.uint8)


@pytest.fixture
def weights_folder(tensors, inception_tensors, tmp_path, monkeypatch):
    """Networks with random weights, under the names that they are looked for."""
    for name, values in (("vgg19-caffe", tensors), ("inception", inception_tensors)):
        safetensors.torch.save_file(values, tmp_path / f"{name}-features.safetensors")
    monkeypatch.setenv("SCUMBLE_WEIGHTS", str(tmp_path))


def test_pocket_looks_at_pictures_of_any_size_and_at_grey_ones():
    look = returned(embedding.load("pocket", PLACEMENT))
    for shape in ((16, 16), (33, 20)):
        colour = np.random.default_rng(1).integers(0, 256, (3, 3, *shape), dtype=np.uint8)
        assert look.features(colour).shape == (3, look.width)
    grey = pictures(2, channels=1)
    np.testing.assert_array_equal(look.features(grey), look.features(grey.repeat(3, 1)))
    assert look.resize(28, 20) == "28x20"
    assert look.probabilities is None


def test_vgg19s_features_are_relu5_1_of_an_input_of_deviation_1_averaged_over_pixels(weights_folder, tensors):
    look = returned(embedding.load("vgg19-caffe", PLACEMENT))
    some = pictures(3, side=32)
    entry = CATALOGUE["vgg19-caffe"]
    network = VGG19(tensors, entry.preprocessing, ("relu5_1",), dtype=torch.float64)
    expected = network(torch.from_numpy(some).double() / 255, ("relu5_1",))["relu5_1"].mean((2, 3)) / 57.6
    np.testing.assert_allclose(look.features(some), expected, rtol=1e-3, atol=1e-4)
    assert (look.network, look.layer, look.width) == ("vgg19-caffe", "relu5_1", 512)


def test_inceptions_features_are_its_own_and_its_probabilities_the_softmax_of_its_logits(
    weights_folder, inception_tensors
):
    look = returned(embedding.load("inception", PLACEMENT))
    some = pictures(1)
    network = Inception(inception_tensors)
    features = network.features(torch.from_numpy(some).float() / 255)
    np.testing.assert_allclose(look.features(some), features, rtol=1e-4, atol=1e-5)
    assert look.probabilities is not None
    expected = network.logits(features).double().softmax(1)
    np.testing.assert_allclose(look.probabilities(features.numpy()), expected, rtol=1e-6)
    assert (look.width, look.resize(32, 20)) == (2048, "32x20 resized to 299x299")


def test_a_batch_has_as_many_pictures_as_memory_allows(weights_folder):
    look = returned(embedding.load("pocket", PLACEMENT))
    assert [look.batch(side, side) for side in (16, 64, 512, 4096)] == [1024, 64, 1, 1]


def test_networks_that_are_unknown_or_not_here_are_refused():
    with pytest.raises(SettingsError, match="network: got 'resnet', wanted one of pocket"):
        returned(embedding.load("resnet", PLACEMENT))
    with pytest.raises(WeightsError, match="inception are not on this machine"):
        returned(embedding.load("inception", PLACEMENT))


def test_every_set_of_weights_can_look():
    assert set(embedding.EMBEDDINGS) == set(CATALOGUE)
    assert set(backbones.BACKBONES) < set(embedding.EMBEDDINGS)
