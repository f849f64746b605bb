"""Convolutions that halve a picture and transposed ones that double it: kernel 4, stride 2, one pixel of border."""

import torch
from torch import nn

from scumble.gan.networks.winograd import convolve, convolve_transposed


class Downsample(nn.Conv2d):
    """(N, C, H, W) -> (N, C', H / 2, W / 2), rounded down."""

    def __init__(self, channels: int, after: int, bias: bool):
        super().__init__(channels, after, 4, stride=2, padding=1, bias=bias)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """The halved picture."""
        return convolve(input, self.weight, self.bias, stride=2)


class Upsample(nn.ConvTranspose2d):
    """(N, C, H, W) -> (N, C', 2 H, 2 W)."""

    def __init__(self, channels: int, after: int, bias: bool = False):
        super().__init__(channels, after, 4, stride=2, padding=1, bias=bias)

    def forward(self, input: torch.Tensor, output_size: list[int] | None = None) -> torch.Tensor:
        """The doubled picture."""
        assert output_size is None
        return convolve_transposed(input, self.weight, self.bias)


class SmoothUpsample(nn.Conv2d):
    """Every pixel repeated 2 x 2, then a 3 x 3 convolution; computed as one transposed convolution.

    Repeating is itself a transposed convolution, with a kernel of 2 x 2 ones, and two kernels in a row are one: 4 x 4,
    the sums of the 3 x 3 kernel over every 2 x 2 window. That takes 16 products a pixel instead of 36.
    """

    def __init__(self, channels: int, after: int, bias: bool = True):
        super().__init__(channels, after, 3, padding=1, bias=bias)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """The doubled picture."""
        kernel = _paired(_paired(self.weight, 2), 3)
        # A transposed convolution wants (in, out, ...) and runs the kernel backwards.
        return convolve_transposed(input, kernel.flip(2, 3).transpose(0, 1), self.bias)


def _paired(kernel: torch.Tensor, dimension: int) -> torch.Tensor:
    """Three numbers a, b, c as the four a, a + b, b + c, c."""
    first, middle, last = kernel.unbind(dimension)
    return torch.stack([first, first + middle, middle + last, last], dimension)
