"""The files that a job is asked for, and whether they can be written: known before anything is read or imported."""

import os
from pathlib import Path
from typing import Any, NamedTuple

from scumble.errors import ImageError, SettingsError
from scumble.events import Event, Finished, Noted
from scumble.image import files, film, recipe
from scumble.image.files import PictureSource
from scumble.style.files.there import group_of, is_finished, is_unfinished, unfinished
from scumble.style.timelapse import SECONDS, copies_there, frames_of


class Wanted(NamedTuple):
    """The files that are asked for.

    Attributes:
        output: the picture.
        preview: a file that is written over with the picture so far.
        timelapse: a film.
        save_every: after how many evaluations to write a numbered copy beside the output.
        overwrite: whether files may be written over that scumble has not made.
        strip: whether to leave out what the photograph's file says about it.
        show: whether to tell of the picture so far without a file, for a notebook.
    """

    output: Path | None
    preview: Path | None = None
    timelapse: Path | None = None
    save_every: int | None = None
    overwrite: bool = False
    strip: bool = False
    show: bool = False

    def check(self, bits: int, inputs: tuple[PictureSource, ...]) -> None:
        """Nothing is read before everything that will be written was found to be possible, and not to be an input.

        Raises:
            SettingsError: if a format is unknown or cannot hold the picture, or a file is asked for twice.
            ImageError: if a folder is missing, a file cannot be written, or somebody else's would be written over.
        """
        if self.save_every is not None and (self.save_every < 1 or self.output is None):
            raise SettingsError(f"save-every: got {self.save_every}, wanted a number of evaluations, and an output")
        if self.output is not None:
            files.check_output(self.output, bits, inputs, self.overwrite)
            files.check_place(unfinished(self.output), inputs)
            for copy in copies_there(self.output, self.save_every) if self.save_every else ():
                files.check_output(copy, bits, inputs, self.overwrite)
        if self.preview is not None:
            files.check_output(self.preview, inputs=inputs, overwrite=self.overwrite)
        if self.timelapse is not None:
            self._check_film(self.timelapse, inputs)
        places = [os.path.realpath(path) for path in (self.output, self.preview, self.timelapse) if path is not None]
        if len(set(places)) < len(places):
            raise SettingsError(f"preview or timelapse: got the output {self.output} itself, wanted another file")

    def _check_film(self, timelapse: Path, inputs: tuple[PictureSource, ...]) -> None:
        film.check(timelapse, SECONDS)
        files.check_place(timelapse, inputs)
        if not self.overwrite:
            files.check_free(timelapse, film.MARK)
        folder = Path(os.path.realpath(frames_of(timelapse)))
        for source in inputs:
            if isinstance(source, str | os.PathLike) and folder in Path(os.path.realpath(source)).parents:
                raise ImageError(f"{source} lies where the film's pictures go; wanted another timelapse")

    def check_size(self, size: tuple[int, int]) -> None:
        """Raise `SettingsError` where a format cannot hold a picture of that (width, height)."""
        for path in (self.output, self.preview):
            if path is not None:
                files.check_side(path, size)


def already_finished(wanted: Wanted, asked: dict[str, Any]) -> list[Event]:
    """What there is to tell where a picture that is to be resumed is finished; nothing where there is work to do.

    Args:
        wanted: the files that are asked for. The state of an unfinished picture tells itself whether it is of this job.
        asked: what the picture's recipe says of the job, its settings and its inputs.

    Raises:
        ImageError: if another picture is there, and may not be written over.
    """
    output, timelapse = wanted.output, wanted.timelapse
    if output is None or is_unfinished(output) or not is_finished(output, asked, wanted.overwrite):
        return []
    if timelapse is not None and not timelapse.exists():  # a film is made while it is painted
        return []
    there = files.load(output)
    if there.alpha is not None:
        there.rgb.putalpha(there.alpha)
    figures = group_of(recipe.read(output), "result")
    message = f"{output} is finished: nothing is left to do"
    return [Noted(message), Finished(asked["job"], [output], 0.0, there.rgb, figures)]
