"""Masks as people draw them: white on black, a brush of any colour on black or on nothing, labels 0 and 1.

What paints is what was drawn. Where that cannot be known, as with red on white, nothing is guessed.
"""

import math
from typing import NamedTuple

import numpy as np
import torch
from PIL import ImageChops

from scumble.errors import ImageError
from scumble.image.files import Picture
from scumble.style.preparation.flat_colours import in_8_bits, labelled, large_numbers

LARGEST_LABEL = 15
"""A mask that is nowhere brighter, of 255, was numbered by a program: a soft mask reaches further."""

COLOURED = 48
"""Of 255, how far a colour's channels are apart: more than JPEG and scanners make of a grey."""

BLACK, WHITE = 48, 200
"""Of 255: colours whose every channel is at most, or at least, that."""

LEAST_SHARE = 0.005
"""Of the pixels; fewer are specks."""

LOOKED_AT = 1_000_000
"""Pixels that tell whether a mask was drawn with one brush; of larger masks, so many are taken from all over."""

DRAW = "draw with white on black, or with any colour on black or on nothing"

FEW_VALUES = 4
"""A mask of no more was written by a program; JPEG makes more."""

FAINT = 0.9
"""A mask that nowhere reaches this is told of: its maker may have meant white."""


class Drawn(NamedTuple):
    """A mask (1, 1, H, W) in [0, 1], and what to tell about how it was understood."""

    values: torch.Tensor
    remark: str | None


def drawn(mask: Picture) -> Drawn:
    """How much of each place is inside of what somebody drew.

    Raises:
        ImageError: if nothing was drawn, or it cannot be known which part was.
    """
    if (numbers := large_numbers(mask)) is not None:
        values, remark = _labels(mask, numbers)
        return Drawn(torch.from_numpy(values.astype(np.float32))[None, None], remark)
    mask = in_8_bits(mask)
    red, green, blue = mask.rgb.split()
    brightest = np.asarray(ImageChops.lighter(ImageChops.lighter(red, green), blue))
    darkest = np.asarray(ImageChops.darker(ImageChops.darker(red, green), blue))
    coloured = brightest - darkest > COLOURED
    remark = None
    if mask.alpha is not None:
        values, remark = _on_nothing(mask, brightest, coloured)
    elif coloured.mean() > LEAST_SHARE:
        values = _in_colour(mask, brightest, coloured, darkest >= WHITE)
    elif brightest.max() <= LARGEST_LABEL:
        values, remark = _labels(mask, brightest)
    else:
        values = brightest / np.float32(255)
        small = (brightest > 0) & (brightest <= LARGEST_LABEL)
        if small.mean() > LEAST_SHARE and len(np.unique(brightest)) <= FEW_VALUES:
            remark = f"the mask {mask.name}: what is {brightest[small].max()} of 255 and less counts as black"
    if values.max() < FAINT:
        remark = f"the mask {mask.name} is faint: {values.max():.0%} white at most, and counts no more than that"
    return Drawn(torch.from_numpy(values.astype(np.float32))[None, None], remark)


def _on_nothing(mask: Picture, brightest: np.ndarray, coloured: np.ndarray) -> tuple[np.ndarray, str | None]:
    """With a brush on a transparent ground: of any colour, unless both white and black were used."""
    opacity = np.asarray(mask.alpha, np.float32) / 255
    seen = opacity > opacity.max() / 2
    if not seen.any():
        raise ImageError(f"the mask {mask.name} is transparent all over: its style would paint nothing")
    shades = brightest[seen]
    if shades.max() >= WHITE and shades.min() <= BLACK and coloured[seen].mean() <= LEAST_SHARE:
        return opacity * (brightest / np.float32(255)), None
    return opacity, f"the mask {mask.name}: what is not transparent is painted, whatever its colour"


def _in_colour(mask: Picture, brightest: np.ndarray, coloured: np.ndarray, white: np.ndarray) -> np.ndarray:
    """With brushes of any colour on black, dark ones too; where there is but one, it may be soft."""
    if white.mean() > LEAST_SHARE:
        raise ImageError(
            f"the mask {mask.name} holds both white and colours: which of them is to be painted cannot be known", DRAW
        )
    shade = brightest / np.float32(brightest.max())
    every = math.ceil(math.sqrt(shade.size / LOOKED_AT))
    some, pixels = shade[::every, ::every], np.asarray(mask.rgb)[::every, ::every]
    colour = np.median(pixels[some > 0.95 * some.max()], 0)
    if (np.abs(pixels - some[..., None] * colour).max(2) <= COLOURED).mean() > 1 - LEAST_SHARE:
        return shade  # of one colour, soft or hard
    try:
        colours, labels = labelled(mask)
    except ImageError:
        raise ImageError(f"the mask {mask.name} holds many colours, as a photograph does", DRAW) from None
    is_black = colours.max(1) <= BLACK
    if not is_black.any():
        raise ImageError(
            f"the mask {mask.name} holds {len(colours)} colours and no black: what is outside cannot be known", DRAW
        )
    return (~is_black)[labels]


def _labels(mask: Picture, numbers: np.ndarray) -> tuple[np.ndarray, str | None]:
    """Small whole numbers: 0 is outside."""
    found = np.unique(numbers)
    if not found.any():
        raise ImageError(f"the mask {mask.name} is black all over: its style would paint nothing")
    listed = ", ".join(map(str, found))
    if found.all() and len(found) > 1:
        raise ImageError(
            f"the mask {mask.name} holds the numbers {listed}: wanted 0 for what is outside",
            "--content-map and --style-map take regions by their numbers",
        )
    several = f"the mask {mask.name} holds the numbers {listed}: all but 0 are painted"
    return numbers > 0, several if len(found) > 2 else None
