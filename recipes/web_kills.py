"""The web page's jobs killed (SIGKILL) at random moments: none is lost, none is there twice, and all end the same.

    python recipes/web_kills.py [--kills 40] [--seed 0] [--jobs stylize train many]

`stylize` and `train`: a job is done once undisturbed. Then it is submitted, and its worker, or the process that started
the worker, is killed again and again until the job is done; what it has made must be the same to the byte.

`many`: eight clients submit 200 small jobs, each with a key; clients are killed and begin anew with the same keys, and
so are the process that keeps the workers at work, and the workers. In the end there is each job once, and each is done.

Needs Linux or macOS: workers are forked off a process that has imported everything, so that kills hit the work.
"""

import argparse
import itertools
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import filelock
import kills
import psutil
from PIL import Image

from scumble import paths
from scumble.events import Finished, Progress, Started
from scumble.gan import train as gan_train  # noqa: F401 (imported before forking)
from scumble.style import resume, stylize  # noqa: F401
from scumble.training import loop
from scumble.web.jobs import kinds, supervisor, worker
from scumble.web.jobs.folder import Input, JobFolder
from scumble.web.jobs.queue import Queue

CLIENTS, JOBS_EACH, STEPS = 8, 25, 12
TRAIN = {
    "preset": "dcgan", "width": 4, "latent": 8, "batch": 8, "grids": 4, "seed": 1, "flip": "no", "images": 1600,
}  # fmt: skip
PAINT = {"size": 72, "steps": 40, "scales": 2, "optimizer": "lbfgs"}


class Outcome(NamedTuple):
    """How often something was killed and came to its end, what was wrong, and what there was to count."""

    kills: int
    ends: int
    wrong: list[str]


# --- One job, killed and killed -------------------------------------------------------------------------------------


def killed(kind: str, count: int, seed: int, scratch: Path) -> Outcome:
    """Do jobs of a kind, killed so many times in all.

    Raises:
        RuntimeError: if one fails where nobody disturbs it.
    """
    chance = random.Random(f"{seed}/{kind}")
    kills.material(scratch / "material")
    queue = Queue(scratch / "undisturbed")
    job = _submitted(kind, queue, scratch / "material")
    seconds = _go(queue.home, None, False)[1]
    if job.state().state != "done":
        raise RuntimeError(f"undisturbed, {kind} is {job.state().state}: {job.state().message}")
    wanted, done, ends, wrong = _made(job), 0, 0, []
    while done < count:
        queue = Queue(scratch / f"home-{ends}")
        job = _submitted(kind, queue, scratch / "material")
        while job.state().state not in ("done", "failed"):
            limit = chance.uniform(0, 1.1 * seconds) if done < count else None
            hit, _ = _go(queue.home, limit, chance.random() < 0.5)
            done += hit
            print(f"{kind}: {done} of {count} kills, {ends} ends, {len(wrong)} wrong", file=sys.stderr)
        ends += 1
        wrong += [f"after {done} kills: {what}" for what in _wrong(job, wanted)]
    return Outcome(done, ends, wrong)


def _submitted(kind: str, queue: Queue, material: Path) -> JobFolder:
    if kind == "train":
        job, _ = queue.add("train", TRAIN, {"data": [Input("shapes", material / "shapes.npz")]})
    else:
        given = {"content": material / "photos" / "ph0.png", "style": material / "paintings" / "pa0.png"}
        inputs = {role: [Input(path.name, path, path.name)] for role, path in given.items()}
        job, _ = queue.add("stylize", PAINT, inputs)
    return queue.folder_of(job["id"])


def _made(job: JobFolder) -> dict[str, bytes]:
    """All files that a job has made, but for checkpoints before the last: when those were written is no matter."""
    found = kills.all_files(job.result)
    checkpoints = [name for name in found if "/checkpoints/" in name]
    return {name: data for name, data in found.items() if name not in checkpoints[:-1]}


