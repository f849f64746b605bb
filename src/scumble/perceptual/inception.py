"""The Inception network by which the Fréchet Inception Distance is defined (Heusel et al. 2017), as a table.

It is TensorFlow's Inception-v3 of 2015-12-05 (Szegedy et al. 2016). Its weights were converted by pytorch-fid and are
named as torchvision's; no other Inception measures the same distance. What is unusual about this one:

- average pooling divides by the number of pixels in the window, which is smaller at a border, and not always by nine;
- the last block pools maxima where the one before it, and the paper, pool averages;
- there are 1008 classes, and the Inception Score takes their logits without the bias: the code of Salimans et al.
  (2016) multiplies the features by the classifier's weights alone. The bias is not even read here.

Pictures are resized as by pytorch-fid. TensorFlow 1 measures from the corners of pixels, not from their middles, and
its graph maps 255 to 127/128, not to 1: pytorch-fid's README tells of a distance that differs by 0.0009 of itself.
Batch norm, a factor and a shift for each channel of a frozen network, is folded into the convolutions.
"""

import itertools
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import torch
import torch.nn.functional as F

from scumble.perceptual.catalogue import CATALOGUE

PREPROCESSING = CATALOGUE["inception"].preprocessing

SIDE = 299
"""Both sides of what the network sees, in pixels."""

CLASSES = 1008
"""ImageNet's 1000, and 8 without a meaning."""

EPSILON = 1e-3
"""Added to batch norm's variances in TensorFlow's graph; PyTorch's default is 1e-5."""

BATCH_NORM = ("weight", "bias", "running_mean", "running_var")

POOLINGS = {
    "average": torch.nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False),
    "max": torch.nn.MaxPool2d(3, stride=1, padding=1),
    "max/2": torch.nn.MaxPool2d(3, stride=2),
}


def _block_a(pooled: int) -> dict[str, str]:
    return {
        "branch1x1": "1x1:64",
        "branch5x5": "1x1:48 5x5:64",
        "branch3x3dbl": "1x1:64 3x3:96 3x3:96",
        "branch_pool": f"average 1x1:{pooled}",
    }


def _block_c(width: int) -> dict[str, str]:
    return {
        "branch1x1": "1x1:192",
        "branch7x7": f"1x1:{width} 1x7:{width} 7x1:192",
        "branch7x7dbl": f"1x1:{width} 7x1:{width} 1x7:{width} 7x1:{width} 1x7:192",
        "branch_pool": "average 1x1:192",
    }


def _block_e(pooling: str) -> dict[str, str]:
    return {
        "branch1x1": "1x1:320",
        "branch3x3": "1x1:384 1x3:384+3x1:384",
        "branch3x3dbl": "1x1:448 3x3:384 1x3:384+3x1:384",
        "branch_pool": f"{pooling} 1x1:192",
    }


# Block by block, what its branches do with its input; their outputs are put together channel by channel. A branch is a
# row of 3 x 3 poolings and of convolutions HEIGHTxWIDTH:CHANNELS, which are padded to keep the size. A slash stands
# before a stride, and there nothing is padded. Two convolutions with a plus between them stand side by side.
BLOCKS = {
    "Conv2d_1a_3x3": {"": "3x3/2:32"},
    "Conv2d_2a_3x3": {"": "3x3/1:32"},
    "Conv2d_2b_3x3": {"": "3x3:64 max/2"},
    "Conv2d_3b_1x1": {"": "1x1:80"},
    "Conv2d_4a_3x3": {"": "3x3/1:192 max/2"},  # 35 x 35 pixels are left
    "Mixed_5b": _block_a(32),
    "Mixed_5c": _block_a(64),
    "Mixed_5d": _block_a(64),
    "Mixed_6a": {"branch3x3": "3x3/2:384", "branch3x3dbl": "1x1:64 3x3:96 3x3/2:96", "branch_pool": "max/2"},  # 17 x 17
    "Mixed_6b": _block_c(128),
    "Mixed_6c": _block_c(160),
    "Mixed_6d": _block_c(160),
    "Mixed_6e": _block_c(192),
    "Mixed_7a": {  # 8 x 8
        "branch3x3": "1x1:192 3x3/2:320",
        "branch7x7x3": "1x1:192 1x7:192 7x1:192 3x3/2:192",
        "branch_pool": "max/2",
    },
    "Mixed_7b": _block_e("average"),
    "Mixed_7c": _block_e("max"),
}


def parameter_shapes() -> dict[str, tuple[int, ...]]:
    """The shape of each parameter that is used, by its name in the published file.

    That file has two more kinds: `fc.bias` and the counters `num_batches_tracked`.

    Example:
        >>> parameter_shapes()["Mixed_6b.branch7x7_2.conv.weight"]
        (128, 128, 1, 7)
    """
    shapes: dict[str, tuple[int, ...]] = {}
    inputs = 3
    for block, branches in BLOCKS.items():
        outputs = 0
        for branch in branches:
            channels = inputs
            for step in _steps(block, branch):
                if isinstance(step, str):
                    continue
                for part in step:
                    shapes[f"{part.name}.conv.weight"] = (part.outputs, channels, *part.kernel)
                    for name in BATCH_NORM:
                        shapes[f"{part.name}.bn.{name}"] = (part.outputs,)
                channels = sum(part.outputs for part in step)
            outputs += channels
        inputs = outputs
    return shapes | {"fc.weight": (CLASSES, inputs)}


