"""The table of VGG19's layers, against torchvision's own numbering as its published weights have it."""

import re

import pytest

from scumble.errors import SettingsError
from scumble.perceptual.layers import BLOCKS, CONVOLUTIONS, LAYERS, check_layers, convolutions, down_to, named, numbered

# models/vgg.py of torchvision: configuration "E", M being a pooling; a ReLU follows each convolution.
TORCHVISION = "64 64 M 128 128 M 256 256 256 256 M 512 512 512 512 M 512 512 512 512 M"


def test_the_numbers_are_those_of_torchvision():
    kinds = [k for step in TORCHVISION.split() for k in (["pool"] if step == "M" else ["conv", "relu"])]
    assert [re.sub(r"[\d_]", "", name) for name in numbered()] == kinds
    widths = [int(step) for step in TORCHVISION.split() if step != "M"]
    assert [width for block in BLOCKS for width in block] == widths


def test_a_convolution_has_the_number_of_its_parameters():
    names = numbered()
    for layer, index, _, _ in convolutions():
        assert (names[index], names[index + 1]) == (layer.replace("relu", "conv"), layer)
    assert [name for name in names if name.startswith("relu")] == list(LAYERS)


def test_a_number_is_a_name_and_a_pooling_is_no_layer():
    for number, name in enumerate(numbered()):
        if name.startswith("pool"):
            with pytest.raises(SettingsError, match=f"got {number}, which is {name}, wanted the number of a conv"):
                named(number)
        else:
            assert named(number) == named(str(number)) == named(name) == name
    for number in (-1, 37, "40"):
        with pytest.raises(SettingsError, match=f"got {number}, wanted the number of a convolution"):
            named(number)


def test_a_convolution_is_as_deep_as_its_relu():
    assert down_to(["conv2_1"]) == down_to(["relu2_1", "conv1_2"]) == ("relu1_1", "relu1_2", "relu2_1")
    assert down_to([CONVOLUTIONS[-1]]) == LAYERS


def test_unknown_layers_are_told_with_those_that_there_are():
    check_layers(LAYERS + CONVOLUTIONS)
    with pytest.raises(SettingsError, match=r"got 'pool1', wanted one of VGG19's: relu1_1, .*, relu5_4, and conv"):
        check_layers(["pool1"])
    with pytest.raises(
        SettingsError, match=r"got 'conv1_1', wanted one of small's: relu1_1 \(the backbone vgg19-caffe has all"
    ):
        check_layers(["conv1_1"], ("relu1_1",), "small")
