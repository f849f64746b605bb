"""The commands that list and clear the cache of prepared pictures."""

from cyclopts import App

from scumble import paths
from scumble.cli import report
from scumble.cli.flags import JsonLine
from scumble.data import cache

app = App(name="cache")


@app.default
def list_all(*, json: JsonLine = False) -> None:
    """List what is kept of pictures that were prepared for training, and of their features."""
    rows = [
        {"name": entry.name, "pictures": entry.pictures, "bytes": entry.bytes_, "days": entry.days}
        for entry in cache.entries()
    ]
    if json:
        report.data({"folder": str(paths.cache_folder()), "cache": rows})
        return
    if not rows:
        report.say(f"nothing is in {paths.cache_folder()}")
        return
    columns = ["made from", "pictures", "size", "days old"]
    report.table(
        columns,
        [[row["name"], _number(row["pictures"]), _size(row["bytes"]), f"{row['days']}"] for row in rows],
    )


@app.command
def clear(name: str | None = None, /, *, json: JsonLine = False) -> None:
    """Remove it: whatever is needed again is made again. Weights stay; see `scumble models`.

    Args:
        name: as listed by `scumble cache`; by default, everything.
    """
    removed = cache.clear(name)
    freed = sum(entry.bytes_ for entry in removed)
    if json:
        report.data({"removed": [entry.name for entry in removed], "bytes": freed})
        return
    report.say(f"removed {len(removed)} of what was in {paths.cache_folder()}: {_size(freed)}")


def _number(count: int | None) -> str:
    return "" if count is None else f"{count:,}"


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB"
