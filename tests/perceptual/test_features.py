"""Features for everybody: the network's own, from any kind of picture, with a gradient."""

import doctest

import numpy as np
import pytest
import torch
from PIL import Image

import scumble
from conftest import photograph
from scumble.device import Placement
from scumble.errors import ImageError, SettingsError
from scumble.events import returned
from scumble.image import files
from scumble.image.tensors import to_tensor
from scumble.perceptual import backbones, catalogue
from scumble.perceptual import features as module


def test_the_examples_are_right():
    assert doctest.testmod(module).failed == 0


def test_a_picture_is_seen_as_painting_sees_it(content_file):
    network = returned(backbones.load("pocket", ["relu4_2"], Placement(torch.device("cpu"), torch.float32, ""))).network
    expected = network(to_tensor(files.load(content_file)), ["relu1_1", "relu4_2"])
    for picture in (content_file, str(content_file), Image.open(content_file), np.asarray(photograph())):
        seen = scumble.features(picture, ["relu4_2", "relu1_1"], size=None)
        assert list(seen) == ["relu4_2", "relu1_1"]
        for name, found in seen.items():
            torch.testing.assert_close(found, expected[name])
            assert found.is_contiguous()
            assert found.dtype == torch.float32


def test_a_picture_is_made_so_large(content_file):
    assert scumble.features(content_file, "relu1_1", size=96)["relu1_1"].shape == (1, 16, 80, 96)
    assert scumble.features(content_file, 6)["relu2_1"].shape[2:] == (427 // 2, 512 // 2)


def test_a_gradient_reaches_the_tensor():
    picture = torch.rand(2, 3, 16, 24, requires_grad=True)
    seen = scumble.features(picture, ["relu1_1", "relu5_1"])
    assert seen["relu5_1"].shape == (2, 128, 1, 1)
    sum(found.mean() for found in seen.values()).backward()
    assert picture.grad is not None
    assert picture.grad.is_contiguous()  # torch's L-BFGS wants it so
    assert picture.grad.abs().sum() > 0


def test_the_network_is_read_once(monkeypatch):
    scumble.features(torch.zeros(1, 3, 16, 16), "relu1_1")
    monkeypatch.setattr(backbones, "load", None)
    scumble.features(torch.zeros(1, 3, 16, 16), "relu5_1")


def test_the_networks_have_the_layers_that_are_listed(tensors, weights_file, monkeypatch, tmp_path):
    monkeypatch.setenv("SCUMBLE_WEIGHTS", str(tmp_path))
    (tmp_path / "vgg19-caffe-features.safetensors").write_bytes(weights_file.read_bytes())
    module._network.cache_clear()
    try:
        listed = scumble.layers("vgg19-caffe")
        seen = scumble.features(torch.rand(1, 3, 16, 16), list(listed), backbone="vgg19-caffe")
        assert list(seen) == list(listed.values())
        assert len(listed) == 32
        assert torch.equal(seen["conv4_2"].relu(), seen["relu4_2"])
    finally:
        module._network.cache_clear()


@pytest.mark.parametrize(
    ("picture", "layers", "options", "error", "message"),
    [
        (torch.zeros(3, 16, 16), ["relu1_1"], {}, SettingsError, r"float32 of shape \(3, 16, 16\), wanted floats of"),
        (torch.zeros(1, 3, 9, 9, dtype=torch.uint8), 1, {}, SettingsError, "got a tensor, uint8 of shape"),
        (torch.zeros(1, 3, 15, 99), ["relu1_1", "relu5_1"], {}, ImageError, "with 99x15 pixels; relu5_1 needs 16x16"),
        (torch.zeros(1, 3, 16, 16), "conv4_2", {}, SettingsError, r"wanted one of pocket's: .* vgg19-caffe has all"),
        (torch.zeros(1, 3, 16, 16), 4, {}, SettingsError, "got 4, which is pool1"),
        (torch.zeros(1, 3, 16, 16), [], {}, SettingsError, "layers: got none"),
        (torch.zeros(1, 3, 16, 16), 1, {"backbone": "inception"}, SettingsError, "got 'inception', wanted one of"),
        (photograph(), 1, {"size": 0}, SettingsError, "size: got 0, wanted 1 to 65,536"),
        (photograph(), 29, {"size": 12}, ImageError, "with 12x10 pixels; relu5_1 needs 16x16"),
        (7, 1, {}, ImageError, "got int, wanted a path"),
    ],
)
def test_what_cannot_be_seen_is_refused(picture, layers, options, error, message):
    with pytest.raises(error, match=message):
        scumble.features(picture, layers, **options)


def test_layers_are_those_of_the_catalogue():
    assert {name for name in backbones.BACKBONES if scumble.layers(name)} <= set(catalogue.CATALOGUE)
    with pytest.raises(SettingsError, match="backbone: got 'alexnet'"):
        scumble.layers("alexnet")
