"""PixelDA (Bousmalis et al. 2017): a classifier for pictures without labels, from others that have some.

The generator makes labelled pictures look like those without labels, and the classifier learns from both. Beside it, a
second one learns from the labelled pictures alone: what it finds in the others is the baseline (the paper's "source
only"). What is different: the classifiers share nothing, the discriminator is DCGAN's, without noise and dropout, and
the code is normal, one channel for each number. The cross-entropy is taken of logits, once.
"""

import torch
import torch.nn.functional as F
from torch import nn

from scumble.errors import SettingsError
from scumble.gan.networks import dcgan
from scumble.gan.translation.kind import Game, Kind, Shapes, moved, weighted
from scumble.gan.translation.kinds.adversary import (
    discriminator_term,
    generator_term,
    in_turn,
    is_looked_at_again,
)
from scumble.gan.translation.networks.codes import WithCode
from scumble.gan.translation.networks.srresnet import SRResNet
from scumble.gan.translation.settings import TranslationSettings
from scumble.training.randomness import draw
from scumble.training.task import Batch, Moment, Outcome, Update, once

WEIGHTS = {"adversarial": 1.0, "classes": 1.0}
"""Eq. 1, both alike."""


class Classifier(nn.Module):
    """(N, C, H, W) pictures in [-1, 1] -> (N, K) logits (Bousmalis et al. 2017, figure 2, "T").

    Args:
        channels: C. Grey pictures are taken for coloured ones where it is 3.
        classes: K.
    """

    def __init__(self, channels: int, classes: int):
        super().__init__()
        self.channels = channels
        self.see = nn.Sequential(
            nn.Conv2d(channels, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(32, 48, 5, padding=2), nn.ReLU(), nn.AdaptiveMaxPool2d(7),
        )  # fmt: skip
        self.decide = nn.Sequential(
            nn.Linear(48 * 7 * 7, 100), nn.ReLU(), nn.Linear(100, 100), nn.ReLU(), nn.Linear(100, classes)
        )

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Logits."""
        return self.decide(self.see(pictures.expand(-1, self.channels, -1, -1)).flatten(1))


def networks(settings: TranslationSettings, shapes: Shapes) -> dict[str, nn.Module]:
    """A generator that is told a code, a discriminator, the classifier and the one for comparison.

    Raises:
        SettingsError: if the pictures to start from have no classes, or more channels than the others.
    """
    before, after = shapes.a[0], shapes.b[0]
    if shapes.classes < 2:
        raise SettingsError("kind: got adaptation, and the pictures of A have no classes; wanted a folder for each")
    if before not in (1, after) or shapes.a[1:] != shapes.b[1:]:
        raise SettingsError(f"kind: got adaptation from {shapes.a} to {shapes.b}; wanted equal sides and channels")
    way = settings.width, settings.blocks, settings.norm, settings.upsampling
    network = nn.Sequential(SRResNet(before + settings.latent, after, 1, *way), nn.Tanh())
    return {
        "generator": WithCode(network),
        "discriminator": dcgan.Discriminator(settings.width, shapes.b, settings.norm),
        "classifier": Classifier(after, shapes.classes),
        "source_only": Classifier(after, shapes.classes),
    }


def updates(game: Game) -> tuple[Update, ...]:
    """The discriminator's move; the generator's with the classifier; that of the classifier for comparison."""
    nets, compute = game.networks, game.placement.compute
    weights, discriminator = game.settings.weights_over(WEIGHTS), nets["discriminator"]

    def adapted(batch: Batch) -> torch.Tensor:
        def make() -> torch.Tensor:
            code = draw(torch.randn, len(batch["a"]), game.settings.latent, random=batch["random"])
            return compute(nets["generator"], batch["a"], code.to(batch["a"]))

        return once(batch, "adapted", make)

    def discriminator_loss(batch: Batch, moment: Moment) -> Outcome:
        """Eq. 2."""
        with torch.set_grad_enabled(is_looked_at_again(game, moment)):
            fake = adapted(batch)
        return discriminator_term(game, discriminator, batch["b"], fake)

    def generator_loss(batch: Batch, moment: Moment) -> Outcome:
        """Eq. 1, with eq. 3: the classes of the pictures as they were, and as they were made to look."""
        fake, labels = adapted(batch), batch["labels"]
        said = [compute(nets["classifier"], pictures) for pictures in (batch["a"], fake)]
        classes = torch.stack([F.cross_entropy(one, labels) for one in said]).sum()
        terms = {"adversarial": generator_term(game, discriminator, batch["b"], fake), "classes": classes}
        return Outcome(weighted(terms, weights), terms)

    def source_only_loss(batch: Batch, moment: Moment) -> Outcome:
        return Outcome(F.cross_entropy(compute(nets["source_only"], batch["a"]), batch["labels"]))

    beside = Update("source_only", ("source_only",), source_only_loss, **moved(game.settings, game.placement))
    moves = in_turn(game, ("discriminator",), discriminator_loss, ("generator", "classifier"), generator_loss)
    return (*moves, beside)


KIND = Kind(
    learns_from="domains",
    networks=networks,
    updates=updates,
    result=("generator", "classifier", "source_only"),
    translation=lambda networks, direction: networks["generator"],
    weights=WEIGHTS,
    told=("code",),
)
