"""The contact sheet of a batch: every photograph and every painting, with what came of them."""

from collections.abc import Collection, Generator, Sequence
from pathlib import Path

from PIL import Image

from scumble.errors import ImageError
from scumble.events import Event, Noted, Saved, Warned
from scumble.image import contact_sheet
from scumble.image.contact_sheet import Cell
from scumble.style.many.pairs import Pair


def write(
    every: Sequence[Pair], there: Collection[Path], path: Path, overwrite: bool
) -> Generator[Event, None, Image.Image]:
    """Draw the sheet, and write it where it can be written.

    Args:
        every: the pictures of the batch.
        there: those of them that could be painted.
        path: where to.
        overwrite: whether something else may be there.

    Returns:
        The sheet.
    """
    heading, rows = table(every, there)
    sheet, shown = contact_sheet.draw(heading, rows)
    if shown < len(rows):
        yield Noted(f"{path.name} has room for {shown} of {len(rows)} rows")
    try:
        check(every, path, overwrite)
        contact_sheet.save(sheet, path)
        yield Saved(path)
    except ImageError as error:
        yield Warned(f"no contact sheet: {error}")
    return sheet


def check(every: Sequence[Pair], path: Path, overwrite: bool) -> None:
    """Refuse to write the sheet over an input, or over what is no sheet of ours.

    Raises:
        ImageError: if that would be.
    """
    inputs = {source for pair in every for source in (pair.content, *pair.style.paintings)}
    contact_sheet.check_place(path, tuple(inputs), overwrite)


def table(every: Sequence[Pair], there: Collection[Path]) -> tuple[list[Cell], list[list[Cell]]]:
    """The heading and the rows: photographs or paintings, whichever are more, stand at the side, the others above."""
    contents = {pair.content: Cell(pair.content.stem, pair.content) for pair in every}
    styles = {pair.style: Cell(pair.style.name, pair.style.paintings[0]) for pair in every}
    results = {
        (pair.content, pair.style): Cell(pair.output.stem, pair.output) if pair.output in there else Cell("failed")
        for pair in every
    }
    if len(styles) <= len(contents):
        rows = [[cell, *(results[content, style] for style in styles)] for content, cell in contents.items()]
        return [Cell(""), *styles.values()], rows
    rows = [[cell, *(results[content, style] for content in contents)] for style, cell in styles.items()]
    return [Cell(""), *contents.values()], rows
