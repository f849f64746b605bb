"""The queue: all jobs of a home folder, in their order, for any number of processes at once.

Whatever changes a job that no worker holds does so under one lock, and a worker takes a job under the same one: so each
is done once. A job that is said to run, and that nobody holds, was left by a worker that died: it is queued again.
"""

import contextlib
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import filelock

from scumble.web.jobs import folder, limits, log, states
from scumble.web.jobs.folder import ID, Input, JobFolder
from scumble.web.jobs.states import MissingError, Request, State, StateError


class Held(NamedTuple):
    """A job that this process works on, until it lets go of the lock."""

    job: JobFolder
    lock: filelock.BaseFileLock


class Queue:
    """All jobs below HOME/jobs. Any method may be called in any thread, and by several processes.

    Args:
        home: the folder of everything that the web page keeps; it is made.

    Raises:
        OSError: if it cannot be made.
    """

    def __init__(self, home: Path):
        self.home = home.absolute()
        self.folder = self.home / "jobs"
        self.folder.mkdir(parents=True, exist_ok=True)
        self._known: dict[str, JobFolder] = {}

    # --- Looking ----------------------------------------------------------------------------------------------------

    def folders(self) -> list[JobFolder]:
        """All jobs, in the order in which they are taken."""
        return [job for job, _ in self._standing()]

    def folder_of(self, id: str) -> JobFolder:
        """The job of that name.

        Raises:
            MissingError: if there is none.
        """
        job = self._known.get(id) or JobFolder(self.folder / id)
        if not (ID.fullmatch(id) and job.exists()):
            raise MissingError("there is no such job; it may have been deleted")
        return self._known.setdefault(id, job)

    def jobs(self) -> list[dict[str, Any]]:
        """All jobs, as `JobFolder.shown` tells of them, in the order in which they are taken."""
        shown = [(job, job.shown()) for job in self.folders()]
        return [told for job, told in shown if job.exists()]  # one may have been deleted just now

    def states(self) -> dict[str, State]:
        """How every job stands: what costs little to ask often."""
        return {job.id: state for job, state in self._standing()}

    def events(self, id: str, after: int = 0) -> log.EventReader:
        """What happened in a job after the event of this number: its `new()` tells of more each time it is asked."""
        return log.EventReader(self.folder_of(id).log, after)

    def disk(self) -> dict[str, Any]:
        """What the jobs take; see `limits.disk`."""
        return limits.disk(self.home, self.folders())

    def _standing(self) -> list[tuple[JobFolder, State]]:
        found = []
        for path in self.folder.iterdir():
            if ID.fullmatch(path.name):
                job = self._known.setdefault(path.name, JobFolder(path))
                found.append((job, job.state()))
        return sorted(found, key=lambda pair: (pair[1].order, pair[0].id))

    # --- Changing ---------------------------------------------------------------------------------------------------

    def add(
        self,
        kind: str,
        settings: Mapping[str, Any],
        inputs: Mapping[str, Sequence[Input]],
        title: str | None = None,
        key: str | None = None,
    ) -> tuple[dict[str, Any], bool]:
        """Put a new job at the end of the queue, unless one with this key was added before.

        Args:
            kind: one of `scumble.web.jobs.kinds.KINDS`; see `kinds.check`, which the caller has asked before.
            settings: as they were given.
            inputs: by role.
            title: for people; the names of the inputs if none is given.
            key: any text by which the sender knows the request, should it have to be sent again.

        Returns:
            The job, as `JobFolder.shown` tells of it, and whether it is new.

        Raises:
            FullError: if a limit is reached.
            OSError: if it cannot be written.
        """
        with self._locked():
            standing = self._standing()
            if key is not None:
                for job, _ in standing:
                    if job.facts["key"] == key:
                        return job.shown(), False
            waiting = sum(state.state in ("queued", "running") for _, state in standing)
            limits.check(self.home, [job for job, _ in standing], waiting)
            last = max((state.order for _, state in standing), default=0.0)
            facts = {"kind": kind, "title": title or folder.title(inputs), "settings": dict(settings), "key": key}
            state = State("queued", states.WAITING, round(time.time(), 3), 0, last + 1)
            return folder.create(self.folder, facts, inputs, state).shown(), True

    def again(self, id: str, settings: Mapping[str, Any], key: str | None = None) -> tuple[dict[str, Any], bool]:
        """Add a job with the same inputs and these settings.

        Raises:
            MissingError: if there is no such job.
            ScumbleError: as `add` does.
        """
        job = self.folder_of(id)
        inputs = {
            role: [
                Input(shown, source, source.name if isinstance(source, Path) else None)
                for shown, source in zip(job.facts["inputs"][role], given, strict=True)
            ]
            for role, given in job.inputs.items()
        }
        return self.add(job.facts["kind"], settings, inputs, job.facts["title"], key)

    def pause(self, id: str) -> dict[str, Any]:
        """Stop a job for now: one that runs, at its next event.

        Raises:
            MissingError: if there is no such job.
            StateError: if it has ended.
        """
        return self._stop(id, "pause", ("queued", "running"))

    def cancel(self, id: str) -> dict[str, Any]:
        """Stop a job for good: one that runs, at its next event, and it keeps what it has made.

        Raises:
            ScumbleError: as `pause` does.
        """
        return self._stop(id, "cancel", ("queued", "running", "paused"))

    def delete(self, id: str) -> None:
        """Remove a job and all of its files: one that runs, at its next event.

        Raises:
            MissingError: if there is no such job.
        """
        with self._locked():
            job = self.folder_of(id)
            if job.is_held():
                job.ask("delete")
            else:
                self._remove(job)

    def resume(self, id: str) -> dict[str, Any]:
        """Go on with a job that was stopped or has failed, where it was.

        Raises:
            MissingError: if there is no such job.
            StateError: if it is done, or has not stopped.
        """
        with self._locked():
            job = self.folder_of(id)
            state = job.state()
            if state.state == "running" and job.is_held() and job.request():
                job.forget_request()
            elif state.state in ("paused", "cancelled", "failed"):
                job.forget_request()
                job.write_state(state.become("queued", states.WAITING, attempts=0))
            elif state.state == "done":
                raise StateError("this job is done; wanted one that was stopped or has failed")
            return job.shown()

    def move(self, id: str, before: str | None) -> dict[str, Any]:
        """Have a job taken before another one, or last of all.

        Raises:
            MissingError: if one of them is not there.
        """
        with self._locked():
            job = self.folder_of(id)
            others = [(other, state) for other, state in self._standing() if other.id != id]
            place = len(others)
            if before is not None and before != id:
                place = [other.id for other, _ in others].index(self.folder_of(before).id)
            if before != id and others and not job.is_held():
                job.write_state(replace(job.state(), order=folder.between(others, place)))
            return job.shown()

    def _stop(self, id: str, request: Request, possible: tuple[str, ...]) -> dict[str, Any]:
        with self._locked():
            job = self.folder_of(id)
            state = job.state()
            if state.state not in possible:
                raise StateError(f"this job is {state.state}: there is nothing to {request}")
            if state.state == "running" and job.is_held():
                job.ask(request)
            else:
                self._obey(job, state, request)
            return job.shown()

    # --- For workers ------------------------------------------------------------------------------------------------

    def take(self) -> Held | None:
        """Hold the next job that is to be worked on; None where there is none."""
        with self._locked():
            for job, state in self._settle():
                if state.state != "queued":
                    continue
                if state.attempts >= states.MOST_ATTEMPTS:
                    job.write_state(state.become("failed", states.GIVEN_UP))
                    continue
                lock = job.lock()
                with contextlib.suppress(filelock.Timeout):
                    lock.acquire()
                    job.write_state(state.become("running", "is being worked on", attempts=state.attempts + 1))
                    return Held(job, lock)
        return None

    def give_back(self, held: Held, state: State) -> None:
        """Let go of a job that stands so from now on, and do what was asked for meanwhile."""
        with self._locked():
            request = held.job.request()
            if request is None and state.state in ("paused", "cancelled"):  # while it stopped, it was told to go on
                state = state.become("queued", states.WAITING)
            held.job.write_state(state)
            held.lock.release()  # nobody takes it before this block ends; Windows removes no folder with an open file
            if request is not None:
                self._obey(held.job, state, request)

    def settle(self) -> bool:
        """Queue what workers have left that died, remove what is half made; returns whether anything waits."""
        with self._locked():
            return any(state.state == "queued" for _, state in self._settle())

    def _settle(self) -> list[tuple[JobFolder, State]]:
        """The same; returns how all jobs stand then."""
        for path in (*self.folder.glob(".new-*"), *self.folder.glob(".gone-*")):
            shutil.rmtree(path, ignore_errors=True)
        standing = self._standing()
        left = [(job, state) for job, state in standing if state.state == "running" and not job.is_held()]
        for job, state in left:
            request = job.request()
            if request is None:
                job.write_state(state.become("queued", states.STOPPED))
            else:
                self._obey(job, state, request)
        return self._standing() if left else standing

    def _obey(self, job: JobFolder, state: State, request: Request) -> None:
        """Do what was asked for with a job that nobody works on any more."""
        if request == "delete":
            self._remove(job)
            return
        if state.state in ("queued", "running", "paused"):
            job.write_state(
                state.become(*(("paused", states.PAUSED) if request == "pause" else ("cancelled", states.CANCELLED)))
            )
        job.forget_request()

    def _remove(self, job: JobFolder) -> None:
        self._known.pop(job.id, None)
        job.remove()

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Nobody else changes the queue meanwhile. A lock of its own each time: threads exclude each other, too."""
        with filelock.FileLock(self.home / "queue.lock", poll_interval=0.01):
            yield
