"""The features of a data set's pictures, for a classifier: in memory, or on the disk.

There, they are an .npy file, which is mapped, not read, and a .json beside it that identifies the discriminator and the
pictures.
"""

import hashlib
import json
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.optim.swa_utils import update_bn

from scumble import device, paths
from scumble.data import batches, dataset, npy
from scumble.data.dataset import Dataset
from scumble.data.sources.opener import open_source
from scumble.errors import DataError, RunError, SettingsError, reason
from scumble.events import Event, Noted, Progress, Saved, Started
from scumble.gan.models.gan import GAN
from scumble.gan.networks.build import build
from scumble.gan.networks.conditioning import unconditional
from scumble.gan.networks.discriminator import Discriminator
from scumble.gan.networks.features import BATCH, features, rows
from scumble.gan.settings import FeatureSettings, GANSettings
from scumble.image import files
from scumble.image.tensors import to_signed
from scumble.storage.folder import as_safetensors, make, writing

JOB = "features"
FORMAT_VERSION = 1
MARK = '"discriminator": '
"""What the .json of ours holds."""
LARGE_BYTES = 1 << 28
"""Larger features go to the disk."""
STATISTICS_PICTURES = 5000
"""Means and standard deviations are those of so many pictures; more would change them by some hundredths."""


def with_statistics_of(discriminator: Discriminator, pixels: np.ndarray, seed: int = 0) -> Discriminator:
    """The discriminator in evaluation mode; batch norms get the statistics of (N, C, H, W) uint8 pictures.

    In GAN training, batches of real and of generated pictures alternate, and the running averages fit neither.
    """
    if discriminator.couples_pictures:
        count, placement = min(len(pixels), STATISTICS_PICTURES), next(discriminator.parameters()).device
        steps = max(1, count // BATCH)
        chosen = (batches.indices(len(pixels), min(BATCH, len(pixels)), step, seed) for step in range(steps))
        with torch.no_grad():
            update_bn((to_signed(pixels[some], placement) for some in chosen), discriminator)
    return discriminator.eval()


def width(discriminator: Discriminator, shape: tuple[int, int, int], settings: FeatureSettings) -> int:
    """D: how many features a picture of (C, H, W) has."""
    blank = torch.zeros(1, *shape, device=next(discriminator.parameters()).device)
    return features(discriminator, blank, settings).shape[1]


def extract(
    discriminator: Discriminator, pixels: np.ndarray, settings: FeatureSettings, path: Path | None = None
) -> Generator[Event, None, np.ndarray]:
    """(N, D) float16 features, in memory or, if large, on the disk.

    Args:
        discriminator: in evaluation mode.
        pixels: (N, C, H, W) uint8 pictures.
        settings: which activations, and how they are pooled.
        path: of an .npy file to write them to; None for a temporary file that lives as long as the array.

    Yields:
        Started and Progress of the job "features", in pictures.
    """
    shape = (len(pixels), width(discriminator, pixels.shape[1:], settings))
    found = _allocated(shape, path)
    yield Started(JOB, len(pixels), "pictures")
    done = 0
    for some in rows(discriminator, pixels, settings):
        found[done : done + len(some)] = some
        done += len(some)
        yield Progress(JOB, done, len(pixels))
    if isinstance(found, np.memmap):
        found.flush()
    return found


def _allocated(shape: tuple[int, int], path: Path | None) -> np.ndarray:
    if path is not None:
        with writing(path):
            return np.lib.format.open_memmap(path, "w+", np.float16, shape)
    if 2 * shape[0] * shape[1] <= LARGE_BYTES:
        return np.empty(shape, np.float16)
    folder = paths.cache_folder()
    make(folder)
    with writing(folder), tempfile.TemporaryFile(dir=folder) as file:
        return np.memmap(file, np.float16, "w+", shape=shape)


# --- Discriminators and pictures --------------------------------------------------------------------------------------


def open_pictures(gan: GAN, data: str, labels: str | Path | None = None) -> Generator[Event, None, Dataset]:
    """The pictures of `data`, prepared as for the GAN's training, with a class each at most.

    Raises:
        DataError: if they are of another size or of other channels than the discriminator takes.
    """
    pictures = yield from dataset.prepare(open_source(data, labels, several=False), *gan.facts.form)
    wanted = gan.facts.data.shape
    if pictures.shape != wanted:
        raise DataError(
            f"{pictures.name} holds {_described(pictures.shape)}; the discriminator takes {_described(wanted)}"
        )
    return pictures


def _described(shape: tuple[int, ...]) -> str:
    channels, height, width = shape
    kind = {1: "grey", 3: "colour"}.get(channels, f"{channels}-channel")
    return f"{kind} pictures of {width}x{height}"


def unlabelled_discriminator(gan: GAN) -> Discriminator:
    """The discriminator without what it has for classes; raises SettingsError if it needs the class of each picture."""
    return unconditional(gan.discriminator)


def fresh_discriminator(settings: GANSettings, shape: tuple[int, int, int]) -> Discriminator:
    """The same discriminator as it was before its training; see `scumble.gan.networks.build`."""
    values: dict[str, Any] = settings.model_dump() | {"condition": "none"}
    return unconditional(build(GANSettings(**values), shape)[1])


def digest_of(network: nn.Module) -> str:
    """Hexadecimal SHA-256 of a network's weights."""
    return hashlib.sha256(as_safetensors(dict(network.state_dict()))).hexdigest()


# --- Features on the disk ---------------------------------------------------------------------------------------------


@device.in_full_float32
def write_events(
    run: str | Path,
    data: str | Path,
    output: Path,
    settings: FeatureSettings | None = None,
    overwrite: bool = False,
    labels: str | Path | None = None,
) -> Generator[Event, None, None]:
    """Write the features of all pictures of a data set to OUTPUT.npy and OUTPUT.json.

    Yields:
        Noted; Started and Progress, in pictures; Saved of both files.

    Raises:
        ImageError: without `overwrite`, if one of the files is there that scumble has not made.
        RunError: if there is no trained GAN in `run`, or a file cannot be written.
        DataError: if the pictures cannot be read, or do not fit the discriminator.
        SettingsError: if the output's name does not end in .npy, or the device is not there.
    """
    settings = settings or FeatureSettings()
    if output.suffix != ".npy":
        raise SettingsError(f"output {output} ends in {output.suffix or 'nothing'!r}; wanted .npy")
    if not overwrite:
        files.check_free(_beside(output), MARK)
        if not _beside(output).exists():  # whose the features are is known by what lies beside them
            files.check_free(output, MARK)
    with device.memory_errors("use a smaller --side or fewer --layers"):
        gan = GAN.from_pretrained(run, settings.device)
        discriminator = unlabelled_discriminator(gan)
        pictures = yield from open_pictures(gan, str(data), labels)
        facts = _facts(discriminator, pictures, settings)
        discriminator = with_statistics_of(discriminator, pictures.pixels)
        make(output.parent)
        with writing(output), paths.partial(output) as (partial, _):
            found = yield from extract(discriminator, pictures.pixels, settings, partial)
            yield Noted(f"{len(found):,} pictures, {found.shape[1]:,} features each")
            del found
            _beside(output).unlink(missing_ok=True)  # it belongs to older features
        with writing(_beside(output)):
            paths.write_atomically(_beside(output), json.dumps(facts).encode())
        yield Saved(output)
        yield Saved(_beside(output))


def open_features(path: Path, discriminator: Discriminator, pictures: Dataset, settings: FeatureSettings) -> np.ndarray:
    """The (N, D) float16 features that `write_events` wrote, if they are of this discriminator and these pictures.

    Args:
        path: the .npy file.
        discriminator: as it was trained, before its statistics are recomputed.
        pictures: that the features must be of.
        settings: that they must be made with.

    Raises:
        RunError: if they are not, or the files cannot be read.
    """
    try:
        facts = json.loads(_beside(path).read_bytes())
        found = npy.mapped(path)
        version, held = facts["format_version"], FeatureSettings(**facts["settings"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError, SettingsError) as error:
        raise RunError(f"{path} and {_beside(path)} cannot be read as features: {reason(error)}") from error
    wanted = _facts(discriminator, pictures, settings)
    if version != FORMAT_VERSION or found.ndim != 2 or len(found) != len(pictures.pixels):
        raise RunError(f"{path} holds {found.shape} features of format {version!r}; wanted {len(pictures.pixels)} rows")
    if facts.get("discriminator") != wanted["discriminator"]:
        raise RunError(f"{path} holds features of another run, or of another state of it", "write them again")
    if facts.get("data") != wanted["data"]:
        raise RunError(f"{path} holds features of other pictures ({facts.get('name')}); wanted {pictures.name}")
    if _which(held) != _which(settings):
        raise RunError(f"{path} holds features made with {_which(held)}; got {_which(settings)}")
    return found


def _beside(path: Path) -> Path:
    return path.with_suffix(".json")


def _which(settings: FeatureSettings) -> dict[str, Any]:
    """What the features depend on."""
    return {name: getattr(settings, name) for name in ("pool", "side", "layers")}


def _facts(discriminator: Discriminator, pictures: Dataset, settings: FeatureSettings) -> dict[str, Any]:
    return {
        "format_version": FORMAT_VERSION,
        "discriminator": digest_of(discriminator),
        "name": pictures.name,
        "data": pictures.digest,
        "settings": _which(settings),
        "classes": list(pictures.classes),
        "labels": None if pictures.labels is None else pictures.labels.tolist(),
    }
