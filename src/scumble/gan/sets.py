"""Sets of pictures as points: real ones and generated ones, looked at by a network once, in pieces that are kept.

A piece is a file of the features of a thousand pictures, written whole or not at all, in a folder that is named by a
digest of all that the features depend on. So an evaluation that was killed goes on where it was, and the next one reads
what this one computed. No more pictures than those of a batch are ever in memory.
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
from scumble.data.dataset import Dataset
from scumble.errors import DataError, reason
from scumble.events import Event, Progress, Started
from scumble.gan.metrics import MomentsOfGroups
from scumble.gan.model import GAN
from scumble.perceptual.embedding import Embedding
from scumble.storage.folder import as_safetensors

FORMAT_VERSION = 1
"""To be raised whenever features or the order of pictures change."""

PIECE = 1000

KEPT_IN_MEMORY = 10_000
"""So many pictures' features, the first ones: figures that compare all pairs take no more, since a hundred times the
time goes into ten times the pictures."""


@dataclass(frozen=True)
class PictureSet:
    """Pictures that can be had by their numbers, again and again the same, in an order that means nothing.

    Attributes:
        name: to speak of it.
        digest: hexadecimal SHA-256 of what the pictures depend on.
        count: how many there are; None if there is no end.
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
class Points:
    """What figures are made of.

    count: of the pictures.
    groups: moments of all of them; nothing in it if they were not asked for.
    features: (n, D) float32, of the first `KEPT_IN_MEMORY`.
    """

    count: int
    groups: MomentsOfGroups
    features: np.ndarray


def of_store(pictures: Dataset) -> PictureSet:
    """Real pictures, in a random order that is always the same."""
    count = len(pictures.pixels)
    order = np.random.default_rng(0).permutation(count)

    def take(numbers: range) -> np.ndarray:
        return np.asarray(pictures.pixels[order[numbers.start : numbers.stop]])

    return PictureSet(pictures.name, pictures.digest, count, pictures.shape, take)


def of_gan(gan: GAN, name: str) -> PictureSet:
    """Pictures of the seeds 0, 1, 2, ...; where there are classes, in turn."""
    channels, height, width = gan.facts["data"]["shape"]
    digest = hashlib.sha256(json.dumps([gan.facts["settings"], gan.classes]).encode())
    digest.update(as_safetensors(gan.generator.state_dict()))

    def take(numbers: range) -> np.ndarray:
        return gan.sample_array(numbers).transpose(0, 3, 1, 2)

    return PictureSet(name, digest.hexdigest(), None, (channels, height, width), take)


def points(
    pictures: PictureSet, embedding: Embedding, count: int, with_moments: bool = True
) -> Generator[Event, None, Points]:
    """Look at the first `count` pictures, or read what was seen of them before.

    Yields:
        Started and Progress of the job "look at NAME".

    Raises:
        DataError: if the cache cannot be read or written.
    """
    folder, job = _folder(pictures, embedding), f"look at {pictures.name}"
    groups, kept = MomentsOfGroups(), []
    yield Started(job, count, "pictures")
    for start in range(0, count, PIECE):
        numbers = range(start, min(start + PIECE, count))
        path = folder / f"{numbers.start:09}-{numbers.stop:09}.npy"
        piece = _read(path, (len(numbers), embedding.width))
        if piece is None:
            piece = yield from _look(pictures, embedding, numbers, job, count)
            _write(path, piece)
        if with_moments:
            groups.add(piece)
        if start < KEPT_IN_MEMORY:
            kept.append(piece)
        yield Progress(job, numbers.stop, count)
    return Points(count, groups, np.concatenate(kept)[:KEPT_IN_MEMORY])


def forget(pictures: PictureSet, embedding: Embedding) -> None:
    """Remove what is kept of a set that will not be looked at again."""
    shutil.rmtree(_folder(pictures, embedding), ignore_errors=True)


def _folder(pictures: PictureSet, embedding: Embedding) -> Path:
    facts = [FORMAT_VERSION, pictures.digest, pictures.shape]
    facts += [embedding.network, embedding.sha256, embedding.layer, embedding.side]
    return paths.cache_folder() / "features" / hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]


def _look(
    pictures: PictureSet, embedding: Embedding, numbers: range, job: str, total: int
) -> Generator[Event, None, np.ndarray]:
    _, height, width = pictures.shape
    step, seen = embedding.batch(width, height), []
    for start in range(numbers.start, numbers.stop, step):
        yield Progress(job, start, total)
        seen.append(embedding.features(pictures.take(range(start, min(start + step, numbers.stop)))))
    return np.concatenate(seen)


def _read(path: Path, shape: tuple[int, int]) -> np.ndarray | None:
    """A piece; None if there is none, or it is damaged."""
    try:
        piece = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
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
