"""LAPGAN (Denton et al. 2015): a game on every level of a Laplacian pyramid, all played at once.

A level's generator enlarges the real picture of the level below, and no level sees what another has drawn: that all
learn in one step, by the sum of their losses, comes to the same as one after the other.
"""

import functools
from collections.abc import Iterator

import torch
from torch import nn

from scumble.gan.networks.games.laplacian import Discriminator, Generator, pyramid
from scumble.gan.tasks.latent import LatentGAN
from scumble.training.task import Batch, Moment, Outcome, once
from scumble.training.updates import frozen


class LAPGAN(LatentGAN):
    """See the module; figures are means over the levels."""

    generator: Generator
    discriminator: Discriminator

    def discriminator_loss(self, batch: Batch, moment: Moment) -> Outcome:
        """Each level's, of its own pictures."""
        outcomes = []
        kept = self.generator_is_due(moment.step) and self.settings.accumulate == 1
        for judge, real, fake in self._levels(batch, with_gradient=kept):
            judged = self.judged(judge(real), judge(fake.detach()))
            penalty = self._penalty(judge, real, fake.detach(), batch["random"])
            outcomes.append(judged._replace(loss=judged.loss + penalty))
        names = outcomes[0].figures
        figures = {name: torch.stack([one.figures[name] for one in outcomes]).mean() for name in names}
        return Outcome(torch.stack([one.loss for one in outcomes]).sum(), figures)

    def generator_loss(self, batch: Batch, moment: Moment) -> Outcome:
        """Each level's, which passes for real at its own size."""
        losses = []
        with frozen(self.discriminator):
            for judge, real, fake in self._levels(batch, with_gradient=True):
                on_real = judge(real) if self.loss.compares else real.new_zeros(0)
                losses.append(self.loss.generator(*self._compared(on_real, judge(fake))))
        return Outcome(torch.stack(losses).sum())

    def _levels(self, batch: Batch, with_gradient: bool) -> Iterator[tuple]:
        """Of each level: its discriminator, and real and generated pictures of its size."""
        reals = pyramid(batch["real"], len(self.generator.levels))
        parts = self.generator.parts(batch["latents"])
        below = [(), *((real,) for real in reals)]
        for number, judge in enumerate(self.discriminator.levels):
            draw = functools.partial(self._drawn, self.generator.levels[number], with_gradient, parts[number])
            fake = once(batch, f"fake_{number}", functools.partial(draw, *below[number]))
            yield functools.partial(self.placement.compute, judge), reals[number], fake

    def _drawn(self, level: nn.Module, with_gradient: bool, *inputs: torch.Tensor) -> torch.Tensor:
        with torch.set_grad_enabled(with_gradient):
            return self.placement.compute(level, *inputs)
