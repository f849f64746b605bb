"""The forms in which people have pictures to translate between: which lie on side A and which on B, and which belong
together.

| form                                                   | side A                           | side B               |
|--------------------------------------------------------|----------------------------------|----------------------|
| `trainA trainB testA testB`                            | trainA                           | trainB               |
| two folders, archives or arrays, given one by one      | the first                        | the second           |
| one folder with two folders, such as `A` and `B`       | the first by name                | the second           |
| pictures twice as wide as high, or wider still         | the left half                    | the right half       |
| any pictures, which code degrades                      | what is left of them             | the pictures         |

Pairs are of equal names, whatever their endings. Where there is no part for testing, some pictures are withheld from
the training all the same. Nothing else is guessed: what is unclear is refused.
"""

import dataclasses
import re
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from scumble.data.sources.halves import halves_of
from scumble.data.sources.names import OTHER_PART, TRAINING_PART
from scumble.data.sources.opener import open_source, open_testing_part
from scumble.data.sources.source import Item, Source, digest_of, for_each
from scumble.errors import DataError
from scumble.events import Event, Noted, Warned

Data = str | Path | Sequence[str | Path]
"""One source, or two: A and B."""
SIDE = re.compile(r"(?:train|training|test|testing|val|valid|validation)[ _-]?([ab])", re.IGNORECASE)
LETTER = re.compile(r"[ _-]?[ab]$")
WITHHELD_ONE_OF, LEAST_WITHHELD, MOST_WITHHELD = 10, 4, 200
"""Where nobody has set pictures apart for testing, one of so many is."""
WIDEST = 2
"""Times its height, from which on a picture is two side by side, if all are."""
WANTED = "wanted trainA and trainB, two folders, or pictures of two halves side by side"
BY_CODE = "--pairs grey, and others, make pairs of any pictures"


class Layout(NamedTuple):
    """What lies where.

    Attributes:
        name: of the whole.
        a: pictures of side A, those to learn from and those to test with.
        b: of side B; None where both sides are made of the same pictures.
        withheld: positions in `a` and in `b` that are never learnt from.
        are_pairs: whether the n-th of `a` belongs to the n-th of `b`.
        words: how that was understood.
    """

    name: str
    a: Source
    b: Source | None
    withheld: tuple[np.ndarray, np.ndarray]
    are_pairs: bool
    words: str

    def swapped(self) -> "Layout":
        """The other way round."""
        return self if self.b is None else self._replace(a=self.b, b=self.a, withheld=self.withheld[::-1])

    def without(self, of_a: set[str], of_b: set[str]) -> "Layout":
        """Without the pictures of these names; of pairs, without their partners."""
        keep = [np.array([item.name not in names for item in source.items]) for source, names in
                ((self.a, of_a), (self.b or self.a, of_b))]  # fmt: skip
        if self.are_pairs or self.b is None:
            keep = [keep[0] & keep[1]] * 2
        a, b = (_kept(source, one) for source, one in zip((self.a, self.b or self.a), keep, strict=True))
        withheld = [np.flatnonzero(np.isin(np.arange(len(one)), positions)[one])
                    for one, positions in zip(keep, self.withheld, strict=True)]  # fmt: skip
        return self._replace(a=a, b=b if self.b else None, withheld=(withheld[0], withheld[1]))


class _Parts(NamedTuple):
    """A source: what is learnt from, and what is for testing."""

    name: str
    training: list[Item]
    testing: list[Item]
    digest: str
    told: tuple[Noted | Warned, ...]

    @property
    def items(self) -> list[Item]:
        return [*self.training, *self.testing]

    def source(self, name: str, told: tuple[Noted | Warned, ...] = ()) -> Source:
        return Source(name, self.items, digest_of([self.digest, name, [item.name for item in self.items]]), told)

    def withheld(self) -> np.ndarray:
        """Positions in `items`."""
        learnt = len(self.training)
        return np.arange(learnt, len(self.items)) if self.testing else _some_of(learnt)


