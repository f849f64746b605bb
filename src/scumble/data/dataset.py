"""Pictures decoded once: a cache of pixels that training reads from, whatever the pictures came as.

A data set is one .npy file, (N, C, H, W), and one .json beside it, named by a digest of what they were made from: the
source's content, the size and the channels asked for. It is written picture by picture and mapped into memory, so it
may be larger than memory. Remarks on how it was made are kept with it and repeated whenever it is opened.
"""

import hashlib
import json
import os
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

import filelock
import numpy as np

from scumble import paths
from scumble.data import labels, npy
from scumble.data.about import FORMAT_VERSION, About
from scumble.data.form import Fit, Form, Range, Size, times
from scumble.data.labels import Label
from scumble.data.measuring import Measured, measure, refuse_few, refuse_unreadable, sizes_in_words
from scumble.data.pixels import is_grey, opened_pixels
from scumble.data.raw import BYTES
from scumble.data.sources.source import Item, Source, for_each, of_picture
from scumble.errors import DataError, reason
from scumble.events import Event, Noted, Warned

FITTED: dict[Fit, str] = {
    "crop": "cut around their middle",
    "pad": "set within margins",
    "stretch": "stretched out of shape",
}
"""What becomes of pictures of another shape, in words."""
DARK = 32
"""Where no byte is above this, pictures look black: their values are probably not what their type stands for."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """Decoded pictures, ready to train on.

    Attributes:
        name: of the source.
        pixels: (N, C, H, W) uint8, mapped from the cache and not writeable; uint16 where that was asked for, and values
            are no bytes.
        labels: (N,) int64, indexes into `classes` or `labels.UNLABELLED`; or, where pictures may have several, (N, K)
            uint8, see `labels.multi_hot`; None where none has a class, or all that have one have the same.
        classes: the names of the classes, in order; empty where there are no labels.
        digest: hexadecimal SHA-256 of pixels, labels and classes: the same wherever and whenever they were prepared.
        why_no_classes: in words, where not every picture has a class.
        value_range: the values that became black and white; None where they were bytes.
    """

    name: str
    pixels: np.ndarray
    labels: np.ndarray | None
    classes: tuple[str, ...]
    digest: str
    why_no_classes: str = ""
    value_range: Range | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, height, width) of one picture."""
        _, channels, height, width = self.pixels.shape
        return channels, height, width

    @property
    def is_partly_labelled(self) -> bool:
        """Whether some pictures have a class, and others have none."""
        return self.labels is not None and bool((self.labels == labels.UNLABELLED).any())

    @property
    def label_sets(self) -> tuple[str, ...] | None:
        """What is drawn where no labels are chosen, see `labels.sets_in_turn`; None where a picture has one class."""
        return None if self.labels is None or self.labels.ndim == 1 else labels.sets_in_turn(self.labels)


def prepare(
    source: Source,
    size: Size | None = None,
    channels: int | None = None,
    fit: Fit = "crop",
    value_range: Range | None = None,
    bits: Literal[8, 16] = 8,
) -> Generator[Event, None, Dataset]:
    """Decode all pictures of a source into a data set; at once if that was done before.

    Transparency is laid on white, unless `channels` asks for it. Pictures that cannot be read are left out.

    Args:
        source: the pictures.
        size: (width, height) in pixels of every picture, or None; see `form.Form` for this and the others.
        channels: how many, or None for as many as there are.
        fit: what becomes of pictures of another shape: "crop" takes their middle, "pad" keeps all of it within black
            margins (white where the picture is transparent), "stretch" changes its shape.
        value_range: the values that become black and white; None to find them.
        bits: 16 keeps 16 bits of pictures whose values are no bytes.

    Yields:
        What was understood: Noted and Warned of what was chosen, changed or left out. Started and Progress of the jobs
        "measure pictures", "find the range of values" (if values are no bytes) and "read pictures".

    Returns:
        The data set.

    Raises:
        SettingsError: if a setting is out of range.
        DataError: if there are too few pictures, too many cannot be read, or the cache cannot be written.
    """
    wanted = Form(size, channels, fit, value_range, bits)
    wanted.check()
    refuse_few(source, len(source.items))
    yield from source.understood()
    folder = paths.cache_folder() / "data"
    try:
        dataset, remarks = yield from _opened_or_made(folder, source, wanted)
    except OSError as error:
        raise DataError(f"{source.name} cannot be kept in {folder}: {reason(error)}") from error
    yield from remarks
    return dataset


