"""Convolutions that halve a picture and transposed ones that double it: kernel 4, stride 2, one pixel of border.

On a CPU, where few pixels are left but many channels, as at the bottom of a pyramid, they are computed as one product
of two matrices: the patches of the picture, one a row, and the kernels, one a row. For 256 -> 512 channels at 8 x 8
pixels, in batches of 64, the convolutions of oneDNN reach 90 to 160 GFLOP/s on two cores, such products 210 to 220.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

MAX_POSITIONS = 49
"""Of the smaller picture: with more, the patches leave the processor's caches, and the product is no longer faster."""


class Downsample(nn.Conv2d):
    """(N, C, H, W) -> (N, C', H / 2, W / 2), rounded down."""

    def __init__(self, channels: int, after: int, bias: bool):
        super().__init__(channels, after, 4, stride=2, padding=1, bias=bias)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """The halved picture."""
        return downsample(input, self.weight, self.bias)


class Upsample(nn.ConvTranspose2d):
    """(N, C, H, W) -> (N, C', 2 H, 2 W)."""

    def __init__(self, channels: int, after: int):
        super().__init__(channels, after, 4, stride=2, padding=1, bias=False)

    def forward(self, input: torch.Tensor, output_size: list[int] | None = None) -> torch.Tensor:
        """The doubled picture."""
        assert output_size is None
        return upsample(input, self.weight)


class SmoothUpsample(nn.Conv2d):
    """Every pixel repeated 2 x 2, then a 3 x 3 convolution; computed as one transposed convolution.

    Repeating is itself a transposed convolution, with a kernel of 2 x 2 ones, and two kernels in a row are one: 4 x 4,
    the sums of the 3 x 3 kernel over every 2 x 2 window. That takes 16 products a pixel instead of 36.
    """

    def __init__(self, channels: int, after: int):
        super().__init__(channels, after, 3, padding=1)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """The doubled picture."""
        # Four times the mean is the sum, to the bit; ONNX has no pooling that sums.
        kernel = 4 * F.avg_pool2d(F.pad(self.weight, (1, 1, 1, 1)), 2, stride=1)
        # A transposed convolution wants (in, out, ...) and runs the kernel backwards.
        return upsample(input, kernel.flip(2, 3).transpose(0, 1), self.bias)


def downsample(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
    """`F.conv2d(x, weight, bias, stride=2, padding=1)` for kernels of 4 x 4."""
    if not _is_faster_as_a_product(x, (x.shape[2] // 2) * (x.shape[3] // 2)):
        return F.conv2d(x, weight, bias, stride=2, padding=1)
    y: Any = _Downsample.apply(x, weight)
    return y if bias is None else y + bias[:, None, None]


def upsample(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
    """`F.conv_transpose2d(x, weight, bias, stride=2, padding=1)` for kernels of 4 x 4."""
    if not _is_faster_as_a_product(x, x.shape[2] * x.shape[3]):
        return F.conv_transpose2d(x, weight, bias, stride=2, padding=1)
    y: Any = _Upsample.apply(x, weight)
    return y if bias is None else y + bias[:, None, None]


def _is_faster_as_a_product(x: torch.Tensor, positions: int) -> bool:
    # Other programs have fast convolutions of their own, and a graph of them that is read at a glance.
    is_ours = x.device.type == "cpu" and not torch.is_autocast_enabled("cpu") and not torch.compiler.is_exporting()
    return is_ours and positions <= MAX_POSITIONS


class _Downsample(torch.autograd.Function):
    """The convolution; all three products of its forward and backward pass share one matrix of patches."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        patches = _patches(x)
        ctx.save_for_backward(x, weight, patches if weight.requires_grad else None)
        return _picture(patches @ _matrix(weight).T, (len(x), x.shape[2] // 2, x.shape[3] // 2))

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, torch.Tensor | None]:
        x, weight, patches = ctx.saved_tensors
        gradient = gradients[0]
        to_x, to_weight = ctx.needs_input_grad
        of_x = _fold(_rows(gradient) @ _matrix(weight), gradient.shape, x.shape[2:]) if to_x else None
        if to_weight and torch.is_grad_enabled():
            patches = _patches(x)  # for a gradient of this gradient: the saved patches are cut off from x
        return of_x, _kernel(_rows(gradient).T @ patches, weight) if to_weight else None


class _Upsample(torch.autograd.Function):
    """The transposed convolution, likewise."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x, weight)
        return _fold(_rows(x) @ _matrix(weight), x.shape, (2 * x.shape[2], 2 * x.shape[3]))

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, torch.Tensor | None]:
        x, weight = ctx.saved_tensors
        patches = _patches(gradients[0])
        to_x, to_weight = ctx.needs_input_grad
        of_x = _picture(patches @ _matrix(weight).T, (len(x), *x.shape[2:])) if to_x else None
        return of_x, _kernel(_rows(x).T @ patches, weight) if to_weight else None


def _patches(x: torch.Tensor) -> torch.Tensor:
    """(N, C, H, W) -> (N h w, 16 C): the 4 x 4 pixels, of all channels, under each position of the smaller picture."""
    n, c, h, w = x.shape
    padded = F.pad(x.permute(0, 2, 3, 1), (0, 0, 1, 1, 1, 1)).contiguous()  # (N, H + 2, W + 2, C)
    row = (w + 2) * c
    windows = padded.as_strided((n, h // 2, w // 2, 4, 4 * c), ((h + 2) * row, 2 * row, 2 * c, row, 1))
    return windows.reshape(-1, 16 * c)


def _fold(patches: torch.Tensor, small: torch.Size, size: tuple[int, ...]) -> torch.Tensor:
    """The transpose of `_patches`: (N h w, 16 C) -> (N, C, *size), every pixel the sum of all patches that hold it."""
    n, _, h, w = small
    parts = patches.view(n, h, w, 2, 2, 2, 2, -1)  # rows and columns of a patch, as 2 x 2 blocks of 2 x 2 pixels
    padded = patches.new_zeros(n, 2 * h + 2, 2 * w + 2, parts.shape[-1])
    blocks = padded.view(n, h + 1, 2, w + 1, 2, -1).transpose(2, 3)
    for down in (0, 1):
        for right in (0, 1):
            blocks[:, down : down + h, right : right + w] += parts[:, :, :, down, :, right]
    return padded[:, 1 : 1 + size[0], 1 : 1 + size[1]].permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)


def _rows(x: torch.Tensor) -> torch.Tensor:
    """(N, C, H, W) -> (N H W, C)."""
    return x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])


def _picture(rows: torch.Tensor, shape: tuple[int, int, int]) -> torch.Tensor:
    """(N H W, C) -> (N, C, H, W), with `shape` = (N, H, W)."""
    return rows.view(*shape, -1).permute(0, 3, 1, 2)


def _matrix(weight: torch.Tensor) -> torch.Tensor:
    """(C', C, 4, 4) kernels -> (C', 16 C), ordered as the patches are."""
    return weight.permute(0, 2, 3, 1).reshape(len(weight), -1)


def _kernel(matrix: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """The way back."""
    return matrix.view(len(weight), 4, 4, -1).permute(0, 3, 1, 2)
