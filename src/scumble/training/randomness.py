"""Random numbers as functions of what they are for, drawn for a whole batch of which each share takes its part.

Nothing about random numbers is ever saved: those of a step follow from the seed and the step. What picture n of a step
meets, its latent, its mirroring, its holes, is the same on one process or on eight, in one part or in four.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch


class Share(NamedTuple):
    """The `number`-th of `parts` equal parts of a batch, from 0."""

    number: int = 0
    parts: int = 1

    def of(self, batch: int) -> slice:
        """Its positions among those of a whole batch, whose length `parts` divides."""
        each = batch // self.parts
        return slice(self.number * each, (self.number + 1) * each)

    def split(self, part: int, parts: int) -> "Share":
        """The `part`-th of `parts` equal parts of this share.

        Example:
            >>> Share(1, 2).split(0, 4)  # the second half's first quarter is the fifth eighth
            Share(number=4, parts=8)
        """
        return Share(self.number * parts + part, self.parts * parts)


class SharedGenerator(torch.Generator):
    """Random numbers for a share of a batch; a plain `torch.Generator` has those for the whole."""

    share = Share()


def seed_for(*numbers: int) -> int:
    """A seed for a use, in [0, 2^63): other numbers, such as a training's seed and a step, give an unrelated one.

    Zeros at the end are as good as none: (5, 0) is (5). A use among several is told apart by a number above 0.
    """
    words = np.random.SeedSequence(numbers).generate_state(1, np.uint64)
    return int(words[0] >> np.uint64(1))


def draw(function: Callable[..., torch.Tensor], count: int, *shape: int, random: torch.Generator) -> torch.Tensor:
    """(count, *shape) numbers out of a function such as `torch.rand`, for the pictures of this share.

    Example:
        >>> whole = draw(torch.rand, 4, random=torch.Generator().manual_seed(0))
        >>> second = SharedGenerator()
        >>> second.share = Share(1, 2)
        >>> torch.equal(draw(torch.rand, 2, random=second.manual_seed(0)), whole[2:])
        True
    """
    share = random.share if isinstance(random, SharedGenerator) else Share()
    batch = count * share.parts
    return function((batch, *shape), generator=random)[share.of(batch)]
