"""Pictures in and out: every common kind of file becomes 8-bit sRGB, upright, with its opacity kept; writing is atomic.

What a camera or an artist's program leaves in a file is honoured rather than ignored: the EXIF turn, the embedded ICC
profile, CMYK, palettes, 16 bits, transparency. What comes out carries an sRGB profile and its recipe.
"""

import hashlib
import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image, ImageCms, ImageOps

from scumble import paths
from scumble.errors import ImageError, SettingsError, reason
from scumble.image import decode, recipe
from scumble.image.encode import MAX_SIDES, SRGB, SUFFIXES_WITH_16_BITS, WRITERS

TIFF_BITS, TIFF_PHOTOMETRIC, TIFF_PLANAR = 258, 262, 284

PictureSource = str | os.PathLike[str] | Image.Image | np.ndarray
"""What can be given as a picture: a file, a PIL picture, or an array (H, W), (H, W, 3) or (H, W, 4); uint8 or uint16
over their whole range, or floats in [0, 1]."""


@dataclass(frozen=True)
class Picture:
    """A decoded picture: sRGB colours (mode RGB), opacity (mode L, or None), a name to speak of it, and a digest.

    The digest is the SHA-256 of the file's bytes, or of the pixels where there is no file.
    """

    rgb: Image.Image
    alpha: Image.Image | None
    name: str
    sha256: str

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.rgb.size


def load(source: PictureSource, role: str = "picture") -> Picture:
    """Read a picture.

    Args:
        source: a file, a PIL picture or an array; see `PictureSource`.
        role: what the picture is for; it names pictures that have no file name.

    Raises:
        ImageError: if there is no such file, or it is no picture, is damaged, animated, or has too many pixels.
    """
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        return load_bytes(decode.read_file(path), path.name)
    if not isinstance(source, Image.Image | np.ndarray):
        raise ImageError(f"{role}: got {type(source).__name__}, wanted a path, a PIL picture or a NumPy array")
    with decode.guarded(_from_array(source, role) if isinstance(source, np.ndarray) else source, role) as image:
        rgb, alpha = _decode(image, role)
    digest = hashlib.sha256(f"{rgb.size}".encode() + rgb.tobytes())
    digest.update(alpha.tobytes() if alpha else b"")
    return Picture(rgb, alpha, role, digest.hexdigest())


def load_bytes(data: bytes, name: str) -> Picture:
    """Read a picture from the bytes of its file; see `load`."""
    with decode.opened(data, name) as image:
        rgb, alpha = _decode(image, name)
    return Picture(rgb, alpha, name, hashlib.sha256(data).hexdigest())


def size_of(data: bytes, name: str) -> tuple[int, int]:
    """(width, height) that `load_bytes` would give, from the file's header alone where its format allows that.

    Raises:
        ImageError: if it is no picture or its header is damaged.
    """
    with decode.opened(data, name) as image:
        # Pillow turns TIFFs itself; a PNG asked for an EXIF that its header does not have would be decoded.
        exif = image.getexif() if "exif" in image.info else {}
        turned = exif.get(ExifTags.Base.Orientation, 1) >= 5
        width, height = image.size
    return (height, width) if turned else (width, height)


# --- Reading --------------------------------------------------------------------------------------------------------


def _decode(image: Image.Image, name: str) -> tuple[Image.Image, Image.Image | None]:
    """Any Pillow picture as upright 8-bit sRGB and, where anything is transparent, its opacity."""
    if 0 in image.size:
        raise ImageError(f"{name} has no pixels; wanted a picture")
    # Camera files (MPO) and TIFFs may hold further frames, such as previews; only an animation has no one picture.
    if getattr(image, "is_animated", False) and image.format not in ("MPO", "TIFF"):
        frames = getattr(image, "n_frames", 0)
        raise ImageError(f"{name} is an animation of {frames} frames; wanted a single picture", "save one frame of it")
    profile = image.info.get("icc_profile")
    image.load()
    _refuse_misread(image, name)
    image = _to_8_bits(image, name)
    image = ImageOps.exif_transpose(image)

    alpha = None
    if image.has_transparency_data:
        image = image.convert("LA" if image.mode in ("L", "LA", "La") else "RGBA")
        alpha = image.getchannel("A")
        image = image.convert("L" if image.mode == "LA" else "RGB")
        if alpha.getextrema() == (255, 255):
            alpha = None
    return _to_srgb(image, profile), alpha


def _refuse_misread(image: Image.Image, name: str) -> None:
    """Pillow reads the planes of a planar 16-bit TIFF into each other, without a word."""
    tags = getattr(image, "tag_v2", {}) if image.format == "TIFF" else {}
    if tags.get(TIFF_PLANAR) == 2 and 16 in tags.get(TIFF_BITS, ()):
        raise ImageError(f"{name} is a TIFF of separate 16-bit planes, which is not read; wanted interleaved pixels")


