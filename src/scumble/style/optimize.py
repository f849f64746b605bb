"""The optimisers, and the loop that lets neither a wild step nor a NaN spoil a picture.

One step is one evaluation of the objective, exactly. Unlike the usual L-BFGS of style transfer, ours (a) makes a first
step of a stated size in pixels, where the usual one moves by a millionth and learns rounding errors as curvature, (b)
takes a step back when the loss rises, and tries a shorter one. Both optimisers are told where they stand and answer
where to look next; they never call anything.
"""

import math
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple, Protocol

import torch

from scumble.errors import DivergedError
from scumble.style.objective import Evaluation, Objective

MAX_RETREATS = 20
"""Steps back in a row before giving up: by then the step is a millionth of what it was."""


class Optimizer(Protocol):
    """Moves the pixels. `tolerated_rise`: the factor by which a step may raise the loss without being undone."""

    tolerated_rise: float

    def step(self, canvas: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
        """The next canvas to evaluate, given the gradient at this one."""
        ...

    def shorten(self) -> None:
        """The last step led nowhere: the next one, from the same canvas, shall be shorter."""
        ...


class LBFGS:
    """Limited-memory BFGS (Nocedal 1980; Liu and Nocedal 1989; algorithm 7.4 in Nocedal and Wright).

    Args:
        lr: length of a step, 1 being the full quasi-Newton step.
        history: how many pairs of steps and gradient changes are remembered; each takes 24 bytes per pixel.
    """

    FIRST_STEP = 1 / 255
    """Root mean square change of the pixels in the first step, when nothing is known about the curvature."""

    def __init__(self, lr: float = 1.0, history: int = 100):
        self.lr = lr
        self.pairs: deque[tuple[torch.Tensor, torch.Tensor, float]] = deque(maxlen=history)
        self.previous: tuple[torch.Tensor, torch.Tensor] | None = None
        self.length = 1.0
        self.tolerated_rise = 1.0

    def step(self, canvas: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
        """See `Optimizer.step`."""
        if self.previous is not None:
            step, change = canvas - self.previous[0], gradient - self.previous[1]
            curvature = torch.dot(step.flatten(), change.flatten()).item()
            # Only steps along which the loss curves upward keep the Hessian's estimate positive definite.
            if curvature > 1e-10 * change.square().sum().item():
                self.pairs.append((step, change, curvature))
        self.previous = (canvas, gradient)
        direction = self._direction(gradient)
        self.length, length = min(1.0, 2 * self.length), self.length
        return canvas.add(direction, alpha=self.lr * length)

    def shorten(self) -> None:
        """See `Optimizer.shorten`."""
        self.length /= 4  # the step that follows has doubled it again

    def _direction(self, gradient: torch.Tensor) -> torch.Tensor:
        """Minus the estimated inverse Hessian times the gradient: the two-loop recursion."""
        direction = -gradient
        if not self.pairs:
            return direction.mul_(self.FIRST_STEP / direction.square().mean().sqrt().clamp_min(1e-30))
        flat = direction.view(-1)
        alphas = []
        for step, change, curvature in reversed(self.pairs):
            alpha = torch.dot(step.view(-1), flat) / curvature
            flat.sub_(alpha * change.view(-1))
            alphas.append(alpha)
        _, change, curvature = self.pairs[-1]
        flat.mul_(curvature / change.square().sum())  # eq. 7.20: the scale of the latest curvature
        for (step, change, curvature), alpha in zip(self.pairs, reversed(alphas), strict=True):
            beta = torch.dot(change.view(-1), flat) / curvature
            flat.add_((alpha - beta) * step.view(-1))
        return direction


class Adam:
    """Adam (Kingma and Ba 2015), on pixels.

    Args:
        lr: length of a step, 1 being a change of each pixel by 0.02 of its range.
        betas: decay of the averages of the gradient and of its square.
    """

    PIXEL_STEP = 0.02

    def __init__(self, lr: float = 1.0, betas: tuple[float, float] = (0.9, 0.99)):
        self.lr = lr * self.PIXEL_STEP
        self.betas = betas
        self.steps = 0
        self.mean = self.square = torch.zeros(())
        self.tolerated_rise = 100.0

    def step(self, canvas: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
        """See `Optimizer.step`."""
        if self.steps == 0:
            self.mean, self.square = torch.zeros_like(gradient), torch.zeros_like(gradient)
        self.steps += 1
        self.mean.lerp_(gradient, 1 - self.betas[0])
        self.square.lerp_(gradient.square(), 1 - self.betas[1])
        mean = self.mean / (1 - self.betas[0] ** self.steps)
        square = self.square / (1 - self.betas[1] ** self.steps)
        # No epsilon to speak of: gradients per pixel shrink as pictures grow, and the usual 1e-8 would stop them.
        return canvas - self.lr * mean / square.sqrt().clamp_min(1e-30)

    def shorten(self) -> None:
        """See `Optimizer.shorten`."""
        self.lr /= 2


class Step(NamedTuple):
    """What one evaluation found, and the best picture up to now with what was found there."""

    evaluation: int
    found: Evaluation
    retreated: bool
    best: Evaluation
    picture: torch.Tensor


def minimize(objective: Objective, canvas: torch.Tensor, optimizer: Optimizer, steps: int) -> Iterator[Step]:
    """Follow an objective downhill for exactly `steps` evaluations.

    A step to a place where the loss is not finite, or has risen by more than the optimiser tolerates, is undone.

    Args:
        objective: what is minimised.
        canvas: (1, 3, H, W), where to start.
        optimizer: chooses the steps.
        steps: how many evaluations to make.

    Raises:
        DivergedError: if the loss is not finite at the start, or no shorter step leads anywhere.
    """
    good = best = objective.value_and_gradient(canvas)
    if not _finite(good):
        raise DivergedError(f"the loss is {good.loss} before the first step; wanted a finite one")
    good_canvas = best_canvas = canvas
    retreats = 0
    yield Step(1, good, False, best, best_canvas)
    for evaluation in range(2, steps + 1):
        canvas = optimizer.step(good_canvas, good.gradient)
        found = objective.value_and_gradient(canvas)
        retreated = not _finite(found) or found.loss > good.loss * optimizer.tolerated_rise
        if retreated:
            retreats += 1
            optimizer.shorten()
            if retreats > MAX_RETREATS and not _finite(found):
                raise DivergedError(f"the loss is {found.loss} after {evaluation} evaluations, however short the step")
        else:
            retreats = 0
            good, good_canvas = found, canvas
            if good.loss < best.loss:
                best, best_canvas = good, canvas
        yield Step(evaluation, found, retreated, best, best_canvas)


def _finite(found: Evaluation) -> bool:
    return math.isfinite(found.loss) and bool(found.gradient.isfinite().all())
