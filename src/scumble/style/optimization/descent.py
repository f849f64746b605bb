"""The loop that lets neither a wild step nor a NaN spoil a picture.

One step is one evaluation of the objective, exactly. Unlike in the usual L-BFGS of style transfer, a step that raises
the loss is taken back, and tried again at half the length. The optimisers are told where they stand and answer with a
move; how much of it is made, and whether it stays, is the loop's affair.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch

from scumble.errors import DivergedError
from scumble.storage.checkpoint import Checkpoint, under, uninterrupted
from scumble.style.objective.objective import Evaluation, Objective
from scumble.style.optimization.optimizer import Optimizer

RETREATS_BEFORE_FORGETTING = 5
"""Steps back in a row, each half as long as the last, after which what was learnt of the curvature is thrown away."""

STALLED_AFTER = 20
"""Evaluations over which the loss must still fall (a criterion of Ruder et al. 2016, for films)."""

MAX_RETREATS = 25
"""Steps back in a row, the last of them a millionth of a grey level, after which a loss of NaN is given up on."""

FAR_OUTSIDE = 1e6
"""No canvas has values as large, even where none is held to [0, 1]: a state with such is damaged."""


class Average:
    """The running average of the canvases: what the moves have in common stays, their noise goes.

    Exponential, and corrected for its start at nothing as Adam's are: after one canvas it is that canvas.

    Args:
        decay: the share that is kept at each canvas; 0 keeps the last canvas alone.
    """

    def __init__(self, decay: float):
        self.decay = decay
        self.weight = 0.0
        self.sum = torch.zeros(())

    def add(self, canvas: torch.Tensor) -> None:
        """Take in one more canvas."""
        self.sum = torch.lerp(canvas, self.sum, self.decay) if self.weight else canvas * (1 - self.decay)
        self.weight = 1 - (1 - self.weight) * self.decay

    @property
    def picture(self) -> torch.Tensor:
        """The average, of the shape of a canvas."""
        return self.sum / self.weight


class Step(NamedTuple):
    """What one evaluation found, and the picture to be kept, with what was found there.

    Without averaging that is the best canvas up to now; with it, the average, and the last canvas' evaluation until the
    last step, which evaluates the average itself.
    """

    evaluation: int
    found: Evaluation
    retreated: bool
    best: Evaluation
    picture: torch.Tensor


class Descent:
    """The way of a canvas down an objective: exactly `steps` evaluations, or until nothing much is won any more.

    A move to a place where the loss is not finite, or has risen by more than the optimiser tolerates, is taken back and
    halved; after `RETREATS_BEFORE_FORGETTING` in a row the optimiser starts anew from the last good place.

    Between two steps, `state` is all that the rest of the way depends on. `restore` it into a new descent, with the
    same objective and settings: the steps that follow are the same to the last bit.

    Args:
        objective: what is minimised.
        canvas: (1, 3, H, W), where to start.
        optimizer: chooses the moves.
        steps: how many evaluations to make.
        averaging: decay of the average of the canvases, which becomes the result; 0 for the best canvas.
        tolerance: stop when `STALLED_AFTER` evaluations have lowered the loss by no more than this share of it.
    """

    def __init__(
        self,
        objective: Objective,
        canvas: torch.Tensor,
        optimizer: Optimizer,
        steps: int,
        averaging: float = 0.0,
        tolerance: float = 0.0,
    ):
        self.objective = objective
        self.optimizer = optimizer
        self.steps = steps
        self.averaging = averaging
        self.tolerance = tolerance
        self.evaluation = 0
        self.finished = False
        self.canvas = self.best_canvas = canvas
        self.average = Average(averaging)
        self.lowest: list[float] = []  # loss up to each evaluation
        self.length = 1.0
        self.retreats = 0

    def __iter__(self) -> Iterator[Step]:
        """The steps that are still to be made.

        Raises:
            DivergedError: if the loss is not finite at the start, or after `MAX_RETREATS` ever shorter moves.
        """
        while not self.finished:
            if self.evaluation == 0:
                yield self._first()
            elif self.averaging and self._ends():
                yield self._last()
            else:
                yield self._next()

    @property
    def picture(self) -> torch.Tensor:
        """The picture to be kept: the average of the canvases, or the best one."""
        return self.average.picture if self.averaging else self.best_canvas

    def _ends(self) -> bool:
        """Whether the next step is the last one."""
        return self.evaluation + 1 >= self.steps or _stalled(self.lowest, self.tolerance)

    def _first(self) -> Step:
        found = self.objective.value_and_gradient(self.canvas)
        if not _finite(found):
            raise DivergedError(f"the loss is {found.loss} before the first step; wanted a finite one")
        with uninterrupted():
            self.finished = self.steps == 1
            return self._arrived(self.canvas, found)

    def _next(self) -> Step:
        canvas = self.canvas.add(self.move, alpha=self.length)
        if self.optimizer.bounded:
            canvas.clamp_(0, 1)
        found = self.objective.value_and_gradient(canvas)
        allowed = self.good.loss + (self.optimizer.tolerated_rise - 1) * abs(self.good.loss)
        with uninterrupted():
            self.finished = self._ends()
            if _finite(found) and found.loss <= allowed:
                self.length = min(1.0, 2 * self.length)
                return self._arrived(canvas, found)
            return self._retreated(found)

    def _last(self) -> Step:
        """The average itself was never looked at before."""
        found = self.objective.value_and_gradient(self.picture)
        with uninterrupted():
            self.finished, self.best = True, found
            self.evaluation += 1
            return Step(self.evaluation, found, False, found, self.picture)

    def _arrived(self, canvas: torch.Tensor, found: Evaluation) -> Step:
        self.canvas, self.good, self.retreats = canvas, found, 0
        self.move = self.optimizer.move(canvas, found.gradient)
        if self.averaging:
            self.average.add(canvas)
        if self.averaging or not self.lowest or found.loss < self.best.loss:
            self.best, self.best_canvas = found, canvas
        return self._step(found, False)

    def _retreated(self, found: Evaluation) -> Step:
        self.retreats += 1
        self.length /= 2
        if self.retreats == RETREATS_BEFORE_FORGETTING:
            self.optimizer.forget()
            self.move = self.optimizer.move(self.canvas, self.good.gradient)
        if self.retreats == MAX_RETREATS and not _finite(found):
            told = self.evaluation + 1
            raise DivergedError(f"the loss is {found.loss} after {told} evaluations, however short the move")
        return self._step(found, True)

    def _step(self, found: Evaluation, retreated: bool) -> Step:
        self.evaluation += 1
        self.lowest.append(min([*self.lowest[-1:], self.good.loss]))
        return Step(self.evaluation, found, retreated, self.best, self.picture)

    def state(self) -> Checkpoint:
        """All that the rest of the way depends on, after any step."""
        tensors = {
            "canvas": self.canvas,
            "gradient": self.good.gradient,
            "move": self.move,
        }
        if self.averaging:
            tensors["average"] = self.average.sum
        if self.best_canvas is not self.canvas:
            tensors["best_canvas"] = self.best_canvas
        learnt = self.optimizer.state()
        facts = {
            "evaluation": self.evaluation,
            "finished": self.finished,
            "good": [self.good.loss, self.good.terms],
            "best": [self.best.loss, self.best.terms],
            "average": self.average.weight,
            "lowest": self.lowest,
            "length": self.length,
            "retreats": self.retreats,
            "optimizer": learnt.facts,
        }
        return Checkpoint(tensors | {f"optimizer.{name}": value for name, value in learnt.tensors.items()}, facts)

    def restore(self, state: Checkpoint) -> Step:
        """Go on from there; returns how it stands.

        Raises:
            KeyError, TypeError, ValueError, RuntimeError: if it is of another descent.
        """
        tensors, facts = {name: tensor.to(self.canvas) for name, tensor in state.tensors.items()}, state.facts
        gradient = tensors["gradient"]
        self.canvas, self.move = tensors["canvas"], tensors["move"]
        self.best_canvas = tensors.get("best_canvas", self.canvas)
        self.good, self.best = (Evaluation(loss, gradient, terms) for loss, terms in (facts["good"], facts["best"]))
        if self.averaging:
            self.average.sum, self.average.weight = tensors["average"], facts["average"]
        self.evaluation, self.finished, self.lowest = facts["evaluation"], facts["finished"], facts["lowest"]
        self.length, self.retreats = facts["length"], facts["retreats"]
        learnt = Checkpoint(under("optimizer", tensors), facts["optimizer"])
        self.optimizer.restore(learnt, self.canvas, gradient)
        if not self.picture.abs().max() < FAR_OUTSIDE:
            raise ValueError("its picture holds what no picture does")
        return Step(self.evaluation, self.best, False, self.best, self.picture)


def _stalled(lowest: list[float], tolerance: float) -> bool:
    if not tolerance or len(lowest) <= STALLED_AFTER:
        return False
    before = lowest[-1 - STALLED_AFTER]
    return before - lowest[-1] <= tolerance * before


def _finite(found: Evaluation) -> bool:
    return math.isfinite(found.loss) and bool(found.gradient.isfinite().all())
