"""Pictures in and out: every common kind of file becomes 8-bit sRGB, upright, with its opacity kept; writing is atomic.

What a camera or an artist's program leaves in a file is honoured rather than ignored: the EXIF turn, the embedded ICC
profile, CMYK, palettes, 16 bits, transparency. What comes out carries an sRGB profile and its recipe.
"""

import contextlib
import hashlib
import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from PIL import Image

from scumble import paths
from scumble.errors import ImageError, SettingsError, reason
from scumble.image import decode, recipe
from scumble.image.encode import MAX_SIDES, SUFFIXES_WITH_16_BITS, WRITERS
from scumble.image.metadata import NOTHING, Metadata
from scumble.image.reading import arrays, mend, pages, pixels
from scumble.image.reading.room import Room

T = TypeVar("T")

PictureSource = str | os.PathLike[str] | Image.Image | np.ndarray
"""What can be given as a picture: a file (`scan.tif[2]` is the second picture in it), a PIL picture, or an array,
(H, W), (H, W, 3) or (H, W, 4); uint8, uint16, or floats in [0, 1]."""


@dataclass(frozen=True)
class Picture:
    """A decoded picture: sRGB colours (mode RGB), opacity (mode L, or None), a name, a digest, and notes.

    The digest is the SHA-256 of the file's bytes, or of the pixels where there is no file. The notes tell what was odd
    about it, in words that follow its name. `numbers` are those of a file of grey in more than 8 bits, mode I, where
    they are whole and few: a map of regions may mean them rather than shades.
    """

    rgb: Image.Image
    alpha: Image.Image | None
    name: str
    sha256: str
    notes: tuple[str, ...] = ()
    numbers: Image.Image | None = None

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.rgb.size


def load(source: PictureSource, role: str = "picture", room: Room = Room()) -> Picture:  # noqa: B008 (it is frozen)
    """Read a picture.

    Args:
        source: a file, a PIL picture or an array; see `PictureSource`.
        role: what the picture is for; it names pictures that have no file name.
        room: how much memory decoding may take, and how many pixels are of use.

    Raises:
        ImageError: if there is no such file, or it is no picture, is damaged, or has too many pixels.
    """
    if isinstance(source, str | os.PathLike):
        path, page = pages.split(source)
        return load_bytes(decode.read_file(path, room.memory_bytes), path.name, page, room)
    if not isinstance(source, Image.Image | np.ndarray):
        raise ImageError(f"{role}: got {type(source).__name__}, wanted a path, a PIL picture or a NumPy array")
    image, notes = arrays.of_array(source, role) if isinstance(source, np.ndarray) else (source, ())
    with decode.guarded(role):
        seen = pixels.of_image(image, role, room=room)
    digest = hashlib.sha256(f"{seen.rgb.size}".encode() + seen.rgb.tobytes())
    digest.update(seen.alpha.tobytes() if seen.alpha else b"")
    return Picture(seen.rgb, seen.alpha, role, digest.hexdigest(), (*notes, *seen.notes), seen.numbers)


def load_bytes(data: bytes, name: str, page: int | None = None, room: Room = Room()) -> Picture:  # noqa: B008 (as above)
    """Read a picture from the bytes of its file; see `load`.

    Args:
        data: the file.
        name: to speak of it.
        page: which of several pictures in it, from 1 on; None for the first.
        room: as for `load`.
    """
    seen, odd = _or_mended(lambda data: pixels.of_bytes(data, name, page, room), data)
    shown = name if page is None else f"{name}[{page}]"
    digest = hashlib.sha256(data).hexdigest()
    return Picture(seen.rgb, seen.alpha, shown, digest, (*odd, *seen.notes), seen.numbers)


def size_of(data: bytes, name: str) -> tuple[int, int]:
    """(width, height) that `load_bytes` would give, from the file's header alone where its format allows that.

    Raises:
        ImageError: if it is no picture or its header is damaged.
    """
    size, _ = _or_mended(lambda data: pixels.size_of(data, name), data)
    return size


def _or_mended(look: Callable[[bytes], T], data: bytes) -> tuple[T, tuple[str, ...]]:
    """What `look` finds in a file, or in what can be mended of a damaged one; then with a note of what was odd."""
    try:
        return look(data), ()
    except decode.DamagedError:
        for other, odd in mend.mended(data):
            with contextlib.suppress(ImageError):
                return look(other), (odd,)
        raise


# --- Writing --------------------------------------------------------------------------------------------------------


