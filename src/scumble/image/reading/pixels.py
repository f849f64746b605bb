"""A file's pixels as a person sees them: upright 8-bit sRGB, its opacity, and what was odd about it in words.

Plain pictures of 8 bits go straight through Pillow. What it would cut, garble or pass over goes through `deep`,
`tiff`, `spaces` and `profiles`.
"""

import io
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageCms

from scumble.errors import ImageError
from scumble.image import decode
from scumble.image.encode import SRGB
from scumble.image.reading import deep, kinds, meaning, pages, png, profiles, spaces, tiff, turns
from scumble.image.reading.meaning import Told
from scumble.image.reading.room import Room
from scumble.image.reading.spaces import Space

TIFF_BITS, TIFF_PHOTOMETRIC, TIFF_SAMPLE_FORMAT = 258, 262, 339
UNSIGNED = 1

NO_OPACITY_MEANT = ("TGA", "BMP")
"""Kinds whose fourth byte is often left at 0 by programs that have no opacity."""


class Seen(NamedTuple):
    """Colours (mode RGB), opacity (mode L, or None), and what to tell: notes of what was odd.

    And the numbers that a file of grey holds in more than 8 bits, mode I, if they are few and nothing is transparent;
    see `deep.numbers`.
    """

    rgb: Image.Image
    alpha: Image.Image | None
    notes: tuple[str, ...]
    numbers: Image.Image | None = None


def of_bytes(data: bytes, name: str, page: int | None = None, room: Room = Room()) -> Seen:  # noqa: B008 (it is frozen)
    """The picture in a file's bytes.

    Args:
        data: the file.
        name: to speak of it.
        page: which of several pictures, from 1 on; None for the first, with a note.
        room: how much memory decoding may take, and how many pixels are of use.

    Raises:
        ImageError: if it is no picture, is damaged, has no such page, or too many pixels.
    """
    try:
        with decode.opened(data, name) as image:
            if tiff.is_raw(image):
                raise ImageError(f"{name} is {kinds.DEVELOP.words}, which is not read", kinds.DEVELOP.hint)
            note = pages.choose(image, name, page)
            if tiff.is_partial(image):
                raise ImageError(f"{name} is damaged or cut short (TIFF): parts of its pixels are missing")
            room.fit(image, name, len(data))
            if not tiff.is_misread(image) and not (image.format == "TIFF" and image.mode == "F"):
                seen = of_image(image, name, data, lambda: _again(data, page), room)
                return seen._replace(notes=(note, *seen.notes) if note else seen.notes)
    except decode.DamagedError:
        if kinds.read_kind(data) != "TIFF":
            raise
        note = None
    with decode.guarded(name):
        seen = _of_tiff(data, name, page)
    return seen._replace(notes=(note, *seen.notes) if note else seen.notes)


def of_image(
    image: Image.Image,
    name: str,
    data: bytes = b"",
    again: Callable[[], Image.Image] | None = None,
    room: Room = Room(),  # noqa: B008 (it is frozen)
) -> Seen:
    """An opened picture's pixels; `data` and `again`, which opens it anew, are there if it is a file's.

    Raises:
        ImageError: if it has no pixels, or values of which nothing can be made.
    """
    if 0 in image.size:
        raise ImageError(f"{name} has no pixels; wanted a picture")
    told_png = png.told(data) if image.format == "PNG" else {}
    notes: list[str] = []
    if image.format == "PNG" and data and png.END not in data:
        notes.append("its end is missing")
    told = meaning.of(image, data, told_png)
    mode = deep.stored_mode(image) if again else ""
    image.load()
    turn = turns.found(image, notes)
    if image.mode.startswith("I") or image.mode == "F":
        rgb, alpha = _of_grey(image, name, told, told_png, notes)
    elif again and deep.is_cut(mode) and _needs_all_bits(image, told, told_png):
        rgb, alpha = _of_many_bits(deep.whole(again, mode), told, told_png, notes)
    else:
        _scale_transparency(image, told_png, data)
        rgb, alpha = _of_8_bits(room.reduced(image), told, notes)
    if alpha is not None:
        alpha = _opacity(alpha, image.format, notes)
    if spaces.is_bright_space(told.space):
        notes.append("it is of high dynamic range (HDR), brought to that of screens by a tone curve")
    rgb = turns.upright(room.reduced(rgb), turn)
    alpha = None if alpha is None else turns.upright(room.reduced(alpha), turn)
    numbers, is_grey = None, alpha is None and (image.mode.startswith("I") or image.mode == "F")
    if is_grey and sorted(rgb.size) == sorted(image.size) and getattr(image, "tag_v2", {}).get(TIFF_PHOTOMETRIC) != 0:
        numbers = _upright_numbers(np.asarray(image), turn)
    return Seen(rgb, alpha, tuple(notes), numbers)


