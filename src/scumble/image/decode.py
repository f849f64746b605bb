"""Opening picture files that nobody vouches for: every way in which a decoder can fail becomes one clear line."""

import contextlib
import importlib
import io
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from scumble.errors import NO_STANDARD_INPUT, ImageError, ScumbleError, reason
from scumble.image.quiet import decoders_quiet
from scumble.image.reading import kinds

MAX_FILE_BYTES = 2**30
MAX_PIXELS = 2 * (Image.MAX_IMAGE_PIXELS or 89_478_485)
"""Pictures with more pixels are refused before they are decoded, as Pillow does: a small file can claim any size. Of
more than 8 bits half as many are, which take as much memory."""

MAX_SCANS = 100
"""A progressive JPEG has about ten, each of which goes over the whole picture; a small file can hold thousands."""

# Exotic formats are where decoders have their bugs: only these are opened, and no others are loaded.
_MODULES = {
    "PNG": "Png", "JPEG": "Jpeg", "MPO": "Mpo", "WEBP": "WebP", "TIFF": "Tiff", "GIF": "Gif", "BMP": "Bmp",
    "PPM": "Ppm", "TGA": "Tga", "JPEG2000": "Jpeg2K", "AVIF": "Avif",
}  # fmt: skip
for _module in _MODULES.values():
    with contextlib.suppress(ImportError):  # Pillow has AVIF since 11.3
        importlib.import_module(f"PIL.{_module}ImagePlugin")
FORMATS = tuple(name for name in _MODULES if name in Image.OPEN)
_COMMON = (".png", ".jpg", ".webp", ".tif")
_KNOWN = {ending for ending, kind in Image.EXTENSION.items() if kind in FORMATS}
SUFFIXES = (*_COMMON, *sorted((_KNOWN | {".heic", ".heif", ".hif", ".jxl", ".mpo"}) - {*_COMMON}))
"""What the names of pictures end in, the common ones first; what they are is told by their first bytes alone."""

PLUGINS = {"HEIF": ("pi_heif", "HeifImageFile"), "JPEG XL": ("pillow_jxl.JpegXLImagePlugin", "JXLImageFile")}
"""Packages that read what Pillow does not, and their classes; they are loaded for such a file only."""

_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]+):/+(.*)", re.IGNORECASE | re.DOTALL)


class DamagedError(ImageError):
    """A file that begins as a picture, but is damaged, cut short, or of a variety that its decoder does not know."""


def read_file(path: Path, memory_bytes: float | None = None) -> bytes:
    """The bytes of a picture file.

    Args:
        path: the file.
        memory_bytes: what may be taken; None for no limit but `MAX_FILE_BYTES`.

    Raises:
        ImageError: if it is missing, empty, no regular file, not readable, or larger than that.
    """
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise ImageError(f"{path} is a folder; wanted a picture file")
        # Only regular files end: a pipe may never, and /dev/zero does not.
        if not stat.S_ISREG(status.st_mode):
            hint = "save what comes through it to a file first"
            raise ImageError(f"{path} is a pipe or a device; wanted a picture file", hint)
        size = status.st_size
        if size > MAX_FILE_BYTES:
            raise ImageError(f"{path} is larger than {MAX_FILE_BYTES >> 30} GiB; wanted a picture file")
        if memory_bytes is not None and size > memory_bytes:
            left = f"{max(0.0, memory_bytes) / 2**30:.2f} GiB are left of what may be taken"
            raise ImageError(f"{path} has {size / 2**30:.2f} GiB; {left}", "raise --max-memory")
        data = path.read_bytes()
    except FileNotFoundError:
        raise _missing(path) from None
    except MemoryError:
        raise ImageError(f"there is not enough memory to read {path}", "use a smaller file") from None
    except (OSError, ValueError, RuntimeError) as error:  # the last: a loop of links
        if isinstance(error, OSError) and _ADDRESS.match(str(path)):
            raise _missing(path) from None
        raise ImageError(f"{path} cannot be read: {reason(error)}") from error
    if not data:
        raise ImageError(f"{path} is empty; wanted a picture file")
    return data


