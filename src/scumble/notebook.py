"""In a notebook, a job shows itself: how far it is, and the picture so far, both updated in their place.

IPython is never imported: where a notebook's kernel runs, it is there already. Anywhere else nothing is shown.
"""

import base64
import html
import importlib
import io
import sys
import time
from collections.abc import Generator
from typing import Any, TypeVar

from PIL import Image

from scumble.events import Event, Finished, Preview, Progress, Started, Warned, duration

T = TypeVar("T")

SECONDS_BETWEEN_UPDATES = 0.25
LARGEST_PREVIEW = 640
"""Pixels of a preview's longer side: it travels to the browser as text inside the page."""


def is_running() -> bool:
    """Whether this is a notebook's kernel, rather than a terminal or a program."""
    ipython = sys.modules.get("IPython")
    return hasattr(getattr(ipython, "get_ipython", lambda: None)(), "kernel")


def shown(events: Generator[Event, None, T], keep: bool = False) -> Generator[Event, None, T]:
    """The same events, which return the same; in a notebook, with what they tell shown below the cell.

    Args:
        events: of a job.
        keep: whether its picture stays there in the end: where what the job is called for is none that shows itself.
    """
    if not is_running():
        return (yield from events)
    view = _View(keep)
    try:
        while True:
            try:
                event = next(events)
            except StopIteration as end:
                view.close("")
                return end.value
            view.event(event)
            yield event
    finally:
        view.close("stopped")
        events.close()


class _View:
    """One place below the cell: a line for the work at hand, what was warned of, and the latest preview."""

    def __init__(self, keep: bool) -> None:
        self.keep = keep
        self.handle: Any = None
        self.started, self.begun_at, self.first = time.monotonic(), time.monotonic(), 0
        self.work = Started("", 0, "")
        self.latest = Progress("", 0, 0)
        self.warnings: list[str] = []
        self.preview: Image.Image | None = None
        self.finished: Finished | None = None
        self.updated = self.closed = 0.0

    def event(self, event: Event) -> None:
        match event:
            case Started():
                self.work, self.begun_at = event, time.monotonic()
                self.latest = Progress(event.job, 0, event.total)
            case Progress():
                if not self.latest.done:
                    self.first, self.begun_at = event.done, time.monotonic()  # a resumed job has done some of it before
                self.latest = event
            case Preview(picture=picture):
                self.preview = picture
            case Warned(message):
                self.warnings.append(message)
            case Finished():
                self.finished = event
        if time.monotonic() - self.updated > SECONDS_BETWEEN_UPDATES:
            self._update()

    def close(self, how: str) -> None:
        """The last word."""
        if not self.closed:
            self.closed = time.monotonic()
            self.preview = self.finished.picture if self.finished and self.keep else None
            self.work = Started(how, 0, "") if how else self.work
            if self.handle is not None or self.warnings:
                self._update()

    def _update(self) -> None:
        self.updated = time.monotonic()
        bundle = {"text/plain": "\n".join([self._line(), *self.warnings]), "text/html": self._html()}
        if self.handle is None:
            display = importlib.import_module("IPython.display").display
            self.handle = display(bundle, raw=True, display_id=True)
        else:
            self.handle.update(bundle, raw=True)

    def _line(self) -> str:
        """Such as: stylize: 120 of 280 evaluations, loss 1.23e+04, about 9 s left."""
        done, total = self.latest.done, self.latest.total
        if self.closed:
            seconds = f"{self.closed - self.started:.1f} s"
            job = self.finished.job if self.finished else self.work.job
            return f"{job}: {seconds}" if job else seconds
        parts = [f"{self.work.job}: {done:,} of {total:,} {self.work.unit}"]
        if self.latest.loss is not None:
            parts.append(f"loss {self.latest.loss:.4g}")
        else:
            parts += [f"{name.replace('_', ' ')} {value:.3g}" for name, value in self.latest.terms.items()]
        if done > self.first:
            left = (time.monotonic() - self.begun_at) * (total - done) / (done - self.first)
            parts.append(f"about {duration(left)} left")
        return ", ".join(parts)

    def _html(self) -> str:
        lines = [f"<div>{html.escape(self._line())}</div>"]
        if not self.closed:
            lines.append(f'<progress value="{self.latest.done}" max="{max(1, self.latest.total)}"></progress>')
        lines += [f"<div><b>{html.escape(warning)}</b></div>" for warning in self.warnings]
        if self.preview is not None:
            lines.append(f'<div><img src="data:image/jpeg;base64,{_jpeg(self.preview)}"></div>')
        return "\n".join(lines)


def _jpeg(picture: Image.Image) -> str:
    """A small copy, in base64."""
    small = picture.convert("RGB")
    small.thumbnail((LARGEST_PREVIEW, LARGEST_PREVIEW))
    file = io.BytesIO()
    small.save(file, "JPEG", quality=85)
    return base64.b64encode(file.getvalue()).decode()