def size_of(data: bytes, name: str) -> tuple[int, int]:
    """(width, height) that `of_bytes` would give, from the header alone where the format allows that.

    Raises:
        ImageError: if it is no picture or its header is damaged.
    """
    try:
        with decode.opened(data, name) as image:
            # Pillow turns TIFFs itself; a PNG asked for an EXIF that its header does not have would be decoded.
            turned = "exif" in image.info and 5 <= turns.found(image, []) <= 8
            width, height = image.size
        return (height, width) if turned else (width, height)
    except decode.DamagedError:
        if kinds.read_kind(data) != "TIFF":
            raise
        return of_bytes(data, name).rgb.size


# --- By depth -------------------------------------------------------------------------------------------------------


def _of_8_bits(image: Image.Image, told: Told, notes: list[str]) -> tuple[Image.Image, Image.Image | None]:
    if image.mode in ("LAB", "HSV", "YCbCr", "1") and not image.has_transparency_data:
        image = image.convert("L" if image.mode == "1" else "RGB")
    alpha = None
    if image.has_transparency_data:
        image = image.convert("LA" if image.mode in ("1", "L", "LA", "La") else "RGBA")
        alpha = image.getchannel("A")
        image = image.convert("L" if image.mode == "LA" else "RGB")
    if told.space is not None and image.mode in ("L", "RGB", "P"):
        return _in_space(np.asarray(image.convert("RGB")), told.space), alpha
    return _by_profile(image, told.profile, notes), alpha


def _by_profile(image: Image.Image, profile: bytes | None, notes: list[str]) -> Image.Image:
    if image.mode == "P":
        image = image.convert("RGB")
    if profile and image.mode in ("RGB", "CMYK", "L"):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(image, source, SRGB, outputMode="RGB")
            if converted is not None:
                return converted
        except (ImageCms.PyCMSError, OSError):
            pass
        # One of another colour space, or a damaged one: the plain conversion is the best.
        notes.append("its colour profile cannot be used: its colours are taken as sRGB")
    return image.convert("RGB")


def _of_grey(
    image: Image.Image, name: str, told: Told, told_png: dict[bytes, bytes], notes: list[str]
) -> tuple[Image.Image, Image.Image | None]:
    """Grey of 16 bits or more, or floats from 0 to 1."""
    values = np.asarray(image)
    tags = getattr(image, "tag_v2", {}) if image.format == "TIFF" else {}
    if image.mode == "F" and image.format:
        return _of_floats(values[..., None], name, None, notes), None
    if image.mode == "F":
        if not np.isfinite(values).all() or values.min() < 0 or values.max() > 1:
            raise ImageError(f"{name} holds values outside 0..1; wanted 8 or 16 bits, or floats in [0, 1]")
        return Image.fromarray((values * 255).round().astype(np.uint8)).convert("RGB"), None
    if values.dtype == np.int32 and tags.get(TIFF_SAMPLE_FORMAT, (1,))[0] == UNSIGNED and image.format == "TIFF":
        values = values.view(np.uint32)
    values, note = deep.levels(values, name)
    if note:
        notes.append(note)
    if 12 in tags.get(TIFF_BITS, ()):
        values = np.rint(values.astype(np.float32) * (65535 / 4095)).astype(np.uint16)
    if tags.get(TIFF_PHOTOMETRIC) == 0:
        values = 65535 - values  # zero is white, which Pillow honours for 8 bits only
    return _of_many_bits(values[..., None], told, told_png, notes)


def _of_many_bits(
    values: np.ndarray, told: Told, told_png: dict[bytes, bytes], notes: list[str]
) -> tuple[Image.Image, Image.Image | None]:
    """Values of 16 bits, (H, W, C): grey or colours, and behind them the opacity if there is one."""
    colours = 3 if values.shape[2] >= 3 else 1
    alpha = values[..., colours] if values.shape[2] > colours else None
    clear = told_png.get(b"tRNS", b"")
    if alpha is None and len(clear) == 2 * colours:
        alpha = np.where((values == np.frombuffer(clear, ">u2")).all(2), 0, 65535).astype(np.uint16)
    values = values[..., :colours]
    space = told.space or (profiles.of_profile(told.profile) if told.profile else None)
    if space is None:
        values, note = deep.stretched(values, colours)
        if note:
            notes.append(note)
    opacity = None if alpha is None else Image.fromarray(_of_eight_bits(alpha))
    if space is not None:
        return _in_space(values, space), opacity
    levels = _of_eight_bits(values)
    image = Image.fromarray(levels[..., 0] if colours == 1 else levels)
    return _by_profile(image, told.profile, notes), opacity


