"""What the user sees: results on stdout, everything else on stderr. The only module that prints.

On a terminal a bar shows the progress; elsewhere, a line now and then; with `--json`, every event is a line of JSON on
stdout, and nothing else is written there. What draws bars and colours is imported for those alone.
"""

import contextlib
import gc
import json
import os
import sys
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from scumble.cli import progress, terminal
from scumble.errors import ScumbleError, reason
from scumble.events import Detailed, Event, Finished, Noted, Preview, Progress, Saved, Started, Warned, as_json, plain

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

T = TypeVar("T")

SECONDS_BETWEEN_LINES = 10.0


def error(message: str) -> None:
    """One line on stderr, whatever is in the names of files."""
    terminal.tell("".join(character if character.isprintable() else "?" for character in message), "scumble:", "red")


def visible(text: str) -> str:
    """A text out of a file, or a file's name, that does nothing to the terminal: what cannot be printed is escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def say(message: str) -> None:
    """A line of results on stdout."""
    try:
        print(message, flush=True)
    except BrokenPipeError:
        raise
    except OSError as failure:
        raise ScumbleError(f"standard output cannot be written to: {reason(failure)}") from failure


def saved(path: Path, as_json_line: bool = False) -> None:
    """A file that was written: its name, or the event, on stdout."""
    if as_json_line:
        data(as_json(Saved(path)))
    else:
        # A program that reads our output needs the name as it is.
        say(visible(str(path)) if _to_terminal() else str(path))


def table(columns: list[str], rows: list[list[str]]) -> None:
    """A table of results on stdout."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    grid = Table(box=None, pad_edge=False, show_header=any(columns))
    for column in columns:
        grid.add_column(column, overflow="fold")
    for row in rows:
        grid.add_row(*(escape(visible(cell)) for cell in row))
    # Nothing is cut or wrapped for a pipe.
    output = Console(highlight=False, emoji=False, width=None if _to_terminal() else 1000)
    with output.capture() as text:
        output.print(grid)
    say("\n".join(line.rstrip() for line in text.get().splitlines()))


def data(value: dict[str, Any]) -> None:
    """One line of JSON on stdout."""
    say(json.dumps(plain(value), allow_nan=False))


def _to_terminal() -> bool:
    return sys.stdout is not None and sys.stdout.isatty()


def begin(message: str, as_lines_of_json: bool = False, quiet: bool = False) -> None:
    """Say what is going to be done, before anything is imported that takes seconds."""
    if not follows():
        _way(as_lines_of_json, quiet)(None).event(Noted(message))


def follows() -> bool:
    """Whether this is one of several processes that torchrun has started, and not the first of them."""
    return "TORCHELASTIC_RUN_ID" in os.environ and os.environ.get("RANK") != "0"


@contextlib.contextmanager
def starting(quiet: bool = False) -> Iterator[None]:
    """Say on a terminal, and not in silence, that the engine is loaded: its imports, inside, take seconds.

    They are quicker without the garbage collector. All that they make stays to the end, which is quicker, too, if the
    collector does not look through it once more.
    """
    shown = terminal.is_terminal() and not quiet
    if shown:
        terminal.console().print("loading PyTorch", end="\r")
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
        if shown:
            from rich.control import Control
            from rich.segment import ControlType

            terminal.console().control(Control((ControlType.ERASE_IN_LINE, 2)))


class Kept(NamedTuple):
    """What is left of a job that is stopped after it made its first progress, and how to say so."""

    job: str
    unit: str
    output: Path
    words: str


def run(
    events: Generator[Event, None, T],
    as_lines_of_json: bool = False,
    quiet: bool = False,
    kept: Kept | None = None,
    verbose: bool = False,
) -> T:
    """Follow a job to its end, show it, and return what it returns.

    Stopping it by Ctrl-C closes the job first: it saves what it has.

    Args:
        events: the job.
        as_lines_of_json: print every event, and nothing else.
        quiet: print results only.
        kept: what there is when the job is stopped.
        verbose: show the loss, and whatever else takes a closer look.
    """
    show = _way(as_lines_of_json, quiet)(kept, verbose)
    try:
        with contextlib.closing(events):
            while True:
                try:
                    event = next(events)
                except StopIteration as end:
                    return end.value
                show.event(event)
    except KeyboardInterrupt:
        show.close()
        show.stopped()
        raise
    finally:
        show.close()


