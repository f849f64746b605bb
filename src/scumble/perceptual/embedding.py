"""Pictures as points: the row of numbers that a network makes of each, by which sets of pictures are compared.

| network                          | features, averaged over their pixels    | pictures are        |
|----------------------------------|-----------------------------------------|---------------------|
| `pocket`, `vgg19-caffe`, `vgg19` | relu5_1, for inputs of std. deviation 1 | of their own size   |
| `inception`                      | the last block's, called pool_3         | resized to 299x299  |

relu5_1 is the deepest layer that `pocket` has, and it wants 16 pixels on each side, as GANs do. Of pictures of 28 x 28
pixels it tells blur and missing classes from real ones as well as shallower layers did, whose features are dominated by
contrast (docs/log.md). Distances between features of different networks have nothing to do with one another.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import partial
from typing import get_args

import numpy as np
import torch

from scumble.device import Placement
from scumble.errors import DataError, SettingsError
from scumble.events import Event
from scumble.image.tensors import to_unit
from scumble.perceptual import backbones, fetching, inception, weights
from scumble.perceptual.catalogue import CATALOGUE, EmbeddingName
from scumble.perceptual.inception import Inception
from scumble.perceptual.vgg import VGG19

LAYER = "relu5_1"

DEVIATION = 57.6
"""Of an input in 0..255, on whose scale the features of VGG19's kin are (see `Preprocessing.gain`)."""

PIXELS_AT_ONCE = 1 << 18
"""A batch is as many pictures as have so many pixels: half a gigabyte at VGG19's first layers."""

EMBEDDINGS = get_args(EmbeddingName)


@dataclass(frozen=True)
class Embedding:
    """A network that is ready to make features of pictures.

    Attributes:
        network: its name, one of `EMBEDDINGS`.
        sha256: of the file that its weights came from.
        layer: whose features, averaged over their pixels, it makes.
        width: how many numbers for a picture, D.
        side: both sides of what it sees, in pixels; None for the picture's own size.
        look: (N, 3, H, W) RGB in [0, 1] -> (N, D).
        probabilities: (N, D) features as (N, K) probabilities of classes; None where the network has none.
        device: where it looks.
    """

    network: str
    sha256: str
    layer: str
    width: int
    side: int | None
    look: Callable[[torch.Tensor], torch.Tensor]
    probabilities: Callable[[np.ndarray], np.ndarray] | None
    device: torch.device

    def resize(self, width: int, height: int) -> str:
        """What becomes of pictures of `width` x `height` pixels, in words."""
        return f"{width}x{height}" if self.side is None else f"{width}x{height} resized to {self.side}x{self.side}"

    def batch(self, width: int, height: int) -> int:
        """How many pictures of `width` x `height` pixels are looked at together."""
        pixels = width * height if self.side is None else self.side**2
        return max(1, PIXELS_AT_ONCE // pixels)

    @torch.inference_mode()
    def features(self, pictures: np.ndarray) -> np.ndarray:
        """(N, C, H, W) uint8 pictures, grey or RGB, as (N, D) float32."""
        return self.look(to_unit(pictures, self.device)).float().cpu().numpy()


def check_channels(name: str, channels: int) -> None:
    """Refuse pictures that no feature network can look at.

    Raises:
        DataError: if the pictures called `name` are neither grey nor coloured.
    """
    if channels not in (1, 3):
        raise DataError(
            f"{name} has pictures of {channels} channels; wanted 1 for grey or 3 for colour: feature networks know no "
            "others"
        )


def load(name: str, placement: Placement) -> Generator[Event, None, Embedding]:
    """Build a network, finding or fetching its weights; tells its progress, returns the embedding.

    Args:
        name: one of `EMBEDDINGS`.
        placement: where it looks; figures compare in float32 only.

    Raises:
        SettingsError: if the name is unknown.
        WeightsError: if the weights cannot be found, fetched or trusted.
    """
    if name not in EMBEDDINGS:
        raise SettingsError(f"network: got {name!r}, wanted one of {', '.join(EMBEDDINGS)}")
    if name == "inception":
        return (yield from _inception(placement))
    backbone = yield from backbones.load(name, (LAYER,), placement)
    width, look = backbone.network.channels(LAYER), partial(_average, backbone.network)
    return Embedding(name, backbone.sha256, LAYER, width, None, look, None, placement.device)


def _inception(placement: Placement) -> Generator[Event, None, Embedding]:
    entry = CATALOGUE["inception"]
    found = weights.read((yield from fetching.locate(entry)), entry.network)
    network = Inception(found.tensors).to(placement.device)

    @torch.inference_mode()
    def probabilities(features: np.ndarray) -> np.ndarray:
        logits = network.logits(torch.from_numpy(features).to(placement.device))
        return logits.double().softmax(1).cpu().numpy()

    width = found.tensors["fc.weight"].shape[1]
    look, device = network.features, placement.device
    return Embedding("inception", found.sha256, "pool_3", width, inception.SIDE, look, probabilities, device)


def _average(network: VGG19, pictures: torch.Tensor) -> torch.Tensor:
    return network(pictures, (LAYER,))[LAYER].mean((2, 3)) / DEVIATION
