"""The job: from pictures and settings to a painted picture, as a generator of events.

`paint_events` is the job itself; `stylize` and `texture` run it to the end and return the picture. Whatever ends it
early, be it Ctrl-C, a closed generator or a loss that diverges, the best picture so far is written to the output first.
"""

import os
import time
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any, Unpack

from PIL import Image

from scumble import device, notebook
from scumble.errors import RunError
from scumble.events import Event, Finished, Noted, Progress, Saved, Started, Warned
from scumble.image import metadata
from scumble.image.files import PictureSource
from scumble.keywords import StyleKeywords, TextureKeywords
from scumble.perceptual.backbones import Backbone
from scumble.settings import takes
from scumble.storage.checkpoint import uninterrupted
from scumble.style import plan, stages
from scumble.style.files import pictures
from scumble.style.files.there import written_over
from scumble.style.files.wanted import Wanted, already_finished
from scumble.style.inputs import Inputs
from scumble.style.instant.job import asked_events
from scumble.style.outputs import OnTheWay, Result, at_once
from scumble.style.painter import Painter
from scumble.style.preparation.sources import Sources
from scumble.style.provenance import asked, asked_of, differences, provenance
from scumble.style.resume import Unfinished
from scumble.style.settings import PaintSettings, StyleSettings, TextureSettings


@takes(StyleSettings)
def stylize(
    content: PictureSource,
    style: PictureSource | Sequence[PictureSource],
    *,
    masks: PictureSource | Sequence[PictureSource] = (),
    content_map: PictureSource | None = None,
    style_maps: PictureSource | Sequence[PictureSource] = (),
    protect: PictureSource | None = None,
    **settings: Unpack[StyleKeywords],
) -> Image.Image:
    """Paint one picture in the style of another, or of several.

    Args:
        content: what is painted: a file, a PIL picture, or an array (see `scumble.image.files.PictureSource`).
        style: how it is painted, likewise; a list of pictures for several styles.
        masks: one for each style, of the content's shape, white where the style paints.
        content_map: the content in flat colours, one a region.
        style_maps: the same of each style: what has the same colour belongs together.
        protect: a mask of the content's shape, white where the content stays as it is.
        settings: any of `StyleSettings`, such as `size=512, steps=200` or `size="A3", dpi=300, enlarge=True`; `bits`
            is of use for files only, and Pillow writes the resolution when it is told to: `save(path, dpi=(300, 300))`.

    Returns:
        The painted picture: sRGB, 8 bits, of the size that was asked for; RGBA where the content has transparency.

    Raises:
        ImageError: if a picture cannot be read or is too small, or a mask does not fit.
        SettingsError: if a setting is unknown or out of range.
        WeightsError: if the network's weights cannot be had.
        DivergedError: if the loss leaves the finite numbers for good.

    Example:
        >>> picture = scumble.stylize("photo.jpg", "painting.jpg", size=384, steps=100)  # doctest: +SKIP
        >>> picture.save("result.png")  # doctest: +SKIP
    """
    sources = Sources(content, _listed(style), _listed(masks), content_map, _listed(style_maps), protect)
    return _picture(sources, StyleSettings.model_validate(settings))


@takes(TextureSettings)
def texture(style: PictureSource | Sequence[PictureSource], **settings: Unpack[TextureKeywords]) -> Image.Image:
    """Make a new picture of what a painting is made of, by the same losses without a content.

    Args:
        style: the painting, or a list of them.
        settings: any of `TextureSettings`, such as `size=1024, aspect=2`.

    Returns:
        The texture: sRGB, 8 bits, of the size that was asked for.

    Raises:
        ScumbleError: as `stylize` does.
    """
    return _picture(Sources(None, _listed(style)), TextureSettings.model_validate(settings))


