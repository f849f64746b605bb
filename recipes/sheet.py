"""A contact sheet: every photograph in the style of every painting, to be looked at picture by picture.

    python recipes/sheet.py CONTENTS STYLES SHEET --preset fine --size 512

CONTENTS and STYLES are folders. The folder SHEET gets a PNG for each pair, and `sheet.jpg` with all that are done.
Pairs whose PNG is there are left alone: the work can be stopped and continued at will, and shared between processes,
`--part 1/2` here, `--part 2/2` there. All other flags are settings of `scumble stylize`.
"""

import argparse
from pathlib import Path

from PIL import Image, ImageDraw

from scumble.events import Progress
from scumble.style.settings import StyleSettings
from scumble.style.stylize import stylize_events

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".tif"}
THUMBNAIL = 240


def main() -> None:
    """Make what is not there yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("contents", type=Path)
    parser.add_argument("styles", type=Path)
    parser.add_argument("sheet", type=Path)
    parser.add_argument("--part", default="1/1")
    arguments, flags = parser.parse_known_args()
    names = [flag.removeprefix("--").replace("-", "_") for flag in flags[::2]]
    settings = StyleSettings(**dict(zip(names, flags[1::2], strict=True)))
    contents, styles = (
        sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
        for folder in (arguments.contents, arguments.styles)
    )
    arguments.sheet.mkdir(parents=True, exist_ok=True)
    part, parts = map(int, arguments.part.split("/"))
    # Down the diagonals first, so that an unfinished sheet has seen every photograph and every painting.
    pairs = sorted(
        ((c, s) for c in range(len(contents)) for s in range(len(styles))),
        key=lambda pair: ((pair[1] - pair[0]) % len(styles), pair),
    )
    for content, style in pairs[part - 1 :: parts]:
        path = arguments.sheet / f"{contents[content].stem}-{styles[style].stem}.png"
        if not path.exists():
            paint(contents[content], styles[style], settings, path)
            assemble(contents, styles, arguments.sheet)


def paint(content: Path, style: Path, settings: StyleSettings, path: Path) -> None:
    """Under another name until it is whole: a picture that was stopped early is no picture of the sheet."""
    unfinished = path.with_name(f"unfinished-{path.name}")
    for event in stylize_events(content, style, settings, unfinished):
        if isinstance(event, Progress) and event.done == event.total:
            print(f"{path.name}: loss {event.loss:.5g}", flush=True)
    unfinished.rename(path)


def assemble(contents: list[Path], styles: list[Path], folder: Path) -> None:
    """One row a photograph, one column a painting, both shown at the margins."""
    sheet = Image.new("RGB", (THUMBNAIL * (len(styles) + 1), THUMBNAIL * (len(contents) + 1)), "white")
    for column, style in enumerate(styles, 1):
        _paste(sheet, style, column, 0)
    for row, content in enumerate(contents, 1):
        _paste(sheet, content, 0, row)
        for column, style in enumerate(styles, 1):
            _paste(sheet, folder / f"{content.stem}-{style.stem}.png", column, row)
    ImageDraw.Draw(sheet).text((8, 8), folder.name, "black")
    sheet.save(folder / "sheet.jpg", quality=90)


def _paste(sheet: Image.Image, path: Path, column: int, row: int) -> None:
    if path.exists():
        with Image.open(path) as picture:
            small = picture.convert("RGB")
        small.thumbnail((THUMBNAIL - 4, THUMBNAIL - 4), Image.Resampling.LANCZOS)
        sheet.paste(small, (column * THUMBNAIL + 2, row * THUMBNAIL + 2))


if __name__ == "__main__":
    main()
