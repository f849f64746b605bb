"""Pictures piece by piece: where pieces lie, what is seen around them, and which part of that is theirs.

A piece sees as much around itself as its neurons do, and the noise is drawn for the whole picture: cut into pieces or
not, the picture is the same to within rounding.
"""

import itertools
import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from scumble.style.feedforward.shapes import NOISE

STEP = 8
"""Sides of what the networks are given are multiples of this many pixels."""

LARGEST = 1024
"""Pixels of a piece's sides, without what it sees around itself."""

MARGIN, DECODED_MARGIN = 80, 48
"""Pixels that are seen around a piece by the trunk for the decoder, and by the decoder: 79 and 42 are enough."""

Source = Callable[[range, range], np.ndarray]
"""Rows and columns of a picture, or of what its border is repeated to beyond it -> (1, 3, h, w) in float32."""


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
                values[:, :, *(slice(span.start // places, span.stop // places) for span in self.decoded)]
            )
            for places, values in whole.items()
        }

    def finished(self, decoded: np.ndarray, sides: tuple[int, int]) -> tuple[tuple[slice, slice], np.ndarray]:
        """Rows and columns that lie inside a picture of these (height, width), and (h, w, 3) for them."""
        rows, columns = (slice(span.start, min(span.stop, side)) for span, side in zip(self.core, sides, strict=True))
        top, left = (span.start for span in self.decoded)
        part = decoded[0, :, rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
        return (rows, columns), part.transpose(1, 2, 0)


def pieces(sides: tuple[int, int]) -> Iterator[Piece]:
    """All of a picture of these (height, width), multiples of STEP, row by row."""
    for core in itertools.product(*(_spans(side) for side in sides)):
        decoded, seen = (
            tuple(
                slice(max(0, span.start - margin), min(side, span.stop + margin))
                for span, side in zip(core, sides, strict=True)
            )
            for margin in (DECODED_MARGIN, MARGIN)
        )
        yield Piece(core, decoded, seen)  # pyright: ignore[reportArgumentType]


def whole_steps(length: int) -> int:
    """A length rounded up to steps.

    Example:
        >>> whole_steps(49)
        56
    """
    return math.ceil(length / STEP) * STEP


def drawn(sides: tuple[int, int], seed: int) -> dict[int, np.ndarray]:
    """Noise for a whole picture of these (height, width), by the width of a place in pixels."""
    random = np.random.default_rng(seed)
    return {
        places: random.standard_normal((1, NOISE, *(side // places for side in sides)), np.float32) for places in (8, 4)
    }


def cut(picture: np.ndarray, rows: range, columns: range) -> np.ndarray:
    """These of (H, W, C) as (1, C, h, w) in float32; beyond the border, it is repeated."""
    (top, bottom, above, below), (left, right, before, behind) = (
        _inside(span, length) for span, length in zip((rows, columns), picture.shape[:2], strict=True)
    )
    part = floats(picture[top:bottom, left:right].transpose(2, 0, 1))[None]
    return np.pad(part, ((0, 0), (0, 0), (above, below), (before, behind)), "edge")


def floats(picture: np.ndarray) -> np.ndarray:
    """Bytes as numbers in [0, 1]; floats as they are."""
    if picture.dtype == np.uint8:
        return np.divide(picture, 255, dtype=np.float32, order="C")
    return np.ascontiguousarray(picture, np.float32)


def _spans(length: int) -> list[slice]:
    """Pieces of a length, in steps, about equal."""
    count = math.ceil(length / LARGEST)
    edges = [round(piece * length / STEP / count) * STEP for piece in range(count)] + [length]
    return [slice(first, last) for first, last in itertools.pairwise(edges)]


def _inside(span: range, length: int) -> tuple[int, int, int, int]:
    """The part of a span that lies in a length, and how many are missing before and behind."""
    first, last = max(0, span.start), min(length, span.stop)
    return first, last, first - span.start, span.stop - last
