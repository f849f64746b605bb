"""The commands that list, fetch and remove weights."""

from cyclopts import App

from scumble.cli import report

app = App(name="models")


@app.default
def list_all() -> None:
    """List the weights in the catalogue and where they are on this machine."""
    from scumble.perceptual import catalogue

    rows = []
    for entry in catalogue.CATALOGUE.values():
        path = catalogue.find(entry)
        rows.append([entry.name, entry.licence, entry.origin, str(path) if path else "not here"])
    report.table(["name", "licence", "origin", "file"], rows)


@app.command
def fetch(name: str, /, *, quiet: bool = False) -> None:
    """Download weights into the cache, unless they are on this machine already.

    Args:
        name: as listed by `scumble models`.
        quiet: show no progress.
    """
    from scumble.perceptual import catalogue

    entry = catalogue.entry_named(name)
    path = catalogue.find(entry)
    if path is None:
        from scumble.perceptual import fetching

        path = report.run(fetching.locate(entry), quiet=quiet)
    report.say(str(path))


@app.command
def remove(name: str, /) -> None:
    """Delete weights from the cache; files in other folders are left alone.

    Args:
        name: as listed by `scumble models`.
    """
    from scumble.perceptual import catalogue

    removed = catalogue.remove(catalogue.entry_named(name))
    for path in removed:
        report.say(f"removed {path}")
    if not removed:
        report.say(f"nothing of {name} is in the cache")
