"""How good a GAN is: its pictures against real ones, in figures that say what they were measured with.

A figure means nothing without its feature network, resize and numbers of pictures, so none is reported without them.
Only what is measured with the Inception network that defines them is called FID and KID.
"""

from collections.abc import Collection, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np

from scumble import device
from scumble.errors import DataError, SettingsError
from scumble.events import Event, Noted, Progress, Started, Warned, returned
from scumble.gan.evaluation import feature_cache, intervals
from scumble.gan.evaluation.feature_cache import FeatureSet, PictureSet
from scumble.gan.evaluation.frechet import GROUPS
from scumble.gan.evaluation.intervals import Estimate
from scumble.gan.evaluation.pictures import both_sets
from scumble.gan.models.gan import GAN, is_trained
from scumble.gan.settings import MeasureName, Split
from scumble.perceptual import embedding
from scumble.perceptual.embedding import Embedding

JOB = "compare"
DEFAULT_PICTURES = 10_000
MOST_PICTURES = 10_000_000

MEASURES: tuple[MeasureName, ...] = get_args(MeasureName)
"""All choices; by default, all that the feature network supports."""

TITLES = {
    "frechet_distance": "Fréchet distance",
    "kernel_distance": "kernel distance",
    "inception_score": "Inception Score",
    "fid": "FID",
    "kid": "KID",
}
"""How figures are printed whose name is not a word."""

BY_INCEPTION = {"frechet_distance": "fid", "kernel_distance": "kid"}
"""What these distances are called with Inception as the feature network, and only then."""


@dataclass(frozen=True)
class Figure:
    """One figure with its 95% confidence interval, from `low` to `high`.

    Attributes:
        name: such as "frechet_distance", or "fid" if it is one.
        value: of all pictures.
        margin: half the interval's width, where it reaches to nothing that is impossible.
        of_half: its mean over halves of the pictures; where it is far from `value`, the number of pictures matters.
        real: how many real pictures it was measured with; None where these are not used.
        generated: how many generated ones.
        low: where the interval begins; not below what the figure can be.
        high: where it ends; not above it.
    """

    name: str
    value: float
    margin: float
    of_half: float
    real: int | None
    generated: int
    low: float
    high: float


@dataclass(frozen=True)
class Evaluation:
    """Figures, and what they were measured with.

    Attributes:
        figures: in the order of `MEASURES`.
        network: the feature network; `layer`, where its features are from; `sha256`, the digest of its weights.
        resize: how pictures were brought to the network's size.
        data: the real pictures' name; `split`, which part of them was used.
        subject: what was evaluated: "RUN at N images" of a GAN, or the name of other pictures.
        averaged: whether a GAN's pictures are those of its averaged generator; None if it is no GAN.
    """

    figures: list[Figure]
    network: str
    layer: str
    sha256: str
    resize: str
    data: str
    split: str
    subject: str
    averaged: bool | None

    def described(self, figure: Figure) -> str:
        """Everything that a figure depends on, in one line."""
        real = f"{figure.real:,} real ({self.data}, {self.split} split), " if figure.real is not None else ""
        generator = {True: ", averaged generator", False: ", generator as trained", None: ""}[self.averaged]
        return f"{self.network} {self.layer}, {self.resize}, {real}{figure.generated:,} of {self.subject}{generator}"


@device.in_full_float32
def evaluate_events(
    subject: str | Path,
    data: str | Path,
    network: str = "pocket",
    pictures: int = DEFAULT_PICTURES,
    split: Split = "train",
    measures: Collection[MeasureName] | None = None,
    device_name: str = "auto",
    labels: str | Path | None = None,
) -> Generator[Event, None, Evaluation]:
    """Measure how much the pictures of a GAN, or others, look like real ones.

    Pictures are brought to one size, the GAN's if there is one, and else the smaller of the two; features of real ones
    are kept in the cache. The Fréchet distance uses all pictures; the other figures, most of which compare them pair by
    pair, use the first 10,000.

    Args:
        subject: a run, a model's folder, or pictures as in `data`, of which the training split is used.
        data: the real pictures; see `scumble.data.sources.opener`.
        network: one of `scumble.perceptual.embedding.EMBEDDINGS`.
        pictures: how many of each kind, or as many as there are.
        split: of `data`: "train", or "test", which no training sees.
        measures: of `MEASURES`.
        device_name: "auto", or torch's name of a device.
        labels: as with a training: labelled pictures that lie beside the others belong to them.

    Yields:
        Started and Progress of computing features, and of the job "compare"; Noted; Warned of what the figures depend
        on. It returns the figures.

    Raises:
        SettingsError: if a choice does not exist, or the network does not support it.
        DataError: if pictures cannot be read, are too few for a figure, or differ in colours.
        RunError: if the GAN cannot be read.
        WeightsError: if the network's weights cannot be found, fetched or trusted.
    """
    with device.memory_errors("use fewer --pictures or another --network"), device.memory_returned():
        return (yield from _job(str(subject), str(data), network, pictures, split, measures, device_name, labels))


def evaluate(subject: str | Path, data: str | Path, **settings: Any) -> Evaluation:
    """The same without events; see `evaluate_events`.

    Example:
        >>> scumble.evaluate("runs/digits", "digits", pictures=1000).figures[0]  # doctest: +SKIP
    """
    return returned(evaluate_events(subject, data, **settings))


