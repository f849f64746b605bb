"""The colour modes of one pass: what goes in grey or recoloured, and what is made of it afterwards, in NumPy.

As `scumble.style.preparation.colour` has it in PyTorch. Pictures are (H, W, 3) in [0, 1], with sRGB's curve.
"""

import numpy as np

from scumble.style.feedforward.moments import moments, transport
from scumble.style.feedforward.stylizer import levels
from scumble.style.preparation.bounds import LUMA

RIDGES = 1e-5, 1e-5
"""Added to the variances of colours, in parts of both pictures' own: a grey one has directions without any."""

ROWS = 256
"""Rows that are finished at once: a large picture is not to be there in floats as a whole."""


def luminance(picture: np.ndarray) -> np.ndarray:
    """(H, W, 1): the brightness of each pixel."""
    return (picture @ np.array(LUMA, picture.dtype))[..., None]


def grey_like(picture: np.ndarray, model: np.ndarray, visible: np.ndarray | None) -> np.ndarray:
    """`picture` in grey, with the mean and the standard deviation of the brightness of `model`.

    What counts of `picture` is what is `visible`, (H, W); None for all of it.
    """
    brightness, wanted = luminance(picture), luminance(model)
    here, there = moments(brightness[None, ..., 0], visible), moments(wanted[None, ..., 0])
    spread = (there.covariance.item() / max(here.covariance.item(), 1e-12)) ** 0.5
    moved = (brightness - here.mean.item()) * spread + there.mean.item()
    return np.repeat(moved.clip(0, 1).astype(np.float32), 3, axis=2)


def matched(picture: np.ndarray, model: np.ndarray, visible: np.ndarray | None) -> np.ndarray:
    """`picture` with the mean and the covariance of the colours of `model`; `visible` as of `grey_like`."""
    here, there = moments(picture.transpose(2, 0, 1), visible), moments(model.transpose(2, 0, 1))
    way = transport(here, there, RIDGES)
    return way.of(picture).clip(0, 1)


def finished(canvas: np.ndarray, photograph: np.ndarray, colour: str, grey: bool, bits: int) -> np.ndarray:
    """A picture in its final colours, in integers of so many bits.

    Args:
        canvas: what was painted.
        photograph: (H, W, 3), uint8, in its own colours.
        colour: "content", whose chroma is taken; or another mode, which has done its part before.
        grey: whether nothing has a colour that the picture is made of.
        bits: of the result, 8 or 16.
    """
    result = np.empty(canvas.shape, np.uint8 if bits == 8 else np.uint16)
    for top in range(0, len(canvas), ROWS):
        rows = slice(top, top + ROWS)
        picture = canvas[rows]
        if grey:
            picture = np.repeat(luminance(picture), 3, axis=2)
        elif colour == "content":
            picture = _with_chroma(picture, photograph[rows].astype(np.float32) / 255)
        result[rows] = levels(picture, bits)
    return result


def _with_chroma(picture: np.ndarray, model: np.ndarray) -> np.ndarray:
    """The brightness of one picture with the chroma of another; where they do not fit, the brightness gives way."""
    chroma = model - luminance(model)
    darkest = (-chroma).max(2, keepdims=True)
    brightest = 1 - chroma.max(2, keepdims=True)
    return luminance(picture).clip(darkest, brightest) + chroma