def stylize_events(
    content: PictureSource,
    style: PictureSource | Sequence[PictureSource],
    settings: StyleSettings | None = None,
    output: str | os.PathLike[str] | None = None,
    preview: str | os.PathLike[str] | None = None,
    repeated: dict[str, Any] | None = None,
    resume: bool = False,
    overwrite: bool = False,
) -> Generator[Event, None, None]:
    """`stylize` as a generator of events; see `paint_events`, which takes masks and maps as well."""
    output, preview = (None if path is None else Path(path) for path in (output, preview))
    wanted = Wanted(output, preview, overwrite=overwrite)
    return paint_events(Sources(content, _listed(style)), settings or StyleSettings(), wanted, repeated, resume)


def paint_events(
    sources: Sources,
    settings: PaintSettings,
    wanted: Wanted | str | os.PathLike[str] | None = None,
    repeated: dict[str, Any] | None = None,
    resume: bool = False,
    dry_run: bool = False,
    networks: dict[str, Backbone] | None = None,
) -> Generator[Event, None, None]:
    """Paint: a content in some styles with `StyleSettings`, a texture with `TextureSettings`.

    Args:
        sources: the pictures.
        settings: all the rest.
        wanted: the file to write, with its recipe inside; also when the job is stopped early. Until the picture is
            finished, its whole state is kept beside it, in OUTPUT.unfinished. A file that is there already must be a
            picture of scumble's. More files are asked for by `Wanted`, and leave to write over others' files.
        repeated: the recipe that `settings` were taken from, if any: what is different now is warned of.
        resume: go on from OUTPUT.unfinished, if it is there; on CPUs, to the same bytes as without a stop. A
            picture that is finished is left alone; to write over one that was made otherwise takes leave.
        dry_run: tell what the work would take, and end there.
        networks: as `stages.load` returns them, if they are loaded already.

    Yields:
        Noted, Started, Progress (one an evaluation), Preview, Warned and Saved; last Finished, with the picture.
        Progress counts evaluations of the last stage: one at half the width and height is a quarter of one.
    """
    if not isinstance(wanted, Wanted):
        wanted = Wanted(None if wanted is None else Path(wanted))
    with device.memory_errors("use a smaller --size or --style-scale"):
        if settings.preset == "instant":
            assert isinstance(settings, StyleSettings)
            yield from asked_events(sources, settings, wanted, repeated, resume, dry_run)
            return
        yield from _job(sources, settings, wanted, repeated, resume, dry_run, networks)


@device.in_full_float32
def _job(
    sources: Sources,
    settings: PaintSettings,
    wanted: Wanted,
    repeated: dict[str, Any] | None,
    resume: bool,
    dry_run: bool,
    networks: dict[str, Backbone] | None,
) -> Generator[Event, None, None]:
    started = time.perf_counter()
    _check_files(sources, settings, wanted)
    inputs = Inputs(sources, settings)
    wanted.check_size(inputs.size())
    wish = asked_of(settings, inputs.pictures)
    if resume and (finished := already_finished(wanted, wish)):
        yield from finished
        return
    if not resume:
        yield from written_over(wanted.output, wish, wanted.overwrite)
    placement = device.choose(settings.device, settings.precision)
    yield Noted(placement.reason)
    yield from _remarks(inputs)
    if not (resume or dry_run):
        yield from at_once(inputs, wanted)
    networks = networks or (yield from stages.load(settings, placement))
    todo = stages.stages(settings, inputs.ladder)
    plans = plan.planned(settings, inputs, todo, networks, placement)
    yield plan.foretold(plans, settings, todo, networks, placement, asked=dry_run)
    if dry_run:
        return
    made_by = provenance(settings, inputs.pictures, networks, placement, plans)
    yield from differences(repeated, made_by)
    painter = Painter(settings, inputs, todo, networks, placement, plans)
    known = metadata.NOTHING if wanted.strip else metadata.of(sources.content)
    result = Result(inputs, made_by, wanted, known.at(settings.resolution()))
    yield from _painted(painter, result, resume)
    yield result.finished(painter.job, time.perf_counter() - started)


