"""Files that hold several pictures, as multi-page TIFFs and animations do: `scan.tif[2]` is the second of scan.tif."""

import os
import re
from pathlib import Path

from PIL import Image

from scumble.errors import ImageError

MAX_PAGES = 10_000
"""Further pages are neither counted nor taken: a file of some megabytes can hold millions of them."""

_PAGE = re.compile(r"(.+)\[(\d{1,6})\]", re.DOTALL)


def split(source: str | os.PathLike[str]) -> tuple[Path, int | None]:
    """The file that is meant, and the number of its page, from 1 on; None where none is named.

    A file that is really called `scan.tif[2]` wins.

    Example:
        >>> split("scan.tif[2]")
        (PosixPath('scan.tif'), 2)
    """
    path = source if isinstance(source, Path) else Path(source)
    named = _PAGE.fullmatch(path.name)
    if named is None or os.path.lexists(path):
        return path, None
    return path.with_name(named[1]), int(named[2])


def choose(image: Image.Image, name: str, page: int | None) -> str | None:
    """Go to a page of an opened picture; what to tell if it has several and none was chosen.

    Raises:
        ImageError: if there is no such page.
    """
    # A camera's second picture (MPO) is a preview, the other eye's or a map of brightness, never one of its own.
    several = image.format != "MPO" and getattr(image, "is_animated", False)
    if page is None and not several:
        return None
    count = _count(image) if several else 1
    more = "more than " if count > MAX_PAGES else ""
    count = min(count, MAX_PAGES)
    if page is None:
        primary = image.tell() + 1
        which = "the first" if primary == 1 else f"number {primary}"
        other = 2 if primary == 1 else 1
        return f"holds {more}{count} pictures, of which {which} is taken ({name}[{other}] takes another)"
    if not 1 <= page <= count:
        wanted = f"wanted [1] to [{more}{count}]" if several else "wanted it without [ ]"
        raise ImageError(f"{name} has {more}{count} picture{'s' * several}, got [{page}]; {wanted}")
    if several:
        image.seek(page - 1)
    return None


def _count(image: Image.Image) -> int:
    """The pages, or one more than `MAX_PAGES`: Pillow would walk through however many a TIFF chains together."""
    if image.format != "TIFF":
        return getattr(image, "n_frames", 1)
    pages = 1
    try:
        while pages <= MAX_PAGES:
            image.seek(pages)
            pages += 1
    except EOFError:
        pass
    image.seek(0)
    return pages
