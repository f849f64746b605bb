"""A run's folder: what was asked for, how it went, and where it stands.

RUN/settings.json       the settings, what was trained on, versions
RUN/metrics.jsonl       one line of figures every few steps
RUN/grids/              samples while it learns; the number is that of the images seen
RUN/checkpoints/        everything needed to go on, the last few
RUN/model/              the result, made to be given away
RUN/classifier/         what `scumble gan classify` found and made
RUN/best/               the same of the best state that was measured, where any was
RUN/tensorboard/        the figures again, where TensorBoard is installed
"""

import contextlib
import errno
import json
import math
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import filelock

from scumble import paths
from scumble.errors import RunError, reason
from scumble.storage.folder import FACTS, WEIGHTS, make, writing

# settings.json goes last: without it, nothing else would be known as ours.
OWN = ("metrics.jsonl", "grids", "checkpoints", "model", "best", "best.part", "classifier", "tensorboard", FACTS)


class Run:
    """The folder of a training run.

    Args:
        folder: where it is or will be; its parents are made.

    Raises:
        RunError: if there is something there that is no run, or it cannot be read or written.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.checkpoints = folder / "checkpoints"
        self.grids = folder / "grids"
        self.model = folder / "model"
        self.best = folder / "best"
        self.new_best = folder / "best.part"
        self._metrics = folder / "metrics.jsonl"

    def exists(self) -> bool:
        """Whether there is a run here, of whatever version. What a run that never began has left behind is none.

        Raises:
            RunError: if there is something else.
        """
        try:
            is_empty = self.folder.is_dir() and all(map(self._is_left, _visible(self.folder)))
            empty = not self.folder.exists() or is_empty
            is_run = (self.folder / FACTS).is_file() and not (self.folder / WEIGHTS).exists()
        except (OSError, ValueError) as error:
            raise RunError(f"{str(self.folder)[:200]!r} cannot be read: {reason(error)}") from error
        if not empty and not is_run:
            raise RunError(f"{self.folder} is no run; wanted a new or empty folder, or one of a run")
        return not empty

    def _is_left(self, path: Path) -> bool:
        """Whether this is what version 0.1 left of a run that found no room for its settings."""
        return path == self._metrics and path.stat().st_size == 0

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Keep other processes out while this one trains here. Where nothing came of it, nothing is left.

        Raises:
            RunError: if another one does already, or the folder cannot be made.
        """
        lock = filelock.FileLock(self.folder / ".lock", blocking=False, thread_local=False)  # whoever closes us lets go
        new = [folder for folder in (self.folder, *self.folder.parents) if not folder.exists()]
        make(self.folder)
        try:
            lock.acquire()
        except filelock.Timeout as error:
            raise RunError(f"another process is training in {self.folder}; wanted a run that is at rest") from error
        except OSError as error:
            raise RunError(f"{self.folder} cannot be written: {reason(error)}") from error
        try:
            yield
        finally:
            if not any(_visible(self.folder)):
                with contextlib.suppress(OSError):
                    Path(lock.lock_file).unlink(missing_ok=True)
                    for folder in new:
                        folder.rmdir()
            lock.release()

    def keep_best(self, save: Callable[[Path], None]) -> None:
        """Put a model in the place of the best one: whoever stops us finds the old or the new one, never half of each.

        Args:
            save: it into a folder, which is beside the best one's.

        Raises:
            RunError: if the folder cannot be written.
        """
        from scumble.storage.checkpoint import uninterrupted  # which imports torch

        with uninterrupted(), writing(self.best):
            shutil.rmtree(self.new_best, ignore_errors=True)
            save(self.new_best)
            shutil.rmtree(self.best, ignore_errors=True)
            self.new_best.rename(self.best)

    def clear(self) -> None:
        """Remove what earlier trainings left here, and nothing else.

        Raises:
            RunError: if something cannot be removed.
        """
        for name in OWN:
            path = self.folder / name
            with writing(path):
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink(missing_ok=True)

    def metrics(self) -> list[dict[str, Any]]:
        """The figures so far, a dictionary a line; lines that were cut short, or are none of ours, are left out.

        Raises:
            RunError: if they cannot be read.
        """
        try:
            lines = self._metrics.read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise RunError(f"{self._metrics} cannot be read: {reason(error)}") from error
        rows = []
        for line in lines:
            with contextlib.suppress(ValueError, RecursionError):
                rows.append(json.loads(line))
        return [row for row in rows if _is_figures(row)]

    def add_metrics(self, row: dict[str, Any]) -> None:
        """Append a line of figures, wholly or not at all."""
        line = (json.dumps(row, allow_nan=False) + "\n").encode()
        with writing(self._metrics), self._metrics.open("ab", buffering=0) as file:
            end = file.seek(0, os.SEEK_END)
            try:
                if file.write(line) < len(line):  # as a disk does that is full from here on
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            except OSError:
                file.truncate(end)
                raise

    def forget_metrics_after(self, images: int) -> None:
        """Drop figures of work that was lost and will be done again."""
        kept = [row for row in self.metrics() if row["images"] <= images]
        data = "".join(json.dumps(row) + "\n" for row in kept).encode()
        with writing(self._metrics):
            if data != (self._metrics.read_bytes() if self._metrics.exists() else b""):
                paths.write_atomically(self._metrics, data)


def _is_figures(row: Any) -> bool:
    """Whether a line is one of ours: how many images were seen, finite numbers by name, and perhaps words."""
    if not (isinstance(row, dict) and isinstance(row.get("images"), int) and row["images"] >= 0):
        return False
    numbers = (value for name, value in row.items() if name not in ("warnings", "changed"))
    return all(isinstance(value, int | float) and abs(value) < math.inf for value in numbers)


def _visible(folder: Path) -> Iterator[Path]:
    return (path for path in folder.iterdir() if not path.name.startswith("."))
