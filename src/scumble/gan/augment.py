"""Augmentation: horizontal flips of the data, and DiffAugment's colour, translation and cutout.

Random numbers are drawn on the CPU, from a generator that depends on the seed and the step alone.
"""

import functools

import torch
import torch.nn.functional as F

from scumble.training.randomness import draw

SHIFT = 1 / 8
"""Of a side, the largest shift (Zhao et al. 2020, section 3)."""
HOLE = 1 / 2
"""Of a side, the size of the square that is cut out (the same)."""


def flip(pictures: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Each of (N, C, H, W) pictures mirrored left to right with probability 1/2."""
    chosen = draw(torch.rand, len(pictures), random=generator) < 0.5
    return torch.where(chosen.to(pictures.device)[:, None, None, None], pictures.flip(3), pictures)


def shift_and_cut(pictures: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Each of (N, C, H, W) pictures shifted by up to 1/8, padded with grey, with a grey square of half its side.

    Differentiable, and applied to real and generated pictures alike: the generator then does not learn to draw shifted
    pictures with holes, and the discriminator overfits less to few pictures (Zhao et al. 2020, "Differentiable
    augmentation for data-efficient GAN training").
    """
    rows, columns = (_shifted(side, len(pictures), generator).to(pictures.device) for side in pictures.shape[2:])
    kept_rows, kept_columns = (_hole(side, len(pictures), generator).to(pictures.device) for side in pictures.shape[2:])
    margins = [round(side * SHIFT) for side in pictures.shape[2:]]
    padded = F.pad(pictures, (margins[1], margins[1], margins[0], margins[0]))
    picture = torch.arange(len(pictures), device=pictures.device)[:, None, None]
    shifted = padded[picture, :, rows[:, :, None], columns[:, None, :]]  # (N, H, W, C)
    hole = kept_rows[:, :, None] & kept_columns[:, None, :]  # (N, H, W)
    return shifted.masked_fill(hole[..., None], 0).permute(0, 3, 1, 2)


def vary_colours(pictures: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Each of (N, C, H, W) pictures changed in brightness, saturation and contrast.

    Up to 1/2 is added or taken away; then each pixel's distance from its own grey is multiplied by up to 2, and last
    each number's distance from the mean of its picture by 1/2 to 3/2 (Zhao et al. 2020, section 3; the ranges are those
    of their program, for pictures in [-1, 1], which are not clipped). Differentiable, as `shift_and_cut`.
    """
    brightness, saturation, contrast = (
        draw(torch.rand, len(pictures), 1, 1, 1, random=generator).to(pictures) for _ in range(3)
    )
    pictures = pictures + (brightness - 0.5)
    pictures = torch.lerp(pictures.mean(1, keepdim=True), pictures, 2 * saturation)
    return torch.lerp(pictures.mean((1, 2, 3), keepdim=True), pictures, contrast + 0.5)


def _shifted(side: int, count: int, generator: torch.Generator) -> torch.Tensor:
    """(N, side) positions in a padded picture, shifted by the same amount within each."""
    margin = round(side * SHIFT)
    start = draw(functools.partial(torch.randint, 0, 2 * margin + 1), count, 1, random=generator)
    return start + torch.arange(side)


def _hole(side: int, count: int, generator: torch.Generator) -> torch.Tensor:
    """(N, side) booleans: true within the hole, whose middle is anywhere in the picture."""
    middle = draw(functools.partial(torch.randint, 0, side + 1), count, 1, random=generator)
    return (torch.arange(side) - middle + 0.5).abs() < side * HOLE / 2
