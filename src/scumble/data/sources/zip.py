"""A zip with pictures in it, read without unpacking it, and refused where it looks like an attack."""

import struct
import zipfile
import zlib
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from scumble.data.sources.names import LABELS_FILE, is_picture, labels_of
from scumble.data.sources.source import Source, digest_of, item_of_file
from scumble.errors import DataError, ImageError, reason

MAX_ENTRY_BYTES = 256 << 20
"""A zip entry that unpacks to more is no picture to train on."""
MAX_RATIO, RATIO_MATTERS_BYTES = 200, 16 << 20
"""Pictures are compressed already; only plain colours, which are small, pack so well that a large entry is a bomb."""
ENCRYPTED = 1  # a bit of a zip entry's flags
ZIP_ERRORS = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, RuntimeError, ValueError, LookupError)


def from_zip(path: Path, testing: bool) -> Source:
    """All pictures in a zip; see `names` for their classes, and for what is `testing`.

    Raises:
        DataError: if it cannot be read, or looks like an attack.
    """
    try:
        # Stays open as long as the source lives: opening an archive of 60,000 entries takes longer than a thousand
        # pictures. Its own lock lets threads share it; processes must not.
        archive = zipfile.ZipFile(path)
        entries = {entry.filename: entry for entry in archive.infolist() if not entry.is_dir()}
        _refuse_tricks(entries, path)
        pictures = {name: entry for name, entry in entries.items() if is_picture(name)}
        labels_entry = entries.get(LABELS_FILE)
        for entry in [*pictures.values(), *([labels_entry] if labels_entry else [])]:
            _refuse_bomb(entry, path)
        labels_json = archive.read(labels_entry) if labels_entry else None
    except ZIP_ERRORS as error:
        raise DataError(f"{path} cannot be read as a zip: {reason(error)}", "it may have been cut short") from error
    labels, note = labels_of(pictures, labels_json, str(path), testing)
    items = [item_of_file(name, label, partial(_read_entry, archive, pictures[name])) for name, label in labels.items()]
    facts = [(name, pictures[name].CRC, pictures[name].file_size, label) for name, label in labels.items()]
    return Source(path.name, items, digest_of(facts), note)


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
    refuse_packing(entry, path)
    where, size = f"{path} has the entry {entry.filename!r}", entry.file_size
    if size > MAX_ENTRY_BYTES:
        raise DataError(f"{where}, which unpacks to {size >> 20} MiB; wanted at most {MAX_ENTRY_BYTES >> 20} MiB")


def refuse_packing(entry: zipfile.ZipInfo, path: Path) -> None:
    """Refuse an entry that cannot be unpacked, or that is far larger than it looks.

    Raises:
        DataError: if it is such.
    """
    where, size = f"{path} has the entry {entry.filename!r}", entry.file_size
    if entry.flag_bits & ENCRYPTED:
        raise DataError(f"{where}, which is encrypted; wanted a zip without a password")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # the others unpack without a bound
        raise DataError(f"{where}, which is packed by method {entry.compress_type}; wanted stored or deflated entries")
    if size > RATIO_MATTERS_BYTES and size > MAX_RATIO * entry.compress_size:
        ratio = size // max(1, entry.compress_size)
        raise DataError(f"{where}, which unpacks to {ratio} times its size; wanted at most {MAX_RATIO} times")
