"""VGG19 (Simonyan and Zisserman 2015) as a table, cut after the deepest layer that is asked for.

Unusual here: layers have names, and a convolution that is asked for is not rectified in its place, so that nothing
overwrites what was captured; the input's scaling is folded into the weights, the mean's subtraction is not (the zero
border that each convolution adds stands for the mean colour, as in training); there is nothing to train, so no gradient
ever flows into a parameter. How wide the layers are is left to the weights: narrower ones, with heads that predict what
VGG19 sees, make the network `scumble.perceptual.pocket`.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Literal

import torch
import torch.nn.functional as F

from scumble.perceptual import fused
from scumble.perceptual.catalogue import Preprocessing
from scumble.perceptual.layers import (
    BLOCKS,
    LAYERS,
    after_pooling,
    check_layers,
    convolutions,
    down_to,
    min_side,
    rectified,
)
from scumble.perceptual.winograd import RectifiedConvolution

WINOGRAD_CHANNELS = 128
"""Layers with at least so many channels on both sides are computed Winograd's way on CPUs."""

Pooling = Literal["max", "average", "l2"]
Padding = Literal["zeros", "replicate"]

# Average and L2 pooling times 2 and 0.78 keep features as large as max pooling does, on which the network was trained.
# (Figures of crowsonkb/style-transfer-pytorch.) The root is lifted off 0, where it has no gradient.
POOLINGS: dict[Pooling, Callable[[torch.Tensor], torch.Tensor]] = {
    "max": lambda x: F.max_pool2d(x, 2),
    "average": lambda x: 2 * F.avg_pool2d(x, 2),
    "l2": lambda x: 0.78 * (F.avg_pool2d(x.square(), 2, divisor_override=1) + 1e-12).sqrt(),
}