def _opened_or_made(folder: Path, source: Source, wanted: Form) -> Generator[Event, None, tuple[Dataset, list[Event]]]:
    folder.mkdir(parents=True, exist_ok=True)
    name = labels.as_text(source.name)
    as_bytes = _open(folder / _key(source, wanted._replace(bits=8)), name)
    if as_bytes is not None and (wanted.bits == 8 or as_bytes[0].value_range in (None, BYTES)):
        return as_bytes
    key = _key(source, wanted)
    found = _open(folder / key, name)
    if found is None:
        lock = filelock.FileLock(folder / f"{key}.lock", thread_local=False)  # whoever closes us may release it
        yield from _acquire(lock, source.name)
        try:
            found = _open(folder / key, name)  # another run may have made it while we waited
            if found is None:
                found = yield from _make(folder / key, source, wanted)
        finally:
            lock.release()
    return found


def _key(source: Source, wanted: Form) -> str:
    made_from = [FORMAT_VERSION, source.digest, *wanted[:4], *([wanted.bits] if wanted.bits > 8 else [])]
    return hashlib.sha256(json.dumps(made_from).encode()).hexdigest()[:32]


def kept(digest: str, name: str) -> Dataset | None:
    """The data set with this digest, if it was prepared before and the cache still has it."""
    looked_at = (_open(path.with_suffix(""), name) for path in sorted((paths.cache_folder() / "data").glob("*.json")))
    return next((found[0] for found in looked_at if found is not None and found[0].digest == digest), None)


# --- Making a data set ----------------------------------------------------------------------------------------------


def _acquire(lock: filelock.BaseFileLock, name: str) -> Generator[Event, None, None]:
    try:
        lock.acquire(blocking=False)
    except filelock.Timeout:
        yield Noted(f"another run is preparing {name}: waiting until it is done")
        lock.acquire()


def _make(path: Path, source: Source, wanted: Form) -> Generator[Event, None, tuple[Dataset, list[Event]]]:
    """Write PATH.npy and PATH.json, and open them."""
    measured = yield from measure(source, wanted)
    if measured.form.bits < wanted.bits:  # kept once, whoever asks
        return (yield from _opened_or_made(path.parent, source, wanted._replace(bits=8)))
    partial, grey_partial = path.with_suffix(".part"), path.with_suffix(".grey.part")
    try:
        with partial.open("wb") as file:
            writer = _Writer(file, measured)
            unreadable = yield from for_each(source, "read pictures", writer.add)
            refuse_unreadable(source, unreadable)
            refuse_few(source, writer.count)
            writer.finish()
        if measured.form.channels is None and writer.grey:
            npy.keep_one_channel(partial, grey_partial)
            grey_partial.replace(partial)
        remarks = _remarks(writer, unreadable)
        path.with_suffix(".json").unlink(missing_ok=True)  # it may belong to a damaged .npy
        numbers, classes = labels.numbered(writer.labels)
        about = About(
            format_version=FORMAT_VERSION,
            source=labels.as_text(source.name),
            count=writer.count,
            classes=classes,
            labels=labels.as_plain(numbers),
            why_no_classes=labels.why_no_classes(writer.labels, writer.names) or "",
            value_range=measured.form.value_range,
            digest=_content_digest(partial, writer.labels),
            told=tuple(("Noted" if isinstance(event, Noted) else "Warned", event.message) for event in remarks),
        )
        partial.replace(path.with_suffix(".npy"))
        # Last, for where it is, the data set is whole.
        paths.write_atomically(path.with_suffix(".json"), json.dumps(about.model_dump(mode="json")).encode())
    finally:
        for unfinished in (partial, grey_partial):
            unfinished.unlink(missing_ok=True)
    found = _open(path, labels.as_text(source.name))
    if found is None:
        raise DataError(f"{source.name} was written to {path}.npy, and does not read as it was written")
    return found


