"""What an objective compares the canvas with, found once, by the same network that will look at the canvas.

What several styles, masks and the strength come to is decided here, by the targets alone: statistics are blended, never
losses, so that an evaluation costs the same for five styles as for one.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import torch

from scumble.style.losses.content import directions, gaussian_map, nearness
from scumble.style.losses.statistics import Statistics, blend, moments, wide
from scumble.style.losses.style import StyleLoss, between
from scumble.style.objective.terms import Terms
from scumble.style.objective.tiles import Tile
from scumble.style.objective.view import Measure, View, by_place, features_shape
from scumble.style.preparation import palette
from scumble.style.preparation.importance import at_places, importance
from scumble.style.preparation.masks import Places, Region, both, counted_places, resized, weighed

LEAK_PLACES = 4096
"""Of the paintings' places, at most so many are what the canvas may not become like; more of them are alike anyway."""


Proportions = dict[tuple[int, int], torch.Tensor]
"""By the numbers of a region and of a style, as from `palette.proportions`; empty where all places count alike."""


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


class Pictures(NamedTuple):
    """What targets are found from.

    Attributes:
        content: (1, 3, H, W) in [0, 1].
        styles: (1, 3, H', W') in [0, 1] each, of any size.
        regions: which part of the canvas takes its style from where.
        strength: how far the targets lie on the way from the content's own statistics to the styles'.
        visible: how much of each place of each style can be seen, (1, 1, H'', W''), at any resolution; None for all.
        layout: the content in the styles' colours, as `content`, if palettes are fitted.
    """

    content: torch.Tensor
    styles: Sequence[torch.Tensor]
    regions: Sequence[Region]
    strength: float
    visible: Sequence[torch.Tensor | None]
    layout: torch.Tensor | None = None


@dataclass(frozen=True)
class Targets:
    """All targets of a canvas, by layer; `importance` is how much each place counts, for layers where that differs."""

    view: View
    picture: torch.Tensor
    content: dict[str, torch.Tensor]
    maps: dict[str, list[RegionMap]]
    leak: dict[str, LeakTarget]
    regions: list[RegionTarget]
    importance: dict[str, torch.Tensor]
    kept: dict[Tile, dict[str, torch.Tensor]] = field(default_factory=dict)

    @torch.no_grad()
    def transported(self, tile: Tile) -> dict[str, torch.Tensor]:
        """The content's features in a tile, moved, by layer.

        Shallow features of large pictures take more memory than anything else that would stay, and little time: only
        those of a picture that is one tile are kept.
        """
        if tile in self.kept or not self.maps:
            return self.kept.get(tile, {})
        targets = {}
        for name, features in self.view.features(tile.cut(self.picture), tile, self.maps):
            rows, columns = tile.places(name)
            here = wide(by_place(features))
            moves = torch.zeros_like(here)
            for matrix, offset, inside in self.maps[name]:
                moves += inside[rows, columns].reshape(-1, 1) * (here @ matrix + offset - here)
            found = (here + moves).to(features.dtype)
            targets[name] = found.view(*features.shape[2:], -1).permute(2, 0, 1)[None]
        if len(self.view.tiles((self.picture.shape[2], self.picture.shape[3]))) == 1:
            self.kept[tile] = targets
        return targets


@torch.no_grad()
def find_targets(view: View, pictures: Pictures, terms: Terms, loss: StyleLoss) -> Targets:
    """The targets of all terms, looked for in the tiles of the view."""
    content = pictures.content
    proportions = _proportions(pictures) if terms.fitted else {}
    features = view.whole_features(content, terms.content | terms.leak)
    return Targets(
        view,
        content,
        {name: features[name] for name in terms.content},
        _maps(view, pictures, terms.transported, proportions),
        _leak_targets(view, pictures, {name: features[name] for name in terms.leak}),
        _region_targets(view, pictures, terms.style, loss, proportions) if terms.style else [],
        _importance(content, (terms.content | terms.transported) if terms.focused else ()),
    )


def _importance(content: torch.Tensor, layers: Collection[str]) -> dict[str, torch.Tensor]:
    """How much each place counts when content is compared, (1, 1, H', W'), by layer."""
    if not layers:
        return {}
    size = (content.shape[2], content.shape[3])
    of_pixels = importance(content)
    return {name: at_places(of_pixels, features_shape(size, name)) for name in layers}


def _proportions(pictures: Pictures) -> Proportions:
    """In which proportions each style's places count for each region, of what the content has a place for."""
    return {
        (number, index): palette.proportions(
            pictures.content, pictures.styles[index], region.mask, _taken(pictures, number, index)
        )
        for number, region in enumerate(pictures.regions)
        for index, share in enumerate(region.shares)
        if share
    }


def _maps(
    view: View, pictures: Pictures, layers: Collection[str], proportions: Proportions
) -> dict[str, list[RegionMap]]:
    """How each region's features are moved into the distribution of what paints it, by layer."""
    if not layers:
        return {}
    content, regions = pictures.content, pictures.regions
    painted, _ = _painted_statistics(view, pictures, layers, moments, proportions)
    shares = {name: _shares(regions, content, name) for name in layers}
    # Of the places that will be moved: a map that is found where a plain region is plainest tears its edges apart.
    places = [{name: _weighed(shares[name][n], region) for name in layers} for n, region in enumerate(regions)]
    unpainted = view.statistics(content, places, layers, moments)
    return {
        name: [
            RegionMap(*gaussian_map(here[name], there[name]), pictures.strength * share)
            for here, there, share in zip(unpainted, painted, shares[name], strict=True)
        ]
        for name in layers
    }


