"""The process that works: takes one job after another, and writes down what happens.

    python -m scumble.web.jobs.worker HOME DEVICE

It may be killed at any moment: the job's own checkpoint and the events that were written are all that counts. It ends
when there has been nothing to do for a while, and when the process that started it is gone.
"""

import contextlib
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import filelock

from scumble.errors import ScumbleError, first_line, reason
from scumble.web.jobs import kinds
from scumble.web.jobs.folder import JobFolder
from scumble.web.jobs.log import EventWriter
from scumble.web.jobs.queue import Held, Queue
from scumble.web.jobs.states import STOPPED, Request, State
from scumble.web.jobs.telling import Teller

IDLE_SECONDS = 90.0
"""After which the memory that torch takes is worth more than a quick start of the next job."""
POLL_SECONDS = 0.2

NO_FILE = "a file of the job could not be read or written"
FAULT, DETAILS = "something went wrong that should not have", "error.txt in the job's folder has the details"

Wish = Request | Literal["leave"]


class Worker:
    """Works for one home on one device.

    Args:
        queue: of jobs.
        device: where to compute: torch's name of it, or "auto".
        is_leaving: whether to stop at the next event, and leave the job to the next worker.
    """

    def __init__(self, queue: Queue, device: str, is_leaving: Callable[[], bool]):
        self.queue, self.device, self.is_leaving = queue, device, is_leaving

    def work(self) -> None:
        """Do jobs until there are none for a while."""
        idle_since = time.monotonic()
        while not self.is_leaving() and time.monotonic() - idle_since < IDLE_SECONDS:
            held = self.queue.take()
            if held is None:
                warm_up()
                time.sleep(POLL_SECONDS)
            else:
                self.do(held)
                idle_since = time.monotonic()

    def do(self, held: Held) -> None:
        """Do a job, and let go of it as it stands then."""
        job = held.job
        with EventWriter(job.log) as log:
            teller = Teller(job, log)
            state = self._outcome(job, teller)
            with contextlib.suppress(OSError):  # a full disk keeps nobody from what it was told before
                teller.tell_state(state)
        self.queue.give_back(held, state)

    def _outcome(self, job: JobFolder, teller: Teller) -> State:
        """How a job stands after it has been worked on. Nothing that it does may end the worker."""
        try:
            wish = self._consume(job, teller)
        except ScumbleError as error:
            return job.state().become("failed", teller.without_places(str(error)))
        except OSError as error:
            return job.state().become("failed", f"{NO_FILE}: {teller.without_places(reason(error))}")
        except Exception as error:
            with contextlib.suppress(OSError):
                job.complaint.write_text(traceback.format_exc(), encoding="utf-8")
            return job.state().become("failed", f"{FAULT}: {teller.without_places(first_line(error))} ({DETAILS})")
        if wish is None:
            return job.state().become("done", "done", attempts=0)
        if wish == "leave":
            return job.state().become("queued", STOPPED, attempts=0)
        return job.state().stopped(wish)

    def _consume(self, job: JobFolder, teller: Teller) -> Wish | None:
        """Go through a job's events to their end, or until something else is wished for."""
        teller.tell_state(job.state())
        facts = job.facts
        events = kinds.begin(facts["kind"], facts["settings"], job.inputs, job.result, self.device)
        with contextlib.closing(events):  # which writes what there is so far
            while True:
                wish: Wish | None = "leave" if self.is_leaving() else job.request()
                if wish is not None:
                    return wish
                try:
                    event = next(events)
                except StopIteration as end:
                    teller.tell_result(end.value)
                    return None
                if teller.tell(event):  # further than any worker before
                    job.write_state(replace(job.state(), attempts=0))


def warm_up() -> None:
    """Import what takes seconds, before anybody waits for it."""
    import scumble.style.stylize  # noqa: F401


def main(arguments: Sequence[str]) -> int:
    """Work, unless another process does so on this device; returns the exit code."""
    home, device = Path(arguments[0]), arguments[1]
    parent, told = os.getppid(), []
    signal.signal(signal.SIGTERM, lambda *_: told.append("leave"))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which tells its workers
    queue = Queue(home)
    lock = filelock.FileLock(queue.home / f"worker-{device.replace(':', '-')}.lock")
    try:
        lock.acquire(timeout=IDLE_SECONDS)  # another server's worker leaves with its next event
    except filelock.Timeout:
        return 0
    with lock:
        Worker(queue, device, lambda: bool(told) or os.getppid() != parent).work()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
