"""The pyramid that all pairs but `mlp` share: how often a picture is halved, and how many channels each stage has.

A picture is halved until its shorter side is about 4 pixels; the widest stage, 8 x `width` channels, is at the bottom,
and each doubling of the picture halves the channels. Every stage then costs the same: a picture of 128 pixels takes
twice the work of one of 32, not sixteen times.
"""

import math

import torch
from torch import nn

BOTTOM_SIDE = 4


def stage_sizes(height: int, width: int) -> list[tuple[int, int]]:
    """(height, width) of every stage, from the bottom, about 4 pixels high or wide, to the picture itself.

    Example:
        >>> stage_sizes(64, 96)
        [(4, 6), (8, 12), (16, 24), (32, 48), (64, 96)]
        >>> stage_sizes(28, 28)
        [(4, 4), (7, 7), (14, 14), (28, 28)]
    """
    halvings = round(math.log2(min(height, width) / BOTTOM_SIDE))
    return [(-(-height // 2**k), -(-width // 2**k)) for k in range(halvings, -1, -1)]


def stage_channels(width: int, stages: int) -> list[int]:
    """Channels of every stage from the bottom up: 8 x `width`, then half as many at each, `width` / 4 at least."""
    return [max(width // 4, 8 * width >> stage) for stage in range(stages)]


def crop(features: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Cut (N, C, H, W) features to (height, width): doubling gives a stage of odd size one pixel too many."""
    height, width = size
    return features[..., :height, :width]


class ToFeatures(nn.Linear):
    """(N, Z) latents -> (N, C, H, W) features: the transposed convolution of a 1 x 1 picture, as the product it is."""

    def __init__(self, latent: int, channels: int, size: tuple[int, int], bias: bool):
        super().__init__(latent, size[0] * size[1] * channels, bias)
        self.size = size

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Features."""
        # Laid out as (N, H, W, C), so that the convolutions that follow find channels last in memory.
        return super().forward(input).unflatten(1, (*self.size, -1)).permute(0, 3, 1, 2)


class ToLogit(nn.Linear):
    """(N, C, H, W) features -> (N,) logits: the convolution whose kernel covers the picture, likewise."""

    def __init__(self, channels: int, size: tuple[int, int], bias: bool):
        super().__init__(size[0] * size[1] * channels, 1, bias)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Logits."""
        return super().forward(input.permute(0, 2, 3, 1).flatten(1)).squeeze(1)
