"""The program `scumble`: how it begins and ends, and the one place that turns errors into a line and an exit code.

Exit codes: 0 done, 1 failed, 2 wrong usage, 130 stopped by Ctrl-C. The commands, whose reading takes half as long as
a picture painted in one pass, are imported when it is known that they are needed.
"""

import contextlib
import io
import os
import signal
import sys
from types import FrameType
from typing import NoReturn

from scumble import cores
from scumble.cli import report
from scumble.cli.style import short
from scumble.errors import LostError, ScumbleError, SettingsError


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run a command line and exit."""
    # A polite end, like Ctrl-C: what was made so far is saved.
    signal.signal(signal.SIGTERM, _interrupt)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a file's name may hold what the terminal cannot show
    arguments = sys.argv[1:] if arguments is None else arguments
    _prepare_libraries(arguments)
    try:
        _run(arguments)
    except ScumbleError as error:
        if os.environ.get("SCUMBLE_DEBUG"):
            raise
        if report.follows() and (error.exit_code == 2 or isinstance(error, LostError)):
            sys.exit(error.exit_code)  # the first one reports it
        sys.exit(_failed(str(error), error.exit_code, arguments))
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read our output has gone. Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    sys.exit(0)


def _run(arguments: list[str]) -> None:
    """Run a command line, by the short way if there is one."""
    if (empty := _empty(arguments)) is not None:
        raise SettingsError(f"{empty} is empty; wanted a name or a value", "a variable of the shell may be empty")
    if (call := short.understood(arguments)) is not None:
        short.paint(call)
        return
    from scumble.cli import commands

    commands.run(arguments)


def _prepare_libraries(arguments: list[str]) -> None:
    """Choose how many threads compute, how they wait and how memory comes, before torch and NumPy read it.

    Threads that wait for each other by spinning take cores that others are using. They may spin for a moment: a
    training has many short waits, and would take half as long again without (docs/log.md).
    """
    training = arguments[:2] in (["gan", "train"], ["translate", "train"])
    if arguments[:1] not in (["gan"], ["translate"], ["web"]):
        # NumPy's own threads are for large matrices. Of a picture's, the largest are 128 by 128, and waiting for the
        # other threads would take a quarter of all the time of a picture painted in one pass.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Blocks that are given back and asked for anew, as for large pictures, come in pages of 2 MiB in place of 4 KiB:
    # less time of the system's, a seventh of all where a large picture is translated.
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
    # Of the kernels that are compiled for each shape, 0.2 MiB each, 1024 would be kept: tiles have many shapes.
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "256")
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "3000" if training else "300")
    if (threads := cores.allowed()) is not None:
        os.environ["OMP_NUM_THREADS"] = str(threads)


def _empty(arguments: list[str]) -> str | None:
    """Which argument is empty, in words; None if none is. An empty path would be the current folder."""
    for number, argument in enumerate(arguments):
        if not argument.strip():
            before = arguments[number - 1] if number else ""
            return f"what follows {before}" if before.startswith("-") else f"argument {number + 1}"
        if argument.startswith("--") and argument.endswith("="):
            return argument.removesuffix("=")
    return None


def _failed(message: str, exit_code: int, arguments: list[str]) -> int:
    report.error(message)
    if "--json" in arguments:
        # Where standard output is what failed, it cannot be reported there.
        with contextlib.suppress(ScumbleError, BrokenPipeError):
            report.data({"event": "failed", "message": message, "exit_code": exit_code})
    return exit_code


def _interrupt(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
