"""What the tests of translations share: kinds that make nothing, and pairs that tell who belongs to whom."""

import io
from pathlib import Path

import numpy as np
from PIL import Image
from torch import nn

from scumble.events import returned
from scumble.gan.translation.data import Pictures, open_translation
from scumble.gan.translation.kind import Kind
from scumble.gan.translation.settings import TranslationSettings


def kind_of(learns_from="pairs", **more) -> Kind:
    """A kind without networks."""
    return Kind(learns_from, lambda *_: {}, lambda _: (), (), lambda *_: nn.Identity(), **more)


def settings_of(**given) -> TranslationSettings:
    return TranslationSettings(**({"size": "16", "jitter": 1.0, "flip": False, "batch": 4} | given))


def opened(data, kind: Kind | None = None, labels=None, **given) -> Pictures:
    return returned(open_translation(data, settings_of(**given), kind or kind_of(), labels))


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def flat(level: int, width: int = 16, height: int = 16, channels: int = 3) -> np.ndarray:
    """A picture of one grey level, by which it is known again; coloured a little, if it has colours."""
    pixels = np.full((height, width, channels), level, np.uint8)
    pixels[..., -1] = level if channels == 1 else min(level + 1, 255)
    return pixels[..., 0] if channels == 1 else pixels


def levels(pictures) -> list[int]:
    """The levels of (N, C, H, W) in [-1, 1]."""
    return ((pictures[:, 0].mean((1, 2)) + 1) * 127.5).round().int().tolist()


def numbered(folder: Path, levels, ending: str = "png", **shape) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for level in levels:
        (folder / f"{level % 100:03}.{ending}").write_bytes(png(flat(level, **shape)))
