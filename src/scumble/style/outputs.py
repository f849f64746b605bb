"""What a job writes: the picture with its recipe, and on the way a preview, numbered copies and a film."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from scumble import paths
from scumble.errors import ImageError
from scumble.events import Event, Finished, Preview, Saved, Warned
from scumble.image import files
from scumble.image.metadata import NOTHING, Metadata
from scumble.image.sizes import fit_longer_side
from scumble.image.tensors import to_array, to_image
from scumble.style.feedforward.styles import LEAST
from scumble.style.files.wanted import Wanted
from scumble.style.inputs import Inputs
from scumble.style.optimization.descent import Step
from scumble.style.stages import stages
from scumble.style.timelapse import Timelapse, numbered

PREVIEW_SECONDS = 2.0

AT_ONCE_SIDE = 512
"""Pixels of the longer side of the first preview, before it is enlarged."""

SHARE_OF_PREVIEWS = 0.05
"""Of the time, previews that are only shown take at most about so much: those of large pictures come less often."""


@dataclass
class Result:
    """The best picture so far, and how to write it."""

    inputs: Inputs
    provenance: dict[str, Any]
    wanted: Wanted
    known: Metadata = NOTHING  # about the photograph
    step: Step | None = None
    evaluations: int = 0
    whole: bool = False

    def save(self) -> None:
        """Write the output, if one is asked for and there is something to write."""
        if self.step is not None and self.wanted.output is not None:
            self.write(self.wanted.output)

    def write(self, path: Path) -> None:
        """Write the picture, with its recipe inside."""
        assert self.step is not None
        settings, result = self.provenance["settings"], self.figures()
        if not self.whole:
            if len(stages(self.inputs.settings, self.inputs.ladder)) == 1 and not self.inputs.settings.averaging:
                # A picture that was stopped early repeats as one of so many steps.
                settings = settings | {"steps": self.step.evaluation}
            else:
                result |= {"stopped": True}
        pixels = to_array(self.inputs.finish(self.step.picture), self.inputs.alpha(), self.inputs.settings.bits)
        paths.restore_folder(path)
        files.save(pixels, path, self.provenance | {"settings": settings, "result": result}, self.known)

    def picture(self) -> Image.Image:
        """The picture, at its full size."""
        assert self.step is not None
        return to_image(self.inputs.finish(self.step.picture), self.inputs.alpha())

    def preview(self, path: Path) -> Preview:
        """Write the picture without its recipe, but so that it is known as ours when it is written over."""
        assert self.step is not None
        files.save(to_array(self.inputs.finish(self.step.picture), self.inputs.alpha()), path, {"job": "preview"})
        return Preview(self.evaluations, self.picture(), path)

    def finished(self, job: str, seconds: float) -> Finished:
        """The last event."""
        outputs = [path for path in (self.wanted.output, self.wanted.timelapse) if path is not None]
        return Finished(job, outputs, seconds, self.picture(), self.figures())

    def figures(self) -> dict[str, Any]:
        """What the picture came to."""
        assert self.step is not None
        best = self.step.best
        return {"evaluations": self.evaluations, "loss": best.loss, "terms": best.terms}


def at_once(inputs: Inputs, wanted: Wanted) -> Iterator[Event]:
    """What the preset `instant` would paint, as the first preview: before anything else is loaded."""
    if (wanted.preview is None and not wanted.show) or inputs.content is None or not inputs.settings.paints():
        return
    size = fit_longer_side(inputs.size(), min(AT_ONCE_SIDE, max(inputs.size())))
    if min(min(side) for side in (size, *inputs.style_sizes(size))) < LEAST:
        return
    content, styles = inputs.pixels(size, torch.device("cpu"))
    assert content is not None
    picture = inputs.finish(inputs.in_one_pass(content, styles))
    try:
        if wanted.preview is not None:
            files.save(to_array(picture, inputs.alpha()), wanted.preview, {"job": "preview"})
        yield Preview(0, to_image(picture, inputs.alpha()), wanted.preview)
    except ImageError as error:
        yield Warned(f"no preview: {error}")


class OnTheWay:
    """Preview, copies and film. One that fails is told of and given up: the picture itself is what matters.

    Args:
        result: what they show.
        evaluations: how many there will be at most, over all scales.
    """

    def __init__(self, result: Result, evaluations: int):
        self.result = result
        self.preview = result.wanted.preview
        self.save_every = result.wanted.save_every
        timelapse = result.wanted.timelapse
        self.film = None if timelapse is None else Timelapse(timelapse, evaluations)
        self.previewed = -math.inf  # the first preview comes with the first evaluation
        self.next_shown = 0.0

    def begin(self, evaluation: int) -> None:
        """Make ready, after so many evaluations that were made before.

        Raises:
            ImageError: if the film's pictures cannot be kept.
        """
        if self.film is not None:
            self.film.begin(evaluation)

    def after(self, evaluation: int) -> Iterator[Event]:
        """Write what is due after so many evaluations, over all scales."""
        if self._is_coarse():
            pass  # what is shown since the beginning has more to see
        elif self.preview is not None and time.perf_counter() - self.previewed > PREVIEW_SECONDS:
            try:
                yield self.result.preview(self.preview)
            except ImageError as error:
                yield Warned(f"no more previews: {error}")
                self.preview = None
            self.previewed = time.perf_counter()
        if self.result.wanted.show and not self._is_coarse() and (now := time.perf_counter()) > self.next_shown:
            yield Preview(self.result.evaluations, self.result.picture())
            took = time.perf_counter() - now
            self.next_shown = now + max(PREVIEW_SECONDS, took / SHARE_OF_PREVIEWS)
        output = self.result.wanted.output
        if self.save_every is not None and output is not None and evaluation % self.save_every == 0:
            copy = numbered(output, evaluation)
            try:
                files.check_output(copy, overwrite=self.result.wanted.overwrite)
                self.result.write(copy)
                yield Saved(copy)
            except ImageError as error:
                yield Warned(f"no more copies: {error}")
                self.save_every = None
        if self.film is not None and self.film.due(evaluation):
            try:
                self.film.add(evaluation, self.result.picture())
            except ImageError as error:
                yield Warned(f"no film: {error}")
                self.film.clear()  # where the disk is full, the picture needs the room
                self.film = None

    def _is_coarse(self) -> bool:
        """Whether the picture so far is a sketch on the way to one of twice its size, and more."""
        inputs, step = self.result.inputs, self.result.step
        return inputs.content is not None and step is not None and 2 * step.picture.shape[3] < inputs.size()[0]

    def end(self) -> Iterator[Event]:
        """Make the film, once the picture is finished and safe.

        Raises:
            ImageError: if it cannot be written.
        """
        if self.film is not None:
            self.film.finish(self.result.picture())
            yield Saved(self.film.output)
