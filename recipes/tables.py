"""Tables of docs/, written by the recipes that measured them, and what these measured before.

The text around a table stays as it is.
"""

import json
from pathlib import Path
from typing import Any

from scumble import GANSettings, paths


def read(page: Path, name: str) -> list[list[str]]:
    """The rows of the table between the page's lines `<!-- NAME -->` and `<!-- end of NAME -->`."""
    _, lines, _ = _parted(page, name)
    return [line[2:-2].split(" | ") for line in lines.splitlines()[2:]]


def write(page: Path, name: str, columns: list[str], rows: list[list[str]]) -> None:
    """Put a table there."""
    before, _, after = _parted(page, name)
    lines = [f"| {' | '.join(cells)} |\n" for cells in (columns, ["---"] * len(columns), *rows)]
    paths.write_atomically(page, "".join([before, *lines, after]).encode())


def _parted(page: Path, name: str) -> tuple[str, str, str]:
    """The page as far as the table, the table, and the rest of the page."""
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->\n"
    before, found, rest = page.read_text(encoding="utf-8").partition(begin)
    table, closed, after = rest.partition(end)
    if not (found and closed):
        raise SystemExit(f"{page} has no place for the table {name}: wanted the lines {begin}{end}")
    return before + begin, table, end + after


def measured_before(path: Path, settings: GANSettings) -> dict[str, Any] | None:
    """What an earlier training of the same settings came to, if there was one."""
    known = json.loads(path.read_text()) if path.exists() else {"settings": None}
    return known if known["settings"] == settings.model_dump(mode="json", exclude_defaults=True) else None
