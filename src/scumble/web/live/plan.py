"""What a picture will take, told before it is asked for: its size, the memory and the time."""

from collections.abc import Generator
from typing import Any

from scumble import jobs
from scumble.errors import ScumbleError, SettingsError, WeightsError
from scumble.events import Event, Planned
from scumble.style.files.wanted import Wanted
from scumble.style.instant.job import instant_events
from scumble.style.preparation.sources import Sources
from scumble.web.jobs import kinds
from scumble.web.live import pictures
from scumble.web.live.preview import of_one_pass

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
        for event in _events(settings, pictures.sources(inputs)):
            if isinstance(event, Planned):
                return {name: getattr(event, name) for name in FIGURES} | {"text": event.message}
            yield
    except WeightsError:
        return dict.fromkeys(FIGURES) | {"text": NOT_HERE}
    except ScumbleError as error:
        raise type(error)(pictures.without_names(str(error), inputs)) from error
    raise AssertionError("a job that is planned tells its plan")


def _events(settings: Any, sources: Sources) -> Generator[Event, None, None]:
    if settings.preset == "instant":
        return instant_events(sources, of_one_pass(settings), Wanted(None), dry_run=True)
    return jobs.start("texture", sources, settings, dry_run=True)
