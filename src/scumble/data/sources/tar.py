"""A tar with pictures in it, plain or packed by gzip; nothing of it is ever extracted.

A gzip can only be read from its beginning, and pictures are asked for in any order: it is unpacked once, as the tar
that it is, into a file of the cache without a name, which is gone when its reader is.
"""

import gzip
import tarfile
import tempfile
import threading
import zlib
from functools import partial
from pathlib import Path
from typing import IO, Any

from scumble import paths
from scumble.data.sources import zip as zips
from scumble.data.sources.names import Sighted, understand
from scumble.data.sources.source import Source, digest_of, item_of_file
from scumble.errors import DataError, ImageError, reason
from scumble.events import Noted

GZIP = b"\x1f\x8b"
TAR_ERRORS = (tarfile.TarError, zlib.error, EOFError, OSError, ValueError, OverflowError, RecursionError)
CHUNK = 1 << 20


def from_tar(path: Path, testing: bool) -> Source:
    """All pictures in a tar; see `names` for their classes, and for what is `testing`.

    Raises:
        DataError: if it cannot be read, or looks like an attack.
    """
    try:
        status = path.stat()
        # Stays open as long as the source lives, as a zip does.
        file: Any = _Bounded(_as_plain(path))
        archive = tarfile.open(fileobj=file, mode="r:")  # noqa: SIM115
        members = {zips.plain_name(member.name, path): member for member in archive if not member.isdir()}
    except TAR_ERRORS as error:
        raise DataError(f"{path} cannot be read as a tar: {reason(error)}", "it may have been cut short") from error
    files = {name: file for name, member in members.items() if (file := _file_of(member, members)) is not None}
    sighted, lock = Sighted(), threading.Lock()
    for name, file in files.items():
        sighted.add(name)
        if file.size > zips.MAX_ENTRY_BYTES and name in [*sighted.pictures[-1:], *sighted.label_files[-1:]]:
            size, most = file.size >> 20, zips.MAX_ENTRY_BYTES >> 20
            raise DataError(f"{path} has the entry {name!r}, which holds {size} MiB; wanted at most {most} MiB")
    try:
        label_files = {name: _read(archive, files[name], lock) for name in sighted.label_files}
    except ImageError as error:
        raise DataError(f"{path}: {error}", "it may have been cut short") from error
    found = understand(sighted.pictures, label_files, str(path), testing)
    items = [
        item_of_file(name, label, partial(_read, archive, files[name], lock)) for name, label in found.labels.items()
    ]
    facts = [str(path.resolve()), status.st_size, status.st_mtime_ns, status.st_ctime_ns, list(found.labels.items())]
    told = [*found.told, *sighted.told()]
    if others := [name for name in members if name not in files]:
        told.append(Noted(f"passed over, as links and devices in the tar: {len(others):,}, the first: {min(others)}"))
    return Source(path.name, items, digest_of(facts), () if testing else tuple(told))


def _as_plain(path: Path) -> IO[bytes]:
    """The file itself; where it is packed, a file without a name that holds what was packed.

    Raises:
        DataError: if it unpacks to far more than pictures do.
    """
    file = path.open("rb")
    if file.read(2) != GZIP:
        file.seek(0)
        return file
    file.seek(0)
    paths.cache_folder().mkdir(parents=True, exist_ok=True)
    plain, size = tempfile.TemporaryFile(dir=paths.cache_folder()), 0  # noqa: SIM115
    with file, gzip.open(file) as packed:
        while data := packed.read(CHUNK):
            plain.write(data)
            size += len(data)
            if size > zips.RATIO_MATTERS_BYTES and size > zips.MAX_RATIO * path.stat().st_size:
                raise DataError(f"{path} unpacks to more than {zips.MAX_RATIO} times its size; wanted pictures")
    plain.seek(0)
    return plain


class _Bounded:
    """A file that hands over no more at once than a picture may have: a tar's headers may ask for any length."""

    def __init__(self, file: IO[bytes]):
        self.file = file
        self.tell, self.seek, self.close = file.tell, file.seek, file.close

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= zips.MAX_ENTRY_BYTES:
            raise tarfile.ReadError(f"a part of {size >> 20} MiB")
        return self.file.read(size)


def _file_of(member: tarfile.TarInfo, members: dict[str, tarfile.TarInfo]) -> tarfile.TarInfo | None:
    """The entry with the bytes: its own, or that of the earlier one that it is a second name of; None for links."""
    if member.islnk():
        member = members.get(member.linkname.removeprefix("./"), member)
    return member if member.isreg() and not member.issparse() else None


def _read(archive: tarfile.TarFile, member: tarfile.TarInfo, lock: threading.Lock) -> bytes:
    try:
        with lock:  # they share one place in the file
            file = archive.extractfile(member)
            assert file is not None
            data = file.read(member.size)
    except TAR_ERRORS as error:
        raise ImageError(f"{member.name} is damaged inside its tar: {reason(error)}") from error
    if len(data) != member.size:
        raise ImageError(f"{member.name} is damaged inside its tar: it is cut short")
    return data
