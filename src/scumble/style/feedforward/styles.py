"""Paintings, as they are kept, and how sizes are changed."""

import functools

import numpy as np
from PIL import Image

from scumble.style.feedforward import painter
from scumble.style.feedforward.moments import Known
from scumble.style.feedforward.networks import Networks
from scumble.style.feedforward.pieces import cut

LEAST = 16
"""Pixels of the sides of what can be painted, and of a painting."""

MOST = 1 << 26
"""Pixels of a painting as it is looked at: enlarged for the broadest strokes, it would not fit into memory."""


class Style:
    """A painting, and what was found out about it at the sizes at which it was looked at.

    Args:
        pixels: (H, W, 3), uint8 or floats in [0, 1].
        visible: (H, W) in [0, 1], how much of each pixel can be seen; None for all of it.
        name: for messages.
    """

    def __init__(self, pixels: np.ndarray, visible: np.ndarray | None = None, name: str = "style"):
        self.pixels, self.visible, self.name = pixels, visible, name
        self.known: dict[tuple[int, int], Known] = {}

    def at(self, shorter: float, looking: Networks) -> Known:
        """What is known of the painting at a size of so many pixels of its shorter side, or of `MOST` in all."""
        height, width = self.pixels.shape[:2]
        times = min(shorter / min(height, width), (MOST / (height * width)) ** 0.5)
        size = max(LEAST, round(width * times)), max(LEAST, round(height * times))
        if size not in self.known:
            counts = None if self.visible is None else resized(self.visible, size)
            source = functools.partial(cut, resized(self.pixels, size))
            self.known[size], _ = painter.known(looking, source, (size[1], size[0]), counts)
        return self.known[size]


def resized(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(H, W, 3) or (H, W) at (width, height), in the same numbers."""
    if (pixels.shape[1], pixels.shape[0]) == size:
        return pixels
    if pixels.dtype == np.uint8:
        return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))
    bands = np.atleast_3d(pixels).astype(np.float32).transpose(2, 0, 1)
    made = [np.asarray(Image.fromarray(band).resize(size, Image.Resampling.BICUBIC)) for band in bands]
    return np.stack(made, axis=2).clip(0, 1).reshape(size[1], size[0], *pixels.shape[2:])
