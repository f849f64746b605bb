"""Tables of docs/, written by the recipes that measured them: the text around a table stays as it is."""

from pathlib import Path

from scumble import paths


def write(page: Path, name: str, columns: list[str], rows: list[list[str]]) -> None:
    """Put a table between the page's lines `<!-- NAME -->` and `<!-- end of NAME -->`."""
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->\n"
    before, found, rest = page.read_text(encoding="utf-8").partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise SystemExit(f"{page} has no place for the table {name}: wanted the lines {begin}{end}")
    lines = [f"| {' | '.join(cells)} |\n" for cells in (columns, ["---"] * len(columns), *rows)]
    paths.write_atomically(page, "".join([before, begin, *lines, end, after]).encode())
