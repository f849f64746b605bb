"""VGG19's layers by name and number (Simonyan and Zisserman 2015): the table that the network is built from.

A layer is a convolution (conv4_2) or what its ReLU makes of it (relu4_2); where a function walks through the layers,
rectified ones stand for both. Nothing heavy is imported here, so that names can be listed and checked at once.
"""

from collections.abc import Collection, Sequence
from typing import Any

from scumble.errors import SettingsError

# Output channels of the 3 x 3 convolutions, block by block; 2 x 2 pooling stands between two blocks.
BLOCKS = ((64, 64), (128, 128), (256, 256, 256, 256), (512, 512, 512, 512), (512, 512, 512, 512))

LAYERS = tuple(f"relu{b}_{i}" for b, widths in enumerate(BLOCKS, 1) for i in range(1, len(widths) + 1))
"""The rectified layers, shallowest first: relu1_1, relu1_2, ..., relu5_4."""

CONVOLUTIONS = tuple(name.replace("relu", "conv") for name in LAYERS)
"""What each of them rectifies: conv1_1, conv1_2, ..., conv5_4."""


def rectified(name: str) -> str:
    """A layer's own name, or that of a convolution's ReLU, which sees as much of a picture.

    Example:
        >>> rectified("conv4_2"), rectified("relu4_2")
        ('relu4_2', 'relu4_2')
    """
    return name.replace("conv", "relu")


def down_to(layers: Collection[str]) -> tuple[str, ...]:
    """The rectified layers from the first one to the deepest of `layers`."""
    return LAYERS[: 1 + max(LAYERS.index(rectified(name)) for name in layers)]


def block_of(name: str) -> int:
    """The number of a layer's block, 1 to 5: block n's layers have seen n - 1 poolings.

    Example:
        >>> block_of("relu4_2")
        4
    """
    return int(name[len("relu")])


def after_pooling(name: str) -> bool:
    """Whether a layer's convolution sees pooled features: it is the first of its block, and not of the first block."""
    return name.endswith("_1") and block_of(name) > 1


def min_side(layers: Collection[str]) -> int:
    """The pixels that both sides of a picture must have for the deepest of `layers` to have an output at all."""
    return 2 ** (max(map(block_of, layers)) - 1)


def check_layers(
    layers: Collection[str], known: Collection[str] = LAYERS + CONVOLUTIONS, network: str = "VGG19"
) -> None:
    """Raise `SettingsError` unless every name is one of those known, which are the network's."""
    for name in layers:
        if name not in known:
            rest = ", and conv before each relu" if set(known) > set(CONVOLUTIONS) else ""
            names = ", ".join(one for one in known if one not in CONVOLUTIONS)
            hint = None if rest else "the backbone vgg19-caffe has all of VGG19's"
            raise SettingsError(f"layer: got {name!r}, wanted one of {network}'s: {names}{rest}", hint)


def convolutions(blocks: Sequence[Sequence[int]] = BLOCKS) -> list[tuple[str, int, int, int]]:
    """(layer, index in torchvision's numbering, input channels, output channels) of each convolution.

    Args:
        blocks: output channels of the convolutions, as in `BLOCKS`.
    """
    table, index, inputs, names = [], 0, 3, iter(LAYERS)
    for widths in blocks:
        for outputs in widths:
            table.append((next(names), index, inputs, outputs))
            inputs = outputs
            index += 2  # a convolution and its ReLU
        index += 1  # the pooling
    return table


def numbered() -> list[str]:
    """All steps of VGG19, each at its number in torchvision's `vgg19().features`, by which many programs choose them.

    Example:
        >>> names = numbered()
        >>> names[:5], names[21:23], len(names)
        (['conv1_1', 'relu1_1', 'conv1_2', 'relu1_2', 'pool1'], ['conv4_2', 'relu4_2'], 37)
    """
    steps = []
    for name, index, _, _ in convolutions():
        if index > len(steps):
            steps.append(f"pool{block_of(name) - 1}")
        steps += [name.replace("relu", "conv"), name]
    return [*steps, f"pool{len(BLOCKS)}"]


def named(layer: int | str) -> str:
    """The name of a layer that is given by its name, or by its number as in `numbered`.

    Raises:
        SettingsError: if there is no layer of that number, or it is a pooling, which is no layer of its own here.

    Example:
        >>> named(21), named("20"), named("relu1_1")
        ('conv4_2', 'relu4_1', 'relu1_1')
    """
    if not (isinstance(layer, int) or layer.isdecimal()):
        return layer
    names = numbered()
    name = names[int(layer)] if 0 <= int(layer) < len(names) else ""
    if name.startswith("pool") or not name:
        got = f"{layer}, which is {name}" if name else str(layer)
        raise SettingsError(
            f"layer: got {got}, wanted the number of a convolution or a ReLU of VGG19, 0 to {len(names) - 2}",
            "scumble stylize --list-layers",
        )
    return name


def by_name(values: Any) -> Any:
    """Values by layer with the names of all layers; what is no such dictionary is left to others to refuse.

    Raises:
        SettingsError: if one has a wrong number, or two are of the same layer.

    Example:
        >>> by_name({"relu1_1": 0.5, 21: 1.0})
        {'relu1_1': 0.5, 'conv4_2': 1.0}
    """
    if not isinstance(values, dict):
        return values
    names = [named(layer) for layer in values]
    if twice := [name for name in names if names.count(name) > 1]:
        raise SettingsError(f"layer: got {twice[0]} twice, by its name and by its number")
    return dict(zip(names, values.values(), strict=True))
