"""What is minimised: the optimiser sees a function of the picture, never a network.

Targets are computed once, by the same network in the same number format that will look at the canvas. What several
styles, masks and the strength come to is decided here as well, and by the targets alone: statistics are blended, never
losses, so that an evaluation costs the same for five styles as for one. Pictures too large for the memory are looked at
tile by tile (see `scumble.style.tiles`), with the same result but for rounding.
"""

import functools
import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import torch

from scumble.device import is_about_memory
from scumble.perceptual.layers import min_side
from scumble.perceptual.vgg import VGG19
from scumble.style.importance import at_places, importance
from scumble.style.losses import (
    STYLE_LOSSES,
    Statistics,
    between,
    blend,
    directions,
    excess,
    gaussian_map,
    mean_squared_error,
    moments,
    nearness,
    out_of_range,
    total_variation,
    wide,
)
from scumble.style.masks import Places, Region, counted_places, resized
from scumble.style.tiles import Tile, margin_of, tiles

Result = TypeVar("Result")
Averages = dict[tuple[str, str, str], torch.Tensor]
"""Averages over a picture's places: (layer, number of a region, statistic), and (layer, "canvas", kind of term)."""

Measure = Callable[[torch.Tensor, torch.Tensor | None], Statistics]
"""Features and weights of places -> statistics, as `StyleLoss.statistics`."""

LEAK_PLACES = 4096
"""Of the paintings' places, at most so many are what the canvas may not become like; more of them are alike anyway."""

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


class RegionMap(NamedTuple):
    """T(F) = F @ matrix + offset, for features (P, C); and how far that way each place of the layer goes, (H', W')."""

    matrix: torch.Tensor
    offset: torch.Tensor
    share: torch.Tensor


