"""A writer for PNG files with 16 bits per channel, which Pillow cannot write.

PNG (W3C, Portable Network Graphics, third edition) is a signature and a list of chunks; a chunk is its length, its
type, its data and a checksum of the last two.
"""

import struct
import zlib
from typing import BinaryIO

import numpy as np

COLOUR_TYPES = {3: 2, 4: 6}  # channels -> PNG's number for RGB and RGBA
FILTER_UP = 2  # each byte is stored as its difference from the one above: small numbers compress well
METRES_OF_INCH, PER_METRE = 0.0254, 1


def write(
    pixels: np.ndarray,
    file: BinaryIO,
    icc_profile: bytes,
    texts: dict[str, str],
    exif: bytes = b"",
    dpi: tuple[float, float] | None = None,
) -> None:
    """Write a 16-bit PNG.

    Args:
        pixels: (H, W, 3) or (H, W, 4), uint16.
        file: open for writing.
        icc_profile: the colour profile to embed.
        texts: UTF-8 texts to embed, by keyword.
        exif: an EXIF block to embed, if it is not empty.
        dpi: pixels to an inch, across and down.
    """
    height, width, channels = pixels.shape
    rows = pixels.astype(">u2").reshape(height, -1).view(np.uint8)  # (H, W * channels * 2): big-endian bytes
    above = np.vstack([np.zeros_like(rows[:1]), rows[:-1]])
    filtered = np.hstack([np.full((height, 1), FILTER_UP, np.uint8), rows - above])  # modulo 256

    file.write(b"\x89PNG\r\n\x1a\n")
    _chunk(file, b"IHDR", struct.pack(">IIBBBBB", width, height, 16, COLOUR_TYPES[channels], 0, 0, 0))
    _chunk(file, b"iCCP", b"sRGB\0\0" + zlib.compress(icc_profile))
    if dpi is not None:
        _chunk(file, b"pHYs", struct.pack(">IIB", *(round(of_inch / METRES_OF_INCH) for of_inch in dpi), PER_METRE))
    if exif:
        _chunk(file, b"eXIf", exif)
    for keyword, text in texts.items():
        _chunk(file, b"iTXt", keyword.encode("latin-1") + b"\0" + b"\0\0" + b"\0\0" + text.encode())
    _chunk(file, b"IDAT", zlib.compress(filtered.tobytes()))
    _chunk(file, b"IEND", b"")


def _chunk(file: BinaryIO, kind: bytes, data: bytes) -> None:
    file.write(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)))
