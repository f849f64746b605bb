"""The job: from pictures and settings to a painted picture, as a generator of events.

`paint_events` is the job itself; `stylize` and `texture` run it to the end and return the picture. Whatever ends it
early, be it Ctrl-C, a closed generator or a loss that diverges, the best picture so far is written to the output first.
"""

import os
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import torch
from PIL import Image

from scumble import device
from scumble.device import Placement
from scumble.errors import ImageError, RunError, SettingsError
from scumble.events import Event, Finished, Noted, Progress, Saved, Started, Warned
from scumble.image import recipe
from scumble.image.files import Picture, PictureSource
from scumble.image.tensors import resize
from scumble.perceptual.backbones import Backbone
from scumble.storage.checkpoint import Checkpoint
from scumble.style import plan, stages
from scumble.style.inputs import Inputs, Sources
from scumble.style.masks import Region
from scumble.style.objective import Objective
from scumble.style.optimize import LBFGS, Adam, Descent, Optimizer, Step
from scumble.style.plan import Plan
from scumble.style.results import OnTheWay, Result, Wanted
from scumble.style.settings import PaintSettings, StyleSettings, TextureSettings
from scumble.style.stages import Stage
from scumble.style.unfinished import Unfinished

AnySettings = TypeVar("AnySettings", bound=PaintSettings)

JOBS: dict[type[PaintSettings], str] = {StyleSettings: "stylize", TextureSettings: "texture"}
OPTIMIZERS: dict[str, Callable[[float, int], Optimizer]] = {
    "lbfgs": lambda lr, history_bytes: LBFGS(lr, history_bytes=history_bytes),
    "adam": lambda lr, _: Adam(lr),
}
EXPLOSION = 10.0
"""A loss this many times the best one is told of; smaller rises are the everyday work of a line search."""


def stylize(
    content: PictureSource,
    style: PictureSource | Sequence[PictureSource],
    *,
    masks: PictureSource | Sequence[PictureSource] = (),
    content_map: PictureSource | None = None,
    style_maps: PictureSource | Sequence[PictureSource] = (),
    **settings: Any,
) -> Image.Image:
    """Paint one picture in the style of another, or of several.

    Args:
        content: what is painted: a file, a PIL picture, or an array (see `scumble.image.files.PictureSource`).
        style: how it is painted, likewise; a list of pictures for several styles.
        masks: one for each style, of the content's shape, white where the style paints.
        content_map: the content in flat colours, one a region.
        style_maps: the same of each style: what has the same colour belongs together.
        settings: any of `StyleSettings`, such as `size=512, steps=200`; `bits` is of use for files only.

    Returns:
        The painted picture: sRGB, 8 bits, its longer side `size` pixels; RGBA where the content has transparency.

    Raises:
        ImageError: if a picture cannot be read or is too small, or a mask does not fit.
        SettingsError: if a setting is unknown or out of range.
        WeightsError: if the network's weights cannot be had.
        DivergedError: if the loss leaves the finite numbers for good.

    Example:
        >>> picture = scumble.stylize("photo.jpg", "painting.jpg", size=384, steps=100)  # doctest: +SKIP
        >>> picture.save("result.png")  # doctest: +SKIP
    """
    sources = Sources(content, _listed(style), _listed(masks), content_map, _listed(style_maps))
    return _picture(paint_events(sources, StyleSettings(**settings)))


def texture(style: PictureSource | Sequence[PictureSource], **settings: Any) -> Image.Image:
    """Make a new picture of what a painting is made of, by the same losses without a content.

    Args:
        style: the painting, or a list of them.
        settings: any of `TextureSettings`, such as `size=1024, aspect=2`.

    Returns:
        The texture: sRGB, 8 bits, its longer side `size` pixels.

    Raises:
        ScumbleError: as `stylize` does.
    """
    return _picture(paint_events(Sources(None, _listed(style)), TextureSettings(**settings)))


