"""What the painter asks of its two networks, whoever computes them."""

from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np

from scumble.style.feedforward.moments import Affine
from scumble.style.feedforward.shapes import STATISTICS

Features = dict[str, np.ndarray]
"""By layer, (1, C, H / 2^k, W / 2^k) in float32."""

Decode = Callable[[Features, Mapping[str, Affine], np.ndarray, Mapping[int, np.ndarray]], np.ndarray]
"""(features, what moves each layer's, the photograph in the painting's palette (1, 3, H, W), noise by the width of a
place) -> the picture (1, 3, H, W), not held to [0, 1]."""


class Networks(Protocol):
    """Both.

    Attributes:
        runtime: the name of what computes them.
    """

    runtime: str

    def trunk(self, picture: np.ndarray, layers: tuple[str, ...] = tuple(STATISTICS)) -> Features:
        """The features of (1, 3, H + 2, W + 2) in [0, 1], of which the outermost places are only looked at.

        H and W are multiples of 8.
        """
        ...

    def decoder(self, code: np.ndarray, strength: float) -> Decode:
        """What decodes for a painting; arguments as of `weights.decoder`."""
        ...
