"""Looks at a training of translations every so often, and says in words what goes wrong.

The pictures looked at are withheld ones, always the same, and nothing random is drawn that a training could miss. What
was reported already follows from the figures of the looks so far, in the run's log.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

from scumble.gan.models.sample import draw_latents
from scumble.gan.monitoring.symptoms import counted, is_new, warning
from scumble.gan.translation.data import Pictures
from scumble.gan.translation.evaluation.baselines import in_shape
from scumble.gan.translation.evaluation.probe import other_targets
from scumble.gan.translation.kind import Game
from scumble.gan.translation.kinds.table import KINDS
from scumble.gan.translation.monitoring import symptoms
from scumble.gan.translation.monitoring.symptoms import SYMPTOMS
from scumble.training.trainer import Trainer

COUNT = 32
LOOK_IMAGES, LOOK_STEPS = 5000, 100
"""A look comes after so many images, and so many steps at least: a few passes over so few pictures are less than 1% of
what the training takes between."""
LEAST_SIDE = 16


class Monitor:
    """What the looks at one training have in common.

    Args:
        trainer: of the training.
        game: what is trained.
        pictures: of the training.
        rows: the lines of figures so far.
    """

    def __init__(self, trainer: Trainer, game: Game, pictures: Pictures, rows: Sequence[dict[str, Any]]):
        self.trainer, self.settings, self.device = trainer, game.settings, game.placement.device
        self.kind, self.classes = KINDS[game.settings.kind], game.shapes.classes
        self.every = max(LOOK_STEPS, math.ceil(LOOK_IMAGES / trainer.task.size))
        self.batch = pictures.shown(range(min(COUNT, pictures.amount("withheld"))))
        self.truth = self.batch.get("b")
        self.wanted = pictures.targets(range(min(COUNT, pictures.amount_of_targets())))
        _, *sides = self.wanted.shape
        self.alike = in_shape(self.batch["a"], (sides[0], sides[1], sides[2]))
        self.expected = (
            symptoms.expected_change(self.alike, self.wanted)
            if self.truth is None
            else max(1e-3, (self.truth - self.alike).abs().mean().item())
        )
        self.negative = self.truth is None and symptoms.is_negative_of(self.alike, self.wanted)
        self.usual = symptoms.checkerboard(self.wanted) if min(sides[1:]) >= LEAST_SIDE else None
        self.counts = dict.fromkeys(SYMPTOMS, 0)
        for row in rows:
            if row.keys() & {"change", "variety", "hidden"}:
                self.counts = counted(self.counts, row, row["images"], self.settings, SYMPTOMS)

    def is_due(self) -> bool:
        """Whether this step is one to look after."""
        return self.trainer.step % self.every == 0

    @torch.no_grad()
    def figures(self) -> dict[str, float]:
        """What there is to see now, by name."""
        networks = self.trainer.result()
        forward, told = self.kind.translation(networks, "forward").eval(), self.kind.told
        results = self._made(forward, self.batch["a"], self._told())
        found: dict[str, float] = {}
        if "target" not in told and "mask" not in told:  # a picture may have what is asked for; a hole is a part
            found["change"] = symptoms.change(results, self.alike, self.expected)
        if "code" in told or "target" in told:
            found["variety"] = symptoms.variety(results, self._made(forward, self.batch["a"], self._told(turn=1)))
        if "target" not in told:
            reference = self.alike if self.truth is None else self.truth
            found["agreement"] = symptoms.agreement(results, -reference if self.negative else reference)
        if self.usual is not None:
            found["checkerboard"] = symptoms.checkerboard(results) / max(1.0, self.usual)
        if "backward" in self.kind.directions and not told:
            found["hidden"] = self._hidden(results, self.kind.translation(networks, "backward").eval())
        return found

    def new_warnings(self, figures: dict[str, float]) -> list[str]:
        """What shows in the figures of this look for the first time since it last did not."""
        before = self.counts
        self.counts = counted(before, figures, self.trainer.images_seen, self.settings, SYMPTOMS)
        return [
            warning(name, figures, self.settings, SYMPTOMS) for name in self.counts if is_new(name, before, self.counts)
        ]

    def _hidden(self, results: torch.Tensor, back: nn.Module) -> float:
        disturbed = symptoms.disturbed(results)
        again, other = (self._made(back, pictures, {}) for pictures in (results, disturbed))
        return symptoms.hidden(self.batch["a"], again, other, disturbed - results)

    def _told(self, turn: int = 0) -> dict[str, torch.Tensor]:
        """By the kind's names: of another turn, another code or target for each picture."""
        count, told = len(self.batch["a"]), {}
        if "code" in self.kind.told:
            told["code"] = draw_latents(range(turn * count, (turn + 1) * count), self.settings.latent)
        if "target" in self.kind.told:
            told["target"] = other_targets(self.batch["labels"], self.classes).roll(turn, 1)
        if "mask" in self.kind.told:
            told["mask"] = self.batch["mask"]
        return told

    def _made(self, network: nn.Module, pictures: torch.Tensor, told: dict[str, torch.Tensor]) -> torch.Tensor:
        """Results on the CPU, in parts that are no larger than those of the training."""
        settings = self.settings
        parts = math.ceil(len(pictures) * settings.accumulate * settings.devices * settings.nodes / settings.batch)
        given = (pictures, *(told[name] for name in self.kind.told if name in told))
        moved: Callable[[torch.Tensor], torch.Tensor] = lambda x: x.to(self.device)  # noqa: E731
        split = zip(*(one.tensor_split(parts) for one in given), strict=True)
        return torch.cat([network(*map(moved, some)).float().cpu() for some in split])
