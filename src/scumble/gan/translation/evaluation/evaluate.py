"""How good a translator is: figures of its results on withheld pictures, with intervals, beside those of baselines."""

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from scumble import device, notebook
from scumble.errors import DataError, SettingsError
from scumble.events import Event, Noted, Progress, Started, Warned, returned
from scumble.gan.translation.data import Pictures, open_translation
from scumble.gan.translation.evaluation import baselines, measure
from scumble.gan.translation.evaluation.figures import HIGHER_IS_BETTER, Figure, figure, is_ahead
from scumble.gan.translation.evaluation.measure import Eyes, Ground
from scumble.gan.translation.evaluation.probe import multi_hot
from scumble.gan.translation.forms import Data
from scumble.gan.translation.kind import Kind
from scumble.gan.translation.models.translator import Translator

JOB = "measure results"
OF_BASELINES = {"source only": "source_only"}
"""What a translator holds to be compared with."""


@dataclass(frozen=True)
class TranslationEvaluation:
    """Figures, and what they were measured with.

    Attributes:
        figures: of the translator, by name.
        baselines: likewise of what takes no network, by its name; "real pictures" are what they are.
        ahead: by baseline and figure, whether the translator is better; None where that may be chance, or is a figure
            of a whole set.
        criterion: the figure that decides.
        data: the name of the pictures; `pictures`, how many of them were withheld and looked at.
        subject: what was measured.
        size: of the pictures, such as "128x128".
    """

    figures: dict[str, Figure]
    baselines: dict[str, dict[str, Figure]]
    ahead: dict[str, dict[str, bool | None]]
    criterion: str
    data: str
    pictures: int
    subject: str
    size: str

    @property
    def lower_is_better(self) -> bool:
        """Of the criterion."""
        return self.criterion not in HIGHER_IS_BETTER

    def conditions(self) -> str:
        """Everything that the figures depend on, in one line."""
        seen = f"{self.subject} on {self.pictures:,} withheld pictures of {self.data}, {self.size}"
        return f"{seen}; features and the probe: {measure.NETWORK}; intervals of 95%, over the pictures"


class Values(NamedTuple):
    """Of one translator or baseline: figures of each picture, (N,) by name, and those of the set."""

    each: dict[str, np.ndarray]
    of_set: dict[str, Figure]

    def figures(self) -> dict[str, Figure]:
        """All of them, with their intervals."""
        return {name: figure(name, values) for name, values in self.each.items()} | self.of_set


@device.in_full_float32
def evaluate_events(
    subject: str | Path | Translator,
    data: Data,
    labels: str | Path | None = None,
    device_name: str = "auto",
    pictures: int | None = None,
) -> Generator[Event, None, TranslationEvaluation]:
    """Measure how good a translator is on pictures that it has never learnt from.

    Args:
        subject: a translator, its folder, or a run.
        data: what it was trained on, or others in the same form; their withheld part is looked at.
        labels: as with the training.
        device_name: "auto", or torch's name of a device.
        pictures: how many, at most; by default `measure.MOST_PICTURES`.

    Yields:
        Noted and Warned of what the figures depend on; Started and Progress. It returns the figures.

    Raises:
        SettingsError: if `pictures` is out of range.
        RunError: if the translator cannot be read.
        DataError: if the pictures cannot be read, or nothing can be measured of them.
        WeightsError: if the network's weights cannot be had.
    """
    most = measure.MOST_PICTURES if pictures is None else pictures
    if most < 1:
        raise SettingsError(f"pictures: got {pictures}, wanted 1 or more")
    placement = device.choose(device_name, "float32")
    yield Noted(placement.reason)
    name = f"a translator of {subject.facts.data.name}" if isinstance(subject, Translator) else str(subject)
    translator = subject if isinstance(subject, Translator) else Translator.from_pretrained(subject, device_name)
    with device.memory_errors("use fewer --pictures"), device.memory_returned():
        found = yield from open_translation(data, translator.settings, translator.kind, labels)
        _check(translator, found)
        if found.digest != translator.facts.data.digest:
            yield Warned(f"{found.name} is not what was trained on, or has changed since")
        eyes = yield from measure.eyes_for(found, placement)
        subject_name = f"{name} at {translator.facts.images_seen or 0:,} images"
        return (yield from evaluation_of(translator, found, eyes, subject_name, most))


