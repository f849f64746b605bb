"""Pairs made by code: what becomes of a picture when it loses something, so that its way back can be learnt.

Any folder becomes a task whose withheld pictures have their truth. Pure functions of pictures, (N, C, H, W) in [-1, 1],
and of random numbers; the filters are those that the words beside each name, and no others.
"""

import io
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from scumble.image.tensors import from_signed, signed
from scumble.training.randomness import draw

NOISE_DEVIATION = 25 / 127.5
"""25 of 255 levels: the middle one of the three that denoising is usually measured at."""
BLUR_DEVIATION = 2.0
JPEG_QUALITY = 10
HOLE_SIDES = (0.25, 0.5)
"""Shares of a picture's sides; the larger is the central block of Pathak et al. 2016."""
MOSAIC_SIDE = 8
REC_601 = (0.299, 0.587, 0.114)
EDGE_CONTRAST = 4.0
NIGHT_EXPOSURE, NIGHT_COLOURS, NIGHT_TINT = 0.18, 0.35, (0.75, 0.9, 1.25)
"""Of the light, what is left; of the colours; and what red, green and blue are multiplied by: nights look blue."""


class Degradation(NamedTuple):
    """One way to lose something.

    Attributes:
        words: what is lost, and by which filter.
        lose: (N, C, H, W) pictures, and random numbers, to what is left of them.
        channels: how many are left of C.
        reduces: how many times a side is as short.
        has_mask: whether what is lost are places: `lose` then returns these, too, (N, 1, H, W), 1 where it is gone.
        restorable: whether what is left is a picture of the same, everywhere, to which what is lost can be added.
    """

    words: str
    lose: Callable[[torch.Tensor, torch.Generator], torch.Tensor | tuple[torch.Tensor, torch.Tensor]]
    channels: Callable[[int], int] = lambda channels: channels
    reduces: int = 1
    has_mask: bool = False
    restorable: bool = True


