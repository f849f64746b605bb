"""Paintings that are cut out: what can be seen of one is the painting, and what is hidden has no part in its style."""

import torch

from scumble.errors import ImageError
from scumble.image.files import Picture
from scumble.image.tensors import LEAST_OPACITY, alpha_tensor, resize, to_tensor, visible_colours
from scumble.style.preparation.masks import resized


def opacity(painting: Picture) -> torch.Tensor | None:
    """How much of each place can be seen, (1, 1, H, W) in [0, 1]; None for all of it.

    Raises:
        ImageError: if nothing can.
    """
    alpha = alpha_tensor(painting)
    if alpha is not None and not alpha.any():
        raise ImageError(f"{painting.name} is transparent all over: nothing of it can be seen", "use another painting")
    return alpha


def pixels(painting: Picture, size: tuple[int, int]) -> torch.Tensor:
    """A painting at (width, height): (1, 3, H, W) in [0, 1]; where it is hidden, the mean of what is not."""
    alpha = alpha_tensor(painting)
    if alpha is None:
        return resize(to_tensor(painting), size)
    colours = visible_colours(painting, size)
    seen = resized(alpha, size)
    mean = (colours * seen).sum((2, 3), keepdim=True) / seen.sum()
    return torch.where(seen < LEAST_OPACITY, mean, colours)
