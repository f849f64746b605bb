"""Random numbers of a batch that several processes share: drawn for all of it, of which each takes its part.

What picture n of a step meets, its latent, its mirroring, its holes, is then the same on one process or on eight.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch


class Share(NamedTuple):
    """The `number`-th of `parts` equal parts of a batch, from 0."""

    number: int = 0
    parts: int = 1

    def of(self, batch: int) -> slice:
        """Its places among those of a whole batch, whose length `parts` divides."""
        each = batch // self.parts
        return slice(self.number * each, (self.number + 1) * each)


class Chance(torch.Generator):
    """Random numbers for a share of a batch; a plain `torch.Generator` has those for the whole."""

    share = Share()


def draw(function: Callable[..., torch.Tensor], count: int, *shape: int, random: torch.Generator) -> torch.Tensor:
    """(count, *shape) numbers out of a function such as `torch.rand`, for the pictures of this share.

    Example:
        >>> whole = draw(torch.rand, 4, random=torch.Generator().manual_seed(0))
        >>> second = Chance()
        >>> second.share = Share(1, 2)
        >>> torch.equal(draw(torch.rand, 2, random=second.manual_seed(0)), whole[2:])
        True
    """
    share = random.share if isinstance(random, Chance) else Share()
    batch = count * share.parts
    return function((batch, *shape), generator=random)[share.of(batch)]
