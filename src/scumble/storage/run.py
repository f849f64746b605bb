"""A run's folder: what was asked for, how it went, and where it stands.

RUN/settings.json       the settings, what was trained on, versions
RUN/metrics.jsonl       one line of figures every few steps
RUN/grids/              samples while it learns; the number is that of the images seen
RUN/checkpoints/        everything needed to go on, the last few
RUN/model/              the result, made to be given away
RUN/tensorboard/        the figures again, where TensorBoard is installed
"""

import contextlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import filelock

from scumble import paths
from scumble.errors import RunError, reason

FORMAT_VERSION = 1
OWN = ("settings.json", "metrics.jsonl", "grids", "checkpoints", "model", "tensorboard")


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
        self._metrics = folder / "metrics.jsonl"
        self._settings = folder / "settings.json"

    def facts(self) -> dict[str, Any] | None:
        """What settings.json holds; None where there is no run yet.

        Raises:
            RunError: if the folder holds something else, or a run of another version.
        """
        try:
            if not self._settings.exists():
                if self.folder.exists() and (not self.folder.is_dir() or any(_visible(self.folder))):
                    raise RunError(f"{self.folder} is no run; wanted a new or empty folder, or one of a run")
                return None
            facts = json.loads(self._settings.read_text(encoding="utf-8"))
            version = facts["format_version"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RunError(f"{self._settings} cannot be read: {reason(error)}") from error
        if version != FORMAT_VERSION:
            raise RunError(
                f"{self.folder} is a run of format {version}; this version reads format {FORMAT_VERSION}",
                "use another --run, or --fresh to start over",
            )
        return facts

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Keep other processes out while this one trains here.

        Raises:
            RunError: if another one does already, or the folder cannot be made.
        """
        lock = filelock.FileLock(self.folder / ".lock", blocking=False, thread_local=False)  # whoever closes us lets go
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except filelock.Timeout as error:
            raise RunError(f"another process is training in {self.folder}; wanted a run that is at rest") from error
        except OSError as error:
            raise RunError(f"the run {self.folder} cannot be written: {reason(error)}") from error
        try:
            yield
        finally:
            lock.release()

    def clear(self) -> None:
        """Remove what earlier trainings left here, and nothing else."""
        for name in OWN:
            path = self.folder / name
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def write_facts(self, facts: dict[str, Any]) -> None:
        """Write settings.json."""
        text = json.dumps({"format_version": FORMAT_VERSION} | facts, indent=2) + "\n"
        with _writing(self._settings):
            paths.write_atomically(self._settings, text.encode())

    def metrics(self) -> list[dict[str, Any]]:
        """The figures so far, a dictionary a line; a last line that was cut short is left out."""
        if not self._metrics.exists():
            return []
        rows = []
        for line in self._metrics.read_text(encoding="utf-8").splitlines():
            with contextlib.suppress(ValueError):
                rows.append(json.loads(line))
        return rows

    def add_metrics(self, row: dict[str, Any]) -> None:
        """Append a line of figures."""
        with _writing(self._metrics), self._metrics.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row, allow_nan=False) + "\n")

    def forget_metrics_after(self, images: int) -> None:
        """Drop figures of work that was lost and will be done again."""
        kept = [row for row in self.metrics() if row["images"] <= images]
        with _writing(self._metrics):
            paths.write_atomically(self._metrics, "".join(json.dumps(row) + "\n" for row in kept).encode())


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RunError(f"{path} cannot be written: {reason(error)}") from error


def _visible(folder: Path) -> Iterator[Path]:
    return (path for path in folder.iterdir() if not path.name.startswith("."))
