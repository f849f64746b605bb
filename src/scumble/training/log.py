"""A training's figures: averaged since the last line, written to metrics.jsonl, and to TensorBoard where it is."""

import contextlib
import time
from collections.abc import Sequence
from typing import Any

from scumble.errors import RunError
from scumble.storage.run import Run
from scumble.training.trainer import Trainer


class Log:
    """The lines of one training.

    Attributes:
        latest: the last line.
        diverged: whether the figures or the weights are no longer finite; no line is written then.
        trouble: why the last line could not be written, if so.
    """

    def __init__(self, run: Run, trainer: Trainer):
        self.run, self.trainer = run, trainer
        self.latest: dict[str, float] = {}
        self.unwritten: list[dict[str, Any]] = []  # what a full disk has put off
        self.trouble: RunError | None = None
        self.board = None
        with contextlib.suppress(ImportError, OSError):
            from torch.utils.tensorboard.writer import SummaryWriter

            self.board = SummaryWriter(str(run.folder / "tensorboard"), purge_step=trainer.images_seen + 1)
        self.restart()

    def restart(self) -> None:
        """Begin to count time anew."""
        self.since, self.images_since, self.pause = time.perf_counter(), self.trainer.images_seen, 0.0
        self.diverged = False

    def rest(self, seconds: float) -> None:
        """Time that went into other things than training, which the speed leaves out."""
        self.pause += seconds

    def write(self) -> None:
        """Add a line, unless the training has diverged."""
        trainer = self.trainer
        self.diverged, self.trouble = not trainer.is_finite(), None
        if self.diverged:
            return
        seconds = time.perf_counter() - self.since - self.pause
        self.latest = {}
        for update, figures in trainer.take_figures().items():
            if figures:  # an update that was not due has moved nothing since
                self.latest[f"loss_{update}"] = figures.pop("loss")
                self.latest |= figures
                self.latest[f"gradient_{update}"] = trainer.gradient_norm(update).item()
        self.latest["images_per_second"] = (trainer.images_seen - self.images_since) / seconds
        try:
            self.add(self.latest)
        except RunError as error:
            self.trouble = error
        self.restart()

    def add(self, figures: dict[str, float], warnings: Sequence[str] = ()) -> None:
        """Add a line of other figures, and what was warned of.

        Raises:
            RunError: if it cannot be written.
        """
        images = self.trainer.images_seen
        if self.board is not None:
            try:
                for name, value in figures.items():
                    self.board.add_scalar(name, value, images)
            except OSError:  # of its thread that writes, which ends with this
                self.board = None
        self._put({"images": images} | figures | ({"warnings": list(warnings)} if warnings else {}))

    def note(self, remark: dict[str, Any]) -> None:
        """Add a line that is none of figures; where it cannot be written now, it comes with the next one."""
        with contextlib.suppress(RunError):
            self._put({"images": self.trainer.images_seen} | remark)

    def _put(self, row: dict[str, Any]) -> None:
        self.unwritten.append(row)
        while self.unwritten:
            self.run.add_metrics(self.unwritten[0])
            self.unwritten.pop(0)

    def forget_after(self, images: int) -> None:
        """Drop the lines of work that was lost and will be done again."""
        self.run.forget_metrics_after(images)
        self.unwritten = [row for row in self.unwritten if row["images"] <= images]

    def close(self) -> None:
        """Write what is left, and what TensorBoard holds back."""
        with contextlib.suppress(RunError):
            while self.unwritten:
                self.run.add_metrics(self.unwritten.pop(0))
        if self.board is not None:
            with contextlib.suppress(OSError):
                self.board.close()
