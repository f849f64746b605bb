"""A network on a picture of any size, in bounded memory: whole where it fits, else in tiles without seams.

A tile is computed with as much around it as its pixels can depend on, so that where tiles meet, both sides are what
they would be in the whole. Of networks that see too far for that, U-Nets that halve a picture eight times, tiles are
blended where they overlap. Norms that look at whole pictures are held: see `norms`.
"""

import math
from collections.abc import Callable, Generator, Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from scumble import device
from scumble.events import Event, Progress
from scumble.gan.translation.applying.norms import HeldNorms
from scumble.image.tensors import signed

JOB = "tiles"
WORKING_BYTES = 1 << 30
"""For what lies between a network's layers. With the rest of the program and the largest pictures, this is two GiB."""
LIVE = 3.5
"""Times the largest input and output of a layer that are in memory: what enlarging by resizing takes (docs/log.md)."""
PROBED, SURVEYED = 256, 64
"""Sides of the cut by which a network is looked at, and of those that statistics are taken from: of many small cuts
they were nearer to those of the whole than of few larger ones with as many pixels (docs/log.md)."""
LEAST_SIDE = 8
"""Pictures are made so large by repeating their last pixels: of less, nothing is left to be reflected when halved."""
LARGEST_HALO = 0.25
"""Of a tile's side: the rest would be computed for nothing."""
EXTRA_REACH = 4
"""Pixels beyond those of the convolutions: of bicubic enlargement."""

Network = Callable[..., torch.Tensor]


class Looks(NamedTuple):
    """What a network is like.

    Attributes:
        reach: pixels of the picture to each side that a pixel of the result depends on, at most.
        bytes_of_pixel: of memory that a pixel of the picture takes.
    """

    reach: int
    bytes_of_pixel: float


def translating(
    network: nn.Module,
    picture: torch.Tensor,
    told: Sequence[torch.Tensor] = (),
    multiple: int = 1,
    enlarges: int = 1,
    working_bytes: float = WORKING_BYTES,
) -> Generator[Event, None, torch.Tensor]:
    """What a network makes of a picture.

    Args:
        network: (N, C, H, W) in [-1, 1], and what it is told, to (N, C', enlarges * H, enlarges * W).
        picture: (1, C, H, W), uint8 or floats in [-1, 1], on the CPU.
        told: of one picture, (1, ...) each.
        multiple: what sides are to be divisible by; the last pixels are repeated for it.
        enlarges: how many times the result's sides are as long.
        working_bytes: for what lies between the layers.

    Yields:
        Progress in tiles.

    Returns:
        (1, C', enlarges * H, enlarges * W) float32 on the CPU.
    """
    height, width = picture.shape[2:]
    if min(height, width) < LEAST_SIDE:
        larger = F.pad(_floats(picture), (0, max(0, LEAST_SIDE - width), 0, max(0, LEAST_SIDE - height)), "replicate")
        whole = yield from translating(network, larger, told, multiple, enlarges, working_bytes)
        return whole[..., : enlarges * height, : enlarges * width]
    told = [one.to(_device(network)) for one in told]
    small = height <= PROBED and width <= PROBED
    looks = None if small else look_at(network, _cut(picture, 0, 0, PROBED, PROBED, multiple), told)
    room = math.inf if looks is None else working_bytes / looks.bytes_of_pixel
    if looks is None or height * width <= room:
        yield Progress(JOB, 0, 1)
        whole = _result(network, _padded(_floats(picture), multiple), told)
        yield Progress(JOB, 1, 1)
        return whole[..., : enlarges * height, : enlarges * width].float().cpu()
    with device.memory_returned():  # kept, what tiles leave would have holes: a third more (docs/log.md)
        return (yield from _tiled(network, picture, told, multiple, enlarges, looks, int(room)))


