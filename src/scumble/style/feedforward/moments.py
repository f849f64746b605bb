"""What is known of pictures, and how the features of one are carried to where those of another are: in NumPy.

The same is said in PyTorch, for the training, in `scumble.style.feedforward.moving` and in `...preparation.palette`.
"""

import functools
import math
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple

import numpy as np
import threadpoolctl

from scumble.style.feedforward.shapes import COLOUR_RIDGES, COLOURS, RIDGES
from scumble.style.preparation.bounds import BRIGHTNESS_GAIN, CHROMA_GAINS, LUMA, NOTICED, SHORTER_SIDE

ENOUGH_PLACES = 2**16
"""For moments: each of 128 channels is known to a fraction of a percent of its deviation."""


class Moments(NamedTuple):
    """Of values at some places: their mean (C) and covariance (C, C), in float64."""

    mean: np.ndarray
    covariance: np.ndarray


class Affine(NamedTuple):
    """Carries a place's values (C) to `matrix @ values + offset`."""

    matrix: np.ndarray
    offset: np.ndarray

    def part(self, share: float) -> "Affine":
        """That share of the way, 0 to 1."""
        return Affine((1 - share) * np.eye(len(self.matrix)) + share * self.matrix, share * self.offset)

    def of(self, values: np.ndarray) -> np.ndarray:
        """Values (..., C) where they are carried to, in float32."""
        return values @ self.matrix.T.astype(np.float32) + self.offset.astype(np.float32)


class Known(NamedTuple):
    """A picture's moments: of its pixels, of the colours that are left of it coarsely, and of its features by layer."""

    pixels: Moments
    coarse: Moments
    features: Mapping[str, Moments]

    def code(self) -> np.ndarray:
        """The numbers that the decoder is told of a painting, (CODE) in float64."""
        described = [self.pixels, *self.features.values()]
        deviations = [np.sqrt(np.diagonal(found.covariance).clip(1e-12)) for found in described]
        return np.concatenate([*(found.mean for found in described), *deviations])


def moments(values: np.ndarray, weights: np.ndarray | None = None) -> Moments:
    """Of values (C, H, W) at places which count as much as `weights` (H, W), of any scale, say; None for all alike.

    Of many places, which are much like their neighbours, every second or third is looked at in each direction.
    """
    step = math.ceil((values.shape[1] * values.shape[2] / ENOUGH_PLACES) ** 0.5)
    places = np.ascontiguousarray(values[:, ::step, ::step]).reshape(len(values), -1)
    if weights is None:
        mean = places.mean(1, dtype=np.float64)
        away = places - mean[:, None].astype(places.dtype)
        return Moments(mean, (away @ away.T).astype(np.float64) / places.shape[1])
    shares = weights[::step, ::step].reshape(-1)
    if not shares.any():  # what counts lies between them
        return moments(values)
    shares = (shares / shares.sum(dtype=np.float64)).astype(places.dtype)
    mean = places @ shares
    away = places - mean[:, None]
    return Moments(mean.astype(np.float64), ((away * shares) @ away.T).astype(np.float64))


def mixture(parts: Sequence[Moments], shares: Sequence[float]) -> Moments:
    """Of all their places together, of which each part has its share; shares have the sum 1."""
    mean = sum(share * part.mean for part, share in zip(parts, shares, strict=True))
    about = [part.covariance + np.outer(part.mean - mean, part.mean - mean) for part in parts]
    return Moments(mean, sum(share * found for found, share in zip(about, shares, strict=True)))  # pyright: ignore[reportArgumentType]


def blended(known: Sequence[Known], shares: Sequence[float]) -> Known:
    """What is known of several pictures as if they were one."""
    layers = {name: mixture([one.features[name] for one in known], shares) for name in known[0].features}
    pixels, coarse = (mixture([one[kind] for one in known], shares) for kind in (0, 1))  # pyright: ignore[reportArgumentType]
    return Known(pixels, coarse, layers)


def transport(here: Moments, there: Moments, ridges: tuple[float, float] = RIDGES) -> Affine:
    """What carries the one Gaussian to the other and moves it the least (Olkin and Pukelsheim 1982).

    T = A^(-1/2) (A^(1/2) B A^(1/2))^(1/2) A^(-1/2), for a covariance A to whose variances `ridges` are added: these
    parts of its own mean variance and of that of B.
    """
    own, wanted = (float(np.diagonal(moments.covariance).mean()) for moments in (here, there))
    ridge = max(ridges[0] * own + ridges[1] * wanted, np.finfo(np.float32).tiny)
    with _one_thread():
        values, vectors = np.linalg.eigh(here.covariance + ridge * np.eye(len(here.mean)))
        root = np.sqrt(values.clip(ridge))
        there_seen = vectors.T @ there.covariance @ vectors  # along A's axes, where its roots are diagonal
        inner, turned = np.linalg.eigh(root[:, None] * there_seen * root)
        between = (turned * np.sqrt(inner.clip(0))) @ turned.T
        matrix = vectors @ (between / root[:, None] / root) @ vectors.T
    return Affine(matrix, there.mean - matrix @ here.mean)


def recoloured(photograph: Known, painting: Known, whole: float = COLOURS) -> Affine:
    """Into a painting's colours: from its range of them, at 0, to their distribution, at 1.

    The range is that of `scumble.style.preparation.palette.in_palette`.
    """
    luma = np.tile(np.array(LUMA), (3, 1))  # a colour's brightness, three times
    chroma = np.eye(3) - luma
    here, there = photograph.coarse, painting.coarse

    def spread(part: np.ndarray, moments: Moments) -> float:
        variance = float(np.trace(part @ moments.covariance @ part.T))
        return max(NOTICED, max(0.0, variance) ** 0.5)  # of grey, a rounding may have made it negative

    # Of three equal channels, the deviation of one.
    of_brightness, of_chroma = (spread(part, there) / spread(part, here) for part in (luma[:1], chroma))
    gain = np.clip(of_brightness, 1 / BRIGHTNESS_GAIN, BRIGHTNESS_GAIN)
    matrix = gain * luma + np.clip(of_chroma, *CHROMA_GAINS) * chroma
    ranged = Affine(matrix, there.mean - matrix @ here.mean)
    distributed = transport(photograph.pixels, painting.pixels, COLOUR_RIDGES)
    return Affine(*((1 - whole) * one + whole * other for one, other in zip(ranged, distributed, strict=True)))


def coarse(picture: np.ndarray) -> np.ndarray:
    """What is left of (C, H, W) at a shorter side of `SHORTER_SIDE`, each place the mean of those it covers."""
    _, height, width = picture.shape
    times = max(1.0, min(height, width) / SHORTER_SIDE)
    rows, columns = (_averages(side, max(1, round(side / times))) for side in (height, width))
    return rows @ picture @ columns.T


def _averages(length: int, places: int) -> np.ndarray:
    """(places, length): the mean of what each place touches of a line, as `torch.nn.AdaptiveAvgPool2d` has it."""
    result = np.zeros((places, length), np.float32)
    for place in range(places):
        first, last = place * length // places, -((place + 1) * length // -places)
        result[place, first:last] = 1 / (last - first)
    return result


def _one_thread() -> AbstractContextManager[object]:
    """Inside, decompositions of small matrices are found by one thread: two take a hundred times as long on a busy
    machine."""
    return _libraries().limit(limits=1, user_api="blas")


@functools.cache
def _libraries() -> threadpoolctl.ThreadpoolController:
    return threadpoolctl.ThreadpoolController()
