"""The boxes of HEIF and AVIF files (ISO/IEC 23008-12): how the main picture's colours are meant (`nclx`).

Pillow's reader of AVIF tells nothing of it. A box is its length, its type and its content, often further boxes.
"""

from collections.abc import Iterator
from typing import NamedTuple

MAX_BOXES = 10_000


class Coding(NamedTuple):
    """Primaries and curve of colours by their numbers in ITU-T H.273."""

    primaries: int
    transfer: int


def coding(data: bytes) -> Coding | None:
    """What the `nclx` of the main picture tells, or the file's first one if it is not said whose it is."""
    meta = next((body for kind, body in _boxes(memoryview(data)) if kind == b"meta"), None)
    if meta is None:
        return None
    inside = dict(_boxes(meta[4:]))
    properties = dict(_boxes(inside.get(b"iprp", memoryview(b""))))
    held = list(_boxes(properties.get(b"ipco", memoryview(b""))))
    told = {
        number: Coding(int.from_bytes(body[4:6], "big"), int.from_bytes(body[6:8], "big"))
        for number, (kind, body) in enumerate(held, 1)
        if kind == b"colr" and bytes(body[:4]) == b"nclx" and len(body) >= 8
    }
    main = _main_item(inside.get(b"pitm"))
    mine = _properties_of(main, properties.get(b"ipma", memoryview(b"")))
    return next((told[number] for number in mine if number in told), None) or (
        next(iter(told.values()), None) if not mine else None
    )


def _boxes(view: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    place = 0
    for _ in range(MAX_BOXES):
        if place + 8 > len(view):
            return
        length, kind, start = int.from_bytes(view[place : place + 4], "big"), bytes(view[place + 4 : place + 8]), 8
        if length == 1:
            length, start = int.from_bytes(view[place + 8 : place + 16], "big"), 16
        elif length == 0:
            length = len(view) - place
        if length < start:
            return
        yield kind, view[place + start : place + length]
        place += length


def _main_item(pitm: memoryview | None) -> int | None:
    if pitm is None or len(pitm) < 6:
        return None
    return int.from_bytes(pitm[4:6] if pitm[0] == 0 else pitm[4:8], "big")


def _properties_of(item: int | None, ipma: memoryview) -> list[int]:
    """The numbers of an item's properties."""
    if item is None or len(ipma) < 8:
        return []
    wide_item, wide_property = ipma[0] > 0, bool(ipma[3] & 1)
    count, place = int.from_bytes(ipma[4:8], "big"), 8
    for _ in range(min(count, MAX_BOXES)):
        size = 4 if wide_item else 2
        number = int.from_bytes(ipma[place : place + size], "big")
        place += size
        if place >= len(ipma):
            return []
        associations, place = ipma[place], place + 1
        step = 2 if wide_property else 1
        entries = [
            int.from_bytes(ipma[place + i * step : place + (i + 1) * step], "big") & (0x7FFF if wide_property else 0x7F)
            for i in range(associations)
        ]
        if number == item:
            return entries
        place += associations * step
    return []
