"""What the names of files tell: which are pictures, which of them are for training, and of what class each is.

Only clear layouts are understood: a picture that lies beside folders with pictures has no class, and what is found
beside a training and a testing part is passed over. Whatever is left out is told.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import PurePosixPath

from scumble.errors import DataError, reason
from scumble.events import Noted, Warned
from scumble.image import recipe
from scumble.image.decode import SUFFIXES

_MORE = r"([ _-]?(set|split|data|images|\d{4}|[ab]))?"
TRAINING_PART = re.compile(r"train(ing)?" + _MORE)
OTHER_PART = re.compile(r"(test(ing)?|val(id(ation)?)?|dev|eval(uation)?|holdout)" + _MORE)
UNLABELLED_PART = re.compile(r"un[ _-]?labell?ed" + _MORE)
"""Names of folders, in small letters. What lies below the last has no class, and is learnt from like the first."""
LABELS_FILE = "dataset.json"

SYSTEM_FOLDERS = frozenset(
    [
        "@eadir",
        "@recycle",
        "@recently-snapshot",
        "@sharebin",
        "@tmp",
        "#recycle",
        "#snapshot",
        "~snapshot",
        "$recycle.bin",
        "$extend",
        "recycler",
        "recycled",
        "lost+found",
        "__macosx",
        "__pycache__",
        "node_modules",
        "thumbs.db",
        "desktop.ini",
    ]
) | {"system volume information", "network trash folder", "temporary items"}
"""What systems and storage boxes keep beside pictures: thumbnails, and what was deleted. In small letters."""
SHOWN = 10


def is_hidden(part: str) -> bool:
    """Whether what begins with a dot: as people and programs hide things, and never told of."""
    return part.startswith(".")


def is_system(part: str) -> bool:
    """Whether what is called so, or lies in a folder called so, belongs to a system and not to a person."""
    return part.lower() in SYSTEM_FOLDERS or re.fullmatch(r"found\.\d{3}", part.lower()) is not None


def is_picture(name: str) -> bool:
    """Whether a file is one of the kinds that are read, by its ending."""
    return name.lower().endswith(SUFFIXES)


@dataclass
class Sighted:
    """Files of a collection by name, with / between the parts, as they were come upon.

    Attributes:
        pictures: their names.
        label_files: of the files called `LABELS_FILE`.
        endings: of the other files, how many of each.
        system: names of folders that belong to systems.
    """

    pictures: list[str] = field(default_factory=list)
    label_files: list[str] = field(default_factory=list)
    endings: Counter[str] = field(default_factory=Counter)
    system: set[str] = field(default_factory=set)

    def add(self, name: str) -> None:
        """Sort in the name of a file."""
        parts = name.split("/")
        if of_system := next(filter(is_system, parts), None):
            self.system |= {of_system} - {"__MACOSX"}  # in every zip that macOS makes, and nobody's concern
        elif any(map(is_hidden, parts)):
            pass
        elif is_picture(name):
            self.pictures.append(name)
        elif parts[-1] == LABELS_FILE:
            self.label_files.append(name)
        else:
            self.endings[PurePosixPath(parts[-1]).suffix.lower()] += 1

    def leave_out_sheets(self, read: Callable[[str], bytes]) -> None:
        """Contact sheets of ours, beside the pictures that they show, are no pictures to learn from."""
        self.pictures = [n for n in self.pictures if not recipe.is_contact_sheet(n, partial(read, n))]

    def told(self) -> list[Noted]:
        """What was passed over."""
        notes = []
        if self.endings:
            kinds = [f"{count:,} {ending or 'without an ending'}" for ending, count in self.endings.most_common(SHOWN)]
            kinds += [f"{len(self.endings) - SHOWN} more endings"] * (len(self.endings) > SHOWN)
            notes.append(Noted(f"passed over, as no pictures that are read: {', '.join(kinds)}"))
        if self.system:
            notes.append(Noted(f"passed over, as folders of a system: {', '.join(sorted(self.system)[:SHOWN])}"))
        return notes


@dataclass(frozen=True)
class Understood:
    """The pictures to use, in order, each with its class or None; and what has to be told of that."""

    labels: dict[str, str | None]
    told: tuple[Noted | Warned, ...]


def understand(names: Iterable[str], label_files: Mapping[str, bytes], where: str, testing: bool) -> Understood:
    """Which pictures to use, and their classes.

    Args:
        names: of pictures, with / between the parts.
        label_files: the bytes of each `LABELS_FILE` by its name; they name pictures from where they lie.
        where: the collection, to speak of it.
        testing: whether those for testing are wanted, not those for training.

    Raises:
        DataError: if the outermost labels file is of another form.
    """
    parts = {name: tuple(name.split("/")) for name in sorted(names)}
    told: list[Noted | Warned] = []
    level = _level_of_parts(list(parts.values()))
    used = parts if level is not None or not testing else {}
    if level is not None:
        used = {name: p for name, p in parts.items() if len(p) > level + 1 and _is_used(p[level].lower(), testing)}
        told.append(_split_note(list(parts.values()), level, len(used)))
    given, notes = _given_labels(label_files, parts, where)
    told += notes
    labels = _folder_labels(used, level) if given is None else {name: given.get(name) for name in used}
    return Understood(labels, () if testing else tuple(told))


# --- Parts for training and testing ---------------------------------------------------------------------------------


def _level_of_parts(paths: list[tuple[str, ...]]) -> int | None:
    """How deep the folders `train` and `test` lie; None if there are none.

    Beside them there may be others only where nothing lies above but folders that wrap all: they are then no classes,
    for what is for testing must never be learnt from. Within the folders of classes, all folders have to be parts.
    """
    wrapped = True
    for level in range(max(map(len, paths), default=0) - 1):
        folders = {p[level].lower() for p in paths if len(p) > level + 1}
        training, others = filter(TRAINING_PART.fullmatch, folders), list(filter(OTHER_PART.fullmatch, folders))
        all_parts = all(TRAINING_PART.fullmatch(f) or OTHER_PART.fullmatch(f) for f in folders)
        if any(training) and others and (wrapped or (all_parts and all(len(p) > level + 1 for p in paths))):
            return level
        wrapped = wrapped and len(folders) == 1
    return None


def _is_used(part: str, testing: bool) -> bool:
    """Whether pictures of a part of this name, in small letters, are for testing, or for training."""
    if testing:
        return OTHER_PART.fullmatch(part) is not None
    return TRAINING_PART.fullmatch(part) is not None or _is_unlabelled(part)


def _split_note(paths: list[tuple[str, ...]], level: int, used: int) -> Noted:
    places = Counter(p[level] if len(p) > level + 1 else None for p in paths)
    testing = [f"{n:,} of {place}" for place, n in places.items() if place and OTHER_PART.fullmatch(place.lower())]
    other = [
        f"{n:,} of {place}" if place else f"{n:,} beside them"
        for place, n in places.items()
        if not place or not (_is_used(place.lower(), False) or _is_used(place.lower(), True))
    ]
    message = f"{used:,} of {len(paths):,} pictures are used, those of the training part; "
    message += f"for testing: {', '.join(sorted(testing))}"
    return Noted(message + f"; passed over: {', '.join(sorted(other)[:SHOWN])}" * bool(other))


# --- Classes --------------------------------------------------------------------------------------------------------


def _folder_labels(used: Mapping[str, tuple[str, ...]], level: int | None) -> dict[str, str | None]:
    """The folder that each picture lies in; that above `train` where there is none within.

    What lies directly in a folder with folders of pictures has no class, and nothing has one below `unlabelled`.
    """
    folders = {name: p[:-1] for name, p in used.items()}
    known = {name: place for name, place in folders.items() if not any(map(_is_unlabelled, place))}
    places = set(known.values())
    above = {place[:length] for place in places for length in range(len(place))}
    without = {name for name, place in folders.items() if name not in known or place in above}
    return {name: None if name in without else _folder_label(place, level, places) for name, place in folders.items()}


def _is_unlabelled(folder: str) -> bool:
    return UNLABELLED_PART.fullmatch(folder.lower()) is not None


def _folder_label(place: tuple[str, ...], level: int | None, places: set[tuple[str, ...]]) -> str | None:
    if level is None or len(place) > level + 1:
        return place[-1] if place else None
    classes = {other[level - 1] for other in places if len(other) > level} if level else set()
    return place[level - 1] if len(classes) > 1 else None  # else it wraps all


def _given_labels(
    label_files: Mapping[str, bytes], pictures: Mapping[str, object], where: str
) -> tuple[dict[str, str] | None, list[Noted | Warned]]:
    """What the labels files say of pictures by name, None where there are no such files; and what is odd about it."""
    given: dict[str, str] | None = None
    told: list[Noted | Warned] = []
    for name in sorted(label_files, key=lambda name: name.count("/")):
        folder = name.removesuffix(LABELS_FILE)
        try:
            found = _parse_labels(label_files[name])
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            wanted = 'wanted {"labels": [[name, class], ...]}, or null for no labels'
            message = f"{name} in {where} is of another form ({reason(error)}); {wanted}"
            if not folder:
                raise DataError(message) from error
            told.append(Warned(f"passed over: {message}"))
            continue
        found = {folder + picture: label for picture, label in found.items()}
        if missing := [picture for picture in found if picture not in pictures]:
            what = f"{len(missing):,} of {len(found):,} names in {name} match no picture"
            told.append(Warned(f"{what}, the first: {missing[0]}"))
        given = (given or {}) | found
    return given, told


def _parse_labels(data: bytes) -> dict[str, str]:
    labels = dict(json.loads(data)["labels"] or [])
    if not all(isinstance(name, str) and isinstance(label, int | str) for name, label in labels.items()):
        raise TypeError("a name is none, or a class is neither a number nor a word")
    return {name.replace("\\", "/").removeprefix("./"): str(label) for name, label in labels.items()}
