"""Where pictures to learn from come from: folders, zips, arrays, data sets of others, or our own code.

Every kind becomes a `Source`, a list of items that are decoded only when they are asked for. Nothing is ever unpacked
to the disk, nothing pickled is ever opened.

| given as                | is                                                                                     |
|-------------------------|----------------------------------------------------------------------------------------|
| `FOLDER`                | all pictures below it; a picture's class is the name of the folder it lies in          |
| `FILE.zip`              | the same inside a zip                                                                  |
| `FILE.npz`              | an array `x`, `x_train` or `images`, (N, H, W[, C]); labels in `y`, `y_train`, `labels` |
| `hf:owner/name[:split]` | a data set of the Hugging Face hub; the split is `train` unless given                  |
| `digits`                | 1,797 handwritten digits, 8x8 and grey, from scikit-learn                              |
| `shapes`                | 4,096 discs, squares and triangles, 64x64, drawn by our own code                       |

A folder or zip may hold a `dataset.json` as StyleGAN's data sets do: `{"labels": [["00000/img0.png", 6], ...]}`; it
then says the classes. Where the top folders are `train` and `test`, or the like, only the training part is used.
"""

import hashlib
import importlib
import json
import os
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from scumble import paths
from scumble.data import synthetic
from scumble.errors import DataError, ImageError, reason
from scumble.image import decode, files
from scumble.image.files import Picture

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".ppm", ".tga", ".gif", ".avif")
TRAINING_PARTS = ("train", "training")
OTHER_PARTS = ("test", "testing", "val", "valid", "validation")
LABELS_FILE = "dataset.json"
IMAGE_ARRAYS = {"x": "y", "x_train": "y_train", "images": "labels"}
"""The names of an .npz file's pictures, and of the labels that belong to them."""
TESTING_ARRAYS = {"x_test": "y_test"}
"""Likewise, of those that are for testing."""

MAX_ENTRY_BYTES = 256 << 20
"""A zip entry that unpacks to more is no picture to train on."""
MAX_RATIO, RATIO_MATTERS_BYTES = 200, 16 << 20
"""Pictures are compressed already; only plain colours, which are small, pack so well that a large entry is a bomb."""
ENCRYPTED = 1  # a bit of a zip entry's flags
ZIP_ERRORS = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, RuntimeError, ValueError)

SHAPES_COUNT, SHAPES_SIDE = 4096, 64
SHAPES_VERSION = 1
"""To be raised whenever the drawing changes: it stands for the pictures in the digest."""


@dataclass(frozen=True)
class Item:
    """One picture of a source.

    Attributes:
        name: to speak of it.
        label: its class, or None.
        load: decodes it; raises ImageError if it cannot be read.
        measure: finds (width, height) with less work than `load`; None if there is no such way.
    """

    name: str
    label: str | None
    load: Callable[[], Picture]
    measure: Callable[[], tuple[int, int]] | None = None

    def size(self) -> tuple[int, int]:
        """(width, height) in pixels; raises ImageError like `load`."""
        return self.measure() if self.measure else self.load().size


@dataclass(frozen=True)
class Source:
    """Pictures that can be decoded one by one.

    Attributes:
        name: to speak of it.
        items: the pictures, in an order that does not change.
        digest: hexadecimal SHA-256 of what stands for the content: the names, sizes and times of a folder's files, the
            names, sizes and checksums of a zip's entries, the bytes of arrays.
        note: what was left out or chosen, if anything.
    """

    name: str
    items: Sequence[Item]
    digest: str
    note: str | None = None


def open_source(given: str | Path) -> Source:
    """The source that a name stands for; see the table above.

    Raises:
        DataError: if there is nothing of that name, it holds no pictures, or it cannot be read.

    Example:
        >>> source = open_source("digits")
        >>> len(source.items), source.items[0].label, source.items[0].load().size
        (1797, '0', (8, 8))
    """
    name = str(given)
    if name in BUILT_IN:
        return BUILT_IN[name]()
    if name.startswith("hf:"):
        return _from_hub(name)
    source = _from_path(Path(given), testing=False)
    if not source.items:
        raise DataError(f"{given} holds no pictures; wanted files such as {', '.join(SUFFIXES[:4])}")
    return source


