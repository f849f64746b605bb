"""Pictures decoded once: a cache of uint8 pixels that training reads from, whatever the pictures came as.

A data set is one .npy file, (N, C, H, W), and one .json beside it, named by a digest of what they were made from: the
source's content, the size and the channels asked for. It is written picture by picture and mapped into memory, so it
may be larger than memory. Remarks on how it was made are kept with it and repeated whenever it is opened.
"""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import filelock
import numpy as np

from scumble import paths
from scumble.data.labels import numbered
from scumble.data.pixels import Size, fitted_pixels, is_grey
from scumble.data.sources.source import Item, Source, for_each
from scumble.errors import DataError, SettingsError, reason
from scumble.events import Event, Noted, Warned
from scumble.image.tensors import fit_shorter_side

FORMAT_VERSION = 1
MIN_PICTURES = 16
MIN_SIDE = 16
MAX_AUTOMATIC_SIDE = 64
"""What a GAN learns in hours on one machine; larger pictures have to be asked for."""
MAX_ASPECT = 4
"""Longer strips than this many times their shorter side are cut, where no size is asked for."""
MAX_UNREADABLE = 0.1
"""A source with a larger share of unreadable pictures is refused: it is probably not what its user thinks it is."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """Decoded pictures, ready to train on.

    Attributes:
        name: of the source.
        pixels: (N, C, H, W) uint8, C of 1 or 3, mapped from the cache and not writeable.
        labels: (N,) int64, indexes into `classes`; None where not every picture has a class.
        classes: the names of the classes, in order; empty where there are no labels.
        digest: hexadecimal SHA-256 of pixels, labels and classes: the same wherever and whenever they were prepared.
    """

    name: str
    pixels: np.ndarray
    labels: np.ndarray | None
    classes: tuple[str, ...]
    digest: str

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, height, width) of one picture."""
        _, channels, height, width = self.pixels.shape
        return channels, height, width


def prepare(source: Source, size: Size | None = None, channels: int | None = None) -> Generator[Event, None, Dataset]:
    """Decode all pictures of a source into a data set; at once if that was done before.

    Pictures of another shape are cut to the shape of `size`, around their middle, and resampled; transparency is laid
    on white. Those that cannot be read are left out.

    Args:
        source: the pictures.
        size: (width, height) in pixels of every picture. None for the most common size in the source, with
            its shorter side scaled to at most `MAX_AUTOMATIC_SIDE` and at least `MIN_SIDE`.
        channels: 1 for grey, 3 for colour; None for 1 if R = G = B in all pictures, else 3.

    Yields:
        Started and Progress of the jobs "measure pictures" (if no size is given) and "read pictures"; Noted and Warned
        of what was chosen, changed or left out.

    Returns:
        The data set.

    Raises:
        SettingsError: if `size` or `channels` is out of range.
        DataError: if there are too few pictures, too many cannot be read, or the cache cannot be written.
    """
    _check(source, size, channels)
    if source.note:
        yield Noted(source.note)
    folder = paths.cache_folder() / "data"
    made_from = json.dumps([FORMAT_VERSION, source.digest, size, channels])
    key = hashlib.sha256(made_from.encode()).hexdigest()[:32]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        found = _open(folder / key, source.name)
        if found is None:
            lock = filelock.FileLock(folder / f"{key}.lock", thread_local=False)  # whoever closes us may release it
            yield from _acquire(lock, source.name)
            try:
                found = _open(folder / key, source.name)  # another run may have made it while we waited
                if found is None:
                    found = yield from _make(folder / key, source, size, channels)
            finally:
                lock.release()
    except OSError as error:
        raise DataError(f"{source.name} cannot be kept in {folder}: {reason(error)}") from error
    dataset, remarks = found
    yield from remarks
    return dataset


def _check(source: Source, size: Size | None, channels: int | None) -> None:
    if size is not None and min(size) < MIN_SIDE:
        raise SettingsError(f"size {_times(size)} is too small; wanted at least {MIN_SIDE} pixels on each side")
    if channels not in (None, 1, 3):
        raise SettingsError(f"channels is {channels}; wanted 1 for grey or 3 for colour")
    _refuse_few(source, len(source.items))


