"""The pictures that a job is given: read, refused where there is nothing to see, and without what is no painting."""

import math
from collections.abc import Mapping, Sequence

from scumble.errors import ImageError, SettingsError
from scumble.image import borders, files
from scumble.image.files import Picture, PictureSource
from scumble.image.reading.room import GIB, Room
from scumble.style.preparation.grey import is_grey


def read(
    given: Mapping[str, PictureSource], longest: int | None, style_scales: Sequence[float], max_memory: float | None
) -> dict[str, Picture]:
    """All pictures by what they are for.

    Args:
        given: by what they are for.
        longest: pixels of the result's longer side; None for those that there are.
        style_scales: of the styles.
        max_memory: what the process may take, GiB; None for no limit.

    Raises:
        ImageError: if one cannot be read, or nothing can be seen in it.
        SettingsError: if all of the memory is taken already.
    """
    pictures = {
        role: files.load(source, role, _room(role, longest, style_scales, max_memory)) for role, source in given.items()
    }
    for role, picture in pictures.items():
        seen = role.startswith(("content", "style", "init")) and "map" not in role
        if seen and picture.alpha is not None and picture.alpha.getextrema() == (0, 0):
            hint = "save it without its opacity"
            raise ImageError(f"{picture.name} is transparent all over; wanted something to see", hint)
    return pictures


def crop(pictures: dict[str, Picture], keep_borders: bool) -> list[str]:
    """Leave out the paintings' transparent sides; or borders, which may be anything where they are hidden.

    Returns:
        The names of those that had borders.
    """
    cropped = []
    for role, picture in pictures.items():
        if not role.startswith("style"):
            continue
        pictures[role] = seen = borders.visible_part(picture)
        if not keep_borders and seen.alpha is None:
            pictures[role] = borders.crop(seen)
            cropped += [picture.name] * (pictures[role] is not seen)
    return cropped


def are_grey(content: Picture | None, styles: Sequence[Picture], colour: str) -> bool:
    """Whether there is no colour in what the result is made of."""
    if content is not None and not is_grey(content):
        return False
    return colour != "style" or all(map(is_grey, styles))


def _room(role: str, longest: int | None, style_scales: Sequence[float], max_memory: float | None) -> Room:
    """What a picture may take while it is decoded, and twice the pixels that are worked at: fewer would show."""
    left = None if max_memory is None else max_memory * GIB - _used_bytes()
    if left is not None and left <= 0:
        raise SettingsError(
            f"max-memory: got {max_memory:g} GiB, and {_used_bytes() / GIB:.2f} are taken before a picture is read"
        )
    # A map's colours are names, of which there are none between.
    if "map" in role or longest is None:
        return Room(left)
    return Room(left, math.ceil(2 * longest * max(1.0, *style_scales)))


def _used_bytes() -> int:
    import psutil

    return psutil.Process().memory_info().rss
