"""What is minimised: the optimiser sees a function of the picture, never a network.

Targets are computed once, by the same network in the same number format that will look at the canvas. What several
styles, masks and the strength come to is decided here as well, and by the targets alone: statistics are blended, never
losses, so that an evaluation costs the same for five styles as for one. Pictures too large for the memory are looked at
tile by tile (see `scumble.style.tiles`), with the same result but for rounding.
"""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import torch

from scumble.device import is_about_memory
from scumble.perceptual.vgg import VGG19, min_side
from scumble.style.losses import (
    STYLE_LOSSES,
    Statistics,
    between,
    blend,
    mean_squared_error,
    out_of_range,
    total_variation,
)
from scumble.style.masks import Places, Region, counted_places
from scumble.style.tiles import Tile, margin_of, tiles

Result = TypeVar("Result")
Averages = dict[tuple[str, str, str], torch.Tensor]
"""Averages over a picture's places: (layer, number of a region, statistic) and (layer, "content", "difference")."""

GREY_LEVELS = 255
"""Terms of the pixels are measured in these: the features of Caffe's network are in units of them too."""


class Evaluation(NamedTuple):
    """The loss of a canvas, its gradient, and the weighted terms that the loss is the sum of."""

    loss: float
    gradient: torch.Tensor
    terms: dict[str, float]


class RegionTarget(NamedTuple):
    """What a region is compared with: its share of the canvas, its places and its targets, by layer.

    `narrow` names the layers at which no neuron sees the region alone.
    """

    name: str
    area: float
    places: dict[str, Places | None]
    targets: dict[str, Statistics]
    narrow: list[str]


