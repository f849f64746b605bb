"""3 x 3 convolutions with a quarter of the multiplications (Winograd; Lavin and Gray 2016, "Fast Algorithms for CNNs").

A patch of 6 x 6 values gives 4 x 4 results: patches and kernels are carried to 36 points, where convolving is
multiplying, and the products are carried back. Between the two lies one product of matrices for each point. What is
unusual: everything is three calls of the library's own matrix product, and the gradient by the input, again a
convolution, takes the same way. Relative errors of float32 are about 1e-6, as those of the direct way. It pays
where channels are many: carrying costs as much for each of them as it saves in each pair.
"""

import functools
import math
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F

from scumble.perceptual import fused

TILE = 4
TILES_AT_ONCE = 128
"""What lies between two products, 2.25 times as large as what it comes from, shall stay in the caches."""

POINTS = (0.0, 2**0.5, -(2**0.5), 0.5**0.5, -(0.5**0.5))
"""Where polynomials of degree 5 are looked at, besides infinity. Rounding errors are half those at 0, 1, -1, 2 and -2.

With every point its inverse is among them. A kernel turned around has, at a point, the value that the kernel itself has
at the inverse, but for a factor: one set of transformed kernels, the largest thing here, serves both directions.
"""
INVERSE = [5, 3, 4, 1, 2, 0]


Matrix = list[list[float]]


def transforms(points: Sequence[float], taps: int) -> tuple[Matrix, Matrix, Matrix]:
    """One dimension of the three transforms (Winograd 1980; Lavin and Gray, section 4.3): Lagrange's interpolation.

    Args:
        points: finite ones; infinity is looked at besides.
        taps: of the kernel.

    Returns:
        What carries inputs to the points (P, P), kernels to them (P, taps), and results from them (P - taps + 1, P).
    """
    norms = [*_norms(points), 1.0]
    inputs = [[*np.poly(_others(points, point))[::-1], 0.0] for point in points] + [[*np.poly(points)[::-1]]]
    kernels = [[point**k / norm for k in range(taps)] for point, norm in zip(points, norms, strict=False)]
    last = len(points) - taps + 1
    results = [[point**k for point in points] + [float(k == last)] for k in range(last + 1)]
    return inputs, [*kernels, [0.0] * (taps - 1) + [1.0]], results


def _norms(points: Sequence[float]) -> list[float]:
    return [math.prod(point - other for other in _others(points, point)) for point in points]


def _others(points: Sequence[float], point: float) -> list[float]:
    return [other for other in points if other != point]


NORMS = [*_norms(POINTS), 1.0]
INPUT, KERNEL, OUTPUT = transforms(POINTS, taps=3)


class RectifiedConvolution:
    """`relu(conv2d(x, weight, bias, padding=1))` for kernels that no gradient is wanted of.

    Args:
        weight: (O, C, 3, 3).
        bias: (O).
    """

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor):
        self.bias = bias
        self.kernels = _at_points(weight)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """(1, C, H, W), best in channels_last memory, to (1, O, H, W) in that memory."""
        return _Rectified.apply(x, self)  # pyright: ignore[reportReturnType]


class _Rectified(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, convolution):
        result = _convolve(x, convolution.kernels, "forward", convolution.bias)
        ctx.convolution = convolution
        ctx.save_for_backward(result)
        return result

    @staticmethod
    def backward(ctx, gradient):  # pyright: ignore[reportIncompatibleMethodOverride]
        (result,) = ctx.saved_tensors
        passed = fused.relu_backward(gradient, result)
        return _convolve(passed, ctx.convolution.kernels.mT, "backward"), None


@functools.cache
def _transforms(direction: str, dtype: torch.dtype, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """To the points (36, 36) and from them (16, 36), both dimensions at once; backward, in the inverses' order."""
    to_points, from_points = torch.tensor(INPUT, dtype=torch.float64), torch.tensor(OUTPUT, dtype=torch.float64)
    if direction == "backward":
        finite = list(enumerate(POINTS))[1:]
        factors = [1 / NORMS[0], *(point**2 * NORMS[INVERSE[i]] / NORMS[i] for i, point in finite), NORMS[0]]
        to_points = (to_points * torch.tensor(factors, dtype=torch.float64)[:, None])[INVERSE]
        from_points = from_points[:, INVERSE]
    both = (torch.kron(one, one).to(dtype=dtype, device=device) for one in (to_points, from_points))
    return tuple(both)  # pyright: ignore[reportReturnType]


def _convolve(x: torch.Tensor, kernels: torch.Tensor, direction: str, bias: torch.Tensor | None = None) -> torch.Tensor:
    """With the kernels, or with them turned around; with a bias, the result is rectified, while it is still at hand."""
    _, channels, height, width = x.shape
    outputs = kernels.shape[2]
    down, across = -(-height // TILE), -(-width // TILE)
    border = (0, 0, 1, TILE * across - width + 1, 1, TILE * down - height + 1)
    padded = F.pad(x.permute(0, 2, 3, 1), border)[0]  # (H + 2 or more, W + 2 or more, C)
    row, column, _ = padded.stride()
    result = x.new_empty(TILE * down, TILE * across, outputs)
    to_points, from_points = _transforms(direction, x.dtype, x.device)
    rows_at_once = max(1, TILES_AT_ONCE // across)
    for top in range(0, down, rows_at_once):
        rows = min(rows_at_once, down - top)
        patches = padded.as_strided(
            (6, 6, rows, across, channels), (row, column, TILE * row, TILE * column, 1), TILE * top * row
        )
        points = to_points @ patches.reshape(36, -1)
        products = torch.bmm(points.view(36, rows * across, channels), kernels)
        tiles = (from_points @ products.view(36, -1)).view(TILE, TILE, rows, across, outputs)
        band = result[TILE * top : TILE * (top + rows)]
        band.view(rows, TILE, across, TILE, outputs).copy_(tiles.permute(2, 0, 3, 1, 4))
        if bias is not None:
            band.add_(bias).relu_()
    return result[:height, :width].permute(2, 0, 1)[None]


def _at_points(weight: torch.Tensor) -> torch.Tensor:
    """(O, C, 3, 3) kernels as (36, C, O)."""
    points = torch.tensor(KERNEL, dtype=torch.float64, device=weight.device)
    kernels = torch.einsum("ax,by,ocxy->abco", points, points, weight.double())
    return kernels.reshape(36, weight.shape[1], weight.shape[0]).to(weight.dtype).contiguous()
