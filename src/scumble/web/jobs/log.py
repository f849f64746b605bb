"""The events of a job, one line each: only ever appended, numbered from 1 without a gap, and read while they grow.

A writer that is killed leaves a line that was cut short. Readers pass over it, and the next writer cuts it off.
"""

import json
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

Record = dict[str, Any]

TAIL_BYTES = 1 << 16
"""The last events are found in so much of a log's end: a record is a few hundred bytes."""


class EventWriter:
    """Appends to a log; for the one process that holds the job.

    Args:
        path: of the log, which is made if it is not there; what cannot be read at its end is cut off.
    """

    def __init__(self, path: Path):
        self._file = path.open("ab", buffering=0)
        whole, self.last = 0, 0
        for line in path.read_bytes().splitlines(keepends=True):
            if _record(line, self.last + 1) is None:
                break
            whole, self.last = whole + len(line), self.last + 1
        self._file.truncate(whole)

    def add(self, record: Record) -> int:
        """Append a record, and return its number.

        Raises:
            OSError: if it cannot be written; nothing of it stays.
        """
        line = json.dumps({"n": self.last + 1, "time": round(time.time(), 3)} | record) + "\n"
        end = self._file.seek(0, 2)
        try:
            data = line.encode()
            if self._file.write(data) < len(data):  # as a disk does that is full from here on
                raise OSError("there is no room for the job's events")
        except OSError:
            self._file.truncate(end)
            raise
        self.last += 1
        return self.last

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()


class EventReader:
    """Reads what is new in a log, again and again.

    Args:
        path: of the log, which need not be there yet.
        after: the number of the last event that is known already.
    """

    def __init__(self, path: Path, after: int = 0):
        self.path, self.after = path, after
        self._position, self._last = 0, 0

    def new(self) -> list[Record]:
        """All whole records since the last call."""
        try:
            with self.path.open("rb") as file:
                file.seek(self._position)
                data = file.read()
        except OSError:  # it has not begun, or was deleted
            return []
        found = []
        for line in data.splitlines(keepends=True):
            record = _record(line, self._last + 1)
            if record is None:
                break
            self._position, self._last = self._position + len(line), self._last + 1
            if self._last > self.after:
                found.append(record)
        return found


def latest(path: Path) -> list[Record]:
    """The last records of a log, as many as lie in its end."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - TAIL_BYTES))
            lines = file.read().splitlines(keepends=True)
    except OSError:
        return []
    records = (_record(line) for line in lines[size > TAIL_BYTES :])
    return [record for record in records if record is not None]


def _record(line: bytes, number: int | None = None) -> Record | None:
    """What a line holds; None where it is cut short, is none of ours, or has another number than this."""
    if not line.endswith(b"\n"):
        return None
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    fits = isinstance(record, dict) and number in (None, record.get("n"))
    return record if fits else None
