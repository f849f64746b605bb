"""May pictures be mirrored at random while training? Yes where a mirrored picture looks like one more of its kind.

A photograph of a horse does, a letter does not: a network that is shown mirrored letters learns to draw them. Data sets
rarely say which they are, so we ask the pictures.
"""

import numpy as np
from PIL import Image

MAX_PICTURES = 2000
"""So many, evenly spaced, are compared with each other: enough for two digits, and done in about a second."""
MAX_SIDE = 32
STRANGERS = 0.7
"""Above this share of strangers (see `strangeness`) pictures are not mirrored. Measured, with labels and without: MNIST
0.98 and 0.96, scikit-learn's digits 0.97 and 0.96; CIFAR-10 0.51 and 0.51, drawn shapes 0.48 and 0.50, faces 0.53,
photographs 0.51, paintings 0.50. By chance alone a hundred pictures stray from a half by about 0.05."""


def looks_alike_mirrored(pixels: np.ndarray, labels: np.ndarray | None) -> bool:
    """Whether mirror images, left to right, look like the pictures themselves.

    Args:
        pixels: (N, C, H, W) uint8.
        labels: (N,) integers: a mirrored picture has to look like those of its own class (a mirrored b is a fine d).
            None if there are no classes. Of several labels, (N, K), nothing is made: few pictures share all of theirs.
    """
    return strangeness(pixels, labels) <= STRANGERS


def strangeness(pixels: np.ndarray, labels: np.ndarray | None) -> float:
    """The share of pictures that are farther from the other pictures, once mirrored, than they were.

    The distance is that to the nearest of the other pictures of the class: between grey pictures, at most 32 pixels
    wide or high, Euclidean. Where mirroring changes nothing of what can be seen, either is the nearer by chance alone,
    and the share is about a half; for letters it is near 1.

    Args:
        pixels: (N, C, H, W) uint8.
        labels: (N,) integers, or (N, K), or None.

    Returns:
        A share in [0, 1]; 0 where no class has two pictures.
    """
    chosen = np.unique(np.linspace(0, len(pixels) - 1, MAX_PICTURES).astype(int))
    pictures = np.stack([_small_grey(pixels[number]) for number in chosen]).astype(float)  # (N, h, w)
    classes = np.zeros(len(chosen), int) if labels is None or labels.ndim > 1 else labels[chosen]
    as_they_are, mirrored = pictures.reshape(len(chosen), -1), pictures[:, :, ::-1].reshape(len(chosen), -1)
    others = (classes[:, None] == classes) & ~np.eye(len(chosen), dtype=bool)
    compared = others.any(1)
    if not compared.any():
        return 0.0
    nearest = _squared_distances(as_they_are, as_they_are).min(1, where=others, initial=np.inf)
    nearest_mirrored = _squared_distances(mirrored, as_they_are).min(1, where=others, initial=np.inf)
    # A symmetric picture is exactly as far as its mirror image; rounding must not call that farther.
    return float((nearest_mirrored > nearest * 1.0001 + 1e-3)[compared].mean())


def _small_grey(picture: np.ndarray) -> np.ndarray:
    """(C, H, W) as (h, w) float32, no side longer than `MAX_SIDE`: averaged over colours and over areas."""
    grey = picture.mean(0, dtype=np.float32)
    size = min(grey.shape[1], MAX_SIDE), min(grey.shape[0], MAX_SIDE)
    return np.asarray(Image.fromarray(grey).resize(size, Image.Resampling.BOX))


def _squared_distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(N, D) and (M, D) as (N, M): |a - b|² = |a|² + |b|² - 2ab, not negative."""
    return np.maximum((a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * a @ b.T, 0)
