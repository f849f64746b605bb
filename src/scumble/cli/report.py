"""What the user sees: results on stdout, everything else on stderr. The only module that prints.

On a terminal a bar shows the progress; elsewhere, a line now and then; with `--json`, every event is a line of JSON on
stdout, and nothing else is written there.
"""

import json
import time
from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.table import Table

from scumble.errors import ScumbleError
from scumble.events import Event, Finished, Noted, Preview, Progress, Saved, Started, Warned, as_json

SECONDS_BETWEEN_LINES = 10.0

console = Console(stderr=True, highlight=False, soft_wrap=True)


def error(message: str) -> None:
    """One line on stderr."""
    console.print(f"[red]scumble:[/red] {escape(message)}")


def say(message: str) -> None:
    """A line of results on stdout."""
    print(message)


def table(columns: list[str], rows: list[list[str]]) -> None:
    """A table of results on stdout."""
    grid = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        grid.add_row(*(escape(cell) for cell in row))
    Console(highlight=False).print(grid)


def data(value: dict[str, Any]) -> None:
    """One line of JSON on stdout."""
    print(json.dumps(value), flush=True)


def run(events: Iterator[Event], as_lines_of_json: bool = False, quiet: bool = False) -> None:
    """Follow a job to its end and show it.

    Stopping it, by Ctrl-C or by an error, closes the job first: it saves what it has.
    """
    show = _Json() if as_lines_of_json else _Quiet() if quiet else _Terminal() if console.is_terminal else _Lines()
    try:
        for event in events:
            show.event(event)
    except ScumbleError as failure:
        if as_lines_of_json:
            data({"event": "failed", "message": str(failure), "exit_code": failure.exit_code})
        raise
    except KeyboardInterrupt:
        show.close()
        getattr(events, "close", bool)()
        show.stopped()
        raise
    finally:
        show.close()


class _Quiet:
    """Results only; what the other ways of showing share."""

    def __init__(self) -> None:
        self.evaluations = 0

    def event(self, event: Event) -> None:
        if isinstance(event, Progress) and event.loss is not None:
            self.evaluations = event.done
        elif isinstance(event, Saved):
            say(str(event.path))

    def stopped(self) -> None:
        if self.evaluations:
            console.print(f"stopped after {self.evaluations} evaluations; an output holds the best picture so far")
        else:
            console.print("stopped before there was a picture")

    def close(self) -> None:
        pass


class _Json(_Quiet):
    def event(self, event: Event) -> None:
        if isinstance(event, Progress) and event.loss is not None:
            self.evaluations = event.done
        data(as_json(event))

    def stopped(self) -> None:
        data({"event": "stopped", "evaluations": self.evaluations})


class _Lines(_Quiet):
    """One plain line every few seconds, for log files and pipes."""

    def __init__(self) -> None:
        super().__init__()
        self.last_line = 0.0

    def event(self, event: Event) -> None:
        super().event(event)
        if isinstance(event, Progress):
            if time.monotonic() - self.last_line > SECONDS_BETWEEN_LINES or event.done == event.total:
                self.last_line = time.monotonic()
                loss = "" if event.loss is None else f", loss {event.loss:.6g}"
                console.print(f"{event.job}: {event.done} of {event.total}{loss}", markup=False)
        else:
            _remark(console, event)


class _Terminal(_Quiet):
    """A bar with the time left."""

    def __init__(self) -> None:
        super().__init__()
        self.bar: Bar | None = None
        self.task: Any = None

    def event(self, event: Event) -> None:
        if isinstance(event, Started):
            self.close()
            amount = DownloadColumn() if event.unit == "bytes" else MofNCompleteColumn()
            self.bar = Bar(
                TextColumn("{task.description}"),
                BarColumn(),
                amount,
                TextColumn("{task.fields[loss]}"),
                TimeRemainingColumn(),
                console=console,
            )
            self.task = self.bar.add_task(event.job, total=event.total or None, loss="")
            self.bar.start()
        elif isinstance(event, Progress) and self.bar is not None:
            loss = "" if event.loss is None else f"loss {event.loss:.5g}"
            self.bar.update(self.task, completed=event.done, loss=loss)
        else:
            _remark(console, event)
        if isinstance(event, Saved | Finished):
            self.close()
        super().event(event)

    def close(self) -> None:
        if self.bar is not None:
            self.bar.stop()
            self.bar = None


def _remark(target: Console, event: Event) -> None:
    if isinstance(event, Warned):
        target.print(f"[yellow]warning:[/yellow] {escape(event.message)}")
    elif isinstance(event, Noted):
        target.print(event.message, markup=False)
    elif isinstance(event, Preview):
        pass  # the file it was written to is on the screen already, or nobody looks
    elif isinstance(event, Finished):
        target.print(f"{event.evaluations} evaluations in {event.seconds:.1f} s, loss {event.loss:.6g}", markup=False)
