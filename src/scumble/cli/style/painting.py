"""What painting a picture begins with, in whichever way its flags were read.

Nothing is imported here that takes long: a mistyped name is told at once.
"""

from collections.abc import Sequence
from pathlib import Path

from scumble.cli import report
from scumble.paths import fitting
from scumble.style.preparation.sources import Sources


def begin(sources: Sources, output: Path, planned: bool, as_lines_of_json: bool, quiet: bool) -> None:
    """Say what is going to be painted.

    Raises:
        ImageError: if a file is not there.
    """
    _check_there(sources)
    what = "a texture of" if sources.content is None else f"{sources.content} in the style of"
    verb = "planning" if planned else "painting"
    report.begin(f"{verb} {what} {listed(sources.styles)}: {output}", as_lines_of_json, quiet)


def name_of(content: Path, style: Path) -> Path:
    """What a picture is called that nobody has named.

    Example:
        >>> name_of(Path("photos/lake.jpg"), Path("turner.jpg")).name
        'lake-turner.png'
    """
    return Path(fitting(f"{content.stem}-{style.stem}", ".png"))


def listed(pictures: Sequence[object]) -> str:
    """Up to three names, and how many more there are."""
    more = f" and {len(pictures) - 3} more" if len(pictures) > 3 else ""
    return ", ".join(map(str, pictures[:3])) + more


def _check_there(sources: Sources) -> None:
    """A mistyped name is told at once, not after seconds of loading.

    Raises:
        ImageError: if a file is not there.
    """
    from scumble.image import decode
    from scumble.image.reading import pages

    for source in sources.by_role().values():
        if isinstance(source, Path):
            path, _ = pages.split(source)
            try:
                path.stat()
            except (OSError, ValueError):
                decode.read_file(path)  # says what is wrong
