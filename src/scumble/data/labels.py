"""Labels: as numbers of classes, a few of them out of many, and those that are kept to test with.

A picture has one class, or any number of labels, where a table says so. One class is a whole number; several labels are
a row of zeros and ones, and whoever knows only classes is never given such rows. Where pictures have classes, some of
them, or most, may have none.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from scumble.errors import DataError

HELD_OUT = 0.2
"""Of each class, to test with, where a data set has no part for that."""

UNLABELLED = -100
"""The number of a class that is not known; torch's cross-entropy ignores it."""

SHOWN = 10
"""So many classes are told by name."""

MAX_DRAWN = 1000
"""The labels of so many pictures are drawn in turn where none are chosen."""

Label = str | tuple[str, ...]
"""The class of a picture; or all its labels, where pictures may have several."""


def numbered(labels: Sequence[Label | None]) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """The classes in order, 9 before 10, and for each picture the number of its class; or `multi_hot` rows.

    None and no classes if all that are known are the same: one folder is no class. Several labels have to be known of
    every picture, for none may be what a picture has.

    Example:
        >>> numbered(["b", "a", None])
        (array([   1,    0, -100]), ('a', 'b'))
    """
    if are_several(labels):
        return _numbered_several([label for label in labels if isinstance(label, tuple)], len(labels))
    classes = sorted({label for label in labels if isinstance(label, str)}, key=_natural)
    if len(classes) < 2:
        return None, ()
    numbers = {label: number for number, label in enumerate(classes)}
    positions = [numbers[label] if isinstance(label, str) else UNLABELLED for label in labels]
    return np.array(positions, np.int64), tuple(map(as_text, classes))


def as_text(name: str) -> str:
    """A name that every file can hold: folders may be called by bytes that are no text, which are escaped.

    Example:
        >>> as_text("caf\udce9")
        'caf\\\\udce9'
    """
    return name.encode(errors="backslashreplace").decode()


def _numbered_several(labels: list[tuple[str, ...]], count: int) -> tuple[np.ndarray | None, tuple[str, ...]]:
    if len(labels) < count or len(set(labels)) < 2:
        return None, ()
    classes = sorted({name for label in labels for name in label}, key=_natural)
    numbers = {name: number for number, name in enumerate(classes)}
    return multi_hot([[numbers[name] for name in label] for label in labels], len(classes)), tuple(classes)


def are_several(labels: Sequence[Label | None]) -> bool:
    """Whether these are labels of which a picture may have several."""
    return any(isinstance(label, tuple) for label in labels)


def multi_hot(labels: Sequence[Sequence[int]], classes: int) -> np.ndarray:
    """(N, K) uint8, 1 where a picture has the label of that number.

    Example:
        >>> multi_hot([[0, 2], []], 3).tolist()
        [[1, 0, 1], [0, 0, 0]]
    """
    rows = np.zeros((len(labels), classes), np.uint8)
    for row, numbers in zip(rows, labels, strict=True):
        row[list(numbers)] = 1
    return rows


def as_plain(numbers: np.ndarray | None) -> tuple[Any, ...] | None:
    """To be written as JSON: the numbers of classes, or for each picture those of its labels."""
    if numbers is None or numbers.ndim == 1:
        return None if numbers is None else tuple(numbers.tolist())
    return tuple(tuple(np.flatnonzero(row).tolist()) for row in numbers)


def from_plain(plain: Sequence[Any] | None, classes: int) -> np.ndarray | None:
    """What `as_plain` was given; ValueError or TypeError if that cannot have been."""
    if plain is None:
        return None
    several = any(isinstance(one, tuple) for one in plain)
    known = set().union(*plain) if several else set(plain) - {UNLABELLED}
    if not classes or known != set(range(classes)):
        raise ValueError(f"the labels are not those of {classes} classes")
    return multi_hot(plain, classes) if several else np.array(plain, np.int64)


def sets_in_turn(labels: np.ndarray) -> tuple[str, ...]:
    """Of (N, K) labels those of some pictures at random, always the same: a digit 0 or 1 for each of K.

    Labels drawn one by one would be those of no picture: who wears lipstick in CelebA is hardly ever bald.
    """
    chosen = labels[np.random.default_rng(0).permutation(len(labels))[:MAX_DRAWN]]
    return tuple("".join(map(str, row)) for row in chosen)


