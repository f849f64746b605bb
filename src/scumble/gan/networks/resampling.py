"""Convolutions that halve a picture and transposed ones that double it: kernel 4, stride 2, one pixel of border.

Where pictures are small and few, there is little to convolve and all time goes into the kernels, which libraries carry
to another layout first. There a convolution is taken as the product of matrices that it is, of kernels as they lie:
two to ten times as fast on a CPU. As of `winograd`, whether it is so depends on shapes alone.
"""

import torch
import torch.nn.functional as F
from torch import nn

from scumble.gan.networks.winograd import convolve, convolve_transposed

FEW_PIXELS = 64
"""Of all pictures of a batch, on the smaller side: with 256 channels, half the time with 64, as much with 128."""
MANY_CHANNELS = 128


class Downsample(nn.Conv2d):
    """(N, C, H, W) -> (N, C', H / 2, W / 2), rounded down."""

    def __init__(self, channels: int, after: int, bias: bool):
        super().__init__(channels, after, 4, stride=2, padding=1, bias=bias)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """The halved picture."""
        count, channels, height, width = input.shape
        weight = self.weight  # read once: each time, spectral norm takes a step, and time
        if not _is_small(input, weight, count * (height // 2) * (width // 2)):
            return convolve(input, weight, self.bias, stride=2)
        windows = F.pad(input.permute(0, 2, 3, 1), (0, 0, 1, 1, 1, 1)).unfold(1, 4, 2).unfold(2, 4, 2)
        rows = windows.permute(0, 1, 2, 4, 5, 3).reshape(-1, 16 * channels)
        found = F.linear(rows, weight.permute(0, 2, 3, 1).reshape(-1, 16 * channels), self.bias)
        return found.view(count, height // 2, width // 2, -1).permute(0, 3, 1, 2)


class Upsample(nn.ConvTranspose2d):
    """(N, C, H, W) -> (N, C', 2 H, 2 W)."""

    def __init__(self, channels: int, after: int, bias: bool = False):
        super().__init__(channels, after, 4, stride=2, padding=1, bias=bias)

    def forward(self, input: torch.Tensor, output_size: list[int] | None = None) -> torch.Tensor:
        """The doubled picture."""
        assert output_size is None
        count, channels, height, width = input.shape
        weight = self.weight  # likewise
        if not _is_small(input, weight, count * height * width):
            return convolve_transposed(input, weight, self.bias)
        kernels = weight.permute(0, 2, 3, 1).reshape(channels, -1)
        products = input.permute(0, 2, 3, 1).reshape(-1, channels) @ kernels
        products = products.view(count, height * width, 4, 4, -1).permute(0, 4, 2, 3, 1)
        return _summed(products, (height, width), self.bias)


class SmoothUpsample(nn.Conv2d):
    """Every pixel repeated 2 x 2, then a 3 x 3 convolution; computed as one transposed convolution.

    Repeating is itself a transposed convolution, with a kernel of 2 x 2 ones, and two kernels in a row are one: 4 x 4,
    the sums of the 3 x 3 kernel over every 2 x 2 window. That takes 16 products a pixel instead of 36; or 9, where what
    is summed are the products.
    """

    def __init__(self, channels: int, after: int, bias: bool = True):
        super().__init__(channels, after, 3, padding=1, bias=bias)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """The doubled picture."""
        count, channels, height, width = input.shape
        weight = self.weight
        if not _is_small(input, weight, count * height * width):
            # A transposed convolution wants (in, out, ...) and runs the kernel backwards.
            kernel = _paired(_paired(weight, 2), 3).flip(2, 3).transpose(0, 1)
            return convolve_transposed(input, kernel, self.bias)
        kernels = weight.permute(0, 2, 3, 1).reshape(-1, channels)
        products = F.linear(input.permute(0, 2, 3, 1).reshape(-1, channels), kernels)
        products = products.view(count, height * width, -1, 3, 3).permute(0, 2, 3, 4, 1)
        return _summed(_paired(_paired(products, 2), 3).flip(2, 3), (height, width), self.bias)


def _is_small(x: torch.Tensor, weight: torch.Tensor, pixels: int) -> bool:
    """Whether the product is the faster way: not for other programs, whose graphs are to be read at a glance."""
    is_wide = min(weight.shape[:2]) >= MANY_CHANNELS
    return is_wide and pixels <= FEW_PIXELS and x.device.type == "cpu" and not torch.compiler.is_exporting()


def _summed(products: torch.Tensor, size: tuple[int, int], bias: torch.Tensor | None) -> torch.Tensor:
    """(N, C, 4, 4, H * W): what each pixel gives to 4 x 4 pixels -> (N, C, 2 H, 2 W), their sums."""
    height, width = size
    found = F.fold(products.reshape(len(products), -1, height * width), (2 * height, 2 * width), 4, padding=1, stride=2)
    found = found if bias is None else found + bias[:, None, None]
    return found.contiguous(memory_format=torch.channels_last)


def _paired(kernel: torch.Tensor, dimension: int) -> torch.Tensor:
    """Three numbers a, b, c as the four a, a + b, b + c, c."""
    first, middle, last = kernel.unbind(dimension)
    return torch.stack([first, first + middle, middle + last, last], dimension)