def parameter_shapes(blocks: Sequence[Sequence[int]] = BLOCKS) -> dict[str, tuple[int, ...]]:
    """The shape of each parameter by its name in torchvision's numbering, `features.N.weight` and `features.N.bias`.

    Args:
        blocks: output channels of the convolutions, as in `BLOCKS`.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    for _, index, inputs, outputs in convolutions(blocks):
        shapes[f"features.{index}.weight"] = (outputs, inputs, 3, 3)
        shapes[f"features.{index}.bias"] = (outputs,)
    return shapes


def seen_whole(mask: torch.Tensor, layers: Collection[str]) -> dict[str, torch.Tensor]:
    """How much of all that a neuron sees lies inside a mask, at its least covered pixel.

    That is the minimum of the mask over the neuron's receptive field: the walk through the network, with minima for
    convolutions. What is beyond the picture's border counts as inside.

    Args:
        mask: (1, 1, H, W) in [0, 1].
        layers: their names.

    Returns:
        {name: (1, 1, H / 2^k, W / 2^k)}, of the shape of the layer's features.
    """
    seen, outside = {}, -mask
    for name in down_to(layers):
        if after_pooling(name):
            outside = F.max_pool2d(outside, 2)
        outside = F.max_pool2d(outside, 3, stride=1, padding=1)
        seen |= {layer: -outside for layer in layers if rectified(layer) == name}
    return seen


class VGG19(torch.nn.Module):
    """VGG19's convolutions up to the deepest of `layers`, frozen.

    Args:
        tensors: the parameters, named as in `parameter_shapes()`, of any widths that fit together; deeper ones than
            needed are not touched. Where there are a `heads.LAYER.weight` (features, channels, 1, 1) and `.bias`, the
            layer's features are these products of its channels.
        preprocessing: what these parameters expect of their input.
        layers: the layers that will be asked for.
        pooling: "max", as trained, or "average", which Gatys et al. found to give smoother pictures, or "l2".
        padding: what the first convolution sees beyond the border: "zeros" (the mean colour), as trained, or
            "replicate" (the border's own colours), which leaves no frame in the picture.
        dtype: the number format of the convolutions.
    """

    def __init__(
        self,
        tensors: Mapping[str, torch.Tensor],
        preprocessing: Preprocessing,
        layers: Collection[str] = LAYERS,
        pooling: Pooling = "max",
        padding: Padding = "zeros",
        dtype: torch.dtype = torch.float32,
    ):
        super().__init__()
        check_layers(layers)
        self.pool = POOLINGS[pooling]
        self.names = down_to(layers)
        self.convolutions = torch.nn.ModuleList()
        self.heads = torch.nn.ModuleDict()
        self.fast: dict[str, RectifiedConvolution] = {}  # made on first use, where the network is by then
        for name, index, _, _ in convolutions()[: len(self.names)]:
            weight = tensors[f"features.{index}.weight"].float()
            bias = tensors[f"features.{index}.bias"].float() * preprocessing.gain
            if name == "relu1_1":
                weight = _prepared(weight, preprocessing)
            mode = padding if name == "relu1_1" else "zeros"
            self.convolutions.append(_convolution(weight, bias, padding=1, padding_mode=mode))
            if f"heads.{name}.weight" in tensors:
                head = (tensors[f"heads.{name}.{part}"].float() for part in ("weight", "bias"))
                self.heads[name] = _convolution(*head)
        self.to(memory_format=torch.channels_last, dtype=dtype).requires_grad_(False)  # pyright: ignore[reportCallIssue]
        # The mean keeps at least float32: rounded to bfloat16 it would shift the colours by up to half a grey level.
        mean = torch.tensor(preprocessing.mean, dtype=torch.promote_types(dtype, torch.float32)) / preprocessing.scale
        self.register_buffer("mean", (mean.flip(0) if preprocessing.order == "BGR" else mean).view(1, 3, 1, 1))

    def forward(self, image: torch.Tensor, layers: Collection[str]) -> dict[str, torch.Tensor]:
        """The features of a picture.

        Args:
            image: (N, 3, H, W), RGB in [0, 1], float32.
            layers: names out of those that the network was built for.

        Returns:
            {name: (N, C, H / 2^k, W / 2^k)} in the order of depth, in the network's number format and channels_last
            memory; k is the number of poolings before the layer, and sizes are rounded down.
        """
        return dict(self.walk(image, layers))

    def walk(self, image: torch.Tensor, layers: Collection[str]) -> Iterator[tuple[str, torch.Tensor]]:
        """The same, layer by layer: (name, features).

        Who uses each layer's features before asking for the next saves memory on the way back. That goes in the
        reverse order of the way there, and so what one layer adds to the gradient is found when its turn has come, not
        for all layers at the beginning.
        """
        # The mean goes before the rounding to a shorter number format: centred values lose the least.
        x = image - self.get_buffer("mean").to(image.dtype)
        x = x.to(next(self.parameters()).dtype, memory_format=torch.channels_last)
        wanted = set(layers)
        for name, convolution in zip(self.names, self.convolutions, strict=True):
            if after_pooling(name):
                x = self.pool(x)
            raw = name.replace("relu", "conv")
            if raw in wanted:
                x = convolution(x)
                yield raw, x
                wanted.remove(raw)
                if not wanted:
                    return
                x = F.relu(x)  # not in its place, which is the caller's
            elif self._pays(x, convolution):
                if name not in self.fast:
                    self.fast[name] = RectifiedConvolution(
                        convolution.get_parameter("weight"), convolution.get_parameter("bias")
                    )
                x = self.fast[name](x)
            else:
                x = fused.rectified(x, convolution) if fused.is_there(x, convolution) else F.relu_(convolution(x))
            if name in wanted:
                yield name, _combined(x, self.heads[name]) if name in self.heads else x
                wanted.remove(name)
                if not wanted:
                    return

    def channels(self, name: str) -> int:
        """How many features a layer has."""
        layer = self.heads[name] if name in self.heads else self.convolutions[self.names.index(rectified(name))]
        return len(layer.get_parameter("weight"))

    def bytes_per_pixel(self, layers: Collection[str]) -> float:
        """The memory that features and their gradients take at most, for each pixel of a picture.

        All outputs are kept for the way back, and so are the places of the poolings' maxima (8 bytes each). As it goes
        on, they are freed as fast as gradients come, but for one of the largest output's size.
        """
        kept, largest, inputs = 0.0, 0.0, 0
        for name, convolution in zip(self.names, self.convolutions, strict=True):
            weight, stride = convolution.get_parameter("weight"), min_side([name])
            if after_pooling(name):
                kept += inputs * (weight.element_size() + 8) / stride**2
            inputs = len(weight)
            kept += inputs * weight.element_size() / stride**2
            largest = max(largest, inputs * 4 / stride**2)
            if name in layers and name in self.heads:
                kept += self.channels(name) * weight.element_size() / stride**2
            if name.replace("relu", "conv") in layers:  # beside what its ReLU makes of it
                kept += inputs * weight.element_size() / stride**2
        return kept + largest

    def _pays(self, x: torch.Tensor, convolution: torch.nn.Module) -> bool:
        """Whether Winograd's way is possible and faster (docs/log.md); libraries for GPUs know it themselves."""
        weight = convolution.get_parameter("weight")
        wide = len(x) == 1 and min(weight.shape[:2]) >= WINOGRAD_CHANNELS
        return wide and x.device.type == "cpu" and weight.dtype == torch.float32 and not weight.requires_grad


def _convolution(weight: torch.Tensor, bias: torch.Tensor, **options: Any) -> torch.nn.Module:
    """Without the random initial values, which take longer to draw than the real ones to read.

    `torch.nn.utils.skip_init` does so, too, and imports SymPy on the way, for a third of a second.
    """
    outputs, inputs, side, _ = weight.shape
    convolution = torch.nn.Conv2d(inputs, outputs, side, device="meta", **options)
    convolution.load_state_dict({"weight": weight, "bias": bias}, assign=True)
    return convolution


def _combined(x: torch.Tensor, head: torch.nn.Module) -> torch.Tensor:
    """A 1 x 1 convolution as the product of matrices that it is: faster than the library's on few channels."""
    weight, bias = head.get_parameter("weight"), head.get_parameter("bias")
    return F.linear(x.permute(0, 2, 3, 1), weight[:, :, 0, 0], bias).permute(0, 3, 1, 2)


def _prepared(weight: torch.Tensor, preprocessing: Preprocessing) -> torch.Tensor:
    """The first convolution's weights for a picture minus its mean, in RGB: all other preprocessing is folded in."""
    deviation = torch.tensor(preprocessing.standard_deviation).view(1, 3, 1, 1)
    weight = weight * (preprocessing.scale * preprocessing.gain) / deviation
    return weight.flip(1) if preprocessing.order == "BGR" else weight
