"""Paints an array like what is known of a painting: its statistics first, then piece by piece, without seams.

A piece sees as much around itself as its neurons do, and the noise is drawn for the whole picture: cut into pieces or
not, the picture is the same to within rounding.
"""

import itertools
import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from scumble.style.feedforward import weights
from scumble.style.feedforward.moments import Affine, Known, coarse, moments, recoloured, transport
from scumble.style.feedforward.networks import Features, Networks
from scumble.style.feedforward.shapes import LAYERS, NOISE, STATISTICS

STEP = 8
"""Sides of what the networks are given are multiples of this many pixels."""

TILE = 1024
"""Pixels of a piece's sides, at most, without what it sees around itself."""

MARGIN, DECODED_MARGIN = 80, 48
"""Pixels that are seen around a piece, by the trunk for the decoder, and by the decoder: 37 and 42 would be enough."""


class Way(NamedTuple):
    """What carries a photograph to a painting: its features by layer, and its colours."""

    features: dict[str, Affine]
    colours: Affine


Piece = tuple[slice, slice]
"""Rows and columns of a picture."""


def known(networks: Networks, picture: np.ndarray, visible: np.ndarray | None = None) -> tuple[Known, Features]:
    """What there is to know of a picture, and its features.

    Args:
        networks: that look.
        picture: (H, W, 3), uint8 or floats in [0, 1].
        visible: (H, W) in [0, 1], how much each pixel counts; None for all alike.
    """
    height, width = picture.shape[:2]
    seen = cut(picture, range(-1, _whole(height) + 1), range(-1, _whole(width) + 1))
    features = networks.trunk(seen, tuple(STATISTICS))
    pixels = seen[0, :, 1:-1, 1:-1]
    weights_at = None if visible is None else cut(visible[:, :, None], *map(range, pixels.shape[1:]))[0, 0]
    found = {name: moments(of[0], _counts(weights_at, of.shape[2])) for name, of in features.items()}
    of_coarse = coarse(pixels)
    counts = None if weights_at is None else coarse(weights_at[None])[0]
    return Known(moments(pixels, weights_at), moments(of_coarse, counts), found), features


def _counts(visible: np.ndarray | None, height: int) -> np.ndarray | None:
    """How much a layer's places count."""
    if visible is None:
        return None
    side = visible.shape[0] // height
    return visible.reshape(height, side, -1, side).mean((1, 3))


def between(photograph: Known, painting: Known, strength: float) -> Way:
    """What carries a photograph that share of the way to a painting."""
    maps = {name: transport(photograph.features[name], painting.features[name]).part(strength) for name in LAYERS}
    return Way(maps, recoloured(photograph.coarse, painting.coarse).part(strength))


def painted(
    networks: Networks,
    photograph: np.ndarray,
    way: Way,
    numbers: weights.Numbers,
    seed: int,
    features: Features | None = None,
) -> Iterator[tuple[Piece, np.ndarray]]:
    """The pieces of a picture, with (h, w, 3) in float32 each, not held to [0, 1].

    Args:
        networks: that paint.
        photograph: (H, W, 3), uint8 or floats in [0, 1].
        way: to the painting.
        numbers: the decoder's, for the painting.
        seed: of the noise.
        features: of the photograph, if they are known.
    """
    decode = networks.decoder(numbers)
    height, width = photograph.shape[:2]
    sides = _whole(height), _whole(width)
    noise = drawn(sides, seed)
    for core in itertools.product(*(spans(side, TILE) for side in sides)):
        seen = [_around(span, side, MARGIN) for span, side in zip(core, sides, strict=True)]
        inner = [_around(span, side, DECODED_MARGIN) for span, side in zip(core, sides, strict=True)]
        pixels = cut(photograph, *(range(span.start - 1, span.stop + 1) for span in seen))
        found = features or networks.trunk(pixels, tuple(LAYERS))
        found = {name: _part(of, inner, seen, int(name[len("relu")])) for name, of in found.items() if name in LAYERS}
        rows, columns = (_relative(i, s) for i, s in zip(inner, seen, strict=True))
        base = in_colours(pixels[:, :, 1:-1, 1:-1][:, :, rows, columns], way.colours)
        here = {places: _noise_at(values, inner, places) for places, values in noise.items()}
        picture = decode(found, way.features, base, here)[0].transpose(1, 2, 0)
        rows, columns = (slice(s.start, min(s.stop, side)) for s, side in zip(core, (height, width), strict=True))
        yield (rows, columns), picture[_relative(rows, inner[0]), _relative(columns, inner[1])]


def in_colours(picture: np.ndarray, colours: Affine) -> np.ndarray:
    """A picture (1, 3, H, W), recoloured, within [0, 1]."""
    flat = colours.matrix.astype(np.float32) @ picture.reshape(3, -1)
    flat += colours.offset.astype(np.float32)[:, None]
    return np.clip(flat, 0, 1, out=flat).reshape(picture.shape)


def drawn(sides: tuple[int, int], seed: int) -> dict[int, np.ndarray]:
    """Noise for a whole picture of these (height, width), by the width of a place in pixels."""
    random = np.random.default_rng(seed)
    return {
        places: random.standard_normal((1, NOISE, *(side // places for side in sides)), np.float32) for places in (8, 4)
    }


def cut(picture: np.ndarray, rows: range, columns: range) -> np.ndarray:
    """These of (H, W, C) as (1, C, h, w) in float32; beyond the border, it is repeated."""
    height, width = picture.shape[:2]
    part = picture[np.arange(rows.start, rows.stop).clip(0, height - 1)]
    part = part[:, np.arange(columns.start, columns.stop).clip(0, width - 1)].transpose(2, 0, 1)[None]
    return floats(part)


def floats(picture: np.ndarray) -> np.ndarray:
    """In [0, 1] as float32, in the order of its axes."""
    if picture.dtype == np.uint8:
        return np.divide(picture, 255, dtype=np.float32, order="C")
    return np.ascontiguousarray(picture, np.float32)


def spans(length: int, most: int) -> list[slice]:
    """Pieces of a length in steps, about equal, none longer than `most` by more than a step."""
    count = math.ceil(length / most)
    edges = [round(piece * length / STEP / count) * STEP for piece in range(count)] + [length]
    return [slice(first, last) for first, last in itertools.pairwise(edges)]


def _whole(length: int) -> int:
    """Rounded up to steps."""
    return math.ceil(length / STEP) * STEP


def _around(span: slice, length: int, margin: int) -> slice:
    return slice(max(0, span.start - margin), min(length, span.stop + margin))


def _relative(inner: slice, outer: slice) -> slice:
    return slice(inner.start - outer.start, inner.stop - outer.start)


def _part(features: np.ndarray, inner: list[slice], seen: list[slice], block: int) -> np.ndarray:
    """Of a layer's features of what is seen, those of what lies inside."""
    places = 2 ** (block - 1)
    rows, columns = (
        slice(r.start // places, r.stop // places) for r in (_relative(i, s) for i, s in zip(inner, seen, strict=True))
    )
    return np.ascontiguousarray(features[:, :, rows, columns])


def _noise_at(noise: np.ndarray, inner: list[slice], places: int) -> np.ndarray:
    rows, columns = (slice(span.start // places, span.stop // places) for span in inner)
    return np.ascontiguousarray(noise[:, :, rows, columns])
