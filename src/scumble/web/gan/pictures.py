"""A look into data sets: which pictures there are, and small ones of them; answers of the live process."""

import functools
import random
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from scumble.data.pixels import on_white
from scumble.data.raw import to_bytes
from scumble.data.sources.opener import open_source
from scumble.data.sources.source import Item, Source
from scumble.errors import ImageError

SIDE = 160
"""Of a small picture: large enough to tell a class by, on a screen that shows two pixels for one."""
QUALITY = 85


def choose(request: dict[str, Any]) -> dict[str, Any]:
    """Some pictures of a data set at random, always the same.

    Args:
        request: "data", as a training takes it; "count": how many at most.

    Returns:
        "name" of the data set, "count" of all its pictures, and "pictures": the names of those chosen, all different.

    Raises:
        DataError: if there is nothing to read.
    """
    source = _source(request["data"])
    names = list(dict.fromkeys(item.name for item in source.items))
    chosen = random.Random(0).sample(names, min(len(names), int(request["count"])))
    return {"name": source.name, "count": len(source.items), "pictures": chosen}


def thumbnails(request: dict[str, Any]) -> dict[str, Any]:
    """Write small pictures as files; of those that cannot be read there are none.

    Args:
        request: "data", as a training takes it; "folder" to write into; "pictures": a file's name for the name of each
            picture that is wanted.

    Returns:
        "written": the names of the files.
    """
    items, folder = _items(request["data"]), Path(request["folder"])
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, file in request["pictures"].items():
        if name in items:
            try:
                small = seen(items[name])
            except ImageError:
                continue
            small.save(folder / file, "JPEG", quality=QUALITY)
            written.append(file)
    return {"written": written}


def seen(item: Item) -> Image.Image:
    """A picture as it is looked at: RGB, on white where it is transparent, at most `SIDE` pixels high and wide.

    Of more bands than three, or of values that are no bytes, their mean is seen, between its own ends. Pixels of very
    small pictures are repeated.

    Raises:
        ImageError: if it cannot be read.
    """
    opened = item.opened()
    if opened.raw is None:
        image = on_white(opened.load())
    else:
        mean = opened.raw.read().mean(2)
        image = Image.fromarray(to_bytes(mean, (mean.min(), max(mean.max(), mean.min() + 1e-9)))).convert("RGB")
    times = SIDE // max(image.size)
    if times > 1:
        return Image.fromarray(np.asarray(image).repeat(times, 0).repeat(times, 1))
    image.thumbnail((SIDE, SIDE))
    return image


@functools.lru_cache(maxsize=2)
def _source(data: str) -> Source:
    return open_source(data)


@functools.lru_cache(maxsize=2)
def _items(data: str) -> dict[str, Item]:
    return {item.name: item for item in _source(data).items}
