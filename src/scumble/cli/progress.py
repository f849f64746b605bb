"""How far a work is, in words and as a bar; `report` prints it.

What is counted is the whole work, whatever its parts: all scales of a picture, all pictures of a batch.
"""

import datetime
from typing import TYPE_CHECKING

from scumble.events import Finished, Progress

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bar

FIGURES = {"d_real": "D(x)", "d_fake": "D(G(z))", "images_per_second": "images/s"}
"""Of those that come with a training's progress, what is shown beside the bar."""

OF_PAINTING = ("evaluations", "loss")
"""Figures that only those will want to know who look closely."""

SHARES = ("evaluations", "pixels")
"""Units that mean nothing to those who wait: what is done of them is a percentage."""


class Pace:
    """How fast a job of this unit of work is, from its first progress on: it may have gone on with an earlier one."""

    def __init__(self, unit: str):
        self.unit = unit
        self.first: tuple[float, int] | None = None

    def left(self, event: Progress, now: float) -> list[str]:
        """The time left, at the pace of all that was done so far; nothing where there is no pace yet.

        Args:
            event: the latest progress.
            now: in seconds, of any clock.

        Example:
            >>> pace = Pace("pictures")
            >>> pace.left(Progress("look", 10, 100), 5.0), pace.left(Progress("look", 40, 100), 65.0)
            ([], ['0:02:00 left'])
        """
        began, before = self.first = self.first or (now, event.done)
        if not before < event.done < event.total:
            return []
        seconds = (now - began) / (event.done - before) * (event.total - event.done)
        return [f"{datetime.timedelta(seconds=round(seconds))} left"]


def share(done: int, total: int, unit: str) -> str:
    """What is done of a work; all of it only when it is.

    Example:
        >>> share(1, 3, "pictures"), share(199, 200, "evaluations"), share(3, 3, "evaluations")
        ('1 of 3 pictures', '99%', '100%')
    """
    return f"{100 * done // max(total, 1)}%" if unit in SHARES else f"{done} of {total} {unit}".rstrip()


def bar(unit: str, console: "Console") -> "Bar":
    """A bar with the time left."""
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        ProgressColumn,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as Bar

    amount: ProgressColumn = MofNCompleteColumn()
    if unit in SHARES:
        amount = TaskProgressColumn()
    elif unit == "bytes":
        amount = DownloadColumn()
    return Bar(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        amount,
        TextColumn("{task.fields[figures]}", markup=False),
        TimeRemainingColumn(),
        console=console,
    )


def figures(event: Progress, verbose: bool) -> list[str]:
    """What stands beside the bar."""
    if event.loss is not None:
        return [f"loss {event.loss:.6g}"] if verbose else []
    return [f"{label} {event.terms[name]:.3g}" for name, label in FIGURES.items() if name in event.terms]


def results(event: Finished, verbose: bool) -> list[str]:
    """What a job came to, in numbers."""
    numbers = {name: value for name, value in event.figures.items() if isinstance(value, int | float)}
    return [
        f"{name.replace('_', ' ')} {f'{value:,}' if isinstance(value, int) else f'{value:.6g}'}"
        for name, value in numbers.items()
        if verbose or name not in OF_PAINTING
    ]
