"""The supervisor: workers come when there is something to do, and again when they have died."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from jobs_material import SETTINGS
from scumble.web.jobs import supervisor as module
from scumble.web.jobs.folder import Input
from scumble.web.jobs.queue import Queue
from scumble.web.jobs.supervisor import Supervisor

QUICK = (sys.executable, str(Path(__file__).with_name("quick_worker.py")))


@pytest.fixture
def supervisor(queue, monkeypatch):
    monkeypatch.setattr(module, "POLL_SECONDS", 0.02)
    made = Supervisor(queue, worker=QUICK)
    yield made
    made.stop()


def count_to(queue, number):
    return queue.add("train", {"images": number}, {"data": [Input("digits", "digits")]})[0]["id"]


def wait(condition, seconds=240):
    """Until it holds; what it returns then."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.01)
    return found


def is_gone(pid):
    """Whether a process has ended, even if nobody has asked for its exit code."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def state_of(queue, id):
    return queue.folder_of(id).state().state


def is_at_work(queue, id):
    return (queue.folder_of(id).progress() or {"done": 0})["done"] >= 3


def test_workers_come_when_there_is_work(queue, supervisor):
    supervisor.start()
    assert supervisor.workers == {}
    a, b = count_to(queue, 3), count_to(queue, 3)
    supervisor.wake()
    wait(lambda: state_of(queue, a) == state_of(queue, b) == "done")
    assert len(supervisor.workers) == 1
    assert supervisor.trouble is None


def test_a_worker_can_be_had_in_advance(supervisor):
    supervisor.start()
    supervisor.wake(warm=True)
    wait(lambda: supervisor.workers)


def test_what_waits_when_it_starts_is_done(queue, supervisor):
    a = count_to(queue, 3)
    supervisor.start()
    wait(lambda: state_of(queue, a) == "done")


def test_a_worker_that_is_killed_is_followed_by_another(queue, supervisor):
    a = count_to(queue, 200)
    supervisor.start()
    wait(lambda: is_at_work(queue, a))
    first = supervisor.workers["auto"].pid
    os.kill(first, signal.SIGKILL)
    wait(lambda: state_of(queue, a) == "done")
    assert supervisor.workers["auto"].pid != first
    assert (queue.home / "ended").read_text().split() == [a]
    records = queue.events(a).new()
    assert [r["n"] for r in records] == list(range(1, len(records) + 1))


def test_stopping_leaves_work_that_goes_on(queue, home, supervisor, monkeypatch):
    a = count_to(queue, 300)
    supervisor.start()
    wait(lambda: is_at_work(queue, a))
    worker = supervisor.workers["auto"].pid
    supervisor.stop()
    assert is_gone(worker)
    assert state_of(queue, a) == "queued"
    reached = int((queue.folder_of(a).result / "count").read_text())
    assert 3 <= reached < 300
    other = Supervisor(Queue(home), worker=QUICK)
    other.start()
    wait(lambda: state_of(queue, a) == "done")
    other.stop()


def test_requests_reach_a_worker(queue, supervisor):
    a, b = count_to(queue, 10_000), count_to(queue, 10_000)
    supervisor.start()
    wait(lambda: is_at_work(queue, a))
    queue.cancel(a)
    wait(lambda: state_of(queue, a) == "cancelled" and is_at_work(queue, b))
    queue.delete(b)
    wait(lambda: len(queue.jobs()) == 1)


@pytest.mark.parametrize(
    ("fault", "words"), [("broken", "RuntimeError: broken, as wished"), ("crashing", f"it ended with -{signal.SIGILL}")]
)
def test_trouble_is_told_in_a_line_and_tried_again(queue, home, supervisor, monkeypatch, fault, words):
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.05)
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.05)
    (home / fault).touch()
    a = count_to(queue, 3)
    supervisor.start()
    wait(lambda: supervisor.trouble)
    assert supervisor.trouble == f"the process that does the work has failed: {words}"
    assert state_of(queue, a) == "queued"
    (home / fault).unlink()
    wait(lambda: state_of(queue, a) == "done" and supervisor.trouble is None)


def test_never_two_workers_on_one_device(queue, home):
    a = count_to(queue, 200)
    workers = [subprocess.Popen([*QUICK, str(home), "cpu"]) for _ in range(2)]
    wait(lambda: state_of(queue, a) == "done")
    assert [worker.wait(240) for worker in workers] == [0, 0]
    assert (home / "ended").read_text().split() == [a]


PARENT = """
import subprocess, sys, time
worker = subprocess.Popen(sys.argv[1:], start_new_session=True)
print(worker.pid, flush=True)
time.sleep(600)
"""


def test_a_worker_whose_parent_is_killed_leaves_its_job_in_order(queue, home):
    a = count_to(queue, 100_000)
    parent = subprocess.Popen([sys.executable, "-c", PARENT, *QUICK, str(home), "auto"], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    with parent:
        worker = int(parent.stdout.readline())
        wait(lambda: is_at_work(queue, a))
        parent.kill()
    wait(lambda: is_gone(worker))
    assert state_of(queue, a) == "queued"
    assert queue.folder_of(a).state().attempts == 0


def test_the_package_s_own_worker_paints(queue, painted):
    job, _ = queue.add("stylize", SETTINGS, painted)
    made = Supervisor(queue, ["cpu"])
    made.start()
    wait(lambda: state_of(queue, job["id"]) in ("done", "failed"))
    made.stop()
    assert state_of(queue, job["id"]) == "done"
    assert module.complaints(queue.home, "cpu").read_text() == ""
