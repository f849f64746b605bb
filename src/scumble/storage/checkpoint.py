"""Checkpoints: everything that a training is at one moment, in one safetensors file, written whole or not at all.

A file that was cut short is recognised when it is opened; the one before it is used instead. No pickles.
"""

import contextlib
import json
import re
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple, TypeVar

import safetensors
import torch

from scumble import paths
from scumble.errors import RunError, reason
from scumble.storage.folder import as_safetensors, damage, make, writing

KEPT = 3
OF_ANOTHER_RUN = "the checkpoint is that of another run"
NAME = re.compile(r"\d{12}\.safetensors")


class Checkpoint(NamedTuple):
    """Tensors by name, and plain facts."""

    tensors: dict[str, torch.Tensor]
    facts: dict[str, Any]


def write(folder: Path, number: int, checkpoint: Checkpoint) -> Path:
    """Write checkpoint `number`, and remove all but the last few.

    Raises:
        RunError: if it cannot be written; those that are there stay.
    """
    path = at(folder, number)
    data = as_safetensors(checkpoint.tensors, metadata(checkpoint.facts))
    make(folder)
    with writing(path):
        paths.write_atomically(path, data)
    for old in numbers_in(folder)[:-KEPT]:
        _remove(folder, old)
    return path


def at(folder: Path, number: int) -> Path:
    """The file of checkpoint `number`."""
    return folder / f"{number:012}.safetensors"


def _remove(folder: Path, number: int) -> bool:
    try:
        at(folder, number).unlink()
    except OSError:  # whoever reads it just now may go on
        return False
    return True


def metadata(facts: dict[str, Any]) -> dict[str, str]:
    """Facts as `read` finds them in a safetensors file."""
    return {"facts": json.dumps(facts)}


def read(path: Path) -> Checkpoint:
    """Read a checkpoint.

    Raises:
        RunError: if it is damaged or cannot be read.
    """
    try:
        with safetensors.safe_open(path, "pt") as file:
            facts = json.loads(file.metadata()["facts"])
            # Copied: views would hold the file open, and Windows then removes and replaces nothing.
            return Checkpoint({name: file.get_tensor(name).clone() for name in file.keys()}, facts)  # noqa: SIM118
    except OSError as error:
        raise RunError(f"the checkpoint {path} cannot be read: {reason(error)}") from error
    except (safetensors.SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise RunError(f"the checkpoint {path} cannot be read: {damage(error)}") from error


def under(name: str, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The tensors called NAME.something, by their something."""
    return {key.removeprefix(f"{name}."): value for key, value in tensors.items() if key.startswith(f"{name}.")}


def numbers_in(folder: Path) -> list[int]:
    """The numbers of the checkpoints in a folder, ascending."""
    try:
        names = [path.name for path in folder.iterdir()]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RunError(f"{folder} cannot be read: {reason(error)}") from error
    return sorted(int(name.removesuffix(".safetensors")) for name in names if NAME.fullmatch(name))


T = TypeVar("T")


def newest(folder: Path, use: Callable[[Checkpoint], T]) -> tuple[T | None, list[str]]:
    """What `use` makes of the newest checkpoint that can be read and used, and what was wrong with newer ones."""
    _, made, complaints = _newest(folder, use)
    return made, complaints


def make_room(folder: Path, use: Callable[[Checkpoint], object]) -> int:
    """Remove all checkpoints but the newest one that can be read and used; returns how many those were."""
    kept, _, _ = _newest(folder, use)
    others = [] if kept is None else [number for number in numbers_in(folder) if number != kept]
    return sum(_remove(folder, number) for number in others)


def _newest(folder: Path, use: Callable[[Checkpoint], T]) -> tuple[int | None, T | None, list[str]]:
    complaints = []
    for number in reversed(numbers_in(folder)):
        path = at(folder, number)
        try:
            return number, use(read(path)), complaints
        except RunError as error:
            complaints.append(str(error) if str(path) in str(error) else f"{path}: {error}")
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            complaints.append(f"the checkpoint {path} is not of this run: {str(error).splitlines()[0]}")
    return None, None, complaints


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold Ctrl-C and SIGTERM back until the block is left, so that what it changes is changed wholly.

    Signals reach Python's main thread only; in others there is nothing to hold back.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[tuple[int, FrameType | None]] = []
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in handlers:
        signal.signal(number, lambda *arguments: came.append(arguments))
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
    for number, frame in came[:1]:
        handler = handlers[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)
        elif handler is signal.SIG_DFL:
            signal.raise_signal(number)
