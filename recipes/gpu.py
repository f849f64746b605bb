"""What scumble is on a GPU, in eight minutes: tests, speed and memory by preset, times of paintings, and a training.

    recipes/gpu.sh FOLDER [--data cifar10.zip] [--minutes 7.5] [--only speed stylize] [--short]
    python recipes/gpu.py --table FOLDER/results.json

Each stage works in processes of its own, for its share of the time, and what it finds is in results.json at once: one
that fails, hangs, is killed or cut off takes nothing with it. FOLDER receives results.json, table.md, tests.txt and
gan/, the trained model with a sheet of samples; the run itself stays in `--work`, and goes on there another time.
`--short` does everything in small, on whatever device there is, in less than a minute.
"""

import argparse
import json
import math
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

import gpu_work
from gpu_work import Row

REPOSITORY = Path(__file__).parents[1]
LEAST_SECONDS = 5.0
"""A stage with less time left is not begun."""


class Options(NamedTuple):
    """What was asked for on the command line."""

    folder: Path
    data: str
    work: Path
    short: bool


# --- Stages: each a generator of rows that keeps within its seconds -------------------------------------------------


def tests(options: Options, seconds: float) -> Iterator[Row]:
    """The tests that are marked `gpu`: how each ended."""
    command = [sys.executable, "-m", "pytest", "-v", "-m", "gpu", "-p", "no:cacheprovider", "tests/test_gpu.py"]
    wide = os.environ | {"COLUMNS": "200"}  # a test and its outcome shall stand in one line
    with (options.folder / "tests.txt").open("w") as log:
        process = subprocess.Popen(
            command, cwd=REPOSITORY, env=wide, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            start_new_session=True,
        )  # fmt: skip
        stop = threading.Timer(seconds, os.killpg, (process.pid, signal.SIGKILL))
        stop.start()
        for line in process.stdout or ():
            log.write(line)
            log.flush()
            if found := re.match(r"tests/\S+?::(.+) (PASSED|FAILED|ERROR|SKIPPED)\b", line):
                outcome = found[2].lower()
                yield {"test": found[1], "outcome": outcome} | _wrong("see tests.txt", outcome in ("failed", "error"))
        code = process.wait()
        stop.cancel()
    if code == -signal.SIGKILL:
        yield _cut(seconds)
    elif code not in (0, 1):
        yield {"error": f"pytest ended with {code}: see tests.txt"}


def speed(options: Options, seconds: float) -> Iterator[Row]:
    """Images per second, and memory, of every preset's training at 64 x 64."""
    yield from alone(gpu_work.speeds, seconds, options.short)


def stylize(options: Options, seconds: float) -> Iterator[Row]:
    """Seconds and memory of paintings, each size in a process of its own: as for one who paints a single picture."""
    end = time.monotonic() + seconds
    for preset in ("quick", "fine"):
        for size in (64,) if options.short else (512, 1024, 2048):
            case = {"preset": preset, "size": size}
            if (left := end - time.monotonic()) < LEAST_SECONDS:
                yield case | _cut(seconds)
                continue
            for row in alone(gpu_work.paintings, left, preset, size, options.short):
                yield case | row


def gan(options: Options, seconds: float) -> Iterator[Row]:
    """The default preset for as long as there is time, and what its model is worth."""
    where = options.data, options.folder / "gan", options.work
    yield from alone(gpu_work.training, seconds, *where, options.short, seconds)


class Stage(NamedTuple):
    """What is done, and its share of the whole time; the last one has all that is left."""

    work: Callable[[Options, float], Iterator[Row]]
    share: float


STAGES = {
    "tests": Stage(tests, 0.3),
    "speed": Stage(speed, 0.22),
    "stylize": Stage(stylize, 0.22),
    "gan": Stage(gan, 1),
}


# --- Processes ------------------------------------------------------------------------------------------------------


def alone(work: Callable[..., Iterator[Row]], seconds: float, *arguments: Any) -> Iterator[Row]:
    """The rows of a generator that works in a process of its own, and is killed when its time is over."""
    context, end = multiprocessing.get_context("spawn"), time.monotonic() + seconds
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_send, args=(sender, work, arguments))
    process.start()
    sender.close()
    try:
        while receiver.poll(max(0.0, end - time.monotonic())):
            yield receiver.recv()
        yield _cut(seconds)
    except EOFError:  # it has ended
        process.join()
        if process.exitcode:
            yield {"error": f"its process ended with {process.exitcode}"}
    finally:
        process.kill()
        process.join()


def _send(sender: Connection, work: Callable[..., Iterator[Row]], arguments: tuple[Any, ...]) -> None:
    try:
        for row in work(*arguments):
            sender.send(row)
    except Exception as error:
        sender.send(_wrong(f"{type(error).__name__}: {error}"))


def _wrong(message: str, is_so: bool = True) -> Row:
    return {"error": message.strip().partition("\n")[0]} if is_so else {}


def _cut(seconds: float) -> Row:
    return {"cut": f"its {seconds:.0f} seconds were over"}


