"""Strokes that grow with the picture: it is painted at a size at which the network's strokes are those of a painting
that is seen as a whole, enlarged, and painted over, again and again, until it has its size.

What is painted over is the larger photograph in the painting's colours, and half of what the smaller one became: all of
that is strokes upon strokes, and faces are lost in them; nothing of it is the small strokes of the network.
"""

import functools
import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

from scumble.style.feedforward.moments import Affine, Known, blended, moments, transport
from scumble.style.feedforward.networks import Decode, Features, Networks
from scumble.style.feedforward.painter import Way, between, in_colours, known, painted
from scumble.style.feedforward.pieces import Source, cut, floats
from scumble.style.feedforward.shapes import COLOUR_RIDGES
from scumble.style.feedforward.styles import Style, resized
from scumble.style.preparation.bounds import BRIGHTNESS_GAIN

FIRST = 512
"""Pixels of the longer side at which a large picture is painted first."""

AS_GOOD = 1.3
"""Up to so many times that, a picture is painted once."""

STAY = Affine(np.eye(3), np.zeros(3))
"""What has been given its colours, keeps them."""

FINISHED = 0.9
"""How far the colours of what was painted go to the painting's distribution: the decoder is shy of them."""

GROWN = 0.5
"""How much of what a smaller picture became is painted over."""


class Painting(NamedTuple):
    """What a photograph is painted like.

    Attributes:
        styles: blended.
        shares: how much each of them counts, with the sum 1.
        scales: of each, its shorter side over the result's: the size of strokes.
        strength: 0, the photograph, to 1, the styles.
    """

    styles: Sequence[Style]
    shares: Sequence[float]
    scales: Sequence[float]
    strength: float

    def at(self, shorter: float, networks: Networks) -> Known:
        """What is known of the styles together, for a result with a shorter side of so many pixels."""
        scaled = zip(self.styles, self.scales, strict=True)
        return blended([style.at(shorter * scale, networks) for style, scale in scaled], self.shares)


def sizes(size: tuple[int, int]) -> list[tuple[int, int]]:
    """(width, height) at which a picture of the last one of them is painted, none twice as wide as the one before.

    Example:
        >>> sizes((1500, 1000))
        [(512, 341), (876, 584), (1500, 1000)]
    """
    times = max(size) / FIRST
    steps = math.ceil(math.log2(times)) if times > AS_GOOD else 0
    smaller = [times ** (1 - step / steps) for step in range(steps)] if steps else []
    return [(max(1, round(size[0] / by)), max(1, round(size[1] / by))) for by in smaller] + [size]


def painted_like(
    networks: Networks, photograph: np.ndarray, painting: Painting, seed: int, counts: np.ndarray | None = None
) -> Iterator[tuple[float, tuple[slice, slice], np.ndarray | None]]:
    """The pieces of a photograph, painted.

    Args:
        networks: that look and paint.
        photograph: (H, W, 3), uint8 or floats in [0, 1].
        painting: what it is painted like.
        seed: of the noise.
        counts: (H, W) in [0, 1], how much each pixel counts of what the photograph is like; None for all alike.

    Yields:
        The part of the work that is done; rows and columns; and (h, w, 3) in float32 for them, not held to [0, 1], or
        None while smaller pictures are painted.
    """
    all_sizes = sizes((photograph.shape[1], photograph.shape[0]))
    below, colours, finish, done = None, STAY, STAY, 0
    pixels = sum(width * height for width, height in all_sizes)
    for size in all_sizes:
        here, is_last = resized(photograph, size), size == all_sizes[-1]
        source = functools.partial(cut, here)
        if below is not None:
            source = functools.partial(_painted_over, here, *below, colours)
        way, decode, features = _prepared(networks, source, size, painting, counts)
        colours, way = (way.colours, way) if below is None else (colours, way._replace(colours=STAY))
        result = None if is_last else np.empty((size[1], size[0], 3), np.uint8)
        parts = painted(networks, decode, source, (size[1], size[0]), way, seed, features)
        if below is None:
            parts = list(parts)  # the first is small
            finish = _finish(parts, painting, networks, None if counts is None else resized(counts, size))
        for place, part in parts:
            done += part.shape[0] * part.shape[1]
            if result is not None:
                result[place] = _bytes(part)
            yield done / pixels, place, finish.of(part.clip(0, 1)) if is_last else None
        if result is not None:
            below = Image.fromarray(_bytes(here)), Image.fromarray(result)


def _prepared(
    networks: Networks, source: Source, size: tuple[int, int], painting: Painting, counts: np.ndarray | None
) -> tuple[Way, Decode, Features | None]:
    """All that one picture is painted with."""
    there = painting.at(min(size), networks)
    counted = None if counts is None else resized(counts, size)
    here, features = known(networks, source, (size[1], size[0]), counted, painting=False)
    decode = networks.decoder(there.code(), painting.strength)
    return between(here, there, painting.strength), decode, features


def _finish(
    parts: Sequence[tuple[tuple[slice, slice], np.ndarray]],
    painting: Painting,
    networks: Networks,
    counts: np.ndarray | None,
) -> Affine:
    """What gives a picture in parts the distribution of the painting's colours, as far as it has some of its own."""
    sides = [max(place[axis].stop for place, _ in parts) for axis in (0, 1)]
    whole = np.empty((*sides, 3), np.float32)
    for place, part in parts:
        whole[place] = part.clip(0, 1)
    here = moments(whole.transpose(2, 0, 1), counts)
    there = painting.at(min(sides), networks).pixels
    way = transport(here, there, COLOUR_RIDGES)
    # Of a plain photograph, strokes and the frame around them would be enlarged a dozen times; of others, none so much.
    gains, axes = np.linalg.eigh(way.matrix)
    matrix = (axes * gains.clip(max=BRIGHTNESS_GAIN)) @ axes.T
    return Affine(matrix, there.mean - matrix @ here.mean).part(FINISHED * painting.strength)


def _painted_over(
    photograph: np.ndarray, smaller: Image.Image, result: Image.Image, colours: Affine, rows: range, columns: range
) -> np.ndarray:
    """A `Source`: the photograph in its colours, with a part of what the smaller one became."""
    height, width = photograph.shape[:2]
    top, bottom = max(0, rows.start), min(height, rows.stop)
    left, right = max(0, columns.start), min(width, columns.stop)
    across, down = smaller.width / width, smaller.height / height
    box = left * across, top * down, min(smaller.width, right * across), min(smaller.height, bottom * down)
    before, after = (
        np.asarray(picture.resize((right - left, bottom - top), Image.Resampling.BICUBIC, box))
        for picture in (smaller, result)
    )
    here, before, after = (
        floats(part.transpose(2, 0, 1)) for part in (photograph[top:bottom, left:right], before, after)
    )
    here = in_colours(here[None], colours)[0] + GROWN * (after - in_colours(before[None], colours)[0])
    reflected = range(rows.start - top, rows.stop - top), range(columns.start - left, columns.stop - left)
    return cut(here.clip(0, 1).transpose(1, 2, 0), *reflected)


def _bytes(pixels: np.ndarray) -> np.ndarray:
    return pixels if pixels.dtype == np.uint8 else (pixels.clip(0, 1) * 255 + 0.5).astype(np.uint8)
