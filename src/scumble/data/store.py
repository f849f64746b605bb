"""Pictures decoded once: a cache of uint8 pixels that training reads from, whatever the pictures came as.

A store is one .npy file, (N, C, H, W), and one .json beside it, named by a digest of what they were made from: the
source's content, the size and the channels asked for. It is written picture by picture and mapped into memory, so it
may be larger than memory. What was told of how it was made is kept with it and told again whenever it is opened.
"""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import filelock
import numpy as np
from PIL import Image, ImageOps

from scumble import paths
from scumble.data.mirror import looks_alike_mirrored
from scumble.data.sources import Item, Source
from scumble.errors import DataError, ImageError, SettingsError, reason
from scumble.events import Event, Noted, Progress, Started, Warned
from scumble.image.files import Picture
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
SURVEY_SIDE, SURVEY_SAMPLE = 32, 5000
"""Pictures of a survey are compared with their mirror images at this size, and no more than about so many."""

Size = tuple[int, int]
"""(width, height) in pixels."""


@dataclass(frozen=True, eq=False)
class Store:
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


@dataclass(frozen=True)
class Survey:
    """What is in a source.

    Attributes:
        count: pictures that can be read.
        sizes: how many there are of each (width, height).
        grey: whether R = G = B in all of them.
        transparent: how many are transparent somewhere.
        unreadable: name and reason of each that cannot be read.
        duplicates: how many have the pixels of one that came before.
        classes: how many there are of each class; those without a class are in none.
        mirrored_alike: whether mirror images look like the pictures themselves; None with fewer than two.
    """

    count: int
    sizes: Counter[Size]
    grey: bool
    transparent: int
    unreadable: tuple[tuple[str, str], ...]
    duplicates: int
    classes: Counter[str]
    mirrored_alike: bool | None