def _way(as_lines_of_json: bool, quiet: bool) -> "type[_Quiet]":
    return _Json if as_lines_of_json else _Quiet if quiet else _Terminal if terminal.is_terminal() else _Lines


class _Quiet:
    """Results only; what the other ways of showing share."""

    def __init__(self, kept: Kept | None, verbose: bool = False):
        self.kept = kept
        self.verbose = verbose
        self.latest: Progress | None = None  # of the job that leaves something; it may still be less than one unit

    def count(self, event: Event) -> None:
        if isinstance(event, Progress) and self.kept is not None and event.job == self.kept.job:
            self.latest = event

    def event(self, event: Event) -> None:
        self.count(event)
        if isinstance(event, Saved):
            saved(event.path)

    def stopped(self) -> None:
        if self.latest and self.kept:
            _, unit, output, words = self.kept
            done = progress.share(self.latest.done, self.latest.total, unit)
            terminal.tell(visible(f"stopped after {done}: {words} {output}"))
        else:
            terminal.tell("stopped")

    def close(self) -> None:
        pass


class _Json(_Quiet):
    def event(self, event: Event) -> None:
        self.count(event)
        data(as_json(event))

    def stopped(self) -> None:
        outputs = [str(self.kept.output)] if self.latest and self.kept else []
        unit = self.kept.unit if self.kept else "done"
        data({"event": "stopped", "outputs": outputs, unit: self.latest.done if self.latest else 0})


class _Lines(_Quiet):
    """One plain line every few seconds, for log files and pipes; none of work that has no middle."""

    def __init__(self, kept: Kept | None, verbose: bool = False):
        super().__init__(kept, verbose)
        self.last_line = 0.0
        self.pace = progress.Pace("")

    def event(self, event: Event) -> None:
        super().event(event)
        if isinstance(event, Started):
            self.pace = progress.Pace(event.unit)
        elif isinstance(event, Progress):
            if event.total == 1:
                return
            now = time.monotonic()
            left = self.pace.left(event, now)
            if now - self.last_line > SECONDS_BETWEEN_LINES or event.done == event.total:
                self.last_line = now
                done = progress.share(event.done, event.total, self.pace.unit)
                parts = (f"{event.job}: {done}", *left, *progress.figures(event, self.verbose))
                terminal.tell(", ".join(parts))
        else:
            _remark(event, self.verbose)


class _Terminal(_Quiet):
    """A bar with the time left, of work that has a middle."""

    def __init__(self, kept: Kept | None, verbose: bool = False):
        super().__init__(kept, verbose)
        self.bar: Bar | None = None
        self.task: Any = None

    def event(self, event: Event) -> None:
        if isinstance(event, Started):
            self.close()
            if event.total == 1:
                return
            self.bar = progress.bar(event.unit, terminal.console())
            self.task = self.bar.add_task(event.job, total=event.total or None, figures="")
            self.bar.start()
        elif isinstance(event, Progress) and self.bar is not None:
            self.bar.update(self.task, completed=event.done, figures="  ".join(progress.figures(event, self.verbose)))
        elif isinstance(event, Saved) and self.bar is not None:
            # While there is a bar, rich takes what is meant for standard output to the terminal.
            self.bar.live.transient = True
            self.bar.stop()
            super().event(event)
            self.bar.start()
            return
        elif isinstance(event, Finished) and self.bar is not None:
            self.bar.update(self.task, completed=self.bar.tasks[0].total)  # a scale may have ended early
            self.close()
            _remark(event, self.verbose)
        else:
            _remark(event, self.verbose, self.bar)
        super().event(event)

    def close(self) -> None:
        if self.bar is not None:
            self.bar.live.transient = False
            self.bar.stop()
            self.bar = None


def _remark(event: Event, verbose: bool, beside: "Bar | None" = None) -> None:
    if isinstance(event, Warned):
        terminal.tell(visible(event.message), "warning:", "yellow", beside)
    elif isinstance(event, Detailed) and not verbose:
        pass
    elif isinstance(event, Noted):
        terminal.tell(visible(event.message), beside=beside)
    elif isinstance(event, Preview):
        pass  # the file it was written to is on the screen already, or nobody looks
    elif isinstance(event, Finished):
        terminal.tell(", ".join((*progress.results(event, verbose), f"{event.seconds:.1f} seconds")))
