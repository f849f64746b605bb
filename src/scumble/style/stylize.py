"""The job: from two pictures and settings to a painted picture, as a generator of events.

`stylize_events` is the job itself; `stylize` runs it to the end and returns the picture. Whatever ends the job early,
be it Ctrl-C, a closed generator or a loss that diverges, the best picture so far is written to the output first.
"""

import math
import os
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from scumble import device
from scumble.device import Placement
from scumble.errors import ImageError, SettingsError
from scumble.events import Event, Finished, Noted, Preview, Progress, Saved, Started, Warned
from scumble.image import files, recipe
from scumble.image.decode import MAX_PIXELS
from scumble.image.files import Picture, PictureSource
from scumble.image.tensors import (
    alpha_tensor,
    cover,
    fit_longer_side,
    fit_shorter_side,
    resize,
    to_array,
    to_image,
    to_tensor,
)
from scumble.perceptual import backbones
from scumble.perceptual.backbones import Backbone
from scumble.perceptual.vgg import LAYERS, check_layers, min_side
from scumble.style.objective import Objective
from scumble.style.optimize import LBFGS, Adam, Step, minimize
from scumble.style.settings import StyleSettings

JOB = "stylize"
OPTIMIZERS: dict[str, type[LBFGS] | type[Adam]] = {"lbfgs": LBFGS, "adam": Adam}
PREVIEW_SECONDS = 2.0
NOISE_DEVIATION = 0.25
"""Of the noise to start from, around mid grey: about the spread of a photograph's own values."""
EXPLOSION = 10.0
"""A loss this many times the best one is told of; smaller rises are the everyday work of a line search."""


def stylize(content: PictureSource, style: PictureSource, **settings: Any) -> Image.Image:
    """Paint one picture in the style of another.

    Args:
        content: what is painted: a file, a PIL picture, or an array (see `scumble.image.files.PictureSource`).
        style: how it is painted, likewise.
        settings: any of `StyleSettings`, such as `size=512, steps=200`; `bits` is of use for files only.

    Returns:
        The painted picture: sRGB, 8 bits, its longer side `size` pixels; RGBA where the content has transparency.

    Raises:
        ImageError: if a picture cannot be read or is too small.
        SettingsError: if a setting is unknown or out of range.
        WeightsError: if the network's weights cannot be had.
        DivergedError: if the loss leaves the finite numbers for good.

    Example:
        >>> picture = scumble.stylize("photo.jpg", "painting.jpg", size=384, steps=100)  # doctest: +SKIP
        >>> picture.save("result.png")  # doctest: +SKIP
    """
    for event in stylize_events(content, style, StyleSettings(**settings)):
        if isinstance(event, Finished):
            return event.picture
    raise AssertionError("a job that is not cancelled ends with Finished")


def stylize_events(
    content: PictureSource,
    style: PictureSource,
    settings: StyleSettings | None = None,
    output: str | os.PathLike[str] | None = None,
    preview: str | os.PathLike[str] | None = None,
    repeated: dict[str, Any] | None = None,
) -> Generator[Event, None, None]:
    """The same as a generator of events; see `stylize` for the pictures and the errors.

    Args:
        content: what is painted.
        style: how it is painted.
        settings: all the rest.
        output: the file to write, with its recipe inside; also when the job is stopped early.
        preview: a file to overwrite with the picture so far, about every two seconds.
        repeated: the recipe that `settings` were taken from, if any: what is different now is warned of.

    Yields:
        Noted, Started, Progress (one an evaluation), Preview, Warned and Saved; last Finished, with the picture.
    """
    with device.memory_errors("use a smaller --size or --style-scale"):
        output, preview = (None if path is None else Path(path) for path in (output, preview))
        yield from _job(content, style, settings or StyleSettings(), output, preview, repeated)


