"""Frames, mounts and paper edges around a painting: what a photograph of it has that is not the painting.

Painted in its style, they come back as stripes along the edges of the result, and as pale corners in it. A border is a
strip of one colour along a side which ends in a straight line, tilted a little at most; a plain sky ends in none.
Carved frames are not found.
"""

from dataclasses import replace

import numpy as np
from PIL import Image

from scumble.image.files import Picture

LOOKED_AT = 400
"""Pixels of the shorter side at which borders are looked for."""

SAME_COLOUR = 28
"""Of 255: how far from the border's colour its pixels may be, by paper's grain and by JPEG, in the channel farthest."""

DEEPEST, DEEPEST_ALONE = 0.15, 0.06
"""Shares of a side's length: what is deeper is no border; nor is what is deeper at one side while others have none."""

STRAIGHT = 0.012
"""Share of the shorter side within which the end of a border is a line."""

MOST_BORDERS = 2
"""One inside of the other."""

STEEPEST, LEAST_ENDS = 0.03, 0.6
"""How far a border may be tilted, and the share of its length at which it must end: borders of other sides do not."""

MOST = 0.85
"""Share of a line that must be where a border ends, and of its outermost row that must have its colour."""


def visible_part(painting: Picture) -> Picture:
    """A painting without the transparent parts at its sides, whose size would count for that of its strokes."""
    box = None if painting.alpha is None else painting.alpha.getbbox()
    if painting.alpha is None or box in (None, (0, 0, *painting.size)):
        return painting
    alpha = painting.alpha.crop(box)
    return replace(painting, rgb=painting.rgb.crop(box), alpha=None if alpha.getextrema()[0] == 255 else alpha)


def crop(picture: Picture) -> Picture:
    """A picture without its borders; itself if it has none."""
    box = find(picture.rgb)
    if box == (0, 0, *picture.size):
        return picture
    return replace(picture, rgb=picture.rgb.crop(box), alpha=picture.alpha and picture.alpha.crop(box))


def find(picture: Image.Image) -> tuple[int, int, int, int]:
    """The box (left, top, right, bottom) of a picture without its borders, in pixels, as `Image.crop` takes it.

    A border inside of a border is found as well: a mount in a frame.
    """
    scale = max(1.0, min(picture.size) / LOOKED_AT)
    small = np.asarray(
        picture.convert("RGB").resize([max(1, round(side / scale)) for side in picture.size], Image.Resampling.BOX),
        np.int16,
    )
    whole = box = (0, 0, small.shape[1], small.shape[0])
    for _ in range(MOST_BORDERS):
        box = _without(small, box)
    if box == whole or _without(small, box) != box:  # what goes on and on is no border but a pattern, or a gradient
        return (0, 0, *picture.size)
    across, down = picture.width / small.shape[1], picture.height / small.shape[0]
    left, top, right, bottom = (round(edge * by) for edge, by in zip(box, (across, down, across, down), strict=True))
    return left, top, right, bottom


def _without(pixels: np.ndarray, box: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    """A box less one border at each of its sides; the same box if there is none."""
    left, top, right, bottom = box
    inside = pixels[top:bottom, left:right]
    if min(inside.shape[:2]) < LOOKED_AT // 4:
        return box
    # Each side in turn as the upper one, of pixels (depth, along the side, channels).
    turned = inside, inside[::-1], inside.swapaxes(0, 1), inside.swapaxes(0, 1)[::-1]
    depths = [_depth(side) for side in turned]
    if sum(depth > 0 for depth in depths) == 1:
        depths = [depth * (depth <= DEEPEST_ALONE * len(side)) for depth, side in zip(depths, turned, strict=True)]
    above, below, before, after = depths
    return left + before, top + above, right - after, bottom - below


def _depth(pixels: np.ndarray) -> int:
    """How deep the border along the first row is; 0 if there is none."""
    colour = np.median(pixels[:2].reshape(-1, 3), 0)
    deepest = round(DEEPEST * len(pixels))
    differences = np.abs(pixels[: deepest + 3] - colour)
    same = np.maximum(np.maximum(*differences.T[:2]), differences.T[2]).T <= SAME_COLOUR  # (depth, along)
    if same[:2].mean() < MOST:
        return 0
    ends = np.where(same.all(0), len(pixels), same.argmin(0))
    ending = np.flatnonzero(ends <= deepest)  # other columns belong to borders at the sides, or look like this one
    if len(ending) < LEAST_ENDS * len(ends):
        return 0
    middle = np.median(ends[ending])
    slope = np.clip(np.polyfit(ending, ends[ending], 1)[0], -STEEPEST, STEEPEST)
    line = middle + slope * (ending - ending.mean())
    tolerance = max(2.0, STRAIGHT * min(pixels.shape[:2]))
    on_line = np.abs(ends[ending] - line) <= tolerance
    if on_line.sum() < MOST * len(ending) or middle < 1:
        return 0
    # A gradient drifts away from its first colour; a border ends.
    before, after = (np.clip(ends[ending] + step, 0, len(pixels) - 1) for step in (-3, 2))
    jumps = np.abs(pixels[after, ending] - pixels[before, ending]).max(1)
    if (jumps > SAME_COLOUR / 2).mean() < LEAST_ENDS:
        return 0
    return min(deepest, int(np.ceil(ends[ending][on_line].max())) + 1)
