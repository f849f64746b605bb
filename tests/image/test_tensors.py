"""The border between pictures and tensors: exact there and back, rounded, and never changing its argument."""

import numpy as np
import pytest
import torch
from PIL import Image

from conftest import photograph
from scumble.image.files import load
from scumble.image.sizes import fit_longer_side, fit_shorter_side
from scumble.image.tensors import (
    cover,
    nearer,
    resize,
    to_array,
    to_image,
    to_tensor,
)


def test_there_and_back_is_exact():
    image = photograph()
    assert to_image(to_tensor(load(image))).tobytes() == image.tobytes()


def test_values_are_rounded_and_clipped_and_the_tensor_stays():
    tensor = torch.tensor([-1.0, 0.4999 / 255, 0.5001 / 255, 254.6 / 255, 7.0, 0.5]).view(1, 3, 1, 2)
    before = tensor.clone()
    array = to_array(tensor)
    assert array.transpose(2, 0, 1).ravel().tolist() == [0, 0, 1, 255, 255, 128]
    array[:] = 9
    assert torch.equal(tensor, before)


def test_16_bits_use_the_whole_range():
    array = to_array(torch.tensor([0.0, 0.5, 1.0]).view(1, 3, 1, 1), bits=16)
    assert array.dtype == np.uint16
    assert array.ravel().tolist() == [0, 32768, 65535]


@pytest.mark.parametrize(("size", "longer", "expected"), [((1024, 768), 682, (682, 512)), ((10, 1000), 20, (1, 20))])
def test_fitting_the_longer_side(size, longer, expected):
    assert fit_longer_side(size, longer) == expected


def test_fitting_the_shorter_side():
    assert fit_shorter_side((970, 768), 512) == (647, 512)


def test_resizing_averages_when_it_shrinks():
    checkerboard = (torch.arange(64)[:, None] + torch.arange(64)).remainder(2).float().expand(1, 3, 64, 64)
    assert (resize(checkerboard, (8, 8)) - 0.5).abs().max() < 0.02  # no aliasing


def test_resizing_agrees_with_pillow():
    image = photograph(97, 61)
    ours = resize(to_tensor(load(image)), (40, 30))
    theirs = np.asarray(image.resize((40, 30), Image.Resampling.BICUBIC), np.float32) / 255
    assert np.abs(to_array(ours).astype(float) / 255 - theirs).max() < 0.03


def test_covering_cuts_what_stands_over():
    wide = torch.zeros(1, 3, 10, 30)
    wide[..., 10:20] = 1
    assert cover(wide, (10, 10)).shape == (1, 3, 10, 10)
    assert (cover(wide, (10, 10)) == 1).all()
    tall = cover(torch.rand(1, 3, 33, 20), (24, 17))
    assert tall.shape == (1, 3, 17, 24)


def test_what_has_more_pixels_than_are_of_use_is_brought_nearer_and_looks_the_same():
    image = photograph(2403, 1601)
    near = nearer(load(image), (300, 200))
    assert near.size == (900, 600)
    for size in ((300, 200), (75, 50)):
        difference = resize(to_tensor(near), size) - resize(to_tensor(load(image)), size)
        assert difference.abs().max() * 255 < 1
        assert difference.square().mean().sqrt() * 255 < 0.2


@pytest.mark.parametrize(("size", "mode"), [((899, 700), "RGB"), ((900, 600), "RGB"), ((2000, 2000), "RGBA")])
def test_small_pictures_and_such_with_an_opacity_stay(size, mode):
    picture = load(photograph(*size).convert(mode))
    if mode == "RGBA":
        picture = load(Image.merge("RGBA", [*picture.rgb.split(), Image.linear_gradient("L").resize(size)]))
    assert nearer(picture, (300, 200)) is picture