class Objective:
    """L(x) = sum of weighted content and style terms (Gatys et al. 2015, eq. 7), and of terms of the pixels alone.

    Args:
        network: does the looking; built for all layers below.
        content: (1, 3, H, W) in [0, 1], of the canvas' size.
        styles: (1, 3, H', W') in [0, 1] each, of any size.
        content_layers: layers whose features are compared place by place, with their weights.
        style_layers: layers whose statistics are compared, with their weights.
        loss: how they are compared, one of `STYLE_LOSSES`.
        variation_weight: how much differences of neighbouring pixels count.
        range_weight: how much values outside [0, 1] count.
        strength: how far the targets lie on the way from the content's own statistics to the styles': at 0 the content
            itself has no loss, at 1 nothing of its statistics is wanted.
        regions: which part of the canvas takes its style from where; None for all of it from all styles alike.
        tile_side: the side of the tiles that pictures are looked at in, in pixels; None for all at once.
    """

    def __init__(
        self,
        network: VGG19,
        content: torch.Tensor,
        styles: Sequence[torch.Tensor],
        content_layers: Mapping[str, float],
        style_layers: Mapping[str, float],
        loss: str = "gram",
        variation_weight: float = 0.0,
        strength: float = 1.0,
        regions: Sequence[Region] | None = None,
        tile_side: int | None = None,
        range_weight: float = 0.0,
    ):
        self.network = network
        self.content_layers = dict(content_layers)
        self.style_layers = dict(style_layers)
        self.layers = tuple(self.content_layers | self.style_layers)
        self.loss = STYLE_LOSSES[loss]
        self.variation_weight = variation_weight
        self.range_weight = range_weight
        self.tile_side = tile_side
        self.size = (content.shape[2], content.shape[3])
        if regions is None:
            regions = [Region("everything", (1 / len(styles),) * len(styles))]
        with torch.no_grad():
            self.content_targets = self._dividing(self._content_targets, content) if content_layers else {}
            self.regions = []
            if style_layers:
                self.regions = self._dividing(self._region_targets, regions, content, styles, strength)

    def value_and_gradient(self, canvas: torch.Tensor) -> Evaluation:
        """One evaluation: a pass through the network and back; of many tiles, one more pass to begin with.

        Args:
            canvas: (1, 3, H, W), RGB; values outside [0, 1] are taken as they are.

        Returns:
            The loss, its gradient by the canvas (same shape, contiguous), and the terms by name.
        """
        terms, gradient = self._dividing(self._evaluate, canvas.detach().requires_grad_())
        values = torch.stack([_sum(terms), *terms.values()]).tolist()
        return Evaluation(values[0], gradient.contiguous(), dict(zip(terms, values[1:], strict=True)))

    def _dividing(self, work: Callable[..., Result], *arguments: Any) -> Result:
        """Do something that looks at pictures; where the memory does not suffice for it, with smaller tiles."""
        while True:
            try:
                return work(*arguments)
            except (MemoryError, RuntimeError) as error:
                side = min(self.tile_side or max(self.size), max(self.size)) // 2
                if not is_about_memory(error) or side < margin_of(self.layers):
                    raise
                self.tile_side = side

    @property
    def tiles(self) -> list[Tile]:
        """Those of the canvas, for the way there and back."""
        return tiles(*self.size, self.tile_side, self.layers)

    def _glances(self, size: tuple[int, int]) -> list[Tile]:
        """Those of a picture that is looked at only."""
        return tiles(*size, self.tile_side and round(self.loss.glance * self.tile_side), self.layers)

    def _evaluate(self, canvas: torch.Tensor) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        """The terms and their gradient."""
        tiles = self.tiles
        if len(tiles) > 1:
            return self._tile_by_tile(canvas, tiles)
        terms = self._terms(self._averages(canvas, tiles[0])) | self._of_pixels(canvas)
        return terms, torch.autograd.grad(_sum(terms), canvas)[0]

    def _tile_by_tile(self, canvas: torch.Tensor, tiles: list[Tile]) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        """What all tiles come to decides what each of them is to change."""
        with torch.no_grad():
            glances = self._glances(self.size)
            averages = functools.reduce(_sums, (self._averages(tile.cut(canvas), tile) for tile in glances))
        averages = {key: value.requires_grad_() for key, value in averages.items()}
        terms = self._terms(averages)
        slopes = torch.autograd.grad(_sum(terms), list(averages.values()))
        gradient = torch.zeros_like(canvas)
        for tile in tiles:
            seen = tile.cut(canvas).detach().requires_grad_()
            parts = list(self._averages(seen, tile).values())
            tile.cut(gradient).add_(torch.autograd.grad(parts, seen, slopes)[0])
        if of_pixels := self._of_pixels(canvas):
            gradient += torch.autograd.grad(_sum(of_pixels), canvas)[0]
        return terms | of_pixels, gradient

    def _averages(self, seen: torch.Tensor, tile: Tile) -> Averages:
        """A tile's part in everything that the terms of the canvas are functions of."""
        averages: Averages = {}
        regions = [region.places for region in self.regions]
        for name, features in self._features(seen, tile):
            averages |= self._statistics(name, features, tile, self.size, regions)
            if name in self.content_targets:
                target = self.content_targets[name]
                rows, columns = tile.places(name)
                here = target[:, :, rows, columns]
                share = here.numel() / target.numel()
                averages[name, "content", "difference"] = share * mean_squared_error(features, here)
        return averages

    def _terms(self, averages: Averages) -> dict[str, torch.Tensor]:
        """The weighted terms, given the averages over the whole canvas."""
        terms = {}
        for name, weight in self.content_layers.items():
            terms[f"content {name}"] = weight * averages[name, "content", "difference"]
        for name, weight in self.style_layers.items():
            distances = [
                # A region counts as much as its share of the canvas.
                region.area * self.loss.distance(_part(averages, name, index), region.targets[name])
                for index, region in enumerate(self.regions)
            ]
            terms[f"style {name}"] = weight * torch.stack(distances).sum()
        return terms

    def _of_pixels(self, canvas: torch.Tensor) -> dict[str, torch.Tensor]:
        weights = {"variation": (self.variation_weight, total_variation), "range": (self.range_weight, out_of_range)}
        return {name: weight * GREY_LEVELS**2 * term(canvas) for name, (weight, term) in weights.items() if weight}

    # --- Targets ----------------------------------------------------------------------------------------------------

    def _content_targets(self, content: torch.Tensor) -> dict[str, torch.Tensor]:
        targets: dict[str, torch.Tensor] = {}
        for tile, name, features in self._walk(content):
            if name not in self.content_layers:
                continue
            if name not in targets:
                height, width = (length // min_side([name]) for length in self.size)
                targets[name] = features.new_empty((1, features.shape[1], height, width))
            rows, columns = tile.places(name)
            targets[name][:, :, rows, columns] = features
        return targets

    def _region_targets(
        self, regions: Sequence[Region], content: torch.Tensor, styles: Sequence[torch.Tensor], strength: float
    ) -> list[RegionTarget]:
        """The statistics that each region is to have; one style's features, or one tile's, are kept at a time."""
        places, narrow = zip(*(counted_places(r.mask, content, self.style_layers) for r in regions), strict=True)
        parts: list[list[tuple[float, dict[str, Statistics]]]] = [[] for _ in regions]
        unpainted = self._picture_statistics(content, places) if strength < 1 else [None] * len(regions)
        for index, style in enumerate(styles):
            shares = [region.shares[index] for region in regions]
            masks = [region.style_masks[index] if region.style_masks else None for region in regions]
            taking = [number for number, share in enumerate(shares) if share]
            counted = [counted_places(masks[number], style, self.style_layers) for number in taking]
            found = self._picture_statistics(style, [places_of_style for places_of_style, _ in counted])
            for number, statistics, (_, narrow_of_style) in zip(taking, found, counted, strict=True):
                parts[number].append((shares[number], statistics))
                narrow[number].extend(name for name in narrow_of_style if name not in narrow[number])
        return [
            RegionTarget(
                region.name,
                1.0 if region.mask is None else region.mask.mean().item(),
                counted,
                {name: self._target(name, part, before, strength) for name in self.style_layers},
                narrow_layers,
            )
            for region, counted, narrow_layers, part, before in zip(
                regions, places, narrow, parts, unpainted, strict=True
            )
        ]

    def _target(
        self,
        name: str,
        parts: list[tuple[float, dict[str, Statistics]]],
        unpainted: dict[str, Statistics] | None,
        strength: float,
    ) -> Statistics:
        shares, statistics = zip(*parts, strict=True)
        target = blend([s[name] for s in statistics], list(shares))
        return self.loss.complete(target if unpainted is None else between(unpainted[name], target, strength))

    def _picture_statistics(
        self, picture: torch.Tensor, places: Sequence[Mapping[str, Places | None]]
    ) -> list[dict[str, Statistics]]:
        """The statistics of some regions of a picture, by layer."""
        size = (picture.shape[2], picture.shape[3])
        found: Averages = {}
        for tile, name, features in self._walk(picture):
            found = _sums(found, self._statistics(name, features, tile, size, places))
        return [{name: _part(found, name, number) for name in self.style_layers} for number in range(len(places))]

    # --- Looking ----------------------------------------------------------------------------------------------------

    def _walk(self, picture: torch.Tensor) -> Iterator[tuple[Tile, str, torch.Tensor]]:
        """The tiles of a picture, with their cores' features, layer by layer."""
        for tile in self._glances((picture.shape[2], picture.shape[3])):
            for name, features in self._features(tile.cut(picture), tile):
                yield tile, name, features

    def _features(self, seen: torch.Tensor, tile: Tile) -> Iterator[tuple[str, torch.Tensor]]:
        for name, features in self.network.walk(seen, self.layers):
            yield name, tile.inner(name, features)

    def _statistics(
        self,
        name: str,
        features: torch.Tensor,
        tile: Tile,
        size: tuple[int, int],
        regions: Sequence[Mapping[str, Places | None]],
    ) -> Averages:
        """A tile's part in a layer's statistics of some regions of a picture of that size (height, width)."""
        averages: Averages = {}
        if name not in self.style_layers:
            return averages
        here = features.permute(0, 2, 3, 1).flatten(0, 2)  # (P, C); no copy is made of channels_last memory
        shape = [length // min_side([name]) for length in size]
        for number, places in enumerate(regions):
            counted = places[name]
            if counted is None:
                share = len(here) / (shape[0] * shape[1])
                found = {key: value * share for key, value in self.loss.statistics(here, None).items()}
            else:
                indexes, weights = counted.inside(tile.places(name), shape[1])
                found = self.loss.statistics(here[indexes], weights)
            averages |= {(name, str(number), key): value for key, value in found.items()}
        return averages


def _part(averages: Averages, name: str, region: int) -> Statistics:
    return {key[2]: value for key, value in averages.items() if key[:2] == (name, str(region))}


def _sums(one: Averages, other: Averages) -> Averages:
    return one | {key: one[key] + value if key in one else value for key, value in other.items()}


def _sum(terms: Mapping[str, torch.Tensor]) -> torch.Tensor:
    return torch.stack(list(terms.values())).sum()
