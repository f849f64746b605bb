"""A folder with pictures anywhere below it."""

import os
from functools import partial
from pathlib import Path

from scumble.data.sources.names import Sighted, is_hidden, is_system, understand
from scumble.data.sources.source import Source, digest_of, item_of_file
from scumble.errors import DataError, reason
from scumble.events import Noted
from scumble.image import decode


def from_folder(folder: Path, testing: bool) -> Source:
    """All pictures below a folder; see `names` for their classes, and for what is `testing`.

    Raises:
        DataError: if it cannot be read.
    """
    walk = _Walk(folder)
    try:
        walk.follow()
        walk.sighted.leave_out_sheets(lambda name: decode.read_file(folder / name))
        label_files = {name: (folder / name).read_bytes() for name in walk.sighted.label_files}
    except OSError as error:
        raise DataError(f"{folder} cannot be read: {reason(error)}") from error
    found = understand(walk.sighted.pictures, label_files, str(folder), testing)
    items = [
        item_of_file(name, label, partial(decode.read_file, folder / name)) for name, label in found.labels.items()
    ]
    # Archives may give all files one time: another folder with files of the same names and sizes is another source.
    facts = [str(folder.resolve()), *((name, *walk.facts[name], label) for name, label in found.labels.items())]
    told = () if testing else (*found.told, *walk.sighted.told(), *walk.told())
    return Source(folder.resolve().name, items, digest_of(facts), told)


class _Walk:
    """All files below a folder. Every folder is read once: links come last, and only where they lead to something new.

    Attributes:
        sighted: the files.
        facts: of each: bytes, and two times in ns.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.sighted = Sighted()
        self.facts: dict[str, tuple[int, int, int]] = {}
        self.seen: set[tuple[int, int]] = set()
        self.links: list[Path] = []
        self.followed: list[str] = []
        self.passed: list[str] = []
        self.broken: list[str] = []
        self.runs: list[str] = []

    def follow(self) -> None:
        """Walk through everything."""
        # A link to a folder that holds the data would lead through all that lies beside it.
        above = {_identity(parent) for parent in self.folder.resolve().parents}
        self._below(self.folder)
        while self.links:
            link = self.links.pop(0)
            new = link.is_dir() and _identity(link) not in self.seen | above
            (self.followed if new else self.passed).append(self._name(link))
            if new:
                self._below(link)

    def told(self) -> list[Noted]:
        """What was followed, and what was passed over."""
        kinds = {
            "followed as folders, links": self.followed,
            "passed over, as links to what is read already or lies around it": self.passed,
            "passed over, as links that lead nowhere": self.broken,
            "passed over, as folders of runs and models": self.runs,
        }
        return [Noted(f"{what}: {len(names):,}, the first: {min(names)}") for what, names in kinds.items() if names]

    def _below(self, start: Path) -> None:
        def fail(error: OSError) -> None:
            raise error

        for place, folders, names in os.walk(start, onerror=fail):
            here = _identity(Path(place))
            if here in self.seen:
                folders.clear()
                continue
            self.seen.add(here)
            if {"settings.json", "metrics.jsonl"} <= set(names) or {"settings.json", "model.safetensors"} <= set(names):
                folders.clear()  # a run's grids are no pictures to learn from
                self.runs.append(self._name(Path(place)))
                continue
            self.sighted.system |= {name for name in folders if is_system(name)}
            folders[:] = sorted(name for name in folders if not is_hidden(name) and not is_system(name))
            self.links += [Path(place, name) for name in folders if Path(place, name).is_symlink()]
            for name in names:
                self._file(Path(place, name))

    def _file(self, path: Path) -> None:
        name = self._name(path)
        if path.is_file():  # no pipes
            status = path.stat()
            self.facts[name] = (status.st_size, status.st_mtime_ns, status.st_ctime_ns)
            self.sighted.add(name)
        elif path.is_symlink() and not is_hidden(path.name):
            self.broken.append(name)

    def _name(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()


def _identity(folder: Path) -> tuple[int, int]:
    status = folder.stat()
    return status.st_dev, status.st_ino
