"""Arrays of pixels, as numpy.savez writes them; pickled ones are not opened."""

import hashlib
import json
import math
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from scumble.data.sources.source import Item, Source
from scumble.data.sources.zip import refuse_packing
from scumble.errors import DataError, ScumbleError, reason
from scumble.image.files import Picture

IMAGE_ARRAYS = {"x": "y", "x_train": "y_train", "images": "labels"}
"""The names of an .npz file's pictures, and of the labels that belong to them."""
TESTING_ARRAYS = {"x_test": "y_test"}
"""Likewise, of those that are for testing."""


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
    if labels is not None:
        labels = _check_labels(labels, len(pixels), f"{path}: {names[name]}")
    note = None
    if "x_test" in held and not testing:
        note = f"{len(pixels)} pictures of x_train are used; x_test is for testing"
    return from_arrays(path.name, pixels, labels, note)


def _array(arrays: Any, name: str) -> np.ndarray:
    """One of them, unless its header claims more than there is: NumPy would ask for the memory first."""
    entry = arrays.zip.getinfo(name if name in arrays.zip.namelist() else f"{name}.npy")
    with arrays.zip.open(entry) as file:
        version = np.lib.format.read_magic(file)
        read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read_header(file)
    if math.prod(shape) * dtype.itemsize > entry.file_size:
        raise ValueError(f"{name} is said to have the shape {shape}, which is more than there is")
    return arrays[name]


def _check_pixels(pixels: np.ndarray, where: str) -> None:
    fits = pixels.ndim == 3 or (pixels.ndim == 4 and pixels.shape[3] in (1, 3, 4))
    if not fits or 0 in pixels.shape[1:]:
        planar = pixels.ndim == 4 and pixels.shape[1] in (1, 3, 4)
        hint = "put the colours last: x.transpose(0, 2, 3, 1)" if planar else None
        raise DataError(f"{where} has shape {pixels.shape}; wanted (N, H, W) or (N, H, W, C) with C of 1, 3, 4", hint)
    if pixels.dtype.kind == "f":
        if not pixels.size or not (pixels.min() >= 0 and pixels.max() <= 1):  # so written, it finds nan too
            raise DataError(f"{where} holds floats outside 0..1; wanted floats in [0, 1] or uint8")
    elif pixels.dtype != np.uint8:
        raise DataError(f"{where} is of type {pixels.dtype}; wanted uint8 or floats in [0, 1]", "x.astype('uint8')")


def _check_labels(labels: np.ndarray, count: int, where: str) -> list[str]:
    if labels.shape not in ((count,), (count, 1)) or labels.dtype.kind not in "iuU":
        what = f"labels of shape {labels.shape} and type {labels.dtype}"
        raise DataError(f"{where} holds {what}; wanted one whole number or word for each of {count} pictures")
    return [str(label) for label in labels.ravel().tolist()]


def from_arrays(name: str, pixels: np.ndarray, labels: list[str] | None, note: str | None = None) -> Source:
    """A source of (N, H, W[, C]) pixels, uint8 or floats in [0, 1]."""
    digest = hashlib.sha256(json.dumps([pixels.shape, str(pixels.dtype), labels]).encode())
    digest.update(np.ascontiguousarray(pixels).data)
    height, width = pixels.shape[1:3]
    items = [
        Item(f"picture {i}", labels[i] if labels else None, partial(_picture, pixels, i), lambda: (width, height))
        for i in range(len(pixels))
    ]
    return Source(name, items, digest.hexdigest(), note)


def _picture(pixels: np.ndarray, number: int) -> Picture:
    array = pixels[number]
    if array.dtype != np.uint8:
        array = (array * 255).round().astype(np.uint8)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    alpha = Image.fromarray(array[:, :, 3]) if array.ndim == 3 and array.shape[2] == 4 else None
    rgb = Image.fromarray(array[..., :3] if alpha else array).convert("RGB")
    return Picture(rgb, alpha, f"picture {number}", hashlib.sha256(array.tobytes()).hexdigest())