def _refuse_few(source: Source, count: int) -> None:
    if count < MIN_PICTURES:
        pictures = "1 picture" if count == 1 else f"{count} pictures"
        raise DataError(f"{source.name} holds {pictures} that can be read; wanted at least {MIN_PICTURES}")


def _times(size: Size) -> str:
    return f"{size[0]}x{size[1]}"


# --- Making a data set ----------------------------------------------------------------------------------------------


def _acquire(lock: filelock.BaseFileLock, name: str) -> Generator[Event, None, None]:
    try:
        lock.acquire(blocking=False)
    except filelock.Timeout:
        yield Noted(f"another run is preparing {name}: waiting until it is done")
        lock.acquire()


def _make(
    path: Path, source: Source, size: Size | None, channels: int | None
) -> Generator[Event, None, tuple[Dataset, list[Event]]]:
    """Write PATH.npy and PATH.json, and open them."""
    expected = size or (yield from _most_common_size(source))
    size = size or automatic_size(expected)
    partial, grey_partial = path.with_suffix(".part"), path.with_suffix(".grey.part")
    try:
        with partial.open("wb") as file:
            writer = _Writer(file, size, channels or 3, expected)
            unreadable = yield from for_each(source, "read pictures", writer.add)
            _refuse_unreadable(source, unreadable)
            _refuse_few(source, writer.count)
            writer.finish()
        if channels is None and writer.grey:
            _keep_one_channel(partial, grey_partial)
            grey_partial.replace(partial)
        remarks = _remarks(writer, unreadable)
        path.with_suffix(".json").unlink(missing_ok=True)  # it may belong to a damaged .npy
        numbers, classes = numbered(writer.labels)
        about = {
            "format_version": FORMAT_VERSION,
            "source": source.name,
            "classes": classes,
            "labels": None if numbers is None else numbers.tolist(),
            "digest": _content_digest(partial, writer.labels),
            "told": [[type(event).__name__, event.message] for event in remarks],
        }
        partial.replace(path.with_suffix(".npy"))
        # Last, for where it is, the data set is whole.
        paths.write_atomically(path.with_suffix(".json"), json.dumps(about).encode())
    finally:
        for unfinished in (partial, grey_partial):
            unfinished.unlink(missing_ok=True)
    found = _open(path, source.name)
    if found is None:
        raise DataError(f"{source.name} was written to {path}.npy, and does not read as it was written")
    return found


def _most_common_size(source: Source) -> Generator[Event, None, Size]:
    sizes: Counter[Size] = Counter()
    unreadable = yield from for_each(source, "measure pictures", lambda item: sizes.update([item.size()]))
    _refuse_unreadable(source, unreadable)
    return sizes.most_common(1)[0][0]


def automatic_size(common: Size) -> Size:
    """The (width, height) that pictures are trained at if most of them are of size `common` and none is asked for."""
    shorter = min(max(min(common), MIN_SIDE), MAX_AUTOMATIC_SIDE)
    width, height = fit_shorter_side(common, shorter)
    return min(width, MAX_ASPECT * shorter), min(height, MAX_ASPECT * shorter)


def _refuse_unreadable(source: Source, unreadable: list[tuple[str, str]]) -> None:
    if len(unreadable) > MAX_UNREADABLE * len(source.items):
        share = f"{len(unreadable)} of {len(source.items)} pictures of {source.name} cannot be read"
        raise DataError(f"{share}, the first: {unreadable[0][1]}; wanted at most {MAX_UNREADABLE:.0%}")


