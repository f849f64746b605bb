"""Labels given by clicking: a folder for each set of them, saved whole after every click.

HOME/labels/ID/set.json     the data, the pictures shown, the classes and which picture has which
HOME/labels/ID/labels.csv   the same as a table, which trainings and classifiers take for `labels`
HOME/labels/ID/small/       small pictures, a number for a name
"""

import csv
import io
import json
import secrets
import shutil
import time
from pathlib import Path
from typing import Any

from scumble import paths
from scumble.errors import SettingsError
from scumble.web.gan import places

SHOWN = 400
"""Pictures of a data set that are offered: ten of each of ten classes will be among them, unless one is rare."""
MAX_CLASSES, MAX_LETTERS = 50, 60
FILE, TABLE, SMALL = "set.json", "labels.csv", "small"


def create(home: Path, data: str, about: dict[str, Any]) -> dict[str, Any]:
    """Begin a set.

    Args:
        home: the page's folder.
        data: the id of the data set.
        about: its "name", its "count" of pictures, and the names of those to be shown, "pictures".
    """
    made = {
        "id": secrets.token_hex(8),
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "data": data,
        "name": about["name"],
        "count": about["count"],
        "pictures": about["pictures"],
        "classes": [],
        "labels": {},
    }
    (home / "labels" / made["id"]).mkdir(parents=True)
    _write(home, made)
    return made


def read(home: Path, name: str) -> dict[str, Any]:
    """A set as it is now.

    Raises:
        SettingsError: if there is none of that id.
    """
    found = places.read_json(home / "labels" / name / FILE) if places.LABELS.fullmatch(name) else {}
    if not found:
        raise SettingsError("these labels are not there any more; begin new ones")
    return found


def all_sets(home: Path) -> list[dict[str, Any]]:
    """All sets, the newest first, without their pictures."""
    found = [places.read_json(path) for path in (home / "labels").glob(f"*/{FILE}")]
    return sorted(map(summary, filter(None, found)), key=lambda one: one["created"], reverse=True)


def summary(made: dict[str, Any]) -> dict[str, Any]:
    """What a list shows of a set."""
    of_class = list(made["labels"].values())
    counts = [of_class.count(number) for number in range(len(made["classes"]))]
    kept = {name: value for name, value in made.items() if name not in ("pictures", "labels")}
    return kept | {"labelled": len(of_class), "counts": counts}


def set_classes(home: Path, name: str, classes: list[str]) -> dict[str, Any]:
    """Name the classes: new ones at the end, others by their numbers; one that has labels cannot be taken away.

    Raises:
        SettingsError: if a name is empty, long or there twice, or there are too many.
    """
    made = read(home, name)
    names = [one.strip() for one in classes]
    if len(names) > MAX_CLASSES:
        raise SettingsError(f"classes: got {len(names)}, wanted {MAX_CLASSES} at most")
    for one in names:
        if not one or len(one) > MAX_LETTERS or not one.isprintable():
            raise SettingsError(f"a class needs a name of 1 to {MAX_LETTERS} letters")
    if len(set(names)) < len(names):
        raise SettingsError("two classes have one name; give each its own")
    if any(number >= len(names) for number in made["labels"].values()):
        raise SettingsError("this class has pictures; take them out of it first")
    return _write(home, made | {"classes": names})


def set_label(home: Path, name: str, picture: int, of_class: int | None) -> dict[str, Any]:
    """Say which class a picture has, or, with None, that nothing is known of it.

    Args:
        home: the page's folder.
        name: the set's id.
        picture: its number among those shown.
        of_class: the number of the class.

    Raises:
        SettingsError: if there is no such set, picture or class.
    """
    made = read(home, name)
    if not 0 <= picture < len(made["pictures"]):
        raise SettingsError("there is no such picture among those shown")
    if of_class is not None and not 0 <= of_class < len(made["classes"]):
        raise SettingsError("there is no such class; name it first")
    labels = {key: value for key, value in made["labels"].items() if key != str(picture)}
    return _write(home, made | {"labels": labels if of_class is None else labels | {str(picture): of_class}})


def small(home: Path, made: dict[str, Any], picture: int) -> Path:
    """The file of a small picture, which may not be there yet."""
    return home / "labels" / made["id"] / SMALL / f"{picture}.jpg"


def table(made: dict[str, Any]) -> bytes:
    """The labels as a table of `scumble gan train --labels`.

    Example:
        >>> table({"pictures": ["a.png", "b.png"], "classes": ["cats"], "labels": {"1": 0}})
        b'picture,class\\r\\nb.png,cats\\r\\n'
    """
    text = io.StringIO(newline="")
    rows = csv.writer(text)
    rows.writerow(["picture", "class"])
    for picture, of_class in sorted(made["labels"].items(), key=lambda one: int(one[0])):
        rows.writerow([made["pictures"][int(picture)], made["classes"][of_class]])
    return text.getvalue().encode(errors="backslashreplace")


def _write(home: Path, made: dict[str, Any]) -> dict[str, Any]:
    folder = home / "labels" / made["id"]
    paths.write_atomically(folder / TABLE, table(made))
    paths.write_atomically(folder / FILE, json.dumps(made).encode())
    return made


def remove(home: Path, name: str) -> None:
    """Remove a set; raises SettingsError if there is none of that id."""
    shutil.rmtree(home / "labels" / read(home, name)["id"])
