"""Good pixels in files that decoders refuse: the same picture without what is broken around it, and what was odd.

Nothing here is tried before the file as it is was refused. What comes back is decoded by the same decoder as any file.
"""

import io
import re
from collections.abc import Iterator

import numpy as np
from PIL import Image

from scumble.image.quiet import decoders_quiet
from scumble.image.reading import png
from scumble.image.reading.kinds import read_kind

AROUND = png.AROUND
END = b"\xff\xd9"
"""Of a JPEG."""
MISSING_SHARE = png.MISSING_SHARE
_KEPT_AT_LAST = (0xE0, 0xEE)
"""JFIF's and Adobe's marks, which tell which colours are meant."""
_KEPT_FIRST = (*_KEPT_AT_LAST, 0xE1, 0xE2)
"""EXIF and profiles as well."""

MAX_MENDED_PIXELS = 100_000_000
"""A damaged file of more is refused: to find out what is left of it takes several times the memory."""


def mended(data: bytes) -> Iterator[tuple[bytes, str]]:
    """Files to try instead of one that was refused, each with what is odd about the first."""
    kind = read_kind(data)
    if kind == "PNG":
        found = png.mended(data)
        if found is not None:
            yield found
    elif kind == "JPEG":
        yield from _jpegs(data)
    elif kind == "WebP":
        yield _webp(data), AROUND
    elif kind in ("BMP", "PNM", "TIFF"):
        # Rows that lie there one after the other; where they are packed, zeros do not help and it is refused again.
        yield data + bytes(len(data) // 10), "it is cut short: what is missing is black"


def _jpegs(data: bytes) -> Iterator[tuple[bytes, str]]:
    for kept in (_KEPT_FIRST, _KEPT_AT_LAST, ()):
        bare = _with_segments(data, kept)
        if bare is not None:
            yield bare, AROUND
    missing = _missing_rows(data)
    if missing is not None:
        yield data + END, missing


def _with_segments(data: bytes, notes: tuple[int, ...]) -> bytes | None:
    """A JPEG with these of its notes alone, as far as its segments can be told apart."""
    kept, place = [data[:2]], 2
    while place + 4 <= len(data) and data[place] == 0xFF:
        marker = data[place + 1]
        if marker == 0xFF:  # filling
            place += 1
            continue
        if marker == 0xDA:
            return b"".join((*kept, data[place:]))
        end = place + 2 + int.from_bytes(data[place + 2 : place + 4], "big")
        if not (0xE0 <= marker <= 0xEF or marker == 0xFE) or marker in notes:
            kept.append(data[place:end])
        place = end
    return None


def _missing_rows(data: bytes) -> str | None:
    """What to tell about a JPEG without its end; None if more than `MISSING_SHARE` of its rows are missing.

    Whatever bits follow, rows that are there come out the same.
    """
    more = np.random.default_rng(0).integers(0, 255, len(data) // 8 + 64, np.uint8).tobytes()
    pictures, progressive = [], False
    try:
        for end in (END, more + END):
            with decoders_quiet(), Image.open(io.BytesIO(data + end), formats=("JPEG",)) as image:
                if image.width * image.height > MAX_MENDED_PIXELS:
                    return None
                progressive = bool(image.info.get("progressive"))
                pictures.append(np.asarray(image))
    except MemoryError:
        raise
    except Exception:  # decoders of damaged files raise whatever their authors did not think of
        return None
    different = (pictures[0] != pictures[1]).reshape(len(pictures[0]), -1).any(1)
    if not different.any():
        return "its end is missing"
    if progressive:  # all rows come from the first scan on, and later ones sharpen them
        return "it is cut short: less sharp than it was" if data.count(b"\xff\xda") > 1 else None
    rows = len(different) - int(different.argmax())
    return f"it is cut short: the last {rows} rows are flat" if rows <= MISSING_SHARE * len(different) else None


def _webp(data: bytes) -> bytes:
    """A WebP of its pixels and opacity alone, its length put right."""
    kept, place = [], 12
    while place + 8 <= len(data):
        kind, length = data[place : place + 4], int.from_bytes(data[place + 4 : place + 8], "little")
        end = place + 8 + length + length % 2
        if kind == b"VP8X" and place + 8 < len(data):
            flags = data[place + 8] & ~0x2C  # neither profile nor EXIF nor XMP
            kept.append(data[place : place + 8] + bytes([flags]) + data[place + 9 : end])
        elif re.match(rb"VP8[ L]|ALPH|ANIM|ANMF", kind):
            kept.append(data[place:end].ljust(end - place if end - place - len(data[place:end]) <= 1 else 0, b"\0"))
        place = end
    body = b"WEBP" + b"".join(kept)
    return b"RIFF" + len(body).to_bytes(4, "little") + body