def _job(
    content: PictureSource,
    style: PictureSource,
    settings: StyleSettings,
    output: Path | None,
    preview: Path | None,
    repeated: dict[str, Any] | None,
) -> Iterator[Event]:
    started = time.perf_counter()
    pictures = _load_pictures(content, style, settings, output, preview)
    size, style_size = _working_sizes(pictures, settings)
    for path in (output, preview):
        if path is not None:
            files.check_side(path, size)
    placement = device.choose(settings.device, settings.precision)
    yield Noted(placement.reason)
    content_weights, style_weights = settings.content_weights(), settings.style_weights()
    layers = (*content_weights, *style_weights)
    backbone = yield from backbones.load(settings.backbone, layers, placement, settings.pooling, settings.weights)
    provenance = _provenance(settings, pictures, backbone, placement)
    yield from _differences(repeated, provenance)

    content_pixels = resize(to_tensor(pictures["content"]), size).to(placement.device)
    style_pixels = resize(to_tensor(pictures["style"]), style_size).to(placement.device)
    objective = Objective(backbone.network, content_pixels, style_pixels, content_weights, style_weights)
    start = _starting_pixels(settings, pictures, content_pixels, style_pixels)
    optimizer = OPTIMIZERS[settings.optimizer](settings.lr)
    result = _Result(settings, provenance, _alpha(pictures["content"], size), output)

    yield Started(JOB, settings.steps, "evaluations")
    previewed = -math.inf  # the first preview comes with the first evaluation
    try:
        for step in minimize(objective, start, optimizer, settings.steps):
            result.step = step
            if step.retreated and not step.found.loss < EXPLOSION * step.best.loss:
                yield Warned(f"the loss rose to {step.found.loss:.4g}: back to the last good picture, smaller steps")
            yield Progress(JOB, step.evaluation, settings.steps, step.found.loss, step.found.terms)
            if preview is not None and time.perf_counter() - previewed > PREVIEW_SECONDS:
                try:
                    yield result.preview(preview)
                except ImageError as error:
                    yield Warned(f"no more previews: {error}")
                    preview = None
                previewed = time.perf_counter()
    finally:
        result.save()
    if output is not None:
        yield Saved(output)
    yield result.finished(time.perf_counter() - started)


@dataclass
class _Result:
    """The best picture so far, and how to write it."""

    settings: StyleSettings
    provenance: dict[str, Any]
    alpha: torch.Tensor | None
    output: Path | None
    step: Step | None = None

    def save(self) -> None:
        if self.step is not None and self.output is not None:
            step = self.step
            # A picture that was stopped early repeats as one of so many steps.
            settings = self.provenance["settings"] | {"steps": step.evaluation}
            result = {"evaluations": step.evaluation, "loss": step.best.loss, "terms": step.best.terms}
            pixels = to_array(step.picture, self.alpha, self.settings.bits)
            files.save(pixels, self.output, self.provenance | {"settings": settings, "result": result})

    def preview(self, path: Path) -> Preview:
        assert self.step is not None
        files.save(to_array(self.step.picture, self.alpha), path)
        return Preview(self.step.evaluation, to_image(self.step.picture, self.alpha), path)

    def finished(self, seconds: float) -> Finished:
        assert self.step is not None
        step = self.step
        outputs = [] if self.output is None else [self.output]
        picture = to_image(step.picture, self.alpha)
        figures = {"evaluations": step.evaluation, "loss": step.best.loss, "terms": step.best.terms}
        return Finished(JOB, outputs, seconds, picture, figures)


# --- Pictures -------------------------------------------------------------------------------------------------------


def _load_pictures(
    content: PictureSource,
    style: PictureSource,
    settings: StyleSettings,
    output: Path | None,
    preview: Path | None,
) -> dict[str, Picture]:
    """Everything that is read, after everything that will be written was found to be possible."""
    sources: dict[str, PictureSource] = {"content": content, "style": style}
    if isinstance(settings.init, Path):
        sources["init"] = settings.init
    inputs = (*sources.values(), *([settings.weights] if settings.weights else []))
    if output is not None:
        files.check_output(output, settings.bits, inputs)
    if preview is not None:
        files.check_output(preview, inputs=inputs)
        if output is not None and preview.resolve() == output.resolve():
            raise SettingsError(f"preview: got the output {output} itself, wanted another file")
    return {role: files.load(source, role) for role, source in sources.items()}


