"""The pictures of files and folders that were given, and a word on what is passed over in them."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from scumble.data.sources.names import is_hidden, is_system
from scumble.errors import ImageError, reason
from scumble.image import recipe
from scumble.image.decode import SUFFIXES
from scumble.image.reading import pages

NAMED = 5
"""So many of the files that are passed over are named."""


class Found(NamedTuple):
    """A picture, and the folder that it lies in, as seen from the one that was given."""

    path: Path
    below: Path = Path()


class Collection(NamedTuple):
    """Pictures in the order in which they were found, each once, and what there is to tell."""

    pictures: list[Found]
    notes: list[str]


class _Inside(NamedTuple):
    """What a folder holds: files of kinds that are read, other files, folders, closed folders, results of ours."""

    pictures: list[Found]
    others: list[str]
    folders: list[str]
    closed: list[str]
    results: list[str]


def pictures_in(given: Sequence[Path], recursive: bool = False, results: Path | None = None) -> Collection:
    """Files as they are, and the pictures of folders in the order of their names.

    Hidden files, those that systems leave in folders, and contact sheets of ours are passed over without a word.

    Args:
        given: files and folders.
        recursive: go into the folders of folders.
        results: where pictures go that are made of these: what lies there and was made by scumble is left out.

    Raises:
        ImageError: if there is no such file, or a folder cannot be read or holds no pictures.
    """
    found: dict[str, Found] = {}
    notes = []
    for path in given:
        try:
            if not pages.split(path)[0].exists():
                raise ImageError(f"{path} does not exist")
            is_folder = path.is_dir()
        except (OSError, ValueError) as error:  # names that can be none
            raise ImageError(f"{path} cannot be read: {reason(error)}") from error
        pictures = [Found(path)]
        if is_folder:
            inside = _inside(path, recursive, results)
            pictures = inside.pictures
            if not pictures:
                raise ImageError(f"the folder {path} holds no pictures", _hint(inside))
            notes += list(_notes(path, inside))
        for picture in pictures:
            found.setdefault(os.path.realpath(picture.path), picture)
    return Collection(list(found.values()), notes)


def _inside(folder: Path, recursive: bool, results: Path | None) -> _Inside:
    inside = _Inside([], [], [], [], [])
    for path in _listed(folder, recursive, inside):
        if path.suffix.lower() not in SUFFIXES:
            inside.others.append(path.name)
        elif recipe.is_contact_sheet(path.name, path.read_bytes):
            pass
        elif _is_result(path, results):
            inside.results.append(path.name)
        else:
            inside.pictures.append(Found(path, path.parent.relative_to(folder)))
    return inside


def _listed(folder: Path, recursive: bool, inside: _Inside) -> Iterator[Path]:
    """The files of a folder, and of those in it; those that are not gone into are written down."""

    def fail(error: OSError) -> None:
        if error.filename == str(folder):
            raise ImageError(f"the folder {folder} cannot be read: {reason(error)}") from error
        inside.closed.append(Path(error.filename).name)

    entered = set()  # links may lead back to where they are
    for place, folders, names in os.walk(folder, onerror=fail, followlinks=True):
        visible = [name for name in sorted(folders) if not _is_left_behind(name)]
        entered.add(os.path.realpath(place))
        folders[:] = [name for name in visible if os.path.realpath(Path(place, name)) not in entered]
        if not recursive:
            inside.folders.extend(folders)
            folders.clear()
        yield from (Path(place, n) for n in sorted(names) if not _is_left_behind(n))


def _is_left_behind(name: str) -> bool:
    """Whether a file or folder is there for a system or a program, not for a person."""
    return is_hidden(name) or is_system(name)


def _is_result(path: Path, results: Path | None) -> bool:
    """Whether a picture lies where results go, and is one."""
    if results is None or not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(results)):
        return False
    return recipe.found_in(path) is not None


def _notes(folder: Path, inside: _Inside) -> Iterator[str]:
    for names, noun, why in (
        (inside.others, "file", "no pictures, or of kinds that are not read"),
        (inside.folders, "folder", "--recursive goes into folders"),
        (inside.closed, "folder", "which cannot be read"),
        (inside.results, "picture", "made by scumble, in the folder for the results"),
    ):
        if names:
            more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
            count = f"{len(names)} {noun}" + "s" * (len(names) > 1)
            yield f"{folder}: {count} passed over, {why}: {', '.join(names[:NAMED])}{more}"


def _hint(inside: _Inside) -> str:
    if inside.results:
        return "all of them were made by scumble, and it is the folder for the results"
    return "--recursive goes into its folders" if inside.folders else f"wanted files such as {', '.join(SUFFIXES[:4])}"