def one_set(data: Data, labels: str | Path | None) -> Layout:
    """Pictures of which code makes pairs, or that have classes.

    Raises:
        DataError: if they cannot be read, or two sources are given.
    """
    given = _given(data)
    if len(given) > 1:
        raise DataError(f"data: got {given[0]} and {given[1]}, wanted one set of pictures: both sides are made of it")
    parts = _opened(given[0], labels)
    withheld = parts.withheld()
    return Layout(parts.name, parts.source(parts.name, parts.told), None, (withheld, withheld), True, "")


def two_sides(data: Data, are_pairs: bool, labels: str | Path | None) -> Generator[Event, None, Layout]:
    """Pictures of two kinds: pairs, or not.

    Yields:
        Started and Progress of reading the sizes of pictures that may lie side by side; Warned of names without a
        partner.

    Raises:
        DataError: if they cannot be read, or it is not clear what lies on which side.
    """
    given = _given(data)
    opened = [_opened(one, labels) for one in given]
    if len(opened) == 2:
        sides = [_named(one, one.name) for one in opened]
        words = f"{given[0]} is side A and {given[1]} side B"
    else:
        found = _sides_of(opened[0])
        if found is None:
            return (yield from _side_by_side(opened[0], are_pairs))
        sides, words = found
    name = " and ".join(one.name for one in opened)
    if are_pairs:
        return (yield from _paired(name, sides, words))
    a, b = (side.parts for side in sides)
    if not a.training or not b.training:
        raise DataError(f"{name} has pictures to learn from on one side only ({words}); {WANTED}")
    source_a, source_b = (one.source(one.name, one.told) for one in (a, b))
    return Layout(name, source_a, source_b, (a.withheld(), b.withheld()), False, words)


def _given(data: Data) -> list[str | Path]:
    given = [data] if isinstance(data, str | Path) else list(data)
    if len(given) not in (1, 2):
        raise DataError(f"data: got {len(given)} sources, wanted one, or two: side A and side B")
    return given


def _opened(given: str | Path, labels: str | Path | None) -> _Parts:
    source = open_source(given, labels)
    # Labels are of the pictures to learn from: those of others would be unknown.
    testing = open_testing_part(given) if labels is None else None
    digest = digest_of([source.digest, testing.digest if testing else ""])
    return _Parts(source.name, [*source.items], [*testing.items] if testing else [], digest, source.told)


