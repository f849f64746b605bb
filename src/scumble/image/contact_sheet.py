"""Contact sheets: photographs, paintings and what came of them, small, in one picture with a name under each.

A picture is decoded, made small and let go before the next one is: hundreds of them take no more memory than the
largest, and the sheet.
"""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from scumble.errors import ImageError
from scumble.image import files, recipe
from scumble.image.reading.room import Room

MAX_PIXELS = 16_000_000
"""Of a sheet: about what a screen shows when one goes into it."""
SMALLEST, LARGEST = 64, 256
"""Pixels of a picture's longer side."""
LABEL, GAP = 18, 6
"""Pixels of a name's height, and around every picture."""
ACROSS = 40
"""Pictures in a row, at most."""
SHAPE = 1.5
"""Width over height that a sheet comes near to."""
MISSING = (232, 232, 232)


class Cell(NamedTuple):
    """A name, and the picture above it; without one, the name stands under an empty place."""

    label: str
    picture: Path | None = None


class Layout(NamedTuple):
    """So many bands of rows, side by side, each under its heading; pixels of a picture's side; rows that have room."""

    bands: int
    side: int
    rows: int


def layout(columns: int, rows: int) -> Layout:
    """How to lay out so many rows of so many pictures.

    Example:
        >>> layout(columns=2, rows=20)
        Layout(bands=4, side=256, rows=20)
    """
    room = MAX_PIXELS // ((SMALLEST + GAP) * (SMALLEST + GAP + LABEL))
    rows = max(1, min(rows, room // columns * 9 // 10))  # the headings take some of it

    def far_from_shape(bands: int) -> float:
        return abs(math.log(bands * columns / (math.ceil(rows / bands) + 1) / SHAPE))

    bands = min(range(1, rows + 1), key=far_from_shape)
    cells = bands * columns * (math.ceil(rows / bands) + 1)
    side = math.isqrt(MAX_PIXELS // cells) - GAP - LABEL // 2
    return Layout(bands, min(LARGEST, max(SMALLEST, side)), rows)


def draw(heading: Sequence[Cell], rows: Sequence[Sequence[Cell]]) -> tuple[Image.Image, int]:
    """A sheet of equally long rows, and how many of them had room.

    Args:
        heading: stands above every band of rows, if there is anything in it.
        rows: the first cell of each is what the others are of.
    """
    heading, rows = heading[:ACROSS], [row[:ACROSS] for row in rows]
    bands, side, shown = layout(len(heading), len(rows))
    of_band = math.ceil(shown / bands)
    width, height = side + GAP, side + GAP + LABEL
    headings = [heading] if any(cell.label or cell.picture for cell in heading) else []
    size = (bands * len(heading) * width + GAP, (of_band + len(headings)) * height + GAP)
    sheet = Image.new("RGB", size, "white")
    font = _font()
    for band in range(bands):
        below = rows[:shown][band * of_band : (band + 1) * of_band]
        for row, cells in enumerate([*headings, *below] if below else []):
            for column, cell in enumerate(cells):
                place = GAP + (band * len(heading) + column) * width, GAP + row * height
                _put(sheet, place, cell, side, font)
    return sheet, shown


def is_sheet(path: Path) -> bool:
    """Whether a file is one of ours, by its name and its recipe."""
    return recipe.is_contact_sheet(path.name, path.read_bytes)


def check_place(path: Path, inputs: tuple[files.PictureSource, ...], overwrite: bool) -> None:
    """Refuse to write over anything but a sheet of ours.

    Raises:
        ImageError: if it is there and something else, unless it may be written over; or if it cannot be written.
    """
    files.check_output(path, inputs=inputs, overwrite=overwrite)
    if not overwrite and path.exists() and path.stat().st_size and not is_sheet(path):
        raise ImageError(f"{path} is there already, and no contact sheet", "--overwrite writes over it")


def save(sheet: Image.Image, path: Path) -> None:
    """Write a sheet, so that it is known as one.

    Raises:
        ImageError: if it cannot be written.
    """
    files.save(np.asarray(sheet), path, {"job": recipe.CONTACT_SHEET_JOB})


def _put(sheet: Image.Image, place: tuple[int, int], cell: Cell, side: int, font: ImageFont.FreeTypeFont) -> None:
    left, top = place
    small = None if cell.picture is None else _small(cell.picture, side)
    if small is not None:
        sheet.paste(small, (left + (side - small.width) // 2, top + side - small.height))
    elif cell.label:
        sheet.paste(MISSING, (left, top, left + side, top + side))
    draw = ImageDraw.Draw(sheet)
    draw.text((left + side // 2, top + side + LABEL // 2), _cut(cell.label, side, font), "black", font, anchor="mm")


def _small(path: Path, side: int) -> Image.Image | None:
    """A picture that fits into a square, on white; None where it cannot be read."""
    try:
        picture = files.load(path, room=Room(side=2 * side))
    except ImageError:
        return None
    small = picture.rgb
    if picture.alpha is not None:
        small = Image.composite(small, Image.new("RGB", small.size, "white"), picture.alpha)
    small.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=2.0)
    return small


def _cut(label: str, side: int, font: ImageFont.FreeTypeFont) -> str:
    """As much of a name as fits under its picture: photographs' names differ at their ends."""
    label = "".join(c if c.isprintable() else "?" for c in label)
    return next((short for short in _shorter(label) if font.getlength(short) <= side), "")


def _shorter(label: str) -> Iterator[str]:
    yield label
    for count in range(len(label) - 1, 0, -1):
        yield f"{label[: count // 3]}…{label[len(label) - (count - count // 3) :]}"


def _font() -> ImageFont.FreeTypeFont:
    """Matplotlib's, which has more alphabets than Pillow's own."""
    import matplotlib

    return ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts/ttf/DejaVuSans.ttf"), 12)
