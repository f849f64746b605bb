"""Picture files that no library writes: PNGs of any depth and chunks, ICC profiles, JPEGs of many scans, an HEIC."""

import base64
import io
import struct
import zlib

import numpy as np
from PIL import Image

from conftest import photograph

PHOTO = np.asarray(photograph())  # (40, 48, 3)
GREY = np.asarray(photograph().convert("L"))


def light(pixels: np.ndarray) -> np.ndarray:
    """8-bit sRGB as light from 0 to 1."""
    values = pixels / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def light16(pixels: np.ndarray) -> np.ndarray:
    return (light(pixels) * 65535).round().astype(np.uint16)


def wide(pixels: np.ndarray) -> np.ndarray:
    """8 bits as 16."""
    return pixels.astype(np.uint16) * 257


def chunk(kind: bytes, data: bytes, spoil: int = 0) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data) ^ spoil)


def png(
    pixels: np.ndarray,
    colour: int,
    depth: int,
    before: bytes = b"",
    end: bool = True,
    interlaced: bool = False,
    spoil: int = 0,
) -> bytes:
    """A PNG of (H, W) or (H, W, C) samples, of PNG's number of the kind of colour, with chunks before the pixels."""
    height, width = pixels.shape[:2]
    if depth == 16:
        rows = pixels.astype(">u2").reshape(height, -1).view(np.uint8)
    else:
        bits = np.unpackbits(pixels.astype(np.uint8).reshape(height, -1, 1), axis=2)[:, :, 8 - depth :]
        rows = np.packbits(bits.reshape(height, -1), axis=1)
    raw = b"".join(b"\0" + row.tobytes() for row in rows)
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)
    parts = chunk(b"IHDR", head) + before + chunk(b"IDAT", zlib.compress(raw), spoil)
    return b"\x89PNG\r\n\x1a\n" + parts + (chunk(b"IEND", b"") if end else b"")


def encoded(kind: str, pixels: np.ndarray = PHOTO, **options) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()


def profile(curve: bytes, primaries: str = "sRGB", filler: int = 0) -> bytes:
    """An ICC profile of sRGB's primaries, or with red and blue exchanged, whose three curves are the same tag."""

    def fixed(*values: float) -> bytes:
        return b"".join(struct.pack(">i", round(v * 65536)) for v in values)

    colorants = [(0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141)]
    if primaries == "swapped":
        colorants.reverse()
    tags = [(b"wtpt", b"XYZ " + bytes(4) + fixed(0.9642, 1.0, 0.8249))]
    tags += [
        (name, b"XYZ " + bytes(4) + fixed(*c)) for name, c in zip((b"rXYZ", b"gXYZ", b"bXYZ"), colorants, strict=True)
    ]
    tags += [(name, curve) for name in (b"rTRC", b"gTRC", b"bTRC")]
    tags += [(b"desc", b"desc" + bytes(4) + struct.pack(">I", 5) + b"test\0" + bytes(79))]
    if filler:
        noise = np.random.default_rng(1).integers(0, 256, filler, np.uint8).tobytes()
        tags += [(b"fill", b"data" + bytes(8) + noise)]
    table, body, start = b"", b"", 128 + 4 + 12 * len(tags)
    for name, data in tags:
        table += name + struct.pack(">II", start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    head = struct.pack(">I4sI4s4s4s", start + len(body), b"", 0x02400000, b"mntr", b"RGB ", b"XYZ ")
    head += struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + fixed(0.9642, 1.0, 0.8249)
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


LINEAR_CURVE = b"curv" + bytes(4) + struct.pack(">I", 0)


def gamma_curve(gamma: float) -> bytes:
    return b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256))


def iccp(data: bytes) -> bytes:
    return chunk(b"iCCP", b"made\0\0" + zlib.compress(data))


def segment(marker: int, data: bytes) -> bytes:
    """A segment of a JPEG."""
    return bytes((0xFF, marker)) + struct.pack(">H", len(data) + 2) + data


def many_scans(side: int, scans: int) -> bytes:
    """A progressive JPEG, grey, whose further scans refine nothing: little to store, much to go through."""
    one_code = bytes([1] + [0] * 15)
    out = b"\xff\xd8" + segment(0xDB, b"\0" + bytes([16] * 64))
    out += segment(0xC2, struct.pack(">BHHBBBB", 8, side, side, 1, 1, 0x11, 0))
    out += segment(0xC4, b"\x00" + one_code + b"\0") + segment(0xDA, bytes((1, 1, 0, 0, 0, 0)))
    out += bytes(-(-((side // 8) ** 2) // 8)) + segment(0xC4, b"\x10" + one_code + b"\x00")
    return out + (segment(0xDA, bytes((1, 1, 0, 1, 63, 0x01))) + bytes(8)) * scans + b"\xff\xd9"


HEIC = base64.b64decode(
    """
    AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAVZtZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAA
    ACJpbG9jAAAAAERAAAEAAQAAAAABegABAAAAAAAAAC4AAAAjaWluZgAAAAAAAQAAABVpbmZlAgAAAAABAABodmMxAAAAAA5waXRt
    AAAAAAABAAAA1mlwcnAAAAC3aXBjbwAAAHhodmNDAQNwAAAAkAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMA
    AAMAHroCQGEAAQArQgEBA3AAAAMAkAAAAwAAAwAeoCCBBZbqSSmubgIaDAgAAAMAyAAAAwAIQGIAAQAHRAHBcrAiQAAAABNjb2xy
    bmNseAABAA0ABoAAAAAUaXNwZQAAAAAAAABAAAAAQAAAABBwaXhpAAAAAAMICAgAAAAXaXBtYQAAAAAAAAABAAEEgQIDBAAAADZt
    ZGF0AAAAKigBrwT4QTJp2/+/v///6TMdl/ZWGGEH+CbG+/yebv/+kB3ndptnv59/4A==
    """
)
"""64 x 64 pixels, the left half (200, 40, 40), the right half (40, 40, 200), as libheif writes it with x265."""


def with_coding(data: bytes, primaries: int, transfer: int) -> bytes:
    """An HEIF or AVIF file whose `nclx` tells other primaries and another curve."""
    place = data.index(b"colrnclx") + 8
    return data[:place] + struct.pack(">HH", primaries, transfer) + data[place + 4 :]
