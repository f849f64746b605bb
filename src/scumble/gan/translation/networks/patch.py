"""The discriminator of patches (Isola et al. 2017, section 6.1.2): a logit for each place, of what is seen from there.

With three strided layers each logit sees 70 x 70 pixels. Where the paper's ends in a sigmoid, this one ends in logits.
"""

import itertools

import torch
import torch.nn.functional as F
from torch import nn

from scumble.errors import SettingsError
from scumble.gan.networks.resampling import Downsample
from scumble.gan.networks.winograd import Convolution
from scumble.gan.translation.networks.layers import SLOPE, draw_rectified, draw_weights, norm_of

MAX_WIDENING = 8


class PatchDiscriminator(nn.Module):
    """(N, C, H, W) pictures in [-1, 1] -> (N, 1, H', W') logits, positive for what looks real.

    Args:
        channels: C: those of the pictures, and of what it is told beside them.
        width: channels after the first layer; up to eight times as many follow.
        layers: strided ones: 3 see 70 x 70 pixels, 2 see 34 x 34, 1 sees 16 x 16.
        norm: "batch", "instance" or "none".
    """

    def __init__(self, channels: int, width: int, layers: int, norm: str):
        super().__init__()
        widths = [width * min(2**layer, MAX_WIDENING) for layer in range(layers + 1)]
        bias = norm == "none"
        strided = [Downsample(c, wider, bias) for c, wider in itertools.pairwise(widths[:-1])]
        # At stride 1, a kernel of 4 x 4 with a border of one pixel takes a pixel off each side.
        last = Convolution(widths[-2], widths[-1], bias, kernel=4)
        self.layers = nn.ModuleList([Downsample(channels, width, bias=True), *strided, last])
        self.norms = nn.ModuleList([nn.Identity(), *(norm_of(norm, c) for c in widths[1:])])
        self.end = nn.Conv2d(widths[-1], 1, 4, padding=1)
        self.apply(draw_rectified if norm == "none" else draw_weights)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Logits."""
        x = pictures
        for layer, norm in zip(self.layers, self.norms, strict=True):
            x = F.leaky_relu(norm(layer(x)), SLOPE)
        return self.end(x)


def check_patches(size: tuple[int, int], layers: int) -> None:
    """Refuse more strided layers than cuts of this size have pixels for.

    Raises:
        SettingsError: if no logit would be left.
    """
    # 3 pixels are left for the two layers at stride 1.
    most = max((n for n in range(16) if min(size) >> n >= 3), default=0)
    if layers > most:
        wanted = f"at most {most}, or larger cuts" if most else "larger cuts"
        raise SettingsError(f"patch-layers: got {layers} for cuts of {size[0]} x {size[1]} pixels, wanted {wanted}")
