"""Looking over the pictures of a source: what is in it, before anything is trained on it."""

import hashlib
from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from scumble.data.flip_check import looks_alike_mirrored
from scumble.data.form import Size
from scumble.data.labels import Label, numbered
from scumble.data.measuring import MIN_PICTURES
from scumble.data.pixels import fitted, is_grey, on_white
from scumble.data.raw import Raw, Span, to_bytes
from scumble.data.sources.source import Item, Source, for_each
from scumble.events import Event

SAMPLE_SIDE, MAX_SAMPLE = 32, 5000
"""Pictures of a survey are compared with their mirror images at this size, and no more than about so many."""


@dataclass(frozen=True)
class Survey:
    """What is in a source.

    Attributes:
        count: pictures that can be read.
        sizes: how many there are of each (width, height).
        grey: whether R = G = B in all of them.
        transparent: how many are transparent somewhere.
        unreadable: name and reason of each that cannot be read.
        duplicates: how many have the pixels of one that came before.
        classes: how many there are of each class, or with each label; those without a class are in none.
        mirrored_alike: whether mirror images look like the pictures themselves; None with fewer than two.
        bands: of pictures that hold more than bytes of grey or colours, how many have so many channels.
        values: what has to be told of the range of their values.
    """

    count: int
    sizes: Counter[Size]
    grey: bool
    transparent: int
    unreadable: tuple[tuple[str, str], ...]
    duplicates: int
    classes: Counter[str]
    mirrored_alike: bool | None
    bands: Counter[int] = field(default_factory=Counter)
    values: str | None = None


def look_over(source: Source) -> Generator[Event, None, Survey]:
    """Look at every picture of a source once, and tell what is in it.

    Yields:
        Started and Progress of the job "look at pictures".
    """
    tally = _Tally(every=-(-len(source.items) // MAX_SAMPLE))
    unreadable = yield from for_each(source, "look at pictures", tally.add)
    count = sum(tally.sizes.values())
    mirrored_alike = None
    if count >= MIN_PICTURES:
        numbers, _ = numbered(tally.sample_labels)
        mirrored_alike = looks_alike_mirrored(np.stack(tally.sample), numbers)
    return Survey(
        count=count,
        sizes=tally.sizes,
        grey=tally.grey,
        transparent=tally.transparent,
        unreadable=tuple(unreadable),
        duplicates=count - len(tally.seen),
        classes=tally.classes,
        mirrored_alike=mirrored_alike,
        bands=tally.bands,
        values=tally.span.chosen()[1] if tally.bands else None,
    )


class _Tally:
    """What a survey has seen so far; of every so many pictures it keeps a small one."""

    def __init__(self, every: int):
        self.every = every
        self.sizes: Counter[Size] = Counter()
        self.classes: Counter[str] = Counter()
        self.bands: Counter[int] = Counter()
        self.span = Span()
        self.seen: set[bytes] = set()
        self.transparent = 0
        self.grey = True
        self.sample: list[np.ndarray] = []  # of (3, H, W) uint8
        self.sample_labels: list[Label | None] = []

    def add(self, item: Item) -> None:
        opened = item.opened()
        if opened.raw is None:
            picture = opened.load()
            size, image = picture.size, on_white(picture)
            values = np.asarray(image)
            self.transparent += picture.alpha is not None
            self.grey = self.grey and is_grey(values)
        else:
            size, values = opened.raw.size, opened.raw.read()
            image = self._look_at(opened.raw, values)
        if self.sizes.total() % self.every == 0:
            self.sample.append(np.asarray(fitted(image, (SAMPLE_SIDE, SAMPLE_SIDE))).transpose(2, 0, 1))
            self.sample_labels.append(item.label)
        self.sizes[size] += 1
        self.classes.update([item.label] if isinstance(item.label, str) else item.label or ())
        shape = f"{values.shape}".encode()
        self.seen.add(hashlib.blake2b(shape + values.tobytes(), digest_size=16).digest())

    def _look_at(self, raw: Raw, values: np.ndarray) -> Image.Image:
        """Something to see of values that are no bytes of colours: their mean, between its own ends."""
        self.span.add(values)
        self.bands[raw.bands] += 1
        self.grey = self.grey and raw.bands == 1
        mean = values.mean(2)
        return Image.fromarray(to_bytes(mean, (mean.min(), max(mean.max(), mean.min() + 1e-9)))).convert("RGB")
