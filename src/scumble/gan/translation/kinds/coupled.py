"""What UNIT and MUNIT have in common: one generator that translates both ways, and discriminators for each domain."""

from collections.abc import Callable, Iterable, Mapping

import torch
from torch import nn

from scumble.gan.translation.kind import Game, weighted
from scumble.gan.translation.kinds.adversary import discriminator_term, in_turn, is_looked_at_again, summed
from scumble.training.task import Batch, Moment, Outcome, Update

OTHER = {"a": "b", "b": "a"}

Seen = tuple[nn.Module, torch.Tensor, torch.Tensor]
"""A discriminator, and real and translated pictures for it."""


def updates_of_both(
    game: Game,
    drawn: Callable[[Game, Batch, Moment, str], torch.Tensor],
    seen: Callable[[Game, str, torch.Tensor, torch.Tensor], Iterable[Seen]],
    terms: Callable[[Game, Batch, Moment, str], dict[str, torch.Tensor]],
    weights: Mapping[str, float],
) -> tuple[Update, ...]:
    """The discriminators' move, then the generator's.

    Args:
        game: what is learnt.
        drawn: pictures of the other domain, of those of this one; made once for both losses of a step.
        seen: the discriminators of a domain, with what they see of its real and of translated pictures.
        terms: of the generator's loss, for pictures of a domain.
        weights: of the terms, unless the settings have others.
    """

    def judge(batch: Batch, moment: Moment) -> Outcome:
        """To tell pictures of each domain from translated ones."""
        with torch.set_grad_enabled(is_looked_at_again(game, moment)):
            fakes = {other: drawn(game, batch, moment, domain).detach() for domain, other in OTHER.items()}
        pairs = [each for domain, fake in fakes.items() for each in seen(game, domain, batch[domain], fake)]
        return summed([discriminator_term(game, *each) for each in pairs])

    def translate(batch: Batch, moment: Moment) -> Outcome:
        """The weighted terms, summed over domains."""
        of_domains = [terms(game, batch, moment, domain) for domain in OTHER]
        sums = {name: torch.stack([each[name] for each in of_domains]).sum() for name in weights}
        return Outcome(weighted(sums, game.settings.weights_over(weights)), sums)

    return in_turn(game, ("discriminator_a", "discriminator_b"), judge, ("generator",), translate)
