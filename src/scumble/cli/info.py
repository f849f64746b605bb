"""The command that shows how a picture was made, or what this machine has."""

from pathlib import Path
from typing import Any

from scumble.cli import report
from scumble.cli.flags import JsonLine


def info(picture: Path | None = None, /, *, json: JsonLine = False) -> None:
    """Show the recipe inside a picture; without a picture, what scumble finds on this machine.

    Args:
        picture: a picture made by scumble.
    """
    from scumble.image import recipe

    facts = _machine() if picture is None else recipe.read(picture)
    if json:
        report.data(facts)
    else:
        report.table(["", ""], [[name, value] for name, value in _lines(facts)])


def _machine() -> dict[str, Any]:
    from scumble import device, paths  # only torch knows which GPU it can use
    from scumble.image import recipe
    from scumble.perceptual import catalogue

    found = {name: catalogue.find(entry) for name, entry in catalogue.CATALOGUE.items()}
    return {
        "versions": recipe.versions(),
        "computes on": device.choose().reason,
        "cache": str(paths.cache_folder()),
        "weights": {name: str(path) if path else "not here" for name, path in found.items()},
        "downloads": "off (SCUMBLE_OFFLINE)" if paths.offline() else "on",
    }


def _lines(facts: dict[str, Any], above: str = "") -> list[tuple[str, str]]:
    """Nested data as rows: the names on the way down, and the value."""
    rows = []
    for name, value in facts.items():
        if isinstance(value, dict):
            rows += _lines(value, f"{above}{name} ")
        else:
            rows.append((above + name, str(value)))
    return rows
