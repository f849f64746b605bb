"""The program `scumble`: its commands, and the one place that turns errors into a line and an exit code.

Exit codes: 0 done, 1 failed, 2 wrong usage, 130 stopped by Ctrl-C. Commands are loaded when they are called, and they
import the engine inside their bodies, so that `--help` and a mistyped flag answer at once.
"""

import contextlib
import io
import os
import signal
import sys
from types import FrameType
from typing import NoReturn

from cyclopts import App, CoercionError, CycloptsError, Parameter, UnknownOptionError

from scumble import __version__, cores
from scumble.cli import pages, report
from scumble.errors import NO_STANDARD_INPUT, LostError, ScumbleError

NUMBERS = ("--shares", "--style-scale")
"""Flags that take one number each time, or all at once, with commas between."""

app = App(
    name="scumble",
    help="Make pictures with neural networks: paint photographs like paintings, train GANs and translators.",
    version=__version__,
    default_parameter=Parameter(negative_iterable=()),  # no --empty-style-scale beside --style-scale
    help_flags=pages.FLAGS,
)
app.command(
    "scumble.cli.style:stylize",
    name="stylize",
    help="Paint a photograph in the style of a painting.",
    help_formatter=pages.Page("stylize"),
)
app.command(
    "scumble.cli.style:batch",
    name="batch",
    help="Paint many photographs, each in every style.",
    help_formatter=pages.Page("batch"),
)
app.command(
    "scumble.cli.style:texture",
    name="texture",
    help="Make a new picture of what a painting is made of.",
    help_formatter=pages.Page("texture"),
)
app.command("scumble.cli.compare:compare", name="compare", help="Compare painted pictures, side by side.")
app.command("scumble.cli.gan.app:app", name="gan", help="Train GANs on pictures, and draw new ones.")
app.command("scumble.cli.translate:app", name="translate", help="Turn one kind of picture into another, and learn to.")
app.command("scumble.cli.web:web", name="web", help="Open a page for all of this in the browser.")
app.command("scumble.cli.info:info", name="info", help="Show how a picture was made, or what is on this machine.")
app.command("scumble.cli.models:app", name="models", help="List, fetch and remove the networks' weights.")
app.command("scumble.cli.cache:app", name="cache", help="List and clear the cache of prepared pictures.")


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run a command line and exit."""
    # A polite end, like Ctrl-C: what was made so far is saved.
    signal.signal(signal.SIGTERM, _interrupt)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a file's name may hold what the terminal cannot show
    arguments = sys.argv[1:] if arguments is None else arguments
    pages.whole = pages.ALL in arguments
    _share_the_cores(training=arguments[:2] in (["gan", "train"], ["translate", "train"]))
    if (empty := _empty(arguments)) is not None:
        hint = "a variable of the shell may be empty"
        sys.exit(
            2 if report.follows() else _failed(f"{empty} is empty; wanted a name or a value ({hint})", 2, arguments)
        )
    try:
        app(one_by_one(arguments), exit_on_error=False, print_error=False)
    except CycloptsError as error:
        sys.exit(2 if report.follows() else _failed(_usage(error), 2, arguments))
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


def _share_the_cores(training: bool) -> None:
    """Choose how many threads compute and how they wait, before torch is loaded, which reads it then.

    Threads that wait for each other by spinning take cores that others are using. They may spin for a moment: a
    training has many short waits, and would take half as long again without (docs/log.md).
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "3000" if training else "300")
    if (threads := cores.allowed()) is not None:
        os.environ["OMP_NUM_THREADS"] = str(threads)


def _usage(error: CycloptsError) -> str:
    """What is wrong with a command line, in one line."""
    if isinstance(error, UnknownOptionError) and "-" in (error.token.keyword, error.token.value):
        what = "-: standard input is not read, and standard output not written to; wanted the name of a file"
        return f"{what} ({NO_STANDARD_INPUT})"
    if isinstance(error, CoercionError) and error.token is not None and error.target_type is not None:
        from pydantic import TypeAdapter

        from scumble.settings import allowed

        name = error.token.keyword or (error.argument.name if error.argument else "argument")
        wanted = allowed(TypeAdapter(error.target_type).json_schema())
        return f"{name.lstrip('-').lower()}: got {error.token.value!r}, wanted {wanted}"
    return " ".join(str(error).split())


def _empty(arguments: list[str]) -> str | None:
    """Which argument is empty, in words; None if none is. An empty path would be the current folder."""
    for number, argument in enumerate(arguments):
        if not argument.strip():
            before = arguments[number - 1] if number else ""
            return f"what follows {before}" if before.startswith("-") else f"argument {number + 1}"
        if argument.startswith("--") and argument.endswith("="):
            return argument.removesuffix("=")
    return None


def one_by_one(arguments: list[str]) -> list[str]:
    """Flags that may be given several times, where their numbers came at once.

    Example:
        >>> one_by_one(["a.jpg", "--shares", "2,1"])
        ['a.jpg', '--shares', '2', '--shares', '1']
    """
    apart: list[str] = []
    for argument in arguments:
        flag, equals, values = argument.partition("=")
        if flag in NUMBERS and equals:
            apart += [f"{flag}={value}" for value in values.split(",")]
        elif apart and apart[-1] in NUMBERS:
            first, *others = argument.split(",")
            apart += [first, *(word for value in others for word in (apart[-1], value))]
        else:
            apart.append(argument)
    return apart


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
