"""Sampling a generator: latents are drawn seed by seed, statistics are frozen, pictures are made one at a time.

Picture 7 is therefore the same, to the bit, alone or among a thousand; between devices, only rounding differs.
"""

import io
import operator
from collections.abc import Iterable, Sequence
from typing import SupportsIndex, overload

import numpy as np
import torch
from PIL import Image
from torch import nn

from scumble.device import full_float32
from scumble.errors import SettingsError
from scumble.image.tensors import from_signed, grid

MIN_TRUNCATION = 0.05
COLUMNS = 8


class Samples(list[Image.Image]):
    """A list of pictures of one size that a notebook shows side by side, as it shows a single one."""

    @overload
    def __getitem__(self, index: SupportsIndex) -> Image.Image: ...
    @overload
    def __getitem__(self, index: slice) -> "Samples": ...
    def __getitem__(self, index: SupportsIndex | slice) -> "Image.Image | Samples":
        return Samples(super().__getitem__(index)) if isinstance(index, slice) else super().__getitem__(index)

    def __repr__(self) -> str:
        size = f" of {self[0].width} x {self[0].height} pixels" if self else ""
        return f"<{len(self)} pictures{size}>"

    def _repr_png_(self) -> bytes | None:
        """What IPython asks for."""
        if not self:
            return None
        pixels = np.stack([np.asarray(picture).reshape(picture.height, picture.width, -1) for picture in self])
        file = io.BytesIO()
        Image.fromarray(grid(pixels, min(COLUMNS, len(self)))).save(file, "PNG")
        return file.getvalue()


def draw_latents(seeds: Iterable[int], size: int, truncation: float | None = None) -> torch.Tensor:
    """(N, Z) latents, standard normal, one a seed.

    Args:
        seeds: one number a picture, 0 or more.
        size: Z, the latent dimension.
        truncation: values beyond this on either side are redrawn (Brock et al. 2018, section 3.1): the smaller, the
            more diversity is traded for fidelity.

    Raises:
        SettingsError: if the truncation is too small or a seed is negative.
    """
    if truncation is not None and not truncation >= MIN_TRUNCATION:
        raise SettingsError(f"truncation: got {truncation}, wanted {MIN_TRUNCATION} or more")
    try:
        seeds = [operator.index(seed) for seed in seeds]  # NumPy's and torch's whole numbers are as good as Python's
    except TypeError as error:
        raise SettingsError(f"seeds: {error}; wanted whole numbers") from error
    if wrong := [seed for seed in seeds if not 0 <= seed < 2**63]:
        raise SettingsError(f"seeds: got {wrong[0]}, wanted 0 to 2^63 - 1")
    if not seeds:
        raise SettingsError("seeds: got none, wanted at least one")
    latents = torch.empty(len(seeds), size)
    for latent, seed in zip(latents, seeds, strict=True):
        generator = torch.Generator().manual_seed(seed)
        latent.normal_(generator=generator)
        while truncation is not None and (outside := latent.abs() > truncation).any():
            latent[outside] = torch.randn(int(outside.sum()), generator=generator)
    return latents


def labels_in_turn(seeds: Iterable[int], classes: int, sets: Sequence[str] | None = None) -> torch.Tensor:
    """What seeds draw where nothing is chosen: (N,) classes in turn; or (N, K) float32, given labels in turn.

    Example:
        >>> labels_in_turn([0, 1, 2, 3], 3).tolist()
        [0, 1, 2, 0]
        >>> labels_in_turn([0, 1, 2], 2, ["01", "11"]).tolist()
        [[0.0, 1.0], [1.0, 1.0], [0.0, 1.0]]
    """
    if sets is None:
        return torch.tensor([seed % classes for seed in seeds])
    rows = [[float(digit) for digit in sets[seed % len(sets)]] for seed in seeds]
    return torch.tensor(rows).reshape(-1, classes)


@full_float32()
@torch.inference_mode()
def encoded(encoder: nn.Module, pictures: torch.Tensor) -> torch.Tensor:
    """(N, Z) codes of (N, C, H, W) pictures in [-1, 1], each by itself, as `generate` draws.

    The encoder must be in evaluation mode, and N at least 1.
    """
    assert not encoder.training
    device = next(encoder.parameters()).device
    return torch.cat([encoder(picture[None].to(device)) for picture in pictures]).clone()


@full_float32()
@torch.inference_mode()
def generate(generator: nn.Module, latents: torch.Tensor, labels: torch.Tensor | None = None) -> np.ndarray:
    """(N, H, W, C) uint8 pictures from (N, Z) latents, and (N,) classes or (N, K) labels if it is conditional.

    The generator must be in evaluation mode, and N at least 1.
    """
    assert not generator.training
    device = next(generator.parameters()).device
    inputs = (latents,) if labels is None else (latents, labels)
    return np.concatenate(
        [from_signed(generator(*(one[None].to(device) for one in each))) for each in zip(*inputs, strict=True)]
    )
