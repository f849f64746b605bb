"""What every kind of collection becomes: a list of pictures that are decoded only when they are asked for."""

import hashlib
import json
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any

from scumble.errors import ImageError
from scumble.events import Event, Progress, Started
from scumble.image import files
from scumble.image.files import Picture


@dataclass(frozen=True)
class Item:
    """One picture of a source.

    Attributes:
        name: to speak of it.
        label: its class, or None.
        load: decodes it; raises ImageError if it cannot be read.
        measure: finds (width, height) with less work than `load`; None if there is no such way.
    """

    name: str
    label: str | None
    load: Callable[[], Picture]
    measure: Callable[[], tuple[int, int]] | None = None

    def size(self) -> tuple[int, int]:
        """(width, height) in pixels; raises ImageError like `load`."""
        return self.measure() if self.measure else self.load().size


@dataclass(frozen=True)
class Source:
    """Pictures that can be decoded one by one.

    Attributes:
        name: to speak of it.
        items: the pictures, in an order that does not change.
        digest: hexadecimal SHA-256 of what stands for the content: the names, sizes and times of a folder's files, the
            names, sizes and checksums of a zip's entries, the bytes of arrays.
        note: what was left out or chosen, if anything.
    """

    name: str
    items: Sequence[Item]
    digest: str
    note: str | None = None


def for_each(source: Source, job: str, look: Callable[[Item], None]) -> Generator[Event, None, list[tuple[str, str]]]:
    """Call `look` for every item; returns the name and reason of those for which it raised an ImageError.

    Yields:
        Started and Progress of `job`.
    """
    total, unreadable = len(source.items), []
    yield Started(job, total, "pictures")
    for done, item in enumerate(source.items, 1):
        try:
            look(item)
        except ImageError as error:
            unreadable.append((item.name, str(error)))
        if done % max(1, total // 200) == 0 or done == total:  # steps of half a percent are smooth enough
            yield Progress(job, done, total)
    return unreadable


def item_of_file(name: str, label: str | None, read: Callable[[], bytes]) -> Item:
    """An item whose picture is in a file's bytes, which `read` delivers."""
    return Item(name, label, lambda: files.load_bytes(read(), name), lambda: files.size_of(read(), name))


def digest_of(facts: Any) -> str:
    """Hexadecimal SHA-256 of plain data."""
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()
