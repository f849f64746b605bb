"""A zip with pictures in it, read without unpacking it, and refused where it looks like an attack."""

import stat
import struct
import zipfile
import zlib
from functools import partial
from pathlib import Path

from scumble.data.sources.names import Sighted, understand
from scumble.data.sources.source import Source, digest_of, item_of_file
from scumble.errors import DataError, ImageError, reason

MAX_ENTRY_BYTES = 256 << 20
"""An entry of an archive that unpacks to more is no picture to train on."""
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
        entries = {plain_name(entry.filename, path): entry for entry in archive.infolist() if not _is_no_file(entry)}
        sighted = Sighted()
        for name in entries:
            sighted.add(name)
        for name in [*sighted.pictures, *sighted.label_files]:
            _refuse_bomb(entries[name], path)
        sighted.leave_out_sheets(lambda name: _read_entry(archive, entries[name]))
        label_files = {name: archive.read(entries[name]) for name in sighted.label_files}
    except ZIP_ERRORS as error:
        raise DataError(f"{path} cannot be read as a zip: {reason(error)}", "it may have been cut short") from error
    found = understand(sighted.pictures, label_files, str(path), testing)
    items = [
        item_of_file(name, label, partial(_read_entry, archive, entries[name])) for name, label in found.labels.items()
    ]
    facts = [(name, entries[name].CRC, entries[name].file_size, label) for name, label in found.labels.items()]
    return Source(path.name, items, digest_of(facts), () if testing else (*found.told, *sighted.told()))


def plain_name(name: str, path: Path) -> str:
    """The name of an archive's entry with / between its parts: Windows' programs write others.

    Raises:
        DataError: if it leads out of the archive, which harms only who unpacks it, which we do not; whoever made it
            means harm.
    """
    name = name.replace("\\", "/")
    parts = name.split("/")
    if ".." in parts or parts[0] == "" or parts[0].endswith(":"):
        raise DataError(f"{path} has an entry called {name!r}, which points out of it; wanted plain relative names")
    return name.removeprefix("./")


def _is_no_file(entry: zipfile.ZipInfo) -> bool:
    return entry.filename.endswith(("/", "\\")) or stat.S_ISLNK(entry.external_attr >> 16)


def _read_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    try:
        return archive.read(entry)  # never more than the size that it declares, which was checked
    except ZIP_ERRORS as error:
        raise ImageError(f"{entry.filename} is damaged inside its zip: {reason(error)}") from error


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
