"""What an optimiser is: it is told where it stands, and answers with a move.

How much of the move is made, and whether it stays, is the affair of `scumble.style.optimization.descent`.
"""

from typing import Protocol, Self

import torch

from scumble.storage.checkpoint import Checkpoint


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
