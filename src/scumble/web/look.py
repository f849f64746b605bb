"""The process that looks at uploaded pictures: what they are, their recipes, and small copies that browsers show.

Decoders have bugs, and strangers' files are written to find them: no file is decoded in the server. Requests and
answers are lines of JSON, {"file", "sides": {pixels: file without its ending}, "max_pixels"} in and {"width", ...} or
{"error"} out. The process ends with its standard input: when the server ends it, or has gone itself.
"""

import contextlib
import json
import sys
from pathlib import Path
from typing import Any

from PIL import Image

from scumble.errors import ImageError, ScumbleError
from scumble.image import decode, files, recipe
from scumble.image.reading import kinds
from scumble.image.reading.room import Room
from scumble.web.looker import PICTURE

MEMORY_BYTES = 1 << 30
"""What decoding one picture may take."""
MAX_RECIPE = 100_000
"""Characters: those that we write have some thousands, with all masks."""


def main() -> None:
    """Answer until the requests end."""
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = look(**request)
        except ScumbleError as error:
            answer = {"error": str(error).replace(request["file"], PICTURE)}
        print(json.dumps(answer), flush=True)


def look(file: str, sides: dict[str, str], max_pixels: int) -> dict[str, Any]:
    """What is told of a picture; its copies are written.

    Args:
        file: the picture.
        sides: where a copy goes that fits into a square of so many pixels, without the ending: it may be .jpg, or .png
            where there is opacity.
        max_pixels: pictures of more are refused.

    Raises:
        ImageError: if it is no picture, or cannot be used.
    """
    data = decode.read_file(Path(file))
    width, height = files.size_of(data, PICTURE)
    if width * height > max_pixels:
        raise ImageError(
            f"{PICTURE} has {width} x {height} pixels; wanted at most {max_pixels / 1e6:.0f} million", "make it smaller"
        )
    largest = max(map(int, sides), default=1)
    picture = files.load_bytes(data, PICTURE, room=Room(MEMORY_BYTES, largest))
    small = picture.rgb.copy()
    if picture.alpha is not None:
        small.putalpha(picture.alpha)
    for side, path in sorted(sides.items(), key=lambda item: -int(item[0])):  # each from the larger one before
        small.thumbnail((int(side), int(side)), Image.Resampling.LANCZOS)
        _write(small, Path(path))
    return {"type": kinds.read_kind(data), "width": width, "height": height, "recipe": _recipe_in(Path(file))}


def _recipe_in(path: Path) -> dict[str, Any] | None:
    with contextlib.suppress(ImageError):
        found = recipe.read(path)
        if len(json.dumps(found)) <= MAX_RECIPE:
            return found
    return None


def _write(small: Image.Image, path: Path) -> None:
    ending, options = (".png", {}) if small.mode == "RGBA" else (".jpg", {"quality": 88})
    hidden = path.with_name(f"{path.name}.part")
    small.save(hidden, "PNG" if ending == ".png" else "JPEG", **options)
    hidden.replace(path.with_name(path.name + ending))


if __name__ == "__main__":
    main()
