"""Regions: which part of the canvas takes its style from where.

A region is a mask over the canvas and a share in each style, of which a mask may again take a part. Masks are soft: a
place counts as much as its mask says. "Inside" handling (Gatys et al. 2017, section 4.1): statistics of a region are
taken from the neurons that see nothing but the region, so that nothing bleeds across a border. Unlike there, where
those neurons are found by trying, the network is walked through with minima for convolutions: exact, and good for soft
masks as well.
"""

import functools
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F

from scumble.errors import ImageError
from scumble.image.files import Picture
from scumble.perceptual.vgg import seen_whole
from scumble.style.preparation.drawn import drawn
from scumble.style.preparation.flat_colours import are_numbers, labelled, matching, number_of


@dataclass(frozen=True)
class Region:
    """A part of the canvas, and how much of what paints it.

    Args:
        name: for messages.
        mask: (1, 1, H, W) in [0, 1], of the canvas; None for all of it.
        shares: each style's part in the region's statistics, with the sum 1.
        style_masks: the parts of the styles that are taken, (1, 1, H', W') each, or None for all of it.
        remarks: what to tell about how masks were understood, where that is worth a word.
    """

    name: str
    shares: tuple[float, ...]
    mask: torch.Tensor | None = None
    style_masks: tuple[torch.Tensor | None, ...] = field(default=())
    remarks: tuple[str, ...] = ()


class Places(NamedTuple):
    """Some places of a layer: their indexes, None for all of them, and how much each counts, with the sum 1."""

    indexes: torch.Tensor | None
    weights: torch.Tensor

    def inside(self, rectangle: tuple[slice, slice], width: int) -> "Places":
        """Those that lie in some (rows, columns) of a layer that is `width` wide, with their indexes in there."""
        rows, columns = rectangle
        if self.indexes is None:
            return Places(None, self.weights.view(-1, width)[rows, columns].flatten())
        row, column = self.indexes // width, self.indexes % width
        here = (row >= rows.start) & (row < rows.stop) & (column >= columns.start) & (column < columns.stop)
        indexes = (row[here] - rows.start) * (columns.stop - columns.start) + column[here] - columns.start
        return Places(indexes, self.weights[here])


def counted_places(
    mask: torch.Tensor | None, like: torch.Tensor, layers: Collection[str]
) -> tuple[dict[str, Places | None], list[str]]:
    """Which places of each layer count how much in the statistics of a masked picture.

    Args:
        mask: (1, 1, H, W), on the CPU; None for no mask.
        like: the picture (1, 3, H', W') that the network sees; its device and number format are those of the result.
        layers: names of layers.

    Returns:
        {layer: the places that count, or None for all alike}, and the layers at which no neuron sees the region alone:
        there, the places count by how much of them is inside.
    """
    if mask is None:
        return dict.fromkeys(layers), []
    mask = resized(mask, (like.shape[3], like.shape[2]))
    places: dict[str, Places | None] = {}
    narrow = []
    for name, inside in seen_whole(mask, layers).items():
        if inside.max() < 0.5 * mask.max():
            narrow.append(name)
            inside = F.adaptive_avg_pool2d(mask, (inside.shape[2], inside.shape[3]))
        weights = (inside / inside.sum()).flatten()
        indexes = weights.nonzero().flatten()
        places[name] = Places(indexes.to(like.device), weights[indexes].to(like))
    return places, narrow


def weighed(places: Places | None, counts: torch.Tensor, shape: tuple[int, int]) -> Places:
    """Places of a layer of some shape (H', W'), each of which counts as much as (1, 1, h, w), resized, says besides."""
    at_places = resized(counts, (shape[1], shape[0])).flatten()
    weights = at_places if places is None else at_places[places.indexes] * places.weights
    return Places(None if places is None else places.indexes, weights / weights.sum())


