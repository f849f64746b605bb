"""What pictures are and what they shall become: their size, channels and range of values, before any is decoded.

Sizes and channels are found in the headers of all pictures. Only where values are no bytes, all of them are looked
through, for their range.
"""

import dataclasses
from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass

import numpy as np

from scumble.data.form import MIN_SIDE, Form, Range, Size, times
from scumble.data.raw import BYTES, Span
from scumble.data.sources.source import Item, Source, for_each
from scumble.errors import DataError
from scumble.events import Event, Noted
from scumble.image.sizes import fit_shorter_side

MIN_PICTURES = 16
MAX_AUTOMATIC_SIDE = 64
"""What a GAN learns in hours on one machine; larger pictures have to be asked for."""
MAX_ASPECT = 4
"""Longer strips than this many times their shorter side are cut, where no size is asked for."""
MAX_UNREADABLE = 0.1
"""A source with a larger share of unreadable pictures is refused: it is probably not what its user thinks it is."""


@dataclass(frozen=True)
class Measured:
    """What pictures are, and shall become.

    Attributes:
        form: all settled but perhaps `channels`: whether ordinary pictures are grey is seen when they are decoded.
        expected: the size that needs no change to its shape: the median's, or the one that was asked for.
        sizes: how many there are of each; none where a size was asked for.
        told: what has to be said of it.
    """

    form: Form
    expected: Size
    sizes: Counter[Size]
    told: tuple[Noted, ...]


def measure(source: Source, wanted: Form) -> Generator[Event, None, Measured]:
    """Read all headers, and settle what is not asked for.

    Raises:
        DataError: if too many cannot be read, or have different numbers of channels.
    """
    sizes: Counter[Size] = Counter()
    bands: Counter[int] = Counter()  # of pictures that no 8-bit picture holds
    raw: list[Item] = []

    def look(item: Item) -> None:
        opened = item.opened()
        sizes.update([opened.size()])
        if opened.raw is not None:
            raw.append(item)
            bands.update([opened.raw.bands])

    refuse_unreadable(source, (yield from for_each(source, "measure pictures", look)))
    expected = wanted.size or median_size(sizes)
    form = wanted._replace(
        size=wanted.size or automatic_size(expected),
        channels=wanted.channels or channels_of(source, bands, sizes.total()),
    )
    told: list[Noted] = []
    if raw and wanted.value_range is None:
        found, note = yield from _range(dataclasses.replace(source, items=raw))
        form = form._replace(value_range=found)
        told += [Noted(f"{source.name}: {note} (--value-range LOW,HIGH sets others)")] if note else []
    if not raw or form.value_range == BYTES:
        form = form._replace(bits=8)
    return Measured(form, expected, Counter() if wanted.size else sizes, tuple(told))


def channels_of(source: Source, bands: Counter[int], count: int) -> int | None:
    """As many channels as all pictures have; None if they are ordinary, or like ordinary ones.

    Args:
        source: to speak of it.
        bands: how many pictures have so many, of those that no 8-bit picture holds.
        count: of all pictures.

    Raises:
        DataError: if some have more, and others have not.
    """
    unlike = {number: found for number, found in bands.items() if number not in (1, 3, 4)}
    if not unlike:
        return None
    number = max(unlike, key=lambda number: unlike[number])
    if unlike[number] < count:
        raise DataError(
            f"{unlike[number]:,} of {count:,} pictures of {source.name} have {number} channels, and others have not",
            f"--channels {number} or --channels 3 takes those that fit, where they are nine of ten",
        )
    return number


def _range(source: Source) -> Generator[Event, None, tuple[Range | None, str | None]]:
    span = Span()

    def look(item: Item) -> None:
        raw = item.opened().raw
        assert raw is not None
        span.add(raw.read())

    refuse_unreadable(source, (yield from for_each(source, "find the range of values", look)))
    return span.chosen()


def median_size(sizes: Counter[Size]) -> Size:
    """The medians of the widths and of the heights; that of most pictures, if most have one size."""
    count = list(sizes.values())
    width, height = (np.repeat([size[axis] for size in sizes], count) for axis in (0, 1))
    return int(np.median(width)), int(np.median(height))


def automatic_size(common: Size) -> Size:
    """The (width, height) that pictures are trained at whose median size is `common`, if none is asked for."""
    shorter = min(max(min(common), MIN_SIDE), MAX_AUTOMATIC_SIDE)
    width, height = fit_shorter_side(common, shorter)
    return min(width, MAX_ASPECT * shorter), min(height, MAX_ASPECT * shorter)


def sizes_in_words(sizes: Counter[Size], expected: Size) -> str:
    """What sizes pictures have: that of most, or how they are distributed, with the median."""
    if 2 * sizes[expected] > sizes.total():
        return f"most pictures are {times(expected)}"
    low, high = (tuple(side(size[axis] for size in sizes) for axis in (0, 1)) for side in (min, max))
    spread = f"pictures are {low[0]} to {high[0]} pixels wide and {low[1]} to {high[1]} high"
    return f"{spread}, {times(expected)} in the median"


def refuse_unreadable(source: Source, unreadable: list[tuple[str, str]]) -> None:
    """Raises DataError if too many of a source's pictures cannot be read."""
    if len(unreadable) > MAX_UNREADABLE * len(source.items):
        share = f"{len(unreadable)} of {len(source.items)} pictures of {source.name} cannot be read"
        raise DataError(f"{share}, the first: {unreadable[0][1]}; wanted at most {MAX_UNREADABLE:.0%}")


def refuse_few(source: Source, count: int) -> None:
    """Raises DataError if so many pictures of a source are too few."""
    if count < MIN_PICTURES:
        pictures = "1 picture" if count == 1 else f"{count} pictures"
        raise DataError(f"{source.name} holds {pictures} that can be read; wanted at least {MIN_PICTURES}")
