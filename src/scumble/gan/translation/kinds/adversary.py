"""One discriminator against one generator, as most kinds of translation have it: terms of their two losses."""

import functools
from collections.abc import Callable, Sequence

import torch
from torch import nn

from scumble.gan.losses.adversarial import LOSSES
from scumble.gan.losses.penalties import gradient_penalty
from scumble.gan.translation.kind import Game, moved
from scumble.training.task import Batch, Moment, Outcome, Update, every
from scumble.training.updates import frozen

PENALTY_DRAWS, POOL_A_DRAWS, POOL_B_DRAWS, PLACE_DRAWS, TARGET_DRAWS, CODE_DRAWS = range(1001, 1007)
"""Uses of a moment's random numbers. Each has its own, so that no draw depends on which loss came first; those above
the last are codes, too."""


def in_turn(
    game: Game,
    judges: tuple[str, ...],
    judge: Callable[[Batch, Moment], Outcome],
    translators: tuple[str, ...],
    translate: Callable[[Batch, Moment], Outcome],
    after: Callable[[Moment, dict[str, torch.Tensor], dict[str, torch.Tensor]], None] | None = None,
) -> tuple[Update, ...]:
    """The discriminators' move, then the generators', which is not made in every step where the settings say so.

    Args:
        game: what is learnt.
        judges: the discriminators' names.
        judge: their loss.
        translators: names of all that moves with the generators.
        translate: their loss.
        after: what follows the discriminators' move.
    """
    moves, due = moved(game.settings, game.placement), functools.partial(generator_is_due, game)
    return (Update("d", judges, judge, after=after, **moves), Update("g", translators, translate, due=due, **moves))


def generator_is_due(game: Game, step: int) -> bool:
    """Whether the generators move in this step."""
    return every(game.settings.critic_steps)(step)


def is_looked_at_again(game: Game, moment: Moment) -> bool:
    """Whether the generators' loss will look at the very pictures that the discriminators' has made."""
    return generator_is_due(game, moment.step) and game.settings.accumulate == 1


def discriminator_term(game: Game, discriminator: nn.Module, real: torch.Tensor, fake: torch.Tensor) -> Outcome:
    """How badly it tells real from generated pictures, by the adversarial loss of the settings, and what it believes.

    Figures: the mean belief, in [0, 1], that real and generated pictures are real.
    """
    on_real, on_fake = _logits(game, discriminator, real, fake.detach())
    belief = {"d_real": on_real.sigmoid().mean(), "d_fake": on_fake.sigmoid().mean()}
    return Outcome(LOSSES[game.settings.loss].discriminator(on_real, on_fake), belief)


def summed(outcomes: Sequence[Outcome]) -> Outcome:
    """Of several discriminators: the sum of their losses, and the means of their figures."""
    figures = {name: torch.stack([each.figures[name] for each in outcomes]).mean() for name in outcomes[0].figures}
    return Outcome(torch.stack([each.loss for each in outcomes]).sum(), figures)


def generator_term(game: Game, discriminator: nn.Module, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
    """(): how seldom generated pictures are taken for real, by the adversarial loss of the settings."""
    loss = LOSSES[game.settings.loss]
    with frozen(discriminator):
        if loss.compares:
            return loss.generator(*_logits(game, discriminator, real, fake))
        return loss.generator(fake.new_zeros(0), *_logits(game, discriminator, fake))


def slope_term(
    game: Game, discriminator: nn.Module, real: torch.Tensor, fake: torch.Tensor, moment: Moment
) -> torch.Tensor:
    """(): how far the slope of a picture's mean logit is from 1 (Gulrajani et al. 2017, eq. 3)."""

    def judge(pictures: torch.Tensor) -> torch.Tensor:
        return game.placement.compute(discriminator, pictures).flatten(1).mean(1)

    return gradient_penalty(judge, real, fake.detach(), moment.generator(PENALTY_DRAWS))


def _logits(game: Game, discriminator: nn.Module, *pictures: torch.Tensor) -> Sequence[torch.Tensor]:
    """Of each of some equally large batches: in one pass, unless pictures would change each other's by batch norm."""
    compute = game.placement.compute
    if game.settings.norm == "batch":
        seen = [compute(discriminator, each) for each in pictures]
    else:
        seen = compute(discriminator, torch.cat(pictures)).split(len(pictures[0]))
    couples = LOSSES[game.settings.loss].couples
    return [game.processes.whole(each) for each in seen] if couples else seen
