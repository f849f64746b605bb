"""Many pictures: every photograph in the style of every painting, with one load of the network.

What is finished is left alone, what was stopped is gone on with, and a picture that cannot be painted does not keep the
others from it. So the same command, given again, finishes what is not finished yet.
"""

import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from scumble import device
from scumble.cores import times_in_words
from scumble.errors import ImageError, RunError, ScumbleError, reason
from scumble.events import (
    Detailed,
    Estimated,
    Event,
    Finished,
    Noted,
    Planned,
    Preview,
    Progress,
    Saved,
    Started,
    Warned,
)
from scumble.image import decode, files, recipe
from scumble.image.collection import pictures_in
from scumble.image.sizes import fit_longer_side
from scumble.perceptual.backbones import Backbone
from scumble.style import stages
from scumble.style.many import sheet
from scumble.style.many.pairs import Pair, Style, is_finished, mix, pairs
from scumble.style.outputs import Wanted
from scumble.style.plan import GIB
from scumble.style.preparation.sources import Sources
from scumble.style.resume import Unfinished
from scumble.style.settings import StyleSettings
from scumble.style.stylize import paint_events

JOB = "batch"


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
    dry_run: bool = False,
) -> Generator[Event, None, None]:
    """Paint every photograph in every style, and show them all on a contact sheet, contact.jpg, in the folder.

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
        dry_run: tell what would be painted, and what that would take, and paint nothing.

    Yields:
        What is passed over, as Noted; Progress of the whole, in pixels of the results; a Saved for each picture, and a
        Warned for each that fails; what the jobs tell, once; last Finished, with the sheet.

    Raises:
        ScumbleError: at the beginning, if nothing can be painted at all; at the end, if some could not be.
    """
    started = time.perf_counter()
    every, notes = _found(contents, styles, mixes, folder, suffix, recursive)
    yield from map(Noted, notes)
    work = Work(every)
    if not dry_run:
        _make(folder)
    yield from _sort(work, settings, overwrite)
    placement = device.choose(settings.device, settings.precision)
    optimised = settings.preset != "instant"
    networks = (yield from stages.load(settings, placement)) if work.todo and optimised else {}
    if dry_run:
        yield from _foretell(work, settings, networks)
        return
    yield from _every(work, settings, Wanted(None, overwrite=overwrite, strip=strip), networks)
    yield from _end(work, folder / recipe.CONTACT_SHEET, overwrite, started)


def _found(
    contents: Sequence[Path], styles: Sequence[Path], mixes: Sequence[Path], folder: Path, suffix: str, recursive: bool
) -> tuple[list[Pair], list[str]]:
    """All pictures of the batch, and what there is to tell of the folders that were looked through."""
    found = pictures_in(contents, recursive, results=folder)
    single = pictures_in(styles, recursive, results=folder)
    mixed = [(path, pictures_in([path], recursive, results=folder)) for path in mixes]
    chosen = [Style(picture.path.stem, (picture.path,)) for picture in single.pictures]
    chosen += [mix(path, paintings.pictures) for path, paintings in mixed]
    collections = (found, single, *(paintings for _, paintings in mixed))
    notes = [note for collection in collections for note in collection.notes]
    return pairs(found.pictures, chosen, folder, suffix), notes


@dataclass
class Work:
    """What becomes of the pictures of a batch.

    Attributes:
        every: all of them.
        todo: those to be painted, by their files, each with (width, height).
        there: those that are finished already.
        painted: those that are finished now.
        failed: why others failed.
    """

    every: Sequence[Pair]
    todo: dict[Path, tuple[Pair, tuple[int, int]]] = field(default_factory=dict)
    there: list[Path] = field(default_factory=list)
    painted: list[Path] = field(default_factory=list)
    failed: dict[Path, str] = field(default_factory=dict)

    def fail(self, output: Path, error: Exception) -> Warned:
        """Write down why a picture failed, and tell it."""
        self.failed[output] = reason(error)
        return Warned(reason(error) if str(output) in reason(error) else f"{output.name}: {reason(error)}")

    def failure(self) -> ScumbleError:
        """What the batch ends with where pictures failed."""
        names = [output.name for output in self.failed]
        listed = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        first = next(iter(self.failed.values()))
        return ScumbleError(f"{len(names)} of {len(self.every)} pictures failed: {listed}; the first: {first}")


