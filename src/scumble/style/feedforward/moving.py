"""What the feed-forward painter knows of a painting, and how a photograph's features are moved by it."""

from typing import NamedTuple

import torch

from scumble.perceptual.vgg import VGG19
from scumble.style.feedforward.shapes import COLOUR_RIDGES, LAYERS, RIDGES, STATISTICS
from scumble.style.losses.optimal_transport import transport_map
from scumble.style.losses.statistics import Statistics, covariance_of, in_float64, moments
from scumble.style.objective.view import by_place
from scumble.style.preparation.palette import in_palette


class Painting(NamedTuple):
    """A painting's moments by layer, and the numbers that the decoder is told of it, (1, CODE)."""

    moments: dict[str, Statistics]
    code: torch.Tensor


Maps = dict[str, tuple[torch.Tensor, torch.Tensor]]
"""By layer, the matrix and the offset that carry a place's features, a row, from the photograph to the painting."""


def seen(trunk: VGG19, picture: torch.Tensor) -> dict[str, Statistics]:
    """The moments of a picture's features by layer; the picture is (1, 3, H, W) in [0, 1]."""
    return {name: moments(by_place(features)) for name, features in trunk.walk(picture, STATISTICS)}


def coded(trunk: VGG19, painting: torch.Tensor) -> Painting:
    """What there is to know of a painting, (1, 3, H, W) in [0, 1]."""
    found = seen(trunk, painting)
    described = [moments(by_place(painting)), *found.values()]
    means = [statistics["mean"] for statistics in described]
    deviations = [covariance_of(statistics).diagonal().clamp_min(1e-12).sqrt() for statistics in described]
    return Painting(found, torch.cat([*means, *deviations])[None])


def maps_between(photograph: dict[str, Statistics], painting: dict[str, Statistics]) -> Maps:
    """What carries the features of a photograph of these moments into a painting's."""
    return {name: gaussian_map(photograph[name], painting[name]) for name in LAYERS}


def moved(trunk: VGG19, photograph: torch.Tensor, maps: Maps) -> dict[str, torch.Tensor]:
    """The features of a photograph, or of a part of it, where the maps carry them, by layer."""
    result = {}
    for name, features in trunk.walk(photograph, LAYERS):
        matrix, offset = maps[name]
        result[name] = (by_place(features) @ matrix + offset).view(*features.shape[2:], -1).permute(2, 0, 1)[None]
    return result


def in_colours(photograph: torch.Tensor, painting: torch.Tensor, whole: float) -> torch.Tensor:
    """The photograph in the painting's colours: from its range of them, at 0, to their distribution, at 1.

    Both are (1, 3, H, W) in [0, 1], of any sizes; the result is of the photograph's.
    """
    here, there = (moments(by_place(picture)) for picture in (photograph, painting))
    matrix, offset = gaussian_map(here, there, COLOUR_RIDGES)
    mapped = (by_place(photograph) @ matrix + offset).T.view(photograph.shape).clamp(0, 1)
    return torch.lerp(in_palette(photograph, painting), mapped, whole)


def gaussian_map(
    found: Statistics, wanted: Statistics, ridges: tuple[float, float] = RIDGES
) -> tuple[torch.Tensor, torch.Tensor]:
    """T(F) = F @ matrix + offset; as `losses.content.gaussian_map`, with a ridge of the photograph's alone."""
    here, there = in_float64(found), in_float64(wanted)
    covariance, target = covariance_of(here), covariance_of(there)
    ridge = sum(part * c.diagonal().mean().item() for part, c in zip(ridges, (covariance, target), strict=True))
    matrix = transport_map(covariance, target, ridge)
    offset = there["mean"] - here["mean"] @ matrix
    return matrix.to(found["mean"]), offset.to(found["mean"])
