"""How a picture's colours are meant: what files tell about it, in whichever of several ways."""

from typing import NamedTuple

from PIL import Image

from scumble.image.reading import boxes, spaces
from scumble.image.reading.spaces import Space


class Told(NamedTuple):
    """How a picture's colours are meant: a space, or an ICC profile, or neither for sRGB."""

    space: Space | None
    profile: bytes | None


def of(image: Image.Image, data: bytes, told_png: dict[bytes, bytes]) -> Told:
    """How an opened picture's colours are meant."""
    if told_png:
        return Told(*spaces.of_png(told_png))
    profile = image.info.get("icc_profile")
    if image.format in ("AVIF", "HEIF"):
        coding = boxes.coding(data)
        # A profile tells more than numbers, except of brightness.
        if coding and (spaces.is_bright(coding) or not profile):
            return Told(spaces.of_coding(coding), None)
    return Told(None, profile if isinstance(profile, bytes) else None)
