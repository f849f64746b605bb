"""What a run's report says, before it is a page or a picture.

A run may be unfinished, may never have been measured, and its pictures may be gone: what cannot be told is left out,
and the report says why. Words from data sets, such as names of classes, come from strangers: whoever writes them onto a
page escapes them.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from scumble import device
from scumble.data import dataset
from scumble.data.dataset import Dataset
from scumble.data.sources.opener import BUILT_IN, open_source
from scumble.errors import ScumbleError
from scumble.events import Event, Warned
from scumble.gan.evaluation import feature_cache, nearest
from scumble.gan.evaluation.best_model import MEASURES, NETWORK, PICTURES
from scumble.gan.evaluation.evaluate import evaluation_of
from scumble.gan.evaluation.nearest import Nearest
from scumble.gan.evaluation.pictures import possible
from scumble.gan.evaluation.result import Evaluation, comparable
from scumble.gan.evaluation.verdict import Verdict, verdict
from scumble.gan.facts import GANFacts
from scumble.gan.models.gan import GAN
from scumble.gan.presets import PRESETS
from scumble.gan.sample_sheets import open_run
from scumble.perceptual import embedding
from scumble.storage.run import Run

SAMPLES, COMPARED = 64, 8
"""How many seeds are shown, and of how many of them the nearest real pictures are."""
MOST_NAMES, MOST_CHARACTERS = 24, 60
"""Of classes, and of each name."""


@dataclass(frozen=True)
class Neighbours:
    """The first samples, and the real pictures nearest to each by features and by pixels: (N, H, W, C) each."""

    found: Nearest
    by_features: np.ndarray
    by_pixels: np.ndarray


@dataclass(frozen=True)
class Contents:
    """All that a report tells.

    Attributes:
        facts: of the run.
        name: of its folder.
        images_seen: by the state that is shown; None where there is none.
        rows: the lines of its log.
        samples: (N, H, W, C) uint8, of the seeds from 0 on; None where there is no state.
        evaluation: measured for this report; None where it could not be.
        logged: the last figures that were measured in training, where there are some.
        neighbours: None where there are no pictures to look among.
        missing: why parts are left out, a sentence each.
    """

    facts: GANFacts
    name: str
    images_seen: int | None
    rows: list[dict[str, Any]]
    samples: np.ndarray | None
    evaluation: Evaluation | None
    logged: dict[str, Any] | None
    neighbours: Neighbours | None
    missing: list[str]

    @property
    def verdict(self) -> Verdict | None:
        """What the figures say, those of the training where there are no newer ones."""
        if self.evaluation is not None:
            return self.evaluation.verdict
        return None if self.logged is None else verdict(self.logged)

    @property
    def state(self) -> str:
        """How far the training is, in words."""
        total, seen = self.facts.settings.get("images"), self.images_seen
        if seen is None:
            return "never trained, as far as can be seen"
        if isinstance(total, int) and seen < total:
            return f"unfinished: {seen:,} of {total:,} images"
        return f"finished: {seen:,} images"


def gather(run: Path, data: str | None, device_name: str) -> Generator[Event, None, Contents]:
    """Look at a run, measure its newest state, and find what is nearest to its samples.

    Args:
        run: its folder.
        data: the pictures that it was trained on; None for those that are still in the cache.
        device_name: "auto", or torch's name of a device.

    Raises:
        RunError: if there is no such run.
        DataError: if `data` is given and cannot be read.
        SettingsError: if the device is not there.
    """
    folder = open_run(run)
    facts, rows, missing = GANFacts.read_from(run), folder.metrics(), []
    placement = device.choose(device_name, "float32")
    gan, samples, evaluation, neighbours = None, None, None, None
    try:
        gan = GAN.from_pretrained(run, device_name)
        samples = gan.sample_array(range(SAMPLES))
    except ScumbleError as error:
        missing.append(f"Samples: {error}.")
    pictures = yield from _pictures(facts, data, missing)
    if gan is not None and samples is not None and pictures is not None:
        try:
            embedding.check_channels(pictures.name, pictures.shape[0])
            network = yield from embedding.load(NETWORK, placement)
            real = feature_cache.of_store(pictures)
            neighbours = yield from _neighbours(samples, real, network, facts.flip)
            evaluation = yield from _evaluated(gan, run.absolute().name, real, network)
        except ScumbleError as error:
            missing.append(f"Figures: {error}.")
    return Contents(
        facts=facts,
        name=run.absolute().name,
        images_seen=None if gan is None else gan.facts.images_seen,
        rows=rows,
        samples=samples,
        evaluation=evaluation,
        logged=_logged(folder),
        neighbours=neighbours,
        missing=missing,
    )


def _pictures(facts: GANFacts, data: str | None, missing: list[str]) -> Generator[Event, None, Dataset | None]:
    """The pictures that were trained on: those given, or those that the cache holds, or that we bring along."""
    if data is None:
        if (found := dataset.kept(facts.data.digest, facts.data.name)) is not None:
            return found
        if facts.data.name not in BUILT_IN:
            missing.append(
                "Figures and nearest pictures: the pictures that it was trained on are no longer prepared on this "
                "machine; given as DATA, they are looked at again."
            )
            return None
        data = facts.data.name
    found = yield from dataset.prepare(open_source(data), *facts.form)
    if found.digest != facts.data.digest:
        told = f"{found.name} is not what it was trained on, or has other labels"
        yield Warned(told)
        missing.append(f"Compared with other pictures: {told}.")
    return found


def _neighbours(
    samples: np.ndarray, real: feature_cache.PictureSet, network: embedding.Embedding, mirrored: bool
) -> Generator[Event, None, Neighbours]:
    found = yield from nearest.search(samples[:COMPARED], range(COMPARED), real, network, mirrored)

    def first(way: str) -> np.ndarray:
        return nearest.pictures_at(real, [getattr(sample, way).neighbours[0].picture for sample in found.samples])

    return Neighbours(found, first("by_features"), first("by_pixels"))


def _evaluated(
    gan: GAN, name: str, real: feature_cache.PictureSet, network: embedding.Embedding
) -> Generator[Event, None, Evaluation]:
    """As in the training, and with the figures for which there are enough pictures."""
    assert real.count is not None
    generated = feature_cache.of_gan(gan, f"{name} at {gan.facts.images_seen or 0:,} images")
    number = PICTURES if real.count >= 2 * PICTURES else None
    measures = possible(MEASURES, network, real.count) or MEASURES  # which says how many are wanted
    return (yield from evaluation_of((real, generated), network, gan, number, measures))


def _logged(run: Run) -> dict[str, Any] | None:
    """The last figures that the training was measured by."""
    rows = [row for row in run.metrics() if "recall" in row]
    return comparable(rows[-1]) if rows else None


# --- Facts, as rows ---------------------------------------------------------------------------------------------------


def facts_of_data(facts: GANFacts) -> list[tuple[str, str]]:
    """What it was trained on: names and values, as they are."""
    data = facts.data
    rows = [("pictures", f"{_short(data.name)}: {data.count:,} {data.kind}")]
    if data.classes:
        names = ", ".join(map(_short, data.classes[:MOST_NAMES]))
        more = len(data.classes) - MOST_NAMES
        rows.append(("classes", f"{len(data.classes)}: {names}" + (f" and {more} more" if more > 0 else "")))
    if data.value_range is not None:
        rows.append(("black and white", "{:g} and {:g}".format(*data.value_range)))
    rows.append(("mirrored at random", "yes" if facts.flip else "no"))
    if facts.start is not None:
        rows.append(("began with", _short(Path(facts.start.name).name)))
    return [*rows, ("digest", data.digest[:16])]


def facts_of_training(facts: GANFacts) -> list[tuple[str, str]]:
    """How it was trained."""
    values = facts.settings
    preset = PRESETS.get(str(values.get("preset")))
    method = str(values.get("preset")) + (f" ({preset.paper}, {preset.year})" if preset is not None else "")
    rows = [("method", method)]
    for name in ("network", "loss", "condition", "images", "batch", "lr", "width", "augment", "seed"):
        value = values.get(name)
        if value is not None and value is not False and value != "none":  # a seed of 0 is one
            rows.append((name, f"{value:,}" if isinstance(value, int) and value is not True else _short(str(value))))
    for change in facts.changes:
        told = ", ".join(f"{_short(name)} {values[1]}" for name, values in change.settings.items())
        rows.append((f"from {change.images:,} images on", _short(told)))
    versions = [f"{name} {facts.versions[name]}" for name in ("scumble", "torch") if name in facts.versions]
    return [*rows, ("made by", ", ".join(versions))] if versions else rows


def warnings_of(rows: Sequence[dict[str, Any]]) -> list[str]:
    """What the monitor warned of in training, each once, with when it did first."""
    found: dict[str, int] = {}
    for row in rows:
        warned = row.get("warnings")
        for text in warned if isinstance(warned, list) else ():
            found.setdefault(str(text).partition("; what usually helps")[0], row["images"])
    return [f"at {images:,} images: {_short(text, 300)}" for text, images in found.items()]


def _short(text: str, most: int = MOST_CHARACTERS) -> str:
    """A text from a stranger: what cannot be printed is a question mark, and its end is cut off where it is long."""
    plain = "".join(character if character.isprintable() else "?" for character in text)
    return plain if len(plain) <= most else plain[: most - 3] + "..."
