"""What is to be painted in what style, and where it goes."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scumble import paths
from scumble.errors import SettingsError
from scumble.image import decode
from scumble.image.collection import Found
from scumble.style.files import there
from scumble.style.preparation.sources import Sources
from scumble.style.provenance import JOBS
from scumble.style.settings import StyleSettings


@dataclass(frozen=True)
class Style:
    """A painting, or several that are one style, with the name that pictures in it have."""

    name: str
    paintings: tuple[Path, ...]


@dataclass(frozen=True)
class Pair:
    """A photograph, a style, and the file for the result."""

    content: Path
    style: Style
    output: Path


def pairs(contents: Sequence[Found], styles: Sequence[Style], folder: Path, suffix: str) -> list[Pair]:
    """Every photograph in every style.

    Raises:
        SettingsError: if there is no style, or two results would have one name.
    """
    if not styles:
        raise SettingsError("style: got none, wanted a painting or a folder of them: --style or --style-mix")
    made: dict[Path, Pair] = {}
    for content in contents:
        for style in styles:
            name = paths.fitting(f"{content.path.stem}-{style.name}", suffix)
            pair = Pair(content.path, style, folder / content.below / name)
            if pair.output in made:
                raise SettingsError(f"two pictures would be written to {pair.output}; wanted files of different names")
            made[pair.output] = pair
    return list(made.values())


def mix(path: Path, paintings: Sequence[Found]) -> Style:
    """All of these paintings as one style, called as the file or folder that was given."""
    name = path.resolve().name if path.is_dir() else path.stem
    return Style(name, tuple(painting.path for painting in paintings))


def is_finished(pair: Pair, settings: StyleSettings, overwrite: bool = False) -> bool:
    """Whether a picture is there already, made of these pictures and with these settings.

    Raises:
        ImageError: if what is there was made otherwise, and may not be written over.
    """
    return there.is_finished(pair.output, _asked(pair, settings), overwrite)


def _roles(pair: Pair, settings: StyleSettings) -> dict[str, Path]:
    """The pictures by what they are for."""
    roles = {role: Path(str(path)) for role, path in Sources(pair.content, pair.style.paintings).by_role().items()}
    return roles | ({"init": settings.init} if isinstance(settings.init, Path) else {})


def _asked(pair: Pair, settings: StyleSettings) -> dict[str, object]:
    """What a recipe of the picture would say."""
    inputs = {
        role: {"name": path.name, "sha256": hashlib.sha256(decode.read_file(path)).hexdigest()}
        for role, path in _roles(pair, settings).items()
    }
    return {"job": JOBS[StyleSettings], "settings": settings.model_dump(mode="json"), "inputs": inputs}
