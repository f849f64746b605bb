"""Paints one picture like what is known of a painting: what carries the one to the other first, then piece by piece."""

import itertools
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from scumble.perceptual.layers import min_side
from scumble.style.feedforward.moments import Affine, Known, blended, coarse, moments, recoloured, transport
from scumble.style.feedforward.networks import Decode, Features, Networks
from scumble.style.feedforward.pieces import BORDER, STEP, Source, continued, cut, drawn, pieces
from scumble.style.feedforward.shapes import LAYERS, STATISTICS

LOOKED_AT, LOOKED_AT_TO_PAINT = 768, 1100
"""Pixels of the sides of what is looked at as a whole: of paintings, and of photographs, whose features are used again.
"""

WINDOW, AROUND, WINDOWS = 176, 40, 3
"""Larger pictures are looked at through windows of so many pixels, with so many around each, so many in each direction:
37 pixels are seen by what is looked for."""


class Way(NamedTuple):
    """What carries a photograph to a painting: its features by layer, and its colours."""

    features: dict[str, Affine]
    colours: Affine


def known(
    networks: Networks, source: Source, sides: tuple[int, int], counts: np.ndarray | None = None, painting: bool = True
) -> tuple[Known, Features | None]:
    """What there is to know of a picture, and its features, where it was looked at as a whole.

    Args:
        networks: that look.
        source: of the picture.
        sides: its (height, width).
        counts: (H, W), how much each pixel counts; None for all alike.
        painting: whether it is one: less has to be known of a photograph.
    """
    layers = tuple(STATISTICS if painting else LAYERS)
    if max(sides) <= (LOOKED_AT if painting else LOOKED_AT_TO_PAINT):
        window = slice(0, continued(sides[0]).stop - BORDER), slice(0, continued(sides[1]).stop - BORDER)
        return _seen(networks, source, window, layers, counts, BORDER)
    found, shares = [], []
    for window in _windows(sides):
        share = 1.0 if counts is None else float(counts[window].sum())
        if share:
            shares.append(share)
            found.append(_seen(networks, source, window, layers, counts, AROUND)[0])
    if not found:  # a region so small that it lies between them
        return known(networks, source, sides, None, painting)
    return blended(found, [share / sum(shares) for share in shares]), None


def between(photograph: Known, painting: Known, strength: float) -> Way:
    """What carries a photograph that share of the way to a painting."""
    maps = {name: transport(photograph.features[name], painting.features[name]).part(strength) for name in LAYERS}
    return Way(maps, recoloured(photograph, painting).part(strength))


def painted(
    networks: Networks,
    decode: Decode,
    source: Source,
    sides: tuple[int, int],
    way: Way,
    seed: int,
    features: Features | None = None,
) -> Iterator[tuple[tuple[slice, slice], np.ndarray]]:
    """The pieces of a picture: rows and columns, and (h, w, 3) in float32 for them, not held to [0, 1].

    Args:
        networks: that look.
        decode: as from `Networks.decoder`, for the painting.
        source: of the photograph.
        sides: its (height, width).
        way: to the painting.
        seed: of the noise.
        features: of the whole photograph with its border, if they are known.
    """
    noise = drawn(sides, seed)
    parts = list(pieces(sides))
    for piece in parts:
        pixels = source(*(range(span.start - 1, span.stop + 1) for span in piece.seen))
        found = features if features and len(parts) == 1 else networks.trunk(pixels, tuple(LAYERS))
        found = {name: piece.inner(found[name], min_side([name])) for name in LAYERS}
        base = in_colours(piece.inner(pixels[:, :, 1:-1, 1:-1]), way.colours)
        yield piece.finished(decode(found, way.features, base, piece.noise(noise)), sides)


def in_colours(picture: np.ndarray, colours: Affine) -> np.ndarray:
    """A picture (1, 3, H, W), recoloured, within [0, 1]."""
    flat = colours.matrix.astype(np.float32) @ picture.reshape(3, -1)
    flat += colours.offset.astype(np.float32)[:, None]
    return np.clip(flat, 0, 1, out=flat).reshape(picture.shape)


def _seen(
    networks: Networks,
    source: Source,
    window: tuple[slice, slice],
    layers: tuple[str, ...],
    counts: np.ndarray | None,
    beyond: int,
) -> tuple[Known, Features]:
    """What a window shows, which is looked at with so many pixels around it."""
    rows, columns = (range(span.start - beyond - 1, span.stop + beyond + 1) for span in window)
    seen = source(rows, columns)
    features = networks.trunk(seen, layers)
    pixels = _within(seen, beyond + 1)[0]
    if counts is not None:
        counts = cut(counts[:, :, None], *(range(span.start, span.stop) for span in window))[0, 0]
    found = {}
    for name, of in features.items():
        places = min_side([name])
        found[name] = moments(_within(of, beyond // places)[0], None if counts is None else _shrunk(counts, places))
    of_coarse = moments(coarse(pixels), None if counts is None else coarse(counts[None])[0])
    return Known(moments(pixels, counts), of_coarse, found), features


def _windows(sides: tuple[int, int]) -> Iterator[tuple[slice, slice]]:
    """Evenly spread."""
    starts = ([place * (side - WINDOW) // (WINDOWS - 1) // STEP * STEP for place in range(WINDOWS)] for side in sides)
    for top, left in itertools.product(*starts):
        yield slice(top, top + WINDOW), slice(left, left + WINDOW)


def _within(picture: np.ndarray, beyond: int) -> np.ndarray:
    return picture[:, :, beyond:-beyond, beyond:-beyond]


def _shrunk(counts: np.ndarray, places: int) -> np.ndarray:
    """The mean of what each place of a layer covers."""
    height, width = (side // places for side in counts.shape)
    return counts.reshape(height, places, width, places).mean((1, 3))
