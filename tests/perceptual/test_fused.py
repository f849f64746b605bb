"""Convolution and ReLU in one call, against the two calls of the library."""

import pytest
import torch
import torch.nn.functional as F

from scumble.perceptual import fused

PICTURE = torch.rand(1, 5, 20, 27, generator=torch.Generator().manual_seed(0)).to(memory_format=torch.channels_last)


def convolution(padding: str, dtype: torch.dtype = torch.float32) -> torch.nn.Conv2d:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        made = torch.nn.Conv2d(5, 7, 3, padding=1, padding_mode=padding)  # pyright: ignore[reportArgumentType]
    return made.to(memory_format=torch.channels_last, dtype=dtype).requires_grad_(False)  # pyright: ignore[reportCallIssue]


@pytest.mark.parametrize("padding", ["zeros", "replicate"])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 2e-2)])
def test_the_result_and_its_gradient_are_those_of_two_calls(padding, dtype, tolerance):
    layer = convolution(padding, dtype)
    if not fused.is_there(PICTURE.to(dtype), layer):
        pytest.skip("this build of torch has no oneDNN")
    results = []
    for function in (lambda x: fused.rectified(x, layer), lambda x: F.relu(layer(x))):
        x = PICTURE.to(dtype, copy=True).requires_grad_()
        result = function(x)
        slopes = torch.linspace(-1, 1, result.numel()).view(result.shape).to(dtype)
        results.append((result, torch.autograd.grad(result, x, slopes)[0]))
    for one, other in zip(*results, strict=True):
        assert one.abs().sum() > 0
        torch.testing.assert_close(one, other, rtol=tolerance, atol=tolerance)
    assert results[0][0].is_contiguous(memory_format=torch.channels_last)


def test_what_it_cannot_do_is_left_to_the_library():
    assert not fused.is_there(PICTURE.double(), convolution("zeros", torch.float64))
    assert not fused.is_there(PICTURE, convolution("zeros").requires_grad_(True))
