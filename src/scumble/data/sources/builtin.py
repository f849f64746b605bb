"""Pictures that are always at hand: scikit-learn's digits, and shapes that our own code draws."""

import hashlib
from functools import partial
from typing import Any

import numpy as np

from scumble.data import synthetic
from scumble.data.sources.arrays import from_arrays
from scumble.data.sources.source import Item, Source, digest_of
from scumble.image.files import Picture

SHAPES_COUNT, SHAPES_SIDE = 4096, 64
SHAPES_VERSION = 1
"""To be raised whenever the drawing changes: it stands for the pictures in the digest."""


def digits() -> Source:
    """1,797 handwritten digits, (8, 8) and grey."""
    from sklearn.datasets import load_digits  # takes a second to import

    found: Any = load_digits()
    pixels = (found["images"] / 16 * 255).round().astype(np.uint8)  # (1797, 8, 8), they come as 0..16
    return from_arrays("digits", pixels, [str(digit) for digit in found["target"]])


def shapes() -> Source:
    """4,096 discs, squares and triangles, (64, 64)."""
    kinds = synthetic.SHAPES
    items = [
        Item(f"shape {i}", kinds[i % len(kinds)], partial(_shape, i), lambda: (SHAPES_SIDE, SHAPES_SIDE))
        for i in range(SHAPES_COUNT)
    ]
    return Source("shapes", items, digest_of(["shapes", SHAPES_VERSION, SHAPES_COUNT, SHAPES_SIDE]))


def _shape(number: int) -> Picture:
    image = synthetic.shape(number, SHAPES_SIDE)
    return Picture(image, None, f"shape {number}", hashlib.sha256(image.tobytes()).hexdigest())
