"""Many pictures: every photograph in the style of every painting, with one load of the network.

What is finished is left alone, what was stopped is gone on with, and a picture that cannot be painted does not keep the
others from it. So the same command, given again, finishes what is not finished yet.
"""

import hashlib
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from scumble import device, paths
from scumble.errors import ImageError, RunError, ScumbleError, SettingsError, reason
from scumble.events import Event, Noted, Started, Warned
from scumble.image import decode
from scumble.image.collection import Found, pictures_in
from scumble.perceptual.backbones import Backbone
from scumble.style import resume, stages
from scumble.style.outputs import Wanted
from scumble.style.preparation.sources import Sources
from scumble.style.provenance import JOBS
from scumble.style.resume import Unfinished
from scumble.style.settings import StyleSettings
from scumble.style.stylize import paint_events


@dataclass(frozen=True)
class Style:
    """A painting, or several that are one style, with the name that pictures in it have."""

    name: str
    paintings: tuple[Path, ...]


@dataclass(frozen=True)
class Pair:
    """A photograph, a style, and the file for the result."""

    content: Path
    style: Style
    output: Path


def batch_events(
    contents: Sequence[Path],
    styles: Sequence[Path],
    settings: StyleSettings,
    folder: Path,
    suffix: str = ".png",
    mixes: Sequence[Path] = (),
    recursive: bool = False,
    overwrite: bool = False,
    strip: bool = False,
) -> Generator[Event, None, None]:
    """Paint every photograph in every style.

    Args:
        contents: files, and folders of files; what scumble has made in `folder` is left out.
        styles: likewise; each painting is a style.
        settings: of all of them.
        folder: where the results go, as CONTENT-STYLE.png; those of folders within a folder, into folders likewise.
        suffix: of the results' names, which decides their format.
        mixes: files and folders, each of which is one style, of all of its paintings.
        recursive: go into the folders of folders.
        overwrite: write over what is there and was not made of these pictures with these settings.
        strip: whether to leave out what the photographs' files say about them.

    Yields:
        What is passed over, as Noted; the events of each job, with a Noted before it; a Warned for each that fails.

    Raises:
        ScumbleError: at the beginning, if nothing can be painted at all; at the end, if some could not be.
    """
    found = pictures_in(contents, recursive, results=folder)
    single = pictures_in(styles, recursive, results=folder)
    mixed = [(path, pictures_in([path], recursive, results=folder)) for path in mixes]
    chosen = [Style(picture.path.stem, (picture.path,)) for picture in single.pictures]
    chosen += [_mix(path, paintings.pictures) for path, paintings in mixed]
    todo = pairs(found.pictures, chosen, folder, suffix)
    for collection in (found, single, *(paintings for _, paintings in mixed)):
        yield from map(Noted, collection.notes)
    _make(folder)
    placement = device.choose(settings.device, settings.precision)
    networks = yield from stages.load(settings, placement)
    yield from _every(todo, settings, Wanted(None, overwrite=overwrite, strip=strip), networks)


def _every(
    todo: Sequence[Pair], settings: StyleSettings, wanted: Wanted, networks: dict[str, Backbone]
) -> Generator[Event, None, None]:
    """Paint all that are not there already; whatever goes wrong with one, the others are painted."""
    inputs = _identities(path for pair in todo for path in (pair.content, *pair.style.paintings))
    painted = there = 0
    failed: list[str] = []
    why = ""
    for number, pair in enumerate(todo, 1):
        yield Noted(f"{number} of {len(todo)}: {pair.output.name}")
        try:
            if _identities([pair.output]) & inputs:
                raise ImageError(f"output {pair.output} is also an input", "use another folder")
            if is_finished(pair, settings, wanted.overwrite):
                there += 1
                continue
            _make(pair.output.parent)
            yield from _paint(pair, settings, wanted._replace(output=pair.output), networks)
            painted += 1
        except (ScumbleError, OSError) as error:  # a file system can refuse whatever nobody thought of
            yield Warned(f"{pair.output.name}: {reason(error)}")
            why = why or reason(error)
            failed.append(pair.output.name)
    yield Noted(f"{len(todo)} pictures: {painted} painted, {there} there already, {len(failed)} failed")
    if failed:
        names = ", ".join(failed[:5]) + (f" and {len(failed) - 5} more" if len(failed) > 5 else "")
        raise ScumbleError(f"{len(failed)} of {len(todo)} pictures failed: {names}; the first: {why}")


def pairs(contents: Sequence[Found], styles: Sequence[Style], folder: Path, suffix: str) -> list[Pair]:
    """Every photograph in every style.

    Raises:
        SettingsError: if there is no style, or two results would have one name.
    """
    if not styles:
        raise SettingsError("style: got none, wanted a painting or a folder of them: --style or --style-mix")
    made: dict[Path, Pair] = {}
    for content in contents:
        for style in styles:
            name = paths.fitting(f"{content.path.stem}-{style.name}", suffix)
            pair = Pair(content.path, style, folder / content.below / name)
            if pair.output in made:
                raise SettingsError(f"two pictures would be written to {pair.output}; wanted files of different names")
            made[pair.output] = pair
    return list(made.values())


def is_finished(pair: Pair, settings: StyleSettings, overwrite: bool = False) -> bool:
    """Whether a picture is there already, made of these pictures and with these settings.

    Raises:
        ImageError: if what is there was made otherwise, and may not be written over.
    """
    return resume.is_finished(pair.output, _asked(pair, settings), overwrite)


def _paint(
    pair: Pair, settings: StyleSettings, wanted: Wanted, networks: dict[str, Backbone]
) -> Generator[Event, None, None]:
    """Paint one picture, from where it was stopped if that can be."""
    sources = Sources(pair.content, pair.style.paintings)
    begun, there = False, Unfinished(pair.output, {}).exists()
    try:
        for event in paint_events(sources, settings, wanted, resume=there, networks=networks):
            begun = begun or isinstance(event, Started)
            yield event
    except RunError as error:
        if begun or not there:
            raise
        # Of another device, say, or damaged: the picture itself is not, or it would not have come to this.
        yield Warned(f"{reason(error)}: begun anew")
        yield from paint_events(sources, settings, wanted, networks=networks)


def _mix(path: Path, paintings: Sequence[Found]) -> Style:
    name = path.resolve().name if path.is_dir() else path.stem
    return Style(name, tuple(painting.path for painting in paintings))


def _roles(pair: Pair, settings: StyleSettings) -> dict[str, Path]:
    """The pictures by what they are for."""
    roles = {role: Path(str(path)) for role, path in Sources(pair.content, pair.style.paintings).by_role().items()}
    return roles | ({"init": settings.init} if isinstance(settings.init, Path) else {})


def _asked(pair: Pair, settings: StyleSettings) -> dict[str, object]:
    """What a recipe of the picture would say."""
    inputs = {
        role: {"name": path.name, "sha256": hashlib.sha256(decode.read_file(path)).hexdigest()}
        for role, path in _roles(pair, settings).items()
    }
    return {"job": JOBS[StyleSettings], "settings": settings.model_dump(mode="json"), "inputs": inputs}


def _identities(files: Iterable[Path]) -> set[tuple[int, int]]:
    """What files are the same by, whatever they are called."""
    found = set()
    for path in files:
        if path.exists():
            status = path.stat()
            found.add((status.st_dev, status.st_ino))
    return found


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ImageError(f"the folder {folder} cannot be made: {reason(error)}") from error
