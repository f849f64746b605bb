"""The pictures that a job is given: read, refused where there is nothing to see, and without what is no painting."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from PIL import ImageStat

from scumble.errors import ImageError, SettingsError
from scumble.events import Event, Noted, Warned
from scumble.image import borders, files
from scumble.image.files import Picture, PictureSource
from scumble.image.reading.room import GIB, Room
from scumble.style.preparation.grey import is_grey

if TYPE_CHECKING:
    from scumble.image.paper import Sheet

SOFT = 2.0
"""Enlarged by more, a photograph has nothing to show in its details."""

NEARLY_BLACK = 15
"""Of 255: a picture with nothing above it holds values of another range, or is a photograph of the night."""


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


def all_of(pictures: Mapping[str, Picture], role: str) -> list[Picture]:
    """Those that are for the same: "style", "style 2" and so on."""
    return [picture for name, picture in pictures.items() if name == role or name.startswith(f"{role} ")]


def remarks(pictures: Mapping[str, Picture], cropped: Sequence[str]) -> Iterator[Event]:
    """How pictures were understood, where that is not plain.

    Args:
        pictures: by what they are for.
        cropped: names of those whose borders were left out.
    """
    for role, picture in pictures.items():
        dark = role in ("content", "style") and _is_dark(picture)
        odd = (
            (*picture.notes, f"it is nearly black: no value is above {NEARLY_BLACK} of 255") if dark else picture.notes
        )
        if odd:
            yield Warned(f"{picture.name}: {'; '.join(odd)}")
    for style in all_of(pictures, "style"):
        if style.alpha is not None:
            visible = ImageStat.Stat(style.alpha).mean[0] / 255
            yield Warned(f"{style.name}: its style is that of the {visible:.0%} of it that is not transparent")
    for name in cropped:
        yield Noted(f"{name}: the border around it is left out (--borders keep takes all of it)")


def remarks_on_size(
    content: Picture | None, size: tuple[int, int], sheet: "Sheet | None", dpi: int | None
) -> Iterator[Event]:
    """What the result's (width, height) is on paper, and where it is more than the photograph has to show."""
    if sheet is not None:
        from scumble.image import paper

        yield Noted(sheet.in_words(size, dpi or paper.DPI))
    if content is not None and (times := max(size) / max(content.size)) > SOFT:
        width, height = content.size
        yield Noted(f"the photograph has {width} x {height} pixels: enlarged {times:.1f} times, it will be soft")


def _is_dark(picture: Picture) -> bool:
    """Whether a picture has next to nothing to see, as values from 0 to 1 have in a file of 8 bits."""
    return max(int(top) for _, top in picture.rgb.getextrema()) <= NEARLY_BLACK  # pyright: ignore


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
