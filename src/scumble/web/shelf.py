"""The shelf: small paintings that come with scumble, for those who have none at hand. recipes/shelf.py draws them."""

import functools
import hashlib
from pathlib import Path
from typing import Any

from PIL import Image

FOLDER = Path(__file__).with_name("shelf_pictures")
PREFIX = "shelf:"

PAINTINGS = {
    "waves": ("Waves", "Long blue strokes, white crests"),
    "fields": ("Fields", "Short thick strokes in yellow and green"),
    "night": ("Night", "Swirls of ultramarine around yellow lights"),
    "mosaic": ("Mosaic", "Small tiles of warm stone"),
    "ink": ("Ink", "Washes of black ink on rice paper"),
    "garden": ("Garden", "Points of pure colour"),
}
"""Names, and for people a title and what there is to see."""


def file(id: str) -> Path | None:
    """The file of a painting by its id, such as shelf:waves; None if there is none, whatever the id may look like."""
    return {f"{PREFIX}{name}": FOLDER / f"{name}.jpg" for name in PAINTINGS}.get(id)


@functools.cache
def listed() -> list[dict[str, Any]]:
    """All paintings, as the interface tells of them: as of uploads, and by digest as recipes name their inputs."""
    return [_told(f"{PREFIX}{name}", *about) for name, about in PAINTINGS.items()]


def _told(id: str, title: str, about: str) -> dict[str, Any]:
    path = file(id)
    assert path is not None
    with Image.open(path) as picture:
        width, height = picture.size
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return {"id": id, "name": title, "about": about, "width": width, "height": height, "sha256": digest}
