"""The job of the preset `instant`: what `scumble.style.stylize.paint_events` does, in one pass and without PyTorch.

The settings come as a recipe tells them, as plain values: whoever paints one small picture shall not wait for what
checks settings to be imported.
"""

import functools
import importlib
import os
import platform
import time
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import PIL
from PIL import Image

import scumble
from scumble import paths
from scumble.cores import chosen, times_in_words
from scumble.errors import ImageError, SettingsError
from scumble.events import Event, Finished, Noted, Planned, Preview, Progress, Saved, Started, Warned
from scumble.image import files, metadata
from scumble.style.feedforward.stylizer import Stylizer
from scumble.style.files.there import written_over
from scumble.style.files.wanted import Wanted, already_finished
from scumble.style.instant.digests import digest
from scumble.style.instant.work import Work
from scumble.style.preparation.sources import Sources
from scumble.style.presets import ONE_PASS

if TYPE_CHECKING:
    from scumble.style.settings import StyleSettings

JOB = "stylize"

TRIAL = 192
"""Pixels of the longer side of the trial that foretells how long the work takes."""

AT_ONCE = 1 << 20
"""Pixels: with fewer, nobody needs to be told how far the work is."""

GIB = 1 << 30
STANDING_BYTES, PIXEL_BYTES, CANVAS_BYTES, WORKED_BYTES = 150 << 20, 16, 24, 600
"""What a process takes in any case, for each pixel of the result, for each of a canvas in floats, and for each pixel
of the piece that is worked at (measured: 217 MiB at 0.17 million pixels, 536 at 0.7, 703 at 2.8)."""

PIECE = 850_000
"""Pixels that are worked at at once, with what is seen around them."""


def instant_events(
    sources: Sources,
    values: dict[str, Any],
    wanted: Wanted,
    repeated: dict[str, Any] | None = None,
    resume: bool = False,
    dry_run: bool = False,
) -> Generator[Event, None, None]:
    """Paint a photograph in one pass.

    Args:
        sources: the pictures.
        values: the settings by name, as of `scumble.style.presets.ONE_PASS`.
        wanted: the files to write.
        repeated: the recipe that the settings were taken from, if any.
        resume: leave a picture alone that is finished.
        dry_run: tell what the work would take, and end there.

    Yields:
        What `paint_events` does.
    """
    started = time.perf_counter()
    _check(sources, values, wanted)
    work = Work(sources, values)
    wanted.check_size(work.size)
    asked = {"job": JOB, "settings": values, "inputs": _named(work)}
    if resume and (finished := already_finished(wanted, asked)):
        yield from finished
        return
    if not resume:
        yield from written_over(wanted.output, asked, wanted.overwrite)
    brush = stylizer()
    yield Noted(f"CPU, {threads()} threads; float32 convolutions by {brush.runtime}")
    yield from work.remarks()
    yield _foretold(work, brush, dry_run)
    if dry_run:
        return
    made_by = _provenance(asked, brush.runtime)
    if repeated is not None:
        from scumble.style.provenance import differences

        yield from differences(repeated, made_by)
    known = metadata.NOTHING if wanted.strip else metadata.of(sources.content)
    pixels = yield from _painted(work, brush)
    yield from _written(pixels, wanted, made_by | {"result": {}}, known.at(work.resolution()))
    outputs = [] if wanted.output is None else [wanted.output]
    yield Finished(JOB, outputs, time.perf_counter() - started, _image(pixels), {})


def asked_events(
    sources: Sources,
    settings: "StyleSettings",
    wanted: Wanted,
    repeated: dict[str, Any] | None = None,
    resume: bool = False,
    dry_run: bool = False,
) -> Generator[Event, None, None]:
    """`instant_events` for whoever has settings."""
    sources.check(settings)
    values = settings.model_dump(mode="json", include=set(ONE_PASS))
    yield from instant_events(sources, values, wanted, repeated, resume, dry_run)


def threads() -> int:
    """How many of them compute."""
    return chosen() or os.cpu_count() or 1