def _wrong(job: JobFolder, wanted: dict[str, bytes]) -> list[str]:
    state, found = job.state(), _made(job)
    wrong = [] if state.state == "done" else [f"it is {state.state}: {state.message}"]
    wrong += [f"{name} differs" for name in sorted(wanted | found) if wanted.get(name) != found.get(name)]
    numbers = [record["n"] for record in Queue(job.path.parents[1]).events(job.id).new()]
    wrong += [] if numbers == list(range(1, len(numbers) + 1)) else ["its events have gaps"]
    return wrong


def _go(home: Path, seconds: float | None, is_parent_hit: bool) -> tuple[bool, float]:
    """Let a worker work, below a process of its own, until it ends or has computed for so long and is killed.

    Args:
        home: of the queue.
        seconds: of computing, after which something is killed.
        is_parent_hit: whether that is the worker's parent; the worker then leaves by itself.

    Returns:
        Whether anything was killed, and the seconds that the worker has computed for.
    """
    parent = _forked(lambda: _parent(home))
    hit, computed = False, 0.0
    while psutil.pid_exists(parent):
        watched = _child_of(parent)
        if watched is not None:
            computed = max(computed, _computed(watched))
            if seconds is not None and computed >= seconds:
                hit = _killed(parent if is_parent_hit else watched.pid)
                seconds = None
        if os.waitpid(parent, os.WNOHANG)[0]:
            break
        time.sleep(0.01)
    while (lock := home / "worker-cpu.lock").exists() and _is_locked(lock):  # by a worker that is just leaving
        time.sleep(0.01)
    return hit, computed


def _parent(home: Path) -> None:
    """What starts a worker, and ends with it."""
    process = _forked(lambda: _worker(home))
    os.waitpid(process, 0)


def _worker(home: Path) -> None:
    """A worker that writes its state as often as it can, and ends when there is nothing left to do."""
    os.environ |= {"SCUMBLE_HOME": str(home / "cache"), "SCUMBLE_OFFLINE": "1"}
    resume.SECONDS, loop.CHECKPOINT_SECONDS, loop.LOG_STEPS, paths.LEFT_SECONDS = 0.0, 0.02, 7, 0.0
    worker.IDLE_SECONDS = 0.05
    worker.main([str(home), "cpu"])


def _forked(work: Callable[[], None]) -> int:
    """A process that does this and ends; its number."""
    process = os.fork()
    if process:
        return process
    try:
        work()
    finally:
        os._exit(0)


def _child_of(process: int) -> psutil.Process | None:
    try:
        return next(iter(psutil.Process(process).children()), None)
    except psutil.NoSuchProcess:
        return None


