"""The network inside the package: VGG19's layers at a fifteenth of its work, trained by us to see what VGG19 sees.

For each layer in `FEATURES`, a head of 1 x 1 convolutions predicts P^T F: VGG19's features F on the leading
eigenvectors P of their uncentred second moments. Gram matrices of the heads are then nearly P^T G P for VGG19's G, and
what is measured with products of channels keeps its meaning; what looks at each channel alone (the losses `mean-std`
and `histogram`) looks at mixtures of VGG19's channels here. The heads' outputs are multiplied by sqrt(k / C), for k of
VGG19's C channels, so that losses averaged over channels, or over pairs of them, keep VGG19's scale, too.

`recipes/pocket/train.py` makes such a file; docs/pocket.md tells what it was trained on and how well it does.
"""

from scumble.perceptual import vgg
from scumble.perceptual.layers import BLOCKS, block_of

WIDTHS = (16, 32, 64, 128, 128)
"""Channels of the convolutions, block by block."""

FEATURES = {"relu1_1": 16, "relu2_1": 32, "relu3_1": 64, "relu4_1": 128, "relu4_2": 128, "relu5_1": 128}
"""How many features each layer has; there are no others."""


def parameter_shapes() -> dict[str, tuple[int, ...]]:
    """The shape of each parameter by its name: VGG19's down to relu5_1, and `heads.LAYER.weight` and `.bias`.

    Example:
        >>> parameter_shapes()["heads.relu2_1.weight"]
        (32, 32, 1, 1)
    """
    blocks = [[width] * len(block) for width, block in zip(WIDTHS, BLOCKS, strict=True)]
    blocks[-1] = blocks[-1][:1]
    shapes = vgg.parameter_shapes(blocks)
    for name, features in FEATURES.items():
        shapes[f"heads.{name}.weight"] = (features, WIDTHS[block_of(name) - 1], 1, 1)
        shapes[f"heads.{name}.bias"] = (features,)
    return shapes
