"""What takes no network: what a translator has to be better than.

| baseline   | what it makes of a picture                                                                     |
|------------|------------------------------------------------------------------------------------------------|
| identity   | nothing: the picture, in the other side's channels; enlarged, where results are larger: bicubic |
| regression | of each pixel by itself, what least squares over training pairs say (an affine map of channels) |
| nearest    | the truth of the training picture that looks most like it; without truth, the picture most like it |

The last is as real as can be, and has forgotten what it was to show: it is at its best where nothing but the look of a
set of pictures is measured.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
import torch.nn.functional as F

from scumble.gan.translation.data import Part, Pictures
from scumble.gan.translation.degrade import grey

LEARNT_FROM, MAX_NUMBERS = 1000, 2**26
"""Training pictures at most, of which these learn; of pictures larger than about 150 pixels fewer: 256 MiB of them."""
AT_ONCE = 32
SMALL = 16
"""Pixels of a side at which pictures are looked at for being alike."""


class Baselines(NamedTuple):
    """What was learnt of training pictures.

    weights: (1 + C, C'): of a constant and of channels, for each channel; None without pairs.
    small: (M, D): training pictures to be found, made small.
    found: (M, C', H, W) uint8-like levels in [-1, 1]: what is given for each.
    """

    weights: torch.Tensor | None
    small: torch.Tensor
    found: torch.Tensor

    def results(self, a: torch.Tensor) -> dict[str, torch.Tensor]:
        """Of (N, C, H, W) pictures, by the name of the baseline: (N, C', H', W') in [-1, 1]."""
        shape = self.found.shape[1:]
        like = in_shape(a, (shape[0], shape[1], shape[2]))
        enlarged = a.shape[2] < shape[1]
        results = {"bicubic" if enlarged else "identity": like}
        if self.weights is not None:
            results["regression"] = regressed(in_size(a, shape[1:]), self.weights)
        nearest = torch.cdist(small(like), self.small).argmin(1)
        return results | {"nearest": self.found[nearest]}


def fit(pictures: Pictures) -> Baselines:
    """Learn from the training pictures of a translation."""
    weights, most = None, min(LEARNT_FROM, MAX_NUMBERS // math.prod(pictures.shapes.b))
    if pictures.has_truth:
        width = pictures.shapes.a[0] + 1
        products = torch.zeros(width, width, dtype=torch.float64)
        targets = torch.zeros(width, pictures.shapes.b[0], dtype=torch.float64)
        for batch in in_parts(pictures, "learning", most):
            x = _with_one(in_size(batch["a"], batch["b"].shape[2:])).double()
            products += torch.einsum("nchw,ndhw->cd", x, x)
            targets += torch.einsum("nchw,ndhw->cd", x, batch["b"].double())
        weights = (torch.linalg.pinv(products, hermitian=True) @ targets).float()
    known, found = [], []
    if pictures.has_truth:
        for batch in in_parts(pictures, "learning", most):
            known.append(small(in_shape(batch["a"], pictures.shapes.b)))
            found.append(batch["b"])
    else:
        count = min(most, pictures.amount_of_targets("learning"))
        for first in range(0, count, AT_ONCE):
            found.append(pictures.targets(range(first, min(first + AT_ONCE, count)), "learning"))
            known.append(small(found[-1]))
    return Baselines(weights, torch.cat(known), torch.cat(found))


def in_parts(pictures: Pictures, part: Part, most: int) -> Iterator[dict[str, torch.Tensor]]:
    """Pictures of a part, at most so many, some at a time."""
    count = min(most, pictures.amount(part))
    for first in range(0, count, AT_ONCE):
        yield pictures.shown(range(first, min(first + AT_ONCE, count)), part)


def in_shape(pictures: torch.Tensor, shape: tuple[int, int, int]) -> torch.Tensor:
    """Pictures as they are, in another side's (C', H, W): colours become grey, grey is repeated."""
    if pictures.shape[1] != shape[0]:
        pictures = grey(pictures).expand(-1, shape[0], -1, -1)
    return in_size(pictures, torch.Size(shape[1:]))


def in_size(pictures: torch.Tensor, size: torch.Size) -> torch.Tensor:
    """Bicubic, with antialiasing where they become smaller."""
    if pictures.shape[2:] == size:
        return pictures
    return F.interpolate(pictures, tuple(size), mode="bicubic", antialias=True).clamp(-1, 1)


def regressed(pictures: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """(N, C', H, W): an affine map of the channels of each pixel."""
    return torch.einsum("nchw,cd->ndhw", _with_one(pictures), weights).clamp(-1, 1)


def small(pictures: torch.Tensor) -> torch.Tensor:
    """(N, D): so small that what is left is what lies where."""
    return F.adaptive_avg_pool2d(pictures, SMALL).flatten(1)


def _with_one(pictures: torch.Tensor) -> torch.Tensor:
    return torch.cat([torch.ones_like(pictures[:, :1]), pictures], 1)