def _to_8_bits(image: Image.Image, name: str) -> Image.Image:
    """Scale the modes whose values exceed 255: Pillow's own conversion would clip them to white."""
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image)
        if image.format == "TIFF" and getattr(image, "tag_v2", {}).get(TIFF_PHOTOMETRIC) == 0:
            values = 65535 - values  # zero is white, which Pillow honours for 8 bits only
        # Mode I holds 32 bits, but what fills it in practice is 16-bit grey.
        top = 1.0 if image.mode == "F" else 65535.0
        if not np.isfinite(values).all() or values.min() < 0 or values.max() > top:
            raise ImageError(f"{name} holds values outside 0..{top:g}; wanted 8 or 16 bits, or floats in [0, 1]")
        return Image.fromarray((values / top * 255).round().astype(np.uint8))
    if image.mode in ("LAB", "HSV", "YCbCr", "1"):
        return image.convert("L" if image.mode == "1" else "RGB")
    return image


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    if image.mode == "P":
        image = image.convert("RGB")
    if profile and image.mode in ("RGB", "CMYK", "L"):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(image, source, SRGB, outputMode="RGB")
        except (ImageCms.PyCMSError, OSError):
            converted = None  # a profile of another colour space, or a damaged one: the plain conversion is the best
        if converted is not None:
            return converted
    return image.convert("RGB")


def _from_array(array: np.ndarray, name: str) -> Image.Image:
    grey_or_colour = array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))
    if not grey_or_colour or 0 in array.shape:
        raise ImageError(f"the {name} array has shape {array.shape}; wanted (H, W), (H, W, 3) or (H, W, 4)")
    if array.dtype == np.uint8:
        return Image.fromarray(array)
    if array.dtype.kind == "u" and array.itemsize == 2:  # of either byte order
        array, top = array.astype(np.float32), 65535
    elif np.issubdtype(array.dtype, np.floating):
        top = 1
    else:
        raise ImageError(f"the {name} array is of type {array.dtype}; wanted uint8, uint16 or floats in [0, 1]")
    if not np.isfinite(array).all() or array.min() < 0 or array.max() > top:
        raise ImageError(f"the {name} array holds values outside 0..{top}; wanted uint8, uint16 or floats in [0, 1]")
    return Image.fromarray((array / top * 255).round().astype(np.uint8))


# --- Writing --------------------------------------------------------------------------------------------------------


def save(pixels: np.ndarray, path: Path, made_by: dict[str, Any] | None = None) -> None:
    """Write a picture, whole or not at all: a failure leaves what was there before.

    Args:
        pixels: (H, W, 3) or (H, W, 4), uint8, or uint16 for PNG and TIFF. JPEG has no opacity: it is laid on white.
            TIFF takes any number of channels.
        path: where to; its ending chooses the format (see `encode.WRITERS`).
        made_by: the recipe to write into the picture; None for none.

    Raises:
        ImageError: if the folder is missing or the disk full.
        SettingsError: if the ending is unknown, or the format cannot hold 16 bits.
    """
    check_output(path, bits=pixels.dtype.itemsize * 8)
    text = None if made_by is None else recipe.to_text(made_by)
    encoded = io.BytesIO()
    try:
        WRITERS[path.suffix.lower()](pixels, encoded, text)
        paths.write_atomically(path, encoded.getbuffer())
    except (OSError, ValueError) as error:  # encoders raise both
        raise ImageError(f"{path} cannot be written: {reason(error)}") from error


def check_output(path: Path, bits: int = 8, inputs: tuple[PictureSource, ...] = ()) -> None:
    """Refuse, before any work is done, an output that could not be written or that would overwrite an input.

    Raises:
        ImageError: if the folder does not exist or cannot be written to, or the path is a folder or one of `inputs`.
        SettingsError: if the ending is unknown, or the format cannot hold `bits`.
    """
    suffix = path.suffix.lower()
    if suffix not in WRITERS and not path.is_dir():
        raise SettingsError(f"output {path} ends in {suffix or 'nothing'!r}; wanted one of {', '.join(WRITERS)}")
    if bits == 16 and suffix not in SUFFIXES_WITH_16_BITS:
        raise SettingsError(f"output {path} cannot hold 16 bits; wanted one of {', '.join(SUFFIXES_WITH_16_BITS)}")
    check_place(path, inputs)


def check_place(path: Path, inputs: tuple[PictureSource, ...] = ()) -> None:
    """The part of `check_output` that holds for any file.

    Raises:
        ImageError: as `check_output` does.
    """
    try:
        if path.is_dir():
            raise ImageError(f"output {path} is a folder; wanted a file name such as {path / 'picture.png'}")
        if not path.parent.is_dir():
            raise ImageError(f"output folder {path.parent} does not exist; wanted an existing folder")
        if not os.access(path.parent, os.W_OK | os.X_OK):
            raise ImageError(f"output folder {path.parent} cannot be written to; wanted one that can")
        for source in inputs:
            is_file = isinstance(source, str | os.PathLike)
            if path.exists() and is_file and Path(source).exists() and path.samefile(source):
                raise ImageError(f"output {path} is also an input; wanted another file name")
    except (OSError, ValueError) as error:
        raise ImageError(f"output {path} cannot be written: {reason(error)}") from error


def check_side(path: Path, size: tuple[int, int]) -> None:
    """Refuse a format that cannot hold so large a picture.

    Raises:
        SettingsError: if a side of `size` = (width, height) is longer than the format allows.
    """
    limit = MAX_SIDES.get(path.suffix.lower())
    if limit is not None and max(size) > limit:
        raise SettingsError(
            f"output {path} would have {max(size)} pixels on a side; its format holds {limit}, .png any"
        )
