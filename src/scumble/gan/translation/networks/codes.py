"""Codes beside pictures: a network that is told one, and the encoder of BicycleGAN (Zhu et al. 2017b).

What is different: the encoder has no norm. Instance norm takes away the means and deviations of features, which are
just what the style of a picture is (Huang et al. 2018, MUNIT, section 5.1). And a code is given to the first layer only
(figure 3a of Zhu et al., "add to input"), so that any network takes one, for pictures of any size.
"""

import itertools

import torch
import torch.nn.functional as F
from torch import nn

from scumble.gan.networks.resnet import DownBlock

WIDEST = 4


class WithCode(nn.Module):
    """(N, C, H, W) pictures and (N, Z) codes -> what a network makes of both.

    Args:
        network: of (N, C + Z, H, W): each number of the code is a channel of its own.
    """

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, pictures: torch.Tensor, code: torch.Tensor) -> torch.Tensor:
        """Pictures."""
        planes = code[:, :, None, None].expand(-1, -1, *pictures.shape[2:])
        return self.network(torch.cat([pictures, planes], 1))


class CodeEncoder(nn.Module):
    """(N, C, H, W) pictures in [-1, 1] -> (N, 2 Z): means of the codes, then logarithms of their variances.

    Args:
        channels: C.
        latent: Z.
        width: channels of the first features; up to four times as many follow.
        halvings: of the picture, one by the first layer.
    """

    def __init__(self, channels: int, latent: int, width: int, halvings: int):
        super().__init__()
        widths = [width * min(2**level, WIDEST) for level in range(halvings)]
        self.start = nn.Conv2d(channels, width, 4, 2, 1)
        self.blocks = nn.Sequential(*(DownBlock(c, after, "none") for c, after in itertools.pairwise(widths)))
        self.end = nn.Linear(widths[-1], 2 * latent)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Means and logarithms of variances."""
        return self.end(F.relu(self.blocks(self.start(pictures))).mean((2, 3)))