class LeakTarget(NamedTuple):
    """What no place may become more like: the paintings' places of a layer.

    Attributes:
        places: (Q, C) directions from the centre.
        centre: (C), the middle between the photograph's and the paintings' means.
        allowed: (H', W'), how much like them the photograph is at each place.
    """

    places: torch.Tensor
    centre: torch.Tensor
    allowed: torch.Tensor


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
        transported_layers: layers whose features are compared place by place with the content's after these were moved
            into the distribution of the styles' (`losses.gaussian_map`), with their weights.
        leak_layers: layers at which no place may become more like some place of the styles than the content's was.
        focused: whether content counts more where there is more of it (see `scumble.style.importance`).
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
        transported_layers: Mapping[str, float] | None = None,
        leak_layers: Mapping[str, float] | None = None,
        focused: bool = False,
    ):
        self.network = network
        self.content_layers = dict(content_layers)
        self.transported_layers = dict(transported_layers or {})
        self.leak_layers = dict(leak_layers or {})
        self.style_layers = dict(style_layers)
        self.layers = tuple(self.content_layers | self.transported_layers | self.leak_layers | self.style_layers)
        self.loss = STYLE_LOSSES[loss]
        self.variation_weight = variation_weight
        self.range_weight = range_weight
        self.tile_side = tile_side
        self.content = content
        self.size = (content.shape[2], content.shape[3])
        self.transported: dict[Tile, dict[str, torch.Tensor]] = {}
        self.regions_wanted = regions or [Region("everything", (1 / len(styles),) * len(styles))]
        self.styles = styles
        self.strength = strength
        self.importance: dict[str, torch.Tensor] = {}
        if focused:
            of_pixels = importance(content)
            for name in self.content_layers | self.transported_layers:
                self.importance[name] = at_places(of_pixels, self._shape(name))
        self.aimed = False
        self._dividing(lambda: None)

    @torch.no_grad()
    def _aim(self) -> None:
        """Find all targets, in the tiles that the canvas is looked at in."""
        regions, content, styles, strength = self.regions_wanted, self.content, self.styles, self.strength
        self.transported.clear()
        self.content_targets = self._whole_features(content, self.content_layers)
        self.maps = self._maps(regions, content, styles, strength)
        self.leak_targets = self._leak_targets(regions, content, styles)
        self.regions = self._region_targets(regions, content, styles, strength) if self.style_layers else []
        self.aimed = True

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
        """Do something that looks at pictures; where the memory does not suffice for it, with smaller tiles.

        Other tiles round otherwise: the targets are found again, so that all there is to know of the way to a loss is
        its tiles' side. Only so does a job that was stopped later go on to the same bits.
        """
        while True:
            try:
                if not self.aimed:
                    self._aim()
                return work(*arguments)
            except (MemoryError, RuntimeError) as error:
                side = min(self.tile_side or max(self.size), max(self.size)) // 2
                if not is_about_memory(error) or side < margin_of(self.layers):
                    raise
                self.tile_side, self.aimed = side, False

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
        transported = self._transported_targets(tile)
        for name, features in self._features(seen, tile, self.layers):
            if name in self.style_layers:
                averages |= self._statistics(name, features, tile, self.size, regions, self.loss.statistics)
            rows, columns = tile.places(name)
            targets = {"transported": transported[name]} if name in transported else {}
            if name in self.content_targets:
                targets["content"] = self.content_targets[name][:, :, rows, columns]
            for kind, target in targets.items():
                share = target[0, 0].numel() / math.prod(self._shape(name))
                counts = self.importance[name][:, :, rows, columns] if name in self.importance else None
                averages[name, "canvas", kind] = share * mean_squared_error(features, target, counts)
            if name in self.leak_targets:
                places, centre, allowed = self.leak_targets[name]
                here = allowed[rows, columns].flatten()
                near = nearness(by_place(features), places, centre)
                averages[name, "canvas", "leak"] = here.numel() / allowed.numel() * excess(near, here)
        return averages

    def _terms(self, averages: Averages) -> dict[str, torch.Tensor]:
        """The weighted terms, given the averages over the whole canvas."""
        terms = {}
        of_canvas = {"content": self.content_layers, "transported": self.transported_layers, "leak": self.leak_layers}
        for kind, layers in of_canvas.items():
            terms |= {f"{kind} {name}": weight * averages[name, "canvas", kind] for name, weight in layers.items()}
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

    def _whole_features(self, picture: torch.Tensor, layers: Collection[str]) -> dict[str, torch.Tensor]:
        """The features of a picture, put together from those of its tiles."""
        size = (picture.shape[2], picture.shape[3])
        found: dict[str, torch.Tensor] = {}
        for tile, name, features in self._walk(picture, layers):
            if name not in found:
                height, width = (length // min_side([name]) for length in size)
                found[name] = features.new_empty((1, features.shape[1], height, width))
            rows, columns = tile.places(name)
            found[name][:, :, rows, columns] = features
        return found

    def _maps(
        self, regions: Sequence[Region], content: torch.Tensor, styles: Sequence[torch.Tensor], strength: float
    ) -> dict[str, list[RegionMap]]:
        """How each region's features are moved into the distribution of what paints it, by layer."""
        layers = self.transported_layers
        if not layers:
            return {}
        painted, _ = self._painted_statistics(regions, styles, layers, moments)
        shares = {name: self._shares(regions, name) for name in layers}
        # Of the places that will be moved: a map that is found where a plain region is plainest tears its edges apart.
        places = [{name: _weighed(shares[name][n], region) for name in layers} for n, region in enumerate(regions)]
        unpainted = self._picture_statistics(content, places, layers, moments)
        return {
            name: [
                RegionMap(*gaussian_map(here[name], there[name]), strength * share)
                for here, there, share in zip(unpainted, painted, shares[name], strict=True)
            ]
            for name in layers
        }

    @torch.no_grad()
    def _transported_targets(self, tile: Tile) -> dict[str, torch.Tensor]:
        """The content's features in a tile, moved, by layer.

        Shallow features of large pictures take more memory than anything else that would stay, and little time: only
        those of a picture that is one tile are kept.
        """
        if tile in self.transported or not self.maps:
            return self.transported.get(tile, {})
        targets = {}
        for name, features in self._features(tile.cut(self.content), tile, self.transported_layers):
            rows, columns = tile.places(name)
            here = wide(by_place(features))
            moves = torch.zeros_like(here)
            for matrix, offset, inside in self.maps[name]:
                moves += inside[rows, columns].reshape(-1, 1) * (here @ matrix + offset - here)
            found = (here + moves).to(features.dtype)
            targets[name] = found.view(*features.shape[2:], -1).permute(2, 0, 1)[None]
        if len(self.tiles) == 1:
            self.transported[tile] = targets
        return targets

    def _leak_targets(
        self, regions: Sequence[Region], content: torch.Tensor, styles: Sequence[torch.Tensor]
    ) -> dict[str, LeakTarget]:
        """The places of the paintings that have a share, and how much like them the photograph is."""
        styles = [style for index, style in enumerate(styles) if any(region.shares[index] for region in regions)]
        targets = {}
        for name, features in self._whole_features(content, self.leak_layers).items():
            here = wide(by_place(features))
            there = [wide(by_place(self._whole_features(style, [name])[name])) for style in styles]
            centre = (here.mean(0) + torch.stack([features.mean(0) for features in there]).mean(0)) / 2
            sample = [features[:: 1 + len(features) * len(styles) // LEAK_PLACES] for features in there]
            places = directions(torch.cat(sample), centre)
            near = torch.cat([nearness(block, places, centre) for block in here.split(LEAK_PLACES)])
            targets[name] = LeakTarget(places, centre, near.view(features.shape[2:]))
        return targets

    def _region_targets(
        self, regions: Sequence[Region], content: torch.Tensor, styles: Sequence[torch.Tensor], strength: float
    ) -> list[RegionTarget]:
        """The statistics that each region is to have."""
        layers, statistics = self.style_layers, self.loss.statistics
        places, narrow = self._counted(regions, content, layers)
        painted, narrow_in_styles = self._painted_statistics(regions, styles, layers, statistics)
        if strength < 1:
            unpainted = self._picture_statistics(content, places, layers, statistics)
            painted = [
                {name: between(before[name], after[name], strength) for name in layers}
                for before, after in zip(unpainted, painted, strict=True)
            ]
        return [
            RegionTarget(
                region.name,
                1.0 if region.mask is None else region.mask.mean().item(),
                places[number],
                {name: self.loss.complete(painted[number][name]) for name in layers},
                list(dict.fromkeys(narrow[number] + narrow_in_styles[number])),
            )
            for number, region in enumerate(regions)
        ]

    def _shape(self, name: str) -> tuple[int, int]:
        """(H', W') of the canvas' features."""
        height, width = (length // min_side([name]) for length in self.size)
        return height, width

    def _shares(self, regions: Sequence[Region], name: str) -> list[torch.Tensor]:
        """How much of each place of a layer is each region's, (H', W'); where masks overlap, 1 in all."""
        height, width = self._shape(name)
        shares = torch.stack(
            [
                self.content.new_ones(height, width)
                if region.mask is None
                else resized(region.mask, (width, height))[0, 0].to(self.content)
                for region in regions
            ]
        )
        return list(shares / shares.sum(0).clamp_min(1))

    def _counted(
        self, regions: Sequence[Region], content: torch.Tensor, layers: Collection[str]
    ) -> tuple[list[dict[str, Places | None]], list[list[str]]]:
        """The places of each region in the canvas, and the layers at which no neuron sees it alone."""
        counted = [counted_places(region.mask, content, layers) for region in regions]
        return [places for places, _ in counted], [narrow for _, narrow in counted]

    def _painted_statistics(
        self, regions: Sequence[Region], styles: Sequence[torch.Tensor], layers: Collection[str], statistics: Measure
    ) -> tuple[list[dict[str, Statistics]], list[list[str]]]:
        """What the styles have in store for each region, blended; and where no neuron sees its part of them alone.

        One style's features, or one tile's, are kept at a time.
        """
        parts: list[list[tuple[float, dict[str, Statistics]]]] = [[] for _ in regions]
        narrow: list[list[str]] = [[] for _ in regions]
        for index, style in enumerate(styles):
            taking = [number for number, region in enumerate(regions) if region.shares[index]]
            masks = [regions[n].style_masks[index] if regions[n].style_masks else None for n in taking]
            counted = [counted_places(mask, style, layers) for mask in masks]
            found = self._picture_statistics(style, [places for places, _ in counted], layers, statistics)
            for number, of_style, (_, narrow_of_style) in zip(taking, found, counted, strict=True):
                parts[number].append((regions[number].shares[index], of_style))
                narrow[number] += narrow_of_style
        blended = []
        for part in parts:
            shares, found = zip(*part, strict=True)
            blended.append({name: blend([of_style[name] for of_style in found], list(shares)) for name in layers})
        return blended, narrow

    def _picture_statistics(
        self,
        picture: torch.Tensor,
        places: Sequence[Mapping[str, Places | None]],
        layers: Collection[str],
        statistics: Measure,
    ) -> list[dict[str, Statistics]]:
        """The statistics of some regions of a picture, by layer."""
        size = (picture.shape[2], picture.shape[3])
        found: Averages = {}
        for tile, name, features in self._walk(picture, layers):
            found = _sums(found, self._statistics(name, features, tile, size, places, statistics))
        return [{name: _part(found, name, number) for name in layers} for number in range(len(places))]

    # --- Looking ----------------------------------------------------------------------------------------------------

    def _walk(self, picture: torch.Tensor, layers: Collection[str]) -> Iterator[tuple[Tile, str, torch.Tensor]]:
        """The tiles of a picture, with their cores' features, layer by layer."""
        if layers:
            for tile in self._glances((picture.shape[2], picture.shape[3])):
                for name, features in self._features(tile.cut(picture), tile, layers):
                    yield tile, name, features

    def _features(self, seen: torch.Tensor, tile: Tile, layers: Collection[str]) -> Iterator[tuple[str, torch.Tensor]]:
        for name, features in self.network.walk(seen, layers):
            yield name, tile.inner(name, features)

    def _statistics(
        self,
        name: str,
        features: torch.Tensor,
        tile: Tile,
        size: tuple[int, int],
        regions: Sequence[Mapping[str, Places | None]],
        statistics: Measure,
    ) -> Averages:
        """A tile's part in a layer's statistics of some regions of a picture of that size (height, width)."""
        averages: Averages = {}
        here = by_place(features)
        shape = [length // min_side([name]) for length in size]
        for number, places in enumerate(regions):
            counted = places[name]
            if counted is None:
                share = len(here) / (shape[0] * shape[1])
                found = {key: value * share for key, value in statistics(here, None).items()}
            else:
                indexes, weights = counted.inside(tile.places(name), shape[1])
                found = statistics(here[indexes], weights)
            averages |= {(name, str(number), key): value for key, value in found.items()}
        return averages


def by_place(features: torch.Tensor) -> torch.Tensor:
    """(1, C, H, W) as (H*W, C); no copy is made of channels_last memory."""
    return features.permute(0, 2, 3, 1).flatten(0, 2)


def _weighed(share: torch.Tensor, region: Region) -> Places | None:
    """All places of a layer, each as its share (H', W') of a region says; None for a region that is everything."""
    if region.mask is None:
        return None
    weights = share.flatten() / share.sum().clamp_min(1e-12)
    return Places(torch.arange(len(weights), device=weights.device), weights)


def _part(averages: Averages, name: str, region: int) -> Statistics:
    return {key[2]: value for key, value in averages.items() if key[:2] == (name, str(region))}


def _sums(one: Averages, other: Averages) -> Averages:
    return one | {key: one[key] + value if key in one else value for key, value in other.items()}


def _sum(terms: Mapping[str, torch.Tensor]) -> torch.Tensor:
    return torch.stack(list(terms.values())).sum()
