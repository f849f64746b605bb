"""The table of VGG19's layers, against torchvision's own numbering as its published weights have it."""

import re

from scumble.perceptual.layers import BLOCKS, LAYERS, convolutions, numbered

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
