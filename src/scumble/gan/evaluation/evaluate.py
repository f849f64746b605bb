"""How good a GAN is: its pictures against real ones, in figures that say what they were measured with.

A figure means nothing without its feature network, resize and numbers of pictures, so none is reported without them.
Only what is measured with the Inception network that defines them is called FID and KID.
"""

import dataclasses
from collections.abc import Collection, Generator, Iterator
from pathlib import Path
from typing import Any, get_args

import numpy as np

from scumble import device, notebook
from scumble.errors import SettingsError
from scumble.events import Event, Noted, Progress, Started, Warned, returned
from scumble.gan.evaluation import feature_cache, intervals
from scumble.gan.evaluation.feature_cache import FeatureSet, PictureSet
from scumble.gan.evaluation.intervals import Estimate
from scumble.gan.evaluation.pictures import both_sets, check_counts, least, number_of, possible
from scumble.gan.evaluation.result import Evaluation, Figure
from scumble.gan.evaluation.verdict import verdict
from scumble.gan.models.gan import GAN
from scumble.gan.models.reading import is_trained
from scumble.gan.probe.clusters import readings
from scumble.gan.settings import MeasureName, Split
from scumble.perceptual import embedding
from scumble.perceptual.embedding import Embedding

JOB = "compare"
MOST_PICTURES = 10_000_000

MEASURES: tuple[MeasureName, ...] = get_args(MeasureName)
"""All choices; by default, all that the feature network supports."""

UNIT = "variance"
"""What distances are told in, but for Inception's: in the total variance of the real pictures' features. So they mean
the same for every network and data set: one picture again and again, the mean of all, has a Fréchet distance of 1."""


