"""SRGAN (Ledig et al. 2017) and ESRGAN (Wang et al. 2018): what a small picture may have looked like when it was large.

Two phases. First the generator learns alone, by the distance of pixels, whose best answer is the mean of all that could
be there: blurred. Then it learns to look like one of them, by what a fixed network sees and by a discriminator, with an
optimiser of its own. ESRGAN takes absolute differences in place of squares, and keeps some of the pixels' in the second
phase. What is different: both look at features before their ReLU and keep some of the pixels' differences, as ESRGAN
does, for there is much that `pocket` does not see; `networks.srresnet` tells more.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

from scumble.errors import SettingsError
from scumble.gan.translation.kind import Game, Kind, Shapes, moved, weighted
from scumble.gan.translation.kinds.adversary import (
    discriminator_term,
    generator_is_due,
    generator_term,
    is_looked_at_again,
)
from scumble.gan.translation.networks.rrdb import RRDB
from scumble.gan.translation.networks.srresnet import Discriminator, SRResNet
from scumble.gan.translation.settings import TranslationSettings
from scumble.training.task import Batch, Moment, Outcome, Update, during, once

WEIGHTS = {"perceptual": 0.006, "adversarial": 1e-3, "pixel": 0.1}
"""SRGAN's: eq. 3, and the 1 / 12.75 squared by which it scales features (section 3.2); it has none for pixels."""


def factor_of(shapes: Shapes) -> int:
    """How many times larger results are.

    Raises:
        SettingsError: unless it is 2, 4, 8 or 16, for both sides.
    """
    factor = shapes.b[1] // shapes.a[1]
    if factor not in (2, 4, 8, 16) or shapes.b[1:] != (factor * shapes.a[1], factor * shapes.a[2]):
        small, large = (f"{shape[2]}x{shape[1]}" for shape in (shapes.a, shapes.b))
        raise SettingsError(f"pairs: got {small} pixels and {large}; wanted both sides 2, 4, 8 or 16 times as long")
    return factor


def networks(settings: TranslationSettings, shapes: Shapes) -> dict[str, nn.Module]:
    """One that enlarges, and a discriminator of whole pictures.

    Raises:
        SettingsError: if the network is not one that enlarges.
    """
    before, after, factor = shapes.a[0], shapes.b[0], factor_of(shapes)
    if settings.network == "rrdb":
        generator = RRDB(before, after, factor, settings.width, settings.blocks)
    elif settings.network == "srresnet":
        way = settings.norm, settings.upsampling
        generator = SRResNet(before, after, factor, settings.width, settings.blocks, *way)
    else:
        raise SettingsError(f"network: got {settings.network}, which does not enlarge; wanted srresnet or rrdb")
    return {"generator": generator, "discriminator": Discriminator(settings.width, shapes.b, settings.norm)}


def feature_distance(features: dict[str, torch.Tensor], of_truth: dict[str, torch.Tensor], squared: bool):
    """(): the mean over layers of the mean difference of their (N, C, H, W) features (Ledig et al., eq. 5).

    Example:
        >>> feature_distance({"x": torch.tensor([1.0, 3.0])}, {"x": torch.zeros(2)}, squared=True).item()
        5.0
    """
    distance = F.mse_loss if squared else F.l1_loss
    return torch.stack([distance(features[layer], of_truth[layer]) for layer in features]).mean()


def updates(game: Game) -> tuple[Update, ...]:
    """The first phase's move; the discriminator's and the generator's in the second."""
    settings, generator, discriminator = game.settings, game.networks["generator"], game.networks["discriminator"]
    weights, see = settings.weights_over(WEIGHTS), game.features
    # SRGAN takes squares and ESRGAN absolute differences, of pixels and of features.
    squared = settings.network == "srresnet"
    distance = F.mse_loss if squared else F.l1_loss

    def result(batch: Batch) -> torch.Tensor:
        return once(batch, "result", lambda: game.placement.compute(generator, batch["a"]))

    def pretraining_loss(batch: Batch, moment: Moment) -> Outcome:
        """Eq. 4 of Ledig et al.: the mean squared error of pixels."""
        return Outcome(distance(result(batch), batch["b"]))

    def discriminator_loss(batch: Batch, moment: Moment) -> Outcome:
        """Eq. 2 of Ledig et al.; relativistic, eq. 1 of Wang et al."""
        with torch.set_grad_enabled(is_looked_at_again(game, moment)):
            fake = result(batch)
        return discriminator_term(game, discriminator, batch["b"], fake)

    def generator_loss(batch: Batch, moment: Moment) -> Outcome:
        """Eq. 3 of Ledig et al.; eq. 3 of Wang et al."""
        fake = result(batch)
        adversarial = generator_term(game, discriminator, batch["b"], fake)
        terms = {"adversarial": adversarial, "pixel": distance(fake, batch["b"])}
        if see is not None:
            with torch.no_grad():
                of_truth = see(batch["b"])
            terms["perceptual"] = feature_distance(see(fake), of_truth, squared)
        return Outcome(weighted(terms, weights), terms)

    def is_due(step: int) -> bool:
        return step >= first and generator_is_due(game, step)

    first = math.ceil(settings.pretraining * settings.images / settings.batch)  # step of the second phase
    moves = moved(settings, game.placement)
    return (
        Update("pretraining", ("generator",), pretraining_loss, due=during(0, first), **moves),
        Update("d", ("discriminator",), discriminator_loss, due=during(first), **moves),
        Update("g", ("generator",), generator_loss, due=is_due, **moves),
    )


KIND = Kind(
    learns_from="pairs",
    networks=networks,
    updates=updates,
    result=("generator",),
    translation=lambda networks, direction: networks["generator"],
    weights=WEIGHTS,
    enlarges=4,
)
