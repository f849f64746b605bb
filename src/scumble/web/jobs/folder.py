"""The folder of a job: whatever is known of it lies there, and outlives every process.

HOME/jobs/ID/job.json       what was asked for; written once
HOME/jobs/ID/state.json     how it stands; replaced as a whole
HOME/jobs/ID/request        what a page asks of the worker that holds the job: "pause", "cancel" or "delete"
HOME/jobs/ID/events.jsonl   what happened; see `scumble.web.jobs.log`
HOME/jobs/ID/inputs/        the pictures that it was given, under the names that people gave them
HOME/jobs/ID/preview.jpg    the newest picture
HOME/jobs/ID/frames/        a few pictures of its making
HOME/jobs/ID/result/        what it made, and the state from which a stopped one goes on
HOME/jobs/ID/error.txt      what a programmer wants to know of a failure

Nothing here imports torch: the server reads these folders.
"""

import contextlib
import dataclasses
import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import filelock

from scumble import paths
from scumble.web.jobs import log
from scumble.web.jobs.states import REQUESTS, Request, State

ID = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{8}")
HIDDEN = {"checkpoints", "best.part", "tensorboard"}
"""Folders in a run that are of no use to who looks at it."""
MAX_LISTED = 500
DAMAGED: dict[str, Any] = {
    "kind": "unknown", "title": "a damaged job", "created": 0.0, "settings": {}, "key": None, "inputs": {}, "files": {},
}  # fmt: skip


@dataclass(frozen=True)
class Input:
    """One thing that a job is given.

    Attributes:
        id: as the request gave it.
        source: a file or folder; or the name of a data set that needs none, such as "digits".
        name: under which the file is kept with the job; None for what stays where it is.
    """

    id: str
    source: str | Path
    name: str | None = None


