"""Standard error: lines for everybody, colours and bars for a terminal, whose library is loaded for these alone."""

import functools
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bar

FORCED = ("FORCE_COLOR", "TTY_COMPATIBLE")
"""Variables that make a terminal of what is none, or the other way round."""


@functools.cache
def console() -> "Console":
    """Standard error with colours and bars."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)


def is_terminal() -> bool:
    """Whether somebody looks at standard error as it is written."""
    if any(name in os.environ for name in FORCED):
        return console().is_terminal
    return sys.stderr is not None and sys.stderr.isatty()


def tell(message: str, label: str = "", colour: str = "", beside: "Bar | None" = None) -> None:
    """A line on stderr, beside a bar if there is one; a label in front of it is in colour on a terminal."""
    if beside is not None or (label and is_terminal()):
        from rich.text import Text

        target = console() if beside is None else beside.console
        target.print(Text.assemble((label, colour), " " * bool(label), message))
    elif sys.stderr is not None:
        print(*filter(None, (label, message)), file=sys.stderr, flush=True)
