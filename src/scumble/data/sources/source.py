"""What every kind of collection becomes: a list of pictures that are decoded only when they are asked for."""

import hashlib
import json
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from scumble.data import labels
from scumble.data.labels import Label
from scumble.data.raw import Raw, raw_of
from scumble.errors import DataError, ImageError
from scumble.events import Event, Noted, Progress, Started, Warned
from scumble.image import files
from scumble.image.files import Picture
from scumble.image.quiet import decoders_quiet


@dataclass(frozen=True)
class Opened:
    """A picture whose header was read.

    Attributes:
        size: (width, height) in pixels, upright.
        raw: its values where no 8-bit picture holds them; None for an ordinary picture.
        load: decodes it as an 8-bit picture.

    `size` and `load` raise ImageError if the picture cannot be read.
    """

    size: Callable[[], tuple[int, int]]
    raw: Raw | None
    load: Callable[[], Picture]


@dataclass(frozen=True)
class Item:
    """One picture of a source.

    Attributes:
        name: to speak of it.
        label: its class, or None; its labels, where pictures of the source may have several.
        load: decodes it; raises ImageError if it cannot be read.
        measure: finds (width, height) with less work than `load`; None if there is no such way.
        look: reads its header, for all that follows; None if there is nothing to be found there.
        finish: what is made of its pixels, (H, W, C) uint8, once they have the form that is learnt from.
    """

    name: str
    label: Label | None
    load: Callable[[], Picture]
    measure: Callable[[], tuple[int, int]] | None = None
    look: Callable[[], Opened] | None = None
    finish: Callable[[np.ndarray], np.ndarray] | None = None

    def size(self) -> tuple[int, int]:
        """(width, height) in pixels; raises ImageError like `load`."""
        if self.measure is not None:
            return self.measure()
        return self.look().size() if self.look else self.load().size

    def opened(self) -> Opened:
        """With its header read; raises ImageError like `load`."""
        return self.look() if self.look else Opened(self.size, None, self.load)


@dataclass(frozen=True)
class Source:
    """Pictures that can be decoded one by one.

    Attributes:
        name: to speak of it.
        items: the pictures, in an order that does not change.
        digest: hexadecimal SHA-256 of what stands for the content: the names, sizes and times of a folder's files, the
            names, sizes and checksums of a zip's entries, the bytes of arrays.
        told: what was left out or chosen, if anything.
    """

    name: str
    items: Sequence[Item]
    digest: str
    told: tuple[Noted | Warned, ...] = ()

    def understood(self) -> tuple[Noted | Warned, ...]:
        """What was left out or chosen, then how many pictures there are, and of what classes."""
        classes = labels.described([item.label for item in self.items], [item.name for item in self.items])
        return *self.told, Noted(f"{self.name}: {len(self.items):,} pictures; classes: {classes}")


def refuse_several(source: Source) -> None:
    """Raises DataError if its pictures may have several labels, or none, rather than a class each."""
    several = [(len(item.label) < 2, item.name, item.label) for item in source.items if isinstance(item.label, tuple)]
    if several:
        _, name, found = min(several)
        got = " and ".join(found[:2]) or "none"
        raise DataError(f"{name} of {source.name} has the labels {got}; wanted one class a picture")


def of_picture(picture: Picture) -> Opened:
    """A decoded picture, as if it had just been opened."""
    return Opened(lambda: picture.size, None, lambda: picture)


def for_each(source: Source, job: str, look: Callable[[Item], None]) -> Generator[Event, None, list[tuple[str, str]]]:
    """Call `look` for every item; returns the name and reason of those for which it raised an ImageError.

    Yields:
        Started and Progress of `job`.
    """
    total, unreadable = len(source.items), []
    yield Started(job, total, "pictures")
    step = max(1, total // 200)  # half a percent is smooth enough
    for start in range(0, total, step):
        with decoders_quiet():  # once for all of them: for each, it takes a tenth of what a small picture does
            for item in source.items[start : start + step]:
                try:
                    look(item)
                except ImageError as error:
                    unreadable.append((item.name, str(error)))
        yield Progress(job, min(start + step, total), total)
    return unreadable


def item_of_file(name: str, label: str | None, read: Callable[[], bytes]) -> Item:
    """An item whose picture is in a file's bytes, which `read` delivers."""

    def look() -> Opened:
        data = read()
        raw = raw_of(data, name)
        size = partial(files.size_of, data, name) if raw is None else lambda: raw.size
        return Opened(size, raw, partial(files.load_bytes, data, name))

    return Item(name, label, lambda: files.load_bytes(read(), name), look=look)


def digest_of(facts: Any) -> str:
    """Hexadecimal SHA-256 of plain data."""
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()
