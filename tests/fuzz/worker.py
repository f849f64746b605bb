"""A process that reads spoiled files, one after the other, and tells of each a line of JSON; see `run`.

It is the system that stops it: after 5 seconds of computing or 60 of waiting for one file, or where its address space
has grown by 4 GiB. What it opens to write, renames, removes, connects to or starts is watched by Python itself.
"""

import faulthandler
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

SECONDS, SECONDS_OF_WAITING = 5.0, 60.0
MEMORY_BYTES, ADDRESS_BYTES = 1 << 30, 4 << 30
MAX_MESSAGE = 2000
WATCHED = {
    "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod", "os.utime",
    "os.system", "os.exec", "os.posix_spawn", "os.fork", "subprocess.Popen", "socket.connect", "pickle.find_class",
}  # fmt: skip


class Watch:
    """What is done outside of the folder that belongs to the file at hand."""

    def __init__(self, place: Path):
        self.place, self.on, self.seen = str(place), False, []
        sys.addaudithook(self.hook)

    def hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.on:
            return
        if event == "open":
            path, mode, flags = arguments
            writes = bool((flags or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)) or any(
                c in (mode or "") for c in "wax+"
            )
            if not writes or isinstance(path, int):
                return
        elif event not in WATCHED:
            return
        first = (
            os.path.realpath(os.fsdecode(arguments[0]))
            if arguments and isinstance(arguments[0], str | bytes | os.PathLike)
            else ""
        )
        if event == "pickle.find_class" or (not first.startswith(self.place) and first != os.devnull):
            self.seen.append(f"{event} {arguments[:2]}")


def spoiled(kind: Any, name: str, seed: int, number: int) -> dict[str, bytes]:
    """The file with this number."""
    random = Random(f"{seed}/{name}/{number}")
    return kind.spoil(random.choice(kind.good), random)


def placed(held: dict[str, bytes], place: Path) -> None:
    """Make a folder hold these files and nothing else."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    for file, data in held.items():
        (place / file).parent.mkdir(parents=True, exist_ok=True)
        (place / file).write_bytes(data)


def outcome(read: Callable[[Path], None], place: Path) -> tuple[str, str]:
    """ "read", "refused" or "failed", and the words of a refusal or failure."""
    from scumble.errors import ScumbleError

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            read(place)
            found = "read", ""
        except ScumbleError as error:
            found = "refused", str(error)
            if len(str(error)) > MAX_MESSAGE or "\n" in str(error):
                found = "failed", f"a message of {len(str(error))} characters: {str(error)[:200]!r}"
            elif where := _out_of_memory(error):
                found = "failed", f"asked for more memory than there is: {where}"
        except BaseException as error:
            last = traceback.extract_tb(error.__traceback__)
            own = [frame for frame in last if "scumble" in frame.filename and "fuzz" not in frame.filename] or last
            found = (
                "failed",
                f"{type(error).__name__} at {Path(own[-1].filename).name}:{own[-1].lineno}: {str(error)[:150]!r}",
            )
    if caught and found[0] != "failed":
        return "failed", f"a warning escapes: {caught[0].message} at {Path(caught[0].filename).name}:{caught[0].lineno}"
    return found


def _out_of_memory(error: BaseException | None) -> str | None:
    """Where memory ended, in what an error came from."""
    while error is not None:
        if isinstance(error, MemoryError) or "allocate memory" in str(error) or "Unable to allocate" in str(error):
            return str(error)[:150]
        error = error.__cause__ or error.__context__
    return None


def _memory(name: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) << 10
    return 0


def main(name: str, seed: int, first: int, last: int, scratch: Path) -> None:
    """Read the files first ... last - 1 of a kind."""
    lines = os.fdopen(os.dup(1), "w", buffering=1)
    chatter = tempfile.TemporaryFile()  # noqa: SIM115 (until the process ends)
    complaints = os.fdopen(os.dup(2), "w")
    faulthandler.enable(complaints)
    sys.excepthook = lambda *error: traceback.print_exception(*error, file=complaints)
    for stream in (1, 2):
        os.dup2(chatter.fileno(), stream)
    import torch

    from fuzz import readers

    torch.set_num_threads(1)
    os.fsync = lambda file: None  # nothing here has to last, and the disk would take longer than all the rest
    warnings.simplefilter("ignore")  # of making the files
    (scratch / "made").mkdir(parents=True)
    kind = readers.make(name, scratch / "made")
    place = scratch / "place"
    for held in kind.good:  # whatever is loaded or cached at the first time
        placed(held, place)
        outcome(kind.read, place)
    lines.write(json.dumps({"ready": len(kind.good)}) + "\n")
    watch, linux = Watch(place), Path("/proc/self/clear_refs").exists()
    before = _memory("VmRSS")
    if linux:
        resource.setrlimit(resource.RLIMIT_AS, (_memory("VmSize") + ADDRESS_BYTES,) * 2)
    for number in range(first, last):
        placed(spoiled(kind, name, seed, number), place)
        lines.write(json.dumps({"begins": number}) + "\n")
        os.lseek(chatter.fileno(), 0, os.SEEK_SET)  # also that of the streams, which are the same file
        os.ftruncate(chatter.fileno(), 0)
        if linux:
            Path("/proc/self/clear_refs").write_text("5")  # the peak begins again
        watch.seen.clear()
        started = os.times()
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        signal.setitimer(signal.ITIMER_REAL, SECONDS_OF_WAITING)
        watch.on = True
        found, words = outcome(kind.read, place)
        watch.on = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.setitimer(signal.ITIMER_PROF, 0)
        ended = os.times()
        peak = (_memory("VmHWM") - before) if linux else 0
        if peak > MEMORY_BYTES:
            found, words = "failed", f"took {peak >> 20} MiB: {found} {words}"
        if watch.seen:
            found, words = "failed", f"did what it may not: {watch.seen[0]}"
        if found != "failed" and os.fstat(chatter.fileno()).st_size:
            found, words = "failed", f"chatter: {os.pread(chatter.fileno(), 150, 0)!r}"
        seconds = ended.user + ended.system - started.user - started.system
        told = {"number": number, "found": found, "words": words, "seconds": seconds, "peak": peak}
        lines.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), Path(sys.argv[5]))