def _some_of(count: int) -> np.ndarray:
    """Positions of pictures to withhold, ascending, always the same."""
    number = min(MOST_WITHHELD, max(LEAST_WITHHELD, count // WITHHELD_ONE_OF), count // 2)
    return np.sort(np.random.default_rng(0).permutation(count)[:number])


def _kept(source: Source, keep: np.ndarray) -> Source:
    items = [item for item, kept in zip(source.items, keep, strict=True) if kept]
    return dataclasses.replace(source, items=items, digest=digest_of([source.digest, keep.nonzero()[0].tolist()]))


# --- Two folders ----------------------------------------------------------------------------------------------------


class _Side(NamedTuple):
    """One side, and what its pictures are called apart from their endings and from what the sides are called."""

    parts: _Parts
    names: dict[str, Item]


def _folders(item: Item) -> list[str]:
    return item.name.split("/")[:-1]


def _is_part(folder: str) -> bool:
    return bool(TRAINING_PART.fullmatch(folder.lower()) or OTHER_PART.fullmatch(folder.lower()))


def _named(parts: _Parts, name: str, dropped: int = 0) -> _Side:
    """A side whose pictures' names begin with `dropped` folders that mean nothing, but for `train` and the like."""
    names = {_name_in_side(item, dropped): item for item in reversed(parts.items)}
    return _Side(parts._replace(name=name), {key: names[key] for key in reversed(names)})


def _name_in_side(item: Item, dropped: int) -> str:
    """A picture's name without its ending and what is the side's: that of its partner. Parts count again from 1."""
    folders = []
    for folder in _folders(item):
        if _is_part(folder):
            folders.append(LETTER.sub("", folder.lower()))
        elif dropped:
            dropped -= 1
        else:
            folders.append(folder)
    last = item.name.rpartition("/")[2]
    return "/".join([*folders, last.rpartition(".")[0] or last])


def _sides_of(parts: _Parts) -> tuple[list[_Side], str] | None:
    """The two sides of a folder; None if it has not just two."""
    lettered = [next((m[1].upper() for f in _folders(item) if (m := SIDE.fullmatch(f))), "") for item in parts.items]
    if all(lettered):
        of_items, dropped = lettered, 0
    else:
        rests = [[folder for folder in _folders(item) if not _is_part(folder)] for item in parts.items]
        common = 0
        while all(len(rest) > common for rest in rests) and len({rest[common] for rest in rests}) == 1:
            common += 1
        of_items = [rest[common] if len(rest) > common else "" for rest in rests]
        dropped = common + 1
    called = sorted(set(of_items))
    if len(called) != 2 or "" in called:
        return None
    sides, learnt = [], len(parts.training)
    for side in called:
        mine = [_relabelled(item, dropped) if one == side else None for item, one in zip(parts.items, of_items,
                strict=True)]  # fmt: skip
        chosen = _Parts(f"{parts.name}/{side}", [i for i in mine[:learnt] if i], [i for i in mine[learnt:] if i],
                        digest_of([parts.digest, side]), parts.told if side == called[0] else ())  # fmt: skip
        sides.append(_named(chosen, chosen.name, dropped))
    if all(lettered):
        return sides, "trainA is side A and trainB side B"
    return sides, f"the folder {called[0]} is side A and {called[1]} side B"


def _relabelled(item: Item, dropped: int) -> Item:
    """With the class of a folder inside of a side; that of the side itself is none."""
    inside = [folder for folder in _folders(item) if not _is_part(folder)][dropped:]
    return item if isinstance(item.label, tuple) else dataclasses.replace(item, label=inside[-1] if inside else None)


def _paired(name: str, sides: list[_Side], words: str) -> Generator[Event, None, Layout]:
    a, b = sides
    both = [key for key in a.names if key in b.names]
    if not both:
        first, second = (next(iter(side.names), "nothing") for side in sides)
        raise DataError(
            f"{name}: no name on side A is one on side B ({words}), the first: {first} and {second}; wanted pairs with "
            f"equal names, or pictures of two halves side by side"
        )
    for side, other in ((a, b), (b, a)):
        if alone := [item.name for key, item in side.names.items() if key not in other.names]:
            what = f"{len(alone):,} of {len(side.names):,} pictures of {side.parts.name} have no partner of their name"
            yield Warned(f"{what} and are left out, the first: {alone[0]}")
        used = {id(item) for item in side.names.values()}
        if again := [item.name for item in side.parts.items if id(item) not in used]:
            yield Warned(
                f"{len(again):,} names of {side.parts.name} are there twice: the first are used, not {again[0]}"
            )
    training = {id(item) for side in sides for item in side.parts.training}
    learnt = [key for key in both if id(a.names[key]) in training and id(b.names[key]) in training]
    tested = [key for key in both if id(a.names[key]) not in training and id(b.names[key]) not in training]
    of_a, of_b = (
        side.parts._replace(training=[side.names[key] for key in learnt], testing=[side.names[key] for key in tested])
        for side in sides
    )
    sources = [parts.source(parts.name, parts.told) for parts in (of_a, of_b)]
    withheld = of_a.withheld()
    return Layout(name, sources[0], sources[1], (withheld, withheld), True, f"{words}, paired by their names")


# --- Side by side ---------------------------------------------------------------------------------------------------


def _side_by_side(parts: _Parts, are_pairs: bool) -> Generator[Event, None, Layout]:
    sizes: list[tuple[str, tuple[int, int]]] = []
    source = parts.source(parts.name, parts.told)
    yield from for_each(source, "measure pictures", lambda item: sizes.append((item.name, item.size())))
    for name, (width, height) in sizes:
        if width % 2 or width < WIDEST * height:
            kind = "pairs" if are_pairs else "two kinds of pictures"
            got = f"{name} of {width}x{height} pixels"
            raise DataError(f"{parts.name} is not understood as {kind}: no two folders, and {got}; {WANTED}", BY_CODE)
    a, b = halves_of(source)
    withheld = parts.withheld()
    return Layout(parts.name, a, b, (withheld, withheld), True, "the left half of each picture is side A, the right B")
