"""What may be chosen on this machine, by ids: data sets, models and tables of labels.

| id                | stands for                                                                            |
|-------------------|---------------------------------------------------------------------------------------|
| `builtin:digits`  | pictures that are always at hand                                                      |
| `root:0/cats/big` | what lies there in the first of the folders that whoever started the page has allowed |
| `zip:SHA256`      | an archive that was uploaded                                                          |
| `job:ID`          | what a job has made: the run of a training, a classifier, a table of labels           |
| `labels:ID`       | labels that were given by clicking                                                    |

No part of an id is ever joined to a path: it is looked for among the names that are there. What a link leads to has to
lie in an allowed folder too.
"""

import contextlib
import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from scumble.data.sources.names import SUFFIXES, is_hidden, is_system
from scumble.errors import ScumbleError, SettingsError, reason
from scumble.web.jobs.folder import ID, JobFolder
from scumble.web.settings import WebSettings

BUILT_IN = {
    "digits": "1,797 handwritten digits, 8 x 8 and grey: a training takes minutes",
    "shapes": "4,096 discs, squares and triangles, 64 x 64, drawn by scumble",
}
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".npz", ".npy")
"""The files that are data sets; `scumble.data.sources.opener` reads them."""
SHA256 = re.compile(r"[0-9a-f]{64}")
LABELS = re.compile(r"[0-9a-f]{16}")
MADE = {"train": "run", "classify": "classifier", "label": "labels.csv"}
"""Within a job's folder `result`."""
MAX_LISTED = 500
MAX_DEPTH, MAX_FOLDERS = 5, 3000
"""Of a search for models: how far down, and among how many folders."""


def resolve(name: str, settings: WebSettings) -> str:
    """What an id stands for, as the library takes it: a path, or the name of a built-in set.

    Args:
        name: the id.
        settings: of the page: its folder, and those that are allowed.

    Raises:
        SettingsError: if there is nothing of that name.

    Example:
        >>> resolve("builtin:digits", WebSettings())
        'digits'
    """
    kind, _, rest = name.partition(":")
    found = KINDS[kind](rest, settings) if kind in KINDS else None
    if found is None:
        raise SettingsError(f"{name[:100]!r} is not there any more, or was never; choose another")
    return str(found.absolute()) if isinstance(found, Path) else found


def _built_in(rest: str, settings: WebSettings) -> str | None:
    del settings
    return rest if rest in BUILT_IN else None


def _in_root(rest: str, settings: WebSettings) -> Path | None:
    number, *parts = rest.split("/")
    allowed = settings.data
    if not re.fullmatch(r"[0-9]{1,3}", number) or int(number) >= len(allowed) or len(parts) > 64:
        return None
    here = allowed[int(number)]
    for part in parts:
        entry = next((entry for entry in _entries(here) if entry.name == part), None)
        if entry is None or not _is_inside(entry.path, allowed):
            return None
        here = Path(entry.path)
    return here if here.exists() else None


def _in_zips(rest: str, settings: WebSettings) -> Path | None:
    return next((settings.home / "data" / rest).glob("*.zip"), None) if SHA256.fullmatch(rest) else None


def _of_job(rest: str, settings: WebSettings) -> Path | None:
    if not ID.fullmatch(rest):
        return None
    job = JobFolder(settings.home / "jobs" / rest)
    path = job.result / MADE.get(str(job.facts["kind"]), "none")
    return path if path.exists() else None


def _of_labels(rest: str, settings: WebSettings) -> Path | None:
    path = settings.home / "labels" / rest / "labels.csv"
    return path if LABELS.fullmatch(rest) and path.is_file() else None


KINDS: dict[str, Callable[[str, WebSettings], Path | str | None]] = {
    "builtin": _built_in,
    "root": _in_root,
    "zip": _in_zips,
    "job": _of_job,
    "labels": _of_labels,
}


def read_json(path: Path) -> dict[str, Any]:
    """A file of ours; nothing if it is not there or damaged."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


@contextlib.contextmanager
def unnamed(path: str) -> Iterator[None]:
    """In what the library complains of, call a place by its last name only: where it lies is nobody's business."""
    try:
        yield
    except ScumbleError as error:
        raise SettingsError(str(error).replace(path, Path(path).name)) from error


# --- Looking around -------------------------------------------------------------------------------------------------


def sets(settings: WebSettings) -> list[dict[str, Any]]:
    """The data sets that need no search: those built in, and archives that were uploaded."""
    own = [{"id": f"builtin:{name}", "name": name, "about": about} for name, about in BUILT_IN.items()]
    for path in sorted((settings.home / "data").glob("*/*.zip"), key=lambda path: path.stat().st_mtime):
        size = f"uploaded, {path.stat().st_size / 1e6:,.1f} MB"
        own.append({"id": f"zip:{path.parent.name}", "name": path.name, "about": size})
    return own


def listing(name: str, settings: WebSettings) -> dict[str, Any]:
    """What lies in a folder: the folders and archives in there, by ids, and how many pictures.

    Raises:
        SettingsError: if there is no such folder, or it cannot be read.
    """
    folder = Path(resolve(name, settings))
    if not name.startswith("root:") or not folder.is_dir():
        raise SettingsError(f"{name[:100]!r} is no folder; choose another")
    try:
        entries = sorted(_entries(folder), key=lambda entry: entry.name.casefold())
    except OSError as error:
        raise SettingsError(f"{folder.name} cannot be read: {reason(error)}") from error
    inside = [entry for entry in entries if not entry.is_symlink() or _is_inside(entry.path, settings.data)]
    here = [{"id": f"{name}/{entry.name}", "name": entry.name} for entry in inside if entry.is_dir()]
    files = [{"id": f"{name}/{entry.name}", "name": entry.name} for entry in inside if _is_archive(entry)]
    return {
        "id": name,
        "name": folder.name,
        "up": name.rpartition("/")[0] or None,
        "pictures": sum(entry.name.lower().endswith(SUFFIXES) for entry in entries),
        "folders": here[:MAX_LISTED],
        "files": files[:MAX_LISTED],
        "left_out": max(0, len(here) - MAX_LISTED) + max(0, len(files) - MAX_LISTED),
    }


def folders_below(settings: WebSettings) -> Iterator[tuple[str, Path]]:
    """The ids and paths of folders in the allowed ones, from the top down; those of models have none within."""
    waiting = [(f"root:{number}", root) for number, root in enumerate(settings.data)]
    for _ in range(MAX_FOLDERS):
        if not waiting:
            return
        name, folder = waiting.pop(0)
        yield name, folder
        if name.count("/") < MAX_DEPTH and not (folder / "settings.json").exists():
            waiting += [
                (f"{name}/{entry.name}", Path(entry.path))
                for entry in _entries(folder)
                if entry.is_dir(follow_symlinks=False)
            ]


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """What can be seen in a folder; nothing in one that cannot be read."""
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if not is_hidden(entry.name) and not is_system(entry.name)]
    except OSError:
        return []


def _is_archive(entry: os.DirEntry[str]) -> bool:
    return entry.is_file() and entry.name.lower().endswith(ARCHIVES)


def _is_inside(path: str, allowed: Sequence[Path]) -> bool:
    real = Path(os.path.realpath(path))
    return any(real.is_relative_to(os.path.realpath(root)) for root in allowed)
