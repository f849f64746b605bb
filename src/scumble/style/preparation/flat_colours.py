"""Maps of flat colours, as people paint them and as programs number them: which colours there are, and where.

Colours are told apart as far as paint, JPEG and scaling allow. But a map that holds a few exact values and nothing else
was written by a program, and says exactly what it means, even where that is 1 and 2 of 255, or 24001 in 16 bits.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from scumble.errors import ImageError
from scumble.image.files import Picture

BRIGHTEST, FULL_SCALES = 255, (1023, 4095, 16383, 65280, 65535)
"""White in 8 bits, and in 10, 12, 14 and 16, and 8 of 16: a map that goes up to just one of these holds shades."""
MAX_REGIONS = 16
SAME_COLOUR = 48
"""Colours of a map at most this far apart (Euclidean, in 0..255) are one: what JPEG and scaling do to flat colours."""
SEAM = 5
"""Colours that nowhere fill a square of so many pixels are no regions but the seams between them."""
MAX_CANDIDATES = 128
"""Of a map's colours, the most frequent are looked at: a photograph has too many."""
LEAST_FLAT = 0.8
"""The share of a map's pixels that must have the colour of a region, seams and specks being the rest."""
MOST_EXACT = 40
"""Up to so many values in all, each of them is meant: JPEG and scaling make more."""
LARGEST_NUMBER = SAME_COLOUR // 2
"""Greys up to this one are numbers: as colours, all of them would be black."""
DIGITS = np.array([1 << 16, 1 << 8, 1])
"""What the three channels of a colour count for in a number."""


def labelled(picture: Picture, by_number: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """A map's colours, (R, 3), the most frequent first, and the number of the nearest to each pixel, (H, W).

    Seams between regions, shades that scaling and JPEG make, belong to what they are nearest to.

    Args:
        picture: the map.
        by_number: whether its values are numbers, each of which then stands as a colour for itself; see `number_of`.

    Raises:
        ImageError: if it is no map, or one of more than `MAX_REGIONS` regions.
    """
    pixels = _pixels(picture)
    if by_number:
        large = large_numbers(picture)
        numbers = pixels[..., 0] if large is None else large
        pixels = (numbers[..., None] // DIGITS % 256).astype(np.int32)
    packed = pixels @ DIGITS
    values, first, counts = np.unique(packed, return_index=True, return_counts=True)
    apart = 0 if by_number or len(values) <= MOST_EXACT or _numbers(pixels) else SAME_COLOUR
    kept: list[np.ndarray] = []
    left = np.ones(packed.shape, bool)
    for index in np.argsort(-counts, kind="stable")[:MAX_CANDIDATES]:
        colour = pixels.reshape(-1, 3)[first[index]]
        if any(np.linalg.norm(colour - other) <= apart for other in kept):
            continue
        same = ((pixels - colour) ** 2).sum(2) <= apart**2
        if _has_square(same):
            kept.append(colour)
            left &= ~same
    if not 1 <= len(kept) <= MAX_REGIONS or left.mean() > 1 - LEAST_FLAT:
        raise ImageError(
            f"{picture.name} is no map: wanted 1 to {MAX_REGIONS} flat colours, one for each region",
            "paint the regions without shades",
        )
    nearest = np.zeros(packed.shape, np.uint8)
    least = np.full(packed.shape, np.iinfo(np.int32).max, np.int32)
    for number, colour in enumerate(kept):
        distance = ((pixels - colour) ** 2).sum(2, dtype=np.int32)
        nearest[distance < least] = number
        least = np.minimum(least, distance)
    return np.stack(kept), nearest


def matching(colours: Sequence[np.ndarray], wanted: np.ndarray, exactly: bool) -> list[int | None]:
    """Which of the colours (R, 3) of each map is a wanted one (3), or None.

    The colour itself, if any map has it; otherwise, unless it must be that `exactly`, the nearest up to `SAME_COLOUR`.
    """
    distances = [np.linalg.norm(of_map - wanted, axis=1) for of_map in colours]
    apart = 0 if exactly or min((d.min() for d in distances), default=0) == 0 else SAME_COLOUR
    return [int(d.argmin()) if d.min() <= apart else None for d in distances]


def are_numbers(pictures: Sequence[Picture]) -> bool:
    """Whether maps hold whole numbers in place of colours: small ones all, or of grey and one with some above 255."""
    pixels = [_pixels(picture) for picture in pictures]
    if any(large_numbers(picture) is not None for picture in pictures):
        return all((np.ptp(some, axis=2) == 0).all() for some in pixels)
    return all(map(_numbers, pixels))


def number_of(colour: np.ndarray) -> int:
    """The number that a colour of `labelled` stands for."""
    return int(colour @ DIGITS)


def in_8_bits(picture: Picture) -> Picture:
    """The same; numbers up to 255 in a file of more bits, or of floats, as one of 8 bits would hold them."""
    if picture.numbers is None:
        return picture
    values = np.asarray(picture.numbers)
    if values.max() > BRIGHTEST:
        return picture
    return dataclasses.replace(picture, rgb=Image.fromarray(values.astype(np.uint8)).convert("RGB"))


def large_numbers(picture: Picture) -> np.ndarray | None:
    """(H, W) numbers of regions of which 8 bits cannot hold all; None where there are none such."""
    values = None if picture.numbers is None else np.asarray(picture.numbers)
    return None if values is None or values.max() <= BRIGHTEST or values.max() in FULL_SCALES else values


def _numbers(pixels: np.ndarray) -> bool:
    return bool(pixels.max() <= LARGEST_NUMBER and (np.ptp(pixels, axis=2) == 0).all())


def _pixels(picture: Picture) -> np.ndarray:
    """(H, W, 3); what is transparent has no colour of its own, and is black."""
    pixels = np.array(in_8_bits(picture).rgb, np.int32)
    if picture.alpha is not None:
        pixels[np.asarray(picture.alpha) < 128] = 0
    return pixels


def _has_square(same: np.ndarray) -> bool:
    outside = torch.from_numpy(~same).float()[None, None]
    return bool((F.max_pool2d(outside, min(SEAM, *same.shape), stride=1) == 0).any())
