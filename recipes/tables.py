"""Tables of docs/, written by the recipes that measured them, and what these measured before.

The text around a table stays as it is.
"""

import json
from pathlib import Path
from typing import Any

from scumble import GANSettings, paths


def write(page: Path, name: str, columns: list[str], rows: list[list[str]]) -> None:
    """Put a table between the page's lines `<!-- NAME -->` and `<!-- end of NAME -->`."""
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->\n"
    before, found, rest = page.read_text(encoding="utf-8").partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise SystemExit(f"{page} has no place for the table {name}: wanted the lines {begin}{end}")
    lines = [f"| {' | '.join(cells)} |\n" for cells in (columns, ["---"] * len(columns), *rows)]
    paths.write_atomically(page, "".join([before, begin, *lines, end, after]).encode())


def measured_before(path: Path, settings: GANSettings) -> dict[str, Any] | None:
    """What an earlier training of the same settings came to, if there was one."""
    known = json.loads(path.read_text()) if path.exists() else {"settings": None}
    return known if known["settings"] == settings.model_dump(mode="json", exclude_defaults=True) else None
