"""Withheld pictures beside what becomes of them, as one picture: for a run's grids and a model's card."""

import numpy as np
import torch

from scumble.device import full_float32
from scumble.gan.translation.models.translator import Translator
from scumble.image.tensors import from_signed, grid, visible
from scumble.training.task import Batch

STYLES, TARGETS = 3, 6
"""At most so many results of a picture are shown, where they differ by a code or by what they are to become."""
GAP = 8


@full_float32()
@torch.inference_mode()
def sheet(translator: Translator, pictures: Batch, has_truth: bool) -> np.ndarray:
    """(H, W, 3) pixels: a row for each picture: itself, its results, and the truth.

    Where networks go back, too, the same follows for pictures of the other kind; without truth, these are there anyway.

    Args:
        translator: forward.
        pictures: `a`, (N, C, H, W) in [-1, 1], and where there is a second kind, `b`; a mask of holes.
        has_truth: whether `b` is what should become of `a`.
    """
    a, b = pictures["a"], pictures.get("b")
    blocks = [[a, *results(translator, a, pictures.get("mask"))] + [b] * (has_truth and b is not None)]
    if b is not None and "backward" in translator.kind.directions:
        back = Translator(translator.networks, translator.facts, "backward")
        blocks.append([b, *results(back, b, None)] + [a] * has_truth)
    elif b is not None and not has_truth:
        blocks.append([b])  # what results should look like
    return _side_by_side([_block(columns) for columns in blocks])


def results(translator: Translator, pictures: torch.Tensor, mask: torch.Tensor | None) -> list[torch.Tensor]:
    """(N, C', H', W') for each of some codes, or of what they are to become; one where neither is told.

    Args:
        translator: in its direction.
        pictures: (N, C, H, W) in [-1, 1].
        mask: (N, 1, H, W), 1 in holes, where it is told of these.
    """
    targets = translator.classes[:TARGETS] or (None,)
    seeds = range(STYLES if "code" in translator.kind.told else 1)
    results = []
    for seed, target in [(seed, target) for target in targets for seed in seeds]:
        told = [one.expand(len(pictures), -1) for one in translator.told(seed, target).values()]
        told += [mask] if mask is not None and "mask" in translator.kind.told else []
        results.append(translator.network(pictures, *told))
    return results


def _block(columns: list[torch.Tensor]) -> np.ndarray:
    """Columns of pictures, small ones enlarged by repeating their pixels, as one: (H, W, 3)."""
    seen = [visible(from_signed(column)) for column in columns]
    height = max(column.shape[1] for column in seen)
    enlarged = [_enlarged(column, height // column.shape[1]) for column in seen]
    rows = min(len(column) for column in enlarged)
    coloured = [np.broadcast_to(column[:rows], (*column[:rows].shape[:3], 3)) for column in enlarged]
    return grid(np.stack(coloured, 1).reshape(-1, *coloured[0].shape[1:]), len(columns))


def _enlarged(pictures: np.ndarray, times: int) -> np.ndarray:
    return pictures.repeat(times, 1).repeat(times, 2)


def _side_by_side(blocks: list[np.ndarray]) -> np.ndarray:
    height = max(len(block) for block in blocks)
    padded = []
    for block in blocks:
        below = np.full((height - len(block), block.shape[1], 3), 255, np.uint8)
        padded += [np.concatenate([block, below]), np.full((height, GAP, 3), 255, np.uint8)]
    return np.concatenate(padded[:-1], 1)
