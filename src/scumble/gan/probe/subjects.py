"""What a probe fits linear classifiers to: features of a discriminator, trained or as it was before, or the pixels."""

from collections.abc import Callable, Generator
from typing import NamedTuple

import numpy as np

from scumble.events import Event
from scumble.gan.models.gan import GAN
from scumble.gan.networks.build import to_device
from scumble.gan.networks.discriminator import Discriminator
from scumble.gan.probe import features, linear
from scumble.gan.probe.data import ProbeData
from scumble.gan.probe.linear import Scaling
from scumble.gan.probe.trials import Trial
from scumble.gan.settings import ClassifySettings

ROWS = 1024


class Probed(NamedTuple):
    """A trained GAN, its discriminator without classes, and (N, D) features of it if they were given."""

    gan: GAN
    discriminator: Discriminator
    features: np.ndarray | None


class Features(NamedTuple):
    """Features of pictures to learn from, (n, D), at ascending `positions` among all, and to test with, (M, D).

    `discriminator` is the network that they are of; none where they are pixels.
    """

    discriminator: Discriminator | None
    learning: np.ndarray
    positions: np.ndarray
    testing: np.ndarray
    scaling: Scaling


def features_of(
    subject: str, probed: Probed, data: ProbeData, settings: ClassifySettings
) -> Generator[Event, None, Features]:
    """Those of one of the subjects that a linear classifier is fitted to.

    Yields:
        Started and Progress of the job "features", in pictures.
    """
    if subject == "pixels":
        everything = np.arange(len(data.pixels))
        learning, testing = (pixels.reshape(len(pixels), -1) for pixels in (data.pixels, data.test_pixels))
        return Features(None, learning, everything, testing, Scaling.of(learning))
    trained = subject == "discriminator"
    discriminator = probed.discriminator if trained else _untrained(probed.gan)
    discriminator = features.with_statistics_of(discriminator, data.pixels)
    if trained and probed.features is not None:
        positions, learning = np.arange(len(probed.features)), probed.features
    else:
        positions = needed(data, settings)
        learning = yield from features.extract(discriminator, data.pixels[positions], settings)
    testing = yield from features.extract(discriminator, data.test_pixels, settings)
    return Features(discriminator, learning, positions, testing, Scaling.of(learning))


def needed(data: ProbeData, settings: ClassifySettings) -> np.ndarray:
    """Positions of all pictures whose labels are ever drawn, and of enough others to scale features by."""
    most = data.numbers_of_labels(settings.numbers_of_labels)[-1]  # smaller draws are subsets
    if data.folds or most is None:
        drawn = [data.learning]
    else:
        drawn = [data.draw(most, settings.seed, draw) for draw in range(settings.draws)]
    count = len(data.pixels)
    others = np.random.default_rng(settings.seed).permutation(count)[: features.STATISTICS_PICTURES]
    return np.unique(np.concatenate([*drawn, others]))


def _untrained(gan: GAN) -> Discriminator:
    """The discriminator as it was before its training."""
    discriminator = features.fresh_discriminator(gan.settings, gan.facts.data.shape)
    to_device(discriminator.eval().requires_grad_(False), next(gan.discriminator.parameters()).device)
    return discriminator


def predictions(of_subject: Features, data: ProbeData, settings: ClassifySettings) -> Callable[[Trial], np.ndarray]:
    """A function that fits a linear classifier to the labels of a trial, and predicts (M,) test classes."""

    def predict(trial: Trial) -> np.ndarray:
        chosen = data.draw(trial.per_class, settings.seed, trial.draw)
        return scores(fit(of_subject, data, settings, chosen, trial.draw), of_subject).argmax(1)

    return predict


def fit(
    of_subject: Features, data: ProbeData, settings: ClassifySettings, chosen: np.ndarray, draw: int
) -> linear.Linear:
    """A classifier of the pictures at the (n,) `chosen` positions."""
    rows = of_subject.learning[np.searchsorted(of_subject.positions, chosen)]
    return linear.fit(of_subject.scaling(rows), data.labels[chosen], settings.classifier, settings.seed + draw)


def scores(fitted: linear.Linear, of_subject: Features) -> np.ndarray:
    """(M, K) of the test pictures."""
    starts = range(0, len(of_subject.testing), ROWS)
    return np.concatenate([fitted.scores(of_subject.scaling(of_subject.testing[s : s + ROWS])) for s in starts])
