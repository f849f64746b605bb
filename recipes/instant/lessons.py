"""Pairs to learn from: a cut of a photograph, a painting, what the decoder is given of both, and what it is to reach.

What is to be reached is what `quick` minimises: the same objective, in which a painting's colours are fitted to what
the photograph has a place for, the subject is kept, and no place becomes a piece of the painting. A lesson is a
function of (seed, number) alone. Looking the targets up takes as long as several steps, so each lesson of a block is
gone through `VISITS` times, in an order of its own each time, before the next block's.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image

from scumble.perceptual.vgg import VGG19
from scumble.style.feedforward.moving import coded, in_colours, maps_between, moved, seen
from scumble.style.feedforward.shapes import NOISE
from scumble.style.objective.objective import Objective
from scumble.style.settings import StyleSettings

BLOCK, VISITS = 256, 6
SIDES = (192, 448)
"""The shorter side that a photograph and a painting are brought to, at the least and at the most."""
CUT = 192
PAINTING_PIXELS = 288**2
LARGER = (0.8, 1.7)
"""How much larger the painting is than the photograph, at the least and at the most: strokes of many sizes."""
FLAT = 0.3
"""The part of the lessons whose cut is the plainest of several: skies are where a painter is found out."""


class Lesson(NamedTuple):
    """One pair."""

    photograph: torch.Tensor
    base: torch.Tensor
    moved: dict[str, torch.Tensor]
    code: torch.Tensor
    objective: Objective
    scale: float


class Lessons:
    """Lessons by number, endlessly; those of the present block are kept."""

    def __init__(
        self, photos: Sequence[Any], paintings: Sequence[Any], trunk: VGG19, judge: VGG19, seed: int,
        settings: StyleSettings,
    ):  # fmt: skip
        self.photos, self.paintings, self.trunk, self.judge, self.seed = photos, paintings, trunk, judge, seed
        self.terms, self.settings = settings.terms("pocket"), settings
        self.block, self.kept = -1, {}

    def at(self, position: int) -> Lesson:
        """The lesson at a place in the endless order."""
        block, within = divmod(position, BLOCK * VISITS)
        if block != self.block:
            self.block, self.kept = block, {}
        visit, index = divmod(within, BLOCK)
        number = block * BLOCK + int(np.random.default_rng((self.seed, block, visit)).permutation(BLOCK)[index])
        if number not in self.kept:
            self.kept[number] = self.make(number)
        return self.kept[number]

    def make(self, number: int) -> Lesson:
        """The lesson of this number."""
        random = np.random.default_rng((self.seed, number))
        side = random.uniform(*SIDES)
        whole = _tensor(_brought_to(self.photos[int(random.integers(len(self.photos)))].load().rgb, side))
        if random.random() < 0.5:
            whole = whole.flip(3)
        cuts = [_place(whole, random) for _ in range(6 if random.random() < FLAT else 1)]
        cut = min(cuts, key=lambda cut: whole[cut].std((2, 3)).mean().item())
        picture = self.paintings[int(random.integers(len(self.paintings)))].load().rgb
        painting = _part(_brought_to(picture, side * random.uniform(*LARGER)), random)
        with torch.no_grad():
            known = coded(self.trunk, painting)
            # A sky is moved as part of its photograph, as it will be in use.
            photograph, base = whole[cut], in_colours(whole, painting, random.uniform(0, 1))[cut]
            lesson_moved = moved(self.trunk, photograph, maps_between(seen(self.trunk, whole), known.moments))
        terms = self.terms
        objective = Objective(
            self.judge, photograph, [painting], terms.content, terms.style, self.settings.loss,
            self.settings.variation_weight, 1.0, None, None, self.settings.range_weight, terms.transported,
            terms.leak, terms.focused, None, base, terms.layout, terms.fitted,
        )  # fmt: skip
        scale = objective.value_and_gradient(base).loss
        half = {name: features.half() for name, features in lesson_moved.items()}
        return Lesson(photograph, base, half, known.code, objective, scale)


def noise_for(size: tuple[int, int], generator: torch.Generator | None = None) -> dict[int, torch.Tensor]:
    """Noise for a picture of (width, height), multiples of 8."""
    return {
        places: torch.randn(1, NOISE, size[1] // places, size[0] // places, generator=generator) for places in (8, 4)
    }


def _brought_to(picture: Image.Image, side: float) -> Image.Image:
    """With this shorter side; enlarged as well."""
    times = side / min(picture.size)
    size = [max(CUT, round(length * times)) for length in picture.size]
    return picture.resize((size[0], size[1]), Image.Resampling.BICUBIC if times > 1 else Image.Resampling.LANCZOS)


def _tensor(picture: Image.Image) -> torch.Tensor:
    """(1, 3, H, W) in [0, 1]."""
    return torch.from_numpy(np.asarray(picture).copy()).permute(2, 0, 1)[None].float() / 255


def _place(whole: torch.Tensor, random: np.random.Generator) -> tuple[slice, ...]:
    """A square of CUT pixels somewhere in a picture."""
    top, left = (int(random.integers(length - CUT + 1)) for length in whole.shape[2:])
    return slice(None), slice(None), slice(top, top + CUT), slice(left, left + CUT)


def _part(picture: Image.Image, random: np.random.Generator) -> torch.Tensor:
    """A part of at most PAINTING_PIXELS, of sides that are multiples of 8."""
    times = min(1.0, (PAINTING_PIXELS / (picture.width * picture.height)) ** 0.5)
    size = [int(length * times) // 8 * 8 for length in picture.size]
    left, top = (int(random.integers(length - part + 1)) for length, part in zip(picture.size, size, strict=True))
    return _tensor(picture.crop((left, top, left + size[0], top + size[1])))
