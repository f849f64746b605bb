"""Labels: as numbers of classes, a few of them out of many, and those that are kept to test with."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from scumble.errors import DataError

HELD_OUT = 0.2
"""Of each class, to test with, where a data set has no part for that."""


SHOWN = 10
"""So many classes are told by name."""


def numbered(labels: list[str | None]) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """The classes in order, 9 before 10, and for each label the number of its class.

    None and no classes if a label is missing, or all are the same: one folder is no class.

    Example:
        >>> numbered(["b", "a", "b"])
        (array([1, 0, 1]), ('a', 'b'))
    """
    classes = sorted({label for label in labels if label is not None}, key=_natural)
    if None in labels or len(classes) < 2:
        return None, ()
    numbers = {label: number for number, label in enumerate(classes)}
    positions = np.array([numbers[label] for label in labels if label is not None], np.int64)
    return positions, tuple(map(as_text, classes))


def as_text(name: str) -> str:
    """A name that every file can hold: folders may be called by bytes that are no text, which are escaped.

    Example:
        >>> as_text("caf\udce9")
        'caf\\\\udce9'
    """
    return name.encode(errors="backslashreplace").decode()


def why_no_classes(labels: Sequence[str | None], names: Sequence[str]) -> str | None:
    """Why pictures of these labels and names have no classes, in words; None where they have."""
    missing = [name for name, label in zip(names, labels, strict=True) if label is None]
    if missing and len(missing) == len(labels):
        return "they have no labels, and lie in no folders of classes"
    if missing:
        return f"{len(missing):,} of {len(labels):,} pictures have no class, the first {missing[0]}"
    return f"all are of one class, {labels[0]}" if len(set(labels)) == 1 else None


def described(labels: Sequence[str | None], names: Sequence[str]) -> str:
    """The classes with how many pictures each has, or why there are none, in words.

    Example:
        >>> described(["cat", "dog", "cat"], ["1.png", "2.png", "3.png"])
        '2: cat (2), dog (1)'
    """
    counts = Counter(label for label in labels if label is not None)
    classes = sorted(counts, key=_natural)
    shown = ", ".join(f"{name} ({counts[name]:,})" for name in classes[:SHOWN])
    shown += f" and {len(classes) - SHOWN:,} more" * (len(classes) > SHOWN)
    why = why_no_classes(labels, names)
    if why is None:
        return f"{len(classes)}: {shown}"
    return f"none ({why}" + f"; others: {shown}" * (None in labels and bool(counts)) + ")"


def draw(labels: np.ndarray, per_class: int | None, seed: int, classes: Sequence[str]) -> np.ndarray:
    """So many pictures of each class, at random; fewer of them, with the same seed, are some of these.

    Args:
        labels: (N,) integers.
        per_class: how many of each class; None for all there are.
        seed: another seed is another draw.
        classes: names of 0, 1, ...

    Returns:
        (M,) their positions, class after class.

    Raises:
        DataError: if a class has fewer.

    Example:
        >>> labels = np.array([0, 1, 0, 1, 0])
        >>> sorted(labels[draw(labels, 2, 0, ["a", "b"])].tolist())
        [0, 0, 1, 1]
    """
    chosen = []
    for number, name in enumerate(classes):
        shuffled = _shuffled(labels, number, seed)
        if per_class is not None and per_class > len(shuffled):
            had = "1 picture" if len(shuffled) == 1 else f"{len(shuffled)} pictures"
            raise DataError(f"class {name!r} has {had} to learn from; wanted {per_class}", "ask for fewer labels")
        chosen.append(shuffled[:per_class])
    return np.concatenate(chosen)


def hold_out(labels: np.ndarray, classes: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Positions to learn from and positions to test with, ascending: of every class a fifth, and one at least.

    They are always the same, so that whatever is trained with labels leaves the same pictures alone.

    Raises:
        DataError: if a class has a single picture.
    """
    held = []
    for number, name in enumerate(classes):
        shuffled = _shuffled(labels, number, seed=0)
        if len(shuffled) < 2:
            raise DataError(
                f"class {name!r} has {len(shuffled)} picture; wanted 2, to learn from one and test with one"
            )
        held.append(shuffled[: max(1, round(HELD_OUT * len(shuffled)))])
    testing = np.sort(np.concatenate(held))
    return np.setdiff1d(np.arange(len(labels)), testing), testing


def _shuffled(labels: np.ndarray, number: int, seed: int) -> np.ndarray:
    return np.random.default_rng([seed, number]).permutation(np.flatnonzero(labels == number))


def _natural(label: str) -> tuple[bool, int, str]:
    """To sort by: numbers by their value, which is that of their digits once they are equally many, then words."""
    digits = label.lstrip("0") if label.isdecimal() else label
    return (False, len(digits), digits) if label.isdecimal() else (True, 0, label)
