"""Values as their files hold them, where no picture of 8 bits can: 16 bits, floats, any number of bands.

What is measured rather than photographed comes in such files: scans, microscopy, depth, satellites. All pictures of a
data set are brought to bytes, or to 16 bits, by one range, so that what is brighter in one file stays brighter.
"""

import contextlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import tifffile
from PIL import ExifTags, Image

from scumble.data.form import MAX_CHANNELS, Range
from scumble.errors import ImageError, reason
from scumble.image import decode
from scumble.image.quiet import decoders_quiet
from scumble.image.reading import deep

PNG, TIFF = b"\x89PNG\r\n\x1a\n", (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
OTHERS = (b"P5", b"Pf", b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51")
"""How other files begin that may hold more than 8 bits: PGM, PFM, JPEG 2000."""
BYTES: Range = (0.0, 255.0)
DEEP: Range = (0.0, 65535.0)
"""Black and white in 8 and in 16 bits."""
PICTURES = (1, 3, 4)
"""So many bands are grey, colours, and colours with opacity."""
TIFF_ICC, TIFF_ORIENTATION, TIFF_PHOTOMETRIC = 34675, 274, 262
CICP = b"\x04cICP"
SRGB_GAMMA = 0.45455
DEEP_COLOURS = {"RGB;16": 3, "RGBA;16": 4}
"""How Pillow calls stored colours of 16 bits, without the order of their bytes."""


@dataclass(frozen=True)
class Raw:
    """Values that no 8-bit picture holds.

    Attributes:
        bands: how many there are of each pixel.
        size: (width, height) in pixels, upright.
        read: (H, W, bands), upright, of whole numbers, floats or booleans; ImageError if they cannot be read, or are
            not finite.
        opacity: whether the last of four bands is that.
    """

    bands: int
    size: tuple[int, int]
    read: Callable[[], np.ndarray]
    opacity: bool = False


def raw_of(data: bytes, name: str) -> Raw | None:
    """The values of a file, known by its header; None if it is an ordinary picture, or none at all.

    Ordinary are also those whose colours have to be managed: with a profile, or a curve of their own.
    """
    is_tiff = data.startswith(TIFF)
    if not (is_tiff or data.startswith(OTHERS) or (data.startswith(PNG) and data[24:25] == b"\x10")):
        return None  # the 25th byte of a PNG is how many bits its numbers have
    page = _page(data) if is_tiff else None
    if page is not None and page.is_beyond_pillow:
        return Raw(page.bands, page.size, lambda: _values_of_tiff(data, name), page.opacity)
    with contextlib.suppress(ImageError), decode.opened(data, name) as image:
        if "icc_profile" in image.info or abs(image.info.get("gamma", SRGB_GAMMA) - SRGB_GAMMA) > 0.01 or CICP in data:
            return None
        size = _turned(image.size, _orientation(image))
        if image.mode.startswith("I") or image.mode == "F":
            return Raw(1, size, lambda: _values_of_grey(data, name))
        if (bands := DEEP_COLOURS.get(deep.stored_mode(image)[:-1])) is not None and "transparency" not in image.info:
            return Raw(bands, size, lambda: _values_of_colours(data, name), bands == 4)
        return None
    if page is not None and page.bands == 1:  # of a kind of grey that Pillow does not know
        return Raw(1, page.size, lambda: _values_of_tiff(data, name))
    return None


def to_bytes(values: np.ndarray, value_range: Range) -> np.ndarray:
    """Values as uint8: the ends of the range become 0 and 255, and what lies beyond is cut off there."""
    if values.dtype == np.uint8 and value_range == BYTES:
        return values
    if values.dtype == np.uint16 and value_range == DEEP and values.shape[-1] in (3, 4):
        return (values >> 8).astype(np.uint8)  # as Pillow does, by which trainings began that go on
    return _stretched(values, value_range, 255).astype(np.uint8)


def to_sixteen_bits(values: np.ndarray, value_range: Range) -> np.ndarray:
    """The same as uint16, where the ends become 0 and 65535."""
    if values.dtype == np.uint16 and value_range == DEEP:
        return values
    return _stretched(values, value_range, 65535).astype(np.uint16)


def _stretched(values: np.ndarray, value_range: Range, top: int) -> np.ndarray:
    low, high = value_range
    wider = {np.dtype(bool): np.uint8, np.dtype(np.float16): np.float32}  # half floats end at 65504
    values = values.astype(wider.get(values.dtype, values.dtype), copy=False)
    with np.errstate(over="ignore"):  # what lies so far off is cut off; halves, so that nothing else is
        scaled = (values * 0.5 - low / 2) / (high / 2 - low / 2) * top
    return scaled.round().clip(0, top)


class Span:
    """The range of the values of a set of pictures, as far as they were looked at.

    Attributes:
        low: the lowest value; `high`, the highest; infinite while there is none.
        natural: what the types of the values stand for, lowest to highest.
    """

    def __init__(self) -> None:
        self.low, self.high = np.inf, -np.inf
        self.natural: Range = (0.0, 0.0)
        self.whole = True

    def add(self, values: np.ndarray) -> None:
        """Look at (H, W, C) values."""
        self.low, self.high = min(self.low, float(values.min())), max(self.high, float(values.max()))
        self.whole = self.whole and (values.dtype.kind != "f" or bool((values == np.rint(values)).all()))
        self.natural = max(self.natural, natural(values.dtype), key=lambda ends: ends[1])

    def chosen(self) -> tuple[Range, str | None]:
        """The range to read these values by, and what has to be told of it.

        What their type stands for, where they fill more than half of that; bytes that came as other numbers are
        bytes. Else just what there is: twelve bits in sixteen would be black.
        """
        if self.low == self.high or (
            self.low >= self.natural[0] and self.natural[1] / 2 < self.high <= self.natural[1]
        ):
            return self.natural, None
        found = f"values are {self.low:g} to {self.high:g}, where {self.natural[0]:g} to {self.natural[1]:g} are usual"
        if self.whole and self.low >= 0 and 127 < self.high <= 255:
            return BYTES, f"{found}: they are taken for bytes, 0 to 255"
        return (self.low, self.high), f"{found}: they are stretched to all there is between black and white"


def natural(kind: np.dtype[Any]) -> Range:
    """The values of a type that stand for black and white."""
    if kind.kind in "fb":
        return 0.0, 1.0
    return BYTES if kind.itemsize == 1 else DEEP  # what fills longer ones in practice


# --- Reading --------------------------------------------------------------------------------------------------------


def finite(values: np.ndarray, name: str) -> np.ndarray:
    """The same; ImageError if they are no numbers, or not all of them are finite."""
    if values.dtype.kind not in "buif" or not values.size:
        raise ImageError(f"{name} holds values of type {values.dtype}; wanted whole numbers or floats")
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise ImageError(f"{name} holds values that are not finite; wanted numbers")
    return values


def _values_of_grey(data: bytes, name: str) -> np.ndarray:
    with decode.opened(data, name) as image:
        values, orientation = np.array(image), _orientation(image)
        if image.format == "TIFF" and getattr(image, "tag_v2", {}).get(TIFF_PHOTOMETRIC) == 0:
            values = 65535 - values  # zero is white, which Pillow honours for 8 bits only
    return finite(_upright(values, orientation)[..., None], name)


def _values_of_colours(data: bytes, name: str) -> np.ndarray:
    with decode.opened(data, name) as image:
        orientation = _orientation(image)
        return _upright(deep.whole(lambda: decode.open_picture(data), deep.stored_mode(image)), orientation)


def _orientation(image: Image.Image) -> int:
    """As EXIF says; Pillow turns TIFFs itself, when it loads them."""
    found = image.getexif().get(ExifTags.Base.Orientation, 1) if "exif" in image.info else 1
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


class _Page(NamedTuple):
    """What the first page of a TIFF holds."""

    bands: int
    size: tuple[int, int]
    opacity: bool
    is_beyond_pillow: bool


def _page(data: bytes) -> _Page | None:
    """Of a TIFF of plain values, grey or in bands; None of any other."""
    with contextlib.suppress(Exception), decoders_quiet(), tifffile.TiffFile(io.BytesIO(data)) as file:
        page = file.pages[0]
        assert isinstance(page, tifffile.TiffPage)
        bands, bits, kind = page.samplesperpixel, page.bitspersample, np.dtype(page.dtype)
        managed = TIFF_ICC in page.tags and bands in PICTURES
        if page.photometric not in (0, 1, 2) or not 1 <= bands <= MAX_CHANNELS or bits < 8 or managed:
            return None  # palettes, CMYK, Lab and the like are for who manages colours
        opacity = bool(page.extrasamples) and page.extrasamples[-1] in (1, 2)
        beyond = (
            not (bands in (1, 3) or (bands in (2, 4) and opacity))
            or (bands > 1 and (kind.kind == "f" or kind.itemsize > 2))
            or (bands == 2 and bits > 8)
            or (bands > 1 and kind.itemsize == 2 and page.planarconfig == 2)  # it reads these planes into each other
        )
        size = _turned((page.imagewidth, page.imagelength), _tiff_orientation(page))
        return _Page(bands, size, opacity and bands == 4, beyond)
    return None


def _values_of_tiff(data: bytes, name: str) -> np.ndarray:
    try:
        with decoders_quiet(), tifffile.TiffFile(io.BytesIO(data)) as file:
            page = file.pages[0]
            assert isinstance(page, tifffile.TiffPage)
            if page.size > decode.MAX_PIXELS:
                raise ImageError(f"{name} claims to hold more than {decode.MAX_PIXELS // 10**6} million values")
            values = page.asarray()
            if page.axes.startswith("S"):
                values = values.transpose(1, 2, 0)
            if page.photometric == 0 and values.dtype.kind == "u":  # zero is white
                values = np.iinfo(values.dtype).max - values
            orientation = _tiff_orientation(page)
    except ImageError:
        raise
    except Exception as error:  # decoders of damaged files raise whatever their authors did not think of
        raise ImageError(f"{name} is damaged or cut short: {reason(error)}") from error
    values = values if values.ndim == 3 else values[..., None]
    if values.ndim != 3 or 0 in values.shape:
        raise ImageError(f"{name} holds values of shape {values.shape}; wanted (H, W, bands)")
    return finite(_upright(values, orientation), name)


def _tiff_orientation(page: tifffile.TiffPage) -> int:
    tag = page.tags.get(TIFF_ORIENTATION)
    return tag.value if tag is not None and isinstance(tag.value, int) and 1 <= tag.value <= 8 else 1


def _turned(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    width, height = size
    return (height, width) if orientation >= 5 else size


def _upright(values: np.ndarray, orientation: int) -> np.ndarray:
    """(H, W, ...) values turned as EXIF says, by a number from 1 to 8."""
    match orientation:
        case 2:
            return values[:, ::-1]
        case 3:
            return values[::-1, ::-1]
        case 4:
            return values[::-1]
        case 5:
            return values.swapaxes(0, 1)
        case 6:
            return values.swapaxes(0, 1)[:, ::-1]
        case 7:
            return values.swapaxes(0, 1)[::-1, ::-1]
        case 8:
            return values.swapaxes(0, 1)[::-1]
    return values
