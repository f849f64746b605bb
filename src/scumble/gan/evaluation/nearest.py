"""The nearest real pictures of generated ones: is anything copied?

Two pictures are near by their features, if the same is in them, or by their pixels, if it is in the same place. Where
training mirrors pictures at random, mirrored ones count as they are. A distance by itself says nothing: beside each
stands the share of real pictures that have another one as near.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np

from scumble.events import Event, Progress, Started
from scumble.gan.evaluation import feature_cache
from scumble.gan.evaluation.feature_cache import PictureSet
from scumble.gan.evaluation.neighbours import NEAR
from scumble.perceptual.embedding import Embedding

JOB = "compare pixels"
LISTED = 3
PROBES = 300
"""Real pictures whose own nearest ones are looked for: with so many, the nearest 1% are three."""
CHUNK, CHUNK_BYTES = 500, 1 << 27
"""Pictures whose pixels are compared at once, at most, and the bytes of these: a few of large ones."""


@dataclass(frozen=True)
class Neighbour:
    """A real picture: its number in the data, from 0 on; its name, where it is known; and its distance."""

    picture: int
    name: str | None
    distance: float


@dataclass(frozen=True)
class Nearness:
    """The nearest real pictures of a sample, nearest first, and the share of real pictures with another one as near."""

    neighbours: list[Neighbour]
    share: float


@dataclass(frozen=True)
class Sample:
    """A seed and what is nearest to its picture, by features and by pixels (root mean square, in levels of 255)."""

    seed: int
    by_features: Nearness
    by_pixels: Nearness

    @property
    def is_near(self) -> bool:
        """Whether it is nearer to a real picture than 99 of 100 real ones are to another, in one way at least.

        Of 16 samples of a run that repeated its 60 digits, pixels named 11, and features 4 of these (docs/log.md).
        """
        return min(self.by_features.share, self.by_pixels.share) <= NEAR


@dataclass(frozen=True)
class Nearest:
    """What is nearest to each sample.

    Attributes:
        samples: in the order of their seeds.
        network: whose features.
        data: the real pictures' name.
        count: how many there are.
        usual_features: the usual (median) distance of a real picture from the nearest other one, by features.
        usual_pixels: likewise by pixels.
    """

    samples: list[Sample]
    network: str
    data: str
    count: int
    usual_features: float
    usual_pixels: float

    def conclusion(self) -> str:
        """Whether anything is copied, in a sentence."""
        near = [str(sample.seed) for sample in self.samples if sample.is_near]
        found = f"{len(near)} of {len(self.samples)} samples are" if near else f"none of {len(self.samples)} samples is"
        seeds = f" (seeds {', '.join(near)}): look at them" if near else ""
        return (
            f"{found} nearer to a real picture than 99 of 100 real ones are to another, by features or by pixels{seeds}"
        )


def search(
    samples: np.ndarray,
    seeds: Sequence[int],
    real: PictureSet,
    network: Embedding,
    mirrored: bool = False,
    names: Sequence[str] = (),
) -> Generator[Event, None, Nearest]:
    """What is nearest to samples among all real pictures.

    Args:
        samples: (N, H, W, C) uint8.
        seeds: of the samples.
        real: pictures of the same shape.
        network: that makes the features.
        mirrored: whether a picture's mirror image counts as the picture.
        names: of the real pictures by their number in the data; none where they are not known.

    Raises:
        DataError: if the cache cannot be used.
    """
    assert real.count is not None
    probes = range(min(PROBES, real.count))
    points = np.concatenate([samples.transpose(0, 3, 1, 2), real.take(probes)])  # (Q, C, H, W)
    views = [points, np.ascontiguousarray(points[..., ::-1])] if mirrored else [points]
    own = np.concatenate([np.full(len(samples), -1), probes])

    by_features = _Closest([_looked_at(network, view) for view in views], own)
    yield from feature_cache.for_each_piece(real, network, range(real.count), by_features.add)
    by_pixels = _Closest([_flat(view) for view in views], own)
    yield Started(JOB, real.count, "pictures")
    step = max(1, min(CHUNK, CHUNK_BYTES // _flat(points[:1]).nbytes))
    for start in range(0, real.count, step):
        numbers = range(start, min(start + step, real.count))
        by_pixels.add(numbers, _flat(real.take(numbers)))
        yield Progress(JOB, numbers.stop, real.count)

    features, usual_features = _nearness(by_features, len(samples), 1, real.count, names)
    pixels, usual_pixels = _nearness(by_pixels, len(samples), points[0].size, real.count, names)
    found = [Sample(*each) for each in zip(seeds, features, pixels, strict=True)]
    return Nearest(found, network.network, real.name, real.count, usual_features, usual_pixels)


def _nearness(
    closest: "_Closest", samples: int, width: int, count: int, names: Sequence[str]
) -> tuple[list[Nearness], float]:
    """That of each sample, the first points; and the usual distance of the others. Squares are divided by `width`."""
    distances = np.sqrt(closest.squared.clip(0) / width)
    of_probes = distances[samples:, 0]
    in_data: list[list[int]] = feature_cache.shuffled(count)[closest.numbers[:samples]].tolist()
    found = []
    for numbers, row in zip(in_data, distances[:samples].tolist(), strict=True):
        near = zip(numbers, row, strict=True)
        listed = [Neighbour(number, names[number] if names else None, distance) for number, distance in near]
        found.append(Nearness(listed, float((of_probes <= row[0]).mean())))
    return found, float(np.median(of_probes))


class _Closest:
    """The nearest of pictures that come piece by piece, for each of some points.

    Args:
        views: V of (Q, D): views of each of Q points, the nearest of which counts.
        own: (Q,): the picture that a point is itself, which is left out; -1 for none.

    Attributes:
        numbers: (Q, LISTED) of the pictures, nearest first.
        squared: (Q, LISTED) distances.
    """

    def __init__(self, views: Sequence[np.ndarray], own: np.ndarray):
        self.views, self.own = views, own
        self.sizes = [_squares(view) for view in views]
        self.numbers, self.squared = np.zeros((len(own), 0), np.intp), np.zeros((len(own), 0))

    def add(self, numbers: range, pictures: np.ndarray) -> None:
        """Look at more pictures, (n, D)."""
        sizes, views = _squares(pictures), zip(self.views, self.sizes, strict=True)
        squared = np.min([own[:, None] + sizes - 2 * (view @ pictures.T) for view, own in views], axis=0)
        squared[self.own[:, None] == np.array(numbers)] = np.inf
        squared = np.concatenate([self.squared, squared], axis=1)
        known = np.concatenate([self.numbers, np.broadcast_to(numbers, (len(self.own), len(numbers)))], axis=1)
        order = squared.argsort(axis=1)[:, :LISTED]
        self.numbers = np.take_along_axis(known, order, axis=1)
        self.squared = np.take_along_axis(squared, order, axis=1)


def _looked_at(network: Embedding, pictures: np.ndarray) -> np.ndarray:
    step = network.batch(pictures.shape[3], pictures.shape[2])
    parts = (pictures[start : start + step].copy() for start in range(0, len(pictures), step))
    return np.concatenate([network.features(part) for part in parts]).astype(np.float64)


def _squares(x: np.ndarray) -> np.ndarray:
    """The sum of squares of each row, with the memory of one."""
    return np.array([np.square(row).sum() for row in x])


def _flat(pictures: np.ndarray) -> np.ndarray:
    """(N, D) float32 around 0, where sums of squares keep most digits."""
    return pictures.reshape(len(pictures), -1).astype(np.float32) - np.float32(127.5)


def pictures_at(real: PictureSet, positions: Sequence[int]) -> np.ndarray:
    """(N, H, W, C) pictures by their numbers in the data."""
    assert real.count is not None
    numbers = feature_cache.shuffled(real.count).argsort()[list(positions)].tolist()
    return np.concatenate([real.take(range(number, number + 1)) for number in numbers]).transpose(0, 2, 3, 1)
