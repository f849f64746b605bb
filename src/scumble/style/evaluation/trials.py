"""What is to be compared: pictures of one photograph in the style of one painting, or folders of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from scumble.data.sources.names import SUFFIXES
from scumble.errors import ImageError, SettingsError
from scumble.image.collection import pictures_in
from scumble.image.files import PictureSource
from scumble.paths import fitting


class Trial(NamedTuple):
    """A photograph, a painting, and pictures of the one in the style of the other, by the names of who painted them."""

    name: str
    content: PictureSource
    style: PictureSource
    results: dict[str, PictureSource]


def trials(results: Sequence[PictureSource], content: PictureSource, style: PictureSource) -> list[Trial]:
    """What is to be compared: one trial of pictures; or one for each picture that all of some folders have.

    Folders are as `scumble batch` fills them, with pictures named CONTENT-STYLE of a folder of photographs and one of
    paintings, or of single ones.

    Raises:
        ImageError: if a folder has no such pictures.
        SettingsError: if folders and pictures are given together, or one of them twice.
    """
    paths = [Path(result).resolve() for result in results if isinstance(result, str | Path)]
    if len(set(paths)) < len(paths):
        raise SettingsError("results: got the same one twice, wanted different ones")
    folders = [path for path in results if isinstance(path, str | Path) and Path(path).is_dir()]
    if not folders:
        return [Trial("", content, style, {_name(r, n): r for n, r in enumerate(results, 1)})]
    if len(folders) < len(results):
        raise SettingsError("results: got folders and what is none, wanted either folders or pictures")
    contents, styles = (pictures_in([Path(str(given))]).pictures for given in (content, style))
    found = []
    for one in contents:
        for other in styles:
            name = f"{one.path.stem}-{other.path.stem}"
            painted = {str(folder): _picture_named(Path(folder), name) for folder in folders}
            if all(painted.values()):
                found.append(Trial(name, one.path, other.path, {who: path for who, path in painted.items() if path}))
    if not found:
        raise ImageError(
            f"{', '.join(map(str, folders))}: no picture is in all of them",
            "name them CONTENT-STYLE.png, as scumble batch does",
        )
    return found


def _picture_named(folder: Path, stem: str) -> Path | None:
    pictures = (path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    there = sorted(path for path in pictures if path.name == fitting(stem, path.suffix))
    return there[0] if there else None


def _name(result: PictureSource, number: int) -> str:
    return str(result) if isinstance(result, str | Path) else f"picture {number}"
