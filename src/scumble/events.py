"""What a long job tells while it runs: small frozen records, yielded by a generator.

The progress bar, `--json`, a web page and the tests all read the same events. To cancel a job, stop iterating and close
the generator: it saves what it has.
"""

import dataclasses
import math
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from PIL.Image import Image


@dataclass(frozen=True)
class Started:
    """A job, or a part of one, begins: `total` units of work lie ahead."""

    job: str
    total: int
    unit: str


@dataclass(frozen=True)
class Progress:
    """`done` of `total` units are done; `loss` and its weighted `terms` are those of the last evaluation."""

    job: str
    done: int
    total: int
    loss: float | None = None
    terms: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Noted:
    """Something worth knowing: a choice that was made, and why."""

    message: str


@dataclass(frozen=True)
class Warned:
    """Something went wrong and was dealt with."""

    message: str


@dataclass(frozen=True)
class Detailed(Noted):
    """Something that only those will want to know who look closely, such as each scale that is worked at."""


@dataclass(frozen=True)
class Planned(Noted):
    """What a picture will take: its size in pixels, the tiles it is worked in, and the memory of the whole process.

    Both times are None where nobody asked and the work is short. `core_seconds` are what one core would take that has
    nothing else to do; None on a GPU.
    """

    width: int
    height: int
    tiles: int
    memory_bytes: int
    seconds: float | None = None
    core_seconds: float | None = None


@dataclass(frozen=True)
class Estimated(Noted):
    """What a batch will take: pictures to be painted, those that are there already, memory, and the times of all."""

    pictures: int
    there_already: int
    memory_bytes: int
    seconds: float
    core_seconds: float | None


@dataclass(frozen=True)
class Preview:
    """The picture so far, at its full size, after `done` evaluations."""

    done: int
    picture: Image
    path: Path | None = None


@dataclass(frozen=True)
class Saved:
    """A file was written whole."""

    path: Path


@dataclass(frozen=True)
class Finished:
    """The job is done; the last event of every job that was not cancelled.

    `figures` are what the job is about, such as its "evaluations" and its "loss"; `picture` is the result, or a
    sheet of results.
    """

    job: str
    outputs: list[Path]
    seconds: float
    picture: Image
    figures: dict[str, Any]


Result = TypeVar("Result")

Event = Started | Progress | Noted | Warned | Preview | Saved | Finished


def returned(events: Generator[Event, None, Result]) -> Result:
    """Run a job to its end, whatever it tells on the way, and return what it returns."""
    while True:
        try:
            next(events)
        except StopIteration as end:
            return end.value


def duration(seconds: float) -> str:
    """A time that is known about, to be read.

    Example:
        >>> duration(0.2), duration(42), duration(125), duration(4000)
        ('1 s', '42 s', '2 min', '1 h 07 min')
    """
    if seconds < 100:
        return f"{max(round(seconds), 1)} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def as_json(event: Event) -> dict[str, Any]:
    """The event as plain data, its kind first under "event"; figures stand beside the rest.

    Pictures are left out, and numbers that are not finite become None.

    Example:
        >>> as_json(Noted("float32 on the CPU"))
        {'event': 'noted', 'message': 'float32 on the CPU'}
    """
    values = {f.name: getattr(event, f.name) for f in dataclasses.fields(event)}
    values |= values.pop("figures", {})
    return {"event": type(event).__name__.lower()} | {
        name: plain(value) for name, value in values.items() if not isinstance(value, Image)
    }


def plain(value: Any) -> Any:
    """A value as JSON holds it: paths become texts, and numbers that are not finite become None."""
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None  # JSON has no word for it
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    return value
