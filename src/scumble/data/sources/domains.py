"""Two domains of one collection: half of its pictures as they are, and what code makes of the others, as two classes.

No picture is in both, so that nothing tells which would belong together; yet the code says what does, and how well two
pictures go together can be measured. The code sees pictures as they are learnt from, at their size and in their
channels.
"""

import dataclasses
from collections.abc import Callable

import numpy as np

from scumble.data.sources.source import Item, Source, digest_of
from scumble.errors import DataError
from scumble.events import Noted

ORIGINAL = "original"
"""The class of the pictures that stay as they are."""


def inverse(pixels: np.ndarray) -> np.ndarray:
    """(..., H, W, C) whole numbers with black and white exchanged; opacity, the last of two or four channels, stays.

    Example:
        >>> inverse(np.array([[[0], [200]]], np.uint8)).tolist()
        [[[255], [55]]]
    """
    found = np.iinfo(pixels.dtype).max - pixels
    if pixels.shape[-1] in (2, 4):
        found[..., -1] = pixels[..., -1]
    return found


def edges(pixels: np.ndarray) -> np.ndarray:
    """(..., H, W, C) whole numbers: how much brighter the brightest pixel of the nine around each is; opacity stays.

    Example:
        >>> edges(np.array([[[0], [0], [0], [9], [9]]], np.uint8))[0, :, 0].tolist()
        [0, 0, 9, 0, 0]
    """
    brightest = pixels
    for axis in (-3, -2):
        ends = [(0, 0)] * pixels.ndim
        ends[axis] = (1, 1)
        padded = np.pad(brightest, ends, mode="edge")
        count = pixels.shape[axis]
        brightest = np.max([padded.take(range(start, start + count), axis) for start in range(3)], axis=0)
    found = brightest - pixels
    if pixels.shape[-1] in (2, 4):
        found[..., -1] = pixels[..., -1]
    return found


DOMAINS: dict[str, Callable[[np.ndarray], np.ndarray]] = {"inverse": inverse, "edges": edges}
"""By the word before the colon, and the name of the class."""


def in_two_domains(source: Source, name: str) -> Source:
    """A source with the classes "original" and `name`, and no others.

    Args:
        source: the pictures.
        name: one of `DOMAINS`.

    Raises:
        DataError: if there are too few pictures for two domains.
    """
    if len(source.items) < 2:
        raise DataError(f"{source.name} has {len(source.items)} pictures; wanted two or more for two domains")
    other = np.random.default_rng(0).permutation(len(source.items)) % 2 == 1
    items = [_in_domain(item, name if changed else ORIGINAL) for item, changed in zip(source.items, other, strict=True)]
    note = f"{name}: of {other.sum():,} pictures, the others are as they are; no picture is in both domains"
    return dataclasses.replace(
        source,
        name=f"{name}:{source.name}",
        items=items,
        digest=digest_of([source.digest, name]),
        told=(*source.told, Noted(note)),
    )


def _in_domain(item: Item, name: str) -> Item:
    return dataclasses.replace(item, label=name, finish=DOMAINS.get(name))
