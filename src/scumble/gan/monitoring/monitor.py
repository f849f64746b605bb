"""Eyes on a training: what goes wrong with these networks, seen while it does, and told in words with what helps.

Every so often the averaged generator draws, the discriminator looks at that and at real pictures, and what comes of it
are a few figures. Nothing random is drawn that a training could miss, and nothing that it depends on is changed. Nor is
there anything to be saved: what was reported already follows from the figures of the looks so far, in the run's log.
"""

import contextlib
import functools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from scumble.gan.models.sample import draw_latents
from scumble.gan.monitoring.symptoms import (
    ALIKE,
    SYMPTOMS,
    counted,
    diversity,
    gradient_size,
    is_new,
    lead,
    one_level,
    overfitting,
    spread,
    warning,
)
from scumble.gan.tasks.latent import LatentGAN
from scumble.training.trainer import Trainer

COUNT = 128
"""Pictures of each kind that a look is at: some hundreds of passes through the discriminator, and no way back."""
MAX_NUMBERS, MIN_COUNT = 2**25, 8
"""Of pictures larger than about 300 pixels, fewer, down to so few: so many numbers are 128 MiB for each kind."""
LOOK_IMAGES, LOOK_STEPS = 10_000, 100
"""A look comes after so many images, and so many steps at least: it takes less than 1% of the time (docs/log.md)."""


class Monitor:
    """What the looks at one training have in common: the same latents, and the same real pictures.

    Args:
        game: what is trained.
        trainer: of the training.
        rows: the lines of figures so far.
    """

    def __init__(self, game: LatentGAN, trainer: Trainer, rows: Sequence[dict[str, Any]]):
        self.game, self.trainer = game, trainer
        self.every = max(LOOK_STEPS * game.settings.critic_steps, math.ceil(LOOK_IMAGES / trainer.task.size))
        count = min(COUNT, max(MIN_COUNT, MAX_NUMBERS // math.prod(game.pictures.shape)))
        learnt, held = (_some(positions, count) for positions in (game.learning, game.held_out))
        self.real, self.labels = game.pictures_at(learnt)
        self.held, self.held_labels = game.pictures_at(held) if len(held) else (None, None)
        self.spread = spread(self.real)
        self.latents = draw_latents(range(len(learnt)), game.settings.latent).to(game.placement.device)
        self.counts = dict.fromkeys(SYMPTOMS, 0)
        self.told_alike = any(ALIKE in row.get("warnings", ()) for row in rows)
        for row in rows:
            if "gradient_size_d" in row:  # of the lines, those of a look
                self.counts = counted(self.counts, row, row["images"], game.settings)

    def is_due(self) -> bool:
        """Whether this step is one to look after."""
        return self.trainer.step % self.every == 0

    @torch.no_grad()
    def figures(self) -> dict[str, float]:
        """What there is to see now, by name."""
        game, average = self.game, self.trainer.averages["generator"]
        with _unmoved(game.generator), _unmoved(game.discriminator):
            # Samples are the average's; what the discriminator fights with is the generator itself.
            drawn = self._in_parts(functools.partial(game.generated, average), self.latents, self.labels)
            fake = self._in_parts(functools.partial(game.generated, game.generator), self.latents, self.labels)
            logits = self._in_parts(game.logits, fake, self.labels)
            real = self._in_parts(game.logits, self.real, self.labels)
            held = None if self.held is None else self._in_parts(game.logits, self.held, self.held_labels)
            own = game.figures(self.real, self.held)
        found = own | ({"lead": lead(real, logits)} if game.has_lead else {})
        if (ratio := diversity(spread(drawn), self.spread, one_level(game.pictures.shape))) is not None:
            found = {"diversity": ratio} | found
        if held is not None and game.has_lead:
            found["overfitting"] = overfitting(real, held, logits)
        return found | {
            "gradient_size_d": gradient_size(game.discriminator),
            "gradient_size_g": gradient_size(game.generator),
        }

    def new_warnings(self, figures: dict[str, float]) -> list[str]:
        """What shows in the figures of this look for the first time since it last did not."""
        settings, before = self.game.settings, self.counts
        self.counts = counted(before, figures, self.trainer.images_seen, settings)
        new = [warning(name, figures, settings) for name in self.counts if is_new(name, before, self.counts)]
        if "diversity" not in figures and not self.told_alike:
            self.told_alike = True
            new.append(ALIKE)
        return new

    def _in_parts(
        self,
        function: Callable[[torch.Tensor, torch.Tensor | None], torch.Tensor],
        given: torch.Tensor,
        labels: torch.Tensor | None,
    ) -> torch.Tensor:
        """A function of a batch and its labels, in equal parts that are no larger than those of the training."""
        settings = self.game.settings
        parts = math.ceil(len(given) * settings.accumulate * settings.devices * settings.nodes / settings.batch)
        of_labels = [None] * parts if labels is None else labels.tensor_split(parts)
        return torch.cat([function(*some) for some in zip(given.tensor_split(parts), of_labels, strict=True)])


def _some(positions: np.ndarray, count: int) -> np.ndarray:
    """At most so many of them, at random, which are always the same."""
    return np.sort(np.random.default_rng(0).permutation(positions)[:count])


@contextlib.contextmanager
def _unmoved(network: nn.Module) -> Iterator[None]:
    """Have a network in training do as it does, without its learning from what it sees.

    Spectral norm comes to rest. Batch norm goes on with the statistics of the batch, but keeps nothing of them: with
    those that it has kept, a discriminator that was ahead judged as if it were far behind.
    """
    network.eval()
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.train()
        norm.track_running_stats = False
    try:
        yield
    finally:
        for norm in norms:
            norm.track_running_stats = True
        network.train()
