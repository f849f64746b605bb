"""Decoders kept quiet: what they warn of, log, or print from C, we tell in our own words or not at all.

libtiff prints what it thinks of a file to the process's standard error, which no Python can catch. It is told not to,
for as long as something is decoded; then it says again what the host program had it say.
"""

import contextlib
import ctypes
import functools
import logging
from collections.abc import Callable, Iterator

from PIL import _imaging  # pyright: ignore[reportAttributeAccessIssue]

from scumble.shared import shared, warnings_ignored

LOGGERS = ("PIL", "tifffile")
SETTERS = ("TIFFSetErrorHandler", "TIFFSetWarningHandler")
"""Of libtiff: each takes the new handler, NULL for none, and returns the one that there was."""

NOWHERE = logging.NullHandler()
"""Without any handler, Python's logging prints to standard error."""


@shared
@contextlib.contextmanager
def decoders_quiet() -> Iterator[None]:
    """Let nothing of a decoder reach anybody but through a result or an exception; the host program's logs go on."""
    before = [(set_handler, set_handler(None)) for set_handler in _setters()]
    try:
        for name in LOGGERS:
            logging.getLogger(name).addHandler(NOWHERE)
        with warnings_ignored():
            yield
    finally:
        for name in LOGGERS:
            logging.getLogger(name).removeHandler(NOWHERE)
        for set_handler, handler in before:
            set_handler(handler)


@functools.cache
def _setters() -> list[Callable[[int | None], int | None]]:
    """Those functions of the libtiff that Pillow has with it, where they can be found."""
    found = []
    with contextlib.suppress(OSError, AttributeError):
        library = ctypes.CDLL(_imaging.__file__)
        for name in SETTERS:
            function = getattr(library, name)
            function.restype, function.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
            found.append(function)
    return found