def _working_sizes(pictures: dict[str, Picture], settings: StyleSettings) -> tuple[tuple[int, int], tuple[int, int]]:
    """(width, height) of the result and of the style picture; neither may vanish in the network's poolings."""
    check_layers((*settings.content_layers, *settings.style_layers))
    layers = (*settings.content_weights(), *settings.style_weights())
    least, deepest = min_side(layers), max(layers, key=LAYERS.index)
    size = fit_longer_side(pictures["content"].size, settings.size)
    style_size = fit_shorter_side(pictures["style"].size, min(size) * settings.style_scale)
    hint = "use a larger picture or fewer layers"
    for picture, (width, height) in ((pictures["content"], size), (pictures["style"], style_size)):
        if min(picture.size) < least:
            raise ImageError(f"{picture.name} is {_times(picture.size)} pixels; {deepest} needs {least}x{least}", hint)
        if width * height > MAX_PIXELS:
            raise ImageError(
                f"{picture.name} is {_times(picture.size)} pixels, worked at as {width}x{height}: "
                f"more than {MAX_PIXELS // 1_000_000} million",
                "use a smaller --size or --style-scale",
            )
        if min(width, height) < least:
            raise ImageError(
                f"{picture.name} is {_times(picture.size)} pixels, worked at as {width}x{height}; "
                f"{deepest} needs {least}x{least}",
                "use a larger --size or fewer layers",
            )
    return size, style_size


def _times(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def _starting_pixels(
    settings: StyleSettings, pictures: dict[str, Picture], content: torch.Tensor, style: torch.Tensor
) -> torch.Tensor:
    """The first canvas, of the content's shape; the noise is drawn on the CPU, so that it is the same everywhere."""
    height, width = content.shape[2:]
    if settings.init == "content":
        return content.clone()
    if settings.init == "noise":
        generator = torch.Generator().manual_seed(settings.seed)
        return torch.randn(content.shape, generator=generator).mul_(NOISE_DEVIATION).add_(0.5).to(content)
    if settings.init == "style":
        return cover(style, (width, height))
    return cover(to_tensor(pictures["init"]), (width, height)).to(content)


def _alpha(content: Picture, size: tuple[int, int]) -> torch.Tensor | None:
    alpha = alpha_tensor(content)
    return None if alpha is None else resize(alpha, size)


# --- Recipes --------------------------------------------------------------------------------------------------------


def settings_from_recipe(made_by: dict[str, Any], given: StyleSettings) -> StyleSettings:
    """A recipe's settings, with those that the caller gave over them.

    Raises:
        ImageError: if the recipe is of another job.
        SettingsError: if it names a setting that this version does not know, or a file that must be given again:
            a recipe holds the names of files, not their places.
    """
    if made_by.get("job") != JOB:
        raise ImageError(f"the recipe is of the job {made_by.get('job')!r}; wanted {JOB!r}")
    values = _group(made_by, "settings")
    names = {"weights": values.get("weights"), "init": values.get("init")}
    if names["init"] in ("content", "noise", "style"):
        names["init"] = None
    for field, name in names.items():
        if name is not None and field not in given.model_fields_set:
            raise SettingsError(f"{field}: the recipe used the file {name}; give it again with --{field} FILE")
    return given.filled_from(values)


def _provenance(
    settings: StyleSettings, pictures: dict[str, Picture], backbone: Backbone, placement: Placement
) -> dict[str, Any]:
    """The recipe, but for the result: all that decides the picture."""
    return {
        "job": JOB,
        "settings": settings.model_dump(mode="json"),
        "inputs": {role: {"name": p.name, "sha256": p.sha256} for role, p in pictures.items()}
        | {"weights": {"name": settings.backbone, "sha256": backbone.sha256}},
        "computed": {
            "device": str(placement.device),
            "precision": str(placement.dtype).removeprefix("torch."),
            "threads": torch.get_num_threads(),
        },
        "versions": recipe.versions(),
    }


def _differences(repeated: dict[str, Any] | None, now: dict[str, Any]) -> Iterator[Event]:
    """What is not as it was when the repeated recipe's picture was made, apart from the settings."""
    if repeated is None:
        return
    for role, made in now["inputs"].items():
        was = _group(_group(repeated, "inputs"), role)
        if was.get("sha256") != made["sha256"]:
            yield Noted(f"the {role} is {made['name']}; the recipe's was {was.get('name', 'not named')}")
    for group in ("computed", "versions"):
        for name, value in now[group].items():
            was = _group(repeated, group).get(name)
            if was != value:
                yield Warned(f"the recipe was made with {name} {was}, this picture with {value}: they may differ")


def _group(made_by: dict[str, Any], name: str) -> dict[str, Any]:
    """A part of a recipe, which anybody may have edited: empty where it is missing or no group at all."""
    group = made_by.get(name)
    return group if isinstance(group, dict) else {}
