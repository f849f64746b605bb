"""Arrays of pixels, as numpy.save and numpy.savez write them; pickled ones are not opened."""

import hashlib
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from scumble.data import npy
from scumble.data.form import MAX_CHANNELS
from scumble.data.raw import PICTURES, Raw, finite
from scumble.data.sources.source import Item, Opened, Source
from scumble.data.sources.zip import refuse_packing
from scumble.errors import DataError, ImageError, ScumbleError, reason
from scumble.events import Noted, Warned
from scumble.image.files import Picture
from scumble.shared import warnings_ignored

IMAGE_ARRAYS = {"x": "y", "x_train": "y_train", "images": "labels", "train_images": "train_labels", "arr_0": "arr_1"}
"""The names of an .npz file's pictures, and of the labels that belong to them."""
TESTING_ARRAYS = {"x_test": "y_test", "test_images": "test_labels"}
"""Likewise, of those that are for testing."""
VALIDATION_ARRAYS = ("x_val", "val_images")
PLANES = 16
"""(N, C, H, W) is how others lay out pictures: known by a second side of so few, shorter than the last."""


def from_npz(path: Path, testing: bool) -> Source:
    """The pictures of one array, (N, H, W[, C]), with the labels of another.

    Raises:
        DataError: if it cannot be read, or its arrays are no pictures or labels.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            for entry in arrays.zip.infolist():
                refuse_packing(entry, path)
            held = list(arrays.files)
            names = TESTING_ARRAYS if testing else IMAGE_ARRAYS
            name = next((name for name in names if name in held), None)
            if name is None and testing:
                return Source(path.name, [], "")
            if name is None:
                raise DataError(f"{path} holds arrays {held}; wanted one of {', '.join(IMAGE_ARRAYS)}")
            pixels = _array(arrays, name)
            labels = _array(arrays, names[name]) if names[name] in held else None
            if not isinstance(pixels, np.ndarray) or not isinstance(labels, np.ndarray | None):
                raise TypeError("what it holds are no arrays")
    except ScumbleError:
        raise
    except Exception as error:  # NumPy's reader of headers raises whatever Python's parser does
        raise DataError(f"{path} cannot be read as arrays: {reason(error)}", "save it with numpy.savez") from error
    _check_pixels(pixels, f"{path}: {name}")
    told: list[Noted | Warned] = []
    if labels is not None:
        if _is_several(labels, len(pixels)):
            told.append(Warned(f"{path.name}: {names[name]} has several labels for a picture: they are passed over"))
            labels = None
        else:
            labels = _check_labels(labels, len(pixels), f"{path}: {names[name]}")
    left = [other for other in held if other not in (name, names[name])]
    if left and not testing:
        for_testing = [other for other in (*TESTING_ARRAYS, *VALIDATION_ARRAYS) if other in left]
        message = f"{len(pixels)} pictures of {name} are used" + f"; {', '.join(for_testing)}: for testing" * bool(
            for_testing
        )
        known = {*TESTING_ARRAYS, *TESTING_ARRAYS.values(), *VALIDATION_ARRAYS, "y_val", "val_labels"}
        others = [other for other in left if other not in known]
        told.append(Noted(message + f"; passed over: {', '.join(others)}" * bool(others)))
    return from_arrays(path.name, pixels, labels, tuple(told))


def from_npy(path: Path, testing: bool) -> Source:
    """The pictures of an array, (N, H, W[, C]), without labels.

    Raises:
        DataError: if it cannot be read, or is no pictures.
    """
    if testing:
        return Source(path.name, [], "")
    try:
        pixels = npy.mapped(path).view(np.ndarray)
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as an array: {reason(error)}", "save it with numpy.save") from error
    _check_pixels(pixels, str(path))
    return from_arrays(path.name, pixels, None)


def _array(arrays: Any, name: str) -> np.ndarray:
    """One of them, unless its header claims more than there is: NumPy would ask for the memory first."""
    entry = arrays.zip.getinfo(name if name in arrays.zip.namelist() else f"{name}.npy")
    with arrays.zip.open(entry) as file:
        npy.check_header(file, entry.file_size, name)
    with warnings_ignored():
        return arrays[name]


def _check_pixels(pixels: np.ndarray, where: str) -> None:
    planar = pixels.ndim == 4 and pixels.shape[1] <= PLANES and pixels.shape[1] < pixels.shape[3]
    one = pixels.ndim == 3 and pixels.shape[2] == 3
    fits = (pixels.ndim == 3 and not one) or (pixels.ndim == 4 and pixels.shape[3] <= MAX_CHANNELS and not planar)
    if not fits or 0 in pixels.shape[1:]:
        hint = "put the colours last: x.transpose(0, 2, 3, 1)" if planar else None
        hint = "that of a single picture" if one else hint
        wanted = f"wanted (N, H, W) or (N, H, W, C) with C up to {MAX_CHANNELS}"
        raise DataError(f"{where} has shape {pixels.shape}; {wanted}", hint)
    if pixels.dtype.kind not in "buif":
        wanted = "wanted whole numbers, floats or booleans"
        raise DataError(f"{where} is of type {pixels.dtype}; {wanted}", _hint_for(pixels.dtype))
    if pixels.dtype.kind == "f" and not all(np.isfinite(picture).all() for picture in pixels):
        raise DataError(f"{where} holds values that are not finite; wanted numbers", "numpy.nan_to_num replaces them")


def _hint_for(kind: np.dtype) -> str | None:
    return "take x.real, or abs(x)" if kind.kind == "c" else None


def _is_several(labels: np.ndarray, count: int) -> bool:
    return labels.ndim == 2 and labels.shape[0] == count and labels.shape[1] > 1 and labels.dtype.kind in "iub"


def _check_labels(labels: np.ndarray, count: int, where: str) -> list[str]:
    if labels.shape not in ((count,), (count, 1)) or labels.dtype.kind not in "iuU":
        what = f"labels of shape {labels.shape} and type {labels.dtype}"
        raise DataError(f"{where} holds {what}; wanted one whole number or word for each of {count} pictures")
    try:
        return [str(label) for label in labels.ravel().tolist()]
    except (SystemError, ValueError) as error:  # numbers that stand for no letter
        raise DataError(f"{where} holds labels that are no text") from error


def from_arrays(
    name: str, pixels: np.ndarray, labels: Sequence[str] | None, told: tuple[Noted | Warned, ...] = ()
) -> Source:
    """A source of (N, H, W[, C]) pixels of whole numbers, floats or booleans."""
    digest = hashlib.sha256(json.dumps([pixels.shape, str(pixels.dtype), labels]).encode())
    digest.update(np.ascontiguousarray(pixels).data)
    height, width = pixels.shape[1:3]
    bands = pixels.shape[3] if pixels.ndim == 4 else 1
    look = None if pixels.dtype == np.uint8 and bands in PICTURES else partial(_opened, pixels)
    items = [
        Item(
            f"picture {i}",
            labels[i] if labels else None,
            partial(_picture, pixels, i),
            lambda: (width, height),
            None if look is None else partial(look, i),
        )
        for i in range(len(pixels))
    ]
    return Source(name, items, digest.hexdigest(), told)


def _opened(pixels: np.ndarray, number: int) -> Opened:
    values = pixels[number] if pixels.ndim == 4 else pixels[number, ..., None]
    height, width, bands = values.shape
    raw = Raw(bands, (width, height), lambda: finite(np.asarray(values), f"picture {number}"), bands == 4)
    return Opened(lambda: raw.size, raw, partial(_picture, pixels, number))


def _picture(pixels: np.ndarray, number: int) -> Picture:
    array = pixels[number]
    if array.dtype != np.uint8 or (array.ndim == 3 and array.shape[2] not in PICTURES):
        raise ImageError(f"picture {number} is of shape {array.shape} and type {array.dtype}; wanted bytes of colours")
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    alpha = Image.fromarray(array[:, :, 3]) if array.ndim == 3 and array.shape[2] == 4 else None
    rgb = Image.fromarray(array[..., :3] if alpha else array).convert("RGB")
    return Picture(rgb, alpha, f"picture {number}", hashlib.sha256(array.tobytes()).hexdigest())
