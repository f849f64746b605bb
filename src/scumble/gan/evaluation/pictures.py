"""The two sets of pictures that an evaluation compares, brought to one size, and how many of each it takes."""

from collections.abc import Collection, Generator
from pathlib import Path

from scumble.data import dataset
from scumble.data.form import Form
from scumble.data.sources.opener import open_source, open_testing_part
from scumble.errors import DataError
from scumble.events import Event, Warned
from scumble.gan.evaluation import feature_cache, intervals
from scumble.gan.evaluation.feature_cache import PictureSet
from scumble.gan.evaluation.frechet import GROUPS
from scumble.gan.models.gan import GAN
from scumble.gan.settings import MeasureName, Split
from scumble.perceptual.embedding import Embedding

DEFAULT_PICTURES = 10_000


def both_sets(
    subject: str, gan: GAN | None, data: str, split: Split, labels: str | Path | None = None
) -> Generator[Event, None, tuple[PictureSet, PictureSet]]:
    """Real pictures, and those that are evaluated: a GAN's, or the training split of others.

    Raises:
        DataError: if they cannot be read, or have other channels.
    """
    form = Form()
    if gan is None:
        try:
            evaluated = yield from _pictures(subject, "train", form)
        except DataError as error:
            raise DataError(f"{subject} is no run and no model's folder; as pictures: {error}") from error
        real = yield from _pictures(data, split, form, labels)
    else:
        evaluated = feature_cache.of_gan(gan, f"{subject} at {gan.facts.images_seen or 0:,} images")
        form = gan.facts.form
        real = yield from _pictures(data, split, form, labels)
    if evaluated.shape == real.shape:
        return real, evaluated
    one, other = (_described(pictures.shape) for pictures in (evaluated, real))
    found = f"{evaluated.name} has pictures of {one}, and {real.name} of {other}"
    if evaluated.shape[0] != real.shape[0]:
        raise DataError(f"{found}; wanted the same of both")
    # Enlarged ones would lack what the others have of detail, and be found worse for it.
    height, width = (min(sides) for sides in zip(evaluated.shape[1:], real.shape[1:], strict=True))
    if gan is not None:
        height, width = evaluated.shape[1:]
    yield Warned(f"{found}: they are compared at {width}x{height}, and the figures are of that size alone")
    size = (width, height)
    if real.shape[1:] != (height, width):
        real = yield from _pictures(data, split, form._replace(size=size, channels=real.shape[0]), labels)
    if evaluated.shape[1:] != (height, width):
        evaluated = yield from _pictures(subject, "train", form._replace(size=size, channels=evaluated.shape[0]))
    return real, evaluated


def _pictures(
    given: str, split: Split, form: Form, labels: str | Path | None = None
) -> Generator[Event, None, PictureSet]:
    return feature_cache.of_store((yield from opened(given, split, form, labels)))


def opened(
    given: str, split: Split, form: Form, labels: str | Path | None = None
) -> Generator[Event, None, dataset.Dataset]:
    """The real pictures of a part of the data.

    Raises:
        DataError: if they cannot be read, or there are none for testing.
    """
    if split == "test":
        source = open_testing_part(given)
        if source is None:
            wanted = "wanted a folder or an archive with a part `test`, or a .npz with x_test"
            raise DataError(f"{given} has no pictures for testing; {wanted}", "give them as DATA with --split train")
    else:
        source = open_source(given, labels)
    return (yield from dataset.prepare(source, *form))


def _described(shape: tuple[int, int, int]) -> str:
    channels, height, width = shape
    kind = {1: "grey", 3: "colour"}.get(channels, f"with {channels} channels")
    return f"{width}x{height} {kind}"


# --- How many ------------------------------------------------------------------------------------------------------


def number_of(pictures: int | None, real: PictureSet, wanted: int) -> int:
    """How many pictures of each kind, where none was asked for: so many that as many real ones are left."""
    assert real.count is not None
    half = real.count // 2
    return pictures or min(DEFAULT_PICTURES, half if half >= wanted else real.count)


def least(measure: MeasureName, network: Embedding) -> int:
    """How many pictures of each kind a measure takes.

    The Fréchet distance needs one more than there are features: with fewer, the covariance is singular, and the
    figure is little more than its bias.
    """
    return max(network.width + 1, GROUPS) if measure == "frechet" else 2 * intervals.MEASURES[measure].least


def possible(measures: Collection[MeasureName], network: Embedding, count: int) -> list[MeasureName]:
    """Those for which `count` pictures of each kind are enough."""
    return [measure for measure in measures if count >= least(measure, network)]


def check_counts(measures: Collection[MeasureName], network: Embedding, real: int, generated: int) -> None:
    """Refuse figures of too few pictures before any features are computed.

    Raises:
        DataError: if there are too few; it says how many are needed.
    """
    for measure in measures:
        wanted = least(measure, network)
        kinds = {"generated": generated} if measure == "inception" else {"real": real, "generated": generated}
        for kind, count in kinds.items():
            if count < wanted:
                other = ", or a network with fewer features" if measure == "frechet" else ""
                raise DataError(
                    f"{measure} by {network.network} takes {wanted:,} pictures of each kind or more; "
                    f"got {count:,} {kind}",
                    f"use other --measures than {measure}{other}",
                )
