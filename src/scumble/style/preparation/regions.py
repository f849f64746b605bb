"""The regions of a job: what its masks and maps come to, or everything."""

from collections.abc import Mapping, Sequence

import torch

from scumble.errors import ImageError
from scumble.image.files import Picture
from scumble.style.files.pictures import all_of
from scumble.style.preparation import masks
from scumble.style.preparation.masks import Region


def of_pictures(
    pictures: Mapping[str, Picture],
    styles: Sequence[Picture],
    visible: Sequence[torch.Tensor | None],
    shares: tuple[float, ...],
) -> list[Region]:
    """Which part of the canvas takes its style from where, with masks at the resolution they came in.

    Args:
        pictures: by what they are for.
        styles: those of them that are styles.
        visible: how much of each place of them can be seen, (1, 1, H, W); None for all of it.
        shares: of the styles.

    Raises:
        ImageError: if a mask does not fit or leaves nothing, or nothing is visible of what a region takes its style
            from.
    """
    found = _drawn(pictures, styles, visible, shares)
    if "content" in pictures and "protect" in pictures:
        return masks.unprotected(found, pictures["protect"], pictures["content"].size)
    return found


def _drawn(
    pictures: Mapping[str, Picture],
    styles: Sequence[Picture],
    visible: Sequence[torch.Tensor | None],
    shares: tuple[float, ...],
) -> list[Region]:
    content = pictures.get("content")
    if content is not None and "mask" in pictures:
        return masks.regions_of_masks(all_of(pictures, "mask"), content.size)
    if content is not None and "content-map" in pictures:
        maps = pictures["content-map"], all_of(pictures, "style-map")
        regions = masks.regions_of_maps(*maps, shares, content.size, [style.size for style in styles])
        _check_visible(regions, styles, visible)
        return regions
    hidden = any(opacity is not None for opacity in visible)
    return [Region("what is visible of the style" if hidden else "everything", shares)]


def _check_visible(
    regions: Sequence[Region], styles: Sequence[Picture], visible: Sequence[torch.Tensor | None]
) -> None:
    for region in regions:
        for style, mask, seen in zip(styles, region.style_masks, visible, strict=True):
            shown = masks.both(mask, seen)
            if mask is not None and shown is not None and not shown.any():
                raise ImageError(f"nothing can be seen of the region {region.name} in {style.name}: it is transparent")
