"""A small picture of what the settings lead to, at once: by the preset `instant`, whatever preset is asked for.

What only an optimisation has, such as the weight of a layer, the preview leaves out. Nothing here imports torch.
"""

from collections.abc import Generator
from typing import Any

from scumble.errors import ScumbleError
from scumble.events import Finished
from scumble.settings import Settings
from scumble.style.files.wanted import Wanted
from scumble.style.instant.job import instant_events
from scumble.style.presets import ONE_PASS
from scumble.web.jobs import kinds
from scumble.web.live import pictures

SIDE = 512
"""Pixels of the longer side, unless told otherwise."""
COPY = 2
"""How much larger the copies are that it is made of: strokes may be made of a part of the painting."""
OF_A_PREVIEW = {"preset": "instant", "dpi": None, "bits": 8, "device": "auto", "max_memory": None}


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
        longest = max(max(pictures.small(path, COPY * side).size) for path in inputs["content"])
        values = of_one_pass(settings) | OF_A_PREVIEW | {"size": min(side, longest)}
        for event in instant_events(pictures.sources(inputs, COPY * side), values, Wanted(None)):
            if isinstance(event, Finished):
                return pictures.as_answer(event.picture)
            yield
    except ScumbleError as error:
        raise type(error)(pictures.without_names(str(error), inputs)) from error
    raise AssertionError("a job that is not cancelled ends with Finished")


def of_one_pass(settings: Settings) -> dict[str, Any]:
    """Those of the settings that a painting in one pass has."""
    return settings.model_dump(mode="json", include=set(ONE_PASS))
