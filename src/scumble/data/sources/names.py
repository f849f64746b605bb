"""What the names of files tell: which are pictures, which of them are for training, and of what class each is."""

import json
from collections.abc import Iterable

from scumble.errors import DataError, reason
from scumble.image.decode import SUFFIXES

TRAINING_PARTS = ("train", "training")
OTHER_PARTS = ("test", "testing", "val", "valid", "validation")
LABELS_FILE = "dataset.json"


def is_hidden(part: str) -> bool:
    """Whether what is called so, or lies in a folder called so, is passed over."""
    return part.startswith(".") or part == "__MACOSX"  # what macOS adds to zips holds no pictures


def is_picture(name: str) -> bool:
    """Whether a file, named with / between the parts, is one of the kinds that are read."""
    return name.lower().endswith(SUFFIXES) and not any(map(is_hidden, name.split("/")))


def labels_of(
    names: Iterable[str], labels_json: bytes | None, where: str, testing: bool
) -> tuple[dict[str, str | None], str | None]:
    """The names to use, sorted, each with its class or None, and a note on what was left out.

    Args:
        names: of pictures, with / between the parts.
        labels_json: the bytes of their `LABELS_FILE`, if there is one.
        where: the collection, to speak of it.
        testing: whether those for testing are wanted, not those for training.

    Raises:
        DataError: if `labels_json` is of another form.
    """
    parts = {name: name.split("/") for name in sorted(names)}
    level = _level_of_parts(list(parts.values()))
    note = None
    if level is not None:
        wanted = OTHER_PARTS if testing else TRAINING_PARTS
        used = {name: p for name, p in parts.items() if len(p) > level + 1 and p[level].lower() in wanted}
        if not testing:
            of = f"{len(used)} of {len(parts)} pictures are used"
            note = f"{of}, those of the training part; the others are for testing"
        parts = used
    elif testing:
        parts = {}
    if labels_json is not None:
        given = _parse_labels(labels_json, where)
        return {name: given.get(name) for name in parts}, note
    # A picture that lies directly in the training part, as one that lies directly in the folder, has no class.
    outer = 0 if level is None else level + 1
    return {name: p[-2] if len(p) > outer + 1 else None for name, p in parts.items()}, note


def _level_of_parts(names: list[list[str]]) -> int | None:
    """How deep the folders `train` and `test` lie, or None if there are none: all folders there must be such."""
    level = 0
    while len(folders := {p[level].lower() for p in names if len(p) > level + 1}) == 1:
        level += 1  # a folder that wraps all
    training = folders.intersection(TRAINING_PARTS)
    return level if training and folders <= {*TRAINING_PARTS, *OTHER_PARTS} else None


def _parse_labels(data: bytes, where: str) -> dict[str, str]:
    try:
        labels = dict(json.loads(data)["labels"] or [])
        if not all(isinstance(label, int | str) for label in labels.values()):
            raise TypeError("a class is neither a number nor a word")
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        wanted = 'wanted {"labels": [[name, class], ...]}, or null for no labels'
        raise DataError(f"{LABELS_FILE} in {where} is of another form ({reason(error)}); {wanted}") from error
    return {name: str(label) for name, label in labels.items()}
