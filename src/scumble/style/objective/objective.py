"""What is minimised: the optimiser sees a function of the picture, never a network.

Pictures too large for the memory are looked at tile by tile (see `scumble.style.objective.tiles`), with the same result
but for rounding.
"""

import dataclasses
import functools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar

import torch

from scumble.device import is_about_memory
from scumble.perceptual.vgg import VGG19
from scumble.style.losses.content import excess, mean_squared_error, nearness
from scumble.style.losses.pixels import out_of_range, total_variation
from scumble.style.losses.style import STYLE_LOSSES
from scumble.style.objective.targets import Pictures, Targets, find_targets
from scumble.style.objective.terms import Terms
from scumble.style.objective.tiles import Tile, margin_of
from scumble.style.objective.view import Averages, View, added, by_place, features_shape, of_region, tile_statistics
from scumble.style.preparation.masks import Region
from scumble.style.preparation.palette import coarse_difference

Result = TypeVar("Result")

GREY_LEVELS = 255
"""Terms of the pixels are measured in these: the features of Caffe's network are in units of them too."""


class Evaluation(NamedTuple):
    """The loss of a canvas, its gradient, and the weighted terms that the loss is the sum of."""

    loss: float
    gradient: torch.Tensor
    terms: dict[str, float]


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
            into the distribution of the styles' (`losses.content.gaussian_map`), with their weights.
        leak_layers: layers at which no place may become more like some place of the styles than the content's was.
        focused: whether content counts more where there is more of it (see `scumble.style.preparation.importance`).
        visible: how much of each place of each style can be seen, as in `Pictures`; None for all of all of them.
        layout: (1, 3, H, W), what colours are coarsely compared with (see `scumble.style.preparation.palette`).
        layout_weight: how much that counts.
        fitted: whether the proportions of the styles' colours give way to what the content has a place for.
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
        visible: Sequence[torch.Tensor | None] | None = None,
        layout: torch.Tensor | None = None,
        layout_weight: float = 0.0,
        fitted: bool = False,
    ):
        moved, leaks = transported_layers or {}, leak_layers or {}
        self.terms = Terms(
            dict(content_layers), dict(moved), dict(leaks), dict(style_layers), focused, layout_weight, fitted
        )
        self.loss = STYLE_LOSSES[loss]
        self.variation_weight = variation_weight
        self.range_weight = range_weight
        self.layout = layout if layout_weight else None
        self.size = (content.shape[2], content.shape[3])
        regions = regions or [Region("everything", (1 / len(styles),) * len(styles))]
        self.pictures = Pictures(content, styles, regions, strength, visible or (None,) * len(styles), self.layout)
        self.view = View(network, self.terms.layers(), tile_side, self.loss.glance)
        self._in_memory(lambda: self.targets)

    def value_and_gradient(self, canvas: torch.Tensor) -> Evaluation:
        """One evaluation: a pass through the network and back; of many tiles, one more pass to begin with.

        Args:
            canvas: (1, 3, H, W), RGB; values outside [0, 1] are taken as they are.

        Returns:
            The loss, its gradient by the canvas (same shape, contiguous), and the terms by name.
        """
        terms, gradient = self._in_memory(lambda: self._evaluate(canvas.detach().requires_grad_()))
        values = torch.stack([_sum(terms), *terms.values()]).tolist()
        return Evaluation(values[0], gradient.contiguous(), dict(zip(terms, values[1:], strict=True)))

    @functools.cached_property
    def targets(self) -> Targets:
        """What the canvas is compared with, found in the same tiles as it is looked at in."""
        return find_targets(self.view, self.pictures, self.terms, self.loss)

    @property
    def tiles(self) -> list[Tile]:
        """Those of the canvas, for the way there and back."""
        return self.view.tiles(self.size)

    def _in_memory(self, work: Callable[[], Result]) -> Result:
        """Do something that looks at pictures; where the memory does not suffice for it, with smaller tiles.

        Other tiles round otherwise. The targets are then found again, so that all there is to know of how a loss was
        computed is the side of the tiles. Only so does a job that is stopped later go on to the same bits.
        """
        while True:
            try:
                return work()
            except (MemoryError, RuntimeError) as error:
                side = min(self.view.tile_side or max(self.size), max(self.size)) // 2
                if not is_about_memory(error) or side < margin_of(self.view.layers):
                    raise
            self.view = dataclasses.replace(self.view, tile_side=side)
            self.__dict__.pop("targets", None)

    def _evaluate(self, canvas: torch.Tensor) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        """The terms and their gradient."""
        tiles = self.tiles
        if len(tiles) > 1:
            return self._tile_by_tile(canvas, tiles)
        terms = self._terms(self._averages(canvas, tiles[0]))
        terms |= self._of_pixels(canvas)
        return terms, torch.autograd.grad(_sum(terms), canvas)[0]

    def _tile_by_tile(self, canvas: torch.Tensor, tiles: list[Tile]) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        """What all tiles come to decides what each of them is to change."""
        with torch.no_grad():
            glances = self.view.glances(self.size)
            averages = functools.reduce(added, (self._averages(tile.cut(canvas), tile) for tile in glances))
        averages = {key: value.requires_grad_() for key, value in averages.items()}
        terms = self._terms(averages)
        slopes = torch.autograd.grad(_sum(terms), list(averages.values()))
        gradient = torch.zeros_like(canvas)
        for tile in tiles:
            seen = tile.cut(canvas).detach().requires_grad_()
            parts = list(self._averages(seen, tile).values())
            tile.cut(gradient).add_(torch.autograd.grad(parts, seen, slopes)[0])
        for name, term in self._of_pixels(canvas):  # in turn: together they would take as much again as a tile
            terms[name] = term
            gradient += torch.autograd.grad(term, canvas)[0]
        return terms, gradient

    def _averages(self, seen: torch.Tensor, tile: Tile) -> Averages:
        """A tile's part in everything that the terms of the canvas are functions of."""
        averages: Averages = {}
        targets = self.targets
        regions = [region.places for region in targets.regions]
        transported = targets.transported(tile)
        for name, features in self.view.features(seen, tile, self.view.layers):
            if name in self.terms.style:
                averages |= tile_statistics(name, features, tile, self.size, regions, self.loss.statistics)
            rows, columns = tile.places(name)
            by_kind = {"transported": transported[name]} if name in transported else {}
            if name in targets.content:
                by_kind["content"] = targets.content[name][:, :, rows, columns]
            for kind, target in by_kind.items():
                share = target[0, 0].numel() / math.prod(features_shape(self.size, name))
                counts = targets.importance[name][:, :, rows, columns] if name in targets.importance else None
                averages[name, "canvas", kind] = share * mean_squared_error(features, target, counts)
            if name in targets.leak:
                places, centre, allowed = targets.leak[name]
                here = allowed[rows, columns].flatten()
                near = nearness(by_place(features), places, centre)
                averages[name, "canvas", "leak"] = here.numel() / allowed.numel() * excess(near, here)
        return averages

    def _terms(self, averages: Averages) -> dict[str, torch.Tensor]:
        """The weighted terms, given the averages over the whole canvas."""
        terms = {}
        of_canvas = {"content": self.terms.content, "transported": self.terms.transported, "leak": self.terms.leak}
        for kind, layers in of_canvas.items():
            terms |= {f"{kind} {name}": weight * averages[name, "canvas", kind] for name, weight in layers.items()}
        for name, weight in self.terms.style.items():
            distances = [
                # A region counts as much as its share of the canvas.
                region.area * self.loss.distance(of_region(averages, name, index), region.targets[name])
                for index, region in enumerate(self.targets.regions)
            ]
            terms[f"style {name}"] = weight * torch.stack(distances).sum()
        return terms

    def _of_pixels(self, canvas: torch.Tensor) -> Iterator[tuple[str, torch.Tensor]]:
        """The weighted terms that no network looks at, each by its name, made when it is asked for."""
        terms = {"variation": (self.variation_weight, total_variation), "range": (self.range_weight, out_of_range)}
        if (layout := self.layout) is not None:
            terms["layout"] = (self.terms.layout, lambda picture: coarse_difference(picture, layout))
        for name, (weight, term) in terms.items():
            if weight:
                yield name, weight * GREY_LEVELS**2 * term(canvas)


def _sum(terms: Mapping[str, torch.Tensor]) -> torch.Tensor:
    return torch.stack(list(terms.values())).sum()