def _missing(path: Path) -> ImageError:
    address = _ADDRESS.match(str(path))
    if str(path) == "-":
        return ImageError("-: standard input is not read; wanted a picture file", NO_STANDARD_INPUT)
    if address is None or len(address[1]) < 2:
        return ImageError(f"{path} does not exist; wanted a picture file")
    scheme = address[1].lower()
    if scheme == "file":
        return ImageError(f"file:///{address[2]} is an address; wanted the file's name", f"give /{address[2]}")
    whole = f"{scheme}://{address[2]}"  # a path has one slash of several
    return ImageError(
        f"{whole} is an address, which is not read; wanted a picture file", "fetch it first, and give the file"
    )


@contextlib.contextmanager
def opened(data: bytes, name: str) -> Iterator[Image.Image]:
    """Open a picture from memory, for a `with` statement; decoding inside it is guarded too.

    Raises:
        ImageError: if it is no picture, is damaged, or claims to have more than `MAX_PIXELS`.
    """
    with guarded(name, data):
        _refuse_many_scans(data, name)
        with open_picture(data) as image:
            most = MAX_PIXELS // (2 if image.mode.startswith(("I", "F")) else 1)
            if image.width * image.height > most:
                raise _too_many(name, most)
            yield image


def open_picture(data: bytes) -> Image.Image:
    """A picture opened by what its first bytes say; whatever the decoders raise."""
    kind = kinds.read_kind(data)
    if kind in PLUGINS:
        module, name = PLUGINS[kind]
        found = importlib.import_module(module)  # not registered with Pillow: that is the host program's affair
        return getattr(found, name)(io.BytesIO(data))
    if kind in (None, "TIFF") and kinds.unread_kind(data):  # raw files of cameras begin as TIFFs
        raise UnidentifiedImageError
    return Image.open(io.BytesIO(data), formats=FORMATS)


@contextlib.contextmanager
def guarded(name: str, data: bytes = b"") -> Iterator[None]:
    """Decode inside, which may then fail only with an ImageError; warnings of decoders are kept quiet.

    Args:
        name: of the picture.
        data: its file, to say what it is if it is not read.
    """
    try:
        with decoders_quiet():
            yield
    except Image.DecompressionBombError:
        raise _too_many(name, MAX_PIXELS) from None
    except (UnidentifiedImageError, ImportError):
        raise _unread(name, data) from None
    except ScumbleError:
        raise
    except MemoryError as error:
        raise ImageError(f"there is not enough memory to decode {name}", "use a smaller picture") from error
    except Exception as error:  # decoders of damaged files raise whatever their authors did not think of
        kind = kinds.read_kind(data)
        known = f" ({kind})" if kind else ""
        why = " ".join(reason(error).split())
        raise DamagedError(f"{name} is damaged or cut short{known}: {why}") from error


def _too_many(name: str, most: int) -> ImageError:
    return ImageError(f"{name} claims to hold more than {most // 10**6} million pixels; wanted a smaller picture")


def _unread(name: str, data: bytes) -> ImageError:
    """What a file is, and what to do about it."""
    unread, read = kinds.unread_kind(data), kinds.read_kind(data)
    if unread is not None:
        return ImageError(f"{name} is {unread.words}, which is not read", unread.hint)
    if read is not None:
        return DamagedError(f"{name} begins as {read}, but is damaged, cut short, or of a kind that is not read")
    return ImageError(
        f"{name} is not a picture, or of a kind that is not read; wanted PNG, JPEG, WebP, TIFF or the like"
    )


def _refuse_many_scans(data: bytes, name: str) -> None:
    """Refuse a JPEG whose decoding takes minutes, before it takes them."""
    if not data.startswith(b"\xff\xd8") or data.count(b"\xff\xda") <= MAX_SCANS:
        return
    # What is not stuffing, a restart or filling is a marker. Behind the end may stand anything, such as a film.
    scans, place = 0, 2
    marker = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
    while scans <= MAX_SCANS and (found := marker.search(data, place)) and data[found.start() + 1] != 0xD9:
        scans += data[found.start() + 1] == 0xDA
        place = found.end() + int.from_bytes(data[found.end() : found.end() + 2], "big")
    if scans > MAX_SCANS:
        raise ImageError(f"{name} is a JPEG of more than {MAX_SCANS} scans, as no program writes it", "save it anew")
