"""The best model of a translator's training: measured on withheld pictures every so many images, and the best is kept.

When, and on which pictures, is a function of the training's state, as with GANs: a run that was stopped has the same
lines and the same best model as one that was not.
"""

from collections.abc import Generator
from typing import Any

from scumble import device
from scumble.errors import DataError, RunError
from scumble.events import Event, Noted
from scumble.gan.facts import Evaluated
from scumble.gan.translation.data import Pictures
from scumble.gan.translation.evaluation import measure
from scumble.gan.translation.evaluation.evaluate import criterion, values_of
from scumble.gan.translation.evaluation.figures import HIGHER_IS_BETTER, TITLES
from scumble.gan.translation.evaluation.measure import Eyes
from scumble.gan.translation.facts import TranslationFacts
from scumble.gan.translation.models.translator import Translator
from scumble.gan.translation.settings import TranslationSettings
from scumble.storage.run import Run

PICTURES = 100
"""Withheld ones at most: a measure of a training's progress takes seconds."""

LOGGED = "withheld_"
"""Before the names of figures in a run's log, where losses have their own."""


def evaluator(settings: TranslationSettings, pictures: Pictures) -> Generator[Event, None, "Evaluator"]:
    """The evaluator of a training on these pictures.

    Raises:
        DataError: if nothing can be measured of them.
        WeightsError: if the weights of the network that looks cannot be had.
    """
    eyes = yield from measure.eyes_for(pictures, device.choose(settings.device, "float32"))
    if eyes is None and not pictures.has_truth:
        got = f"pictures of {pictures.shapes.b[0]} channels, or so small"
        wanted = "wanted grey or colours of 16 pixels and more, or no --evaluate-every"
        raise DataError(f"{pictures.name}: without truth, nothing measures {got}; {wanted}")
    return Evaluator(settings, pictures, eyes)


class Evaluator:
    """Measures the states of one training, and keeps the best.

    Args:
        settings: of the training.
        pictures: of the training.
        eyes: what looks at results; None where nothing can.
    """

    def __init__(self, settings: TranslationSettings, pictures: Pictures, eyes: Eyes | None):
        self.settings, self.eyes = settings, eyes
        self.known = measure.ground(pictures, eyes, PICTURES)

    def is_due(self, images_seen: int, images_per_step: int, run: Run) -> bool:
        """Whether the translator is to be measured after the step that ended at `images_seen`, and was not yet."""
        every = self.settings.evaluate_every
        passed = images_seen // every != (images_seen - images_per_step) // every
        if not images_seen or not (passed or images_seen >= self.settings.images):
            return False
        names = {f"{LOGGED}{name}" for name in TITLES}
        return not any(row["images"] == images_seen and row.keys() & names for row in run.metrics())

    def evaluate(self, translator: Translator) -> Generator[Event, None, dict[str, float]]:
        """The figures of a training's state, by name."""
        yield from ()
        made = measure.results(translator, self.known)
        figures = values_of(translator, made, self.known, self.eyes).figures()
        return {f"{LOGGED}{name}": one.value for name, one in figures.items()}

    def keep(self, translator: Translator, figures: dict[str, float], run: Run) -> Noted:
        """Keep a model as RUN/best if it is the best one so far; reports its figure.

        Raises:
            RunError: if the folder cannot be written.
        """
        figures = {name.removeprefix(LOGGED): value for name, value in figures.items()}
        name = criterion(translator.kind, list(figures))
        sha256 = "" if self.eyes is None else self.eyes.embedding.sha256
        measured = {"criterion": name, "network": measure.NETWORK, "sha256": sha256}
        measured |= {"pictures": len(self.known.batch["a"])}
        images, value, before = translator.facts.images_seen or 0, figures[name], _best(run, measured)
        message = f"at {images:,} images: {TITLES[name]} {value:.4g} ({len(self.known.batch['a'])} withheld pictures)"
        if before is not None and (value <= before if name in HIGHER_IS_BETTER else value >= before):
            return Noted(f"{message}; the best so far is {before:.4g}")
        evaluation = Evaluated(measured=measured, figures=figures)
        translator.facts = translator.facts.model_copy(update={"evaluation": evaluation})
        run.keep_best(translator.save_pretrained)
        return Noted(f"{message}, the best so far")


def _best(run: Run, measured: dict[str, Any]) -> float | None:
    """The criterion of the model in RUN/best; None if there is none, or it was measured in another way."""
    try:
        evaluation = TranslationFacts.read_from(run.best).evaluation
    except RunError:
        return None
    if evaluation is None or evaluation.measured != measured:
        return None
    return evaluation.figures.get(measured["criterion"])