def save(pixels: np.ndarray, path: Path, made_by: dict[str, Any] | None = None, known: Metadata = NOTHING) -> None:
    """Write a picture, whole or not at all: a failure leaves what was there before.

    Args:
        pixels: (H, W, 3) or (H, W, 4), uint8, or uint16 for PNG and TIFF. JPEG has no opacity: it is laid on white.
            TIFF takes any number of channels.
        path: where to; its ending chooses the format (see `encode.WRITERS`).
        made_by: the recipe to write into the picture; None for none.
        known: what else to write into it.

    Raises:
        ImageError: if the folder is missing or the disk full.
        SettingsError: if the ending is unknown, or the format cannot hold 16 bits.
    """
    check_output(path, bits=pixels.dtype.itemsize * 8)
    text = None if made_by is None else recipe.to_text(made_by)
    encoded = io.BytesIO()
    try:
        WRITERS[path.suffix.lower()](pixels, encoded, text, known)
        paths.write_atomically(path, encoded.getbuffer())
    except (OSError, ValueError) as error:  # encoders raise both
        raise ImageError(f"{path} cannot be written: {reason(error)}") from error


def check_output(path: Path, bits: int = 8, inputs: tuple[PictureSource, ...] = (), overwrite: bool = True) -> None:
    """Refuse, before any work is done, an output that could not be written or that would overwrite an input.

    Args:
        path: where to.
        bits: per channel.
        inputs: of the job; what is no file does not count.
        overwrite: whether a file may be there that scumble has not made.

    Raises:
        ImageError: if the folder does not exist or cannot be written to, or the path is a folder, one of `inputs`, or
            somebody else's.
        SettingsError: if the ending is unknown, or the format cannot hold `bits`.
    """
    suffix = path.suffix.lower()
    if suffix not in WRITERS and not path.is_dir():
        raise SettingsError(f"output {path} ends in {suffix or 'nothing'!r}; wanted one of {', '.join(WRITERS)}")
    if bits == 16 and suffix not in SUFFIXES_WITH_16_BITS:
        raise SettingsError(f"output {path} cannot hold 16 bits; wanted one of {', '.join(SUFFIXES_WITH_16_BITS)}")
    check_place(path, inputs)
    if not overwrite:
        check_free(path)


def check_place(path: Path, inputs: tuple[PictureSource, ...] = ()) -> None:
    """The part of `check_output` that holds for any file, but for what is there already.

    Raises:
        ImageError: as `check_output` does.
    """
    try:
        if path.is_dir():
            raise ImageError(f"output {path} is a folder; wanted a file name such as {path / 'picture.png'}")
        folder = Path(os.path.realpath(path)).parent if path.is_symlink() else path.parent
        if not folder.is_dir():
            raise ImageError(f"output folder {folder} does not exist; wanted an existing folder")
        if not os.access(folder, os.W_OK | os.X_OK):
            raise ImageError(f"output folder {folder} cannot be written to; wanted one that can")
        if not _is_there(path):
            return
        if not path.is_file():
            raise ImageError(f"output {path} is no regular file; wanted another file name")
        if not os.access(path, os.W_OK):
            raise ImageError(f"output {path} may not be written to; wanted another file name")
        for source in inputs:
            file = pages.split(source)[0] if isinstance(source, str | os.PathLike) else None
            if file is not None and path.exists() and file.exists() and path.samefile(file):
                raise ImageError(f"output {path} is also an input; wanted another file name")
    except (OSError, ValueError) as error:
        raise ImageError(f"output {path} cannot be written: {reason(error)}") from error


def check_free(path: Path, mark: str | None = None) -> None:
    """Refuse to write over what somebody else has made.

    Args:
        path: where to.
        mark: what our files of this kind hold; None for the recipe of a picture.

    Raises:
        ImageError: if there is a file that holds anything, and is none of scumble's, or the place is none for a file.
    """
    try:
        if not _is_there(path) or not path.stat().st_size:
            return
    except OSError as error:
        raise ImageError(f"output {path} cannot be written: {reason(error)}") from error
    try:
        ours = recipe.found_in(path) is not None if mark is None else mark.encode() in path.read_bytes()
    except OSError:  # it may not even be read
        ours = False
    if not ours:
        raise ImageError(f"output {path} is there already, and not made by scumble", "--overwrite writes over it")


def _is_there(path: Path) -> bool:
    """Whether there is a file, or what else can be written to; links that lead to each other raise an OSError."""
    try:
        path.stat()
    except FileNotFoundError:
        return False
    return True


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
