"""Adam on pixels, whose averages are carried from one size of the canvas to the next."""

import copy
from typing import Self

import torch
import torch.nn.functional as F

from scumble.storage.checkpoint import Checkpoint


class Adam:
    """Adam (Kingma and Ba 2015), on pixels.

    Args:
        lr: length of a move, 1 being a change of each pixel by 0.02 of its range.
        momentum: decay of the average of the gradient.
    """

    PIXEL_STEP = 0.02
    SQUARE_DECAY = 0.99

    def __init__(self, lr: float = 1.0, momentum: float = 0.9):
        self.lr = lr * self.PIXEL_STEP
        self.betas = momentum, self.SQUARE_DECAY
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
        if not self.mean.shape == self.square.shape == canvas.shape:
            raise ValueError("its averages of the gradient are not of the picture's shape")

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


def _resized(tensor: torch.Tensor, size: tuple[int, int], mode: str) -> torch.Tensor:
    return F.interpolate(tensor, (size[1], size[0]), mode=mode)
