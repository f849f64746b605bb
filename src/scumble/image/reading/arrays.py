"""NumPy arrays as pictures."""

import numpy as np
from PIL import Image

from scumble.errors import ImageError
from scumble.image.reading import deep

WANTED = "wanted uint8, uint16 or floats in [0, 1]"


def of_array(array: np.ndarray, name: str) -> tuple[Image.Image, tuple[str, ...]]:
    """An array as an 8-bit picture, and what to tell about its values.

    Args:
        array: (H, W), (H, W, 3) or (H, W, 4); bool, uint8, uint16, or floats from 0 to 1. Where uint16
            uses 14 bits or fewer, these are taken as its range.
        name: what the picture is for.

    Raises:
        ImageError: if it has another shape or type, or values outside its range.
    """
    grey_or_colour = array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))
    if not grey_or_colour or 0 in array.shape:
        raise ImageError(f"the {name} array has shape {array.shape}; wanted (H, W), (H, W, 3) or (H, W, 4)")
    if array.dtype == bool:
        array = array.astype(np.uint8) * 255
    if array.dtype == np.uint8:
        return Image.fromarray(array), ()
    notes = ()
    if array.dtype.kind == "u" and array.itemsize == 2:  # of either byte order
        channels = array.reshape(*array.shape[:2], -1).astype(np.uint16)
        values, note = deep.stretched(channels, min(3, channels.shape[2]))
        array, top, notes = values.reshape(array.shape).astype(np.float32), 65535, (note,) if note else ()
    elif np.issubdtype(array.dtype, np.floating):
        top = 1
    else:
        raise ImageError(f"the {name} array is of type {array.dtype}; {WANTED}")
    if not np.isfinite(array).all() or array.min() < 0 or array.max() > top:
        raise ImageError(f"the {name} array holds values outside 0..{top}; {WANTED}")
    return Image.fromarray((array / top * 255).round().astype(np.uint8)), notes
