"""What a job of the kind `label` has sorted: its table, read again for the page."""

import csv
import functools
from pathlib import Path
from typing import Any, NamedTuple

from scumble.errors import SettingsError
from scumble.web.gan import places
from scumble.web.settings import WebSettings

MAX_SHOWN = 60
"""Pictures of a class; the table holds all."""
SMALL = "small"


class Row(NamedTuple):
    """A picture's number in the table, its name, its class, and how probable that is."""

    number: int
    name: str
    of_class: str
    probability: float


def table(settings: WebSettings, job: str) -> Path:
    """The table that a job has written.

    Raises:
        SettingsError: if no job of that id has written any.
    """
    path = Path(places.resolve(f"job:{job}", settings))
    if path.suffix != ".csv":
        raise SettingsError("this job has sorted no pictures")
    return path


@functools.lru_cache(maxsize=2)
def rows(path: Path) -> list[Row]:
    """All rows of a table, the likeliest first within each class; it is read once, and never changes."""
    with path.open(encoding="utf-8", newline="") as file:
        lines = list(csv.reader(file))[1:]
    return [Row(number, line[0], line[1], float(line[2])) for number, line in enumerate(lines)]


def by_class(found: list[Row]) -> list[dict[str, Any]]:
    """The classes, and the first pictures of each, the surest first.

    Example:
        >>> by_class([Row(0, "a.png", "cat", 0.9)])
        [{'name': 'cat', 'count': 1, 'pictures': [{'number': 0, 'name': 'a.png', 'probability': 0.9}]}]
    """
    classes: dict[str, list[Row]] = {}
    for row in found:
        classes.setdefault(row.of_class, []).append(row)
    return [
        {
            "name": name,
            "count": len(those),
            "pictures": [
                {"number": row.number, "name": row.name, "probability": row.probability} for row in those[:MAX_SHOWN]
            ],
        }
        for name, those in classes.items()
    ]


def small(home: Path, job: str, number: int) -> Path:
    """The file of a small picture, which may not be there yet."""
    return home / "jobs" / job / SMALL / f"{number}.jpg"
