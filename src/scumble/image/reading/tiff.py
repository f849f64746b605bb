"""TIFFs that Pillow does not read, or reads wrongly: floats in colour, separate 16-bit planes, 16 bits of CIELAB."""

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from scumble.errors import ImageError
from scumble.image.reading import spaces

BITS, COMPRESSION, PHOTOMETRIC, ORIENTATION, PLANAR = 258, 259, 262, 274, 284
NEW_SUBFILE, SUB_IFDS, DNG_VERSION = 254, 330, 50706
WHITE_IS_ZERO, GREY, COLOURS, CIELAB = 0, 1, 2, 8
ASSOCIATED_ALPHA, UNASSOCIATED_ALPHA = 1, 2


class Stored(NamedTuple):
    """What a TIFF's page holds.

    Attributes:
        values: (H, W, 1) or (H, W, 3), unsigned or floats.
        alpha: (H, W), of the same type, or None.
        profile: an ICC profile, or None.
        turn: EXIF's number of how it is turned.
    """

    values: np.ndarray
    alpha: np.ndarray | None
    profile: bytes | None
    turn: int


def is_raw(image: Image.Image) -> bool:
    """Whether an opened TIFF is a camera's raw file, of which Pillow would read a small preview."""
    tags = getattr(image, "tag_v2", {})
    return DNG_VERSION in tags or bool(tags.get(NEW_SUBFILE, 0) == 1 and SUB_IFDS in tags)


def is_partial(image: Image.Image) -> bool:
    """Whether an opened TIFF lists fewer strips or tiles than its pixels need: Pillow leaves the rest black, and a
    small file would so claim any size."""
    if image.format != "TIFF":
        return False
    parts = (box for _, box, *_ in getattr(image, "tile", ()))
    return sum((right - left) * (lower - upper) for left, upper, right, lower in parts) < image.width * image.height


def is_misread(image: Image.Image) -> bool:
    """Whether Pillow reads an opened TIFF's planes of 16 bits into each other, without a word."""
    tags = getattr(image, "tag_v2", {}) if image.format == "TIFF" else {}
    return tags.get(PLANAR) == 2 and 16 in tags.get(BITS, ())


def stored(data: bytes, name: str, page: int | None, max_pixels: int) -> Stored:
    """What a page, counted from 1, holds.

    Raises:
        ImageError: if it is of a kind that is not read, or has more than `max_pixels`.
    """
    import tifffile  # see `encode`

    with _quiet(), tifffile.TiffFile(io.BytesIO(data)) as file:
        pages = file.pages
        number = (page or 1) - 1
        try:
            found: Any = pages[number]
        except IndexError:
            raise ImageError(f"{name} has no picture [{page}]") from None
        _refuse_unread(found, name)
        if found.imagewidth * found.imagelength > max_pixels:
            raise ImageError(
                f"{name} claims to hold more than {max_pixels // 1_000_000} million pixels; wanted a smaller picture"
            )
        values = found.asarray(maxworkers=1)
        turn = found.tags.valueof(ORIENTATION, 1)
        return _sorted(found, values, name, turn if isinstance(turn, int) else 1)


def _refuse_unread(page: Any, name: str) -> None:
    import tifffile

    kind = page.dtype.kind if page.dtype is not None else "?"
    bits = page.bitspersample
    compression = getattr(page.compression, "name", str(page.compression)).lower()
    what = f"{name} is a TIFF of {bits}-bit {'floats' if kind == 'f' else 'numbers'}"
    hint = "save it as RGB with 8 or 16 bits, without compression or with deflate"
    if page.compression not in tifffile.TIFF.DECOMPRESSORS:
        raise ImageError(f"{what}, compressed as {compression}, which is not read", hint)
    if page.photometric not in (WHITE_IS_ZERO, GREY, COLOURS, CIELAB):
        colours = getattr(page.photometric, "name", str(page.photometric)).lower()
        raise ImageError(f"{what} in the colours {colours}, which is not read", hint)
    if kind not in "uf" or page.imagedepth != 1 or (page.photometric == CIELAB and (kind, bits) != ("u", 16)):
        signed = " below and above zero" if kind == "i" else ""
        raise ImageError(f"{what}{signed}, which is not read", hint)
    if not page.imagewidth or not page.imagelength:
        raise ImageError(f"{name} has no pixels; wanted a picture")


def _sorted(page: Any, values: np.ndarray, name: str, turn: int) -> Stored:
    """Colours, opacity and the rest of a page's channels apart."""
    height, width, channels = page.imagelength, page.imagewidth, page.samplesperpixel
    if values.size != height * width * channels:
        raise ImageError(f"{name} holds {values.shape} numbers for {width}x{height} pixels; wanted a plain picture")
    separate = page.planarconfig == 2 and channels > 1
    if separate:
        values = values.reshape(channels, height, width).transpose(1, 2, 0)
    values = values.reshape(height, width, channels)
    colours = 3 if page.photometric in (COLOURS, CIELAB) else 1
    if channels < colours:
        raise ImageError(f"{name} has {channels} channels; wanted {colours} or more")
    extra = [int(e) for e in page.extrasamples]
    alpha = None
    for place, meaning in enumerate(extra):
        if meaning in (ASSOCIATED_ALPHA, UNASSOCIATED_ALPHA) and alpha is None and colours + place < channels:
            alpha = values[..., colours + place]
    values = values[..., :colours]
    top = 1 if values.dtype.kind == "f" else np.iinfo(values.dtype).max
    if page.photometric == WHITE_IS_ZERO:
        values = top - values
    if page.photometric == CIELAB:
        values = _of_lab(values)
    if alpha is not None and ASSOCIATED_ALPHA in extra:
        share = np.maximum(alpha.astype(np.float64) / top, 1 / 65535)[..., None]
        values = (values / share if top == 1 else np.clip(values / share, 0, top)).astype(values.dtype)
    return Stored(values, alpha, None if page.photometric == CIELAB else _profile(page), turn)


def _of_lab(values: np.ndarray) -> np.ndarray:
    """CIELAB of 16 bits (TIFF 6.0, section 23: a* and b* are signed) as 16-bit sRGB."""
    lightness = values[..., 0] / 65535 * 100
    a, b = (values[..., c].astype(np.int16) / 256 for c in (1, 2))
    y = (lightness + 16) / 116
    cubes = np.stack([y + a / 500, y, y - b / 200], 2)
    shares = np.where(cubes > 6 / 29, cubes**3, 3 * (6 / 29) ** 2 * (cubes - 4 / 29))
    light = shares * spaces.D50 @ np.linalg.inv(spaces.to_d50(spaces.SRGB_PRIMARIES)).T
    return np.rint(spaces.encoded(light) * 65535).astype(np.uint16)


def _profile(page: Any) -> bytes | None:
    found = page.iccprofile
    return bytes(found) if isinstance(found, bytes | bytearray) else None


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the library's remarks on what is odd in a file."""
    log = logging.getLogger("tifffile")
    before = log.disabled
    log.disabled = True
    try:
        yield
    finally:
        log.disabled = before