def _check(sources: Sources, values: dict[str, Any], wanted: Wanted) -> None:
    """Nothing is read before everything that will be written was found to be possible, and not to be an input."""
    for name, got in (("timelapse", wanted.timelapse), ("save-every", wanted.save_every)):
        if got is not None:
            raise SettingsError(f"{name}: got {got}, and the preset instant has nothing to show on the way")
    if values["device"] not in ("auto", "cpu"):
        raise SettingsError(f"device: got {values['device']!r}, and the preset instant paints on the CPU: wanted auto")
    wanted.check(values["bits"], tuple(sources.by_role().values()))


def _painted(work: Work, brush: Stylizer) -> Generator[Event, None, np.ndarray]:
    """Paint to the end; what is done at a glance has one step."""
    width, height = work.size
    total, unit = (1, "pictures") if width * height <= AT_ONCE else (width * height, "pixels")
    yield Started(JOB, total, unit)
    painting = work.painted(brush)
    while True:
        try:
            done = round(total * next(painting))
        except StopIteration as end:
            yield Progress(JOB, total, total)
            return end.value
        if done < total and unit == "pixels":
            yield Progress(JOB, done, total)


def _named(work: Work) -> dict[str, Any]:
    return {role: {"name": picture.name, "sha256": picture.sha256} for role, picture in work.pictures.items()}


@functools.cache
def stylizer() -> Stylizer:
    """Made once: the next picture of a batch takes half of the time."""
    return Stylizer()


def _foretold(work: Work, brush: Stylizer, asked: bool) -> Planned:
    """What the work will take; with the time, if that is asked for."""
    width, height = work.size
    pixels = width * height
    of_pixel = PIXEL_BYTES + CANVAS_BYTES * work.has_canvas()
    memory_bytes = STANDING_BYTES + of_pixel * pixels + WORKED_BYTES * min(pixels, PIECE)
    message = f"{width}x{height} pixels: about {memory_bytes / GIB:.1f} GiB of memory"
    if not asked:
        return Planned(message, width, height, 1, memory_bytes)
    share = min(1.0, TRIAL / max(work.size))
    trial = max(16, round(width * share)), max(16, round(height * share))
    began = 0.0, 0.0
    for _ in range(2):  # the first time with all that is done once
        began = time.perf_counter(), time.process_time()
        for _ in work.painted(brush, trial):
            pass
    times = pixels / (trial[0] * trial[1])
    seconds, core_seconds = times * (time.perf_counter() - began[0]), times * (time.process_time() - began[1])
    message += f", {times_in_words(seconds, core_seconds)}"
    return Planned(message, width, height, 1, memory_bytes, round(seconds, 1), round(core_seconds, 1))


def _provenance(asked: dict[str, Any], runtime: str) -> dict[str, Any]:
    """The recipe, but for the result: all that decides the picture."""
    versions = {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "scumble": scumble.__version__,
        runtime: importlib.import_module(runtime).__version__,
        "numpy": np.__version__,
        "pillow": PIL.__version__,
    }
    return asked | {
        "inputs": asked["inputs"] | {"weights": digest("instant"), "weights pocket": digest("pocket")},
        "computed": {"device": "cpu", "precision": "float32", "threads": threads()},
        "versions": versions,
    }


def _written(pixels: np.ndarray, wanted: Wanted, made_by: dict[str, Any], known: metadata.Metadata) -> Iterator[Event]:
    """The files that are asked for: a preview that cannot be written is told of, and keeps nothing else back."""
    if wanted.output is not None:
        paths.restore_folder(wanted.output)
        files.save(pixels, wanted.output, made_by, known)
        yield Saved(wanted.output)
    if wanted.preview is not None:
        try:
            files.save(_in_8_bits(pixels), wanted.preview, {"job": "preview"})
            yield Preview(1, _image(pixels), wanted.preview)
        except ImageError as error:
            yield Warned(f"no preview: {error}")


def _in_8_bits(pixels: np.ndarray) -> np.ndarray:
    return pixels if pixels.dtype == np.uint8 else np.rint(pixels / 257).astype(np.uint8)


def _image(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray(_in_8_bits(pixels))
