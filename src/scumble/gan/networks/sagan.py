"""SAGAN (Zhang et al. 2019): the residual networks of `resnet`, each with one layer of self-attention.

It is where features have 32 x 32 pixels, which the paper's Table 1 finds best for pictures of 128; of smaller pictures,
at half their size. What is different: the generator has no spectral norm, and no batch norm by classes.
"""

import torch
from torch import nn

from scumble.gan.networks import resnet
from scumble.gan.networks.discriminator import bounded
from scumble.gan.networks.pyramid import stage_channels, stage_sizes

MAX_POSITIONS = 32 * 32
"""Of what is attended to: memory grows with their square."""


class SelfAttention(nn.Module):
    """(N, C, H, W) -> (N, C, H, W): what each position finds at all of them, added to it (eqs. 1 to 3 of the paper).

    It begins as nothing: `gamma` is 0. The softmax is written out, since torch's own attention has no second gradient,
    which penalties take.

    Args:
        channels: C, of which an eighth is compared and carried.
        norm: of the convolutions.
    """

    def __init__(self, channels: int, norm: str = "none"):
        super().__init__()
        few = max(1, channels // 8)
        self.looking, self.looked_at, self.carried = (bounded(nn.Conv2d(channels, few, 1), norm) for _ in range(3))
        self.back = bounded(nn.Conv2d(few, channels, 1), norm)
        self.gamma = nn.Parameter(torch.zeros(()))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Features."""
        looking, looked_at, carried = (layer(x).flatten(2) for layer in (self.looking, self.looked_at, self.carried))
        attention = (looking.transpose(1, 2) @ looked_at).softmax(2)  # (N, H*W, H*W): each row's sum is 1
        found = (carried @ attention.transpose(1, 2)).unflatten(2, x.shape[2:])
        return x + self.gamma * self.back(found)


class Generator(resnet.Generator):
    """See `resnet.Generator`."""

    def __init__(self, latent: int, width: int, shape: tuple[int, int, int]):
        super().__init__(latent, width, shape)
        stage = attended_stage(self.sizes)
        channels = stage_channels(width, len(self.sizes))[stage]
        self.blocks[stage - 1] = AttentiveUpBlock(self.blocks[stage - 1], channels)


class AttentiveUpBlock(nn.Module):
    """A doubling block, and self-attention after it.

    Args:
        block: an `UpBlock`.
        channels: of what it gives.
    """

    def __init__(self, block: nn.Module, channels: int):
        super().__init__()
        self.block, self.attention = block, SelfAttention(channels)

    def forward(self, x: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
        """Features of (height, width) = `size`."""
        return self.attention(self.block(x, size))


class Discriminator(resnet.Discriminator):
    """See `resnet.Discriminator`."""

    def __init__(self, width: int, shape: tuple[int, int, int], norm: str = "spectral"):
        super().__init__(width, shape, norm)
        sizes = stage_sizes(*shape[1:])
        stage = attended_stage(sizes)
        number = len(sizes) - 2 - stage  # blocks go from the picture down
        channels = stage_channels(width, len(sizes))[stage]
        self.blocks[number] = nn.Sequential(self.blocks[number], SelfAttention(channels, norm))


def attended_stage(sizes: list[tuple[int, int]]) -> int:
    """Which of (height, width) from the bottom up has self-attention: the largest below the picture that may.

    Example:
        >>> attended_stage([(4, 4), (8, 8), (16, 16), (32, 32), (64, 64), (128, 128)])
        3
    """
    return max((n for n, (h, w) in enumerate(sizes[:-1]) if n and h * w <= MAX_POSITIONS), default=1)
