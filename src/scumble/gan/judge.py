"""A training's judge: measures the generator's average every so many images, and keeps the best one.

Which images these are, the pictures and the figures are functions of the training's state: a run that was stopped, even
in the middle of an evaluation, has the same lines and the same best generator as one that was not.
"""

import shutil
from collections.abc import Generator
from typing import Any

from scumble import device
from scumble.data.dataset import Dataset
from scumble.errors import RunError
from scumble.events import Event, Noted
from scumble.gan import sets
from scumble.gan.evaluate import check_counts, compare
from scumble.gan.facts import read_facts
from scumble.gan.model import GAN
from scumble.gan.settings import GANSettings, MeasureName
from scumble.gan.trainer import Trainer
from scumble.perceptual import embedding
from scumble.perceptual.catalogue import EmbeddingName
from scumble.perceptual.embedding import Embedding
from scumble.storage import checkpoint
from scumble.storage.folder import writing
from scumble.storage.run import Run

NETWORK: EmbeddingName = "pocket"
MEASURES: tuple[MeasureName, ...] = ("frechet", "kernel", "neighbours")
PICTURES = 2000
"""Of each kind: enough to tell a training's progress, and looked at in some seconds."""
CRITERION = "frechet_distance"
"""The best generator has the lowest one."""


def appoint(settings: GANSettings, pictures: Dataset) -> Generator[Event, None, "Judge"]:
    """The judge of a training on these pictures.

    Raises:
        DataError: if there are too few of them for the figures.
    """
    look = yield from embedding.load(NETWORK, device.choose(settings.device, "float32"))
    judge = Judge(sets.of_store(pictures), look, settings)
    check_counts(MEASURES, look, *judge.counts)
    return judge


class Judge:
    """What an evaluation takes beside the generator.

    Args:
        real: the pictures that the training learns from.
        look: the network that looks at pictures.
        settings: of the training.
    """

    def __init__(self, real: sets.PictureSet, look: Embedding, settings: GANSettings):
        self.real, self.look, self.settings = real, look, settings
        self.counts = real.at_most(PICTURES), PICTURES

    def is_due(self, trainer: Trainer, run: Run) -> bool:
        """Whether the generator of this step shall be measured, and was not."""
        every, seen = self.settings.evaluate_every, trainer.images_seen
        passed = seen // every != (seen - trainer.images_per_step) // every
        if not seen or not (passed or seen >= self.settings.images):
            return False
        return not any(row["images"] == seen and CRITERION in row for row in run.metrics())

    def evaluate(self, gan: GAN) -> Generator[Event, None, dict[str, float]]:
        """The figures of a training's state, by name."""
        generated = sets.of_gan(gan, "generated pictures")
        estimates = yield from compare((self.real, generated), self.look, self.counts, MEASURES)
        sets.forget(generated, self.look)
        return {name: one.value for name, one in estimates.items()}

    def keep(self, gan: GAN, figures: dict[str, float], run: Run) -> Noted:
        """Keep a generator as RUN/best if it is the best one so far; tells what it found.

        Raises:
            RunError: if the folder cannot be written.
        """
        measured = {"network": NETWORK, "sha256": self.look.sha256, "pictures": list(self.counts)}
        images, value, before = gan.facts["images_seen"], figures[CRITERION], _best(run, measured)
        told = f"at {images:,} images: Frechet distance {value:.4g} ({NETWORK}, {PICTURES:,} generated pictures)"
        if before is not None and value >= before:
            return Noted(f"{told}; the best so far is {before:.4g}")
        gan.facts["evaluation"] = {"measured": measured, "figures": figures}
        with checkpoint.uninterrupted(), writing(run.best):
            # Written aside: whoever stops us finds the old one or the new one, and never half of each.
            shutil.rmtree(run.new_best, ignore_errors=True)
            gan.save_pretrained(run.new_best)
            shutil.rmtree(run.best, ignore_errors=True)
            run.new_best.rename(run.best)
        return Noted(f"{told}, the best so far")


def _best(run: Run, measured: dict[str, Any]) -> float | None:
    """The criterion of the generator in RUN/best; None if there is none, or it was measured in another way."""
    try:
        evaluation = read_facts(run.best)["evaluation"]
        return evaluation["figures"][CRITERION] if evaluation["measured"] == measured else None
    except (RunError, KeyError, TypeError):
        return None
