"""Masks as people draw them."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from scumble.errors import ImageError
from scumble.image.files import load
from scumble.style.preparation.drawn import drawn

LEFT = np.zeros((40, 60), bool)
LEFT[:, :30] = True
BLACK, WHITE, RED, BLUE, NAVY = (0, 0, 0), (255, 255, 255), (255, 0, 0), (0, 0, 255), (0, 0, 128)


def two(inside, outside=0) -> np.ndarray:
    """The left half in one colour, the right half in another."""
    inside, outside = np.array(inside, np.uint8), np.array(outside, np.uint8)
    return np.where(LEFT if inside.ndim == 0 else LEFT[..., None], inside, outside).astype(np.uint8)


def saved(image: Image.Image, kind: str, **options) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return Image.open(buffer)


def palette(indexes: np.ndarray, colours: list[int]) -> Image.Image:
    image = Image.fromarray(indexes, "P")
    image.putpalette(colours)
    return image


@pytest.mark.parametrize(
    "mask",
    [
        two(255),
        two(1),
        two(7),
        Image.fromarray(two(255)).convert("1"),
        two(WHITE),
        two(RED),
        two(BLUE),
        two(NAVY),
        two((40, 200, 90)),
        palette(two(1), [0, 0, 0, 128, 0, 0]),
        two((*RED, 255)),
        two((*BLUE, 255)),
        two((*BLACK, 255)),
        two((*WHITE, 255)),
        two((130, 130, 130, 255)),
        two((*WHITE, 255), (*WHITE, 0)),
        two((*RED, 255), (*WHITE, 0)),
        LEFT,
    ],
)
def test_what_was_drawn_is_the_mask(mask):
    values, remark = drawn(load(mask))
    assert torch.equal(values[0, 0], torch.from_numpy(LEFT).float())
    assert remark is None or "whatever its colour" in remark


@pytest.mark.parametrize("colour", [RED, BLUE, NAVY])
def test_colours_survive_jpeg_and_soft_brushes(colour):
    values, _ = drawn(load(saved(Image.fromarray(two(colour)), "JPEG", quality=90)))
    assert values[..., :26].min() > 0.8
    assert values[..., 34:].max() < 0.2
    ramp = (np.linspace(0, 1, 60)[None, :, None] * np.array(colour)).repeat(40, 0).astype(np.uint8)
    values, _ = drawn(load(ramp))
    assert values[0, 0, 0].tolist() == pytest.approx(np.linspace(0, 1, 60).tolist(), abs=0.02)


def test_several_colours_are_all_painted_with_however_dark():
    pixels = two(RED)
    pixels[:20, :30] = NAVY
    assert torch.equal(drawn(load(pixels)).values[0, 0], torch.from_numpy(LEFT).float())


def test_labels_are_told_of_where_there_are_several():
    pixels = two(1)
    pixels[:20, :30] = 2
    values, remark = drawn(load(pixels, "labels"))
    assert torch.equal(values[0, 0], torch.from_numpy(LEFT).float())
    assert remark == "the mask labels holds the numbers 0, 1, 2: all but 0 are painted"


def test_a_soft_mask_is_what_it_was():
    ramp = np.arange(256, dtype=np.uint8)[None].repeat(8, 0)
    assert torch.equal(drawn(load(ramp)).values[0, 0], torch.from_numpy(ramp / np.float32(255)))
    soft = np.dstack([np.zeros((8, 256, 3), np.uint8), ramp])
    assert torch.equal(drawn(load(soft)).values[0, 0], torch.from_numpy(ramp / np.float32(255)))


def test_white_and_black_on_nothing_are_white_and_black():
    pixels = np.dstack([two(WHITE), np.full(LEFT.shape, 255, np.uint8)])
    pixels[:10, :, 3] = 0
    values, _ = drawn(load(pixels))
    expected = LEFT.copy()
    expected[:10] = False
    assert torch.equal(values[0, 0], torch.from_numpy(expected).float())


def test_faint_masks_are_told_of():
    for mask in (two(128), two((*RED, 128))):
        values, remark = drawn(load(mask, "m"))
        assert values.max().item() == pytest.approx(128 / 255)
        assert remark == "the mask m is faint: 50% white at most, and counts no more than that"
    with_void = two(1)
    with_void[:, 28:32] = 255
    _, remark = drawn(load(with_void, "m"))
    assert remark == "the mask m: what is 1 of 255 and less counts as black"


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (two(0), "black all over"),
        (two((*RED, 0)), "transparent all over"),
        (two(RED, WHITE), "holds both white and colours"),
        (two(RED, BLUE), "holds 2 colours and no black"),
        (np.random.default_rng(0).integers(0, 190, (40, 60, 3), np.uint8), "holds many colours"),
        (two(1, 2), "holds the numbers 1, 2: wanted 0 for what is outside"),
    ],
)
def test_nothing_is_guessed(mask, message):
    with pytest.raises(ImageError, match=message):
        drawn(load(mask, "m"))


def test_all_of_one_number_is_everything():
    assert drawn(load(two(1, 1))).values.min() == 1
    assert drawn(load(two(RED, RED))).values.min() == 1
