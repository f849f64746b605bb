"""What a probe learns from and is tested with: labelled pictures in two parts."""

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np

from scumble.data import dataset, labels
from scumble.data.dataset import Dataset
from scumble.data.form import Fit
from scumble.data.sources.opener import open_testing_part
from scumble.errors import DataError
from scumble.events import Event, Noted


@dataclass(frozen=True, eq=False)
class ProbeData:
    """Pictures to learn from and to test with.

    Attributes:
        pixels: (N, C, H, W) uint8, for everything that needs no labels.
        labels: (N,) integers, indexes into `classes`.
        learning: positions of those whose labels may be drawn.
        test_pixels: (M, C, H, W) uint8.
        test_labels: (M,).
        classes: names.
        digest: hexadecimal, of all of it.
    """

    pixels: np.ndarray
    labels: np.ndarray
    learning: np.ndarray
    test_pixels: np.ndarray
    test_labels: np.ndarray
    classes: tuple[str, ...]
    digest: str

    def draw(self, per_class: int | None, seed: int) -> np.ndarray:
        """Positions in `pixels`; see `scumble.data.labels.draw`."""
        return self.learning[labels.draw(self.labels[self.learning], per_class, seed, self.classes)]


def split(data: str, pictures: Dataset, fit: Fit = "crop") -> Generator[Event, None, ProbeData]:
    """The labelled pictures of `data` with its test split, or, where it has none, with a fifth of them held out.

    Raises:
        DataError: if there are no classes, a class has too few pictures, or the test split has an unknown one.
    """
    if pictures.labels is None:
        why = f" ({pictures.why_no_classes})" if pictures.why_no_classes else ""
        wanted = "wanted pictures in a folder for each class, or labels"
        raise DataError(f"{pictures.name} has no classes{why}; {wanted}")
    source = open_testing_part(data)
    testing = None
    if source is not None:
        channels, height, width = pictures.shape
        testing = yield from dataset.prepare(source, (width, height), channels, fit, pictures.value_range)
    if testing is None or testing.labels is None:
        learning, held = labels.hold_out(pictures.labels, pictures.classes)
        yield Noted(f"{pictures.name} has no test split: {len(held):,} pictures, a fifth, are held out")
        tested = (np.asarray(pictures.pixels[held]), pictures.labels[held])
        return ProbeData(pictures.pixels, pictures.labels, learning, *tested, pictures.classes, pictures.digest)
    if unknown := set(testing.classes) - set(pictures.classes):
        raise DataError(f"{pictures.name} has a class to test with that it has none to learn from: {min(unknown)!r}")
    numbers = np.array([pictures.classes.index(name) for name in testing.classes])
    everything = np.arange(len(pictures.labels))
    tested = (testing.pixels, numbers[testing.labels])
    digest = pictures.digest + testing.digest
    return ProbeData(pictures.pixels, pictures.labels, everything, *tested, pictures.classes, digest)
