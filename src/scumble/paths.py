"""Where scumble keeps and looks for files, how it writes them, and whether it may use the network.

| variable           | meaning                                                                              |
|--------------------|--------------------------------------------------------------------------------------|
| SCUMBLE_HOME       | the cache's folder (default: the platform's own, such as ~/.cache/scumble)            |
| SCUMBLE_WEIGHTS    | folders to look for weights in before the cache, separated by `:` (`;` on Windows)    |
| TORCH_HOME         | PyTorch's cache (default ~/.cache/torch): many people have VGG19 there already        |
| SCUMBLE_OFFLINE    | if set and not 0, nothing is ever downloaded                                          |
"""

import contextlib
import os
from pathlib import Path

import platformdirs


def cache_folder() -> Path:
    """The folder of everything that can be fetched or made again."""
    home = os.environ.get("SCUMBLE_HOME")
    return Path(home) if home else Path(platformdirs.user_cache_dir("scumble"))


def weights_cache() -> Path:
    """The folder that downloaded weights are kept in."""
    return cache_folder() / "weights"


def weights_folders() -> list[Path]:
    """The folders that hold weights, in the order in which they are searched."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    torch_home = Path(os.environ.get("TORCH_HOME") or Path(cache) / "torch")
    return [
        *_given_weights_folders(),
        weights_cache(),
        torch_home / "hub" / "checkpoints",
    ]


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


def write_atomically(path: Path, data: bytes | memoryview) -> None:
    """Write a file so that at every moment it is either the old one or the new one.

    Raises:
        OSError: if it cannot be written; what was there stays.
    """
    partial = path.with_name(f".{os.getpid()}.part")  # short: the name itself may have the longest length allowed
    try:
        with partial.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
