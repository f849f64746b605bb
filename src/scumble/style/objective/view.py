"""How pictures are looked at: through which network, and in which tiles.

Whatever is found is a sum over tiles; one tile's features are kept at a time.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch

from scumble.perceptual.layers import min_side
from scumble.perceptual.vgg import VGG19
from scumble.style.losses.statistics import Statistics
from scumble.style.objective.tiles import Tile, tiles
from scumble.style.preparation.masks import Places

Averages = dict[tuple[str, str, str], torch.Tensor]
"""Averages over a picture's places: (layer, number of a region, statistic), and (layer, "canvas", kind of term)."""

Measure = Callable[[torch.Tensor, torch.Tensor | None], Statistics]
"""Features and weights of places -> statistics, as `StyleLoss.statistics`."""


@dataclass(frozen=True)
class View:
    """The network, and the tiles that pictures are cut into.

    Attributes:
        network: does the looking.
        layers: all that will be looked at: the deepest one decides where tiles are cut, and how much they overlap.
        tile_side: the side of the tiles, in pixels; None for all at once.
        glance: tiles that are looked at without a way back may be longer by this factor.
    """

    network: VGG19
    layers: tuple[str, ...]
    tile_side: int | None
    glance: float

    def tiles(self, size: tuple[int, int]) -> list[Tile]:
        """Those of a picture of some (height, width), for the way there and back."""
        return tiles(*size, self.tile_side, self.layers)

    def glances(self, size: tuple[int, int]) -> list[Tile]:
        """Those of a picture that is looked at only."""
        return tiles(*size, self.tile_side and round(self.glance * self.tile_side), self.layers)

    def features(self, seen: torch.Tensor, tile: Tile, layers: Collection[str]) -> Iterator[tuple[str, torch.Tensor]]:
        """The features of a tile's core, layer by layer, given what is seen of the picture."""
        for name, features in self.network.walk(seen, layers):
            yield name, tile.inner(name, features)

    def walk(self, picture: torch.Tensor, layers: Collection[str]) -> Iterator[tuple[Tile, str, torch.Tensor]]:
        """The tiles of a picture, with their cores' features, layer by layer."""
        if layers:
            for tile in self.glances((picture.shape[2], picture.shape[3])):
                for name, features in self.features(tile.cut(picture), tile, layers):
                    yield tile, name, features

    def whole_features(self, picture: torch.Tensor, layers: Collection[str]) -> dict[str, torch.Tensor]:
        """The features of a picture, put together from those of its tiles."""
        found: dict[str, torch.Tensor] = {}
        for tile, name, features in self.walk(picture, layers):
            if name not in found:
                shape = features_shape((picture.shape[2], picture.shape[3]), name)
                found[name] = features.new_empty((1, features.shape[1], *shape))
            rows, columns = tile.places(name)
            found[name][:, :, rows, columns] = features
        return found

    def statistics(
        self,
        picture: torch.Tensor,
        regions: Sequence[Mapping[str, Places | None]],
        layers: Collection[str],
        measure: Measure,
    ) -> list[dict[str, Statistics]]:
        """The statistics of some regions of a picture, by layer; a region is its places in each layer."""
        size = (picture.shape[2], picture.shape[3])
        found: Averages = {}
        for tile, name, features in self.walk(picture, layers):
            found = added(found, tile_statistics(name, features, tile, size, regions, measure))
        return [{name: of_region(found, name, number) for name in layers} for number in range(len(regions))]


def tile_statistics(
    name: str,
    features: torch.Tensor,
    tile: Tile,
    size: tuple[int, int],
    regions: Sequence[Mapping[str, Places | None]],
    measure: Measure,
) -> Averages:
    """A tile's part in a layer's statistics of some regions of a picture of that size (height, width)."""
    averages: Averages = {}
    here = by_place(features)
    height, width = features_shape(size, name)
    for number, places in enumerate(regions):
        counted = places[name]
        if counted is None:
            share = len(here) / (height * width)
            found = {key: value * share for key, value in measure(here, None).items()}
        else:
            indexes, weights = counted.inside(tile.places(name), width)
            found = measure(here if indexes is None else here[indexes], weights)
        averages |= {(name, str(number), key): value for key, value in found.items()}
    return averages


def features_shape(size: tuple[int, int], name: str) -> tuple[int, int]:
    """(H', W') of a layer's features of a picture of some (height, width)."""
    height, width = (length // min_side([name]) for length in size)
    return height, width


def by_place(features: torch.Tensor) -> torch.Tensor:
    """(1, C, H, W) as (H*W, C); no copy is made of channels_last memory."""
    return features.permute(0, 2, 3, 1).flatten(0, 2)


def of_region(averages: Averages, name: str, region: int) -> Statistics:
    """The statistics of a layer in one region."""
    return {key[2]: value for key, value in averages.items() if key[:2] == (name, str(region))}


def added(one: Averages, other: Averages) -> Averages:
    """Two parts of the same averages together."""
    return one | {key: one[key] + value if key in one else value for key, value in other.items()}
