"""The network of ESRGAN (Wang et al. 2018, figures 3 and 4): dense blocks within residual ones, without any norm.

At `width` 64 with 23 blocks it is the authors', parameter for parameter. What is different: the result is added to the
bicubic enlargement, and the last layer starts at 0, as in `srresnet`.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

from scumble.gan.translation.networks.layers import SLOPE
from scumble.gan.translation.networks.srresnet import enlarged

RESIDUAL = 0.2
"""What the results of blocks are multiplied by before they are added (section 3.1, "residual scaling")."""
SMALLER = 0.1
"""Likewise their first weights (the paper's supplement: "smaller initialization")."""


class DenseBlock(nn.Module):
    """(N, C, H, W) -> the same shape: five convolutions, each of which sees the results of all before; plus a skip."""

    def __init__(self, channels: int):
        super().__init__()
        growth = channels // 2
        after = [growth] * 4 + [channels]
        self.convolutions = nn.ModuleList(
            nn.Conv2d(channels + n * growth, c, 3, padding=1) for n, c in enumerate(after)
        )
        for convolution in self.convolutions:
            nn.init.kaiming_normal_(convolution.get_parameter("weight"))
            convolution.get_parameter("weight").data.mul_(SMALLER)
            nn.init.zeros_(convolution.get_parameter("bias"))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Features."""
        seen = x
        for convolution in self.convolutions[:-1]:
            seen = torch.cat([seen, F.leaky_relu(convolution(seen), SLOPE)], 1)
        return x + RESIDUAL * self.convolutions[-1](seen)


class Block(nn.Module):
    """(N, C, H, W) -> the same shape: three dense blocks, and a skip around them."""

    def __init__(self, channels: int):
        super().__init__()
        self.dense = nn.Sequential(*(DenseBlock(channels) for _ in range(3)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Features."""
        return x + RESIDUAL * self.dense(x)


class RRDB(nn.Module):
    """(N, C, H, W) pictures in [-1, 1] -> (N, C', factor * H, factor * W), about in [-1, 1].

    Args:
        before: C.
        after: C', as of `SRResNet`.
        factor: a power of 2. Each doubling repeats pixels and convolves.
        width: channels of the features; dense blocks grow by half as many.
        blocks: residual ones.
    """

    def __init__(self, before: int, after: int, factor: int, width: int, blocks: int):
        super().__init__()
        self.factor = factor
        self.start = nn.Conv2d(before, width, 3, padding=1)
        self.blocks = nn.Sequential(*(Block(width) for _ in range(blocks)), nn.Conv2d(width, width, 3, padding=1))
        doublings = range(int(math.log2(factor)))
        self.enlarge = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in doublings)
        self.last = nn.Conv2d(width, width, 3, padding=1)
        self.end = nn.Conv2d(width, after, 3, padding=1)
        nn.init.zeros_(self.end.weight)
        nn.init.zeros_(self.end.get_parameter("bias"))

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Larger pictures."""
        x = self.start(pictures)
        x = x + self.blocks(x)
        for convolution in self.enlarge:
            x = F.leaky_relu(convolution(F.interpolate(x, scale_factor=2.0)), SLOPE)
        x = self.end(F.leaky_relu(self.last(x), SLOPE))
        return x + enlarged(pictures, self.factor, x.shape[1])
