"""Labels for pictures: a table with the class that a classifier predicts for each, to be looked at and corrected.

What `scumble gan train --labels` reads is this table: pictures by the names that they have in the data. Where some
pictures have a class already, and others have none, the first keep it.
"""

import contextlib
import csv
import io
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path

import numpy as np

from scumble import device, paths
from scumble.data.sources.opener import open_source
from scumble.data.sources.source import Item, Source
from scumble.errors import DataError, ImageError, ScumbleError, SettingsError
from scumble.events import Event, Noted, Progress, Saved, Started, Warned
from scumble.gan.facts import GANFacts
from scumble.gan.models.gan import GAN
from scumble.gan.probe.classifier import Classifier
from scumble.gan.probe.clusters import Clusters
from scumble.gan.probe.features import BATCH
from scumble.gan.settings import GANSettings
from scumble.image import files
from scumble.storage.folder import make, writing

JOB = "label"
COLUMNS = ("picture", "class", "probability")
"""The first ones of the table; more follow with the probability of each class."""


@device.in_full_float32
def label_events(
    data: str | Path,
    classifier: str | Path,
    output: Path,
    device_name: str = "auto",
    overwrite: bool = False,
    labels: str | Path | None = None,
) -> Generator[Event, None, None]:
    """Write a CSV with the class of every picture, the likeliest first within each class, and all probabilities.

    Args:
        data: pictures; see `scumble.data.sources.opener`.
        classifier: a folder that `scumble gan classify` made; or a run or a model with codes, for its categories.
        output: the .csv.
        device_name: "auto", or torch's name of a device.
        overwrite: whether a file may be there that scumble has not made.
        labels: of a few; these pictures keep them. See `scumble.data.sources.opener`.

    Yields:
        Noted; Started and Progress, in pictures; Warned of those that cannot be read; Saved.

    Raises:
        DataError: if there are no pictures, or none that can be read; nothing is written then.
        ImageError: if the output is there already, and not made by scumble.
        RunError: if there is no classifier, or the output cannot be written; what was there stays.
        SettingsError: if the output's name does not end in .csv, or the device is not there.
    """
    if output.suffix.lower() != ".csv":
        raise SettingsError(f"output {output} ends in {output.suffix or 'nothing'!r}; wanted .csv")
    if not overwrite:
        files.check_free(output, ",".join(COLUMNS))
    source = open_source(data, labels, several=False)
    made = _labeller(classifier, device_name)
    yield from source.told
    if known := _known(source):
        yield Noted(f"{len(known):,} of {len(source.items):,} pictures have a class, and keep it")
    lines = yield from _lines(source, known, made)
    make(output.parent)
    with writing(output):
        paths.write_atomically(output, _as_csv(made.classes, lines))
    yield Saved(output)


Labeller = Classifier | Clusters


def _labeller(folder: str | Path, device_name: str) -> Labeller:
    """A classifier, or the categories of a GAN that has some."""
    with contextlib.suppress(ScumbleError):  # what is wrong with a classifier's folder is said in a classifier's words
        if GANSettings(**GANFacts.read_from(Path(folder)).settings).has_codes:
            return Clusters(GAN.from_pretrained(folder, device_name))
    return Classifier.from_pretrained(folder, device_name)


Line = tuple[str, str, np.ndarray]
"""A picture's name, its class, and the (K,) probabilities of all classes."""


def _lines(source: Source, known: dict[str, str], made: Labeller) -> Generator[Event, None, list[Line]]:
    yield Started(JOB, len(source.items), "pictures")
    lines: list[Line] = []
    unreadable: list[str] = []
    other_sizes = 0
    for start in range(0, len(source.items), BATCH):
        items = source.items[start : start + BATCH]
        read, complaints = _read(items, made)
        unreadable += complaints
        other_sizes += sum(resampled for _, _, resampled in read)
        if read:
            probabilities = made.probabilities_of_pixels(np.stack([pixels for _, pixels, _ in read]))
            for (name, _, _), each in zip(read, probabilities, strict=True):
                lines.append((name, known.get(name, made.classes[int(each.argmax())]), each))
        yield Progress(JOB, start + len(items), len(source.items))
    if not lines:
        raise DataError(f"none of the pictures of {source.name} can be read, the first: {unreadable[0]}")
    yield from _remarks(made, other_sizes, unreadable)
    return lines


def _known(source: Source) -> dict[str, str]:
    """The classes of the pictures that have one; none where all do: then it is asked what the classifier says."""
    known = {item.name: item.label for item in source.items if isinstance(item.label, str)}
    return known if len(known) < len(source.items) else {}


def _remarks(classifier: Labeller, other_sizes: int, unreadable: list[str]) -> Iterator[Event]:
    if other_sizes:
        size = f"{classifier.shape[2]}x{classifier.shape[1]}"
        yield Noted(f"{other_sizes} pictures are not {size}: they were cut around their middle and resampled")
    if unreadable:
        yield Warned(f"{len(unreadable)} pictures cannot be read and are left out, the first: {unreadable[0]}")


def _read(items: Sequence[Item], classifier: Labeller) -> tuple[list[tuple[str, np.ndarray, bool]], list[str]]:
    """Name, pixels and whether they were resampled, of the pictures that can be read; messages of the others."""
    read, complaints = [], []
    for item in items:
        try:
            opened = item.opened()
            pixels, size = classifier.pixels_of(opened, item.name), opened.size()
        except ImageError as error:
            complaints.append(str(error))
            continue
        read.append((item.name, pixels, size != classifier.shape[:0:-1]))
    return read, complaints


def _as_csv(classes: tuple[str, ...], lines: list[Line]) -> bytes:
    """The likeliest first within each class; a class that the classifier does not know of comes last."""
    order = {name: number for number, name in enumerate(classes)}
    rows = []
    for name, of_class, probabilities in lines:
        number = order.get(of_class, len(classes))
        rows.append((number, -float(np.append(probabilities, 0)[number]), name, of_class, probabilities))
    text = io.StringIO(newline="")
    table = csv.writer(text)
    table.writerow([*COLUMNS, *(f"probability of {name}" for name in classes)])
    for _, negative, name, of_class, probabilities in sorted(rows, key=lambda row: row[:4]):
        table.writerow([name, of_class, *(f"{each:.6f}" for each in (-negative, *probabilities))])
    return text.getvalue().encode(errors="backslashreplace")
