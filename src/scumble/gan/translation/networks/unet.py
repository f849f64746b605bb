"""The U-Net of pix2pix (Isola et al. 2017, section 6.1.1): halved down to a pixel and doubled again, with skips.

At 256 pixels and `width` 64 these are the authors' networks, parameter for parameter: eight halvings. Smaller pictures
are halved as often as they can be; where a side is no multiple, its last pixels are repeated and what comes of them is
cut off. As in their later program, the innermost layer has no norm: of a single pixel, nothing would be left.

Where a picture is only to be restored, the result may be added to what is given, as in SRResNet: training then begins
with doing no harm.
"""

import torch
import torch.nn.functional as F
from torch import nn

from scumble.gan.networks.resampling import Downsample
from scumble.gan.translation.networks.layers import SLOPE, draw_weights, fitted, norm_of, upsampling_of, with_channels

MAX_DEPTH, MAX_WIDENING = 8, 8
DROPPED_OUT = 3
"""So many of the innermost layers of the way up have dropout, if they are of the full width."""


def depth_for(size: tuple[int, int]) -> int:
    """How often pictures of this size are halved: until a side is a pixel, at most eight times.

    Example:
        >>> depth_for((256, 256)), depth_for((128, 96)), depth_for((28, 28))
        (8, 6, 4)
    """
    return max(1, min(MAX_DEPTH, min(size).bit_length() - 1))


class UNet(nn.Module):
    """(N, C, H, W) pictures in [-1, 1] -> (N, C', H, W) in [-1, 1], or about so where it is added.

    Args:
        before: C.
        after: C'.
        width: channels of the largest features; others have up to eight times as many.
        depth: how often they are halved.
        norm: "batch", "instance" or "none".
        upsampling: "transposed", as in the paper, "resize" or "shuffle".
        dropout: probability, in training; it is the paper's only noise.
        adds: how many of the first channels are a picture to which the result, 0 at first, is added; to their mean,
            if C' is another number.
    """

    def __init__(
        self,
        before: int,
        after: int,
        width: int,
        depth: int,
        norm: str,
        upsampling: str,
        dropout: float = 0.5,
        adds: int = 0,
    ):
        super().__init__()
        self.multiple, self.adds = 2**depth, adds
        channels = [width * min(2**level, MAX_WIDENING) for level in range(depth)]
        has_norm = [0 < level < depth - 1 for level in range(depth)]
        bias = norm == "none"
        self.downs = nn.ModuleList(
            Downsample(c, wider, bias or not normed)
            for c, wider, normed in zip([before, *channels], channels, has_norm, strict=False)
        )
        self.norms_down = nn.ModuleList(
            norm_of(norm if normed else "none", c) for c, normed in zip(channels, has_norm, strict=True)
        )
        # From the innermost outwards; all but that one are given the features of the way down, too.
        doubled = [(1 if level == depth - 1 else 2) * channels[level] for level in range(depth)]
        self.ups = nn.ModuleList(
            upsampling_of(upsampling, doubled[level], channels[level - 1] if level else after, bias or not level)
            for level in reversed(range(depth))
        )
        self.norms_up = nn.ModuleList(norm_of(norm, channels[level - 1]) for level in reversed(range(1, depth)))
        full = [level for level in reversed(range(1, depth)) if channels[level - 1] == MAX_WIDENING * width]
        self.dropouts = nn.ModuleList(
            nn.Dropout(dropout if level in full[:DROPPED_OUT] else 0.0) for level in reversed(range(1, depth))
        )
        self.apply(draw_weights)
        if adds:
            for parameter in self.ups[-1].parameters():
                nn.init.zeros_(parameter)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Pictures of the same size."""
        return fitted(self._translated, pictures, self.multiple)

    def _translated(self, pictures: torch.Tensor) -> torch.Tensor:
        features = [self.downs[0](pictures)]
        for down, norm in zip(self.downs[1:], self.norms_down[1:], strict=True):
            features.append(norm(down(F.leaky_relu(features[-1], SLOPE))))
        x = features.pop()
        for up, norm, dropout in zip(self.ups, self.norms_up, self.dropouts, strict=False):
            x = torch.cat([features.pop(), dropout(norm(up(F.relu(x))))], 1)
        x = self.ups[-1](F.relu(x))
        return x + with_channels(pictures[:, : self.adds], x.shape[1]) if self.adds else torch.tanh(x)
