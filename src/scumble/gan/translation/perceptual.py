"""What a fixed network sees in results, for losses: `pocket`, which is inside the package, unless VGG19 is asked for.

The layer is the one of SRGAN and ESRGAN in VGG19, before its ReLU, which lets few numbers through so deep (Wang et al.
2018, section 3.3); in `pocket` it is its deepest, and beside it one that sees finer patterns, which the deepest of so
few channels hardly tells. Features are on the scale of an input of standard deviation 1, for which the papers' weights
are.
"""

import functools
from collections.abc import Generator, Mapping

import torch

from scumble.device import Placement
from scumble.errors import SettingsError
from scumble.events import Event
from scumble.gan.translation.kind import Features
from scumble.gan.translation.settings import TranslationSettings
from scumble.perceptual import backbones
from scumble.perceptual.embedding import DEVIATION
from scumble.perceptual.layers import min_side
from scumble.perceptual.vgg import VGG19

LAYERS = {"pocket": {"relu3_1": 0.25, "relu5_1": 0.6}, "vgg19": {"conv5_4": 1.0}}
"""With what their features are multiplied by, so that photographs and their bicubic enlargements (4 times, 128 pixels)
differ as much in all: by 0.42 on average in VGG19's, before that by 1.65 and 0.69 in pocket's (20 photographs)."""


def load(
    settings: TranslationSettings, weights: Mapping[str, float], placement: Placement
) -> Generator[Event, None, Features | None]:
    """The network that a training's losses look through, if any of them does; tells its progress.

    Args:
        settings: of the training.
        weights: of the terms of its losses; without "perceptual", nothing is looked through.
        placement: where, and in what precision.

    Raises:
        SettingsError: if the cuts are too small for it.
        WeightsError: if its weights cannot be had.
    """
    if not weights.get("perceptual"):
        return None
    name = settings.perceptual
    least = min_side(LAYERS[name])
    if min(settings.cut) < least:
        raise SettingsError(f"size: got {settings.size}, wanted at least {least}: {name} sees nothing in smaller cuts")
    backbone = yield from backbones.load(name, tuple(LAYERS[name]), placement)
    return functools.partial(seen, backbone.network, name)


def seen(network: VGG19, name: str, pictures: torch.Tensor) -> dict[str, torch.Tensor]:
    """(N, C', H', W') float32 features of (N, C, H, W) pictures in [-1, 1], by layer, with their way back.

    Raises:
        SettingsError: if the pictures are neither grey nor coloured.
    """
    channels = pictures.shape[1]
    if channels not in (1, 3):
        raise SettingsError(
            f"weights: got pictures of {channels} channels, which {name} cannot see; wanted 1 or 3, or perceptual=0"
        )
    found = network((pictures.expand(-1, 3, -1, -1) + 1) / 2, tuple(LAYERS[name]))
    return {layer: found[layer].float() * (gain / DEVIATION) for layer, gain in LAYERS[name].items()}