def _computed(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return times.user + times.system


def _killed(process: int) -> bool:
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def _is_locked(path: Path) -> bool:
    try:
        with filelock.FileLock(path, blocking=False):
            return False
    except filelock.Timeout:
        return True


# --- Many jobs of many clients --------------------------------------------------------------------------------------


def many(count: int, seed: int, scratch: Path) -> Outcome:
    """Eight clients, 200 jobs, and so many kills of clients, of the supervisor and of workers."""
    chance, home = random.Random(f"{seed}/many"), scratch / "home"
    queue = Queue(home)
    clients = {client: _forked(lambda client=client: _client(home, client)) for client in range(CLIENTS)}
    server, done = _forked(lambda: _server(home)), Counter()
    while (clients or not _all_done(queue)) and not _has_failed(queue):
        time.sleep(chance.uniform(0.02, 0.3))
        for client, process in list(clients.items()):
            if os.waitpid(process, os.WNOHANG)[0]:
                del clients[client]
        victim = chance.choice(["client", "server", "worker", "worker"])
        if sum(done.values()) >= count:
            continue
        if victim == "client" and clients:
            client = chance.choice(list(clients))
            done[victim] += _ended(clients[client])
            clients[client] = _forked(lambda client=client: _client(home, client))  # it begins anew
        elif victim == "server":
            done[victim] += _ended(server)
            server = _forked(lambda: _server(home))
        elif (found := _child_of(server)) is not None:
            done[victim] += _killed(found.pid)
        print(f"many: {dict(done)} kills, {len(queue.states())} jobs", file=sys.stderr)
    _ended(server)
    return Outcome(sum(done.values()), len(queue.states()), _counted(queue))


def _client(home: Path, client: int) -> None:
    queue = Queue(home)
    for number in range(JOBS_EACH):
        queue.add("train", {"images": STEPS}, {"data": [Input("digits", "digits")]}, key=f"{client}/{number}")


def _server(home: Path) -> None:
    os.setpgrp()
    made = supervisor.Supervisor(Queue(home), ["cpu"], (sys.executable, __file__, "--small-worker"))
    supervisor.POLL_SECONDS = 0.05
    made.start()
    signal.pause()


def _small(kind: str, settings: dict[str, int], inputs: object, result: Path, device: str):
    """A job that counts in a file, and goes on where it was."""
    count = result / "count"
    done = int(count.read_text()) if count.exists() else 0
    yield Started("count", settings["images"], "steps")
    while done < settings["images"]:
        done += 1
        paths.write_atomically(count, str(done).encode())
        with (result / "steps").open("a") as file:
            file.write(f"{os.getpid()} {done}\n")
        yield Progress("count", done, settings["images"])
    yield Finished("count", [count], 0.0, Image.new("RGB", (8, 8)), {})


def _small_worker(arguments: Sequence[str]) -> int:
    kinds.begin, worker.warm_up, worker.IDLE_SECONDS = _small, lambda: None, 2.0
    return worker.main(arguments)


def _all_done(queue: Queue) -> bool:
    states = queue.states().values()
    return len(states) == CLIENTS * JOBS_EACH and all(state.state == "done" for state in states)


def _has_failed(queue: Queue) -> bool:
    return any(state.state == "failed" for state in queue.states().values())


def _counted(queue: Queue) -> list[str]:
    """What is missing, or there more than once."""
    wrong, keys = [], Counter(job.facts["key"] for job in queue.folders())
    wanted = {f"{client}/{number}" for client in range(CLIENTS) for number in range(JOBS_EACH)}
    wrong += [f"job {key} is lost" for key in sorted(wanted - set(keys))]
    wrong += [f"job {key} is there {times} times" for key, times in keys.items() if times > 1]
    for job in queue.folders():
        numbers = [record["n"] for record in queue.events(job.id).new()]
        if job.state().state != "done" or (job.result / "count").read_text() != str(STEPS):
            wrong.append(f"{job.id} is {job.state().state}: {job.state().message}")
        if numbers != list(range(1, len(numbers) + 1)):
            wrong.append(f"{job.id} has gaps in its events")
        # A step that a killed worker had not yet told of may be done again, by the next one and never by two at once.
        steps = [line.split() for line in (job.result / "steps").read_text().splitlines()]
        workers = [process for process, _ in itertools.groupby(steps, lambda step: step[0])]
        if len(workers) > len(set(workers)):
            wrong.append(f"{job.id} was done by two workers at once")
    return wrong


def _ended(process: int) -> bool:
    """Kill a child, and forget it."""
    hit = _killed(process)
    os.waitpid(process, 0)
    return hit


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table, a row a kind, and what is wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=40, help="of each kind")
    parser.add_argument("--seed", type=int, default=0)
    kinds_ = ["stylize", "train", "many"]
    parser.add_argument("--jobs", nargs="+", default=kinds_, choices=kinds_)
    given = parser.parse_args(arguments)
    print("| jobs | kills | ends | wrong | minutes |\n|---|---|---|---|---|", flush=True)
    failed = False
    for name in given.jobs:
        started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="scumble-web-kills-") as scratch:
            if name == "many":
                found = many(given.kills, given.seed, Path(scratch))
            else:
                found = killed(name, given.kills, given.seed, Path(scratch))
        minutes = (time.monotonic() - started) / 60
        print(f"| {name} | {found.kills} | {found.ends} | {len(found.wrong)} | {minutes:.1f} |", flush=True)
        for what in found.wrong:
            print(f"    {name} {what}", file=sys.stderr)
        failed |= bool(found.wrong)
    return int(failed)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--small-worker"]:
        sys.exit(_small_worker(sys.argv[2:]))
    sys.exit(main())
