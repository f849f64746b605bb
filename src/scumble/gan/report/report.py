"""The job: a run's report, written as a page and as a picture."""

import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from scumble import device, paths
from scumble.errors import SettingsError
from scumble.events import Event, Finished, Saved, Warned, returned
from scumble.gan.report import page, poster
from scumble.gan.report.contents import Contents, gather
from scumble.gan.sample_sheets import open_run
from scumble.image import files, recipe
from scumble.storage.folder import writing

SUFFIXES = (".html", ".htm", ".png")


@device.in_full_float32
def report_events(
    run: str | Path,
    data: str | Path | None = None,
    output: str | Path | None = None,
    overwrite: bool = False,
    device_name: str = "auto",
) -> Generator[Event, None, None]:
    """Write a report of a run, finished or not: for people who decide, on one page.

    What it draws, how good that is beside other real pictures, the nearest real picture of each sample, how it learnt,
    and what it was trained on. What cannot be told is left out, and the report says why.

    Args:
        run: the folder of the run.
        data: the pictures that it was trained on; None for those that the cache still has.
        output: .html for the page, .png for a picture of A4; None for both, RUN/report.html and RUN/report.png.
        overwrite: whether a file may be there that scumble has not made.
        device_name: "auto", or torch's name of a device.

    Yields:
        Started, Progress, Noted and Warned of looking at the pictures; Warned of what is left out; Saved; Finished.

    Raises:
        DataError: if `data` is given and cannot be read.
        ImageError: if the output cannot be written.
        RunError: if there is no such run, or its folder cannot be written.
        SettingsError: if the output's ending is unknown, or the device is not there.
    """
    started, run = time.perf_counter(), Path(run)
    open_run(run)
    # What has these names in the run's own folder is ours.
    own = [run / "report.html", run / "report.png"]
    outputs = own if output is None else [Path(output)]
    for path in outputs:
        _check(path, overwrite or output is None)
    with device.memory_errors("use another device"), device.memory_returned():
        contents = yield from gather(run, None if data is None else str(data), device_name)
    for reason in contents.missing:
        yield Warned(reason)
    sheet = poster.poster(contents)
    for path in outputs:
        _write(path, contents, sheet)
        yield Saved(path)
    figures: dict[str, Any] = {"verdict": None if contents.verdict is None else contents.verdict._asdict()}
    if contents.evaluation is not None:
        figures |= {one.name: one.value for one in contents.evaluation.figures}
    yield Finished("report", outputs, time.perf_counter() - started, Image.fromarray(sheet), figures)


def _write(path: Path, contents: Contents, sheet: np.ndarray) -> None:
    if path.suffix.lower() == ".png":
        files.save(sheet, path, recipe.versions() | {"gan": contents.facts.data.name, "report": contents.name})
        return
    with writing(path):
        paths.write_atomically(path, page.page(contents).encode(errors="replace"))


def report(
    run: str | Path,
    data: str | Path | None = None,
    output: str | Path | None = None,
    overwrite: bool = False,
    device: str = "auto",
) -> None:
    """The same without events; see `report_events`.

    Example:
        >>> scumble.report("runs/digits", output="digits.html")  # doctest: +SKIP
    """
    returned(report_events(run, data, output, overwrite, device))


def _check(path: Path, overwrite: bool) -> None:
    if path.suffix.lower() not in SUFFIXES:
        raise SettingsError(f"output {path} ends in {path.suffix or 'nothing'!r}; wanted one of {', '.join(SUFFIXES)}")
    files.check_place(path)
    if not overwrite:
        files.check_free(path, None if path.suffix.lower() == ".png" else page.MARK)
