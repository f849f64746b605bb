"""Arrays in .npy files of strangers: what a header claims is held against what there is, before memory is asked for."""

import math
import os
from pathlib import Path
from typing import IO, Any

import numpy as np

from scumble.shared import warnings_ignored


def mapped(path: Path) -> np.ndarray:
    """The array in an .npy file, mapped into memory and not writeable; nothing is ever unpickled.

    Raises:
        OSError, ValueError: if it cannot be read, holds nothing, or less than it claims.
    """
    with path.open("rb") as file:
        check_header(file, path.stat().st_size, path.name)
    with warnings_ignored():
        return np.lib.format.open_memmap(path, mode="r")


def write_header(file: IO[bytes], kind: np.dtype[Any], shape: tuple[int, ...]) -> None:
    """What stands before the numbers of an array, the last index changing fastest."""
    np.lib.format.write_array_header_1_0(file, {"descr": kind.str, "fortran_order": False, "shape": shape})


def keep_one_channel(path: Path, result: Path) -> None:
    """Write the first channel of (N, C, H, W) to another file, (N, 1, H, W), whole on its disk."""
    pixels = mapped(path).view(np.ndarray)  # plain, for rows of a memmap are slow to make
    with result.open("wb") as file:
        write_header(file, pixels.dtype, (len(pixels), 1, *pixels.shape[2:]))
        for picture in pixels:
            file.write(picture[0].tobytes())
        file.flush()
        os.fsync(file.fileno())


def check_header(file: IO[bytes], size: int, name: str) -> None:
    """Refuse an array that claims to be larger than its file.

    Args:
        file: at its beginning.
        size: of the file, in bytes.
        name: of the array, to speak of it.

    Raises:
        ValueError: if it does, or its header is none.
    """
    try:
        version: Any = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        with warnings_ignored():
            shape, _, dtype = read(file)
    except Exception as error:  # it is read by Python's own parser, which raises, and warns of, whatever it does
        raise ValueError(f"{name} is no array: its header is damaged") from error
    if 0 in shape:
        raise ValueError(f"{name} is empty: its shape is {shape}")
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize > size - file.tell():
        raise ValueError(f"{name} is said to have the shape {shape}, which is more than there is")
