"""The pictures that a request for a preview or a plan names: where they are, and small copies of them, kept."""

import base64
import functools
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from scumble.image import files
from scumble.image.reading.room import Room
from scumble.style.preparation.sources import Sources

KEPT = 24
"""Small copies; each takes some megabytes."""
MEMORY_BYTES = 1 << 30
"""What decoding a picture may take."""

Inputs = Mapping[str, Sequence[str]]
"""Files by role."""


def sources(inputs: Inputs, side: int | None = None) -> Sources:
    """The pictures as a job takes them.

    Args:
        inputs: files by role, as of the kinds stylize and texture.
        side: pixels of the longer side of small copies of photograph and paintings; None for the files themselves.
    """
    given: dict[str, list[Any]] = {role: list(map(Path, files)) for role, files in inputs.items()}
    if side is not None:
        given |= {role: [small(str(path), side) for path in given.get(role, [])] for role in ("content", "style")}
    one = {role: next(iter(given.get(role, [])), None) for role in ("content", "content-map", "protect")}
    masks, maps = given.get("mask", []), given.get("style-map", [])
    return Sources(one["content"], given["style"], masks, one["content-map"], maps, one["protect"])


@functools.lru_cache(KEPT)
def small(path: str, side: int) -> Image.Image:
    """A small copy of a file; files of these names are never written over.

    Raises:
        ImageError: if it cannot be read.
    """
    picture = files.load(path, room=Room(MEMORY_BYTES, side))
    copy = picture.rgb.copy()
    if picture.alpha is not None:
        copy.putalpha(picture.alpha)
    copy.thumbnail((side, side), Image.Resampling.LANCZOS)
    return copy


def without_names(text: str, inputs: Inputs) -> str:
    """A message in which files are called what they are for: an upload's own name is a digest."""
    for role, given in inputs.items():
        for path in given:
            text = text.replace(path, f"the {role}").replace(Path(path).name, f"the {role}")
    return text


def as_answer(picture: Image.Image) -> dict[str, Any]:
    """A picture as an answer holds it: "picture", the base64 of a JPEG, its "type", "width" and "height"."""
    data = io.BytesIO()
    picture.convert("RGB").save(data, "JPEG", quality=90)
    text = base64.b64encode(data.getvalue()).decode()
    return {"picture": text, "type": "image/jpeg", "width": picture.width, "height": picture.height}
