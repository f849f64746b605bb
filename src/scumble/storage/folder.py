"""What the folders of runs and of models share: settings.json with its version, and errors that name the file."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import safetensors.torch
import torch

from scumble import paths
from scumble.errors import RunError, reason

FORMAT_VERSION = 1
FACTS = "settings.json"
WEIGHTS = "model.safetensors"
"""Of a finished model; a run has none beside its settings."""


KINDS = {
    "settings": dict,
    "settings.images": int,
    "flip": bool,
    "versions": dict,
    "threads": int,
    "data.name": str,
    "data.count": int,
    "data.shape": list,
    "data.classes": list,
    "data.digest": str,
}
"""What every settings.json holds, by the type of the value."""


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


def write_facts(folder: Path, facts: dict[str, Any]) -> None:
    """Write settings.json.

    Raises:
        RunError: if it cannot be written; what was there stays.
    """
    text = json.dumps({"format_version": FORMAT_VERSION} | facts, indent=2) + "\n"
    with writing(folder / FACTS):
        paths.write_atomically(folder / FACTS, text.encode())


def read_facts(folder: Path) -> dict[str, Any]:
    """Read settings.json.

    Raises:
        RunError: if it cannot be read, is not ours, or is of another version.
    """
    try:
        facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        version = facts["format_version"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise RunError(f"{folder / FACTS} is not scumble's or cannot be read: {reason(error)}") from error
    if version != FORMAT_VERSION:
        raise RunError(f"{folder} is of format {version!r}; this version of scumble reads format {FORMAT_VERSION}")
    for name, kind in KINDS.items():
        value = facts
        for part in name.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        if not isinstance(value, kind):
            raise RunError(f"{folder / FACTS}: {name} is {value!r}; wanted what scumble wrote there ({kind.__name__})")
    return facts


def as_safetensors(tensors: dict[str, torch.Tensor], metadata: dict[str, str] | None = None) -> bytes:
    """A safetensors file's bytes, from tensors on any device and in any layout."""
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    return safetensors.torch.save(plain, metadata)
