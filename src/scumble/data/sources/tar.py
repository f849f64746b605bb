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
        status, tar = path.stat(), _Tar(path)
        sighted = Sighted()
        for name in tar.places:
            sighted.add(name)
        for name in [*sighted.pictures, *sighted.label_files]:
            tar.refuse_large(name)
        sighted.leave_out_sheets(tar.read)
        label_files = {name: tar.read(name) for name in sighted.label_files}
    except (*TAR_ERRORS, ImageError) as error:
        raise DataError(f"{path} cannot be read as a tar: {reason(error)}", "it may have been cut short") from error
    found = understand(sighted.pictures, label_files, str(path), testing)
    items = [item_of_file(name, label, partial(tar.read, name)) for name, label in found.labels.items()]
    facts = [str(path.resolve()), status.st_size, status.st_mtime_ns, status.st_ctime_ns, list(found.labels.items())]
    told = [*found.told, *sighted.told()]
    if tar.others:
        what = f"{len(tar.others):,}, the first: {min(tar.others)}"
        told.append(Noted(f"passed over, as links and devices in the tar: {what}"))
    return Source(path.name, items, digest_of(facts), () if testing else tuple(told))


class _Tar:
    """Where the files of a tar lie in it, and a way to read them; it stays open as long as it lives.

    Attributes:
        places: by the name of each file: where its bytes begin, and how many there are.
        others: names of what has no bytes: links and devices.
    """

    def __init__(self, path: Path):
        self.path, self.lock = path, threading.Lock()  # threads share one place in the file
        self.places: dict[str, tuple[int, int]] = {}
        self.others: list[str] = []
        self.file = _as_plain(path)
        bounded: Any = _Bounded(self.file)
        with tarfile.open(fileobj=bounded, mode="r:") as archive:
            for member in archive:
                if not member.isdir():
                    self._add(zips.plain_name(member.name, path), member)

    def __del__(self) -> None:
        if hasattr(self, "file"):
            self.file.close()

    def _add(self, name: str, member: tarfile.TarInfo) -> None:
        if member.isreg() and not member.issparse():
            self.places[name] = (member.offset_data, member.size)
        elif member.islnk() and (first := member.linkname.removeprefix("./")) in self.places:
            self.places[name] = self.places[first]  # a second name of a file before it
        else:
            self.others.append(name)

    def refuse_large(self, name: str) -> None:
        """Raises DataError if a file has more bytes than a picture to train on."""
        size, most = self.places[name][1], zips.MAX_ENTRY_BYTES
        if size > most:
            holds = f"which holds {size >> 20} MiB; wanted at most {most >> 20} MiB"
            raise DataError(f"{self.path} has the entry {name!r}, {holds}")

    def read(self, name: str) -> bytes:
        """The bytes of a file; ImageError if they cannot be read."""
        place, size = self.places[name]
        try:
            with self.lock:
                self.file.seek(place)
                data = self.file.read(size)
        except (OSError, ValueError) as error:
            raise ImageError(f"{name} is damaged inside its tar: {reason(error)}") from error
        if len(data) != size:
            raise ImageError(f"{name} is damaged inside its tar: it is cut short")
        return data


class _Bounded:
    """A file that hands over no more at once than a picture may have: a tar's headers may ask for any length."""

    def __init__(self, file: IO[bytes]):
        self.file = file
        self.tell, self.seek = file.tell, file.seek

    def read(self, size: int = -1) -> bytes:
        """So many bytes, or fewer at the end."""
        if not 0 <= size <= zips.MAX_ENTRY_BYTES:
            raise tarfile.ReadError(f"a part of {size >> 20} MiB")
        return self.file.read(size)


def _as_plain(path: Path) -> IO[bytes]:
    """The file itself; where it is packed, a file without a name that holds what was packed.

    Raises:
        DataError: if it unpacks to far more than pictures do.
    """
    with path.open("rb") as file:
        if file.read(2) != GZIP:
            return path.open("rb")
        file.seek(0)
        paths.cache_folder().mkdir(parents=True, exist_ok=True)
        plain = tempfile.TemporaryFile(dir=paths.cache_folder())  # noqa: SIM115
        try:
            _unpack(file, plain, zips.MAX_RATIO * path.stat().st_size)
        except BaseException as error:
            plain.close()
            if isinstance(error, OverflowError):
                raise DataError(
                    f"{path} unpacks to more than {zips.MAX_RATIO} times its size; wanted pictures"
                ) from None
            raise
    plain.seek(0)
    return plain


def _unpack(packed: IO[bytes], plain: IO[bytes], most: int) -> None:
    """Raises OverflowError if there are more bytes than so many, and than matter."""
    size = 0
    with gzip.open(packed) as source:
        while data := source.read(CHUNK):
            size += len(data)
            if size > max(most, zips.RATIO_MATTERS_BYTES):
                raise OverflowError
            plain.write(data)
