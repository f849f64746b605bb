"""VGG19's layers by name and number (Simonyan and Zisserman 2015): the table that the network is built from.

Only rectified layers can be asked for. Nothing heavy is imported here, so that names can be listed and checked at once.
"""

from collections.abc import Collection, Sequence

from scumble.errors import SettingsError

# Output channels of the 3 x 3 convolutions, block by block; 2 x 2 pooling stands between two blocks.
BLOCKS = ((64, 64), (128, 128), (256, 256, 256, 256), (512, 512, 512, 512), (512, 512, 512, 512))

LAYERS = tuple(f"relu{b}_{i}" for b, widths in enumerate(BLOCKS, 1) for i in range(1, len(widths) + 1))
"""The layers that can be asked for, shallowest first: relu1_1, relu1_2, ..., relu5_4."""


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


def check_layers(layers: Collection[str], known: Collection[str] = LAYERS, network: str = "VGG19") -> None:
    """Raise `SettingsError` unless every name is one of those known, which are the network's."""
    for name in layers:
        if name not in known:
            raise SettingsError(f"layer: got {name!r}, wanted one of {network}'s: {', '.join(known)}")


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
