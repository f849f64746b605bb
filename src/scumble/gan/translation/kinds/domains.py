"""StarGAN (Choi et al. 2018): one translator for all classes of pictures, or all labels, which is told the wanted ones.

The critic also says of which class a picture is, or which labels it has; and a picture that was translated, and is
translated to its own class, shall be the one that it was. What is different: a target is any class, drawn picture by
picture, so that a batch may be taken in parts; where pictures have several labels, it is those of another picture, as
in the paper, since not all sets of labels make sense.
"""

import functools

import torch
import torch.nn.functional as F
from torch import nn

from scumble.errors import SettingsError
from scumble.gan.losses.adversarial import LOSSES
from scumble.gan.losses.classes import class_loss
from scumble.gan.losses.penalties import gradient_penalty
from scumble.gan.translation.kind import Game, Kind, Shapes, weighted
from scumble.gan.translation.kinds.adversary import (
    PENALTY_DRAWS,
    TARGET_DRAWS,
    in_turn,
    is_looked_at_again,
)
from scumble.gan.translation.networks.labelled import Discriminator, Generator
from scumble.gan.translation.networks.resnet import MULTIPLE
from scumble.gan.translation.settings import TranslationSettings
from scumble.training.distributed import Processes
from scumble.training.randomness import Share, draw
from scumble.training.task import Batch, Moment, Outcome, Update, once
from scumble.training.updates import frozen

WEIGHTS = {"adversarial": 1.0, "class": 1.0, "reconstruction": 10.0, "penalty": 10.0}
"""Eqs. 5, 6 and 8, with the lambdas of section 4.2 and appendix 7.1."""


def networks(settings: TranslationSettings, shapes: Shapes) -> dict[str, nn.Module]:
    """A generator that is told a target, and a discriminator that tells classes."""
    channels, classes, width = shapes.a[0], shapes.classes, settings.width
    if classes < 2:
        raise SettingsError(f"preset: got {settings.preset} and pictures of {classes} classes; wanted 2 or more")
    discriminator = Discriminator(channels, classes, width, shapes.a[1:])
    generator = Generator(channels, classes, width, settings.blocks, settings.upsampling)
    return {"generator": generator, "discriminator": discriminator}


def targets(labels: torch.Tensor, classes: int, moment: Moment, processes: Processes) -> torch.Tensor:
    """What each picture shall become: (N,) classes, or (N, K) labels, as they were given."""
    if labels.dim() == 1:
        numbers = draw(torch.rand, len(labels), random=moment.generator(TARGET_DRAWS))
        return (numbers * classes).long().to(labels.device)
    everyone = processes.whole(labels)
    random = moment._replace(share=Share()).generator(TARGET_DRAWS)
    others = torch.randperm(len(everyone), generator=random)[processes.share.of(len(everyone))]
    return everyone[others.to(labels.device)]


def drawn(game: Game, pictures: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Pictures of the wanted classes or labels."""
    told = F.one_hot(wanted, game.shapes.classes).float() if wanted.dim() == 1 else wanted
    return game.placement.compute(game.networks["generator"], pictures, told)


def translated(game: Game, batch: Batch, moment: Moment) -> torch.Tensor:
    """The batch's pictures as of their targets; made once for both losses of a step."""
    labels = batch["labels"]
    wanted = once(batch, "targets", lambda: targets(labels, game.shapes.classes, moment, game.processes))
    return once(batch, "fake", lambda: drawn(game, batch["a"], wanted))


def judged(game: Game, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(N,) logits of being real, and (N, K) of the classes."""
    logits, classes = game.placement.compute(game.networks["discriminator"], pictures).tensor_split([1], 1)
    return game.processes.whole(logits[:, 0]) if LOSSES[game.settings.loss].couples else logits[:, 0], classes


def summed(game: Game, pictures: torch.Tensor) -> torch.Tensor:
    """(N,) sums of the patches' logits, whose slope the authors' program holds at 1; that of their mean is below it."""
    discriminator = game.networks["discriminator"]
    assert isinstance(discriminator, Discriminator)
    return discriminator.count * game.placement.compute(discriminator, pictures)[:, 0]


def discriminator_loss(game: Game, batch: Batch, moment: Moment) -> Outcome:
    """Eq. 5, with the penalty of eq. 8."""
    real, weights, loss = batch["a"], game.settings.weights_over(WEIGHTS), LOSSES[game.settings.loss]
    with torch.set_grad_enabled(is_looked_at_again(game, moment)):
        fake = translated(game, batch, moment).detach()
    (on_real, classes), (on_fake, _) = judged(game, real), judged(game, fake)
    terms = {"adversarial": loss.discriminator(on_real, on_fake), "class": class_loss(classes, batch["labels"])}
    if weights["penalty"]:
        terms["penalty"] = gradient_penalty(
            functools.partial(summed, game), real, fake, moment.generator(PENALTY_DRAWS)
        )
    belief = {"d_real": on_real.sigmoid().mean(), "d_fake": on_fake.sigmoid().mean()}
    return Outcome(weighted(terms, weights), terms | belief)


def generator_loss(game: Game, batch: Batch, moment: Moment) -> Outcome:
    """Eq. 6."""
    real, loss, fake = batch["a"], LOSSES[game.settings.loss], translated(game, batch, moment)
    with frozen(game.networks["discriminator"]):
        on_real = judged(game, real)[0] if loss.compares else real.new_zeros(0)
        on_fake, classes = judged(game, fake)
    terms = {
        "adversarial": loss.generator(on_real, on_fake),
        "class": class_loss(classes, batch["targets"]),
        "reconstruction": F.l1_loss(drawn(game, fake, batch["labels"]), real),
    }
    return Outcome(weighted(terms, game.settings.weights_over(WEIGHTS)), terms)


def updates(game: Game) -> tuple[Update, ...]:
    """The discriminator's move, and the generator's after some of these."""
    judge, translate = functools.partial(discriminator_loss, game), functools.partial(generator_loss, game)
    return in_turn(game, ("discriminator",), judge, ("generator",), translate)


KIND = Kind(
    learns_from="classes",
    networks=networks,
    updates=updates,
    result=("generator",),
    translation=lambda networks, direction: networks["generator"],
    weights=WEIGHTS,
    told=("target",),
    multiple=lambda settings: MULTIPLE,
)
