"""What the small network learns from: crops of photographs and paintings, and of pictures on the way between them.

A crop is a function of (seed, number) alone, so that work on them can be interrupted and repeated anywhere.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from rich.progress import track

from scumble.data.sources.opener import open_source
from scumble.errors import ScumbleError
from scumble.image.files import load
from scumble.style.preparation.colour import match_colours

SIDE = 160
"""Pixels of a crop: one neuron of relu5_1 sees 252, so that its crops are as large as two cores can pay for."""

HELD_BACK = 40
"""Pictures of each kind that are never trained on."""

ALIKE = 0.65
"""Correlation of two small grey versions from which a painting counts as a copy: another cut of one had 0.68."""


def read(archive: Path, excluded: Sequence[np.ndarray] = ()) -> list[Image.Image]:
    """The pictures of a zip or folder in a shuffled order, but for unreadable ones and relatives of excluded ones."""
    pictures = []
    items = open_source(archive).items
    for number in track(np.random.default_rng(0).permutation(len(items)), f"read {archive.name}"):
        try:
            picture = items[number].load().rgb
        except ScumbleError:
            continue
        likeness = max((resemblance(thumbprint(picture), other) for other in excluded), default=0)
        if min(picture.size) < 64 or likeness > ALIKE:
            print(f"left out: {items[number].name} ({picture.width}x{picture.height}, likeness {likeness:.2f})")
            continue
        pictures.append(picture)
    return pictures


def thumbprints(folder: Path) -> list[np.ndarray]:
    """Of all pictures in a folder."""
    return [thumbprint(load(path).rgb) for path in sorted(folder.iterdir())]


def thumbprint(picture: Image.Image) -> np.ndarray:
    """A small grey version, (16, 16), of mean 0 and length 1: alike for every copy of a picture, whatever its file."""
    small = np.asarray(picture.convert("L").resize((16, 16), Image.Resampling.BOX), np.float64)
    centred = small - small.mean()
    return centred / max(np.linalg.norm(centred), 1e-9)


def resemblance(one: np.ndarray, other: np.ndarray) -> float:
    """Of two thumbprints: their correlation, or that with the mirror image."""
    return float(max((one * other).sum(), (one[:, ::-1] * other).sum()))


class Crops:
    """Crops by number, endlessly: (3, SIDE, SIDE) in [0, 1]."""

    def __init__(self, photos: Sequence[Image.Image], paintings: Sequence[Image.Image], seed: int):
        self.photos = photos
        self.paintings = paintings
        self.seed = seed

    def __getitem__(self, number: int) -> torch.Tensor:
        """Half of them are pictures as they are; the others are what a canvas may be before it is finished."""
        random = np.random.default_rng((self.seed, number))
        photo, painting = (self._cut(pictures, random) for pictures in (self.photos, self.paintings))
        kind = random.choice(
            ["photo", "painting", "blend", "colours", "noise", "smooth noise"], p=[0.25, 0.3, 0.15, 0.1, 0.15, 0.05]
        )
        if kind == "painting":
            return painting
        if kind == "blend":
            return torch.lerp(photo, painting, random.uniform(0.2, 0.8))
        if kind == "colours":
            return match_colours(photo[None], painting[None])[0]
        if kind == "noise":
            base = photo if random.random() < 0.5 else painting
            return (base + random.uniform(0.02, 0.25) * _noise(random, SIDE)).clamp(0, 1)
        if kind == "smooth noise":
            blobs = _noise(random, int(random.integers(4, SIDE // 2)))
            large = torch.nn.functional.interpolate(blobs[None], (SIDE, SIDE), mode="bicubic")[0]
            return (painting.mean((1, 2), keepdim=True) + random.uniform(0.05, 0.3) * large).clamp(0, 1)
        return photo

    def pair(self, number: int) -> tuple[torch.Tensor, torch.Tensor]:
        """A photograph and a painting."""
        random = np.random.default_rng((self.seed, number))
        return self._cut(self.photos, random), self._cut(self.paintings, random)

    def _cut(self, pictures: Sequence[Image.Image], random: np.random.Generator) -> torch.Tensor:
        """A square of one of the pictures, brought to SIDE: up to twice enlarged, as smooth ones are wanted, too."""
        picture = pictures[int(random.integers(len(pictures)))]
        longest = min(picture.size)
        side = int(random.uniform(min(SIDE // 2, longest), longest + 1))
        left, top = (int(random.integers(length - side + 1)) for length in picture.size)
        pixels = square(picture, left, top, side)
        return pixels.flip(2) if random.random() < 0.5 else pixels


def square(picture: Image.Image, left: int, top: int, side: int) -> torch.Tensor:
    """A square of a picture, (3, SIDE, SIDE) in [0, 1]."""
    cut = picture.crop((left, top, left + side, top + side)).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    return torch.from_numpy(np.array(cut)).permute(2, 0, 1).contiguous().float() / 255


def middle(picture: Image.Image) -> torch.Tensor:
    """The largest square in the middle of a picture."""
    side = min(picture.size)
    return square(picture, (picture.width - side) // 2, (picture.height - side) // 2, side)


def _noise(random: np.random.Generator, side: int) -> torch.Tensor:
    return torch.from_numpy(random.standard_normal((3, side, side), np.float32))
