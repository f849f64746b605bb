"""The optimisers, and the loop that lets neither a wild step nor a NaN spoil a picture.

One step is one evaluation of the objective, exactly. Unlike the usual L-BFGS of style transfer, ours (a) makes a first
step of a stated size in pixels, where the usual one moves by a millionth and learns rounding errors as curvature, (b)
is taken back when the loss rises, and tried again at half the length. The optimisers are told where they stand and
answer with a move; how much of it is made, and whether it stays, is the loop's affair.
"""

import copy
import math
from collections.abc import Iterator
from typing import NamedTuple, Protocol, Self

import torch
import torch.nn.functional as F

from scumble.errors import DivergedError
from scumble.storage.checkpoint import Checkpoint, under, uninterrupted
from scumble.style.objective import Evaluation, Objective

RETREATS_BEFORE_FORGETTING = 5
"""Steps back in a row, each half as long as the last, after which what was learnt of the curvature is thrown away."""

STALLED_AFTER = 20
"""Evaluations over which the loss must still fall (a criterion of Ruder et al. 2016, for films)."""

MAX_RETREATS = 25
"""Steps back in a row, the last of them a millionth of a grey level, after which a loss of NaN is given up on."""

HISTORY_PAIRS = 100

HISTORY_BYTES = 2 << 30
"""What the pairs of L-BFGS may take: with 24 bytes per pixel and pair, 100 pairs up to 0.9 megapixels, then fewer."""


