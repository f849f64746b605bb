"""The short form of `make fuzz`, and that it finds what it looks for."""

import subprocess
import sys
from random import Random

import pytest

from conftest import encoded
from fuzz import mutations, readers, worker
from fuzz.run import TESTS, fuzz

FILES = 100
NEVER_REFUSED = ("probes", "caches")
"""What is not as it was written is made again."""

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("name", readers.KINDS)
def test_spoiled_files_are_read_or_refused_in_one_line(name, tmp_path):
    (tmp_path / "made").mkdir()
    kind = readers.make(name, tmp_path / "made")
    found = []
    for number in range(FILES):
        worker.placed(worker.spoiled(kind, name, 1, number), tmp_path / "place")
        found.append(worker.outcome(kind.read, tmp_path / "place"))
    assert not [words for what, words in found if what == "failed"]
    assert {what for what, _ in found} == {"read"} | ({"refused"} if name not in NEVER_REFUSED else set())


def test_what_is_spoiled_follows_from_the_seed():
    good = [encoded(n) for n in range(3)]
    first, again, other = ([mutations.mutated(good[0], good, Random(seed)) for _ in range(20)] for seed in (1, 1, 2))
    assert first == again != other


def test_files_are_read_in_a_process_of_their_own():
    found = fuzz("settings", 20)
    assert (found.files, found.read + found.refused, found.failures) == (20, 20, {})


BAD = """
import os, sys, time, warnings
from pathlib import Path
from fuzz import readers, worker
from scumble.errors import ScumbleError

def read(place):
    match (place / "file").read_bytes():
        case b"raises": raise KeyError("a traceback")
        case b"refuses": raise ScumbleError("one line")
        case b"lines": raise ScumbleError("two\\nlines")
        case b"warns": warnings.warn("to everybody")
        case b"writes": (place.parent / "outside").write_text("x")
        case b"prints": os.write(2, b"from C")
        case b"memory": bytearray(b"x") * (3 << 26)
        case b"hangs":
            while True: pass

words = ["reads", "raises", "refuses", "lines", "warns", "writes", "prints", "memory", "hangs"]
number = iter(words)
spoil = lambda held, random: {"file": next(number).encode()}
readers.KINDS["bad"] = lambda place: readers.Kind([{"file": b""}], spoil, read)
worker.SECONDS, worker.MEMORY_BYTES = 3, 128 << 20
worker.main("bad", 0, 0, len(words), Path(sys.argv[1]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured on Linux only")
def test_whatever_a_reader_may_not_do_is_found(tmp_path):
    ended = subprocess.run(
        [sys.executable, "-c", BAD, tmp_path], capture_output=True, text=True, cwd=TESTS, timeout=120
    )
    found = [line for line in ended.stdout.splitlines() if "found" in line]
    assert ended.returncode == -worker.signal.SIGPROF, ended.stderr
    for line, wanted in zip(
        found,
        ("read", "KeyError", "refused", "message of", "to everybody", "may not: open", "chatter", "MiB"),
        strict=True,
    ):
        assert wanted in line
