"""More than 8 bits: values as they are stored, from decoders that would cut them, and what their range means.

Pillow keeps 16 bits of grey only. Of colour it unpacks the higher byte of each number; asked to unpack the same bytes
in the other order, it gives the lower one.
"""

import sys
from collections.abc import Callable

import numpy as np
from PIL import Image

from scumble.errors import ImageError

MOST_BITS_TAKEN_FOR_FEWER = 14
"""Where all values are below 2**14, a quarter of what 16 bits hold, they are those of a camera or a scanner with fewer
bits; a picture so dark would be black."""

MOST_NUMBERS, LARGEST_NUMBER = 40, 2**24 - 1
"""Values that are whole and no more different ones than so many may be numbers of regions, up to the largest."""

PART = 1 << 20
"""Values that are changed at once."""

_NATIVE = {"little": "L", "big": "B"}[sys.byteorder]
_OTHER = {"L": "B", "B": "L"}
_CHANNELS = ("RGB;16", "RGBA;16", "RGBX;16", "RGBa;16")


def stored_mode(image: Image.Image) -> str:
    """How Pillow will unpack an opened file's pixels, such as "RGB;16B"; empty where it does not tell."""
    tiles = getattr(image, "tile", None)
    arguments = tiles[0][3] if tiles else ""
    first = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
    return first if isinstance(first, str) else ""


def is_cut(mode: str) -> bool:
    """Whether what is stored so has 16 bits of which Pillow keeps 8."""
    return mode[:-1] in _CHANNELS or mode == "LA;16B"


def whole(opened: Callable[[], Image.Image], mode: str) -> np.ndarray:
    """All 16 bits of pixels that Pillow would cut.

    Args:
        opened: opens the file anew, at the right page.
        mode: of which the pixels are stored; see `stored_mode`.

    Returns:
        (H, W, 2) for grey with opacity, (H, W, 3) or (H, W, 4), uint16.
    """
    if mode == "LA;16B":
        both = np.asarray(_unpacked(opened(), "RGBA"))  # four bytes of a pixel as they lie there
        return both.view(">u2").astype(np.uint16)
    order = _NATIVE if mode[-1] == "N" else mode[-1]
    premultiplied = mode.startswith("RGBa")
    name = "RGBA;16" if premultiplied else mode[:-1]
    high, low = (np.asarray(_unpacked(opened(), name + o), np.uint16) for o in (order, _OTHER[order]))
    values = high << 8 | low
    if premultiplied:
        opacity = values[..., 3:].astype(np.float32)
        colours = values[..., :3] * (65535 / np.maximum(opacity, 1))
        values = np.dstack([np.rint(np.clip(colours, 0, 65535)).astype(np.uint16), values[..., 3:]])
    return values


def _unpacked(image: Image.Image, mode: str) -> Image.Image:
    def renamed(arguments: object) -> object:
        return (mode, *arguments[1:]) if isinstance(arguments, tuple) else mode

    image.tile = [tile._replace(args=renamed(tile.args)) for tile in image.tile]  # pyright: ignore
    image.load()
    return image


def in_parts(values: np.ndarray, change: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """What a change of each value alone makes of many, (H, ...): a few rows at a time, or that
    would take their memory several times over."""
    parts = np.array_split(values, 1 + values.size // PART)
    changed = np.empty(values.shape, change(parts[0][:1]).dtype)
    for part, place in zip(parts, np.array_split(changed, len(parts)), strict=True):
        place[...] = change(part)
    return changed


def stretched(values: np.ndarray, colours: int) -> tuple[np.ndarray, str | None]:
    """16-bit values whose range is 0 to 65535, and what to tell if they used a part of it only.

    Args:
        values: (H, W, C), unsigned.
        colours: how many of the channels are colours; the others stay.
    """
    brightest = int(values[..., :colours].max())
    bits = max(8, brightest.bit_length())
    if brightest == 0 or bits > MOST_BITS_TAKEN_FOR_FEWER:
        return values, None
    scaled = values.copy()
    table = np.rint(np.arange(brightest + 1) * (65535 / (2**bits - 1))).astype(np.uint16)
    scaled[..., :colours] = in_parts(values[..., :colours], lambda part: table[part])  # faster than products
    return scaled, f"its values go up to {brightest} of 65535: taken as those of {bits} bits"


def levels(values: np.ndarray, name: str) -> tuple[np.ndarray, str | None]:
    """Whole numbers of 32 bits as 16-bit values, and what to tell about their range.

    Raises:
        ImageError: if some are below zero.
    """
    if values.min() < 0:
        raise ImageError(f"{name} holds values outside 0..65535; wanted 8 or 16 bits, or floats in [0, 1]")
    brightest = int(values.max())
    if brightest <= 65535:
        return values.astype(np.uint16, copy=False), None
    bits = brightest.bit_length()
    scaled = np.rint(values / (2.0**bits - 1) * 65535).astype(np.uint16)
    return scaled, f"its values go up to {brightest}: taken as those of {bits} bits"


def numbers(values: np.ndarray) -> np.ndarray | None:
    """(H, W) values as int32 where they are a few whole numbers, as in maps of regions; None where they are not."""
    some = values.ravel()[:: 1 + values.size // 1000]  # tells nearly all pictures that are none
    if len(np.unique(some)) > MOST_NUMBERS:
        return None
    found = np.unique(values)
    if len(found) > MOST_NUMBERS or not ((found >= 0) & (found <= LARGEST_NUMBER) & (found % 1 == 0)).all():
        return None
    return values.astype(np.int32)


def light(values: np.ndarray, name: str) -> tuple[np.ndarray, bool, str]:
    """Floats of a file as numbers from 0 on, whether they are light, and what to tell.

    Floats are linear light, as programs for photographs write them; only where all are whole numbers, they are those
    of 8 or 16 bits in another form.

    Raises:
        ImageError: if none is finite.
    """
    finite = np.isfinite(values)
    values = values.astype(np.float32)
    odd = ""
    if not finite.all():
        if not finite.any():
            raise ImageError(f"{name} holds no finite number; wanted floats from 0 on")
        values[~finite] = 0
        odd = ", those that are not finite as black"
    brightest = float(values.max())
    if brightest > 1 and (values == np.rint(values)).all() and brightest <= 65535:
        top = 255 if brightest <= 255 else 65535
        return np.clip(values / top, 0, 1), False, f"its floats are taken as values from 0 to {top}{odd}"
    brought = f"; what is above 1, up to {brightest:.3g}, is brought in by a tone curve" if brightest > 1 else ""
    return np.maximum(values, 0), True, f"its floats are taken as linear light{odd}{brought}"
