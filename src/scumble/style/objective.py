"""What is minimised: the optimiser sees a function of the picture, never a network.

Targets are computed once, by the same network in the same number format that will look at the canvas. What several
styles, masks and the strength come to is decided here as well, and by the targets alone: statistics are blended, never
losses, so that an evaluation costs the same for five styles as for one.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch

from scumble.perceptual.vgg import VGG19
from scumble.style.losses import STYLE_LOSSES, Statistics, blend, mean_squared_error, total_variation
from scumble.style.masks import Places, Region, counted_places

GREY_LEVELS = 255
"""Variation is measured in these: the features of Caffe's network are in units of them too."""


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
    """L(x) = sum of weighted content terms + sum of weighted style terms (Gatys et al. 2015, eq. 7) + variation.

    Args:
        network: does the looking; built for all layers below.
        content: (1, 3, H, W) in [0, 1], of the canvas' size.
        styles: (1, 3, H', W') in [0, 1] each, of any size.
        content_layers: layers whose features are compared place by place, with their weights.
        style_layers: layers whose statistics are compared, with their weights.
        loss: how they are compared, one of `STYLE_LOSSES`.
        variation_weight: how much differences of neighbouring pixels count.
        strength: the styles' share in the targets, the rest being the content's own statistics: at 0 the content itself
            has no loss, at 1 nothing of its statistics is wanted.
        regions: which part of the canvas takes its style from where; None for all of it from all styles alike.
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
    ):
        self.network = network
        self.content_layers = dict(content_layers)
        self.style_layers = dict(style_layers)
        self.variation_weight = variation_weight
        self.loss = STYLE_LOSSES[loss]
        with torch.no_grad():
            features = self._features(content)
            self.content_targets = {name: features[name] for name in self.content_layers}
            if regions is None:
                regions = [Region("everything", (1 / len(styles),) * len(styles))]
            self.regions = self._region_targets(regions, features, content, styles, strength) if style_layers else []

    def value_and_gradient(self, canvas: torch.Tensor) -> Evaluation:
        """One evaluation: a pass through the network and back.

        Args:
            canvas: (1, 3, H, W), RGB; values outside [0, 1] are taken as they are.

        Returns:
            The loss, its gradient by the canvas (same shape, contiguous), and the terms by name.
        """
        canvas = canvas.detach().requires_grad_()
        features = self._features(canvas)
        terms = {}
        for name, weight in self.content_layers.items():
            terms[f"content {name}"] = weight * mean_squared_error(features[name], self.content_targets[name])
        for name, weight in self.style_layers.items():
            terms[f"style {name}"] = weight * self._style_distance(name, _places(features[name]))
        if self.variation_weight:
            terms["variation"] = self.variation_weight * GREY_LEVELS**2 * total_variation(canvas)
        loss = torch.stack(list(terms.values())).sum()
        (gradient,) = torch.autograd.grad(loss, canvas)
        values = torch.stack([loss.detach(), *(term.detach() for term in terms.values())]).tolist()
        return Evaluation(values[0], gradient.contiguous(), dict(zip(terms, values[1:], strict=True)))

    def _style_distance(self, name: str, places: torch.Tensor) -> torch.Tensor:
        """The regions' distances from their targets, each counting as much as its share of the canvas."""
        distances = [
            region.area * self.loss.distance(self._statistics(places, region.places[name]), region.targets[name])
            for region in self.regions
        ]
        return torch.stack(distances).sum()

    def _region_targets(
        self,
        regions: Sequence[Region],
        content_features: dict[str, torch.Tensor],
        content: torch.Tensor,
        styles: Sequence[torch.Tensor],
        strength: float,
    ) -> list[RegionTarget]:
        """The statistics that each region is to have, style after style: one style's features at a time are kept."""
        places, narrow = zip(*(counted_places(r.mask, content, self.style_layers) for r in regions), strict=True)
        parts: list[list[tuple[float, dict[str, Statistics]]]] = [[] for _ in regions]
        if strength < 1:
            for part, counted in zip(parts, places, strict=True):
                part.append((1 - strength, self._all_statistics(content_features, counted)))
        for index, style in enumerate(styles):
            features = self._features(style)
            for part, region, narrow_layers in zip(parts, regions, narrow, strict=True):
                share = region.shares[index] * strength
                if share:
                    mask = region.style_masks[index] if region.style_masks else None
                    counted, narrow_of_style = counted_places(mask, style, self.style_layers)
                    part.append((share, self._all_statistics(features, counted)))
                    narrow_layers += [name for name in narrow_of_style if name not in narrow_layers]
        return [
            RegionTarget(
                region.name,
                1.0 if region.mask is None else region.mask.mean().item(),
                counted,
                {name: self._target(name, part) for name in self.style_layers},
                narrow_layers,
            )
            for region, counted, narrow_layers, part in zip(regions, places, narrow, parts, strict=True)
        ]

    def _statistics(self, places: torch.Tensor, counted: Places | None) -> Statistics:
        if counted is None:
            return self.loss.statistics(places, None)
        return self.loss.statistics(places[counted.indexes], counted.weights)

    def _all_statistics(self, features: dict[str, torch.Tensor], counted: dict[str, Places | None]):
        return {name: self._statistics(_places(features[name]), counted[name]) for name in self.style_layers}

    def _target(self, name: str, parts: list[tuple[float, dict[str, Statistics]]]) -> Statistics:
        shares, statistics = zip(*parts, strict=True)
        return self.loss.complete(blend([s[name] for s in statistics], list(shares)))

    def _features(self, picture: torch.Tensor) -> dict[str, torch.Tensor]:
        """Features in float32 at least, whatever format the convolutions use: it is what the losses are summed in."""
        features = self.network(picture, tuple(self.content_layers | self.style_layers))
        return {name: f if f.dtype == torch.float64 else f.float() for name, f in features.items()}


def _places(features: torch.Tensor) -> torch.Tensor:
    """(1, C, H, W) features as (P, C); no copy is made of channels_last memory."""
    return features.permute(0, 2, 3, 1).flatten(0, 2)