@device.in_full_float32
def evaluate_events(
    subject: str | Path | GAN,
    data: str | Path,
    network: str = "pocket",
    pictures: int | None = None,
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
        subject: a GAN, a run, a model's folder, or pictures as in `data`, of which the training split is used.
        data: the real pictures; see `scumble.data.sources.opener`.
        network: one of `scumble.perceptual.embedding.EMBEDDINGS`.
        pictures: how many of each kind, or as many as there are; by default 10,000, or half of the real ones where
            these are fewer, so that the other half can be measured in the same way.
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
        return (yield from _job(subject, str(data), network, pictures, split, measures, device_name, labels))


def evaluate(subject: str | Path | GAN, data: str | Path, **settings: Any) -> Evaluation:
    """The same without events; see `evaluate_events`.

    Example:
        >>> scumble.evaluate("runs/digits", "digits", pictures=1000).figures[0]  # doctest: +SKIP
    """
    return returned(notebook.shown(evaluate_events(subject, data, **settings)))


def _opened(subject: str | Path | GAN, device_name: str) -> tuple[GAN | None, str]:
    """The GAN, if it is one, and what it is called."""
    if isinstance(subject, GAN):
        return subject, f"a GAN of {subject.facts.data.name}"
    return GAN.from_pretrained(subject, device_name) if is_trained(Path(subject)) else None, str(subject)


def _job(
    subject: str | Path | GAN,
    data: str,
    network: str,
    pictures: int | None,
    split: Split,
    measures: Collection[MeasureName] | None,
    device_name: str,
    labels: str | Path | None,
) -> Generator[Event, None, Evaluation]:
    chosen = _measures(measures, network)
    if pictures is not None and not 1 <= pictures <= MOST_PICTURES:
        raise SettingsError(f"pictures: got {pictures}, wanted 1 to {MOST_PICTURES:,}")
    placement = device.choose(device_name, "float32")
    yield Noted(placement.reason)
    gan, name = _opened(subject, device_name)
    real, evaluated = yield from both_sets(name, gan, data, split, labels)
    embedding.check_channels(real.name, real.shape[0])
    feature_network = yield from embedding.load(network, placement)
    found = yield from evaluation_of((real, evaluated), feature_network, gan, pictures, chosen, split)
    if gan is None:
        return found
    return dataclasses.replace(found, readings=(yield from readings(gan, data, split, labels)))


def evaluation_of(
    pictures: tuple[PictureSet, PictureSet],
    network: Embedding,
    gan: GAN | None,
    wanted: int | None,
    measures: Collection[MeasureName],
    split: Split = "train",
) -> Generator[Event, None, Evaluation]:
    """Figures of real and generated pictures, those of other real pictures beside them, and the verdict.

    Args:
        pictures: real and generated ones.
        network: that looks.
        gan: that drew the latter, if one did: their features are removed.
        wanted: how many of each kind, as in `evaluate_events`.
        measures: which.
        split: of the real pictures.

    Raises:
        DataError: if there are too few for a measure, features are not finite, or the cache cannot be used.
    """
    real, generated = pictures
    number = number_of(wanted, real, max(least(measure, network) for measure in measures))
    counts = real.at_most(number), generated.at_most(number)
    check_counts(measures, network, *counts)
    estimates = yield from compare(pictures, network, counts, measures)
    yield from _told_of_bias(estimates, *counts)
    if gan is not None:
        feature_cache.remove(generated, network)
    of_others, count = yield from _of_other_real(real, network, counts[0], measures)
    figures = [Figure.of(name, one, network.network, *counts) for name, one in estimates.items()]
    others = [Figure.of(name, one, network.network, count, count) for name, one in of_others.items()]
    _, height, width = real.shape
    return Evaluation(
        figures=figures,
        others=others,
        verdict=verdict(_values(figures), _values(others)),
        network=network.network,
        layer=network.layer,
        sha256=network.sha256,
        resize=network.resize(width, height),
        data=real.name,
        split=split,
        subject=generated.name,
        averaged=None if gan is None else gan.settings.ema > 0,
    )


def _values(figures: list[Figure]) -> dict[str, float]:
    return {one.name: one.value for one in figures}


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


# --- Figures --------------------------------------------------------------------------------------------------------


def _of_other_real(
    real: PictureSet, network: Embedding, count: int, measures: Collection[MeasureName]
) -> Generator[Event, None, tuple[dict[str, Estimate], int]]:
    """The figures of real pictures that come after the first `count`, or of one half to the other where too few do."""
    assert real.count is not None
    count = min(count, real.count // 2)
    if not (measures := possible(measures, network, count)):
        return {}, count
    first = yield from feature_cache.features(real, network, count, "frechet" in measures)
    others = yield from feature_cache.features(real, network, count, "frechet" in measures, first=count)
    return (yield from _all_estimates(first, others, network, measures)), count


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
    return (yield from _all_estimates(of_real, of_generated, network, measures))


def _all_estimates(
    real: FeatureSet, generated: FeatureSet, network: Embedding, measures: Collection[MeasureName]
) -> Generator[Event, None, dict[str, Estimate]]:
    yield Started(JOB, len(measures), "measures")
    found: dict[str, Estimate] = {}
    for done, measure in enumerate(measures, 1):
        found |= estimates(measure, real, generated, network)
        yield Progress(JOB, done, len(measures))
    return found


def estimates(measure: MeasureName, real: FeatureSet, generated: FeatureSet, network: Embedding) -> dict[str, Estimate]:
    """The figures of one measure, by name, in the unit that distances are told in."""
    random = np.random.default_rng(0)
    mean, variance = (0.0, 1.0) if network.network == "inception" else _unit(real)
    if measure == "frechet":
        moments = (real.groups.moments(), generated.groups.moments())
        found = intervals.estimate_frechet(*moments, generator=random)
        return {"frechet_distance": Estimate(*(number / variance for number in found))}
    if measure == "inception":
        assert network.probabilities is not None
        return intervals.estimate(measure, network.probabilities(generated.features), generator=random)
    # The kernel averages products over features: each has a variance of 1, on average. A mean far from 0 would drown
    # their differences in its third power.
    deviation = 1.0 if network.network == "inception" else np.sqrt(variance / network.width)
    both = ((some.features - mean) / deviation for some in (real, generated))
    return intervals.estimate(measure, *both, generator=random)


def _unit(real: FeatureSet) -> tuple[np.ndarray, float]:
    """The mean (D,) and the total variance of the features; 1 where pictures are all alike but for rounding."""
    features = real.features.astype(np.float64)
    mean, variance = features.mean(0), float(features.var(0).sum())
    return mean, variance if variance > 1e-9 * float(np.square(features).mean(0).sum()) else 1.0


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
