"""How each kind of file is written: with an sRGB profile whose bytes are always the same, the recipe, and what was
known about the photograph."""

import io
from collections.abc import Callable
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from scumble.image import png16, recipe
from scumble.image.metadata import EXIF_PREFIX, Metadata


def _srgb_profile() -> bytes:
    """An sRGB profile whose bytes are always the same: the library would write the current time into it."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[24:36] = bytes.fromhex("07d000010001000000000000")  # 2000-01-01 00:00:00, as six 16-bit numbers
    return bytes(profile)


COMPRESSION = 4
"""Of a PNG with 8 bits: as small as by 6, which is usual, in half the time."""

SRGB_PROFILE = _srgb_profile()
SRGB = ImageCms.ImageCmsProfile(io.BytesIO(SRGB_PROFILE))


def _write_png(pixels: np.ndarray, file: BinaryIO, text: str | None, known: Metadata) -> None:
    texts = known.texts() | ({} if text is None else {recipe.KEYWORD: text})
    # The recipe has a chunk of its own: an EXIF block is there only if the photograph had something to say.
    exif = known.exif().removeprefix(EXIF_PREFIX)
    if pixels.dtype == np.uint16:
        png16.write(pixels, file, SRGB_PROFILE, texts, exif, known.dpi)
        return
    info = PngInfo()
    for keyword, of_keyword in texts.items():
        info.add_itxt(keyword, of_keyword)
    packed = {"icc_profile": SRGB_PROFILE, "pnginfo": info, "exif": exif, "compress_level": COMPRESSION}
    Image.fromarray(pixels).save(file, "PNG", **packed, **_dpi(known))


def _write_jpeg(pixels: np.ndarray, file: BinaryIO, text: str | None, known: Metadata) -> None:
    if pixels.shape[2] == 4:
        colour, alpha = pixels[..., :3].astype(np.float32), pixels[..., 3:].astype(np.float32) / 255
        pixels = (colour * alpha + 255 * (1 - alpha)).round().astype(np.uint8)
    exif = known.exif(text)
    Image.fromarray(pixels).save(
        file, "JPEG", quality=95, subsampling="4:4:4", icc_profile=SRGB_PROFILE, exif=exif, **_dpi(known)
    )


def _write_webp(pixels: np.ndarray, file: BinaryIO, text: str | None, known: Metadata) -> None:
    Image.fromarray(pixels).save(file, "WEBP", quality=95, icc_profile=SRGB_PROFILE, exif=known.exif(text))


def _write_tiff(pixels: np.ndarray, file: BinaryIO, text: str | None, known: Metadata) -> None:
    import tifffile  # as long to load as half of what else a picture needs: only where there is a TIFF

    colours, is_grey = pixels.shape[2] in (3, 4), pixels.shape[2] == 1
    tifffile.imwrite(
        file,
        pixels[..., 0] if is_grey else pixels,
        photometric="rgb" if colours else "minisblack",
        planarconfig=None if is_grey else "contig",
        compression="zlib",
        extrasamples=["unassalpha"] if pixels.shape[2] == 4 else None,
        iccprofile=SRGB_PROFILE if colours else None,
        description=text,
        metadata=None,
        software=False,
        resolution=known.dpi,
        resolutionunit=None if known.dpi is None else "INCH",
        extratags=known.tiff_tags(),
    )
    known.write_into_tiff(file)


def _dpi(known: Metadata) -> dict[str, tuple[float, float]]:
    return {} if known.dpi is None else {"dpi": known.dpi}


WRITERS: dict[str, Callable[[np.ndarray, BinaryIO, str | None, Metadata], None]] = {
    ".png": _write_png,
    ".jpg": _write_jpeg,
    ".jpeg": _write_jpeg,
    ".webp": _write_webp,
    ".tif": _write_tiff,
    ".tiff": _write_tiff,
}
MAX_SIDES = {".webp": 16383, ".jpg": 65500, ".jpeg": 65500}
SUFFIXES_WITH_16_BITS = (".png", ".tif", ".tiff")