def open_testing_part(given: str | Path) -> Source | None:
    """The pictures that `open_source` leaves out because they are for testing; None where there are none.

    Raises:
        DataError: as with `open_source`.
    """
    name = str(given)
    if name in BUILT_IN or name.startswith("hf:"):
        return None
    source = _from_path(Path(given), testing=True)
    return source if source.items else None


def _from_path(path: Path, testing: bool) -> Source:
    try:
        return _from_files(path, testing)
    except (OSError, ValueError) as error:  # a name that the system refuses to look at
        raise DataError(f"{str(path)[:200]!r} cannot be read: {reason(error)}") from error


def _from_files(path: Path, testing: bool) -> Source:
    wanted = f"wanted a folder, a .zip, a .npz, hf:owner/name, {' or '.join(BUILT_IN)}"
    if path.is_dir():
        return _from_folder(path, testing)
    if not path.exists():
        raise DataError(f"{path} does not exist; {wanted}")
    if path.suffix.lower() in FILE_KINDS and path.is_file():  # a pipe would never end
        return FILE_KINDS[path.suffix.lower()](path, testing)
    raise DataError(f"{path} is a file that ends in {path.suffix or 'nothing'!r}; {wanted}")


def _digest(facts: Any) -> str:
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _file_item(name: str, label: str | None, read: Callable[[], bytes]) -> Item:
    return Item(name, label, lambda: files.load_bytes(read(), name), lambda: files.size_of(read(), name))


# --- Folders and zips -----------------------------------------------------------------------------------------------


def _from_folder(folder: Path, testing: bool) -> Source:
    try:
        found = _files_below(folder)  # name -> (bytes, nanoseconds, nanoseconds)
        labels_json = (folder / LABELS_FILE).read_bytes() if (folder / LABELS_FILE).is_file() else None
    except OSError as error:
        raise DataError(f"{folder} cannot be read: {reason(error)}") from error
    labels, note = _labels(found, labels_json, str(folder), testing)
    items = [_file_item(name, label, partial(decode.read_file, folder / name)) for name, label in labels.items()]
    # Archives may give all files one time: another folder with files of the same names and sizes is another source.
    facts = [str(folder.resolve()), *((name, *found[name], label) for name, label in labels.items())]
    return Source(folder.resolve().name, items, _digest(facts), note)


