"""Convolutions that learn, with 39 to 56% of the multiplications (Winograd; Lavin and Gray 2016).

As for VGG19 (`perceptual.winograd`), inputs and kernels are carried to points where convolving is multiplying. Here the
kernels' gradient is taken there, too: it is the product of the inputs and of the gradient at the same points, so that
what the forward pass has carried there serves the way back. Unusual is stride 2. A kernel of 4 x 4 that moves by two
pixels is one of 2 x 2 that moves by one, over blocks of 2 x 2 pixels with four times the channels.

Rounding errors stay below 1e-6, two to three times those of products one by one. Whether it is done so depends on
shapes alone, never on a measurement: a training that is interrupted and resumed has the same bits.
"""

import functools
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from scumble.perceptual import winograd

POINTS = {3: (0.0, 1.0), 4: (0.0, 1.0, -1.0), 5: (0.4, -0.4, 1.3, -1.3), 6: winograd.POINTS}
"""The finite ones, by their number with infinity. Rounding errors of the five are half those at 0, 1, -1 and 2."""
TILES = (4, 3, 2)
TILES_AT_ONCE = 256
"""What is carried to the points shall be multiplied there while it is in the caches."""

MIN_CHANNELS = 128
"""Of input (times the pixels of a block) and output: what is carried for each channel is multiplied for each pair."""
KERNELS_AS_TILES = 60
"""To carry the kernels to the points and back takes as long as multiplying them with so many tiles."""
MAX_SHARE = 0.85
"""Of the multiplications; with more of them left, carrying takes longer than they do (docs/log.md)."""


