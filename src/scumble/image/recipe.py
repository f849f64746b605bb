"""Recipes: how a picture was made, written into the picture itself, so that it can be shown and repeated.

A recipe is JSON: all settings, the versions of what computed it, digests of the inputs, and the losses it ended with;
no paths, no dates. PNG keeps it in an iTXt chunk named "scumble", JPEG and WebP in the EXIF user comment, TIFF in the
image description.
"""

import contextlib
import json
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from scumble.errors import ImageError
from scumble.events import plain
from scumble.image import decode

FORMAT_VERSION = 2
"""2: paintings have a balance, coarse steps and cropped borders, and `keep` instead of a content weight."""

ELSEWHERE = "remove it, write elsewhere, or --overwrite"

CONTACT_SHEET, CONTACT_SHEET_JOB = "contact.jpg", "contact sheet"
"""The name of the sheet that a batch leaves in its folder, and what its recipe says: it is no picture to work with."""

KEYWORD = "scumble"
EXIF_IFD, USER_COMMENT, TIFF_DESCRIPTION = 0x8769, 0x9286, 270
UNICODE_PREFIX = b"UNICODE\0"  # EXIF 2.3, table 9: how a comment says that it is UTF-16


def versions() -> dict[str, str]:
    """The versions that decide a picture's bytes: ours, Python's, and those of what computes and encodes."""
    from importlib.metadata import version

    packages = ("scumble", "torch", "numpy", "pillow", "tifffile")
    return {"python": platform.python_version(), "machine": platform.machine()} | {p: version(p) for p in packages}


def to_text(recipe: dict[str, Any]) -> str:
    """A recipe as one line of ASCII JSON."""
    return json.dumps(plain({"format_version": FORMAT_VERSION} | recipe), allow_nan=False)


def comment(text: str) -> bytes:
    """A recipe as the user comment of an EXIF block, in a JPEG or WebP."""
    return UNICODE_PREFIX + text.encode("utf-16-le")


def read(path: Path) -> dict[str, Any]:
    """The recipe inside a picture.

    Raises:
        ImageError: if the file cannot be read as a picture, holds no recipe, or one of a newer format.
    """
    return _in_bytes(decode.read_file(path), path)


def _in_bytes(data: bytes, path: Path) -> dict[str, Any]:
    # Anybody may have edited it: numbers that are not finite are None, and what is nested too deeply is no recipe.
    with decode.opened(data, path.name) as image:
        text = _text_in(image)
    try:
        recipe = plain(json.loads(text))
        newer = recipe["format_version"] > FORMAT_VERSION
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ImageError(f"{path} holds no recipe; wanted a picture made by scumble") from None
    if newer:
        raise ImageError(
            f"{path} holds a recipe of format {recipe['format_version']}; this version reads up to {FORMAT_VERSION}"
        )
    return recipe


def found_in(path: Path) -> dict[str, Any] | None:
    """The recipe inside a file that may be anything; None where scumble has not made it, as far as can be told."""
    try:
        return read(path)
    except ImageError:
        return None


def of_what_is_there(place: Path, overwrite: bool) -> dict[str, Any] | None:
    """The recipe of a result that is there already; None where there is none, or where it may be written over.

    Raises:
        ImageError: if what is there is not of scumble's making, and may not be written over.
    """
    if not place.exists() or not place.stat().st_size:
        return None
    found = found_in(place)
    if found is None and not overwrite:
        raise ImageError(f"{place} is there already, and not made by scumble", ELSEWHERE)
    return found


def is_contact_sheet(name: str, data: Callable[[], bytes]) -> bool:
    """Whether a file is a contact sheet of ours: who gives a folder of pictures does not mean it.

    Args:
        name: of the file, whatever stands before it.
        data: reads its bytes; called where the name is that of a sheet.
    """
    path = Path(name)
    if path.name.lower() != CONTACT_SHEET:
        return False
    with contextlib.suppress(ImageError, OSError):
        return _in_bytes(data(), path).get("job") == CONTACT_SHEET_JOB
    return False


def _text_in(image: Image.Image) -> str:
    if image.format == "PNG":
        image.load()  # texts may stand behind the pixels
        return str(getattr(image, "text", {}).get(KEYWORD, ""))
    if image.format == "TIFF":
        return str(getattr(image, "tag_v2", {}).get(TIFF_DESCRIPTION, ""))
    comment = image.getexif().get_ifd(EXIF_IFD).get(USER_COMMENT, b"")
    if isinstance(comment, bytes) and comment.startswith(UNICODE_PREFIX):
        return comment.removeprefix(UNICODE_PREFIX).decode("utf-16-le")
    return ""