def evaluate(subject: str | Path | Translator, data: Data, labels: str | Path | None = None) -> TranslationEvaluation:
    """The same without events; see `evaluate_events`.

    Example:
        >>> evaluate("runs/colours", "photos").figures["l1"]  # doctest: +SKIP
    """
    return returned(notebook.shown(evaluate_events(subject, data, labels)))


def evaluation_of(
    translator: Translator, pictures: Pictures, eyes: Eyes | None, subject: str, most: int = measure.MOST_PICTURES
) -> Generator[Event, None, TranslationEvaluation]:
    """Figures of a translator and of all baselines."""
    known = measure.ground(pictures, eyes, most)
    yield Started(JOB, 3, "parts")
    made = measure.results(translator, known)
    own = values_of(translator, made, known, eyes)
    yield Progress(JOB, 1, 3)
    learnt = baselines.fit(pictures)
    yield Progress(JOB, 2, 3)
    others = {name: Values(measure.of_each(some, known, eyes), measure.of_set(some, known, eyes))
              for name, some in learnt.results(known.batch["a"]).items()}  # fmt: skip
    others |= _further(translator, known, eyes)
    yield Progress(JOB, 3, 3)
    figures = own.figures()
    return TranslationEvaluation(
        figures=figures,
        baselines={name: values.figures() for name, values in others.items()},
        ahead={name: _ahead(own.each, values.each) for name, values in others.items()},
        criterion="accuracy" if "accuracy" in figures else criterion(translator.kind, list(figures)),
        data=pictures.name,
        pictures=len(made),
        subject=subject,
        size="{1}x{0}".format(*made.shape[2:]),
    )


def values_of(translator: Translator, made: torch.Tensor, known: Ground, eyes: Eyes | None) -> Values:
    """What is measured of a translator's results."""
    each = measure.of_each(made, known, eyes) | measure.accuracy(translator, known, "classifier")
    return Values(each | measure.diversity(translator, made, known, eyes), measure.of_set(made, known, eyes))


def criterion(kind: Kind, names: list[str]) -> str:
    """The figure by which the best model is known: one that its training may know of.

    Pairs: what looks alike. Pictures that are no pairs: their look as a set, even where the truth is known to us.
    """
    first = {"pairs": ["perceptual"], "domains": ["kernel_distance", "perceptual"], "classes": ["right_target"]}
    wanted = [*first[kind.learns_from], "l1_in_holes", "l1", "kept"]
    return next(name for name in wanted if name in names)


def _further(translator: Translator, known: Ground, eyes: Eyes | None) -> dict[str, Values]:
    """What else a translator's figures stand beside."""
    found = {name: measure.accuracy(translator, known, network) for name, network in OF_BASELINES.items()}
    if known.probe is not None and known.targets is not None and eyes is not None:
        labels = multi_hot(known.batch["labels"], known.targets.shape[1])
        found["real pictures"] = {"right_target": known.probe.is_right(eyes.numbers(known.batch["a"]), labels)}
    return {name: Values(values, {}) for name, values in found.items() if values}


def _ahead(own: dict[str, np.ndarray], others: dict[str, np.ndarray]) -> dict[str, bool | None]:
    return {name: is_ahead(name, values, others[name]) for name, values in own.items()
            if name in others and len(values) == len(others[name])}  # fmt: skip


def _check(translator: Translator, pictures: Pictures) -> None:
    """Refuse pictures of other channels or classes."""
    found, wanted = pictures.shapes, translator.facts.shapes
    if (found.a[0], found.b[0]) != (wanted.a[0], wanted.b[0]):
        got = f"{found.a[0]} channels to {found.b[0]}"
        raise DataError(f"{pictures.name} goes from {got}; wanted {wanted.a[0]} to {wanted.b[0]}")
    if translator.classes and pictures.classes != translator.facts.data.classes:
        raise DataError(f"{pictures.name} has the classes {', '.join(pictures.classes)}; wanted those of the training")