def _sort(work: Work, settings: StyleSettings, overwrite: bool) -> Iterator[Event]:
    """Find out what is to be painted; what cannot be is told before the hours that the others take."""
    inputs = _identities(path for pair in work.every for path in (pair.content, *pair.style.paintings))
    for pair in work.every:
        try:
            if _identities([pair.output]) & inputs:
                raise ImageError(f"output {pair.output} is also an input", "use another folder")
            if is_finished(pair, settings, overwrite):
                work.there.append(pair.output)
            else:
                size = files.size_of(decode.read_file(pair.content), pair.content.name)
                longer = max(size) if settings.size == "original" else settings.longer_side(size)
                work.todo[pair.output] = pair, fit_longer_side(size, longer)
        except (ScumbleError, OSError) as error:  # a file system can refuse whatever nobody thought of
            yield work.fail(pair.output, error)


def _every(
    work: Work, settings: StyleSettings, wanted: Wanted, networks: dict[str, Backbone]
) -> Generator[Event, None, None]:
    """Paint what is to be painted; whatever goes wrong with one picture, the others are painted."""
    done, total = 0, sum(width * height for _, (width, height) in work.todo.values())
    told: set[str] = set()
    if work.todo:
        yield Started(JOB, total, "pixels")
    for output, (pair, (width, height)) in work.todo.items():
        try:
            _make(output.parent)
            for event in _paint(pair, settings, wanted._replace(output=output), networks):
                if isinstance(event, Progress):
                    now = done + round(width * height * event.done / event.total)
                    yield Progress(JOB, now, total, event.loss, event.terms)
                elif isinstance(event, Saved | Preview | Detailed) or _is_news(event, told):
                    yield event
            work.painted.append(output)
        except (ScumbleError, OSError) as error:
            yield work.fail(output, error)
        done += width * height


def _is_news(event: Event, told: set[str]) -> bool:
    """Whether a note or a warning was not told of another picture before; what each one takes is no news."""
    if not isinstance(event, Noted | Warned) or isinstance(event, Planned) or event.message in told:
        return False
    told.add(event.message)
    return True


def _end(work: Work, path: Path, overwrite: bool, started: float) -> Iterator[Event]:
    """Leave a contact sheet, and tell what came of the work."""
    there = [*work.there, *work.painted]
    shown = (yield from sheet.write(work.every, there, path, overwrite)) if there else None
    if work.failed or shown is None:
        done = f"{len(work.painted)} painted, {len(work.there)} there already, {len(work.failed)} failed"
        yield Noted(f"{len(work.every)} pictures: {done}")
        raise work.failure()
    figures = {"painted": len(work.painted), "there_already": len(work.there)}
    yield Finished(JOB, there, time.perf_counter() - started, shown, figures)


def _foretell(work: Work, settings: StyleSettings, networks: dict[str, Backbone]) -> Iterator[Event]:
    """What each picture would be, and what all would take: those of one size in one style take the same."""
    known: dict[tuple[tuple[int, int], Style], Planned] = {}
    plans: list[Planned] = []
    told: set[str] = set()
    for output, (pair, size) in work.todo.items():
        try:
            if (size, pair.style) not in known:
                sources = Sources(pair.content, pair.style.paintings)
                for event in paint_events(sources, settings, dry_run=True, networks=networks):
                    if isinstance(event, Planned):
                        known[size, pair.style] = event
                    if _is_news(event, told):
                        yield event
        except ScumbleError as error:
            yield work.fail(output, error)
            continue
        plans.append(known[size, pair.style])
        yield replace(plans[-1], message=f"{output}: {size[0]}x{size[1]} pixels")
    yield _estimate(work, plans)
    if work.failed:
        raise work.failure()


def _estimate(work: Work, plans: Sequence[Planned]) -> Estimated:
    """The plans together: the memory of the largest, the time of all."""
    memory_bytes = max((plan.memory_bytes for plan in plans), default=0)
    seconds = sum(plan.seconds or 0.0 for plan in plans)
    cores = [plan.core_seconds for plan in plans]
    core_seconds = None if None in cores else sum(core or 0.0 for core in cores)
    words = f"{len(plans)} of {len(work.every)} pictures would be painted"
    words += f", {len(work.there)} there already" * bool(work.there)
    if plans:
        words += f": about {memory_bytes / GIB:.1f} GiB of memory, {times_in_words(seconds, core_seconds)}"
    return Estimated(words, len(plans), len(work.there), memory_bytes, seconds, core_seconds)


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
