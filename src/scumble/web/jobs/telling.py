"""What a worker writes down of a job's events: fewer of them, small pictures, and no places on this machine."""

import dataclasses
import io
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from scumble import events, paths
from scumble.events import Event, Finished, Preview, Progress
from scumble.web.jobs import log
from scumble.web.jobs.folder import JobFolder
from scumble.web.jobs.states import State

PROGRESS_SECONDS = 0.25
SHARE = 1 / 2000
"""Of the time that a job has taken, what lies between two records of its progress: a log of days stays readable."""

PREVIEW_SIDE, FRAME_SIDE = 1024, 640
MOST_FRAMES = 48
"""When there are more, every other one goes, and from then on they come half as often."""


class Teller:
    """Tells of one job, in one worker.

    Args:
        job: its folder.
        writer: of its log.
    """

    def __init__(self, job: JobFolder, writer: log.EventWriter):
        self.job, self.writer = job, writer
        self.began = time.monotonic()
        self.next_progress = 0.0
        self.is_further = False
        before = (record for record in log.EventReader(job.log).new() if record.get("event") == "progress")
        self.furthest: dict[str, int] = {record["job"]: record["done"] for record in before}
        self.first: dict[str, tuple[float, int]] = {}
        self.shown, self.every = 0, 1
        given = {str(one) for inputs in job.inputs.values() for one in inputs if Path(one).is_absolute()}
        self._names = {f"{job.path}{os.sep}": ""} | {
            place: Path(place).name for place in sorted(given, key=len, reverse=True) if Path(place).name
        }

    def tell(self, event: Event) -> bool:
        """Write an event down; returns whether this worker has just got further than those before it, once.

        Raises:
            OSError: if it cannot be written.
        """
        if isinstance(event, Preview | Finished):
            self._show(event.picture)
        record = events.as_json(event)
        if isinstance(event, Preview) and event.path is None:
            record["path"] = self.job.preview.name
        if isinstance(event, Progress):
            now = time.monotonic()
            if now < self.next_progress and event.done < event.total:
                return False
            self.next_progress = now + max(PROGRESS_SECONDS, SHARE * (now - self.began))
            record["seconds_left"] = self._seconds_left(event, now)
        self._add(record)
        if isinstance(event, Progress) and not self.is_further and event.done > self.furthest.get(event.job, 0):
            self.is_further = True
            return True
        return False

    def tell_state(self, state: State) -> None:
        """Write down how the job stands."""
        self._add({"event": "state", "state": state.state, "message": state.message})

    def tell_result(self, value: Any) -> None:
        """Write down what a job returns, as far as it is plain data: the figures of an evaluation, and the like."""
        if (data := _as_data(value)) is not None:
            self._add({"event": "returned", "value": data})

    def without_places(self, text: str) -> str:
        """A text in which files are called as in the job's folder, and inputs from elsewhere by their names."""
        for place, name in self._names.items():
            text = text.replace(place, name)
        return text

    def _add(self, record: log.Record) -> None:
        self.writer.add(self._relative(record))

    def _relative(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.without_places(value)
        if isinstance(value, list):
            return [self._relative(one) for one in value]
        return {name: self._relative(one) for name, one in value.items()} if isinstance(value, dict) else value

    def _seconds_left(self, event: Progress, now: float) -> float | None:
        """At the pace of this worker so far; None where there is no pace yet."""
        began, before = self.first.setdefault(event.job, (now, event.done))
        if not before < event.done <= event.total:
            return None
        return round((now - began) / (event.done - before) * (event.total - event.done), 1)

    def _show(self, picture: Image.Image) -> None:
        """Make it the preview, and keep it among the frames if it is its turn."""
        _write(picture, self.job.preview, PREVIEW_SIDE)
        self.shown += 1
        if self.shown % self.every:
            return
        frames = sorted(self.job.frames.glob("*.jpg"))
        number = int(frames[-1].stem) + 1 if frames else 1
        _write(picture, self.job.frames / f"{number:06}.jpg", FRAME_SIDE)
        if len(frames) >= MOST_FRAMES:
            self.every *= 2
            for frame in frames[1::2]:
                frame.unlink(missing_ok=True)


def _write(picture: Image.Image, path: Path, side: int) -> None:
    """Write a small JPEG of a picture, whole or not at all."""
    small = picture.convert("RGB")
    small.thumbnail((side, side))
    data = io.BytesIO()
    small.save(data, "JPEG", quality=88)
    paths.write_atomically(path, data.getvalue())


def _as_data(value: Any) -> Any:
    """A value as JSON holds it: records become objects; what has no such form is left out."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(name): _as_data(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_as_data(one) for one in value]
    return events.plain(value) if isinstance(value, str | int | float | Path) else None
