"""What a network sees in a picture: the features of its layers, by name, for whoever wants to look or to optimise.

Painting does not come by here; it looks through the same networks, tile by tile (`scumble.style.objective`).
"""

import functools
from collections.abc import Sequence

import torch

from scumble import notebook
from scumble.device import choose, full_float32, memory_errors
from scumble.errors import ImageError, SettingsError
from scumble.events import returned
from scumble.image import files
from scumble.image.files import PictureSource
from scumble.image.sizes import fit_longer_side
from scumble.image.tensors import resize, to_tensor
from scumble.perceptual import backbones
from scumble.perceptual.catalogue import BackboneName, entry_named
from scumble.perceptual.layers import check_layers, down_to, min_side, named, numbered
from scumble.perceptual.vgg import VGG19


def features(
    picture: PictureSource | torch.Tensor,
    layers: str | int | Sequence[str | int],
    *,
    backbone: BackboneName = "pocket",
    size: int | None = 512,
    device: str = "auto",
) -> dict[str, torch.Tensor]:
    """What a network sees in a picture, layer by layer: what content is, and what Gram matrices are made of.

    Each network brings the preparation that it was trained with (order of the channels, mean, scale): a picture is
    given as it is. The features of all three are on the scale of an input in 0 to 255. The network of the latest call
    stays in memory, so that a loop reads its weights once.

    Args:
        picture: a path, a PIL picture or a NumPy array; or a (N, 3, H, W) float tensor, RGB in [0, 1], through which a
            gradient flows back.
        layers: by name, such as "relu4_2" or, before its ReLU, "conv4_2"; or by number in torchvision's
            `vgg19().features`: `scumble.layers` lists both. One or several.
        backbone: "vgg19-caffe", the network of Gatys et al. 2015; "vgg19", torchvision's training of it; or "pocket",
            a small one inside the package that sees at six layers about what vgg19-caffe sees there.
        size: the longer side that the picture is looked at with, in pixels; None for its own. Tensors stay as they are.
        device: "auto", or torch's name of a device.

    Returns:
        {name: (N, C, H / 2^k, W / 2^k) float32}, in the order of `layers`, whichever way they were given; k is the
        number of poolings before the layer, one less than its block's number, and sizes are rounded down.

    Raises:
        SettingsError: if the network, a layer or the device is unknown, or a tensor is of another shape.
        ImageError: if the picture cannot be read, or is too small for a layer.
        WeightsError: if the network's weights cannot be had.

    Example:
        >>> seen = features(torch.zeros(1, 3, 64, 96), ["relu1_1", 20])
        >>> {name: tuple(found.shape) for name, found in seen.items()}
        {'relu1_1': (1, 16, 64, 96), 'relu4_1': (1, 128, 8, 12)}
    """
    names = [named(layer) for layer in ([layers] if isinstance(layers, str | int) else layers)]
    check_layers(names, known_layers(backbone), backbone)
    if not names:
        raise SettingsError("layers: got none, wanted at least one")
    pixels = picture if isinstance(picture, torch.Tensor) else _pixels(picture, size)
    _check(pixels, names)
    network = _network(backbone, device)
    with full_float32(), memory_errors("use a smaller size or fewer layers"):
        seen = network(pixels.to(network.get_buffer("mean")), names)
    return {name: seen[name].contiguous() for name in names}  # as tensors usually lie in memory


def layers(backbone: BackboneName = "vgg19-caffe") -> dict[int, str]:
    """The layers of a network that can be asked for: their names by their numbers in torchvision's `vgg19().features`.

    Raises:
        SettingsError: if there is no such network.

    Example:
        >>> [layers()[number] for number in (1, 6, 11, 20, 21, 25)]
        ['relu1_1', 'relu2_1', 'relu3_1', 'relu4_1', 'conv4_2', 'conv4_4']
        >>> layers("pocket")
        {1: 'relu1_1', 6: 'relu2_1', 11: 'relu3_1', 20: 'relu4_1', 22: 'relu4_2', 29: 'relu5_1'}
    """
    known = known_layers(backbone)
    return {number: name for number, name in enumerate(numbered()) if name in known}


def known_layers(backbone: str) -> tuple[str, ...]:
    """The names of a network's layers; raises `SettingsError` if there is no such network."""
    if backbone not in backbones.BACKBONES:
        raise SettingsError(f"backbone: got {backbone!r}, wanted one of {', '.join(backbones.BACKBONES)}")
    return tuple(backbones.LAYERS_OF[entry_named(backbone).network])


@functools.lru_cache(maxsize=1)
def _network(backbone: str, device: str) -> VGG19:
    """All of it: what lies deeper than what is asked for is not computed."""
    return returned(notebook.shown(backbones.load(backbone, known_layers(backbone), choose(device, "float32")))).network


def _pixels(picture: PictureSource, size: int | None) -> torch.Tensor:
    """(1, 3, H, W) in [0, 1]."""
    if size is not None and not 1 <= size <= 65536:
        raise SettingsError(f"size: got {size}, wanted 1 to 65,536 or None")
    loaded = files.load(picture)
    return resize(to_tensor(loaded), loaded.size if size is None else fit_longer_side(loaded.size, size))


def _check(pixels: torch.Tensor, names: Sequence[str]) -> None:
    if pixels.dim() != 4 or pixels.shape[1] != 3 or not pixels.is_floating_point():
        got = f"{str(pixels.dtype).removeprefix('torch.')} of shape {tuple(pixels.shape)}"
        raise SettingsError(f"picture: got a tensor, {got}, wanted floats of shape (N, 3, H, W)")
    height, width = pixels.shape[2:]
    if min(height, width) < (least := min_side(names)):
        deepest = max(names, key=lambda name: len(down_to([name])))
        hint = "use a larger picture or fewer layers"
        raise ImageError(
            f"the picture is looked at with {width}x{height} pixels; {deepest} needs {least}x{least}", hint
        )