def _files_below(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Names relative to a folder, with / between their parts, of all files below it: bytes, and two times in ns.

    Folders of runs are passed over: their grids are no pictures to learn from.
    """

    def fail(error: OSError) -> None:
        raise error

    found = {}
    for place, folders, names in os.walk(folder, onerror=fail):
        if {"settings.json", "metrics.jsonl"} <= set(names) or {"settings.json", "model.safetensors"} <= set(names):
            folders.clear()
            continue
        folders[:] = [name for name in folders if not _hidden(name)]
        for path in (Path(place, name) for name in names if _is_picture(name)):
            if path.is_file():  # no broken links, no pipes
                status = path.stat()
                found[path.relative_to(folder).as_posix()] = (status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    return found


def _from_zip(path: Path, testing: bool) -> Source:
    try:
        # Stays open as long as the source lives: opening an archive of 60,000 entries takes longer than a thousand
        # pictures. Its own lock lets threads share it; processes must not.
        archive = zipfile.ZipFile(path)
        entries = {entry.filename: entry for entry in archive.infolist() if not entry.is_dir()}
        _refuse_tricks(entries, path)
        pictures = {name: entry for name, entry in entries.items() if _is_picture(name)}
        labels_entry = entries.get(LABELS_FILE)
        for entry in [*pictures.values(), *([labels_entry] if labels_entry else [])]:
            _refuse_bomb(entry, path)
        labels_json = archive.read(labels_entry) if labels_entry else None
    except ZIP_ERRORS as error:
        raise DataError(f"{path} cannot be read as a zip: {reason(error)}", "it may have been cut short") from error
    labels, note = _labels(pictures, labels_json, str(path), testing)
    items = [_file_item(name, label, partial(_read_entry, archive, pictures[name])) for name, label in labels.items()]
    facts = [(name, pictures[name].CRC, pictures[name].file_size, label) for name, label in labels.items()]
    return Source(path.name, items, _digest(facts), note)


def _read_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    try:
        return archive.read(entry)  # never more than the size that it declares, which was checked
    except ZIP_ERRORS as error:
        raise ImageError(f"{entry.filename} is damaged inside its zip: {reason(error)}") from error


def _refuse_tricks(names: Iterable[str], path: Path) -> None:
    """Names that lead out of the archive harm only who unpacks it, which we do not; whoever made them means harm."""
    for name in names:
        parts = name.replace("\\", "/").split("/")
        if ".." in parts or parts[0] == "" or parts[0].endswith(":"):
            raise DataError(f"{path} has an entry called {name!r}, which points out of it; wanted plain relative names")


def _refuse_bomb(entry: zipfile.ZipInfo, path: Path) -> None:
    where, size = f"{path} has the entry {entry.filename!r}", entry.file_size
    if entry.flag_bits & ENCRYPTED:
        raise DataError(f"{where}, which is encrypted; wanted a zip without a password")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # the others unpack without a bound
        raise DataError(f"{where}, which is packed by method {entry.compress_type}; wanted stored or deflated entries")
    if size > MAX_ENTRY_BYTES:
        raise DataError(f"{where}, which unpacks to {size >> 20} MiB; wanted at most {MAX_ENTRY_BYTES >> 20} MiB")
    if size > RATIO_MATTERS_BYTES and size > MAX_RATIO * entry.compress_size:
        ratio = size // max(1, entry.compress_size)
        raise DataError(f"{where}, which unpacks to {ratio} times its size; wanted at most {MAX_RATIO} times")


def _hidden(part: str) -> bool:
    return part.startswith(".") or part == "__MACOSX"  # what macOS adds to zips holds no pictures


def _is_picture(name: str) -> bool:
    return name.lower().endswith(SUFFIXES) and not any(map(_hidden, name.split("/")))


def _labels(
    names: Iterable[str], labels_json: bytes | None, where: str, testing: bool
) -> tuple[dict[str, str | None], str | None]:
    """The names to use, sorted, each with its class, and a note on what was left out."""
    parts = {name: name.split("/") for name in sorted(names)}
    level = _level_of_parts(list(parts.values()))
    note = None
    if level is not None:
        wanted = OTHER_PARTS if testing else TRAINING_PARTS
        used = {name: p for name, p in parts.items() if len(p) > level + 1 and p[level].lower() in wanted}
        if not testing:
            of = f"{len(used)} of {len(parts)} pictures are used"
            note = f"{of}, those of the training part; the others are for testing"
        parts = used
    elif testing:
        parts = {}
    if labels_json is not None:
        given = _parse_labels(labels_json, where)
        return {name: given.get(name) for name in parts}, note
    # A picture that lies directly in the training part, as one that lies directly in the folder, has no class.
    outer = 0 if level is None else level + 1
    return {name: p[-2] if len(p) > outer + 1 else None for name, p in parts.items()}, note


def _level_of_parts(names: list[list[str]]) -> int | None:
    """How deep the folders `train` and `test` lie, or None if there are none: all folders there must be such."""
    level = 0
    while len(folders := {p[level].lower() for p in names if len(p) > level + 1}) == 1:
        level += 1  # a folder that wraps all
    training = folders.intersection(TRAINING_PARTS)
    return level if training and folders <= {*TRAINING_PARTS, *OTHER_PARTS} else None


def _parse_labels(data: bytes, where: str) -> dict[str, str]:
    try:
        labels = dict(json.loads(data)["labels"] or [])
        if not all(isinstance(label, int | str) for label in labels.values()):
            raise TypeError("a class is neither a number nor a word")
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        wanted = 'wanted {"labels": [[name, class], ...]}, or null for no labels'
        raise DataError(f"{LABELS_FILE} in {where} is of another form ({reason(error)}); {wanted}") from error
    return {name: str(label) for name, label in labels.items()}


# --- Arrays ---------------------------------------------------------------------------------------------------------


def _from_npz(path: Path, testing: bool) -> Source:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            held = list(arrays.files)
            names = TESTING_ARRAYS if testing else IMAGE_ARRAYS
            name = next((name for name in names if name in held), None)
            if name is None and testing:
                return Source(path.name, [], "")
            if name is None:
                raise DataError(f"{path} holds arrays {held}; wanted one of {', '.join(IMAGE_ARRAYS)}")
            pixels = arrays[name]
            labels = arrays[names[name]] if names[name] in held else None
            if not isinstance(pixels, np.ndarray) or not isinstance(labels, np.ndarray | None):
                raise TypeError("what it holds are no arrays")
    except (*ZIP_ERRORS, AttributeError, TypeError, MemoryError) as error:
        raise DataError(f"{path} cannot be read as arrays: {reason(error)}", "save it with numpy.savez") from error
    _check_pixels(pixels, f"{path}: {name}")
    if labels is not None:
        labels = _check_labels(labels, len(pixels), f"{path}: {names[name]}")
    note = None
    if "x_test" in held and not testing:
        note = f"{len(pixels)} pictures of x_train are used; x_test is for testing"
    return _from_arrays(path.name, pixels, labels, note)


def _check_pixels(pixels: np.ndarray, where: str) -> None:
    fits = pixels.ndim == 3 or (pixels.ndim == 4 and pixels.shape[3] in (1, 3, 4))
    if not fits or 0 in pixels.shape[1:]:
        planar = pixels.ndim == 4 and pixels.shape[1] in (1, 3, 4)
        hint = "put the colours last: x.transpose(0, 2, 3, 1)" if planar else None
        raise DataError(f"{where} has shape {pixels.shape}; wanted (N, H, W) or (N, H, W, C) with C of 1, 3, 4", hint)
    if pixels.dtype.kind == "f":
        if not pixels.size or not (pixels.min() >= 0 and pixels.max() <= 1):  # so written, it finds nan too
            raise DataError(f"{where} holds floats outside 0..1; wanted floats in [0, 1] or uint8")
    elif pixels.dtype != np.uint8:
        raise DataError(f"{where} is of type {pixels.dtype}; wanted uint8 or floats in [0, 1]", "x.astype('uint8')")


def _check_labels(labels: np.ndarray, count: int, where: str) -> list[str]:
    if labels.shape not in ((count,), (count, 1)) or labels.dtype.kind not in "iuU":
        what = f"labels of shape {labels.shape} and type {labels.dtype}"
        raise DataError(f"{where} holds {what}; wanted one whole number or word for each of {count} pictures")
    return [str(label) for label in labels.ravel().tolist()]


def _from_arrays(name: str, pixels: np.ndarray, labels: list[str] | None, note: str | None = None) -> Source:
    """A source of (N, H, W[, C]) pixels, uint8 or floats in [0, 1]."""
    digest = hashlib.sha256(json.dumps([pixels.shape, str(pixels.dtype), labels]).encode())
    digest.update(np.ascontiguousarray(pixels).data)
    height, width = pixels.shape[1:3]
    items = [
        Item(f"picture {i}", labels[i] if labels else None, partial(_picture, pixels, i), lambda: (width, height))
        for i in range(len(pixels))
    ]
    return Source(name, items, digest.hexdigest(), note)


def _picture(pixels: np.ndarray, number: int) -> Picture:
    array = pixels[number]
    if array.dtype != np.uint8:
        array = (array * 255).round().astype(np.uint8)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    alpha = Image.fromarray(array[:, :, 3]) if array.ndim == 3 and array.shape[2] == 4 else None
    rgb = Image.fromarray(array[..., :3] if alpha else array).convert("RGB")
    return Picture(rgb, alpha, f"picture {number}", hashlib.sha256(array.tobytes()).hexdigest())


def _digits() -> Source:
    from sklearn.datasets import load_digits  # takes a second to import

    digits: Any = load_digits()
    pixels = (digits["images"] / 16 * 255).round().astype(np.uint8)  # (1797, 8, 8), they come as 0..16
    return _from_arrays("digits", pixels, [str(digit) for digit in digits["target"]])


def _shapes() -> Source:
    kinds = synthetic.SHAPES
    items = [
        Item(f"shape {i}", kinds[i % len(kinds)], partial(_shape, i), lambda: (SHAPES_SIDE, SHAPES_SIDE))
        for i in range(SHAPES_COUNT)
    ]
    return Source("shapes", items, _digest(["shapes", SHAPES_VERSION, SHAPES_COUNT, SHAPES_SIDE]))


def _shape(number: int) -> Picture:
    image = synthetic.shape(number, SHAPES_SIDE)
    return Picture(image, None, f"shape {number}", hashlib.sha256(image.tobytes()).hexdigest())


# --- The hub --------------------------------------------------------------------------------------------------------


def _from_hub(given: str) -> Source:
    name, _, split = given.removeprefix("hf:").partition(":")
    split = split or "train"
    if paths.offline():
        hint = "unset it; HF_HUB_OFFLINE=1 allows what was downloaded before"
        raise DataError(f"{given} may need the network, and SCUMBLE_OFFLINE is set; wanted it unset", hint)
    try:
        datasets = importlib.import_module("datasets")
    except ImportError:
        raise DataError(f"{given} needs the package datasets", "pip install 'scumble[hub]'") from None
    try:
        dataset = datasets.load_dataset(name, split=split)
    except Exception as error:  # of any library that it is built on
        first_line = reason(error).strip().partition("\n")[0].rstrip(".")
        raise DataError(
            f"{given} cannot be loaded: {first_line}; wanted hf:owner/name or hf:owner/name:split"
        ) from error
    images = _columns(dataset, datasets.Image)
    if not images:
        raise DataError(f"{given} has no column of pictures, only {', '.join(dataset.features)}")
    labels = _hub_labels(dataset, _columns(dataset, datasets.ClassLabel))
    column = images[0]
    undecoded = dataset.select_columns([column]).cast_column(column, datasets.Image(decode=False))
    items = [
        _file_item(f"{column} {i}", label, partial(_read_row, undecoded, i, column)) for i, label in enumerate(labels)
    ]
    return Source(given, items, _digest(["hf", name, split, len(items), dataset._fingerprint]))


def _columns(dataset: Any, kind: type) -> list[str]:
    return [name for name, feature in dataset.features.items() if isinstance(feature, kind)]


def _hub_labels(dataset: Any, columns: list[str]) -> list[str | None]:
    """The class of every row, by the first of the columns of classes."""
    if not columns:
        return [None] * len(dataset)
    names = dataset.features[columns[0]].names
    # Rows without a label hold None or -1.
    return [None if number is None or number < 0 else names[number] for number in dataset[columns[0]]]


def _read_row(dataset: Any, number: int, column: str) -> bytes:
    held = dataset[number][column]  # {"bytes": ..., "path": ...}, either may be None
    if held is None:
        raise ImageError(f"{column} {number} is empty; wanted a picture")
    return held["bytes"] if held["bytes"] is not None else decode.read_file(Path(held["path"]))


FILE_KINDS: dict[str, Callable[[Path, bool], Source]] = {".zip": _from_zip, ".npz": _from_npz}
BUILT_IN: dict[str, Callable[[], Source]] = {"digits": _digits, "shapes": _shapes}
