"""A data set of the Hugging Face hub, by the types of its columns; needs the package `datasets`."""

import importlib
from functools import partial
from pathlib import Path
from typing import Any

from scumble import paths
from scumble.data.sources.source import Source, digest_of, item_of_file
from scumble.errors import DataError, ImageError, reason
from scumble.image import decode


def from_hub(given: str) -> Source:
    """The data set that `hf:owner/name[:split]` names: its first column of pictures, its first one of classes.

    Raises:
        DataError: if the package `datasets`, the network, the data set or its pictures are missing.
    """
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
        item_of_file(f"{column} {i}", label, partial(_read_row, undecoded, i, column)) for i, label in enumerate(labels)
    ]
    return Source(given, items, digest_of(["hf", name, split, len(items), dataset._fingerprint]))


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
