"""A PNG's chunks (W3C, Portable Network Graphics, third edition): what they tell, and a file without the broken ones.

A chunk is its length, its type, its data and a checksum of the last two. What decides how pixels are to be seen is
looked up here, because Pillow passes over some of it; what keeps Pillow from reading good pixels is left out.
"""

import contextlib
import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

SIGNATURE = b"\x89PNG\r\n\x1a\n"
SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""How many numbers a pixel is, by PNG's number of the kind of colour."""

AROUND = "what stands around its pixels is damaged or too large"
"""Said where nothing is missing of the pixels."""

END = b"IEND\xaeB`\x82"
FILTER_UP = 2
MAX_PROFILE_BYTES = 64 << 20
MISSING_SHARE = 0.1
"""Of the rows, as many may be missing at the end of a file: what is there is then still the picture."""

MAX_MENDED_BYTES = 1 << 28
"""Of rows: a damaged file of more is refused, for all of it is gone through to see what is there."""

_PUT_ASIDE = b"prOf"
"""Pillow refuses a file whose profile is larger than 1 MiB. Under a type that it does not know, it passes over it."""

_SHOWN = {b"cICP": 4, b"iCCP": 3, b"sRGB": 1, b"gAMA": 4, b"cHRM": 32, b"tRNS": 1}
"""What tells how pixels are to be seen, and the fewest bytes of each."""


class Chunk(NamedTuple):
    """One chunk: its type, its data as far as they are there, and whether all of it is there and its checksum right."""

    kind: bytes
    data: memoryview
    whole: bool


class Header(NamedTuple):
    """What IHDR tells."""

    width: int
    height: int
    depth: int
    colour: int
    interlaced: bool


def chunks(data: bytes, check: bool = False) -> Iterator[Chunk]:
    """The chunks in their order, as far as the file goes; checksums are looked at if `check` is true."""
    view, place = memoryview(data), len(SIGNATURE)
    while place + 8 <= len(data):
        length, kind = int.from_bytes(view[place : place + 4], "big"), bytes(view[place + 4 : place + 8])
        body, end = view[place + 8 : place + 8 + length], place + 8 + length
        whole = end + 4 <= len(data)
        if whole and check:
            whole = zlib.crc32(view[place + 4 : end]) == int.from_bytes(view[end : end + 4], "big")
        yield Chunk(kind, body, whole)
        place = end + 4


def header(data: bytes) -> Header | None:
    """The header, or None if it is not one."""
    first = next(chunks(data), None)
    if first is None or first.kind != b"IHDR" or len(first.data) < 13:
        return None
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", first.data[:13])
    known = colour in SAMPLES and depth in (1, 2, 4, 8, 16) and width and height
    return Header(width, height, depth, colour, bool(interlaced)) if known else None


def told(data: bytes) -> dict[bytes, bytes]:
    """What stands in front of the pixels about how they are to be seen: the data of these chunks, by their types."""
    found: dict[bytes, bytes] = {}
    for chunk in chunks(data):
        if chunk.kind == b"IDAT":
            break
        kind = b"iCCP" if chunk.kind == _PUT_ASIDE else chunk.kind
        if kind in _SHOWN and chunk.whole:
            found.setdefault(kind, bytes(chunk.data))
    return found


def profile(iccp: bytes) -> bytes | None:
    """The ICC profile in an iCCP chunk, or None if it is damaged or larger than `MAX_PROFILE_BYTES`."""
    _, _, packed = iccp.partition(b"\0")
    unpacker = zlib.decompressobj()
    try:
        found = unpacker.decompress(packed[1:], MAX_PROFILE_BYTES)
    except zlib.error:
        return None
    return found if unpacker.eof else None


def mended(data: bytes) -> tuple[bytes, str] | None:
    """The same pixels without the chunks that Pillow stumbles over, and what was odd; None if there is no such file.

    What is kept is checked: the pixels' stream must hold all rows but `MISSING_SHARE`; rows that are missing at the
    end repeat the last one that is there.
    """
    head = header(data)
    kept: list[tuple[bytes, bytes | memoryview]] = []
    stream: list[memoryview] = []
    odd: dict[str, None] = {}
    for chunk in chunks(data, check=True):
        if chunk.kind == b"IDAT":
            stream.append(chunk.data)
        elif chunk.kind in (b"IHDR", b"PLTE", b"eXIf") or (chunk.whole and not stream and _fits(chunk, head)):
            kept.append((_PUT_ASIDE if chunk.kind == b"iCCP" else chunk.kind, chunk.data))
        if not chunk.whole and chunk.kind != b"IDAT":
            odd[f"its part {chunk.kind.decode('latin-1', 'replace')} is damaged"] = None
    if head is None or not stream:
        return None
    rows = _rows(head, stream)
    if rows is None:
        return None
    packed, missing = rows
    if missing:
        odd[f"it is cut short: the last {missing} of {head.height} rows repeat the one above"] = None
    out = [SIGNATURE, *(_packed(kind, body) for kind, body in kept), _packed(b"IDAT", packed), _packed(b"IEND", b"")]
    return b"".join(out), ", ".join(odd) or AROUND


def _fits(chunk: Chunk, head: Header | None) -> bool:
    """Whether a chunk tells how pixels are to be seen, and is long enough to."""
    if chunk.kind == b"tRNS" and head is not None:
        return len(chunk.data) >= {0: 2, 2: 6}.get(head.colour, 1)
    return len(chunk.data) >= _SHOWN.get(chunk.kind, 1 << 32)


def _rows(head: Header, stream: list[memoryview]) -> tuple[bytes, int] | None:
    """A whole stream of a picture's rows, and how many of them were missing; None if too many are."""
    wanted, row = _size(head)
    if wanted > MAX_MENDED_BYTES:
        return None
    there = bytearray()
    unpacker = zlib.decompressobj()
    with contextlib.suppress(zlib.error):  # what came out before is as good as what a shorter file would have held
        for part in stream:
            there += unpacker.decompress(part, wanted - len(there)) if wanted > len(there) else b""
    missing = -(-(wanted - len(there)) // row)
    if missing * row > MISSING_SHARE * wanted or (missing and head.interlaced):
        return None
    if missing:
        del there[wanted - missing * row :]  # a row that has begun
        there += (bytes([FILTER_UP]) + bytes(row - 1)) * missing
    return zlib.compress(there, 1), missing


def _size(head: Header) -> tuple[int, int]:
    """Bytes of all rows, each with the number of its filter, and of one row that is not interlaced."""
    bits = head.depth * SAMPLES[head.colour]
    passes = [(0, 0, 1, 1)]
    if head.interlaced:  # x, y, every how many columns, every how many rows
        passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    total = 0
    for x, y, step_x, step_y in passes:
        width, height = -(-(head.width - x) // step_x), -(-(head.height - y) // step_y)
        if width > 0 and height > 0:
            total += height * (1 + (width * bits + 7) // 8)
    return total, 1 + (head.width * bits + 7) // 8


def _packed(kind: bytes, data: bytes | memoryview) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))