def why_no_classes(labels: Sequence[Label | None], names: Sequence[str]) -> str | None:
    """Why not all pictures of these labels and names have classes, in words; None where they have."""
    missing = [name for name, label in zip(names, labels, strict=True) if label is None]
    if missing and len(missing) == len(labels):
        return "they have no labels, and lie in no folders of classes"
    if missing:
        return f"{len(missing):,} of {len(labels):,} pictures have no class, the first {missing[0]}"
    if len(set(labels)) > 1:
        return None
    one = labels[0]
    return (
        f"all have the same labels: {', '.join(one) or 'none'}"
        if isinstance(one, tuple)
        else f"all are of one class, {one}"
    )


def described(labels: Sequence[Label | None], names: Sequence[str]) -> str:
    """The classes with how many pictures each has, and how many have none, or why there are no classes, in words.

    Example:
        >>> described(["cat", "dog", "cat"], ["1.png", "2.png", "3.png"])
        '2: cat (2), dog (1)'
        >>> described(["cat", "dog", None], ["1.png", "2.png", "3.png"])
        '2: cat (1), dog (1); 1 of 3 pictures have no class, the first 3.png'
        >>> described([("hat", "smile"), ("smile",), ()], ["1.png", "2.png", "3.png"])
        '2 labels, 1.0 a picture on average; smile 67%, hat 33%; 1 picture has none'
    """
    if are_several(labels):
        why = why_no_classes(labels, names)
        return _several_described([label or () for label in labels]) if why is None else f"none ({why})"
    counts = Counter(label for label in labels if isinstance(label, str))
    classes = sorted(counts, key=_natural)
    shown = listed([f"{name} ({counts[name]:,})" for name in classes])
    why = why_no_classes(labels, names)
    if why is None or len(classes) > 1:
        return f"{len(classes)}: {shown}" + (f"; {why}" if why else "")
    return f"none ({why}" + f"; others: {shown}" * (None in labels and bool(counts)) + ")"


def _several_described(labels: Sequence[Sequence[str]]) -> str:
    counts, total = Counter(name for label in labels for name in label), len(labels)
    shown = listed([f"{name} {count / total:.0%}" for name, count in counts.most_common()])
    without = sum(not label for label in labels)
    none = f"; {without:,} {'picture has' if without == 1 else 'pictures have'} none" * bool(without)
    return f"{len(counts)} labels, {counts.total() / total:.1f} a picture on average; {shown}{none}"


def listed(words: Sequence[str]) -> str:
    """The first `SHOWN` of some words, and how many more there are."""
    return ", ".join(words[:SHOWN]) + f" and {len(words) - SHOWN:,} more" * (len(words) > SHOWN)


def draw(labels: np.ndarray, per_class: int | None, seed: int, classes: Sequence[str]) -> np.ndarray:
    """So many pictures of each class, at random; fewer of them, with the same seed, are some of these.

    Args:
        labels: (N,) integers; those that are `UNLABELLED` are never drawn.
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

    Pictures without a class are in neither.

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
    return np.setdiff1d(np.flatnonzero(labels != UNLABELLED), testing), testing


def in_parts(labels: np.ndarray, parts: int, seed: int) -> np.ndarray:
    """(N,): in which of so many parts each picture is, for cross-validation; `UNLABELLED` where it has no class.

    Every class is shuffled and dealt out in turn, so that its numbers in two parts differ by one at most.

    Example:
        >>> sorted(in_parts(np.array([0, 0, 0, 0, 1, 1]), 2, 0).tolist())
        [0, 0, 0, 1, 1, 1]
    """
    dealt = np.full(len(labels), UNLABELLED)
    for number in np.unique(labels[labels != UNLABELLED]):
        shuffled = _shuffled(labels, number, seed)
        dealt[shuffled] = np.arange(len(shuffled)) % parts
    return dealt


def _shuffled(labels: np.ndarray, number: int, seed: int) -> np.ndarray:
    return np.random.default_rng([seed, number]).permutation(np.flatnonzero(labels == number))


def _natural(label: str) -> tuple[bool, int, str]:
    """To sort by: numbers by their value, which is that of their digits once they are equally many, then words."""
    digits = label.lstrip("0") if label.isdecimal() else label
    return (False, len(digits), digits) if label.isdecimal() else (True, 0, label)