def _job(
    subject: str,
    data: str,
    network: str,
    pictures: int,
    split: Split,
    measures: Collection[MeasureName] | None,
    device_name: str,
    labels: str | Path | None,
) -> Generator[Event, None, Evaluation]:
    chosen = _measures(measures, network)
    if not 1 <= pictures <= MOST_PICTURES:
        raise SettingsError(f"pictures: got {pictures}, wanted 1 to {MOST_PICTURES:,}")
    placement = device.choose(device_name, "float32")
    yield Noted(placement.reason)
    gan = GAN.from_pretrained(subject, device_name) if is_trained(Path(subject)) else None
    real, evaluated = yield from both_sets(subject, gan, data, split, labels)
    embedding.check_channels(real.name, real.shape[0])
    feature_network = yield from embedding.load(network, placement)
    counts = real.at_most(pictures), evaluated.at_most(pictures)
    check_counts(chosen, feature_network, *counts)
    estimates = yield from compare((real, evaluated), feature_network, counts, chosen)
    yield from _told_of_bias(estimates, *counts)
    if gan is not None:
        feature_cache.remove(evaluated, feature_network)
    _, height, width = real.shape
    return Evaluation(
        figures=[_figure(name, one, network, *counts) for name, one in estimates.items()],
        network=network,
        layer=feature_network.layer,
        sha256=feature_network.sha256,
        resize=feature_network.resize(width, height),
        data=real.name,
        split=split,
        subject=evaluated.name,
        averaged=None if gan is None else gan.settings.ema > 0,
    )


def _measures(wanted: Collection[MeasureName] | None, network: str) -> list[MeasureName]:
    supported: list[MeasureName] = [measure for measure in MEASURES if measure != "inception" or network == "inception"]
    if wanted is None:
        return supported
    if not wanted:
        raise SettingsError(f"measures: got none, wanted some of {', '.join(MEASURES)}")
    for measure in wanted:
        if measure not in MEASURES:
            raise SettingsError(f"measures: got {measure!r}, wanted some of {', '.join(MEASURES)}")
        if measure not in supported:
            raise SettingsError(
                f"measures: got inception with network {network}; the score needs the classes of network inception"
            )
    return [measure for measure in supported if measure in wanted]


def check_counts(measures: Collection[MeasureName], network: Embedding, real: int, generated: int) -> None:
    """Refuse figures of too few pictures before any features are computed.

    The Fréchet distance needs one more than there are features: with fewer, the covariance is singular, and the
    figure is little more than its bias.

    Raises:
        DataError: if there are too few; it says how many are needed.
    """
    for measure in measures:
        least = max(network.width + 1, GROUPS) if measure == "frechet" else 2 * intervals.MEASURES[measure].least
        kinds = {"generated": generated} if measure == "inception" else {"real": real, "generated": generated}
        for kind, count in kinds.items():
            if count < least:
                other = ", or a network with fewer features" if measure == "frechet" else ""
                raise DataError(
                    f"{measure} by {network.network} takes {least:,} pictures of each kind or more; "
                    f"got {count:,} {kind}",
                    f"use other --measures than {measure}{other}",
                )


# --- Figures --------------------------------------------------------------------------------------------------------


def compare(
    pictures: tuple[PictureSet, PictureSet],
    network: Embedding,
    counts: tuple[int, int],
    measures: Collection[MeasureName],
) -> Generator[Event, None, dict[str, Estimate]]:
    """Estimates by the name of the figure, of the first `counts` of real and of generated pictures.

    Raises:
        DataError: if features are not finite, or the cache cannot be used.
    """
    real, generated = pictures
    of_real = yield from feature_cache.features(real, network, counts[0], "frechet" in measures)
    of_generated = yield from feature_cache.features(generated, network, counts[1], "frechet" in measures)
    yield Started(JOB, len(measures), "measures")
    found: dict[str, Estimate] = {}
    for done, measure in enumerate(measures, 1):
        found |= _estimates(measure, of_real, of_generated, network)
        yield Progress(JOB, done, len(measures))
    return found


def _estimates(
    measure: MeasureName, real: FeatureSet, generated: FeatureSet, network: Embedding
) -> dict[str, Estimate]:
    random = np.random.default_rng(0)
    if measure == "frechet":
        moments = (real.groups.moments(), generated.groups.moments())
        return {"frechet_distance": intervals.estimate_frechet(*moments, generator=random)}
    if measure == "inception":
        assert network.probabilities is not None
        return intervals.estimate(measure, network.probabilities(generated.features), generator=random)
    return intervals.estimate(measure, real.features, generated.features, generator=random)


def _figure(name: str, found: Estimate, network: str, real: int, generated: int) -> Figure:
    if name != "frechet_distance":
        real, generated = min(real, feature_cache.KEPT_IN_MEMORY), min(generated, feature_cache.KEPT_IN_MEMORY)
    title = BY_INCEPTION.get(name, name) if network == "inception" else name
    return Figure(title, *found, None if name == "inception_score" else real, generated, *found.interval(name))


def _told_of_bias(estimates: dict[str, Estimate], real: int, generated: int) -> Iterator[Event]:
    """Say what unequal numbers of pictures do to the figures."""
    if real == generated or set(estimates) == {"inception_score"}:  # which looks at one kind alone
        return
    which = ""
    if distance := estimates.get("frechet_distance"):
        # About c / N: half as many pictures have once more what these have too much.
        bias = max(0.0, distance.of_half - distance.value)
        which = f"; of the Fréchet distance of {distance.value:.4g}, about {bias:.2g} are due to so few"
    yield Warned(
        f"{real:,} real and {generated:,} generated pictures{which}: compare these figures only with others of the "
        "same two numbers"
    )
