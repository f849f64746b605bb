"""What a GAN has found without labels: its categories as classes of pictures, and how they agree with real classes.

Likewise of domains that code made of pictures: how well the pair of a latent goes together.
"""

from collections.abc import Generator, Iterable
from pathlib import Path

import numpy as np

from scumble import device
from scumble.data.labels import UNLABELLED
from scumble.data.pixels import opened_pixels
from scumble.data.sources.domains import DOMAINS, ORIGINAL
from scumble.data.sources.source import Opened
from scumble.errors import SettingsError
from scumble.events import Event, Noted
from scumble.gan.evaluation.pictures import opened as opened_pictures
from scumble.gan.evaluation.result import Reading
from scumble.gan.models import codes
from scumble.gan.models.gan import GAN
from scumble.gan.probe.clustering import FIGURES, by_chance, counted, interval
from scumble.gan.settings import Split
from scumble.image.files import PictureSource

PAIRS, CHUNK = 1000, 100
"""Of latents that are drawn in both domains, and of them at a time."""


class Clusters:
    """The categories of a GAN with codes as classes of pictures, with the outward face of a `Classifier`.

    Args:
        gan: trained with the task codes or clusters.

    Raises:
        SettingsError: if it has no codes.
    """

    def __init__(self, gan: GAN):
        if not gan.settings.has_codes:
            raise SettingsError(f"{gan!r} has no codes to label by; wanted one of --preset infogan or clustergan")
        self.gan = gan

    @property
    def classes(self) -> tuple[str, ...]:
        """The categories' numbers."""
        return tuple(map(str, range(self.gan.settings.categories)))

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of the pictures that it takes; others are cut around their middle and resampled."""
        channels, height, width = self.gan.facts.data.shape
        return channels, height, width

    def predict(self, pictures: Iterable[PictureSource]) -> list[str]:
        """The likeliest category of each picture."""
        return [self.classes[number] for number in self.probabilities(pictures).argmax(1)]

    def probabilities(self, pictures: Iterable[PictureSource]) -> np.ndarray:
        """(N, K): the probability of each category, for each picture; see `GAN.read_codes`."""
        return self.gan.read_codes(pictures)[:, : self.gan.settings.categories]

    def probabilities_of_pixels(self, pixels: np.ndarray) -> np.ndarray:
        """(N, K), of (N, C, H, W) uint8 pixels of its own `shape`, N at least 1."""
        return codes.read(self.gan.discriminator, pixels, self.gan.settings)[:, : self.gan.settings.categories]

    def pixels_of(self, opened: Opened, name: str) -> np.ndarray:
        """(C, H, W) uint8 pixels of its own `shape`, of an opened picture called `name`, made as for its training."""
        return opened_pixels(opened, name, self.gan.facts.form_of_data).transpose(2, 0, 1)


def readings(
    gan: GAN, data: str, split: Split, labels: str | Path | None
) -> Generator[Event, None, tuple[Reading, ...]]:
    """How the categories that it reads from real pictures agree with their classes; or how well its pairs agree."""
    if (name := _made_by_code(gan)) is not None:
        return (pair_agreement(gan, name),)
    if not gan.settings.has_codes:
        return ()
    pictures = yield from opened_pictures(data, split, gan.facts.form, labels)  # as they were already compared
    if pictures.shape != gan.facts.data.shape:
        pictures = yield from opened_pictures(data, split, gan.facts.form_of_data, labels)
    if pictures.labels is None or pictures.labels.ndim == 2:
        yield Noted("what its categories are worth is measured by the classes of pictures: these have none")
        return ()
    known = np.flatnonzero(pictures.labels != UNLABELLED)
    found = Clusters(gan).probabilities_of_pixels(pictures.pixels[known]).argmax(1)
    table = counted(found, pictures.labels[known], (gan.settings.categories, len(pictures.classes)))
    return tuple(
        Reading(name, figure(table), *interval(figure, table), by_chance(figure, table), len(known))
        for name, figure in FIGURES.items()
    )


def _made_by_code(gan: GAN) -> str | None:
    """The domain that code made of half of the pictures, if its classes are that and the other half."""
    (name,) = set(gan.classes) - {ORIGINAL} if len(gan.classes) == 2 and ORIGINAL in gan.classes else {None}
    return name if name in DOMAINS else None


@device.full_float32()
def pair_agreement(gan: GAN, name: str) -> Reading:
    """How near, on average, a pixel of one domain is to what the code makes of the same latent's picture in the other.

    1 is equal, 0 as far as black from white. By chance: with the picture of another latent (Liu and Tuzel 2016, section
    4, count equal pixels of black and white pictures).
    """
    function, own, others = DOMAINS[name], [], []
    for start in range(0, PAIRS, CHUNK):
        seeds = range(start, start + CHUNK)
        wanted = function(gan.sample_array(seeds, of_class=ORIGINAL)).astype(np.float32)
        drawn = gan.sample_array(seeds, of_class=name).astype(np.float32)
        own.append(_agreement(wanted, drawn))
        others.append(_agreement(wanted, np.roll(drawn, 1, axis=0)))
    each = np.concatenate(own)
    margin = 1.96 * float(each.std()) / len(each) ** 0.5
    value = float(each.mean())
    return Reading("pair_agreement", value, value - margin, min(1.0, value + margin), float(np.mean(others)), PAIRS)


def _agreement(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(N,), of (N, H, W, C) in 0 to 255."""
    return 1 - np.abs(one - other).mean((1, 2, 3)) / 255
