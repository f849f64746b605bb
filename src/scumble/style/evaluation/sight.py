"""What is seen of a picture that is evaluated: at which size, and through which layers."""

import torch

from scumble.image.sizes import fit_longer_side, fit_shorter_side
from scumble.perceptual.layers import min_side
from scumble.perceptual.vgg import VGG19
from scumble.style.losses.statistics import moments

STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")
STRUCTURE_LAYER, SCENE_LAYER = "relu4_1", "relu5_1"

LARGEST_SIDE = 1024
"""Larger pictures are judged at this size: eyes are no nearer to them either."""

SMALLEST_SIDE = min_side([SCENE_LAYER])
"""Of anything that is looked at."""


class Sight:
    """A picture, its features by place, and their moments."""

    def __init__(self, network: VGG19, picture: torch.Tensor):
        self.picture = picture
        self.colours = picture[0].flatten(1).mT  # (P, 3)
        layers = dict.fromkeys((*STYLE_LAYERS, STRUCTURE_LAYER, SCENE_LAYER))
        self.features = {name: f[0].flatten(1).mT.float() for name, f in network(picture, list(layers)).items()}
        self.moments = {name: moments(self.features[name]) for name in STYLE_LAYERS}


def beside(style: torch.Tensor, size: tuple[int, int]) -> tuple[int, int]:
    """(width, height) of a painting whose shorter side is that of a picture of `size`."""
    return fit_shorter_side((style.shape[3], style.shape[2]), min(size))


def shrunk(picture: torch.Tensor, longest: int) -> tuple[int, int]:
    """(width, height) of a picture whose longer side is that long at most, and whose shorter one can still be seen."""
    size = (picture.shape[3], picture.shape[2])
    width, height = size if max(size) <= longest else fit_longer_side(size, longest)
    return max(width, SMALLEST_SIDE), max(height, SMALLEST_SIDE)