class JobFolder:
    """One job; making this object neither makes nor reads anything."""

    def __init__(self, path: Path):
        self.path, self.id = path, path.name
        self.log = path / "events.jsonl"
        self.preview = path / "preview.jpg"
        self.frames = path / "frames"
        self.result = path / "result"
        self.complaint = path / "error.txt"
        self._request = path / "request"

    def exists(self) -> bool:
        """Whether there is such a job."""
        return (self.path / "job.json").is_file()

    @cached_property
    def facts(self) -> dict[str, Any]:
        """What was asked for, as in job.json; of a damaged one, enough to show and delete it."""
        try:
            found = json.loads((self.path / "job.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            found = None
        return DAMAGED | (found if isinstance(found, dict) else {}) | {"id": self.id}

    @property
    def inputs(self) -> dict[str, list[str | Path]]:
        """What the job was given, by role: files, or names of data sets."""
        return {
            role: [self.path / "inputs" / name if kept else source for kept, source, name in found]
            for role, found in self.facts["files"].items()
        }

    def state(self) -> State:
        """How it stands."""
        try:
            return State(**json.loads((self.path / "state.json").read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return State("failed", "the job's folder is damaged: its state cannot be read", 0.0, 0, 0.0)

    def write_state(self, state: State) -> None:
        """Replace the state; for who holds the queue.

        Raises:
            OSError: if it cannot be written.
        """
        paths.write_atomically(self.path / "state.json", _json(dataclasses.asdict(state)))

    def lock(self) -> filelock.BaseFileLock:
        """What a worker holds for as long as it works on the job; the system lets go when the process ends."""
        return filelock.FileLock(self.path / ".lock", blocking=False)

    def is_held(self) -> bool:
        """Whether a worker works on it; for who holds the queue."""
        lock = self.lock()
        try:
            with lock:
                return False
        except filelock.Timeout:
            return True

    def request(self) -> Request | None:
        """What a page asks of the worker."""
        try:
            asked = self._request.read_text(encoding="utf-8")
        except OSError:
            return None
        return next((known for known in REQUESTS if known == asked), None)

    def ask(self, request: Request) -> None:
        """Ask it of the worker; the last request counts."""
        paths.write_atomically(self._request, request.encode())

    def forget_request(self) -> None:
        """It has been dealt with."""
        self._request.unlink(missing_ok=True)

    def shown(self) -> dict[str, Any]:
        """Everything that a page may know, as plain data; places on this machine are left out."""
        facts = {name: value for name, value in self.facts.items() if name != "files"}
        told = {"names": self.names(), "progress": self.progress(), "files": self.files()}
        return facts | dataclasses.asdict(self.state()) | told

    def names(self) -> dict[str, list[str]]:
        """What the inputs are called, by role: by people, or by their ids where they stay where they are."""
        shown, files = self.facts["inputs"], self.facts["files"]
        return {
            role: [name if kept else id for id, (kept, _, name) in zip(shown[role], files[role], strict=True)]
            for role in shown
        }

    def progress(self) -> dict[str, Any] | None:
        """How far it is: "job", "done", "total" and "seconds_left", of the last that was told."""
        for record in reversed(log.latest(self.log)):
            if record.get("event") == "progress":
                return {name: record.get(name) for name in ("job", "done", "total", "seconds_left")}
        return None

    def files(self) -> list[dict[str, Any]]:
        """What a page may fetch: "name", "kind" (preview, input, frame, grid or result) and "bytes" of each file."""
        found = [(self.preview, "preview")] if self.preview.exists() else []
        for folder, kind in (("inputs", "input"), ("frames", "frame"), ("result", "result")):
            found += [(path, "grid" if path.parent.name == "grids" else kind) for path in _visible(self.path / folder)]
        listed = []
        for path, kind in found[:MAX_LISTED]:
            with contextlib.suppress(OSError):  # a frame that just gives way to others
                name = path.relative_to(self.path).as_posix()
                listed.append({"name": name, "kind": kind, "bytes": path.stat().st_size})
        return listed

    def file(self, name: str) -> Path | None:
        """The file of that name, if it is one that is listed."""
        return self.path / name if any(file["name"] == name for file in self.files()) else None

    def remove(self) -> None:
        """Remove everything; at once for whoever looks, whatever becomes of this process meanwhile."""
        gone = self.path.with_name(f".gone-{self.id}")
        with contextlib.suppress(FileNotFoundError):
            self.path.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)


def create(jobs: Path, facts: Mapping[str, Any], inputs: Mapping[str, Sequence[Input]], state: State) -> JobFolder:
    """Make the folder of a new job: whole, or not at all.

    Args:
        jobs: the folder of all jobs.
        facts: what was asked for.
        inputs: by role; files that have a name are linked into the folder, or copied where that cannot be.
        state: to begin with.

    Raises:
        OSError: if it cannot be written, or an input is not there.
    """
    moment = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    job = JobFolder(jobs / f"{moment}-{secrets.token_hex(4)}")
    making = JobFolder(jobs / f".new-{job.id}")
    (making.path / "inputs").mkdir(parents=True)
    try:
        files = {role: [_kept(making.path / "inputs", one) for one in given] for role, given in inputs.items()}
        shown = {role: [one.id for one in given] for role, given in inputs.items()}
        whole = {"id": job.id, "created": round(time.time(), 3), **facts, "inputs": shown, "files": files}
        making.result.mkdir()
        making.frames.mkdir()
        paths.write_atomically(making.path / "job.json", _json(whole))
        making.write_state(state)
        making.path.rename(job.path)
    except BaseException:
        shutil.rmtree(making.path, ignore_errors=True)
        raise
    _flush(jobs)
    return job


def between(jobs: Sequence[tuple[JobFolder, State]], place: int) -> float:
    """An order right before the job at this place; where there is no number left between two, the later ones move."""
    if place == len(jobs):
        return jobs[-1][1].order + 1
    right = jobs[place][1].order
    left = jobs[place - 1][1].order if place else right - 2
    middle = (left + right) / 2
    if left < middle < right:
        return middle
    for job, state in jobs[place:]:
        if state.state != "running":  # that is its worker's to write
            job.write_state(dataclasses.replace(state, order=state.order + 1))
    return left + 0.5


def title(inputs: Mapping[str, Sequence[Input]]) -> str:
    """What a job is called that nobody has named.

    Example:
        >>> title({"content": [Input("1", "uploads/1", "photo.jpg")], "style": [Input("2", "uploads/2", "waves.png")]})
        'photo · waves'
    """
    firsts = [given[0] for given in inputs.values() if given]
    return " · ".join(Path(one.name or one.source).stem for one in firsts)


def clean_name(name: str) -> str:
    """A file's name as it can stand in any folder and any recipe; its ending is kept.

    Example:
        >>> clean_name("../../my photo.jpg"), clean_name("<b>.png"), clean_name("...")
        ('my photo.jpg', 'b.png', 'file')
    """
    plain = re.sub(r"[^\w.\- ]", "", re.split(r"[/\\]", name)[-1]).strip(". ")
    stem, dot, ending = plain.rpartition(".")
    return paths.fitting(stem, dot + ending) if stem and len(ending) < 10 else paths.fitting(plain or "file", "")


def _kept(folder: Path, given: Input) -> tuple[bool, str, str]:
    """Whether an input is kept in the job's folder, where it is from, and its name there."""
    if given.name is None:
        return False, str(given.source), ""
    name = clean_name(given.name)
    number = 1
    while (folder / name).exists():
        number += 1
        name = paths.fitting(f"{number}-{clean_name(given.name)}", "")
    try:
        (folder / name).hardlink_to(given.source)  # takes no room, and stays when the upload goes
    except OSError:
        shutil.copyfile(given.source, folder / name)
    return True, "", name


def _visible(folder: Path) -> Iterator[Path]:
    """The files below a folder, but for locks and the states that unfinished work goes on from."""
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in HIDDEN)
        for name in sorted(names):
            if not name.startswith(".") and not name.endswith(".unfinished"):
                yield Path(place) / name


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=2) + "\n").encode()


def _flush(folder: Path) -> None:
    """Let the system write the names in a folder to the disk, where it can be asked to."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
