"""What one pass paints as the start of a painting in steps: from PyTorch's tensors to PyTorch's tensors."""

from collections.abc import Sequence

import numpy as np
import torch

from scumble.style.feedforward.styles import Style
from scumble.style.feedforward.stylizer import Stylizer
from scumble.style.preparation.masks import Region, both, resized


def painted(
    content: torch.Tensor,
    styles: Sequence[torch.Tensor],
    visible: Sequence[torch.Tensor | None],
    regions: Sequence[Region],
    strength: float,
    seed: int,
) -> torch.Tensor:
    """A photograph, painted, region by region; where none is, as it is.

    Args:
        content: (1, 3, H, W) in [0, 1].
        styles: likewise, of the sizes at which they go with it.
        visible: how much of each place of them can be seen, (1, 1, H', W'); None for all of it.
        regions: what paints where.
        strength: 0 to 1.
        seed: of the brush.
    """
    canvas, photograph = content, _array(content)
    brush = Stylizer("torch")  # which is loaded, where the other runtime would have to be
    whole = content.new_ones((1, 1, *content.shape[2:]))
    insides = [
        whole if region.mask is None else resized(region.mask, (whole.shape[3], whole.shape[2])).to(whole)
        for region in regions
    ]
    covered = torch.stack(insides).sum(0).clamp_min(1)  # where masks overlap, each has its part
    for region, inside in zip(regions, insides, strict=True):
        masks = region.style_masks or (None,) * len(styles)
        each = zip(styles, visible, masks, region.shares, strict=True)
        chosen = [
            (Style(_array(style), _plane(style, both(mask, seen))), share) for style, seen, mask, share in each if share
        ]
        pixels = brush.paint(
            photograph,
            [style for style, _ in chosen],
            shares=[share for _, share in chosen],
            strength=strength,
            seed=seed,
            counts=_plane(content, region.mask),
            bits=None,
        )
        found = torch.from_numpy(pixels.transpose(2, 0, 1)[None].copy()).to(content)
        canvas = canvas + inside / covered * (found - content)
    return canvas.clamp(0, 1).contiguous()


def _array(picture: torch.Tensor) -> np.ndarray:
    return picture[0].permute(1, 2, 0).contiguous().cpu().float().numpy()


def _plane(picture: torch.Tensor, mask: torch.Tensor | None) -> np.ndarray | None:
    """A mask as (H, W), of a picture's size."""
    return None if mask is None else resized(mask, (picture.shape[3], picture.shape[2]))[0, 0].cpu().float().numpy()
