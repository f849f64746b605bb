"""The job: samples and the real pictures nearest to each, as a sheet whose recipe holds the distances."""

import time
from collections.abc import Generator, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from PIL import Image

from scumble import device
from scumble.data.sources.opener import open_source
from scumble.events import Event, Finished, Noted, Saved, returned
from scumble.gan.evaluation.feature_cache import PictureSet
from scumble.gan.evaluation.nearest import Nearest, pictures_at, search
from scumble.gan.evaluation.pictures import both_sets
from scumble.gan.models.gan import GAN
from scumble.image import files, recipe
from scumble.image.tensors import grid
from scumble.perceptual import embedding

GAP = 12


@device.in_full_float32
def nearest_events(
    model: str | Path,
    data: str | Path,
    output: Path | None = None,
    seeds: Sequence[int] = range(16),
    network: str = "pocket",
    of_class: str | None = None,
    overwrite: bool = False,
    device_name: str = "auto",
) -> Generator[Event, None, Nearest]:
    """Find the real pictures that are nearest to samples, and write a sheet with a row for each sample.

    In a row: the sample, the three nearest pictures by features, the three nearest by pixels.

    Args:
        model: a run, or a model's folder.
        data: the real pictures; see `scumble.data.sources.opener`.
        output: the sheet, whose recipe holds the distances; None for none.
        seeds: of the samples.
        network: one of `scumble.perceptual.embedding.EMBEDDINGS`.
        of_class: as of `GAN.sample`.
        overwrite: whether a file may be there that scumble has not made.
        device_name: "auto", or torch's name of a device.

    Yields:
        Noted and Warned; Started and Progress of computing features and of the job "compare pixels"; Saved; Finished.

    Raises:
        DataError: if pictures cannot be read, or are neither grey nor coloured.
        ImageError: if the sheet cannot be written.
        RunError: if the GAN cannot be read.
        SettingsError: if a choice or a class does not exist, or the output's ending is unknown.
        WeightsError: if the network's weights cannot be found, fetched or trusted.
    """
    started = time.perf_counter()
    if output is not None:
        files.check_output(output, overwrite=overwrite)
    with device.memory_errors("ask for fewer seeds"), device.memory_returned():
        samples, real, found = yield from _found(str(model), str(data), seeds, network, of_class, device_name)
    yield Noted(found.conclusion())
    if output is not None:
        sheet, told = grid_of(found, samples, real), {"class": of_class} | asdict(found)
        files.save(sheet, output, recipe.versions() | told)
        yield Saved(output)
        near = sum(sample.is_near for sample in found.samples)
        figures = {"samples": len(samples), "near_copies": near, "nearest": told}
        yield Finished("nearest", [output], time.perf_counter() - started, Image.fromarray(sheet), figures)
    return found


def _found(
    model: str, data: str, seeds: Sequence[int], network: str, of_class: str | None, device_name: str
) -> Generator[Event, None, tuple[np.ndarray, PictureSet, Nearest]]:
    """Samples (N, H, W, C), the real pictures, and the nearest of these."""
    gan = GAN.from_pretrained(model, device_name)
    samples = gan.sample_array(seeds, of_class=of_class)
    real, _ = yield from both_sets(model, gan, data, "train")
    embedding.check_channels(real.name, real.shape[0])
    looking = yield from embedding.load(network, device.choose(device_name, "float32"))
    found = yield from search(samples, seeds, real, looking, gan.facts.flip, _names(data, real.count))
    return samples, real, found


def nearest(
    model: str | Path,
    data: str | Path,
    output: str | Path | None = None,
    seeds: Sequence[int] = range(16),
    network: str = "pocket",
    of_class: str | None = None,
    overwrite: bool = False,
    device: str = "auto",
) -> Nearest:
    """The same without events; see `nearest_events`.

    Example:
        >>> found = scumble.nearest("runs/digits", "digits", "nearest.png")  # doctest: +SKIP
        >>> found.samples[0].by_features.neighbours[0].distance  # doctest: +SKIP
        0.61
    """
    path = None if output is None else Path(output)
    return returned(nearest_events(model, data, path, seeds, network, of_class, overwrite, device))


def _names(data: str, count: int | None) -> list[str]:
    """Of all pictures of the data; none where some were left out, so that numbers would not lead to them."""
    items = open_source(data).items
    return [item.name for item in items] if len(items) == count else []


def grid_of(found: Nearest, samples: np.ndarray, real: PictureSet) -> np.ndarray:
    """(H, W, 3) pixels: a row for each sample, its nearest pictures by features, and those by pixels.

    Args:
        found: of these samples.
        samples: (N, H, W, C) uint8.
        real: the real pictures.
    """
    columns = [grid(samples, 1)]
    for way in ("by_features", "by_pixels"):
        near = [one.picture for sample in found.samples for one in getattr(sample, way).neighbours]
        columns.append(grid(pictures_at(real, near), len(near) // len(samples)))
    gap = np.full((len(columns[0]), GAP, 3), 255, np.uint8)
    return np.concatenate([columns[0], gap, columns[1], gap, columns[2]], axis=1)
