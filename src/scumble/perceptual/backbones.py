"""The feature networks of style transfer, by name."""

from collections.abc import Collection, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from scumble.device import Placement
from scumble.errors import SettingsError
from scumble.events import Event
from scumble.perceptual import fetching, pocket, weights
from scumble.perceptual.catalogue import CATALOGUE, BackboneName, Network
from scumble.perceptual.layers import CONVOLUTIONS, LAYERS, check_layers
from scumble.perceptual.vgg import VGG19, Padding, Pooling

LAYERS_OF: dict[Network, Collection[str]] = {"pocket": pocket.FEATURES, "vgg19": LAYERS + CONVOLUTIONS}
"""The layers that can be asked for; other networks have none."""

BACKBONES = get_args(BackboneName)


@dataclass(frozen=True)
class Backbone:
    """A network that is ready, and the digest of the file that its weights came from."""

    network: VGG19
    sha256: str


def load(
    name: str,
    layers: Collection[str],
    placement: Placement,
    pooling: Pooling = "max",
    padding: Padding = "zeros",
    weights_file: Path | None = None,
) -> Generator[Event, None, Backbone]:
    """Build a network, finding or fetching its weights; tells its progress, returns the network.

    Args:
        name: one of `BACKBONES`; with a `weights_file` it says what kind of weights the file holds.
        layers: the layers that will be asked for; nothing deeper is computed.
        placement: where it runs, and in what number format.
        pooling: "max", "average" or "l2".
        padding: of the first convolution, "zeros" or "replicate".
        weights_file: a file of one's own instead of the catalogue's.

    Raises:
        SettingsError: if the name or a layer is unknown.
        WeightsError: if the weights cannot be found, fetched or trusted.
    """
    if name not in BACKBONES:
        raise SettingsError(f"backbone: got {name!r}, wanted one of {', '.join(BACKBONES)}")
    entry = CATALOGUE[name]
    check_layers(layers, LAYERS_OF[entry.network], name)
    path = weights_file or (yield from fetching.locate(entry))
    found = weights.read(path, entry.network)
    network = VGG19(found.tensors, entry.preprocessing, layers, pooling, padding, placement.dtype)
    return Backbone(network.to(placement.device), found.sha256)
