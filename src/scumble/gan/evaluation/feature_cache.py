"""Features of picture sets, real or generated: computed once, kept in the cache.

A cached piece holds the features of a thousand pictures. It is written whole or not at all, in a folder named by a
digest of all that the features depend on. So a killed evaluation goes on where it was, and the next one reads what this
one computed. Only one batch of pictures is in memory at a time.
"""

import hashlib
import io
import json
import shutil
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from scumble import paths
from scumble.data import npy
from scumble.data.dataset import Dataset
from scumble.errors import DataError, reason
from scumble.events import Event, Progress, Started
from scumble.gan.evaluation.frechet import MomentsOfGroups
from scumble.gan.models.gan import GAN
from scumble.perceptual.embedding import Embedding
from scumble.storage.folder import as_safetensors

FORMAT_VERSION = 1
"""To be raised whenever features or the order of pictures change."""

PIECE = 1000

KEPT_IN_MEMORY = 10_000
"""The features of the first so many pictures: figures that compare all pairs take no more, since ten times the pictures
take a hundred times the time."""


@dataclass(frozen=True)
class PictureSet:
    """Pictures by number, always the same, in an order without meaning.

    Attributes:
        name: for messages.
        digest: hexadecimal SHA-256 of what the pictures depend on.
        count: how many there are; None if unlimited.
        shape: (channels, height, width) of one.
        take: numbers -> (n, C, H, W) uint8.
    """

    name: str
    digest: str
    count: int | None
    shape: tuple[int, int, int]
    take: Callable[[range], np.ndarray]

    def at_most(self, wanted: int) -> int:
        """As many pictures as are wanted, or all there are."""
        return wanted if self.count is None else min(wanted, self.count)


@dataclass(frozen=True)
class FeatureSet:
    """What figures are computed from.

    count: of the pictures.
    groups: moments of all of them; empty if not wanted.
    features: (n, D) float32, of the first `KEPT_IN_MEMORY`.
    """

    count: int
    groups: MomentsOfGroups
    features: np.ndarray


def of_store(pictures: Dataset) -> PictureSet:
    """Real pictures, in the order of `shuffled`."""
    order = shuffled(len(pictures.pixels))

    def take(numbers: range) -> np.ndarray:
        return np.asarray(pictures.pixels[order[numbers.start : numbers.stop]])

    return PictureSet(pictures.name, pictures.digest, len(order), pictures.shape, take)


def shuffled(count: int) -> np.ndarray:
    """(count,): which picture of a data set has number 0, 1, 2, ...; random, and always the same."""
    return np.random.default_rng(0).permutation(count)


def of_gan(gan: GAN, name: str) -> PictureSet:
    """Pictures of the seeds 0, 1, 2, ...; classes take turns."""
    channels, height, width = gan.facts.data.shape
    digest = hashlib.sha256(json.dumps([gan.facts.settings, gan.classes]).encode())
    digest.update(as_safetensors(gan.generator.state_dict()))

    def take(numbers: range) -> np.ndarray:
        return gan.sample_array(numbers).transpose(0, 3, 1, 2)

    return PictureSet(name, digest.hexdigest(), None, (channels, height, width), take)


def features(
    pictures: PictureSet, embedding: Embedding, count: int, with_moments: bool = True, first: int = 0
) -> Generator[Event, None, FeatureSet]:
    """Compute the features of `count` pictures from number `first` on, or read them from the cache.

    Yields:
        Started and Progress of the job "features of NAME".

    Raises:
        DataError: if the cache cannot be read or written.
    """
    groups, kept = MomentsOfGroups(), []

    def add(numbers: range, piece: np.ndarray) -> None:
        if with_moments:
            groups.add(piece)
        if numbers.start - first < KEPT_IN_MEMORY:
            kept.append(piece)

    yield from for_each_piece(pictures, embedding, range(first, first + count), add)
    return FeatureSet(count, groups, np.concatenate(kept)[:KEPT_IN_MEMORY])


def for_each_piece(
    pictures: PictureSet, embedding: Embedding, wanted: range, look: Callable[[range, np.ndarray], None]
) -> Generator[Event, None, None]:
    """Call `look` with numbers of pictures and their (n, D) features, piece after piece; see `features`."""
    folder, job = _folder(pictures, embedding), f"features of {pictures.name}"
    yield Started(job, len(wanted), "pictures")
    for start in range(wanted.start, wanted.stop, PIECE):
        numbers = range(start, min(start + PIECE, wanted.stop))
        path = folder / f"{numbers.start:09}-{numbers.stop:09}.npy"
        piece = _read(path, (len(numbers), embedding.width))
        if piece is None:
            piece = yield from _compute(pictures, embedding, numbers, job, wanted)
            _write(path, piece)
        look(numbers, piece)
        yield Progress(job, numbers.stop - wanted.start, len(wanted))


def remove(pictures: PictureSet, embedding: Embedding) -> None:
    """Remove the cached features of a set that will not be needed again."""
    shutil.rmtree(_folder(pictures, embedding), ignore_errors=True)


def _folder(pictures: PictureSet, embedding: Embedding) -> Path:
    facts = [FORMAT_VERSION, pictures.digest, pictures.shape]
    facts += [embedding.network, embedding.sha256, embedding.layer, embedding.side]
    return paths.cache_folder() / "features" / hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]


def _compute(
    pictures: PictureSet, embedding: Embedding, numbers: range, job: str, wanted: range
) -> Generator[Event, None, np.ndarray]:
    _, height, width = pictures.shape
    step, found = embedding.batch(width, height), []
    for start in range(numbers.start, numbers.stop, step):
        yield Progress(job, start - wanted.start, len(wanted))
        found.append(embedding.features(pictures.take(range(start, min(start + step, numbers.stop)))))
    return np.concatenate(found)


def _read(path: Path, shape: tuple[int, int]) -> np.ndarray | None:
    """A piece; None if there is none, or it is damaged."""
    try:
        piece = np.array(npy.mapped(path))
    except (OSError, ValueError):
        return None
    return piece if piece.shape == shape and piece.dtype == np.float32 else None


def _write(path: Path, piece: np.ndarray) -> None:
    encoded = io.BytesIO()
    np.save(encoded, piece, allow_pickle=False)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        paths.write_atomically(path, encoded.getbuffer())
    except OSError as error:
        raise DataError(f"features cannot be kept in {path.parent}: {reason(error)}") from error