def resized(mask: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """A mask at (width, height): each pixel the average of those it covers, or between those it lies between."""
    width, height = size
    if mask.shape[2:] == (height, width):
        return mask
    return F.interpolate(mask, (height, width), mode="bilinear", antialias=True).clamp(0, 1)


def both(one: torch.Tensor | None, other: torch.Tensor | None) -> torch.Tensor | None:
    """How much of each place lies in two masks of one shape, at the first one's resolution; None is everything."""
    if one is None or other is None:
        return other if one is None else one
    return one * resized(other, (one.shape[3], one.shape[2]))


def covered(regions: Sequence[Region], size: tuple[int, int]) -> torch.Tensor:
    """How much of each place of a canvas (width, height) is in any of the masked regions, (1, 1, H, W).

    Where masks overlap, soft edges add up.
    """
    masks = (resized(region.mask, size) for region in regions if region.mask is not None)
    return functools.reduce(torch.add, masks).clamp(max=1)


# --- From pictures to regions ---------------------------------------------------------------------------------------


def regions_of_masks(masks: Sequence[Picture], canvas: tuple[int, int]) -> list[Region]:
    """One mask for each style, white where it paints.

    Args:
        masks: of the canvas' shape, at any resolution, drawn in any of the ways that `drawn` knows.
        canvas: (width, height), of the content.

    Raises:
        ImageError: if a mask has another shape, covers nothing, or cannot be understood.
    """
    regions = []
    for number, mask in enumerate(masks):
        check_shape(mask, canvas, "the content")
        values, remark = drawn(mask)
        shares = tuple(float(index == number) for index in range(len(masks)))
        regions.append(Region(mask.name, shares, values, remarks=(remark,) if remark else ()))
    return regions


def regions_of_maps(
    content_map: Picture,
    style_maps: Sequence[Picture],
    shares: Sequence[float],
    canvas: tuple[int, int],
    styles: Sequence[tuple[int, int]],
) -> list[Region]:
    """One map of flat colours for the content and one for each style: what has the same colour belongs together.

    Numbers in place of colours, 1, 2, 3, as programs for segmentation write them, are as good.

    Args:
        content_map: of the content's shape.
        style_maps: of the styles' shapes.
        shares: of the styles, wherever more than one has a colour.
        canvas: (width, height), of the content.
        styles: (width, height) of each.

    Raises:
        ImageError: if a map has another shape than its picture, has no regions or too many, or if the content's has a
            colour that none of the styles' has.
    """
    check_shape(content_map, canvas, "the content")
    for style_map, size in zip(style_maps, styles, strict=True):
        check_shape(style_map, size, "its style")
    numbers = are_numbers((content_map, *style_maps))
    colours, labels = labelled(content_map, numbers)
    labelled_styles = [labelled(style_map, numbers) for style_map in style_maps]
    regions = []
    for number, colour in enumerate(colours):
        name = str(number_of(colour)) if numbers else "#" + bytes(colour.astype(np.uint8)).hex()
        found = matching([colours_of_style for colours_of_style, _ in labelled_styles], colour, exactly=numbers)
        masks = tuple(
            None if index is None else _mask(labels_of_style == index)
            for index, (_, labels_of_style) in zip(found, labelled_styles, strict=True)
        )
        present = [share * (mask is not None) for share, mask in zip(shares, masks, strict=True)]
        if not sum(present):
            where = "no map of a style" if not any(m is not None for m in masks) else "maps of styles without a share"
            raise ImageError(
                f"the region {name} of {content_map.name} is in {where}",
                "paint it in the same colour in the map of a style that counts",
            )
        regions.append(Region(name, tuple(share / sum(present) for share in present), _mask(labels == number), masks))
    return regions


def unprotected(regions: Sequence[Region], protect: Picture, canvas: tuple[int, int]) -> list[Region]:
    """What is left of regions where nothing is painted inside of a mask.

    Args:
        regions: of the canvas.
        protect: the mask, of the canvas' shape, drawn in any of the ways that `drawn` knows.
        canvas: (width, height), of the content.

    Raises:
        ImageError: if the mask has another shape, covers nothing, or leaves nothing of a region.
    """
    check_shape(protect, canvas, "the content")
    values, remark = drawn(protect)
    left = []
    for region in regions:
        mask = 1 - values if region.mask is None else both(region.mask, 1 - values)
        if mask is None or not mask.any():
            all_of = "the photograph" if region.mask is None else region.name
            raise ImageError(f"{protect.name} protects all of {all_of}: nothing is left to be painted")
        name = f"what {protect.name} leaves" if region.mask is None else region.name
        remarks = (*region.remarks, remark) if remark else region.remarks
        left.append(replace(region, name=name, mask=mask, remarks=remarks))
    return left


def check_shape(picture: Picture, size: tuple[int, int], of: str) -> None:
    """Raise `ImageError` unless it has the shape of `size`, up to two pixels or a twentieth, at any resolution."""
    (width, height), (wanted_width, wanted_height) = picture.size, size
    off = abs(width * wanted_height / wanted_width - height)  # in rows of the mask
    if off > min(2 * max(1.0, height / wanted_height), max(1.0, height / 20)):
        raise ImageError(
            f"{picture.name} is {width}x{height} pixels, {of} {wanted_width}x{wanted_height}: wanted the same shape"
        )


def _mask(inside: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(inside.astype(np.float32))[None, None]
