"""How each kind of file is written: with an sRGB profile whose bytes are always the same, and the recipe."""

import io
from collections.abc import Callable
from typing import BinaryIO

import numpy as np
import tifffile
from PIL import Image, ImageCms

from scumble.image import png16, recipe


def _srgb_profile() -> bytes:
    """An sRGB profile whose bytes are always the same: the library would write the current time into it."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[24:36] = bytes.fromhex("07d000010001000000000000")  # 2000-01-01 00:00:00, as six 16-bit numbers
    return bytes(profile)


SRGB_PROFILE = _srgb_profile()
SRGB = ImageCms.ImageCmsProfile(io.BytesIO(SRGB_PROFILE))


def _write_png(pixels: np.ndarray, file: BinaryIO, text: str | None) -> None:
    if pixels.dtype == np.uint16:
        png16.write(pixels, file, SRGB_PROFILE, {} if text is None else {recipe.KEYWORD: text})
        return
    Image.fromarray(pixels).save(file, "PNG", icc_profile=SRGB_PROFILE, pnginfo=recipe.png_info(text))


def _write_jpeg(pixels: np.ndarray, file: BinaryIO, text: str | None) -> None:
    if pixels.shape[2] == 4:
        colour, alpha = pixels[..., :3].astype(np.float32), pixels[..., 3:].astype(np.float32) / 255
        pixels = (colour * alpha + 255 * (1 - alpha)).round().astype(np.uint8)
    Image.fromarray(pixels).save(
        file, "JPEG", quality=95, subsampling="4:4:4", icc_profile=SRGB_PROFILE, exif=recipe.exif(text)
    )


def _write_webp(pixels: np.ndarray, file: BinaryIO, text: str | None) -> None:
    Image.fromarray(pixels).save(file, "WEBP", quality=95, icc_profile=SRGB_PROFILE, exif=recipe.exif(text))


def _write_tiff(pixels: np.ndarray, file: BinaryIO, text: str | None) -> None:
    colours = pixels.shape[2] in (3, 4)
    tifffile.imwrite(
        file,
        pixels,
        photometric="rgb" if colours else "minisblack",
        planarconfig="contig",
        compression="zlib",
        extrasamples=["unassalpha"] if pixels.shape[2] == 4 else None,
        iccprofile=SRGB_PROFILE if colours else None,
        description=text,
        metadata=None,
        software=False,
    )


WRITERS: dict[str, Callable[[np.ndarray, BinaryIO, str | None], None]] = {
    ".png": _write_png,
    ".jpg": _write_jpeg,
    ".jpeg": _write_jpeg,
    ".webp": _write_webp,
    ".tif": _write_tiff,
    ".tiff": _write_tiff,
}
MAX_SIDES = {".webp": 16383, ".jpg": 65500, ".jpeg": 65500}
SUFFIXES_WITH_16_BITS = (".png", ".tif", ".tiff")
