"""Every reader is given thousands of spoiled files: `make fuzz`, or `python -m fuzz.run --files 500 --kinds recipes`.

Each file must be read, or refused in one line: no other exception, no crash, nothing written elsewhere, no second line
on the screen, at most 5 seconds and 1 GiB. Files follow from a seed, the kind and their number; those that fail are
kept in build/fuzz.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

TESTS = Path(__file__).parents[1]
MAX_CRASHES = 20
"""Of a kind: each takes a new process."""
ENDS = {
    signal.SIGPROF: "more than 5 seconds of computing",
    signal.SIGALRM: "waits for more than 60 seconds",
    signal.SIGKILL: "killed: out of memory?",
}


class Summary(NamedTuple):
    """Of one kind of files."""

    kind: str
    files: int
    read: int
    refused: int
    failures: dict[int, str]
    slowest: float
    peak_bytes: int
    seconds: float


def fuzz(kind: str, files: int, seed: int = 0, first: int = 0) -> Summary:
    """Read so many spoiled files of a kind."""
    started, told, failures, crashes, at = time.monotonic(), [], {}, 0, first
    while at < first + files and crashes <= MAX_CRASHES:
        with tempfile.TemporaryDirectory(prefix="scumble-fuzz-") as scratch:
            begun, ended = None, None
            for line in _lines(kind, seed, at, first + files, Path(scratch)):
                begun = line.get("begins", begun)
                ended = line.get("end", ended)
                if "found" in line:
                    told.append(line)
                    if line["found"] == "failed":
                        failures[line["number"]] = line["words"]
        if not ended:
            break
        if begun is None:
            raise RuntimeError(f"the good files of {kind} are not read: {ended}")
        failures[begun] = ended
        crashes, at = crashes + 1, begun + 1
    count = {found: sum(line["found"] == found for line in told) for found in ("read", "refused")}
    slowest, peak = (max((line[name] for line in told), default=0) for name in ("seconds", "peak"))
    done = len(told) + crashes
    return Summary(kind, done, count["read"], count["refused"], failures, slowest, peak, time.monotonic() - started)


def _lines(kind: str, seed: int, first: int, last: int, scratch: Path) -> Iterator[dict[str, Any]]:
    """What a worker tells; last, how it came to a bad end."""
    home = {name: str(scratch / "home") for name in ("SCUMBLE_HOME", "TORCH_HOME", "HOME")}
    alone = os.environ | home | {"SCUMBLE_OFFLINE": "1", "OMP_NUM_THREADS": "1", "SCUMBLE_WEIGHTS": ""}
    alone["PYTHONPATH"] = os.pathsep.join([str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [sys.executable, "-m", "fuzz.worker", kind, str(seed), str(first), str(last), str(scratch)]
    with tempfile.TemporaryFile("w+") as complaint:
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=complaint, text=True, env=alone, cwd=scratch
        ) as worker:
            assert worker.stdout is not None
            yield from map(json.loads, worker.stdout)
        if worker.returncode:
            complaint.seek(0)
            number = -worker.returncode
            name = signal.Signals(number).name if number > 0 else f"exit {worker.returncode}"
            where = " ".join(complaint.read()[-2000:].split()) if number not in ENDS else ""
            yield {"end": ENDS.get(number, f"{name} {where}")}


def keep(summary: Summary, seed: int, folder: Path, distinct: int = 40) -> None:
    """Write the files that failed to folders of their own."""
    from fuzz import readers
    from fuzz.worker import placed, spoiled

    with tempfile.TemporaryDirectory() as scratch:
        kind = readers.make(summary.kind, Path(scratch))
        for number, words in list(summary.failures.items())[:distinct]:
            place = folder / summary.kind.replace(": ", "-") / str(number)
            placed(spoiled(kind, summary.kind, seed, number), place)
            (place.parent / f"{number}.txt").write_text(words + "\n", encoding="utf-8", errors="replace")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table, a row a kind, and the failures."""
    from fuzz.readers import KINDS

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=10_000, help="of each kind")
    parser.add_argument("--first", type=int, default=0, help="number of the first file")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), metavar="KIND", help=", ".join(KINDS))
    parser.add_argument("--keep", type=Path, default=Path("build/fuzz"), help="folder for the files that fail")
    given = parser.parse_args(arguments)
    print(
        "| kind | files | read | refused | failures | slowest, s | most memory, MiB | minutes |\n" + "|---" * 8 + "|",
        flush=True,
    )
    failed = 0
    for name in [known for known in KINDS if any(known.startswith(kind) for kind in given.kinds)]:
        found = fuzz(name, given.files, given.seed, given.first)
        failed += len(found.failures)
        counts = " | ".join(f"{count:,}" for count in (found.files, found.read, found.refused, len(found.failures)))
        worst = f"{found.slowest:.2f} | {found.peak_bytes >> 20} | {found.seconds / 60:.1f}"
        print(f"| {name} | {counts} | {worst} |", flush=True)
        if found.failures:
            keep(found, given.seed, given.keep)
            for number, words in list(found.failures.items())[:15]:
                print(f"    {number}: {words}", file=sys.stderr)
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
