"""Opening picture files that nobody vouches for: every way in which a decoder can fail becomes one clear line."""

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from scumble.errors import ImageError, ScumbleError, reason
from scumble.image.quiet import decoders_quiet

MAX_FILE_BYTES = 2**30
MAX_PIXELS = 2 * (Image.MAX_IMAGE_PIXELS or 89_478_485)
"""Pictures with more pixels are refused before they are decoded, as Pillow does: a small file can claim any size."""

Image.init()
# Exotic formats are where decoders have their bugs: only these are opened.
FORMATS = tuple(
    name
    for name in ("PNG", "JPEG", "MPO", "WEBP", "TIFF", "GIF", "BMP", "PPM", "TGA", "JPEG2000", "AVIF")
    if name in Image.OPEN
)


def read_file(path: Path) -> bytes:
    """The bytes of a picture file.

    Raises:
        ImageError: if it is missing, empty, no regular file, not readable, or larger than `MAX_FILE_BYTES`.
    """
    try:
        if path.is_dir():
            raise ImageError(f"{path} is a folder; wanted a picture file")
        # Only regular files end: a pipe may never, and /dev/zero does not.
        if path.exists() and not path.is_file():
            raise ImageError(f"{path} is no regular file; wanted a picture file")
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ImageError(f"{path} is larger than {MAX_FILE_BYTES >> 30} GiB; wanted a picture file")
        data = path.read_bytes()
    except FileNotFoundError:
        raise ImageError(f"{path} does not exist; wanted a picture file") from None
    except (OSError, ValueError) as error:
        raise ImageError(f"{path} cannot be read: {reason(error)}") from error
    if not data:
        raise ImageError(f"{path} is empty; wanted a picture file")
    return data


def opened(data: bytes, name: str) -> contextlib.AbstractContextManager[Image.Image]:
    """Open a picture from memory, for a `with` statement; decoding inside it is guarded too.

    Raises:
        ImageError: if it is no picture, is damaged, or claims to have more than `MAX_PIXELS`.
    """
    return guarded(io.BytesIO(data), name)


@contextlib.contextmanager
def guarded(source: io.BytesIO | Image.Image, name: str) -> Iterator[Image.Image]:
    """A picture whose decoding may fail only with an ImageError; decoders are kept quiet."""
    try:
        with decoders_quiet():
            if isinstance(source, Image.Image):
                yield source
                return
            with Image.open(source, formats=FORMATS) as image:
                yield image
    except Image.DecompressionBombError:
        limit = MAX_PIXELS // 1_000_000
        raise ImageError(f"{name} claims to hold more than {limit} million pixels; wanted a smaller picture") from None
    except UnidentifiedImageError:
        raise ImageError(
            f"{name} is not a picture, or of a kind that is not read; wanted PNG, JPEG, WebP, TIFF or the like"
        ) from None
    except ScumbleError:
        raise
    except Exception as error:  # decoders of damaged files raise whatever their authors did not think of
        raise ImageError(f"{name} is damaged or cut short: {reason(error)}") from error