def prepare(source: Source, size: Size | None = None, channels: int | None = None) -> Generator[Event, None, Store]:
    """Decode all pictures of a source into a store; at once if that was done before.

    Pictures of another shape are cut to the shape of `size`, around their middle, and resampled; transparency is laid
    on white. Those that cannot be read are left out.

    Args:
        source: the pictures.
        size: (width, height) in pixels of every picture of the store. None for the most common size in the source, with
            its shorter side scaled to at most `MAX_AUTOMATIC_SIDE` and at least `MIN_SIDE`.
        channels: 1 for grey, 3 for colour; None for 1 if R = G = B in all pictures, else 3.

    Yields:
        Started and Progress of the jobs "measure pictures" (if no size is given) and "read pictures"; Noted and Warned
        of what was chosen, changed or left out.

    Returns:
        The store.

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
    store, told = found
    yield from told
    return store


def survey(source: Source) -> Generator[Event, None, Survey]:
    """Look at every picture of a source once, and tell what is in it.

    Yields:
        Started and Progress of the job "look at pictures".
    """
    tally = _Tally(every=-(-len(source.items) // SURVEY_SAMPLE))
    unreadable = yield from _for_each(source, "look at pictures", tally.add)
    count = sum(tally.sizes.values())
    mirrored_alike = None
    if count >= MIN_PICTURES:
        numbers, _ = _numbered(tally.sample_labels)
        mirrored_alike = looks_alike_mirrored(np.stack(tally.sample), numbers)
    return Survey(
        count=count,
        sizes=tally.sizes,
        grey=tally.grey,
        transparent=tally.transparent,
        unreadable=tuple(unreadable),
        duplicates=count - len(tally.seen),
        classes=tally.classes,
        mirrored_alike=mirrored_alike,
    )


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


# --- Looking at pictures --------------------------------------------------------------------------------------------


def _for_each(source: Source, job: str, look: Callable[[Item], None]) -> Generator[Event, None, list[tuple[str, str]]]:
    """Call `look` for every item; returns the name and reason of those for which it raised an ImageError."""
    total, unreadable = len(source.items), []
    yield Started(job, total, "pictures")
    for done, item in enumerate(source.items, 1):
        try:
            look(item)
        except ImageError as error:
            unreadable.append((item.name, str(error)))
        if done % max(1, total // 200) == 0 or done == total:  # steps of half a percent are smooth enough
            yield Progress(job, done, total)
    return unreadable


def _on_white(picture: Picture) -> Image.Image:
    if picture.alpha is None:
        return picture.rgb
    white = Image.new("RGB", picture.size, "white")
    white.paste(picture.rgb, mask=picture.alpha)
    return white


def fitted_pixels(picture: Picture, size: Size, channels: int) -> np.ndarray:
    """(H, W, 3) uint8: the middle of a picture at `size`, on white where it is transparent; grey if `channels` is 1."""
    image = _fitted(_on_white(picture), size)
    return np.asarray(image if channels == 3 else image.convert("L").convert("RGB"))


def _fitted(image: Image.Image, size: Size) -> Image.Image:
    """The middle of a picture, in the shape of `size`, resampled to it with antialiasing."""
    return image if image.size == size else ImageOps.fit(image, size, Image.Resampling.LANCZOS)


def _is_grey(pixels: np.ndarray) -> bool:
    """Whether R = G = B everywhere in (H, W, 3)."""
    return bool((pixels[..., 0] == pixels[..., 1]).all() and (pixels[..., 0] == pixels[..., 2]).all())


def _numbered(labels: list[str | None]) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """The classes in order, 9 before 10, and for each label the number of its class; None if a label is missing."""
    if None in labels:
        return None, ()
    classes = sorted({label for label in labels if label is not None}, key=_natural)
    numbers = {label: number for number, label in enumerate(classes)}
    return np.array([numbers[label] for label in labels if label is not None], np.int64), tuple(classes)


def _natural(label: str) -> tuple[bool, int, str]:
    """To sort by: numbers by their value, which is that of their digits once they are equally many, then words."""
    digits = label.lstrip("0") if label.isdecimal() else label
    return (False, len(digits), digits) if label.isdecimal() else (True, 0, label)


class _Tally:
    """What a survey has seen so far; of every so many pictures it keeps a small one."""

    def __init__(self, every: int):
        self.every = every
        self.sizes: Counter[Size] = Counter()
        self.classes: Counter[str] = Counter()
        self.seen: set[bytes] = set()
        self.transparent = 0
        self.grey = True
        self.sample: list[np.ndarray] = []  # of (3, H, W) uint8
        self.sample_labels: list[str | None] = []

    def add(self, item: Item) -> None:
        picture = item.load()
        image = _on_white(picture)
        pixels = np.asarray(image)
        if self.sizes.total() % self.every == 0:
            self.sample.append(np.asarray(_fitted(image, (SURVEY_SIDE, SURVEY_SIDE))).transpose(2, 0, 1))
            self.sample_labels.append(item.label)
        self.sizes[picture.size] += 1
        self.classes.update([item.label] if item.label is not None else [])
        self.transparent += picture.alpha is not None
        self.grey = self.grey and _is_grey(pixels)
        shape = f"{pixels.shape}".encode()
        self.seen.add(hashlib.blake2b(shape + pixels.tobytes(), digest_size=16).digest())


# --- Making a store -------------------------------------------------------------------------------------------------


def _acquire(lock: filelock.BaseFileLock, name: str) -> Generator[Event, None, None]:
    try:
        lock.acquire(blocking=False)
    except filelock.Timeout:
        yield Noted(f"another run is preparing {name}: waiting until it is done")
        lock.acquire()


def _make(
    path: Path, source: Source, size: Size | None, channels: int | None
) -> Generator[Event, None, tuple[Store, list[Event]]]:
    """Write PATH.npy and PATH.json, and open them."""
    expected = size or (yield from _most_common_size(source))
    size = size or automatic_size(expected)
    partial, grey_partial = path.with_suffix(".part"), path.with_suffix(".grey.part")
    try:
        with partial.open("wb") as file:
            writer = _Writer(file, size, channels or 3, expected)
            unreadable = yield from _for_each(source, "read pictures", writer.add)
            _refuse_unreadable(source, unreadable)
            _refuse_few(source, writer.count)
            writer.finish()
        if channels is None and writer.grey:
            _keep_one_channel(partial, grey_partial)
            grey_partial.replace(partial)
        told = _remarks(writer, unreadable)
        path.with_suffix(".json").unlink(missing_ok=True)  # it may belong to a damaged .npy
        numbers, classes = _numbered(writer.labels)
        about = {
            "format_version": FORMAT_VERSION,
            "source": source.name,
            "classes": classes,
            "labels": None if numbers is None else numbers.tolist(),
            "digest": _content_digest(partial, writer.labels),
            "told": [[type(event).__name__, event.message] for event in told],
        }
        partial.replace(path.with_suffix(".npy"))
        # Last, for where it is, the store is whole.
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
    unreadable = yield from _for_each(source, "measure pictures", lambda item: sizes.update([item.size()]))
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
        self.grey = self.grey and _is_grey(pixels)
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
    """What the user should know of how the store came about."""
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


def _open(path: Path, name: str) -> tuple[Store, list[Event]] | None:
    """The store in PATH.npy and PATH.json, and what was told when it was made; None if it is missing or damaged."""
    try:
        about = json.loads(path.with_suffix(".json").read_bytes())
        pixels = _mapped(path.with_suffix(".npy"))
        labels = None if about["labels"] is None else np.array(about["labels"], np.int64)
        classes = tuple(about["classes"])
        told = [{"Noted": Noted, "Warned": Warned}[kind](message) for kind, message in about["told"]]
        whole = pixels.dtype == np.uint8 and pixels.ndim == 4 and about["format_version"] == FORMAT_VERSION
        if labels is not None:
            whole = whole and labels.shape == (len(pixels),) and set(labels.tolist()) == set(range(len(classes)))
        return (Store(name, pixels, labels, classes, about["digest"]), told) if whole else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