class _Writer:
    """Writes pictures to an .npy file one by one, and counts what it had to change."""

    def __init__(self, file: BinaryIO, measured: Measured):
        self.file, self.measured = file, measured
        assert measured.form.size is not None
        self.size, self.channels = measured.form.size, measured.form.channels or 3
        self.form = measured.form._replace(channels=self.channels)
        self.labels: list[Label | None] = []
        self.names: list[str] = []
        self.reshaped = 0  # pictures that are not of the expected size
        self.enlarged = 0  # those of them that are smaller than `size`
        self.grey = True
        self.highest = 0
        self._write_header()  # its length stays the same when the count in it changes

    @property
    def count(self) -> int:
        return len(self.labels)

    def add(self, item: Item) -> None:
        opened = item.opened()
        opened = opened if opened.raw else of_picture(opened.load())  # its size then needs no second look at the file
        pixels, size = opened_pixels(opened, item.name, self.form), opened.size()
        pixels = pixels if item.finish is None else item.finish(pixels)
        self.grey = self.grey and (self.channels != 3 or is_grey(pixels))
        self.highest = max(self.highest, int(pixels.max()) >> (self.form.bits - 8))
        self.file.write(pixels.transpose(2, 0, 1).astype(f"<u{self.form.bits // 8}").tobytes())
        self.labels.append(item.label)
        self.names.append(item.name)
        if size != self.measured.expected:
            self.reshaped += 1
            self.enlarged += size[0] < self.size[0] or size[1] < self.size[1]

    def finish(self) -> None:
        self.file.seek(0)
        self._write_header()
        self.file.flush()
        os.fsync(self.file.fileno())

    def _write_header(self) -> None:
        width, height = self.size
        kind = np.dtype(f"<u{self.form.bits // 8}")
        npy.write_header(self.file, kind, (self.count, self.channels, height, width))


def _content_digest(path: Path, labels: list[Label | None]) -> str:
    pixels = npy.mapped(path).view(np.ndarray)
    digest = hashlib.sha256(json.dumps([pixels.shape, labels]).encode())
    for picture in pixels:
        digest.update(picture.data)
    return digest.hexdigest()


def _remarks(writer: _Writer, unreadable: list[tuple[str, str]]) -> list[Noted | Warned]:
    """What the user should know of how the data set came about."""
    measured, count, size = writer.measured, writer.count, times(writer.size)
    remarks: list[Noted | Warned] = [*measured.told]
    settled = not measured.sizes or 2 * measured.sizes[measured.expected] > measured.sizes.total()
    if measured.expected != writer.size or not settled:
        sizes = sizes_in_words(measured.sizes, measured.expected)
        remarks.append(Noted(f"{sizes}: all become {size} (a size can be given)"))
    if writer.reshaped:
        what = f"{writer.reshaped} of {count} pictures are not {times(measured.expected)}"
        remarks.append(Noted(f"{what}: they are {FITTED[measured.form.fit]} and resampled to {size}"))
    if writer.enlarged:
        remarks.append(Warned(f"{writer.enlarged} of {count} pictures are smaller than {size} and are enlarged"))
    if unreadable:
        what = f"{len(unreadable)} of {count + len(unreadable)} pictures cannot be read and are left out"
        remarks.append(Warned(f"{what}, the first: {unreadable[0][1]}"))
    if writer.highest <= DARK:
        what = f"no value is above {writer.highest} of 255: the pictures are almost black"
        remarks.append(Warned(f"{what} (--value-range 0,{max(writer.highest, 1)} stretches bytes)"))
    return remarks


def _open(path: Path, name: str) -> tuple[Dataset, list[Event]] | None:
    """The data set in PATH.npy and PATH.json, and the remarks on how it was made; None if it is missing or damaged."""
    try:
        about = About.model_validate_json(path.with_suffix(".json").read_bytes())
        pixels = npy.mapped(path.with_suffix(".npy"))
        numbers = labels.from_plain(about.labels, len(about.classes))
    except (OSError, ValueError, TypeError):
        return None
    whole = pixels.dtype in (np.uint8, np.uint16) and pixels.ndim == 4 and 0 < len(pixels) == about.count
    whole = whole and (numbers is None or len(numbers) == about.count)
    remarks = [{"Noted": Noted, "Warned": Warned}[kind](message) for kind, message in about.told]
    dataset = Dataset(name, pixels, numbers, about.classes, about.digest, about.why_no_classes, about.value_range)
    return (dataset, remarks) if whole else None
