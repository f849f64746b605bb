"""What becomes of a picture's pixels before anything learns from them."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from scumble.data.form import Fit, Form, Range, Size
from scumble.data.raw import DEEP, PICTURES, natural, to_bytes, to_sixteen_bits
from scumble.data.sources.source import Opened, of_picture
from scumble.errors import ImageError, SettingsError
from scumble.image import files
from scumble.image.files import Picture, PictureSource

MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
"""Pillow's names of pictures with so many channels."""
BRIGHTEST = 255


def on_white(picture: Picture) -> Image.Image:
    """A picture in mode RGB, on white where it is transparent."""
    if picture.alpha is None:
        return picture.rgb
    white = Image.new("RGB", picture.size, "white")
    white.paste(picture.rgb, mask=picture.alpha)
    return white


def fitted_pixels(picture: Picture, size: Size, channels: int, fit: Fit = "crop") -> np.ndarray:
    """(H, W, C) uint8 of a picture at `size`.

    Args:
        picture: of any size.
        size: what it is brought to.
        channels: 1 grey, 3 colours, both on white where it is transparent; 2 and 4 with opacity.
        fit: how.

    Raises:
        ImageError: with another number of channels.
    """
    if channels not in MODES:
        raise ImageError(f"{picture.name} has 3 channels; wanted {channels}")
    if channels % 2:
        # Grey after resampling, which is what trainings that began before go on from.
        colour = fitted(on_white(picture), size, fit, "white" if picture.alpha else "black")
        return _array(colour if channels == 3 else colour.convert("L"))
    image = picture.rgb.convert(MODES[channels])
    image.putalpha(picture.alpha or 255)
    return _array(fitted(image, size, fit))


def opened_pixels(opened: Opened, name: str, form: Form) -> np.ndarray:
    """(H, W, C) of an opened picture, whatever it holds; uint8, or uint16 where the form has so many bits.

    Args:
        opened: the picture.
        name: to speak of it.
        form: what it becomes, size and channels settled. Grey values are repeated for colours; else there are as many
            channels as it has, or an ordinary picture can have. Without a range, values are taken as their type is.

    Raises:
        ImageError: if it cannot be read, or has other channels.
    """
    size, channels, fit, value_range, bits = form
    assert size is not None
    assert channels is not None
    if opened.raw is None:
        picture = opened.load()
        if value_range is not None and value_range[1] <= BRIGHTEST:  # else it is that of others, which are no bytes
            stretched = Image.fromarray(to_bytes(np.asarray(picture.rgb), value_range))
            picture = Picture(stretched, picture.alpha, picture.name, picture.sha256)
        return _of_bits(fitted_pixels(picture, size, channels, fit), bits)
    values = opened.raw.read()
    value_range = value_range or natural(values.dtype)
    if bits == 16 and values.shape[2] == 4 and channels == 3:
        values, value_range = _without_the_fourth(values, value_range, opened.raw.opacity), DEEP
    bands = values.shape[2]
    if bands == channels or (bands, channels) == (1, 3):
        values = (to_bytes if bits == 8 else to_sixteen_bits)(values, value_range)
        planes = [_fitted_plane(values[..., band], size, fit) for band in range(bands)]
        return np.concatenate(planes * (channels // bands), axis=2)
    if bands not in PICTURES:
        raise ImageError(f"{name} has {bands} channels; wanted {channels}")
    values = to_bytes(values if opened.raw.opacity else values[..., :3], value_range)
    return _of_bits(fitted_pixels(_picture(values, name), size, channels, fit), bits)


def pixels_of(pictures: Iterable[PictureSource], form: Form) -> np.ndarray:
    """(N, C, H, W) uint8 of paths, PIL pictures or NumPy arrays; see `opened_pixels`.

    Raises:
        SettingsError: if a single path is given.
        ImageError: if one cannot be read, or has other channels.
    """
    if isinstance(pictures, str | Path):
        raise SettingsError("pictures: got a single path, wanted a list of them")
    assert form.size is not None
    assert form.channels is not None
    loaded = [files.load(picture, f"picture {n}") for n, picture in enumerate(pictures)]
    found = np.empty((len(loaded), *form.size[::-1], form.channels), np.uint8)
    for pixels, picture in zip(found, loaded, strict=True):
        pixels[:] = opened_pixels(of_picture(picture), picture.name, form)
    return found.transpose(0, 3, 1, 2)


def fitted(image: Image.Image, size: Size, fit: Fit = "crop", margin: str | int = 0) -> Image.Image:
    """A picture in the shape of `size`, resampled to it with antialiasing; margins are of the colour `margin`."""
    if image.size == size:
        return image
    if fit == "stretch":
        return image.resize(size, Image.Resampling.LANCZOS)
    if fit == "pad":
        return ImageOps.pad(image, size, Image.Resampling.LANCZOS, color=margin)
    return ImageOps.fit(image, size, Image.Resampling.LANCZOS)


def _without_the_fourth(values: np.ndarray, value_range: Range, opacity: bool) -> np.ndarray:
    """(H, W, 3) uint16 of four bands: on white, if the fourth is opacity."""
    values = to_sixteen_bits(values, value_range)
    if not opacity:
        return values[..., :3]
    share = values[..., 3:].astype(np.float32) / DEEP[1]
    return (values[..., :3] * share + DEEP[1] * (1 - share)).round().astype(np.uint16)


def _fitted_plane(values: np.ndarray, size: Size, fit: Fit) -> np.ndarray:
    """(H, W, 1) of the kind of number that came."""
    if values.dtype == np.uint8:
        return _array(fitted(Image.fromarray(values), size, fit))
    plane = _array(fitted(Image.fromarray(values.astype(np.float32)), size, fit))  # Pillow resamples no uint16
    return plane.round().clip(0, np.iinfo(values.dtype).max).astype(values.dtype)


def _of_bits(pixels: np.ndarray, bits: int) -> np.ndarray:
    """Bytes, as they are or among pictures of 16 bits."""
    return pixels if bits == 8 else pixels.astype(np.uint16) * 257


def is_grey(pixels: np.ndarray) -> bool:
    """Whether R = G = B everywhere in (H, W, 3)."""
    return bool((pixels[..., 0] == pixels[..., 1]).all() and (pixels[..., 0] == pixels[..., 2]).all())


def _array(image: Image.Image) -> np.ndarray:
    """(H, W, C)."""
    pixels = np.asarray(image)
    return pixels if pixels.ndim == 3 else pixels[..., None]


def _picture(values: np.ndarray, name: str) -> Picture:
    alpha = Image.fromarray(values[..., 3]) if values.shape[2] == 4 else None
    rgb = Image.fromarray(values[..., 0] if values.shape[2] == 1 else values[..., :3]).convert("RGB")
    return Picture(rgb, alpha, name, "")
