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


def path(name: str) -> Path:
    """The file of a painting.

    Raises:
        KeyError: if there is none of that name, whatever it may look like as a path.
    """
    return {known: FOLDER / f"{known}.jpg" for known in PAINTINGS}[name]


@functools.cache
def shelf() -> list[dict[str, Any]]:
    """All paintings, as the interface tells of them: as of uploads, and by digest as recipes name their inputs."""
    return [_told(name) for name in PAINTINGS]


def _told(name: str) -> dict[str, Any]:
    file, (title, about) = path(name), PAINTINGS[name]
    with Image.open(file) as picture:
        width, height = picture.size
    told = {"id": PREFIX + name, "name": title, "about": about, "width": width, "height": height}
    return told | {"sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
