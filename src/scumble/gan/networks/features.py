"""A discriminator's features of pictures: one row of numbers a picture.

To tell real pictures from generated ones, it had to learn what is in them (Radford, Metz and Chintala 2015, section 5):
the activations of its layers, each pooled to a few pixels, are concatenated. What is different from the paper: layers
smaller than the pooled size stay as they are. Rows are float16, to save memory.
"""

from collections.abc import Callable, Iterator

import numpy as np
import torch
import torch.nn.functional as F

from scumble.errors import RunError
from scumble.gan.networks.discriminator import Discriminator
from scumble.gan.settings import FeatureSettings
from scumble.image.tensors import to_signed

BATCH = 256
POOLINGS: dict[str, Callable[[torch.Tensor, tuple[int, int]], torch.Tensor]] = {
    "max": F.adaptive_max_pool2d,
    "average": F.adaptive_avg_pool2d,
}
REDUCTIONS: dict[str, Callable[..., torch.Tensor]] = {"max": torch.amax, "average": torch.mean}
"""The same, of one window of pixels."""


@torch.no_grad()
def features(discriminator: Discriminator, pictures: torch.Tensor, settings: FeatureSettings) -> torch.Tensor:
    """(N, C, H, W) pictures in [-1, 1] -> (N, D): the last `layers` activations, pooled, flattened and concatenated.

    The discriminator must be in evaluation mode: a picture's features depend on itself alone.
    """
    assert not discriminator.training
    pooled = []
    for activation in list(discriminator.activations(pictures))[-settings.layers :]:  # all of them where it is 0
        height, width = (min(settings.side, side) for side in activation.shape[2:])
        pooled.append(_pooled(activation, (height, width), settings.pool).flatten(1))
    return torch.cat(pooled, 1)


def _pooled(activation: torch.Tensor, sides: tuple[int, int], pool: str) -> torch.Tensor:
    """(N, C, H, W) -> (N, C, *sides)."""
    whole = all(length % side == 0 for length, side in zip(activation.shape[2:], sides, strict=True))
    if whole or not torch.compiler.is_exporting():
        return POOLINGS[pool](activation, sides)
    # Other programs have no pooling whose windows differ in size: one window after the other, along each axis in turn.
    for axis, side in ((2, sides[0]), (3, sides[1])):
        length = activation.shape[axis]
        ends = [(number * length // side, -(-(number + 1) * length // side)) for number in range(side)]
        windows = [activation.narrow(axis, start, end - start) for start, end in ends]
        activation = torch.cat([REDUCTIONS[pool](window, axis, keepdim=True) for window in windows], axis)
    return activation


def rows(discriminator: Discriminator, pixels: np.ndarray, settings: FeatureSettings) -> Iterator[np.ndarray]:
    """(n, D) float16 features of (N, C, H, W) uint8 pictures, batch after batch.

    Raises:
        RunError: if they leave float16's range.
    """
    placement = next(discriminator.parameters()).device
    for start in range(0, len(pixels), BATCH):
        some = pixels[start : start + BATCH].copy()  # torch takes no read-only memory
        pictures = to_signed(some, placement).contiguous(memory_format=torch.channels_last)
        found = features(discriminator, pictures, settings).half()
        if not found.isfinite().all():
            raise RunError("the discriminator's activations are beyond 65504, the largest number of float16")
        yield found.cpu().numpy()
