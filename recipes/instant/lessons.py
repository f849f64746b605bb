"""Pairs to learn from: a part of a photograph, a painting, what the decoder is given of both, and what it is to reach.

The features of what is painted are to be distributed as the painting's are, at two sizes, so that large strokes count
as well as small ones. Of the painting, what has the colours of the part of the photograph counts more, and what is as
plain or as busy: a sky that had to have all of the painting's edges would be plastered with them. Deep features are to
stay, place by place, those of the photograph in the painting's colours, and so are light, dark and colours, coarsely.
The plainest places are to be as plain as the painting's plainest, and so on to the busiest. A grid, and values beyond
what a picture holds, are held against it. For the critic (see there), a part of the painting is kept.

A lesson is a function of (seed, number) alone. Looking its targets up takes as long as several steps, so each lesson of
a block is gone through `VISITS` times, in an order of its own each time, before the next block's.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from scumble.perceptual.vgg import VGG19
from scumble.style.feedforward.moving import coded, in_colours, maps_between, moved, seen
from scumble.style.feedforward.shapes import LAYERS, NOISE
from scumble.style.losses.statistics import Statistics, covariance_of, moments
from scumble.style.losses.style import wasserstein_distance, with_root
from scumble.style.objective.view import by_place
from scumble.style.preparation.colour import luminance
from scumble.style.preparation.palette import proportions

BLOCK, VISITS = 256, 8
SIDES = (192, 448)
"""The shorter side that a photograph and a painting are brought to, at the least and at the most."""
CUT = 192
PAINTING_PIXELS = 288**2
LARGER = (0.8, 1.7)
"""How much larger the painting is than the photograph, at the least and at the most: strokes of many sizes."""
FLAT = 0.3
"""The part of the lessons whose cut is the plainest of several: skies are where a painter is found out."""
DEGREES = 6
"""Of busyness, each with as many places of a picture as any other."""
LEAST_SPREAD = 0.1
"""What distances of distributions are divided by: a painting's variance where it counts, and no less of all of its."""

STYLE = {
    1: {"relu1_1": 2.0, "relu2_1": 1.5, "relu3_1": 2.0, "relu4_1": 2.5},
    2: {"relu1_1": 0.5, "relu2_1": 0.5, "relu3_1": 0.8, "relu4_1": 0.8},
}
"""How much the distributions of layers count, of the picture reduced by these factors."""
CONTENT = {"relu3_1": 0.2, "relu4_1": 0.5, "relu5_1": 1.5}
"""How much places of layers count, in variances of the layer."""
VARIANCES = {"relu3_1": 3.6e4, "relu4_1": 3.7e5, "relu5_1": 5.5e3}
"""The mean variance of a channel in photographs."""
OUT_OF_RANGE = 200.0
LAYOUT = 60.0
"""How much it counts where light and dark are, and which colours, of the photograph in the painting's."""
BUSYNESS = 2.5
"""How much it counts that the plainest places are as plain as the painting's plainest, and the busiest as busy."""
PLAIN = 0.01
"""A deviation of brightness of which nobody sees whether there is more of it or less."""
GRID = 500.0
"""How much it counts that pixels of odd and even rows and columns differ in the mean: no picture's do, but those of a
network that makes four pixels at a time."""
JUDGED = tuple(dict.fromkeys((*STYLE[1], *CONTENT)))
PARTS = 4
"""Parts of a painting, of which one is shown to the critic: the one that counts the most."""

Looks = dict[tuple[int, str], torch.Tensor]
"""What the judge sees of pictures, by (reduction, layer)."""


class Lesson(NamedTuple):
    """One pair: what the decoder is given, and what it is to reach.

    `style` has the painting's moments by (reduction, layer), with what they are divided by; `content` features; `busy`
    how busy each place is to be; `original` a part of the painting, as features, and `counts` (1, 1, h, w) how much the
    places of it count.
    """

    base: torch.Tensor
    moved: dict[str, torch.Tensor]
    code: torch.Tensor
    style: dict[tuple[int, str], tuple[Statistics, float]]
    content: dict[str, torch.Tensor]
    busy: torch.Tensor
    original: dict[str, torch.Tensor]
    counts: torch.Tensor


