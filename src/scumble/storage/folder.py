"""What the folders of runs and of models share: settings.json, its version and kind; errors that name the file."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch

from scumble import paths
from scumble.errors import RunError, reason

FORMAT_VERSION, READABLE = 2, (1, 2)
"""What is written, and what can still be read: an art upgrades what it finds in a folder of an older format."""
FACTS = "settings.json"
MAX_FACTS = 1 << 24
"""Characters: as many as the names of a million classes take."""
WEIGHTS = "model.safetensors"
"""Of a finished model; a run has none beside its settings."""


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the file system refuses into a RunError about `path`."""
    try:
        yield
    except OSError as error:
        raise RunError(f"{path} cannot be written: {reason(error)}") from error


def make(folder: Path) -> None:
    """Make a folder and those above it, unless they are there.

    Raises:
        RunError: if that cannot be done.
    """
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)


def write_facts(folder: Path, kind: str, facts: dict[str, Any]) -> None:
    """Write settings.json.

    Args:
        folder: that the facts are of.
        kind: of the folder, such as "gan": only who asks for this kind will read it.
        facts: plain data.

    Raises:
        RunError: if it cannot be written; what was there stays.
    """
    first = {"format_version": FORMAT_VERSION, "kind": kind}  # facts that were read hold them too: the same bytes again
    data = (json.dumps(first | facts | first, indent=2) + "\n").encode()
    with writing(folder / FACTS):
        if not _holds(folder / FACTS, data):  # a run that goes on as it was needs no room on the disk for this
            paths.write_atomically(folder / FACTS, data)


def _holds(path: Path, data: bytes) -> bool:
    try:
        return path.read_bytes() == data
    except OSError:
        return False


def read_facts(folder: Path, kind: str) -> dict[str, Any]:
    """Read settings.json. What else is in there, whoever asks for this kind has to check.

    Raises:
        RunError: if it cannot be read, is not ours, or is of another version or kind.
    """
    try:
        with (folder / FACTS).open(encoding="utf-8") as file:
            text = file.read(MAX_FACTS + 1)
        if len(text) > MAX_FACTS:
            raise ValueError(f"it is longer than {MAX_FACTS:,} characters")
        facts = json.loads(text)
        version, held = facts["format_version"], facts.get("kind", kind)  # folders of before there were kinds have none
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise RunError(f"{folder / FACTS} is not scumble's or cannot be read: {reason(error)}") from error
    if version not in READABLE:
        known = " and ".join(map(str, READABLE))
        raise RunError(f"{folder} is of format {version!r}; this version of scumble reads formats {known}")
    if held != kind:
        raise RunError(f"{folder} holds no {kind}: its settings.json is of the kind {held!r}")
    return facts


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a safetensors file, by name.

    Raises:
        RunError: if it cannot be read, is damaged, or holds what is no finite number; in one line.
    """
    try:
        tensors = safetensors.torch.load_file(path)
    except (safetensors.SafetensorError, OSError) as error:
        raise RunError(f"{path} cannot be read: {damage(error)}") from error
    check_finite(str(path), tensors)
    return tensors


def damage(error: Exception) -> str:
    """Why a safetensors file cannot be read, in plain words: the format's own are about headers and offsets."""
    return reason(error) if isinstance(error, OSError) else "it is damaged, or was cut short"


def check_finite(name: str, tensors: dict[str, torch.Tensor]) -> None:
    """Refuse weights that nothing can be drawn or told with.

    Raises:
        RunError: if a number is infinite or none.
    """
    for key, tensor in tensors.items():
        if not tensor.isfinite().all():
            raise RunError(f"{name} holds weights that are no finite numbers ({key}): nothing can be made with them")


def as_safetensors(tensors: dict[str, torch.Tensor], metadata: dict[str, str] | None = None) -> bytes:
    """A safetensors file's bytes, from tensors on any device and in any layout."""
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    return safetensors.torch.save(plain, metadata)
