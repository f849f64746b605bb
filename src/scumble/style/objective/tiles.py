"""Large pictures piece by piece, and still exactly: where the pieces lie, and how much each must see around itself.

The features in a tile's core are exact when the tile sees all that their neurons see. Losses are functions of averages
over all places: a first pass adds these up, and their gradient, sent back through each tile from its core's features
alone, adds up to the whole picture's gradient. No pixel is ever left out or counted twice, so there are no seams to
hide; unlike where each tile's own gradient is cut to its core, a neuron's view of margin is enough, not twice that.
"""

import itertools
import math
from collections.abc import Collection
from typing import NamedTuple

import torch
import torch.nn.functional as F

from scumble.perceptual.layers import after_pooling, down_to, min_side


class Tile(NamedTuple):
    """A rectangle of a picture: (top, bottom, left, right) of its core and of what is seen, in pixels."""

    core: tuple[int, int, int, int]
    seen: tuple[int, int, int, int]

    def cut(self, picture: torch.Tensor) -> torch.Tensor:
        """What is seen of a picture (1, C, H, W); a view."""
        top, bottom, left, right = self.seen
        return picture[:, :, top:bottom, left:right]

    def places(self, name: str) -> tuple[slice, slice]:
        """The rows and columns of a layer's features, over the whole picture, that are the core's."""
        stride = min_side([name])
        top, bottom, left, right = (edge // stride for edge in self.core)
        return slice(top, bottom), slice(left, right)

    def inner(self, name: str, features: torch.Tensor) -> torch.Tensor:
        """The core's part of what the tile's features are; a copy, unless it is all of them."""
        stride = min_side([name])
        beyond = (abs(core - seen) // stride for core, seen in zip(self.core, self.seen, strict=True))
        top, bottom, left, right = (-rows for rows in beyond)
        # Padding by less than nothing: its way back keeps channels_last memory, that of a slice does not.
        return F.pad(features, (left, right, top, bottom)) if any((top, bottom, left, right)) else features


def tiles(height: int, width: int, side: int | None, layers: Collection[str]) -> list[Tile]:
    """Tiles whose cores cover a picture, row by row.

    Args:
        height: of the picture, in pixels.
        width: likewise.
        side: what the cores' sides are to be, about; None for one tile.
        layers: that will be looked at. Edges are multiples of the deepest one's stride, as poolings count from there.
    """
    step, margin = min_side(layers), margin_of(layers)
    rows, columns = (_cuts(length, side or length, step) for length in (height, width))
    return [
        Tile(
            (top, bottom, left, right),
            (max(0, top - margin), min(height, bottom + margin), max(0, left - margin), min(width, right + margin)),
        )
        for top, bottom in rows
        for left, right in columns
    ]


def margin_of(layers: Collection[str]) -> int:
    """How far beyond a core its neurons see, in pixels, rounded up to the deepest layer's stride.

    Example:
        >>> margin_of(["relu5_1"])
        96
    """
    reach = 0
    for name in down_to(layers):
        stride = min_side([name])
        if after_pooling(name):
            reach += stride // 2  # a pooling's second row or column
        reach += stride  # a convolution's third
    step = min_side(layers)
    return math.ceil(reach / step) * step


def _cuts(length: int, side: int, step: int) -> list[tuple[int, int]]:
    """Equal pieces of a length, but for rounding to steps; the last one has the rest."""
    steps = length // step
    count = max(1, min(math.ceil(length / side), steps))
    edges = [round(piece * steps / count) * step for piece in range(count)] + [length]
    return list(itertools.pairwise(edges))