class Lessons:
    """Lessons by number, endlessly; those of the present block are kept."""

    def __init__(self, photos: Sequence[Any], paintings: Sequence[Any], trunk: VGG19, judge: VGG19, seed: int):
        self.photos, self.paintings, self.trunk, self.judge, self.seed = photos, paintings, trunk, judge, seed
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
        whole = as_tensor(_brought_to(self.photos[int(random.integers(len(self.photos)))].load().rgb, side))
        if random.random() < 0.5:
            whole = whole.flip(3)
        cuts = [_place(whole, random) for _ in range(6 if random.random() < FLAT else 1)]
        cut = min(cuts, key=lambda cut: whole[cut].std((2, 3)).mean().item())
        picture = self.paintings[int(random.integers(len(self.paintings)))].load().rgb
        painting = _part(_brought_to(picture, side * random.uniform(*LARGER)), random)
        share = random.uniform(0, 1)
        with torch.no_grad():
            known = coded(self.trunk, painting)
            coloured = in_colours(whole, painting, share)
            base = coloured[cut]
            # A sky is moved as part of its photograph, as it will be in use.
            features = moved(self.trunk, whole[cut], maps_between(seen(self.trunk, whole), known.moments))
            inside = torch.zeros_like(whole[:, :1])
            inside[cut] = 1
            counts = proportions(coloured, painting, inside)
            alike = as_busy(degrees(whole)[cut], degrees(painting))
            counts = counts * F.adaptive_avg_pool2d(alike, counts.shape[2:])
            style = self._targets(painting, counts)
            original, counts = _counting_part(painting, counts, random)
            original = {name: found.half() for name, found in self.judge.walk(original, LAYERS)}
            content = {name: found.half() for name, found in self.judge.walk(base, CONTENT)}
            there = busyness(painting).flatten().sort().values
            busy = there[(ranked(busyness(whole)) * there.numel()).long()]
            busy = F.avg_pool2d(F.interpolate(busy, whole.shape[2:])[cut], 8)
        moved_features = {name: found.half() for name, found in features.items()}
        return Lesson(base, moved_features, known.code, style, content, busy, original, counts)

    def _targets(self, painting: torch.Tensor, counts: torch.Tensor) -> dict[tuple[int, str], tuple[Statistics, float]]:
        """The painting's moments, in which its places count as they are told to."""
        targets = {}
        for reduction, layers in STYLE.items():
            for name, features in self.judge.walk(reduced(painting, reduction), layers):
                here = F.interpolate(counts, features.shape[2:], mode="bilinear")
                points = by_place(features)
                found = moments(points, here.flatten() / here.sum())
                # Blank paper has next to no variance, of which everything is many times as far away.
                spread, of_all = (covariance_of(one).trace().item() for one in (found, moments(points)))
                targets[reduction, name] = with_root(found), max(spread, LEAST_SPREAD * of_all) / features.shape[1]
        return targets


def busyness(picture: torch.Tensor) -> torch.Tensor:
    """The deviation of brightness around each eight pixels of (N, 3, H, W), (N, 1, H / 8, W / 8)."""
    coarse = [F.avg_pool2d(power, 8) for power in (luminance(picture), luminance(picture).square())]
    mean, square = (F.avg_pool2d(one, 3, stride=1, padding=1, count_include_pad=False) for one in coarse)
    return (square - mean.square()).clamp_min(1e-6).sqrt()


def ranked(values: torch.Tensor) -> torch.Tensor:
    """From 0, the least, to 1 exclusively, the most."""
    return values.flatten().argsort().argsort().view(values.shape) / values.numel()


def degrees(picture: torch.Tensor) -> torch.Tensor:
    """How busy (1, 3, H, W) is around each pixel, (1, 1, H, W): 0, the plainest places, to DEGREES - 1, the busiest."""
    return F.interpolate((ranked(busyness(picture)) * DEGREES).floor(), picture.shape[2:])


def as_busy(here: torch.Tensor, there: torch.Tensor) -> torch.Tensor:
    """How much the places of a painting count, (1, 1, H, W) with a mean of 1, by the degrees of a photograph's part."""
    parts = torch.bincount(here.flatten().long(), minlength=DEGREES) / here.numel()
    return DEGREES * parts[there.long()]


def looked_at(pictures: torch.Tensor, judge: VGG19) -> Looks:
    """What the judge sees of (N, 3, H, W)."""
    return {
        (reduction, name): features
        for reduction, layers in STYLE.items()
        for name, features in judge.walk(reduced(pictures, reduction), (*layers, *(CONTENT if reduction == 1 else ())))
    }