class Tiling(NamedTuple):
    """How a convolution is taken apart: with kernels of 3 x 3 or 4 x 4, or of 4 x 4 at stride 2.

    In the shapes below, P are the points of both dimensions, T the tiles of all pictures, C the input's channels, times
    the pixels of a block, and O the output's. H and W are of the input, h and w of the output.

    Attributes:
        stride: the side of a block, in pixels.
        tile: the side of the outputs that are computed together; as long as what tiles share, at least.
        taps: the side of the kernel, in blocks.
        border: of zeros around the picture, in pixels.
    """

    stride: int
    tile: int
    taps: int
    border: int = 1

    @property
    def side(self) -> int:
        """Of what a tile is computed from, in blocks; and the points of one dimension."""
        return self.tile + self.taps - 1

    def outputs(self, side: int) -> int:
        """Along a side of so many pixels."""
        return (side + 2 * self.border) // self.stride - self.taps + 1

    def tiles(self, height: int, width: int) -> tuple[int, int]:
        """How many cover an output of h x w pixels, down and across."""
        return -(-height // self.tile), -(-width // self.tile)

    def multiplications(self, pictures: int, height: int, width: int) -> int:
        """For each pair of channels, kernels that are carried included."""
        down, across = self.tiles(height, width)
        return self.side**2 * (pictures * down * across + KERNELS_AS_TILES)

    def parts(self, pictures: int, height: int, width: int) -> Iterator[slice]:
        """So many of the pictures as are computed at once."""
        down, across = self.tiles(height, width)
        step = max(1, TILES_AT_ONCE // (down * across))
        return (slice(first, first + step) for first in range(0, pictures, step))

    # --- To the points and from them: each is the transpose of the next ---------------------------------------------

    def inputs_at_points(self, x: Tensor) -> Tensor:
        """(N, H, W, C) -> (P, T, C)."""
        n, height, width, channels = x.shape
        stride, tile = self.stride, self.tile
        down, across = self.tiles(self.outputs(height), self.outputs(width))
        border = self.border
        bottom, right = (stride * (tile * count + self.taps - 1) - border for count in (down, across))
        padded = F.pad(x, (0, 0, border, right - width, border, bottom - height)).contiguous()
        picture, row, column, _ = padded.stride()
        patches = padded.as_strided(
            (self.side, self.side, n, down, across, stride, stride * channels),
            (stride * row, stride * column, picture, tile * stride * row, tile * stride * column, row, 1),
        )
        return self._carried(0, patches).view(self.side**2, -1, stride**2 * channels)

    def inputs_from_points(self, points: Tensor, x: Tensor) -> None:
        """(P, T, C) -> (N, H, W, C), written into x; each pixel is the sum of what all tiles that hold it say."""
        n, height, width, channels = x.shape
        stride, tile, more = self.stride, self.tile, self.taps - 1  # blocks that a tile shares with the next
        down, across = self.tiles(self.outputs(height), self.outputs(width))
        carried = self._carried(0, points.view(self.side, self.side, n, down, across, stride, -1), transposed=True)
        patches = carried.permute(2, 3, 0, 5, 4, 1, 6)  # (N, tile, block, pixel, tile, block, pixel and channel)
        sums = points.new_empty(n, tile * down + more, stride, tile * across + more, stride * channels)
        sums[:, -more:], sums[:, :, :, -more:] = 0, 0  # no tile begins there
        picture, row, _, column, _ = sums.stride()
        strides = (picture, tile * row, row, row // stride, tile * column, column, 1)
        for below, rows in ((0, slice(0, tile)), (tile, slice(tile, None))):
            for right, columns in ((0, slice(0, tile)), (tile, slice(tile, None))):
                some = patches[:, :, rows, :, :, columns]
                place = sums.as_strided(some.shape, strides, below * row + right * column)
                place.copy_(some) if below == right == 0 else place.add_(some)
        pixels = sums.view(n, stride * (tile * down + more), stride * (tile * across + more), channels)
        x.copy_(pixels[:, self.border : self.border + height, self.border : self.border + width])

    def outputs_at_points(self, y: Tensor) -> Tensor:
        """(N, h, w, O) -> (P, T, O)."""
        n, height, width, channels = y.shape
        down, across = self.tiles(height, width)
        padded = F.pad(y, (0, 0, 0, across * self.tile - width, 0, down * self.tile - height))
        tiles = padded.reshape(n, down, self.tile, across, self.tile, channels).permute(2, 4, 0, 1, 3, 5)
        return self._carried(2, tiles, transposed=True).view(self.side**2, -1, channels)

    def outputs_from_points(self, points: Tensor, y: Tensor, bias: Tensor | None = None) -> None:
        """(P, T, O) -> (N, h, w, O), written into y."""
        n, height, width, channels = y.shape
        down, across = self.tiles(height, width)
        tiles = self._carried(2, points.view(self.side, self.side, n, down, across, channels)).permute(2, 3, 0, 4, 1, 5)
        if bias is not None:
            tiles += bias
        if (height, width) == (down * self.tile, across * self.tile):
            y.view(tiles.shape).copy_(tiles)
        else:
            y.copy_(tiles.reshape(n, down * self.tile, across * self.tile, channels)[:, :height, :width])

    def kernels_at_points(self, weight: Tensor) -> Tensor:
        """(O, C, k, k) -> (P, O, C)."""
        outputs, taps, stride = len(weight), self.taps, self.stride
        blocks = weight.permute(0, 2, 3, 1).reshape(outputs, taps, stride, taps, -1)  # the last: pixel and channel
        return self._carried(1, blocks.permute(1, 3, 0, 2, 4)).view(self.side**2, outputs, -1)

    def kernels_from_points(self, points: Tensor) -> Tensor:
        """(P, O, C) -> (O, C, k, k)."""
        outputs, taps, stride = points.shape[1], self.taps, self.stride
        blocks = self._carried(1, points.view(self.side, self.side, outputs, stride, -1), transposed=True)
        return blocks.permute(2, 0, 3, 1, 4).reshape(outputs, taps * stride, taps * stride, -1).permute(0, 3, 1, 2)

    def _carried(self, which: int, x: Tensor, transposed: bool = False) -> Tensor:
        """(i, i, ...) -> (j, j, ...), by one of the three transforms."""
        matrix = _both_dimensions(self.tile, self.taps, which, x.dtype)
        matrix = matrix.T if transposed else matrix
        side = round(len(matrix) ** 0.5)
        return (matrix @ x.reshape(matrix.shape[1], -1)).view(side, side, *x.shape[2:])


@functools.cache
def _both_dimensions(tile: int, taps: int, which: int, dtype: torch.dtype) -> Tensor:
    one = torch.tensor(winograd.transforms(POINTS[tile + taps - 1], taps)[which], dtype=torch.float64, device="cpu")
    return torch.kron(one, one).to(dtype)


def convolve(x: Tensor, weight: Tensor, bias: Tensor | None = None, stride: int = 1, border: int = 1) -> Tensor:
    """`F.conv2d(x, weight, bias, stride, padding=border)`, for kernels of 3 x 3 or 4 x 4, and of 4 x 4 at stride 2."""
    if (tiling := _tiling(x, weight, stride, border)) is None:
        return F.conv2d(x, weight, bias, stride=stride, padding=border)
    return _Convolution.apply(x, _learning(weight), bias, tiling)  # pyright: ignore[reportReturnType]


def convolve_transposed(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """`F.conv_transpose2d(x, weight, bias, stride=2, padding=1)`, for kernels of 4 x 4."""
    if (tiling := _tiling(x, weight, 2, outputs=(x.shape[2], x.shape[3]))) is None:
        return F.conv_transpose2d(x, weight, bias, stride=2, padding=1)
    y: Tensor = _Transposed.apply(x, _learning(weight), tiling)  # pyright: ignore[reportAssignmentType]
    return y if bias is None else y + bias[:, None, None]


class Convolution(nn.Conv2d):
    """(N, C, H, W) -> (N, C', H, W), with kernels of 3 x 3; with 4 x 4, sides are a pixel shorter."""

    def __init__(self, channels: int, after: int, bias: bool = True, kernel: int = 3):
        super().__init__(channels, after, kernel, padding=1, bias=bias)

    def forward(self, input: Tensor) -> Tensor:
        """Features."""
        return convolve(input, self.weight, self.bias)


def _tiling(
    x: Tensor, weight: Tensor, stride: int, border: int = 1, outputs: tuple[int, int] | None = None
) -> Tiling | None:
    """The one with the fewest multiplications; None where the library's own convolutions take less time."""
    # Other programs have fast convolutions of their own, and a graph of them that is read at a glance.
    is_ours = (
        x.device.type == "cpu"
        and x.dtype in (torch.float32, torch.float64)
        and not torch.is_autocast_enabled("cpu")
        and not torch.compiler.is_exporting()
    )
    if not is_ours or min(weight.shape[0], stride**2 * weight.shape[1]) < MIN_CHANNELS:
        return None
    taps = weight.shape[2] // stride
    tilings = [Tiling(stride, tile, taps, border) for tile in TILES if tile >= taps - 1 and tile + taps - 1 in POINTS]
    outputs = outputs or (tilings[0].outputs(x.shape[2]), tilings[0].outputs(x.shape[3]))
    work = [tiling.multiplications(len(x), *outputs) for tiling in tilings]
    most = MAX_SHARE * len(x) * outputs[0] * outputs[1] * tilings[0].taps ** 2
    return tilings[work.index(min(work))] if min(work) < most else None


def _learning(weight: Tensor) -> Tensor:
    """Within a function of autograd, it cannot be told whether any gradient will be asked for."""
    return weight if torch.is_grad_enabled() else weight.detach()


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, tiling: Tiling) -> Tensor:
        pixels, kernels, kept = x.permute(0, 2, 3, 1), tiling.kernels_at_points(weight), []
        y = _empty(x, len(weight), tiling.outputs(x.shape[2]), tiling.outputs(x.shape[3]))
        results = y.permute(0, 2, 3, 1)
        for some in tiling.parts(*results.shape[:3]):
            inputs = tiling.inputs_at_points(pixels[some])
            tiling.outputs_from_points(torch.bmm(inputs, kernels.mT), results[some], bias)
            kept += [inputs] if ctx.needs_input_grad[1] else []
        ctx.tiling = tiling
        ctx.save_for_backward(x, weight, kernels, *kept)
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None, None]:
        (x, weight, kernels, *kept), tiling, wanted = ctx.saved_tensors, ctx.tiling, ctx.needs_input_grad
        of_bias = gradients[0].sum((0, 2, 3)) if wanted[2] else None
        if torch.is_grad_enabled():
            return *_as_torch_does(gradients[0], x, weight, tiling, False, wanted), of_bias, None
        y = gradients[0].permute(0, 2, 3, 1)
        of_x = _empty(x, *x.shape[1:]) if wanted[0] else None
        pixels = None if of_x is None else of_x.permute(0, 2, 3, 1)
        of_kernels = None
        for number, some in enumerate(tiling.parts(*y.shape[:3])):
            outputs = tiling.outputs_at_points(y[some])
            if pixels is not None:
                tiling.inputs_from_points(torch.bmm(outputs, kernels), pixels[some])
            if wanted[1]:
                of_kernels = _added(of_kernels, outputs.mT, kept[number])
        of_weight = None if of_kernels is None else tiling.kernels_from_points(of_kernels)
        return of_x, of_weight, of_bias, None


class _Transposed(torch.autograd.Function):
    """The same the other way round: what was the output is given, and what was the input is computed."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, tiling: Tiling) -> Tensor:
        pixels, kernels, kept = x.permute(0, 2, 3, 1), tiling.kernels_at_points(weight), []
        y = _empty(x, weight.shape[1], x.shape[2] * tiling.stride, x.shape[3] * tiling.stride)
        results = y.permute(0, 2, 3, 1)
        for some in tiling.parts(*pixels.shape[:3]):
            outputs = tiling.outputs_at_points(pixels[some])
            tiling.inputs_from_points(torch.bmm(outputs, kernels), results[some])
            kept += [outputs] if ctx.needs_input_grad[1] else []
        ctx.tiling = tiling
        ctx.save_for_backward(x, weight, kernels, *kept)
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        (x, weight, kernels, *kept), tiling, wanted = ctx.saved_tensors, ctx.tiling, ctx.needs_input_grad
        if torch.is_grad_enabled():
            return *_as_torch_does(gradients[0], x, weight, tiling, True, wanted), None
        y = gradients[0].permute(0, 2, 3, 1)
        of_x = _empty(x, *x.shape[1:]) if wanted[0] else None
        pixels = None if of_x is None else of_x.permute(0, 2, 3, 1)
        of_kernels = None
        for number, some in enumerate(tiling.parts(len(x), *x.shape[2:])):
            inputs = tiling.inputs_at_points(y[some])
            if pixels is not None:
                tiling.outputs_from_points(torch.bmm(inputs, kernels.mT), pixels[some])
            if wanted[1]:
                of_kernels = _added(of_kernels, kept[number].mT, inputs)
        of_weight = None if of_kernels is None else tiling.kernels_from_points(of_kernels)
        return of_x, of_weight, None


def _added(products: Tensor | None, some: Tensor, others: Tensor) -> Tensor:
    """Products of matrices, added to those that there are."""
    return torch.bmm(some, others) if products is None else products.baddbmm_(some, others)


def _empty(x: Tensor, channels: int, height: int, width: int) -> Tensor:
    """(N, channels, height, width), whose pixels lie in memory one after the other."""
    return torch.empty(
        len(x), channels, height, width, dtype=x.dtype, device=x.device, memory_format=torch.channels_last
    )


def _as_torch_does(
    gradient: Tensor, x: Tensor, weight: Tensor, tiling: Tiling, transposed: bool, wanted: tuple[bool, ...]
) -> tuple[Tensor | None, Tensor | None]:
    """The gradients by x and weight, where they are wanted."""
    sides = [tiling.stride] * 2, [tiling.border] * 2, [1, 1], transposed, [0, 0], 1
    return torch.ops.aten.convolution_backward(gradient, x, weight, None, *sides, [*wanted[:2], False])[:2]
