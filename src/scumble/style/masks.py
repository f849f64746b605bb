"""Regions: which part of the canvas takes its style from where.

A region is a mask over the canvas and a share in each style, of which a mask may again take a part. Masks are soft: a
place counts as much as its mask says. "Inside" handling (Gatys et al. 2017, section 4.1): statistics of a region are
taken from the neurons that see nothing but the region, so that nothing bleeds across a border. Unlike there, where
those neurons are found by trying, the network is walked through with minima for convolutions: exact, and good for soft
masks as well.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F

from scumble.errors import ImageError
from scumble.image.files import Picture
from scumble.perceptual.vgg import seen_whole

MAX_REGIONS = 16
SAME_COLOUR = 48
"""Colours of a map at most this far apart (Euclidean, in 0..255) are one: what JPEG and scaling do to flat colours."""
SEAM = 5
"""Colours that nowhere fill a square of so many pixels are no regions but the seams between them."""
LEAST_FLAT = 0.8
"""The share of a map's pixels that must have the colour of a region, seams and specks being the rest."""


@dataclass(frozen=True)
class Region:
    """A part of the canvas, and how much of what paints it.

    Args:
        name: for messages.
        mask: (1, 1, H, W) in [0, 1], of the canvas; None for all of it.
        shares: each style's part in the region's statistics, with the sum 1.
        style_masks: the parts of the styles that are taken, (1, 1, H', W') each, or None for all of it.
    """

    name: str
    shares: tuple[float, ...]
    mask: torch.Tensor | None = None
    style_masks: tuple[torch.Tensor | None, ...] = field(default=())


def place_weights(
    mask: torch.Tensor | None, size: tuple[int, int], layers: Collection[str]
) -> tuple[dict[str, torch.Tensor | None], list[str]]:
    """How much each place of each layer counts in the statistics of a masked picture.

    Args:
        mask: (1, 1, H, W); None for no mask.
        size: (width, height) of the picture that the network sees.
        layers: names of layers.

    Returns:
        {layer: (P), with the sum 1, or None for all alike}, and the layers at which no neuron sees the region alone:
        there, the places count by how much of them is inside.
    """
    if mask is None:
        return dict.fromkeys(layers), []
    mask = resized(mask, size)
    whole = seen_whole(mask, layers)
    weights, narrow = {}, []
    for name, inside in whole.items():
        if inside.max() < 0.5:
            narrow.append(name)
            inside = F.adaptive_avg_pool2d(mask, (inside.shape[2], inside.shape[3]))
        weights[name] = (inside / inside.sum()).flatten()
    return weights, narrow


def resized(mask: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """A mask at (width, height): each pixel the average of those it covers, or between those it lies between."""
    width, height = size
    if mask.shape[2:] == (height, width):
        return mask
    return F.interpolate(mask, (height, width), mode="bilinear", antialias=True).clamp(0, 1)


# --- From pictures to regions ---------------------------------------------------------------------------------------


def regions_of_masks(masks: Sequence[Picture], canvas: tuple[int, int]) -> list[Region]:
    """One mask for each style, white where it paints.

    Args:
        masks: of the canvas' shape, at any resolution; greys are soft edges.
        canvas: (width, height), of the content.

    Raises:
        ImageError: if a mask has another shape, or is black all over.
    """
    regions = []
    for number, mask in enumerate(masks):
        _check_shape(mask, canvas, "the content")
        values = torch.from_numpy(np.array(mask.rgb.convert("L"), np.float32) / 255)[None, None]
        if mask.alpha is not None:
            values = values * torch.from_numpy(np.array(mask.alpha, np.float32) / 255)
        if values.max() == 0:
            raise ImageError(f"the mask {mask.name} is black all over: its style would paint nothing")
        shares = tuple(float(index == number) for index in range(len(masks)))
        regions.append(Region(mask.name, shares, values))
    return regions


def regions_of_maps(
    content_map: Picture,
    style_maps: Sequence[Picture],
    shares: Sequence[float],
    canvas: tuple[int, int],
    styles: Sequence[tuple[int, int]],
) -> list[Region]:
    """One map of flat colours for the content and one for each style: what has the same colour belongs together.

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
    _check_shape(content_map, canvas, "the content")
    for style_map, size in zip(style_maps, styles, strict=True):
        _check_shape(style_map, size, "its style")
    colours = _map_colours(content_map)
    regions = []
    for colour in colours:
        masks = [_matching(style_map, colour) for style_map in style_maps]
        present = [share * (mask is not None) for share, mask in zip(shares, masks, strict=True)]
        name = "#" + bytes(colour.astype(np.uint8)).hex()
        if not sum(present):
            raise ImageError(
                f"the region {name} of {content_map.name} is in none of the styles' maps",
                "paint it in the same colour there",
            )
        kept = tuple(share / sum(present) for share in present)
        regions.append(Region(name, kept, _nearest(content_map, colours, colour), tuple(masks)))
    return regions


def _check_shape(mask: Picture, size: tuple[int, int], of: str) -> None:
    """The same shape within two pixels, at any resolution."""
    (width, height), (wanted_width, wanted_height) = mask.size, size
    off = abs(width * wanted_height - height * wanted_width) / max(wanted_width, wanted_height)
    if off > 2 * max(1.0, min(mask.size) / min(size)):
        raise ImageError(
            f"{mask.name} is {width}x{height} pixels, {of} {wanted_width}x{wanted_height}: wanted the same shape"
        )


def _map_colours(picture: Picture) -> np.ndarray:
    """(R, 3): the colours of a map's regions, the most frequent first; seams and near doubles are left out."""
    pixels = np.array(picture.rgb, np.float32)
    found, counts = np.unique(pixels.reshape(-1, 3), axis=0, return_counts=True)
    kept: list[np.ndarray] = []
    left = np.ones(pixels.shape[:2], bool)
    for index in np.argsort(-counts, kind="stable"):
        colour = found[index]
        if counts[index] < SEAM or len(kept) > MAX_REGIONS:
            break
        if any(np.linalg.norm(colour - other) <= SAME_COLOUR for other in kept):
            continue
        same = np.linalg.norm(pixels - colour, axis=2) <= SAME_COLOUR
        if _has_square(same):
            kept.append(colour)
            left &= ~same
    if not 1 <= len(kept) <= MAX_REGIONS or left.mean() > 1 - LEAST_FLAT:
        raise ImageError(
            f"{picture.name} is no map: wanted 1 to {MAX_REGIONS} flat colours, one for each region",
            "paint the regions without shades",
        )
    return np.stack(kept)


def _has_square(same: np.ndarray) -> bool:
    outside = torch.from_numpy(~same).float()[None, None]
    return bool((F.max_pool2d(outside, min(SEAM, *same.shape), stride=1) == 0).any())


def _matching(picture: Picture, colour: np.ndarray) -> torch.Tensor | None:
    """The part of a map that has a colour, or None."""
    colours = _map_colours(picture)
    distances = np.linalg.norm(colours - colour, axis=1)
    return _nearest(picture, colours, colours[distances.argmin()]) if distances.min() <= SAME_COLOUR else None


def _nearest(picture: Picture, colours: np.ndarray, colour: np.ndarray) -> torch.Tensor:
    """(1, 1, H, W): 1 where a pixel is nearest to `colour` out of `colours`."""
    pixels = np.array(picture.rgb, np.float32)
    distances = np.stack([((pixels - other) ** 2).sum(-1) for other in colours])
    chosen = int(np.flatnonzero((colours == colour).all(1))[0])
    return torch.from_numpy((distances.argmin(0) == chosen).astype(np.float32))[None, None]
