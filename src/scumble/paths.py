"""Where scumble keeps and looks for files, how it writes them, and whether it may use the network.

| variable           | meaning                                                                              |
|--------------------|--------------------------------------------------------------------------------------|
| SCUMBLE_HOME       | the cache's folder (default: the platform's own, such as ~/.cache/scumble)            |
| SCUMBLE_WEIGHTS    | folders to look for weights in before the cache, separated by `:` (`;` on Windows)    |
| TORCH_HOME         | PyTorch's cache (default ~/.cache/torch): many people have VGG19 there already        |
| SCUMBLE_OFFLINE    | if set and not 0, nothing is ever downloaded                                          |
"""

import contextlib
import hashlib
import math
import os
import re
import secrets
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import platformdirs

try:
    import fcntl
except ImportError:  # on Windows
    fcntl = None

MAX_NAME_BYTES = 255
"""What nearly every file system holds."""

LEFT_SECONDS = 10.0
"""A file that was to get its name, and has not been written to for so long, may be what a killed writer has left."""
_PARTIAL = re.compile(r"\.scumble-[0-9a-f]{16}\.part")
_looked_into: dict[Path, float] = {}  # when, by folder


def cache_folder() -> Path:
    """The folder of everything that can be fetched or made again."""
    if home := os.environ.get("SCUMBLE_HOME"):
        return Path(home)
    # Without a home folder, as for many a user of containers, platformdirs raises; older ones left ~ as it is.
    with contextlib.suppress(RuntimeError):
        folder = Path(platformdirs.user_cache_dir("scumble"))
        if folder.is_absolute():
            return folder
    try:
        return Path(tempfile.gettempdir()) / "scumble"
    except FileNotFoundError:  # there is no folder for them either: nothing will be found, and writing will tell
        return Path(os.sep) / "scumble"


def weights_cache() -> Path:
    """The folder that downloaded weights are kept in."""
    return cache_folder() / "weights"


def weights_folders() -> list[Path]:
    """The folders that hold weights, in the order in which they are searched."""
    return [*_given_weights_folders(), weights_cache(), *(home / "hub" / "checkpoints" for home in _torch_homes())]


def _torch_homes() -> list[Path]:
    """PyTorch's cache; none where nobody named one, and the user has no home folder."""
    if named := os.environ.get("TORCH_HOME"):
        return [Path(named)]
    if caches := os.environ.get("XDG_CACHE_HOME"):
        return [Path(caches) / "torch"]
    with contextlib.suppress(RuntimeError):
        return [Path.home() / ".cache" / "torch"]
    return []


def missing_weights_folders() -> list[Path]:
    """Those that SCUMBLE_WEIGHTS names and that are not there."""
    return [folder for folder in _given_weights_folders() if not folder.is_dir()]


def _given_weights_folders() -> list[Path]:
    return [Path(folder) for folder in os.environ.get("SCUMBLE_WEIGHTS", "").split(os.pathsep) if folder]


def offline() -> bool:
    """Whether downloads are switched off."""
    return os.environ.get("SCUMBLE_OFFLINE", "0") not in ("", "0")


def restore_folder(path: Path) -> None:
    """Make the folder of a file again that was there when the work on it began: hours shall not be lost with it."""
    with contextlib.suppress(OSError):  # writing will tell
        path.parent.mkdir(parents=True, exist_ok=True)


def fitting(stem: str, end: str) -> str:
    """A file's name of these two parts; where no file system would hold it, a digest stands for the stem's own end.

    Example:
        >>> fitting("painted", ".png")
        'painted.png'
        >>> len(fitting("long" * 100, ".png"))
        255
    """
    whole = os.fsencode(stem)
    room = MAX_NAME_BYTES - len(os.fsencode(end))
    if len(whole) <= room:
        return stem + end
    digest = f"~{hashlib.sha256(whole).hexdigest()[:8]}"
    return whole[: room - len(digest)].decode(errors="ignore") + digest + end  # a letter that was cut is left out


def write_atomically(path: Path, data: bytes | memoryview) -> None:
    """Write a file so that at every moment it is either the old one or the new one.

    A symbolic link stays, and the file that it leads to is written; the mode of a file that was there is kept.

    Raises:
        OSError: if it cannot be written; what was there stays.
    """
    with partial(path) as (_, file):
        file.write(data)


@contextlib.contextmanager
def partial(path: Path) -> Iterator[tuple[Path, IO[bytes]]]:
    """A hidden file beside `path`, and its name, to be written; when the block is left, it takes the place of `path`.

    If the block raises, it is removed. A writer that is killed can do neither: whoever writes into the same folder
    next removes what it has left.

    Raises:
        OSError: if it cannot be written; what was at `path` stays.
    """
    path = Path(os.path.realpath(path))
    mode = None
    with contextlib.suppress(FileNotFoundError):
        mode = path.stat().st_mode & 0o7777  # links that lead to each other end here
    _remove_left(path.parent)
    # A name of its own, for threads, and for other machines' processes of the same number; and a short one: the file's
    # name itself may have the longest length allowed.
    hidden = path.with_name(f".scumble-{secrets.token_hex(8)}.part")
    try:
        with hidden.open("xb") as file:
            with contextlib.suppress(OSError):  # a file system without locks
                _lock(file)
            if mode is not None:
                with contextlib.suppress(OSError):  # a file system without modes
                    hidden.chmod(mode)
            yield hidden, file
            file.flush()
            os.fsync(file.fileno())
            os.utime(hidden)  # once it is closed, only its age keeps it
        hidden.replace(path)
    finally:
        with contextlib.suppress(OSError):
            hidden.unlink(missing_ok=True)


def _remove_left(folder: Path) -> None:
    """Remove what writers that were killed have left in a folder.

    A living one's is locked until just before it gets its name, and then was touched a moment ago. Where there are no
    locks, nothing is removed. Listing a large folder takes long: a process looks once in a while.
    """
    if time.monotonic() - _looked_into.get(folder, -math.inf) < LEFT_SECONDS:
        return
    _looked_into[folder] = time.monotonic()
    with contextlib.suppress(OSError):
        for path in folder.glob(".scumble-*.part"):
            with contextlib.suppress(OSError):
                status = path.lstat()
                is_left = stat.S_ISREG(status.st_mode) and time.time() - status.st_mtime > LEFT_SECONDS
                if is_left and _PARTIAL.fullmatch(path.name):
                    with path.open("r+b") as file:
                        _lock(file)
                    path.unlink()


def _lock(file: IO[bytes]) -> None:
    """Keep a file until it is closed, or the process ends.

    Raises:
        OSError: if somebody else has it. On Windows nobody can remove what somebody has opened: that is lock enough.
    """
    if fcntl is not None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
