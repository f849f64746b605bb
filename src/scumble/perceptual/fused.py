"""A convolution and its ReLU in one call, on CPUs: what was just computed is rectified while it is still in the caches.

On large pictures the ReLU by itself takes half of the time of a convolution in bfloat16, all of it for reading and
writing memory (docs/log.md). The call is the one that `torch.compile` makes; it has no gradient of its own.
"""

from typing import Any

import torch
import torch.nn.functional as F

from scumble import device


def is_there(x: torch.Tensor, convolution: torch.nn.Module) -> bool:
    """Whether the library has it for such a picture, on this machine, and no gradient by the weights is wanted."""
    return (
        x.device.type == "cpu"
        and not convolution.get_parameter("weight").requires_grad
        and (x.dtype == torch.float32 or (x.dtype == torch.bfloat16 and device.onednn_has_bfloat16()))
        and torch.backends.mkldnn.is_available()
        and hasattr(torch.ops.mkldnn, "_convolution_pointwise")
    )


def rectified(x: torch.Tensor, convolution: torch.nn.Module) -> torch.Tensor:
    """`relu(convolution(x))` of a 3 x 3 `torch.nn.Conv2d` with a border of one pixel, whose weights are frozen."""
    padding = 1
    if convolution.padding_mode != "zeros":
        x, padding = F.pad(x, (1, 1, 1, 1), convolution.padding_mode), 0  # pyright: ignore[reportArgumentType]
    return _Rectified.apply(x, convolution.weight, convolution.bias, padding)  # pyright: ignore[reportReturnType]


def relu_backward(gradient: torch.Tensor, result: torch.Tensor) -> torch.Tensor:
    """What ReLU's own backward pass calls: the gradient where its result is above 0."""
    return torch.ops.aten.threshold_backward(gradient, result, 0)


class _Rectified(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, padding: int) -> torch.Tensor:
        ctx.padding = [padding, padding]
        result = torch.ops.mkldnn._convolution_pointwise(
            x, weight, bias, ctx.padding, [1, 1], [1, 1], 1, "relu", [], ""
        )
        ctx.save_for_backward(x, weight, result)
        return result

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None, None, None]:
        x, weight, result = ctx.saved_tensors
        passed = relu_backward(gradients[0], result)
        wanted = [True, False, False]
        sides = [1, 1], ctx.padding, [1, 1], False, [0, 0], 1
        return torch.ops.aten.convolution_backward(passed, x, weight, None, *sides, wanted)[0], None, None, None
