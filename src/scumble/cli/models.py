"""The commands that list, fetch and remove weights."""

from cyclopts import App

from scumble.cli import report
from scumble.cli.flags import Json, JsonLine, Quiet
from scumble.perceptual import catalogue

app = App(name="models")


@app.default
def list_all(*, json: JsonLine = False) -> None:
    """List the weights in the catalogue and where they are on this machine."""
    rows = []
    for entry in catalogue.CATALOGUE.values():
        path = catalogue.find(entry)
        file = str(path) if path else "not here"
        rows.append({"name": entry.name, "licence": entry.licence, "origin": entry.origin, "file": file})
    if json:
        report.data({"models": rows})
    else:
        report.table(list(rows[0]), [list(row.values()) for row in rows])


@app.command
def fetch(name: str, /, *, json: Json = False, quiet: Quiet = False) -> None:
    """Download weights into the cache, unless they are on this machine already.

    Args:
        name: as listed by `scumble models`.
    """
    entry = catalogue.entry_named(name)
    path = catalogue.find(entry)
    if path is None:
        from scumble.perceptual import fetching

        path = report.run(fetching.locate(entry), json, quiet)
    report.saved(path, json)


@app.command
def remove(name: str, /, *, json: JsonLine = False) -> None:
    """Delete weights from the cache; files in other folders are left alone.

    Args:
        name: as listed by `scumble models`.
    """
    removed = catalogue.remove(catalogue.entry_named(name))
    if json:
        report.data({"removed": [str(path) for path in removed]})
        return
    for path in removed:
        report.say(f"removed {path}")
    if not removed:
        report.say(f"nothing of {name} is in the cache")
