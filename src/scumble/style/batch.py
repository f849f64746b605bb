"""Many pictures: every photograph in the style of every painting, with one load of the network.

What is finished is left alone, what was stopped is gone on with, and a picture that cannot be painted does not keep the
others from it. So the same command, given again, finishes what is not finished yet.
"""

import hashlib
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scumble import device
from scumble.data.sources.names import SUFFIXES
from scumble.errors import ImageError, ScumbleError, SettingsError, reason
from scumble.events import Event, Noted, Warned
from scumble.image import decode, recipe
from scumble.style import stages
from scumble.style.inputs import Sources
from scumble.style.outputs import Wanted
from scumble.style.provenance import group_of
from scumble.style.resume import Unfinished
from scumble.style.settings import StyleSettings
from scumble.style.stylize import paint_events


@dataclass(frozen=True)
class Pair:
    """A photograph, a painting, and the file for the result."""

    content: Path
    style: Path
    output: Path


def batch_events(
    contents: Sequence[Path],
    styles: Sequence[Path],
    settings: StyleSettings,
    folder: Path,
    suffix: str = ".png",
    strip: bool = False,
) -> Generator[Event, None, None]:
    """Paint every photograph in the style of every painting.

    Args:
        contents: files, and folders of files.
        styles: likewise.
        settings: of all of them.
        folder: where the results go, as CONTENT-STYLE.png.
        suffix: of the results' names, which decides their format.
        strip: whether to leave out what the photographs' files say about them.

    Yields:
        The events of each job, with a Noted before it; for each one that fails, a Warned.

    Raises:
        ScumbleError: at the beginning, if nothing can be painted at all; at the end, if some could not be.
    """
    todo = pairs(pictures_in(contents), pictures_in(styles), folder, suffix)
    _make(folder)
    placement = device.choose(settings.device, settings.precision)
    networks = yield from stages.load(settings, placement)
    painted = there = 0
    failed: list[str] = []
    why = ""
    for number, pair in enumerate(todo, 1):
        yield Noted(f"{number} of {len(todo)}: {pair.output.name}")
        try:
            if is_finished(pair, settings):
                there += 1
                continue
            sources, wanted = Sources(pair.content, [pair.style]), Wanted(pair.output, strip=strip)
            resume = Unfinished(pair.output, {}).exists()
            yield from paint_events(sources, settings, wanted, resume=resume, networks=networks)
            painted += 1
        except ScumbleError as error:
            yield Warned(f"{pair.output.name}: {error}")
            why = why or str(error)
            failed.append(pair.output.name)
    yield Noted(f"{len(todo)} pictures: {painted} painted, {there} there already, {len(failed)} failed")
    if failed:
        names = ", ".join(failed[:5]) + (f" and {len(failed) - 5} more" if len(failed) > 5 else "")
        raise ScumbleError(f"{len(failed)} of {len(todo)} pictures failed: {names}; the first: {why}")


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ImageError(f"the folder {folder} cannot be made: {reason(error)}") from error


def pictures_in(given: Sequence[Path]) -> list[Path]:
    """Files as they are, and the pictures of folders in the order of their names.

    Raises:
        ImageError: if a folder cannot be read or holds no pictures.
    """
    found = []
    for path in given:
        try:
            if not path.exists():
                raise ImageError(f"{path} does not exist")
            inside = sorted(p for p in path.iterdir() if p.suffix.lower() in SUFFIXES) if path.is_dir() else [path]
        except OSError as error:
            raise ImageError(f"the folder {path} cannot be read: {reason(error)}") from error
        if not inside:
            raise ImageError(f"the folder {path} holds no pictures; wanted files such as {', '.join(SUFFIXES[:4])}")
        found += inside
    return found


def pairs(contents: Sequence[Path], styles: Sequence[Path], folder: Path, suffix: str) -> list[Pair]:
    """Every photograph with every painting.

    Raises:
        SettingsError: if two results would have one name.
    """
    made: dict[Path, Pair] = {}
    for content in contents:
        for style in styles:
            pair = Pair(content, style, folder / f"{content.stem}-{style.stem}{suffix}")
            if pair.output in made:
                raise SettingsError(f"two pictures would be written to {pair.output}; wanted files of different names")
            made[pair.output] = pair
    return list(made.values())


def is_finished(pair: Pair, settings: StyleSettings) -> bool:
    """Whether a picture is there already, made of these pictures and with these settings.

    Raises:
        ImageError: if what is there was made otherwise: it is not written over.
    """
    output = pair.output
    if not output.exists() or Unfinished(output, {}).exists():
        return False
    found = recipe.read(output)
    if _what_counts(group_of(found, "settings")) != _what_counts(settings.model_dump(mode="json")):
        raise ImageError(f"{output} is there already, made otherwise", "remove it, or use another folder")
    for role, path in {"content": pair.content, "style": pair.style}.items():
        if (
            group_of(group_of(found, "inputs"), role).get("sha256")
            != hashlib.sha256(decode.read_file(path)).hexdigest()
        ):
            raise ImageError(f"{output} is there already, of another {path.name}", "remove it, or use another folder")
    return True


def _what_counts(settings: dict[str, Any]) -> dict[str, Any]:
    """All but what only decides how the picture is computed."""
    return {name: value for name, value in settings.items() if name != "max_memory"}
