"""Keeps workers at work: starts one for each device when something waits, and again when one has died.

A worker is a process of its own. Its stopping, its death and its start over lose nothing: the queue is in the folders.
"""

import contextlib
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from scumble.web.jobs.queue import Queue

POLL_SECONDS, LOOK_SECONDS = 0.5, 5.0
"""Between two looks whether a worker has died, and for work that nobody has told of: `wake` makes one come at once."""
RETRY_SECONDS = 10.0
"""Before a worker is started again that has ended with an error."""
LEAVE_SECONDS = 15.0
"""For a worker to write what it has; one that takes longer is killed, which loses at most a minute of work."""

ENDED_WELL = (0, -signal.SIGTERM, -9)
"""Exit codes of a worker that is replaced at once: it was idle, or ended from outside. 9 is SIGKILL."""

WORKER = (sys.executable, "-m", "scumble.web.jobs.worker")


class Supervisor:
    """Starts, restarts and stops the workers of a queue, in a thread of its own.

    Args:
        queue: whose jobs are to be done.
        devices: where to compute, a worker each: torch's names of them, or "auto".
        worker: the command that is started with the home and the device.

    Attributes:
        trouble: why workers cannot work, for people; None as long as they can.
    """

    def __init__(self, queue: Queue, devices: Sequence[str] = ("auto",), worker: Sequence[str] = WORKER):
        self.queue, self.devices, self.worker = queue, devices, worker
        self.workers: dict[str, subprocess.Popen[bytes]] = {}
        self.trouble: str | None = None
        self._not_before: dict[str, float] = {}
        self._awake, self._ends, self._is_wanted = threading.Event(), threading.Event(), False
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)

    def start(self) -> None:
        """Begin to look for work. What was interrupted before goes on."""
        self._thread.start()

    def wake(self, warm: bool = False) -> None:
        """Look for work at once.

        Args:
            warm: start a worker even if there is nothing to do yet, for somebody will soon ask for something.
        """
        self._is_wanted |= warm
        self._awake.set()

    def stop(self) -> None:
        """Have all workers leave; their jobs go on when there are workers again."""
        self._ends.set()
        self._awake.set()
        self._thread.join()
        for worker in self.workers.values():
            worker.terminate()
        for worker in self.workers.values():
            try:
                worker.wait(LEAVE_SECONDS)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()
        with contextlib.suppress(OSError):
            self.queue.settle()

    def _watch(self) -> None:
        next_look, is_woken = 0.0, False
        while not self._ends.is_set():
            ended = [device for device, worker in self.workers.items() if worker.poll() is not None]
            for device in ended:
                self._bury(device)
            if any(time.monotonic() > self._not_before.get(name, 0) + RETRY_SECONDS for name in self.workers):
                self.trouble = None  # this one lives
            if is_woken or ended or time.monotonic() >= next_look:
                next_look = time.monotonic() + LOOK_SECONDS
                with contextlib.suppress(OSError):  # a full disk, or a folder that is away for a while
                    self._look()
            is_woken = self._awake.wait(POLL_SECONDS)
            self._awake.clear()

    def _bury(self, device: str) -> None:
        """Note what a worker died of; one that was killed from outside is simply missing."""
        code = self.workers.pop(device).returncode
        if code in ENDED_WELL:
            return
        lines = []
        with contextlib.suppress(OSError):
            lines = complaints(self.queue.home, device).read_text(encoding="utf-8", errors="replace").split("\n")
        last = next((line for line in reversed(lines) if line.strip()), f"it ended with {code}")
        self.trouble = f"the process that does the work has failed: {last[:200]}"
        self._not_before[device] = time.monotonic() + RETRY_SECONDS

    def _look(self) -> None:
        """Start the workers that are missing, if there is anything for them."""
        wanted, self._is_wanted = self._is_wanted, False
        now = time.monotonic()
        missing = [name for name in self.devices if name not in self.workers and now >= self._not_before.get(name, 0)]
        if missing and (self.queue.settle() or wanted):
            for device in missing:
                self.workers[device] = self._begin(device)

    def _begin(self, device: str) -> subprocess.Popen[bytes]:
        home = self.queue.home
        with complaints(home, device).open("wb") as file:
            # In a session of its own, Ctrl-C in the server's terminal does not reach it: the server tells it to leave.
            return subprocess.Popen(
                [*self.worker, str(home), device],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )


def complaints(home: Path, device: str) -> Path:
    """The file of what a device's worker prints, where something has gone wrong with the worker itself."""
    return home / f"worker-{device.replace(':', '-')}.txt"
