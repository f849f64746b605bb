"""The feature networks by name."""

import pytest

from scumble import device
from scumble.errors import SettingsError
from scumble.perceptual import backbones
from scumble.perceptual.catalogue import CATALOGUE


def test_inception_is_no_backbone():
    assert backbones.BACKBONES == ("pocket", "vgg19-caffe", "vgg19")
    with pytest.raises(SettingsError, match="backbone: got 'inception', wanted one of pocket, vgg19-caffe, vgg19$"):
        next(backbones.load("inception", ["relu1_1"], device.choose("cpu", "float32")))


def test_backbones_are_the_weights_whose_layers_can_be_asked_for():
    named = {name for name, entry in CATALOGUE.items() if entry.network in backbones.LAYERS_OF}
    assert set(backbones.BACKBONES) == named
