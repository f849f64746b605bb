"""L-BFGS on pixels. The first step has a stated size.

The usual one moves by a millionth and learns rounding errors as curvature. When the loss rises, it is the loop that
takes a step back (`scumble.style.optimization.descent`): there is no line search here.
"""

from typing import Self

import torch

from scumble.storage.checkpoint import Checkpoint

HISTORY_PAIRS = 100

HISTORY_BYTES = 2 << 30
"""What the pairs of L-BFGS may take: with 24 bytes per pixel and pair, 100 pairs up to 0.9 megapixels, then fewer."""

BYTES_OF_PAIR = 24
"""Of a pixel: three channels of a move and of a change, in float32."""


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
            if sorted(self.order) != list(range(used)):
                raise ValueError(f"the order of its pairs is {self.order}")
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
