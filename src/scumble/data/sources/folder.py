"""A folder with pictures anywhere below it."""

import os
from functools import partial
from pathlib import Path

from scumble.data.sources.names import LABELS_FILE, is_hidden, is_picture, labels_of
from scumble.data.sources.source import Source, digest_of, item_of_file
from scumble.errors import DataError, reason
from scumble.image import decode


def from_folder(folder: Path, testing: bool) -> Source:
    """All pictures below a folder; see `names` for their classes, and for what is `testing`.

    Raises:
        DataError: if it cannot be read.
    """
    try:
        found = _files_below(folder)  # name -> (bytes, nanoseconds, nanoseconds)
        labels_json = (folder / LABELS_FILE).read_bytes() if (folder / LABELS_FILE).is_file() else None
    except OSError as error:
        raise DataError(f"{folder} cannot be read: {reason(error)}") from error
    labels, note = labels_of(found, labels_json, str(folder), testing)
    items = [item_of_file(name, label, partial(decode.read_file, folder / name)) for name, label in labels.items()]
    # Archives may give all files one time: another folder with files of the same names and sizes is another source.
    facts = [str(folder.resolve()), *((name, *found[name], label) for name, label in labels.items())]
    return Source(folder.resolve().name, items, digest_of(facts), note)


def _files_below(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Names relative to a folder, with / between their parts, of all files below it: bytes, and two times in ns.

    Folders of runs are passed over: their grids are no pictures to learn from.
    """

    def fail(error: OSError) -> None:
        raise error

    found = {}
    for place, folders, names in os.walk(folder, onerror=fail):
        if {"settings.json", "metrics.jsonl"} <= set(names) or {"settings.json", "model.safetensors"} <= set(names):
            folders.clear()
            continue
        folders[:] = [name for name in folders if not is_hidden(name)]
        for path in (Path(place, name) for name in names if is_picture(name)):
            if path.is_file():  # no broken links, no pipes
                status = path.stat()
                found[path.relative_to(folder).as_posix()] = (status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    return found
