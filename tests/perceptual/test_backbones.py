"""The feature networks by name."""

import pytest

from scumble import device
from scumble.errors import SettingsError
from scumble.perceptual import backbones


def test_inception_is_no_backbone():
    assert backbones.BACKBONES == ("pocket", "vgg19-caffe", "vgg19")
    with pytest.raises(SettingsError, match="backbone: got 'inception', wanted one of pocket, vgg19-caffe, vgg19$"):
        next(backbones.load("inception", ["relu1_1"], device.choose("cpu", "float32")))