def stylize_events(
    content: PictureSource,
    style: PictureSource | Sequence[PictureSource],
    settings: StyleSettings | None = None,
    output: str | os.PathLike[str] | None = None,
    preview: str | os.PathLike[str] | None = None,
    repeated: dict[str, Any] | None = None,
    resume: bool = False,
) -> Generator[Event, None, None]:
    """`stylize` as a generator of events; see `paint_events`, which takes masks and maps as well."""
    output, preview = (None if path is None else Path(path) for path in (output, preview))
    wanted = Wanted(output, preview)
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
            finished, its whole state is kept beside it, in OUTPUT.unfinished. More files are asked for by `Wanted`.
        repeated: the recipe that `settings` were taken from, if any: what is different now is warned of.
        resume: go on from OUTPUT.unfinished, if it is there; on CPUs, to the same bytes as without a stop.
        dry_run: tell what the work would take, and end there.
        networks: as `stages.load` returns them, if they are loaded already.

    Yields:
        Noted, Started, Progress (one an evaluation), Preview, Warned and Saved; last Finished, with the picture.
        Progress counts evaluations of the last stage: one at half the width and height is a quarter of one.
    """
    if not isinstance(wanted, Wanted):
        wanted = Wanted(None if wanted is None else Path(wanted))
    with device.memory_errors("use a smaller --size or --style-scale"):
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
    regions = inputs.regions()
    placement = device.choose(settings.device, settings.precision)
    yield Noted(placement.reason)
    for role, picture in inputs.pictures.items():
        if role.startswith("style") and picture.alpha is not None:
            yield Warned(f"{picture.name}: its transparent parts count as well, in the colours that lie beneath")
    for name in inputs.cropped:
        yield Noted(f"{name}: the border around it is left out (--borders keep takes all of it)")
    networks = networks or (yield from stages.load(settings, placement))
    todo = stages.stages(settings, inputs.ladder)
    plans = plan.planned(settings, inputs, todo, networks, placement)
    yield Noted(plan.in_words(plans, settings, todo, networks, placement, foretold=dry_run))
    if dry_run:
        return
    provenance = _provenance(settings, inputs.pictures, networks, placement, plans)
    yield from _differences(repeated, provenance)

    job = JOBS[type(settings)]
    painter = _Painter(settings, inputs, todo, networks, regions, placement, plans)
    result = Result(inputs, provenance, wanted)
    unfinished = None if wanted.output is None else Unfinished(wanted.output, _asked(provenance))
    if unfinished is not None:
        yield from _take_up(unfinished, painter, resume)
    on_the_way = OnTheWay(result, sum(stage.steps for stage in todo))
    on_the_way.begin(painter.evaluations)
    yield Started(job, painter.total, "evaluations")
    try:
        with device.memory_kept(all(planned.roomy for planned in plans)):
            for event in painter.paint(job):
                result.step, result.evaluations = painter.step, painter.evaluations
                if isinstance(event, Progress):
                    yield from on_the_way.after(painter.evaluations)
                    if unfinished is not None and unfinished.due():
                        yield from _keep(unfinished, painter)
                yield event
        result.whole = True
    finally:
        result.step, result.evaluations = painter.step, painter.evaluations
        result.save()
        if unfinished is not None and not result.whole and (state := painter.state()):
            unfinished.write(state)
    if unfinished is not None:
        unfinished.remove()
        yield Saved(unfinished.output)
    yield from on_the_way.end()
    yield result.finished(job, time.perf_counter() - started)


def _take_up(unfinished: Unfinished, painter: "_Painter", resume: bool) -> Iterator[Event]:
    """Go on from the state that an earlier job left, if that is wanted and there is one."""
    there = unfinished.exists()
    if resume and there:
        painter.resume(unfinished.read())
        yield Noted(f"going on with {unfinished.output} after {painter.done} of {painter.total} evaluations")
    elif resume:
        yield Noted(f"there is no {unfinished.path}: starting at the beginning")
    elif there:
        yield Warned(f"{unfinished.path} is started anew; --resume would go on with it")


def _keep(unfinished: Unfinished, painter: "_Painter") -> Iterator[Event]:
    """Write the state; a full disk is told of and does not end the work."""
    state = painter.state()
    if state is not None:
        try:
            unfinished.write(state)
        except RunError as error:
            yield Warned(f"{error}: the last state that could be written stays")


class _Painter:
    """Works the canvas up from stage to stage. `done` of `total` counts evaluations, in those of the last stage."""

    def __init__(
        self,
        settings: PaintSettings,
        inputs: Inputs,
        todo: list[Stage],
        networks: dict[str, Backbone],
        regions: list[Region],
        placement: Placement,
        plans: Sequence[Plan],
    ):
        self.settings = settings
        self.inputs = inputs
        self.stages = todo
        self.networks = networks
        self.regions = regions
        self.device = placement.device
        self.tile_sides = [planned.tile_side for planned in plans]
        self.history_bytes = max(planned.history_bytes for planned in plans)
        self.done = 0
        self.evaluations = 0  # made so far, at all sizes and by all networks
        self.before = 0  # made in earlier stages, of which some may have ended early
        self.total = self._worth(len(todo))
        self.stage = 0
        self.descent: Descent | None = None  # of the latest step
        self.step: Step | None = None
        self.resumed: Checkpoint | None = None

    def state(self) -> Checkpoint | None:
        """All that the rest of the work depends on; None where nothing was done yet."""
        if self.descent is None:
            return None
        tensors, facts = self.descent.state()
        # Where memory failed on the way, tiles are smaller than they were planned.
        self.tile_sides[self.stage] = self.descent.objective.tile_side
        memory = {"tile_sides": self.tile_sides, "history_bytes": self.history_bytes}
        return Checkpoint(tensors, facts | memory | {"stage": self.stage, "before": self.before})

    def resume(self, state: Checkpoint) -> None:
        """Let `paint` begin there."""
        self.resumed = state
        self.stage = state.facts["stage"]
        # As it was planned then: other tiles would round otherwise.
        self.tile_sides, self.history_bytes = state.facts["tile_sides"], state.facts["history_bytes"]
        self.before = state.facts["before"]
        self._count(state.facts["evaluation"])

    def paint(self, job: str) -> Iterator[Event]:
        """Every step of every stage, each told as Progress, and what else there is to tell."""
        optimizers: dict[tuple[str, float], Optimizer] = {}  # what they have learnt is carried from stage to stage
        canvas = None if self.resumed is None else self.resumed.tensors["canvas"].to(self.device)
        for number, stage in list(enumerate(self.stages))[self.stage :]:
            size, kind = stage.size, (stage.optimizer, stage.lr)
            if kind not in optimizers:
                optimizers[kind] = OPTIMIZERS[stage.optimizer](stage.lr, self.history_bytes)
            optimizer = optimizers[kind]
            if len(self.stages) > 1:
                through = f" with {stage.backbone}" if len(self.networks) > 1 else ""
                yield Noted(f"{job}: {size[0]}x{size[1]} pixels{through}, {number + 1} of {len(self.stages)}")
            content, styles = self.inputs.pixels(size, self.device)
            if canvas is None:
                canvas = self.inputs.start(content, styles, self.device)
            elif self.resumed is None:
                canvas = resize(canvas, size)
                optimizer = optimizers[kind] = optimizer.carried(size)
            objective = self._objective(number, canvas if content is None else content, styles)
            del content, styles  # of large pictures, half a gigabyte that nobody looks at again
            if number == len(self.stages) - 1:
                yield from _narrow(objective)
            descent = Descent(objective, canvas, optimizer, stage.steps, stage.averaging, stage.tolerance)
            if self.resumed is not None:
                self.descent, self.step, self.resumed = descent, descent.restore(self.resumed), None
            told, before = False, self.before if self.stage == number else self.evaluations
            for step in descent:
                self.stage, self.before, self.descent, self.step = number, before, descent, step
                self._count(step.evaluation)
                if step.retreated and not told and not step.found.loss < EXPLOSION * step.best.loss:
                    told = True
                    yield Warned(
                        f"the loss rose to {step.found.loss:.4g}: back to the last good picture, smaller steps"
                    )
                yield Progress(job, self.done, self.total, step.found.loss, step.found.terms)
            canvas = descent.picture

    def _objective(self, number: int, content: torch.Tensor, styles: list[torch.Tensor]) -> Objective:
        settings, stage = self.settings, self.stages[number]
        strength = settings.strength if isinstance(settings, StyleSettings) else 1.0
        # A finish looks for what all that came before it was looking for (docs/log.md).
        looks = stage.backbone if stage.backbone == stages.SKETCHES else settings.backbone
        terms = settings.terms(looks, max(self.stages[-1].size) / max(stage.size))
        return Objective(
            self.networks[stage.backbone].network,
            content,
            styles,
            terms.content,
            terms.style,
            settings.loss,
            strength * settings.variation_weight,  # grain comes with the painting
            strength,
            self.regions,
            self.tile_sides[number],
            settings.range_weight,
            terms.transported,
            terms.leak,
            terms.focused,
        )

    def _count(self, further: int) -> None:
        self.evaluations = self.before + further
        self.done = self._worth(self.stage, further)

    def _worth(self, stages: int, further: int = 0) -> int:
        """So many whole stages and some steps of the next, in evaluations of the last stage."""
        steps = [*(stage.steps for stage in self.stages[:stages]), further]
        cost = sum(stage.cost * count for stage, count in zip(self.stages, steps, strict=False))
        return round(cost / self.stages[-1].cost)


def _narrow(objective: Objective) -> Iterator[Noted]:
    for region in objective.regions:
        if region.narrow:
            layers = ", ".join(region.narrow)
            yield Noted(f"{region.name} is narrow: for {layers}, what is around it counts a little, too")


def _check_files(sources: Sources, settings: PaintSettings, wanted: Wanted) -> None:
    """Nothing is read before everything that will be written was found to be possible, and not to be an input."""
    inputs = (*sources.by_role().values(), *([settings.weights] if settings.weights else []))
    if isinstance(settings, StyleSettings) and isinstance(settings.init, Path):
        inputs = (*inputs, settings.init)
    wanted.check(settings.bits, inputs)


def _listed(style: PictureSource | Sequence[PictureSource]) -> list[PictureSource]:
    return list(style) if isinstance(style, list | tuple) else [style]  # pyright: ignore[reportReturnType]


def _picture(events: Iterable[Event]) -> Image.Image:
    for event in events:
        if isinstance(event, Finished):
            return event.picture
    raise AssertionError("a job that is not cancelled ends with Finished")


# --- Recipes --------------------------------------------------------------------------------------------------------


def settings_from_recipe(made_by: dict[str, Any], given: AnySettings) -> AnySettings:
    """A recipe's settings, with those that the caller gave over them.

    Raises:
        ImageError: if the recipe is of another job.
        SettingsError: if it names a setting that this version does not know, or a file that must be given again:
            a recipe holds the names of files, not their places.
    """
    job = JOBS[type(given)]
    if made_by.get("job") != job:
        raise ImageError(f"the recipe is of the job {made_by.get('job')!r}; wanted {job!r}")
    values = group_of(made_by, "settings")
    if made_by.get("format_version") == 1:
        values = _from_format_1(values, job)
    names = {"weights": values.get("weights"), "init": values.get("init")}
    if names["init"] in ("matched", "content", "noise", "style"):
        names["init"] = None
    for field, name in names.items():
        if name is not None and field not in given.model_fields_set:
            raise SettingsError(f"{field}: the recipe used the file {name}; give it again with --{field} FILE")
    return given.filled_from(values)


def _from_format_1(values: dict[str, Any], job: str) -> dict[str, Any]:
    """The settings of a picture that was painted before there was a balance: they repeat it with the losses it had."""
    then: dict[str, Any] = {"coarse_steps": None, "borders": "keep"}
    if job == "stylize":
        then |= {"balance": "plain", "keep": values.get("content_weight", 1.0)}
    return then | {name: value for name, value in values.items() if name != "content_weight"}


def _provenance(
    settings: PaintSettings,
    pictures: dict[str, Picture],
    networks: dict[str, Backbone],
    placement: Placement,
    plans: Sequence[Plan],
) -> dict[str, Any]:
    """The recipe, but for the result: all that decides the picture."""
    return {
        "job": JOBS[type(settings)],
        "settings": settings.model_dump(mode="json"),
        "inputs": {role: {"name": p.name, "sha256": p.sha256} for role, p in pictures.items()}
        | {_weights_role(name, settings): {"name": name, "sha256": n.sha256} for name, n in networks.items()},
        "computed": {
            "device": str(placement.device),
            "precision": str(placement.dtype).removeprefix("torch."),
            "threads": torch.get_num_threads(),
            "tiles": max(planned.tiles for planned in plans),
        },
        "versions": recipe.versions(),
    }


def _weights_role(name: str, settings: PaintSettings) -> str:
    return "weights" if name == settings.backbone else f"weights {name}"


def _asked(provenance: dict[str, Any]) -> dict[str, Any]:
    """What must be the same for a state to be of use; other threads only round otherwise."""
    computed = {name: provenance["computed"][name] for name in ("device", "precision")}
    settings = {name: value for name, value in provenance["settings"].items() if name != "max_memory"}
    return provenance | {"computed": computed, "settings": settings}


def _differences(repeated: dict[str, Any] | None, now: dict[str, Any]) -> Iterator[Event]:
    """What is not as it was when the repeated recipe's picture was made, apart from the settings."""
    if repeated is None:
        return
    for role, made in now["inputs"].items():
        was = group_of(group_of(repeated, "inputs"), role)
        if was.get("sha256") != made["sha256"]:
            yield Noted(f"{role}: {made['name']}; in the recipe {was.get('name', 'not named')}")
    for role in sorted(set(group_of(repeated, "inputs")) - set(now["inputs"])):
        yield Warned(f"{role}: there in the recipe, but not here")
    for group in ("computed", "versions"):
        for name, value in now[group].items():
            was = group_of(repeated, group).get(name)
            if was != value:
                yield Warned(f"the recipe was made with {name} {was}, this picture with {value}: they may differ")


def group_of(made_by: dict[str, Any], name: str) -> dict[str, Any]:
    """A part of a recipe, which anybody may have edited: empty where it is missing or no group at all."""
    group = made_by.get(name)
    return group if isinstance(group, dict) else {}