# --- Results --------------------------------------------------------------------------------------------------------


class Results:
    """The file results.json, a list of runs of this program: written anew with every row."""

    def __init__(self, path: Path, short: bool, facts: Row):
        self.path = path
        self.runs: list[Row] = json.loads(path.read_text()) if path.exists() else []
        when = time.strftime("%Y-%m-%d %H:%M")
        self.runs.append({"when": when, "short": short, "machine": facts, "stages": {}})
        self._save()

    def take(self, name: str, rows: Iterator[Row]) -> Row:
        """Run a stage, and keep each of its rows as it comes.

        Returns:
            The stage as it is kept: its status ("done", "cut" if its time was over, "failed"), seconds, and rows.
        """
        started = time.monotonic()
        stage: Row = {"status": "cut", "seconds": 0.0, "rows": []}  # what it is should we be killed
        self.runs[-1]["stages"][name] = stage
        for row in rows:
            stage["rows"].append(row)
            stage["seconds"] = time.monotonic() - started
            self._save()
        known = set().union(*stage["rows"])
        stage["status"] = next((status for word, status in STATUS.items() if word in known), "done")
        stage["seconds"] = time.monotonic() - started
        self._save()
        return stage

    def _save(self) -> None:
        """At every moment, the file is whole."""
        partial = self.path.with_suffix(".part")
        partial.write_text(json.dumps(_plain(self.runs), indent=1, allow_nan=False))
        partial.replace(self.path)


STATUS = {"error": "failed", "cut": "cut"}
"""What a field of a row says of its stage."""


def _plain(value: Any) -> Any:
    """The same in JSON's words, which has none for numbers that are not finite."""
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, str | int | float) else str(value)


# --- As Markdown ----------------------------------------------------------------------------------------------------


def described(run: Row) -> str:
    """Everything that a run has found."""
    facts = ", ".join(f"{name} {value}" for name, value in run["machine"].items())
    parts = [f"## {run['when']}{', in small' if run['short'] else ''}", facts]
    for name, stage in run["stages"].items():
        rows = _by_preset(stage["rows"]) if name == "speed" else stage["rows"]
        parts += [f"### {name}: {stage['status']} after {stage['seconds']:.0f} s", table(rows)]
    return "\n\n".join(parts) + "\n"


def table(rows: list[Row]) -> str:
    """A column for each name that a row has."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    lines = [columns, ["---"] * len(columns), *([_cell(name, row.get(name)) for name in columns] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _by_preset(rows: list[Row]) -> list[Row]:
    """A row for each preset: images per second in each precision, and the most memory."""
    found: dict[str, Row] = {}
    for row in rows:
        line = found.setdefault(row.get("preset", ""), {"preset": row.get("preset", "")})
        if "images_per_second" in row:
            memory = _cell("peak_memory_bytes", row["peak_memory_bytes"])
            line[row["precision"]] = f"{row['images_per_second']:.0f}" + f" ({memory})" * bool(memory)
        else:
            line[row.get("precision", "")] = row.get("error") or row.get("cut")
    return list(found.values())


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    if name.endswith("_bytes"):
        return f"{value / 2**20:,.0f} MiB"
    return f"{value:.4g}" if isinstance(value, float) else str(value).replace("|", "/")


# --- All of it ------------------------------------------------------------------------------------------------------


def main() -> int:
    """Stage after stage; 1 if one failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path, default=Path(os.environ.get("OUT") or "build/gpu"))
    parser.add_argument("--data", default="shapes", help="what the GAN learns: a .zip, a .npz, a folder")
    parser.add_argument("--minutes", type=float, default=7.5, help="for all stages together")
    parser.add_argument("--only", nargs="+", choices=STAGES, default=list(STAGES), metavar="STAGE", help=str([*STAGES]))
    parser.add_argument("--work", type=Path, default=Path("build/gpu-work"), help="folder of the training's run")
    parser.add_argument("--short", action="store_true", help="everything in small, also without a GPU")
    parser.add_argument("--table", type=Path, help="only print what such a results.json holds")
    given = parser.parse_args()
    if given.table:
        print("\n".join(map(described, json.loads(given.table.read_text()))), end="")
        return 0
    end = time.monotonic() + 60 * given.minutes
    options = Options(given.folder.resolve(), given.data, given.work.resolve(), given.short)
    options.folder.mkdir(parents=True, exist_ok=True)
    facts = {name: value for row in alone(gpu_work.machine, 60) for name, value in row.items()}
    results, failed = Results(options.folder / "results.json", given.short, facts), False
    for name in given.only:
        seconds = min(STAGES[name].share * 60 * given.minutes, end - time.monotonic())
        work = STAGES[name].work(options, seconds) if seconds > LEAST_SECONDS else iter([_cut(seconds)])
        stage = results.take(name, work)
        failed |= stage["status"] == "failed"
        print(f"{name}: {stage['status']} after {stage['seconds']:.0f} s", flush=True)
    text = described(results.runs[-1])
    (options.folder / "table.md").write_text(text)
    print(text, end="")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