class _Writer:
    """Writes pictures to an .npy file one by one, and counts what it had to change."""

    def __init__(self, file: BinaryIO, size: Size, channels: int, expected: Size):
        self.file, self.size, self.channels, self.expected = file, size, channels, expected
        self.labels: list[str | None] = []
        self.reshaped = 0  # pictures that are not of the expected size
        self.enlarged = 0  # those of them that are smaller than `size`
        self.grey = True
        self._write_header()  # its length stays the same when the count in it changes

    @property
    def count(self) -> int:
        return len(self.labels)

    def add(self, item: Item) -> None:
        picture = item.load()
        pixels = fitted_pixels(picture, self.size, self.channels)
        self.grey = self.grey and is_grey(pixels)
        self.file.write(pixels[..., : self.channels].transpose(2, 0, 1).tobytes())
        self.labels.append(item.label)
        if picture.size != self.expected:
            self.reshaped += 1
            self.enlarged += picture.size[0] < self.size[0] or picture.size[1] < self.size[1]

    def finish(self) -> None:
        self.file.seek(0)
        self._write_header()
        self.file.flush()
        os.fsync(self.file.fileno())

    def _write_header(self) -> None:
        width, height = self.size
        _write_header(self.file, (self.count, self.channels, height, width))


def _write_header(file: BinaryIO, shape: tuple[int, ...]) -> None:
    np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})


def _keep_one_channel(colour: Path, grey: Path) -> None:
    pixels = _mapped(colour).view(np.ndarray)  # plain, for rows of a memmap are slow to make
    with grey.open("wb") as file:
        _write_header(file, (len(pixels), 1, *pixels.shape[2:]))
        for picture in pixels:
            file.write(picture[0].tobytes())
        file.flush()
        os.fsync(file.fileno())


def _mapped(path: Path) -> np.ndarray:
    return np.lib.format.open_memmap(path, mode="r")  # never unpickles: such a file cannot be mapped


def _content_digest(path: Path, labels: list[str | None]) -> str:
    pixels = _mapped(path).view(np.ndarray)
    digest = hashlib.sha256(json.dumps([pixels.shape, labels]).encode())
    for picture in pixels:
        digest.update(picture.data)
    return digest.hexdigest()


def _remarks(writer: _Writer, unreadable: list[tuple[str, str]]) -> list[Noted | Warned]:
    """What the user should know of how the data set came about."""
    remarks: list[Noted | Warned] = []
    count, size, unlabelled = writer.count, _times(writer.size), writer.labels.count(None)
    if writer.expected != writer.size:
        remarks.append(Noted(f"most pictures are {_times(writer.expected)}: all become {size} (a size can be given)"))
    if writer.reshaped:
        what = f"{writer.reshaped} of {count} pictures are not {_times(writer.expected)}"
        remarks.append(Noted(f"{what}: they are cut around their middle and resampled to {size}"))
    if 0 < unlabelled < count:
        remarks.append(Noted(f"{unlabelled} of {count} pictures have no class: classes are left out"))
    if writer.enlarged:
        remarks.append(Warned(f"{writer.enlarged} of {count} pictures are smaller than {size} and are enlarged"))
    if unreadable:
        what = f"{len(unreadable)} of {count + len(unreadable)} pictures cannot be read and are left out"
        remarks.append(Warned(f"{what}, the first: {unreadable[0][1]}"))
    return remarks


def _open(path: Path, name: str) -> tuple[Dataset, list[Event]] | None:
    """The data set in PATH.npy and PATH.json, and the remarks on how it was made; None if it is missing or damaged."""
    try:
        about = json.loads(path.with_suffix(".json").read_bytes())
        pixels = _mapped(path.with_suffix(".npy"))
        labels = None if about["labels"] is None else np.array(about["labels"], np.int64)
        classes = tuple(about["classes"])
        remarks = [{"Noted": Noted, "Warned": Warned}[kind](message) for kind, message in about["told"]]
        whole = pixels.dtype == np.uint8 and pixels.ndim == 4 and about["format_version"] == FORMAT_VERSION
        if labels is not None:
            whole = whole and labels.shape == (len(pixels),) and set(labels.tolist()) == set(range(len(classes)))
        return (Dataset(name, pixels, labels, classes, about["digest"]), remarks) if whole else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
