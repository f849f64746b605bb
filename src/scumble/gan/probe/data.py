"""What a probe learns from and is tested with: labelled pictures in two parts, or a few of them that take turns."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np

from scumble.data import dataset, labels
from scumble.data.dataset import Dataset
from scumble.data.form import Fit
from scumble.data.labels import UNLABELLED
from scumble.data.sources.opener import open_testing_part
from scumble.errors import DataError
from scumble.events import Event, Noted

FEW = 50
"""Where a class has fewer labels, and there is no part for testing, a fifth of them would be less than ten: all are
tested with, in turn."""
FOLDS = 5
"""Of cross-validation; as many as the labels of a class, if these are fewer."""
USUAL = (1, 4, 10, 25, 100)
"""Labels per class that are looked at where none are asked for."""


@dataclass(frozen=True, eq=False)
class ProbeData:
    """Pictures to learn from and to test with.

    Attributes:
        pixels: (N, C, H, W) uint8, for everything that needs no labels.
        labels: (N,) integers, indexes into `classes`, or `UNLABELLED`.
        learning: positions of those whose labels may be drawn.
        test_pixels: (M, C, H, W) uint8.
        test_labels: (M,).
        classes: names.
        digest: hexadecimal, of all of it.
        tested_by: in words, which pictures are tested with.
        folds: of cross-validation, where the pictures to test with are those to learn from, which take turns; else 0.
        is_apart: whether no semi-supervised GAN was given labels of the pictures to test with.
    """

    pixels: np.ndarray
    labels: np.ndarray
    learning: np.ndarray
    test_pixels: np.ndarray
    test_labels: np.ndarray
    classes: tuple[str, ...]
    digest: str
    tested_by: str = "the part for testing"
    folds: int = 0
    is_apart: bool = True

    def tested(self, seed: int, draw: int) -> np.ndarray:
        """Positions among the pictures to test with of those that a draw is tested with: all, or those of its fold."""
        if not self.folds:
            return np.arange(len(self.test_labels))
        parts = labels.in_parts(self.test_labels, self.folds, seed + draw // self.folds)
        return np.flatnonzero(parts == draw % self.folds)

    def draw(self, per_class: int | None, seed: int, draw: int) -> np.ndarray:
        """Positions in `pixels`, see `scumble.data.labels.draw`; of few labels, those that are not tested with."""
        learning = self.learning
        if self.folds:
            learning = np.delete(learning, self.tested(seed, draw))
            per_class = per_class and min(per_class, _fewest(self.labels[learning]))
        return learning[labels.draw(self.labels[learning], per_class, seed + draw, self.classes)]

    def numbers_of_labels(self, asked: Sequence[int | None] | None) -> list[int | None]:
        """Those that are asked for, per class; where none are, of the usual numbers those that there are.

        Raises:
            DataError: if a class has fewer.
        """
        if asked is not None:
            for per_class in asked:
                labels.draw(self.labels[self.learning], per_class, 0, self.classes)
            return list(asked)
        fewest = _fewest(self.labels[self.learning])
        if not self.folds and (self.labels != UNLABELLED).all():
            return [number for number in USUAL if number <= fewest]
        left = fewest - -(-fewest // self.folds) if self.folds else fewest
        return [*(number for number in USUAL if number < left), None]  # whoever has few wants to know of all


def _fewest(numbers: np.ndarray) -> int:
    """How many pictures the class has that has fewest."""
    return int(np.unique(numbers, return_counts=True)[1].min())


def split(data: str, pictures: Dataset, fit: Fit = "crop") -> Generator[Event, None, ProbeData]:
    """The labelled pictures of `data` with its test split; where it has none, with a fifth of them, or in turn.

    Raises:
        DataError: if there are no classes, a class has too few pictures, or the test split has an unknown one.
    """
    if pictures.labels is None:
        why = f" ({pictures.why_no_classes})" if pictures.why_no_classes else ""
        wanted = "wanted two classes or more: a folder for each, or labels"
        raise DataError(f"{pictures.name} has no classes{why}; {wanted}")
    source = open_testing_part(data)
    testing = None
    if source is not None:
        channels, height, width = pictures.shape
        testing = yield from dataset.prepare(source, (width, height), channels, fit, pictures.value_range)
    if testing is None or testing.labels is None:
        return (yield from _without_part(pictures, pictures.labels))
    if unknown := set(testing.classes) - set(pictures.classes):
        raise DataError(f"{pictures.name} has a class to test with that it has none to learn from: {min(unknown)!r}")
    numbers = np.array([pictures.classes.index(name) for name in testing.classes])
    known = testing.labels != UNLABELLED
    tested = (testing.pixels[known] if testing.is_partly_labelled else testing.pixels, numbers[testing.labels[known]])
    learning = np.flatnonzero(pictures.labels != UNLABELLED)
    digest = pictures.digest + testing.digest
    return ProbeData(pictures.pixels, pictures.labels, learning, *tested, pictures.classes, digest)


def _without_part(pictures: Dataset, numbers: np.ndarray) -> Generator[Event, None, ProbeData]:
    """A fifth held out; or, where that would be too few, nothing, and all tested with in turn."""
    fewest = _fewest(numbers[numbers != UNLABELLED])
    learning, held = labels.hold_out(numbers, pictures.classes)
    digest, folds = pictures.digest, 0
    if fewest < FEW:
        folds = min(FOLDS, fewest)
        learning = held = np.flatnonzero(numbers != UNLABELLED)
        digest += f" in {folds} parts"
        how = f"cross-validation of {len(held):,} labelled pictures in {folds} parts"
        share = f"each classifier of `all` learns from {folds - 1} parts and is tested on the other"
        yield Noted(f"{pictures.name} has no test split, and too few labels for one: tested by {how}; {share}")
    else:
        how = f"{len(held):,} labelled pictures, a fifth, held out"
        yield Noted(f"{pictures.name} has no test split: tested by {how}")
    tested = (np.asarray(pictures.pixels[held]), numbers[held])
    apart = not (folds or pictures.is_partly_labelled)  # `sgan` is given no label of a fifth, or, of a few, all
    return ProbeData(pictures.pixels, numbers, learning, *tested, pictures.classes, digest, how, folds, apart)