def look_at(network: nn.Module, cut: torch.Tensor, told: Sequence[torch.Tensor] = ()) -> Looks:
    """How far a network sees and how much memory it takes, from a pass over a cut of a picture.

    All convolutions are taken for one after the other, so that the reach is rather too large than too small.
    """
    reach, largest, side = 0.0, 0, cut.shape[3]

    def after(module: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        nonlocal reach, largest
        x = inputs[0]
        if not isinstance(output, torch.Tensor) or output.dim() != 4 or x.dim() != 4:
            return
        largest = max(largest, x.nbytes + output.nbytes)
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            kernel, dilation = module.kernel_size[1], module.dilation[1]
            reach += side / min(x.shape[3], side) * math.ceil((kernel - 1) * dilation / 2)

    hooks = [module.register_forward_hook(after) for module in network.modules() if not list(module.children())]
    try:
        _result(network, cut, told)
    finally:
        for hook in hooks:
            hook.remove()
    return Looks(math.ceil(reach) + EXTRA_REACH, LIVE * largest / (cut.shape[2] * cut.shape[3]))


def _tiled(
    network: nn.Module,
    picture: torch.Tensor,
    told: Sequence[torch.Tensor],
    multiple: int,
    enlarges: int,
    looks: Looks,
    room: int,
) -> Generator[Event, None, torch.Tensor]:
    height, width = (math.ceil(side / multiple) * multiple for side in picture.shape[2:])
    norms = HeldNorms(network)
    if norms.modules:
        cuts = survey(picture, multiple, room)
        with norms.taken():
            _result(network, cuts, [one.expand(len(cuts), *one.shape[1:]) for one in told])
    side = max(4 * multiple, math.isqrt(room))
    halo = min(looks.reach, int(side * LARGEST_HALO))
    halo = max(1, halo // multiple if halo < looks.reach else math.ceil(halo / multiple)) * multiple
    ramp = 0 if halo >= looks.reach else halo // 2
    rows, columns = (edges(whole, max(multiple, side - 2 * halo), multiple) for whole in (height, width))
    result, total, done = None, (len(rows) - 1) * (len(columns) - 1), 0
    for top, bottom in pairwise(rows):
        for left, right in pairwise(columns):
            yield Progress(JOB, done, total)
            box = max(0, top - halo), max(0, left - halo), min(height, bottom + halo), min(width, right + halo)
            with norms.held():
                tile = _result(network, _cut(picture, *box, multiple), told).float().cpu()
            if result is None:
                result = torch.zeros(1, tile.shape[1], height * enlarges, width * enlarges)
            _add(result, tile, box, (top, left, bottom, right), ramp, enlarges)
            done += 1
    assert result is not None
    yield Progress(JOB, done, total)
    return result[..., : enlarges * picture.shape[2], : enlarges * picture.shape[3]]


def survey(picture: torch.Tensor, multiple: int, room: int) -> torch.Tensor:
    """(N, C, h, w): cuts of a picture that are spread over it evenly, so many as there is room for pixels."""
    height, width = picture.shape[2:]
    high, wide = (max(multiple, min(side, SURVEYED) // multiple * multiple) for side in (height, width))
    count = max(1, room // (high * wide))
    across = max(1, min(round(math.sqrt(count * width / height)), math.ceil(width / wide), count))
    down = max(1, min(count // across, math.ceil(height / high)))
    tops, lefts = (
        [min(side - cut, max(0, round((n + 0.5) * side / number - cut / 2))) for n in range(number)]
        for side, cut, number in ((height, high, down), (width, wide, across))
    )
    cuts = [_cut(picture, top, left, top + high, left + wide, multiple) for top in tops for left in lefts]
    return torch.cat(cuts)


def edges(whole: int, most: int, multiple: int) -> list[int]:
    """Where tiles of about one size begin and end that are no larger than `most`.

    Example:
        >>> edges(100, 40, 4)
        [0, 32, 68, 100]
    """
    count = math.ceil(whole / most)
    return [round(n * whole / count / multiple) * multiple for n in range(count)] + [whole]


def _add(
    result: torch.Tensor,
    tile: torch.Tensor,
    box: tuple[int, int, int, int],
    core: tuple[int, int, int, int],
    ramp: int,
    enlarges: int,
) -> None:
    """Add a tile of the picture's `box`, as much of it as counts: its core, and across inner edges less and less."""
    height, width = result.shape[2] // enlarges, result.shape[3] // enlarges
    weights, kept = [], []
    for first, last, start, end, whole in ((box[0], box[2], core[0], core[2], height),
                                           (box[1], box[3], core[1], core[3], width)):  # fmt: skip
        before, after = (start if start == 0 else start - ramp), (end if end == whole else end + ramp)
        at = torch.arange(before * enlarges, after * enlarges) / enlarges + 0.5 / enlarges
        weight = torch.ones_like(at)
        if ramp and start > 0:
            weight *= ((at - (start - ramp)) / (2 * ramp)).clamp(0, 1)
        if ramp and end < whole:
            weight *= (((end + ramp) - at) / (2 * ramp)).clamp(0, 1)
        weights.append(weight)
        kept.append((before, after, first, last))
    (top, bottom, first, _), (left, right, first_left, _) = kept
    part = tile[..., (top - first) * enlarges : (bottom - first) * enlarges,
                (left - first_left) * enlarges : (right - first_left) * enlarges]  # fmt: skip
    target = result[..., top * enlarges : bottom * enlarges, left * enlarges : right * enlarges]
    target += part * weights[0][:, None] * weights[1] if ramp else part


# --- Pieces ---------------------------------------------------------------------------------------------------------


def _device(network: nn.Module) -> torch.device:
    return next((parameter.device for parameter in network.parameters()), torch.device("cpu"))


@torch.no_grad()
def _result(network: nn.Module, pictures: torch.Tensor, told: Sequence[torch.Tensor]) -> torch.Tensor:
    return network(pictures.to(_device(network), memory_format=torch.channels_last), *told)


def _floats(pixels: torch.Tensor) -> torch.Tensor:
    return signed(pixels) if pixels.dtype == torch.uint8 else pixels


def _cut(picture: torch.Tensor, top: int, left: int, bottom: int, right: int, multiple: int) -> torch.Tensor:
    """A part of a picture as floats; what lies beyond it to make multiples repeats its last pixels."""
    return _padded(_floats(picture[..., top:bottom, left:right]), multiple)


def _padded(pictures: torch.Tensor, multiple: int) -> torch.Tensor:
    below, right = (-side % multiple for side in pictures.shape[2:])
    return F.pad(pictures, (0, right, 0, below), mode="replicate") if below or right else pictures
