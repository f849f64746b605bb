"""A small picture of what the settings lead to, at once: by the preset `instant` where there is one, else a hasty try.

The preview shows what a page's foremost settings do. What only an optimisation has, it leaves out.
"""

from collections.abc import Generator
from typing import Any

from scumble import jobs
from scumble.errors import ScumbleError
from scumble.events import Event, Finished
from scumble.style.presets import PRESETS
from scumble.web.jobs import kinds
from scumble.web.live import pictures

SIDE = 512
"""Pixels of the longer side, unless told otherwise."""
COPY = 2
"""How much larger the copies are that it is made of: strokes may be made of a part of the painting."""

HASTY = {"size": 160, "steps": 8, "coarse_steps": 5}
SHOWN = ("style_scale", "shares", "seed", "strength", "colour", "borders", "keep", "palette", "style_weight")
"""Settings that a hasty try follows."""


def preview(request: dict[str, Any]) -> Generator[None, None, dict[str, Any]]:
    """Paint a preview.

    Args:
        request: "settings" of the kind stylize, "inputs": files by role; and "side", pixels, if not the usual ones.

    Returns:
        The picture, as `pictures.as_answer` has it.

    Raises:
        ScumbleError: if a setting is wrong, or a picture cannot be read.
    """
    inputs, side = request["inputs"], int(request.get("side", SIDE))
    settings = kinds.check("stylize", request["settings"], inputs)
    try:
        for event in _events(settings, pictures.sources(inputs, COPY * side), side):
            if isinstance(event, Finished):
                return pictures.as_answer(event.picture)
            yield
    except ScumbleError as error:
        raise type(error)(pictures.without_names(str(error), inputs)) from error
    raise AssertionError("a job that is not cancelled ends with Finished")


def _events(settings: Any, sources: Any, side: int) -> Generator[Event, None, None]:
    size = min(side, max(sources.content.size))
    if "instant" not in PRESETS:
        given = {name: getattr(settings, name) for name in SHOWN if name in settings.model_fields_set}
        made = type(settings)(**given | HASTY | {"size": min(size, HASTY["size"])})
        return jobs.load("scumble.style.stylize:paint_events")(sources, made)
    known = jobs.load("scumble.style.presets:ONE_PASS")
    values = settings.model_dump(mode="json", include=set(known))
    values |= {"preset": "instant", "size": size, "dpi": None, "bits": 8, "device": "auto"}
    wanted = jobs.load("scumble.style.files.wanted:Wanted")(None)
    return jobs.load("scumble.style.instant.job:instant_events")(sources, values, wanted)
