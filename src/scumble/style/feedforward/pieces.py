"""Pictures piece by piece: where pieces lie, what is seen around them, and which part of that is theirs.

A piece sees as much around itself as its neurons do, and the noise is drawn for the whole picture: cut into pieces or
not, the picture is the same to within rounding.
"""

import itertools
import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from scumble.style.feedforward.shapes import GRAIN, NOISE

STEP = 8
"""Sides of what the networks are given are multiples of this many pixels."""

LARGEST = 1152
"""Pixels of a piece's sides, without what it sees around itself."""

MARGIN, DECODED_MARGIN = 96, 56
"""Pixels that are seen around a piece by the trunk for the decoder, and by the decoder: 91 and 54 are enough."""

BORDER = 16
"""Pixels by which a picture is continued before it is painted: its own are out of sight of the zeros beyond them, which
would leave a pale frame."""

Source = Callable[[range, range], np.ndarray]
"""Rows and columns of a picture, or of its reflection beyond its border -> (1, 3, h, w) in float32."""


class Piece(NamedTuple):
    """A part of a picture: (rows, columns) of what is painted, of what the decoder sees, and of what the trunk does."""

    core: tuple[slice, slice]
    decoded: tuple[slice, slice]
    seen: tuple[slice, slice]

    def inner(self, features: np.ndarray, places: int = 1) -> np.ndarray:
        """Of (1, C, h, w) that is seen, what is decoded; each place is so many pixels wide."""
        rows, columns = (
            slice((inner.start - outer.start) // places, (inner.stop - outer.start) // places)
            for inner, outer in zip(self.decoded, self.seen, strict=True)
        )
        return np.ascontiguousarray(features[:, :, rows, columns])

    def noise(self, whole: dict[int, np.ndarray]) -> dict[int, np.ndarray]:
        """Its part of the picture's noise."""
        return {
            places: np.ascontiguousarray(
                values[
                    :,
                    :,
                    *(slice((span.start + BORDER) // places, (span.stop + BORDER) // places) for span in self.decoded),
                ]
            )
            for places, values in whole.items()
        }

    def finished(self, decoded: np.ndarray, sides: tuple[int, int]) -> tuple[tuple[slice, slice], np.ndarray]:
        """Rows and columns that lie inside a picture of these (height, width), and (h, w, 3) for them."""
        rows, columns = (
            slice(max(0, span.start), min(span.stop, side)) for span, side in zip(self.core, sides, strict=True)
        )
        top, left = (span.start for span in self.decoded)
        part = decoded[0, :, rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
        return (rows, columns), part.transpose(1, 2, 0)


def pieces(sides: tuple[int, int]) -> Iterator[Piece]:
    """All of a picture of these (height, width), with its border, row by row."""
    for core in itertools.product(*(_spans(side) for side in sides)):
        decoded, seen = (
            tuple(_around(span, margin, side) for span, side in zip(core, sides, strict=True))
            for margin in (DECODED_MARGIN, MARGIN)
        )
        yield Piece(core, decoded, seen)  # pyright: ignore[reportArgumentType]


def continued(length: int) -> range:
    """A length in whole steps, with the border on both sides.

    Example:
        >>> continued(45)
        range(-16, 64)
    """
    return range(-BORDER, math.ceil(length / STEP) * STEP + BORDER)


def drawn(sides: tuple[int, int], seed: int) -> dict[int, np.ndarray]:
    """Noise for a whole picture of these (height, width), with its border, by the width of a place in pixels."""
    random, lengths = np.random.default_rng(seed), [len(continued(side)) for side in sides]
    shapes = {places: (1, NOISE, *(length // places for length in lengths)) for places in (8, 4)}
    return {places: np.float32(GRAIN) * random.standard_normal(shape, np.float32) for places, shape in shapes.items()}


def cut(picture: np.ndarray, rows: range, columns: range) -> np.ndarray:
    """These of (H, W, C) as (1, C, h, w) in float32; beyond the border, it is reflected."""
    at = [_reflected(span, length) for span, length in zip((rows, columns), picture.shape[:2], strict=True)]
    (top, bottom), (left, right) = ((indexes.min(), indexes.max() + 1) for indexes in at)
    part = picture[top:bottom, left:right]
    if part.shape[:2] != (len(rows), len(columns)):
        part = part[at[0] - top][:, at[1] - left]
    return floats(part.transpose(2, 0, 1))[None]


def floats(picture: np.ndarray) -> np.ndarray:
    """Bytes as numbers in [0, 1]; floats as they are."""
    if picture.dtype == np.uint8:
        return np.divide(picture, 255, dtype=np.float32, order="C")
    return np.ascontiguousarray(picture, np.float32)


def _spans(side: int) -> list[slice]:
    """Pieces of a side, in steps, about equal."""
    whole = continued(side)
    count = math.ceil(len(whole) / LARGEST)
    edges = [whole.start + round(piece * len(whole) / STEP / count) * STEP for piece in range(count)] + [whole.stop]
    return [slice(first, last) for first, last in itertools.pairwise(edges)]


def _around(span: slice, margin: int, side: int) -> slice:
    whole = continued(side)
    return slice(max(whole.start, span.start - margin), min(whole.stop, span.stop + margin))


def _reflected(span: range, length: int) -> np.ndarray:
    """The indexes of a span in a length that is reflected at both ends, again and again."""
    period = max(1, 2 * (length - 1))
    indexes = np.arange(span.start, span.stop) % period
    return np.minimum(indexes, period - indexes)