def loss(painted: torch.Tensor, looks: Looks, lessons: Sequence[Lesson], keep: float) -> dict[str, torch.Tensor]:
    """The terms, each the mean over the lessons: of each reduction's style, of content, of the layout, of busyness, of
    a grid, of values outside [0, 1].

    Args:
        painted: (N, 3, H, W), a picture for each lesson.
        looks: what the judge sees of them.
        lessons: what they are to reach.
        keep: how much content counts.
    """
    terms: dict[str, torch.Tensor] = {}
    for (reduction, name), features in looks.items():
        if name in STYLE[reduction]:
            distances = []
            for one, lesson in zip(features, lessons, strict=True):
                target, spread = lesson.style[reduction, name]
                distances.append(wasserstein_distance(moments(by_place(one[None])), target) / spread)
            terms[f"style {reduction} {name}"] = STYLE[reduction][name] * torch.stack(distances).mean()
        if reduction == 1 and name in CONTENT:
            target = torch.cat([lesson.content[name].float() for lesson in lessons])
            terms[f"content {name}"] = keep * CONTENT[name] * F.mse_loss(features.float(), target) / VARIANCES[name]
    base = torch.cat([lesson.base for lesson in lessons])
    terms["layout"] = LAYOUT * F.mse_loss(F.avg_pool2d(painted, 8), F.avg_pool2d(base, 8))
    ratios = (busyness(painted) + PLAIN) / (torch.cat([lesson.busy for lesson in lessons]) + PLAIN)
    terms["busyness"] = BUSYNESS * ratios.log().square().mean()
    phases = F.avg_pool2d(F.pixel_unshuffle(painted, 2), 8).unflatten(1, (3, 4))
    terms["grid"] = GRID * (phases - phases.mean(2, keepdim=True)).square().mean()
    terms["range"] = OUT_OF_RANGE * (painted - painted.clamp(0, 1)).square().mean()
    return terms


def reduced(picture: torch.Tensor, by: int) -> torch.Tensor:
    """Each side divided by a whole number."""
    return picture if by == 1 else F.avg_pool2d(picture, by)


def noise_for(
    size: tuple[int, int], generator: torch.Generator | None = None, count: int = 1
) -> dict[int, torch.Tensor]:
    """Noise for so many pictures of (width, height), multiples of 8."""
    width, height = size
    return {
        places: torch.randn(count, NOISE, height // places, width // places, generator=generator) for places in (8, 4)
    }


def _brought_to(picture: Image.Image, side: float) -> Image.Image:
    """With this shorter side; enlarged as well."""
    times = side / min(picture.size)
    size = [max(CUT, round(length * times)) for length in picture.size]
    return picture.resize((size[0], size[1]), Image.Resampling.BICUBIC if times > 1 else Image.Resampling.LANCZOS)


def as_tensor(picture: Image.Image) -> torch.Tensor:
    """(1, 3, H, W) in [0, 1]."""
    return torch.from_numpy(np.asarray(picture).copy()).permute(2, 0, 1)[None].float() / 255


def _place(whole: torch.Tensor, random: np.random.Generator) -> tuple[slice, ...]:
    """A square of CUT pixels somewhere in a picture."""
    top, left = (int(random.integers(length - CUT + 1)) for length in whole.shape[2:])
    return slice(None), slice(None), slice(top, top + CUT), slice(left, left + CUT)


def _counting_part(
    painting: torch.Tensor, counts: torch.Tensor, random: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """As much of a painting as is painted: of several places, the one that counts the most; with its counts."""
    missing = [max(0, CUT - length) for length in painting.shape[2:]]
    counts = F.pad(F.interpolate(counts, painting.shape[2:], mode="bilinear"), (0, missing[1], 0, missing[0]))
    painting = F.pad(painting, (0, missing[1], 0, missing[0]), mode="replicate")  # which counts nothing
    place = max((_place(painting, random) for _ in range(PARTS)), key=lambda place: counts[place].sum().item())
    return painting[place], F.avg_pool2d(counts[place], 8)


def _part(picture: Image.Image, random: np.random.Generator) -> torch.Tensor:
    """A part of at most PAINTING_PIXELS, of sides that are multiples of 8."""
    times = min(1.0, (PAINTING_PIXELS / (picture.width * picture.height)) ** 0.5)
    size = [int(length * times) // 8 * 8 for length in picture.size]
    left, top = (int(random.integers(length - part + 1)) for length, part in zip(picture.size, size, strict=True))
    return as_tensor(picture.crop((left, top, left + size[0], top + size[1])))