class Inception(torch.nn.Module):
    """The network, frozen, in float32.

    Args:
        tensors: the parameters, named as in `parameter_shapes()`, of any widths that fit together.
    """

    def __init__(self, tensors: Mapping[str, torch.Tensor]):
        super().__init__()
        self.blocks = torch.nn.ModuleDict()
        for block, branches in BLOCKS.items():
            self.blocks[block] = _SideBySide(
                torch.nn.Sequential(*(_layer(step, tensors) for step in _steps(block, branch))) for branch in branches
            )
        self.register_buffer("classifier", tensors["fc.weight"].float())
        self.to(memory_format=torch.channels_last).requires_grad_(False)  # pyright: ignore[reportCallIssue]

    def features(self, pictures: torch.Tensor) -> torch.Tensor:
        """What the distance compares: the last block's features, averaged over their 8 x 8 pixels ("pool_3").

        Larger pictures than 299 x 299 are sampled, not averaged: the aliasing is part of the definition.

        Args:
            pictures: (N, 3, H, W), RGB in [0, 1], float32, of any size.

        Returns:
            (N, 2048), none of them negative.
        """
        x = F.interpolate(pictures, (SIDE, SIDE), mode="bilinear", align_corners=False)
        x = x * PREPROCESSING.scale - x.new_tensor(PREPROCESSING.mean).view(1, 3, 1, 1)
        x = x.contiguous(memory_format=torch.channels_last)  # on CPUs a third less time
        for block in self.blocks.values():
            x = block(x)
        return x.mean((2, 3))

    def logits(self, features: torch.Tensor) -> torch.Tensor:
        """(N, 2048) features as (N, 1008) logits, whose softmax is what the Inception Score calls p(y|x)."""
        return features @ self.get_buffer("classifier").T


class _SideBySide(torch.nn.ModuleList):
    """Networks that see the same; what they make is put together channel by channel."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([part(x) for part in self], 1) if len(self) > 1 else self[0](x)


class _Convolution(NamedTuple):
    name: str
    outputs: int
    kernel: tuple[int, int]
    stride: int
    padding: tuple[int, int]


def _steps(block: str, branch: str) -> Iterator[str | list[_Convolution]]:
    """What a branch does: names of poolings, and lists of convolutions that stand side by side, mostly of one.

    Of several convolutions in a branch the names end in numbers, and of those side by side in letters, too.
    """
    name = f"{block}.{branch}".rstrip(".")
    words = BLOCKS[block][branch].split()
    numbers = itertools.count(1) if sum(word not in POOLINGS for word in words) > 1 else None
    for word in words:
        if word in POOLINGS:
            yield word
            continue
        number = f"_{next(numbers)}" if numbers else ""
        texts = word.split("+")
        letters = "ab" if len(texts) > 1 else [""]
        yield [_parsed(f"{name}{number}{letter}", text) for letter, text in zip(letters, texts, strict=True)]


def _parsed(name: str, text: str) -> _Convolution:
    found = re.fullmatch(r"(\d)x(\d)(?:/(\d))?:(\d+)", text)
    assert found, text
    height, width, stride, outputs = (int(number or 0) for number in found.groups())
    padding = (0, 0) if stride else (height // 2, width // 2)
    return _Convolution(name, outputs, (height, width), stride or 1, padding)


def _layer(step: str | list[_Convolution], tensors: Mapping[str, torch.Tensor]) -> torch.nn.Module:
    if isinstance(step, str):
        return POOLINGS[step]
    return _SideBySide(_rectified(convolution, tensors) for convolution in step)


def _rectified(convolution: _Convolution, tensors: Mapping[str, torch.Tensor]) -> torch.nn.Module:
    """A convolution, its batch norm folded in, and the ReLU after it."""
    name, _, kernel, stride, padding = convolution
    weight = tensors[f"{name}.conv.weight"].double()
    scale, shift, mean, variance = (tensors[f"{name}.bn.{part}"].double() for part in BATCH_NORM)
    factor = scale / (variance + EPSILON).sqrt()
    folded = {"weight": weight * factor.view(-1, 1, 1, 1), "bias": shift - mean * factor}
    outputs, inputs, _, _ = weight.shape
    layer = torch.nn.Conv2d(inputs, outputs, kernel, stride, padding, device="meta")
    layer.load_state_dict({part: tensor.float() for part, tensor in folded.items()}, assign=True)
    return torch.nn.Sequential(layer, torch.nn.ReLU(inplace=True))