def _of_eight_bits(values: np.ndarray) -> np.ndarray:
    """Values of 16 bits, rounded: 65535 is 255 times 257. Whole numbers take a thirtieth of the time of floats."""
    return deep.in_parts(values, lambda part: ((part + np.uint32(128)) // np.uint32(257)).astype(np.uint8))


def _of_floats(values: np.ndarray, name: str, profile: bytes | None, notes: list[str]) -> Image.Image:
    """Floats of a file, (H, W, C): light, unless a profile tells otherwise."""
    values, is_light, note = deep.light(values, name)
    space = profiles.of_profile(profile) if profile and values.max() <= 1 else None
    if space is None:
        notes.append(note)
        space = spaces.linear(bright=True) if is_light else spaces.PLAIN
    return _in_space(values, space)


def _of_tiff(data: bytes, name: str, page: int | None) -> Seen:
    """A page that Pillow does not read."""
    stored = tiff.stored(data, name, page, decode.MAX_PIXELS)
    values, notes = stored.values, list[str]()
    top = 1.0
    if values.dtype.kind == "f":
        rgb = _of_floats(values, name, stored.profile, notes)
    else:
        top = float(np.iinfo(values.dtype).max)
        values = np.rint(values / (top / 65535)).astype(np.uint16)
        rgb, _ = _of_many_bits(values, Told(None, stored.profile), {}, notes)
    alpha = None
    if stored.alpha is not None:
        share = np.nan_to_num(stored.alpha.astype(np.float64) / top)
        alpha = _opacity(Image.fromarray((np.clip(share, 0, 1) * 255).round().astype(np.uint8)), "TIFF", notes)
    rgb = turns.upright(rgb, stored.turn)
    alpha = None if alpha is None else turns.upright(alpha, stored.turn)
    is_grey = stored.values.shape[2] == 1 and alpha is None
    numbers = _upright_numbers(stored.values[..., 0], stored.turn) if is_grey else None
    return Seen(rgb, alpha, tuple(notes), numbers)


def _upright_numbers(values: np.ndarray, turn: int) -> Image.Image | None:
    numbers = deep.numbers(values)
    return None if numbers is None else turns.upright(Image.fromarray(numbers), turn)


# --- Opacity, and what bits are for ---------------------------------------------------------------------------------


def _needs_all_bits(image: Image.Image, told: Told, told_png: dict[bytes, bytes]) -> bool:
    """Whether the higher 8 of a picture's 16 bits, which Pillow has read, are not enough."""
    if told.space is not None or b"tRNS" in told_png:
        return True
    if told.profile and profiles.of_profile(told.profile) is not None:
        return True
    bands = image.getbands()
    extrema = [image.getchannel(band).getextrema() for band in bands if band != "A"]
    brightest = max(int(top) for _, top in extrema)  # pyright: ignore[reportArgumentType, reportGeneralTypeIssues]
    return brightest < 2 ** (deep.MOST_BITS_TAKEN_FOR_FEWER - 8)


def _scale_transparency(image: Image.Image, told_png: dict[bytes, bytes], data: bytes) -> None:
    """Pillow brings grey of 2 and 4 bits to 8, but not the number of the one that is transparent."""
    transparent = image.info.get("transparency")
    if not told_png or image.mode != "L" or not isinstance(transparent, int):
        return
    head = png.header(data)
    if head is not None and head.depth < 8:
        image.info["transparency"] = transparent * 255 // (2**head.depth - 1)


def _opacity(alpha: Image.Image, kind: str | None, notes: list[str]) -> Image.Image | None:
    extrema = alpha.getextrema()
    if extrema == (255, 255):
        return None
    if extrema == (0, 0) and kind in NO_OPACITY_MEANT:
        notes.append("its opacity is 0 everywhere, as if nobody had filled it in: taken as opaque")
        return None
    return alpha


def _in_space(values: np.ndarray, space: Space) -> Image.Image:
    return Image.fromarray(spaces.to_srgb(values, space))


def _again(data: bytes, page: int | None) -> Image.Image:
    image = decode.open_picture(data)
    if page is not None and page > 1:
        image.seek(page - 1)
    return image
