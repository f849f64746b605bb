"""The cache of what was made from pictures: what is in it, and how it is emptied. Nothing heavy is imported here.

Everything in it is made again when it is needed; nothing is ever read from it that was not written whole.
"""

import contextlib
import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import filelock

from scumble import paths
from scumble.errors import DataError, reason

FEATURES = "features for evaluation"
UNFINISHED = "unfinished"


@dataclass(frozen=True)
class Entry:
    """Something in the cache.

    Attributes:
        name: of the pictures that it was made from.
        pictures: how many; None if that is not known.
        bytes_: on the disk.
        days: since it was written.
        files: that it consists of.
    """

    name: str
    pictures: int | None
    bytes_: int
    days: int
    files: tuple[Path, ...]


def entries() -> list[Entry]:
    """Everything that can be removed, by name: prepared pictures, what was left unfinished, and features.

    Raises:
        DataError: if the cache cannot be read.
    """
    folder = paths.cache_folder()
    try:
        found = [_prepared(path) for path in sorted((folder / "data").glob("*.npy"))]
        left = [path for path in (folder / "data").glob("*") if path.suffix in (".part", ".json", ".lock")]
        taken = {path for entry in found for path in entry.files}
        if left := [path for path in left if path not in taken]:
            found.append(_entry(UNFINISHED, None, left))
        if features := [path for path in (folder / "features").rglob("*") if path.is_file()]:
            found.append(_entry(FEATURES, None, features))
    except OSError as error:
        raise DataError(f"the cache in {folder} cannot be read: {reason(error)}") from error
    return found


def clear(name: str | None = None) -> list[Entry]:
    """Remove what is called `name`, or everything; tells what was removed. What is being made right now stays.

    Raises:
        DataError: if there is nothing of that name, or something cannot be removed.
    """
    known = entries()
    chosen = [entry for entry in known if name in (None, entry.name)]
    if name is not None and not chosen:
        names = ", ".join(sorted({entry.name for entry in known})) or "nothing"
        raise DataError(f"the cache holds nothing called {name!r}; it holds {names}")
    removed = [entry for entry in chosen if _remove(entry)]
    with contextlib.suppress(OSError):
        if not [entry for entry in entries() if entry.name == FEATURES]:
            shutil.rmtree(paths.cache_folder() / "features", ignore_errors=True)  # folders without files
    return removed


def _remove(entry: Entry) -> bool:
    """Whether it was removed: not if another process is at work on it."""
    locks = {path.with_suffix("").with_suffix(".lock") for path in entry.files} if entry.name != FEATURES else set()
    removed = False
    try:
        if not locks:
            for path in entry.files:
                path.unlink(missing_ok=True)
            return True
        for lock in sorted(locks):
            with contextlib.suppress(filelock.Timeout), filelock.FileLock(lock).acquire(blocking=False):
                for path in entry.files:
                    if path.name.startswith(lock.stem) and path != lock:
                        path.unlink(missing_ok=True)
                        removed = True
                lock.unlink(missing_ok=True)
    except OSError as error:
        raise DataError(f"{entry.files[0]} cannot be removed: {reason(error)}", "a training may be using it") from error
    return removed


def _prepared(path: Path) -> Entry:
    about = path.with_suffix(".json")
    name, pictures = "?", None
    with contextlib.suppress(OSError, ValueError, LookupError, TypeError, ArithmeticError, RecursionError):
        told = json.loads(about.read_bytes())
        name, pictures = str(told["source"]), int(told["count"])
    files = [one for one in (path, about, path.with_suffix(".lock")) if one.exists()]
    return _entry(name, pictures, files)


def _entry(name: str, pictures: int | None, files: list[Path]) -> Entry:
    status = [path.stat() for path in files]
    newest = max(one.st_mtime for one in status)
    days = max(0, int((time.time() - newest) // 86400))
    return Entry(name, pictures, sum(one.st_size for one in status), days, tuple(files))
