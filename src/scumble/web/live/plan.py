"""What a picture will take, told before it is asked for: its size, the memory and the time."""

from collections.abc import Generator
from typing import Any

from scumble import jobs
from scumble.errors import ScumbleError, SettingsError, WeightsError
from scumble.events import Planned
from scumble.web.jobs import kinds
from scumble.web.live import pictures

NOT_HERE = "its network is fetched first; how long the work takes is told when that is done"
FIGURES = ("width", "height", "memory_bytes", "seconds")


def plan(request: dict[str, Any]) -> Generator[None, None, dict[str, Any]]:
    """Look at the pictures and time a short trial; nothing is painted.

    Args:
        request: "kind", stylize or texture; its "settings"; "inputs": files by role.

    Returns:
        "width" and "height" in pixels, "memory_bytes" and "seconds", and all of it in words as "text". What cannot be
        known yet is None.

    Raises:
        ScumbleError: if a setting is wrong, a picture cannot be read, or there is too little memory for the work.
    """
    kind, inputs = request["kind"], request["inputs"]
    settings = kinds.check(kind, request["settings"], inputs)
    if kind not in ("stylize", "texture"):
        raise SettingsError(f"kind: got {kind!r}, wanted stylize or texture")
    try:
        for event in jobs.start("texture", pictures.sources(inputs), settings, dry_run=True):
            if isinstance(event, Planned):
                return {name: getattr(event, name) for name in FIGURES} | {"text": event.message}
            yield
    except WeightsError:
        return dict.fromkeys(FIGURES) | {"text": NOT_HERE}
    except ScumbleError as error:
        raise type(error)(pictures.without_names(str(error), inputs)) from error
    raise AssertionError("a job that is planned tells its plan")
