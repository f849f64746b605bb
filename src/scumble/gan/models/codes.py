"""Codes by hand: the latents of a chosen category and chosen numbers, and the codes that are read from pictures.

A code is written with commas between its places: the category, then numbers in [-1, 1]. A place that is left empty
stays as the seed drew it; `all` goes through all values of its place, of a number through nine.

| code      | is                                                                  |
|-----------|---------------------------------------------------------------------|
| `3`       | category 3                                                          |
| `3,0.5`   | category 3, and the first number is 0.5                             |
| `,-1`     | any category, and the first number is -1                            |
| `all,all` | every category with every value of the first number                 |
"""

import itertools
import math
from collections.abc import Iterator

import numpy as np
import torch
from torch import nn

from scumble.device import full_float32
from scumble.errors import SettingsError
from scumble.gan.settings import GANSettings
from scumble.image.tensors import to_signed

ALL = "all"
VALUES = tuple(n / 4 for n in range(-4, 5))
"""Of a number, from one end to the other in quarters."""

MOST_DEVIATIONS = 5.0
"""The ends of [-1, 1] are infinitely many standard deviations away; within so many, a number is as good as there."""

BATCH = 256

Code = tuple[int | float | None, ...]
"""The category, then the numbers; None where the seed decides."""


def codes_of(text: str | int, settings: GANSettings) -> list[Code]:
    """All codes that a text stands for, the last place that goes through all values fastest.

    Raises:
        SettingsError: if the model has no codes, or none like that.

    Example:
        >>> codes_of("2,0.5", GANSettings(preset="infogan"))
        [(2, 0.5)]
        >>> len(codes_of("all,,all", GANSettings(preset="infogan")))
        90
    """
    if not settings.has_codes:
        raise SettingsError(f"code: got {text}, and the model has none; wanted one of --preset infogan or clustergan")
    places = [place.strip() for place in str(text).split(",")]
    if len(places) > 1 + settings.continuous:
        numbers = f"{settings.continuous} numbers" if settings.continuous else "no numbers"
        raise SettingsError(f"code: got {text!r}, wanted a category, and {numbers} after it")
    return list(itertools.product(*(_values(place, n, settings) for n, place in enumerate(places))))


def columns(seeds: int, text: str | int, settings: GANSettings) -> int:
    """Of a sheet: one for each seed, or, where there is one, for each value of the last place that goes through all."""
    places = [n for n, place in enumerate(str(text).split(",")) if place.strip() == ALL]
    return len(_values(ALL, places[-1], settings)) if seeds == 1 and places else seeds


def _values(place: str, position: int, settings: GANSettings) -> tuple[int | float | None, ...]:
    if not place:
        return (None,)
    if position == 0:
        if place == ALL:
            return tuple(range(settings.categories))
        if not place.isdecimal() or int(place) >= settings.categories:
            raise SettingsError(f"code: got category {place!r}, wanted 0 to {settings.categories - 1}, or {ALL}")
        return (int(place),)
    if place == ALL:
        return VALUES
    try:
        value = float(place)
    except ValueError:
        value = math.nan
    if not -1 <= value <= 1:
        raise SettingsError(f"code: got {place!r}, wanted a number from -1 to 1, or {ALL}")
    return (value,)


def name_of(code: Code) -> str:
    """As it is written.

    Example:
        >>> name_of((3, None, 0.5))
        '3,,0.5'
    """
    return ",".join("" if value is None else f"{value:g}" for value in code)


def set_to(latents: torch.Tensor, code: Code, settings: GANSettings) -> torch.Tensor:
    """(N, Z) latents with another code: still normal numbers, and all else as it was.

    The largest of the numbers that choose the category changes places with that of the category.
    """
    latents, (category, *numbers) = latents.clone(), code
    if category is not None:
        choosing = latents[:, : settings.categories]
        rows, largest = torch.arange(len(latents)), choosing.argmax(1)
        there = choosing[rows, largest]
        choosing[rows, largest] = choosing[:, int(category)].clone()
        choosing[:, int(category)] = there
    for position, value in enumerate(numbers, settings.categories):
        if value is not None:
            deviations = math.sqrt(2) * torch.erfinv(torch.tensor(value, dtype=torch.float64))
            latents[:, position] = deviations.clamp(-MOST_DEVIATIONS, MOST_DEVIATIONS)
    return latents


@full_float32()
@torch.inference_mode()
def read(discriminator: nn.Module, pixels: np.ndarray, settings: GANSettings) -> np.ndarray:
    """(N, K + C): the probability of each category, and the numbers, as pictures tell them.

    Args:
        discriminator: of a GAN with codes, in evaluation mode.
        pixels: (N, C, H, W) uint8, N at least 1.
        settings: of its training.

    Raises:
        SettingsError: if the model has no codes.
    """
    if not settings.has_codes:
        raise SettingsError("the model has no codes to be read; wanted one of --preset infogan or clustergan")
    guesses = torch.cat(list(_guesses(discriminator, pixels)))[:, : settings.categories + settings.continuous]
    category, numbers = guesses.tensor_split([settings.categories], 1)
    return torch.cat([category.softmax(1), numbers], 1).cpu().numpy()


def _guesses(discriminator: nn.Module, pixels: np.ndarray) -> Iterator[torch.Tensor]:
    device = next(discriminator.parameters()).device
    for start in range(0, len(pixels), BATCH):
        pictures = to_signed(pixels[start : start + BATCH].copy(), device)  # torch takes no read-only memory
        yield discriminator.guess(pictures.contiguous(memory_format=torch.channels_last))  # pyright: ignore[reportCallIssue]
