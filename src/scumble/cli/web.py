"""The command that serves the web page."""

import os
import sys
import webbrowser
from typing import Annotated

from cyclopts import Parameter

from scumble.cli import report
from scumble.cli.flags import JsonLine
from scumble.errors import ScumbleError
from scumble.web.settings import WebSettings

NEEDED = ("starlette", "uvicorn", "jinja2", "python_multipart")
"""Packages that only this command needs."""


def web(
    *,
    json: JsonLine = False,
    settings: Annotated[WebSettings, Parameter(name="*")] = WebSettings(),  # noqa: B008 (it is frozen)
) -> None:
    """Open a page for painting, and for training and trying out GANs, on this machine. Ctrl-C ends it.

    Jobs go on where they were when it is started again.

    Args:
        settings: of the page.
    """
    try:
        from scumble.web.serve import serve
    except ModuleNotFoundError as error:
        if error.name not in NEEDED:
            raise
        raise ScumbleError(f"the page needs {error.name}", "pip install 'scumble[web]'") from None
    serve(settings, _ready_in_json if json else _ready)


def _ready_in_json(address: str) -> None:
    report.data({"event": "ready", "address": address})


def _ready(address: str) -> None:
    report.say(address)
    # Where nobody sits before a screen of this machine, a browser would open in the terminal, if at all.
    has_screen = sys.platform in ("darwin", "win32") or bool({"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys())
    if has_screen and sys.stdout is not None and sys.stdout.isatty():
        webbrowser.open(address)