class Optimizer(Protocol):
    """Moves the pixels.

    `tolerated_rise` is the factor by which a move may raise the loss without being taken back; `bounded`, whether
    pixels are brought back into [0, 1] after each move, which what is learnt from the moves could not bear.
    """

    tolerated_rise: float
    bounded: bool

    def move(self, canvas: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
        """Where to go from a canvas, as a difference to it, given the gradient there. Called once for each canvas."""
        ...

    def forget(self) -> None:
        """What was learnt leads nowhere: start anew."""
        ...

    def carried(self, size: tuple[int, int]) -> Self:
        """The optimiser for a canvas resized to (width, height), with what was learnt, as far as it still holds.

        The old one's `state` still leads to the same: a job that is stopped just now goes on from there.
        """
        ...

    def state(self) -> Checkpoint:
        """What was learnt."""
        ...

    def restore(self, state: Checkpoint, canvas: torch.Tensor, gradient: torch.Tensor) -> None:
        """Know again what was learnt up to the last move, which was asked for at this canvas with this gradient."""
        ...


class LBFGS:
    """Limited-memory BFGS (Nocedal 1980; Liu and Nocedal 1989), in its compact form.

    The usual recursion reads the pairs one by one, each of them twice, with two numbers to wait for; here the same
    matrix is written as a few products with all pairs at once (Byrd, Nocedal and Schnabel 1994, eq. 3.1): at least
    twice as fast, and many times where others wait for the cores (docs/log.md).

    Args:
        lr: length of a move, 1 being the full quasi-Newton step.
        history: how many pairs of moves and changes of the gradient are remembered, at most.
        history_bytes: what they may take; `HISTORY_BYTES` if it is not said.
    """

    FIRST_STEP = 1 / 255
    """Root mean square change of the pixels in the first step, when nothing is known about the curvature."""

    def __init__(self, lr: float = 1.0, history: int = HISTORY_PAIRS, history_bytes: int | None = None):
        self.lr = lr
        self.history = history
        self.history_bytes = HISTORY_BYTES if history_bytes is None else history_bytes
        self.tolerated_rise = 1.0
        self.bounded = False
        self.forget()

    def forget(self) -> None:
        """See `Optimizer.forget`."""
        self.order: list[int] = []  # the rows below that are in use, oldest pair first
        self.moved = self.change = torch.zeros(0)  # (pairs, numbers of a canvas): made with the first pair
        self.moved_change = self.change_change = torch.zeros(0)  # their products, (pairs, pairs)
        self.previous: tuple[torch.Tensor, torch.Tensor] | None = None

    def carried(self, size: tuple[int, int]) -> Self:
        """See `Optimizer.carried`. Pairs of differences between pictures of another size say nothing any more."""
        self.forget()
        return self

    def state(self) -> Checkpoint:
        """See `Optimizer.state`."""
        used = len(self.order)
        tensors = {"moved": self.moved[:used], "change": self.change[:used]}
        tensors |= {"moved_change": self.moved_change, "change_change": self.change_change}
        return Checkpoint(tensors if used else {}, {"order": self.order})

    def restore(self, state: Checkpoint, canvas: torch.Tensor, gradient: torch.Tensor) -> None:
        """See `Optimizer.restore`."""
        self.order = state.facts["order"]
        if used := len(self.order):
            self._make_room(canvas)
            self.moved[:used], self.change[:used] = state.tensors["moved"], state.tensors["change"]
            self.moved_change, self.change_change = (
                state.tensors[name].to("cpu", torch.float64) for name in ("moved_change", "change_change")
            )
        self.previous = (canvas, gradient)

    def move(self, canvas: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
        """See `Optimizer.move`."""
        if self.previous is not None:
            self._remember(canvas - self.previous[0], gradient - self.previous[1])
        self.previous = (canvas, gradient)
        return self._direction(gradient).mul_(self.lr)

    def _remember(self, moved: torch.Tensor, change: torch.Tensor) -> None:
        curvature = torch.dot(moved.flatten(), change.flatten()).item()
        # Only moves along which the loss curves upward keep the Hessian's estimate positive definite. The bound is on
        # the cosine between the two, so that it does not depend on the scale of the loss.
        if not curvature > 1e-6 * (moved.norm() * change.norm()).item():
            return
        if not self.order:
            self._make_room(moved)
        row = self.order.pop(0) if len(self.order) == len(self.moved) else len(self.order)
        self.order.append(row)
        self.moved[row], self.change[row] = moved.flatten(), change.flatten()

    def _make_room(self, canvas: torch.Tensor) -> None:
        numbers = canvas.numel()
        pairs = max(1, min(self.history, self.history_bytes // (2 * numbers * canvas.element_size())))
        self.moved, self.change = canvas.new_empty(pairs, numbers), canvas.new_empty(pairs, numbers)
        self.moved_change, self.change_change = (torch.zeros(pairs, pairs, dtype=torch.float64) for _ in range(2))

    def _direction(self, gradient: torch.Tensor) -> torch.Tensor:
        """Minus the estimated inverse Hessian times the gradient."""
        if not self.order:
            # Divided by its largest value first: squares of small float32 numbers vanish.
            downhill = gradient / -gradient.abs().max().clamp_min(1e-37)
            return downhill.mul_(self.FIRST_STEP / downhill.square().mean().sqrt().clamp_min(1e-12))
        order, newest = self.order, self.order[-1]
        moved, change = self.moved[: len(order)], self.change[: len(order)]
        both = torch.stack([gradient.view(-1), change[newest]])
        # All that is read of the pairs; what remains is small, and done in float64.
        (slope_moved, new_moved), (slope_change, new_change) = (
            (both @ pairs.mT).to("cpu", torch.float64) for pairs in (moved, change)
        )
        self.moved_change[: len(order), newest] = new_moved
        self.change_change[: len(order), newest] = self.change_change[newest, : len(order)] = new_change

        # In the paper's letters: R, D and gamma, which is the scale of the latest curvature.
        upper = self.moved_change[order][:, order].triu()
        curvatures = upper.diagonal()
        scale = curvatures[-1] / self.change_change[newest, newest]
        of_change = torch.linalg.solve_triangular(upper, slope_moved[order, None], upper=True)[:, 0]
        rest = curvatures * of_change + scale * (self.change_change[order][:, order] @ of_change - slope_change[order])
        of_moved = torch.linalg.solve_triangular(upper.mT, rest[:, None], upper=False)[:, 0]

        shares = torch.zeros(2, len(order), dtype=torch.float64)
        shares[:, order] = torch.stack([of_moved, -scale * of_change])
        shares = shares.to(gradient)
        direction = gradient.view(-1) * -scale.item()
        return direction.sub_(shares[0] @ moved).sub_(shares[1] @ change).view_as(gradient)


class Adam:
    """Adam (Kingma and Ba 2015), on pixels.

    Args:
        lr: length of a move, 1 being a change of each pixel by 0.02 of its range.
        betas: decay of the averages of the gradient and of its square.
    """

    PIXEL_STEP = 0.02

    def __init__(self, lr: float = 1.0, betas: tuple[float, float] = (0.9, 0.99)):
        self.lr = lr * self.PIXEL_STEP
        self.betas = betas
        self.tolerated_rise = 100.0
        self.bounded = True
        self.forget()

    def forget(self) -> None:
        """See `Optimizer.forget`."""
        self.moves = 0
        self.mean = self.square = torch.zeros(())

    def carried(self, size: tuple[int, int]) -> Self:
        """See `Optimizer.carried`: both averages are resized, so that the first moves at a new scale are no noise.

        Losses are averages over pixels: a pixel's gradient shrinks as their number grows.
        """
        carried = copy.copy(self)
        if self.moves:
            shrunk = self.mean.shape[2] * self.mean.shape[3] / (size[0] * size[1])
            carried.mean = _resized(self.mean, size, "bicubic") * shrunk
            carried.square = _resized(self.square, size, "bilinear") * shrunk**2
        return carried

    def state(self) -> Checkpoint:
        """See `Optimizer.state`."""
        return Checkpoint({"mean": self.mean, "square": self.square}, {"moves": self.moves})

    def restore(self, state: Checkpoint, canvas: torch.Tensor, gradient: torch.Tensor) -> None:
        """See `Optimizer.restore`."""
        self.mean, self.square, self.moves = state.tensors["mean"], state.tensors["square"], state.facts["moves"]

    def move(self, canvas: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
        """See `Optimizer.move`."""
        if self.moves == 0:
            self.mean, self.square = torch.zeros_like(gradient), torch.zeros_like(gradient)
        self.moves += 1
        self.mean.lerp_(gradient, 1 - self.betas[0])
        self.square.lerp_(gradient.square(), 1 - self.betas[1])
        mean = self.mean / (1 - self.betas[0] ** self.moves)
        square = self.square / (1 - self.betas[1] ** self.moves)
        # Gradients per pixel shrink as pictures grow, and the usual epsilon of 1e-8 would hold them up. This one only
        # stands for squares that float32 cannot hold.
        return mean.div_(square.sqrt_().clamp_min_(1e-18)).mul_(-self.lr)


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
        """Go on from there; returns how it stands."""
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
        return Step(self.evaluation, self.best, False, self.best, self.picture)


def _stalled(lowest: list[float], tolerance: float) -> bool:
    if not tolerance or len(lowest) <= STALLED_AFTER:
        return False
    before = lowest[-1 - STALLED_AFTER]
    return before - lowest[-1] <= tolerance * before


def _finite(found: Evaluation) -> bool:
    return math.isfinite(found.loss) and bool(found.gradient.isfinite().all())


def _resized(tensor: torch.Tensor, size: tuple[int, int], mode: str) -> torch.Tensor:
    return F.interpolate(tensor, (size[1], size[0]), mode=mode)