def degraded(
    name: str, pictures: torch.Tensor, random: torch.Generator, keep_size: bool = False
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """What is left of pictures, and where they have holes.

    Args:
        name: one of `DEGRADATIONS`.
        pictures: (N, C, H, W) in [-1, 1].
        random: of this share of the batch.
        keep_size: whether reduced pictures are enlarged again (bicubic), for networks that do not enlarge.

    Returns:
        (N, C', H', W') in [-1, 1]; and (N, 1, H, W), 1 in holes, or None.
    """
    left = DEGRADATIONS[name].lose(pictures, random)
    left, mask = left if isinstance(left, tuple) else (left, None)
    if keep_size and left.shape[2:] != pictures.shape[2:]:
        left = F.interpolate(left, pictures.shape[2:], mode="bicubic").clamp(-1, 1)
    return left, mask


def grey(pictures: torch.Tensor) -> torch.Tensor:
    """(N, 1, H, W): the luma of three channels (ITU-R BT.601), the mean of any others.

    Example:
        >>> grey(torch.tensor([1.0, -1.0, -1.0]).reshape(1, 3, 1, 1)).item()  # red
        -0.4020000100135803
    """
    if pictures.shape[1] != 3:
        return pictures.mean(1, keepdim=True)
    return (pictures * pictures.new_tensor(REC_601)[:, None, None]).sum(1, keepdim=True)


def edges(pictures: torch.Tensor) -> torch.Tensor:
    """(N, 1, H, W): dark lines on white, by Sobel's gradient of the grey picture, blurred by 1 pixel."""
    shade = blurred(grey(pictures), 1.0)
    across = shade.new_tensor([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]) / 8
    filters = torch.stack([across, across.T])[:, None]
    length = F.conv2d(F.pad(shade, (1, 1, 1, 1), mode="replicate"), filters).square().sum(1, keepdim=True).sqrt()
    return 1 - 2 * (EDGE_CONTRAST * length).clamp(0, 1)


def reduced(pictures: torch.Tensor, factor: int) -> torch.Tensor:
    """(N, C, H / factor, W / factor), bicubic with antialiasing, as Pillow and MATLAB do it."""
    size = (pictures.shape[2] // factor, pictures.shape[3] // factor)
    return F.interpolate(pictures.contiguous(), size, mode="bicubic", antialias=True).clamp(-1, 1)


def blurred(pictures: torch.Tensor, deviation: float) -> torch.Tensor:
    """Blurred by a Gaussian of so many pixels, which ends at three deviations; edges are replicated."""
    reach = math.ceil(3 * deviation)
    kernel = torch.exp(-torch.arange(-reach, reach + 1.0).square() / (2 * deviation**2)).to(pictures)
    kernel = (kernel / kernel.sum()).expand(pictures.shape[1], 1, 1, -1)
    for shape in ((reach, reach, 0, 0), (0, 0, reach, reach)):
        rows = kernel if shape[0] else kernel.transpose(2, 3)
        pictures = F.conv2d(F.pad(pictures, shape, mode="replicate"), rows, groups=pictures.shape[1])
    return pictures


def noisy(pictures: torch.Tensor, random: torch.Generator) -> torch.Tensor:
    """With Gaussian noise, cut off at black and white as a file would."""
    noise = draw(torch.randn, len(pictures), *pictures.shape[1:], random=random).to(pictures)
    return (pictures + NOISE_DEVIATION * noise).clamp(-1, 1)


def with_holes(pictures: torch.Tensor, random: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """With one rectangle of the middle grey somewhere, and where it is."""
    count, _, height, width = pictures.shape
    drawn = draw(torch.rand, count, 4, random=random)
    least, most = HOLE_SIDES
    mask = torch.zeros(count, 1, height, width)
    for one, (of_height, of_width, down, across) in zip(mask, drawn.tolist(), strict=True):
        high, wide = (max(1, round(side * (least + (most - least) * share))) for side, share in
                      ((height, of_height), (width, of_width)))  # fmt: skip
        top, left = round(down * (height - high)), round(across * (width - wide))
        one[:, top : top + high, left : left + wide] = 1
    mask = mask.to(pictures)
    return pictures * (1 - mask), mask


def with_mosaic(pictures: torch.Tensor, random: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """As `with_holes`, but in the hole are squares of one colour, the mean of what was there."""
    _, mask = with_holes(pictures, random)
    return torch.where(mask > 0, in_squares(pictures), pictures), mask


def in_squares(pictures: torch.Tensor) -> torch.Tensor:
    """The mean of every square instead of its pixels; at the border, means of fewer."""
    height, width = pictures.shape[2:]
    coarse = F.avg_pool2d(pictures, MOSAIC_SIDE, ceil_mode=True)
    return F.interpolate(coarse, scale_factor=float(MOSAIC_SIDE))[..., :height, :width]


def compressed(pictures: torch.Tensor, quality: int = JPEG_QUALITY) -> torch.Tensor:
    """Written as JPEG and read again, colours at half their resolution; channels that are no colours one by one."""
    pixels = from_signed(pictures)
    if pixels.shape[3] != 3:
        planes = [np.stack([_jpeg(one[..., band], quality) for band in range(one.shape[2])], 2) for one in pixels]
    else:
        planes = [_jpeg(one, quality) for one in pixels]
    return signed(torch.from_numpy(np.stack(planes).transpose(0, 3, 1, 2))).to(pictures)


def _jpeg(pixels: np.ndarray, quality: int) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def at_night(pictures: torch.Tensor) -> torch.Tensor:
    """Less light, most of it blue, and hardly any colour: a curve for each pixel, in linear light (a power of 2.2)."""
    light = ((pictures + 1) / 2).clamp(0, 1) ** 2.2
    if pictures.shape[1] == 3:
        shade = (light * light.new_tensor(REC_601)[:, None, None]).sum(1, keepdim=True)
        light = (shade + NIGHT_COLOURS * (light - shade)) * light.new_tensor(NIGHT_TINT)[:, None, None]
    return (NIGHT_EXPOSURE * light).clamp(0, 1) ** (1 / 2.2) * 2 - 1


DEGRADATIONS = {
    "edges": Degradation(
        "lines for edges (Sobel, after a blur of 1 pixel)", lambda p, _: edges(p), lambda _: 1, restorable=False
    ),
    "grey": Degradation("grey for colours (luma of BT.601)", lambda p, _: grey(p), lambda _: 1),
    "x2": Degradation("sides of half the length (bicubic, antialiased)", lambda p, _: reduced(p, 2), reduces=2),
    "x4": Degradation("sides of a quarter of the length (bicubic, antialiased)", lambda p, _: reduced(p, 4), reduces=4),
    "noise": Degradation("Gaussian noise (25 of 255 levels)", noisy),
    "blur": Degradation("a Gaussian blur (2 pixels)", lambda p, _: blurred(p, BLUR_DEVIATION)),
    "holes": Degradation(
        "a grey rectangle of a quarter to half of the sides", with_holes, has_mask=True, restorable=False
    ),
    "mosaic": Degradation(
        f"squares of {MOSAIC_SIDE} pixels in a rectangle of a quarter to half of the sides",
        with_mosaic,
        has_mask=True,
        restorable=False,
    ),
    "jpeg": Degradation(f"JPEG of quality {JPEG_QUALITY}", lambda p, _: compressed(p)),
    "night": Degradation("night (18% of the light, bluish, hardly any colour)", lambda p, _: at_night(p)),
}
"""By the name that `pairs` is set to."""