def _leak_targets(view: View, pictures: Pictures, content: dict[str, torch.Tensor]) -> dict[str, LeakTarget]:
    """The places of the paintings that have a share, and how much like them the photograph is, given its features."""
    if not content:
        return {}
    counting = [index for index in range(len(pictures.styles)) if any(r.shares[index] for r in pictures.regions)]
    styles = [pictures.styles[index] for index in counting]
    seen = [counted_places(pictures.visible[index], pictures.styles[index], content)[0] for index in counting]
    targets = {}
    for name, features in content.items():
        here = wide(by_place(features))
        there = [wide(by_place(view.whole_features(style, [name])[name])) for style in styles]
        there = [f if (p := places[name]) is None else f[p.indexes] for f, places in zip(there, seen, strict=True)]
        centre = (here.mean(0) + torch.stack([features.mean(0) for features in there]).mean(0)) / 2
        sample = [features[:: 1 + len(features) * len(styles) // LEAK_PLACES] for features in there]
        places = directions(torch.cat(sample), centre)
        near = torch.cat([nearness(block, places, centre) for block in here.split(LEAK_PLACES)])
        targets[name] = LeakTarget(places, centre, near.view(features.shape[2:]))
    return targets


def _region_targets(
    view: View, pictures: Pictures, layers: Collection[str], loss: StyleLoss, proportions: Proportions
) -> list[RegionTarget]:
    """The statistics that each region is to have."""
    content, regions, strength = pictures.content, pictures.regions, pictures.strength
    counted = [counted_places(region.mask, content, layers) for region in regions]
    painted, narrow_in_styles = _painted_statistics(view, pictures, layers, loss.statistics, proportions)
    for picture, share in ((pictures.layout, palette.PAINTED), (content, strength)):
        if picture is None or share == 1:
            continue
        unpainted = view.statistics(picture, [places for places, _ in counted], layers, loss.statistics)
        painted = [
            {name: between(before[name], after[name], share) for name in layers}
            for before, after in zip(unpainted, painted, strict=True)
        ]
    return [
        RegionTarget(
            region.name,
            1.0 if region.mask is None else region.mask.mean().item(),
            places,
            {name: loss.complete(painted[number][name]) for name in layers},
            list(dict.fromkeys(narrow + narrow_in_styles[number])),
        )
        for number, (region, (places, narrow)) in enumerate(zip(regions, counted, strict=True))
    ]


def _painted_statistics(
    view: View, pictures: Pictures, layers: Collection[str], measure: Measure, proportions: Proportions
) -> tuple[list[dict[str, Statistics]], list[list[str]]]:
    """What the styles have in store for each region, blended; and where no neuron sees its part of them alone.

    One style's features, or one tile's, are kept at a time.
    """
    regions = pictures.regions
    parts: list[list[tuple[float, dict[str, Statistics]]]] = [[] for _ in regions]
    narrow: list[list[str]] = [[] for _ in regions]
    for index, style in enumerate(pictures.styles):
        taking = [number for number, region in enumerate(regions) if region.shares[index]]
        counted = [counted_places(_taken(pictures, number, index), style, layers) for number in taking]
        if proportions:
            counted = [
                (_fitted(places, proportions[number, index], style), outside)
                for number, (places, outside) in zip(taking, counted, strict=True)
            ]
        found = view.statistics(style, [places for places, _ in counted], layers, measure)
        for number, of_style, (_, narrow_of_style) in zip(taking, found, counted, strict=True):
            parts[number].append((regions[number].shares[index], of_style))
            narrow[number] += narrow_of_style
    blended = []
    for part in parts:
        shares, found = zip(*part, strict=True)
        blended.append({name: blend([of_style[name] for of_style in found], list(shares)) for name in layers})
    return blended, narrow


def _taken(pictures: Pictures, region: int, style: int) -> torch.Tensor | None:
    """The part of a style that a region takes, as far as it can be seen; None for all of it."""
    masks = pictures.regions[region].style_masks
    return both(masks[style] if masks else None, pictures.visible[style])


def _fitted(
    places: dict[str, Places | None], proportions: torch.Tensor, style: torch.Tensor
) -> dict[str, Places | None]:
    """Places of a style by layer, counted in these proportions."""
    size = (style.shape[2], style.shape[3])
    return {name: weighed(counted, proportions, features_shape(size, name)) for name, counted in places.items()}


def _shares(regions: Sequence[Region], content: torch.Tensor, name: str) -> list[torch.Tensor]:
    """How much of each place of a layer is each region's, (H', W'); where masks overlap, 1 in all."""
    height, width = features_shape((content.shape[2], content.shape[3]), name)
    shares = torch.stack(
        [
            content.new_ones(height, width)
            if region.mask is None
            else resized(region.mask, (width, height))[0, 0].to(content)
            for region in regions
        ]
    )
    return list(shares / shares.sum(0).clamp_min(1))


def _weighed(share: torch.Tensor, region: Region) -> Places | None:
    """All places of a layer, each as its share (H', W') of a region says; None for a region that is everything."""
    if region.mask is None:
        return None
    weights = share.flatten() / share.sum().clamp_min(1e-12)
    return Places(None, weights)
