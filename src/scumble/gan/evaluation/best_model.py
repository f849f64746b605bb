"""The best model of a training: the generator's average is evaluated every so many images, and the best one is kept.

Of BEGAN, which has a figure of its own for how far it has come, the best has the lowest of that.

At which images, and with which pictures and figures, is a function of the training's state: a run that was stopped,
even in the middle of an evaluation, has the same lines and the same best generator as one that was not.
"""

from collections.abc import Generator
from typing import Any

import torch

from scumble import device
from scumble.data.dataset import Dataset
from scumble.errors import RunError
from scumble.events import Event, Noted
from scumble.gan.evaluation import feature_cache
from scumble.gan.evaluation.evaluate import UNIT, compare
from scumble.gan.evaluation.pictures import check_counts
from scumble.gan.evaluation.result import TITLES
from scumble.gan.facts import Evaluated, GANFacts
from scumble.gan.losses.energy import convergence
from scumble.gan.models.gan import GAN
from scumble.gan.settings import GANSettings, MeasureName
from scumble.image.tensors import to_signed
from scumble.perceptual import embedding
from scumble.perceptual.catalogue import EmbeddingName
from scumble.perceptual.embedding import Embedding
from scumble.storage.run import Run

NETWORK: EmbeddingName = "pocket"
MEASURES: tuple[MeasureName, ...] = ("frechet", "kernel", "neighbours")
PICTURES = 2000
"""Of each kind: enough to follow a training's progress, and evaluated in a few seconds."""
CRITERION = "frechet_distance"
"""The best generator has the lowest one."""
CONVERGENCE = "convergence"
"""M of Berthelot et al. 2017: the criterion where the task is to reach an equilibrium."""
CHUNK = 64


def evaluator(settings: GANSettings, pictures: Dataset) -> Generator[Event, None, "Evaluator"]:
    """The evaluator of a training on these pictures.

    Raises:
        DataError: if there are too few of them for the figures, or they are neither grey nor coloured.
    """
    embedding.check_channels(pictures.name, pictures.shape[0])
    feature_network = yield from embedding.load(NETWORK, device.choose(settings.device, "float32"))
    made = Evaluator(feature_cache.of_store(pictures), feature_network, settings)
    check_counts(MEASURES, feature_network, *made.counts)
    return made


class Evaluator:
    """Evaluates the states of one training, and keeps the best.

    Args:
        real: the pictures that the training learns from.
        feature_network: what figures are measured with.
        settings: of the training.
    """

    def __init__(self, real: feature_cache.PictureSet, feature_network: Embedding, settings: GANSettings):
        self.real, self.feature_network, self.settings = real, feature_network, settings
        self.counts = real.at_most(PICTURES), PICTURES
        self.criterion = CONVERGENCE if settings.task == "equilibrium" else CRITERION

    def is_due(self, images_seen: int, images_per_step: int, run: Run) -> bool:
        """Whether the generator is to be evaluated after the step that ended at `images_seen`, and was not yet."""
        every = self.settings.evaluate_every
        passed = images_seen // every != (images_seen - images_per_step) // every
        if not images_seen or not (passed or images_seen >= self.settings.images):
            return False
        return not any(row["images"] == images_seen and CRITERION in row for row in run.metrics())

    def evaluate(self, gan: GAN) -> Generator[Event, None, dict[str, float]]:
        """The figures of a training's state, by name."""
        generated = feature_cache.of_gan(gan, "generated pictures")
        estimates = yield from compare((self.real, generated), self.feature_network, self.counts, MEASURES)
        feature_cache.remove(generated, self.feature_network)
        figures = {name: one.value for name, one in estimates.items()}
        if self.criterion == CONVERGENCE:
            means = (_mean_energy(gan, self.real, self.counts[0]), _mean_energy(gan, generated, self.counts[1]))
            figures[CONVERGENCE] = convergence(*means).item()
        return figures

    def keep(self, gan: GAN, figures: dict[str, float], run: Run) -> Noted:
        """Keep a model as RUN/best if it is the best one so far; reports its distance.

        Raises:
            RunError: if the folder cannot be written.
        """
        measured = {
            "network": NETWORK,
            "sha256": self.feature_network.sha256,
            "pictures": list(self.counts),
            "unit": UNIT,
        }
        images, value, before = gan.facts.images_seen, figures[self.criterion], _best(run, measured, self.criterion)
        by = f" ({NETWORK}, {PICTURES:,} generated pictures)" if self.criterion == CRITERION else ""
        message = f"at {images:,} images: {TITLES.get(self.criterion, self.criterion)} {value:.4g}{by}"
        if before is not None and value >= before:
            return Noted(f"{message}; the best so far is {before:.4g}")
        gan.facts = gan.facts.model_copy(update={"evaluation": Evaluated(measured=measured, figures=figures)})
        run.keep_best(gan.save_pretrained)
        return Noted(f"{message}, the best so far")


def _best(run: Run, measured: dict[str, Any], criterion: str) -> float | None:
    """The criterion of the model in RUN/best; None if there is none, or it was measured in another way."""
    try:
        evaluation = GANFacts.read_from(run.best).evaluation
    except RunError:
        return None
    return None if evaluation is None or evaluation.measured != measured else evaluation.figures.get(criterion)


@torch.no_grad()
def _mean_energy(gan: GAN, pictures: feature_cache.PictureSet, count: int) -> torch.Tensor:
    """(): of the first so many, by a discriminator that is left as it was."""
    discriminator, was_training = gan.discriminator, gan.discriminator.training
    discriminator.eval()
    logits = [
        discriminator(to_signed(pictures.take(range(start, min(start + CHUNK, count))).copy(), gan.device))
        for start in range(0, count, CHUNK)
    ]
    discriminator.train(was_training)
    return -torch.cat(logits).mean()