def _painted(painter: Painter, result: Result, resume: bool) -> Iterator[Event]:
    """Paint to the end; whatever happens, write the picture, and the state of one that is not finished."""
    output = result.wanted.output
    unfinished = None if output is None else Unfinished(output, asked(result.provenance))
    if unfinished is not None:
        yield from _take_up(unfinished, painter, resume)
    on_the_way = OnTheWay(result, sum(stage.steps for stage in painter.stages))
    on_the_way.begin(painter.evaluations)
    yield Started(painter.job, painter.total, "evaluations")
    try:
        with device.memory_kept() if painter.roomy else device.memory_returned():
            for event in painter.paint():
                result.step, result.evaluations = painter.step, painter.evaluations
                if isinstance(event, Progress):
                    yield from on_the_way.after(painter.evaluations)
                    if unfinished is not None and unfinished.due():
                        yield from _keep(unfinished, painter)
                yield event
        result.whole = True
    finally:
        result.step, result.evaluations = painter.step, painter.evaluations
        with uninterrupted():  # by an impatient second Ctrl-C
            result.save()
            if unfinished is not None and not result.whole and (state := painter.state()):
                unfinished.write(state)
    if unfinished is not None:
        unfinished.remove()
        yield Saved(unfinished.output)
    yield from on_the_way.end()


def _remarks(inputs: Inputs) -> Iterator[Event]:
    """How the pictures were understood, where that is not plain."""
    yield from pictures.remarks(inputs.pictures, inputs.cropped)
    # What protects is a part of every region.
    yield from map(Warned, dict.fromkeys(remark for region in inputs.regions for remark in region.remarks))
    yield from pictures.remarks_on_size(inputs.content, inputs.size(), inputs.settings.sheet(), inputs.settings.dpi)
    if inputs.settings.paints() and inputs.content is not None and max(inputs.size()) < stages.TRIAL_SIDE:
        yield Noted(f"a trial of less than {stages.TRIAL_SIDE} pixels has no room for a larger picture's fine strokes")
    if not inputs.settings.paints():
        yield Noted("nothing of the painting is asked for: the result is the photograph as it is")


def _take_up(unfinished: Unfinished, painter: Painter, resume: bool) -> Iterator[Event]:
    """Go on from the state that an earlier job left, if that is wanted and there is one."""
    there = unfinished.exists()
    if resume and there:
        painter.resume(unfinished.read())
        yield Noted(f"going on with {unfinished.output} after {painter.done} of {painter.total} evaluations")
    elif resume:
        yield Noted(f"there is no {unfinished.path}: starting at the beginning")
    elif there:
        yield Warned(f"{unfinished.path} is started anew; --resume would go on with it")


def _keep(unfinished: Unfinished, painter: Painter) -> Iterator[Event]:
    """Write the state; a full disk is told of and does not end the work."""
    state = painter.state()
    if state is not None:
        try:
            unfinished.write(state)
        except RunError as error:
            yield Warned(f"{error}: the last state that could be written stays")


def _check_files(sources: Sources, settings: PaintSettings, wanted: Wanted) -> None:
    """Nothing is read before everything that will be written was found to be possible, and not to be an input."""
    inputs = (*sources.by_role().values(), *([settings.weights] if settings.weights else []))
    if isinstance(settings, StyleSettings) and isinstance(settings.init, Path):
        inputs = (*inputs, settings.init)
    wanted.check(settings.bits, inputs)


def _listed(style: PictureSource | Sequence[PictureSource]) -> list[PictureSource]:
    return list(style) if isinstance(style, list | tuple) else [style]  # pyright: ignore[reportReturnType]


def _picture(sources: Sources, settings: PaintSettings) -> Image.Image:
    for event in notebook.shown(paint_events(sources, settings, Wanted(None, show=notebook.is_running()))):
        if isinstance(event, Finished):
            return event.picture
    raise AssertionError("a job that is not cancelled ends with Finished")
