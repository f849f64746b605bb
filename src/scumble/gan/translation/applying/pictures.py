"""What a translator is given of a picture, and what is made of its result: depth, opacity and holes.

Files of 16 bits, floats and bands are read with all their values, by the range that the training read its own by. Where
an ordinary picture is transparent, colours are those of what can be seen of it, and the opacity is kept for the result;
a translator that fills holes takes it for the hole. Where it was trained with coarse pictures in the holes, the hidden
colours are brought to such.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from scumble.data.form import Range
from scumble.data.pixels import BRIGHTEST
from scumble.data.raw import PICTURES, Raw, natural, raw_of, to_bytes
from scumble.errors import ImageError, SettingsError
from scumble.gan.translation.degrade import grey, in_squares
from scumble.image import decode, files
from scumble.image.files import Picture, PictureSource
from scumble.image.tensors import alpha_tensor, resize, signed, to_tensor

HIDDEN = 0.5
"""What is less opaque is a hole."""
MANY_BANDS = (".tif", ".tiff")


@dataclass(frozen=True)
class Given:
    """A picture as a translator takes it.

    Attributes:
        name: to speak of it.
        sha256: of its file.
        pixels: (1, C, H, W), uint8, or floats in [-1, 1].
        alpha: (1, 1, H, W) in [0, 1]; None where it is opaque, or opacity is one of the channels.
        mask: (1, 1, H, W), 1 in holes; None for a translator that fills none.
        notes: what was odd about it.
    """

    name: str
    sha256: str
    pixels: torch.Tensor
    alpha: torch.Tensor | None
    mask: torch.Tensor | None
    notes: tuple[str, ...] = ()

    @property
    def size(self) -> tuple[int, int]:
        """(width, height)."""
        return self.pixels.shape[3], self.pixels.shape[2]


def given(source: PictureSource, channels: int, value_range: Range | None, fills: str | None) -> Given:
    """Read a picture.

    Args:
        source: a file, a PIL picture or an array.
        channels: that the translator takes.
        value_range: the values of files that are black and white to it; None for those that their type stands for.
        fills: the degradation that makes the holes which it fills, "holes" or "mosaic"; None for one that fills none.

    Raises:
        ImageError: if it cannot be read, has other channels, or no hole where one is to be filled.
    """
    if isinstance(source, str | Path) and Path(source).is_file():
        data = decode.read_file(Path(source))
        raw = raw_of(data, Path(source).name)
        if raw is not None:
            return _of_values(raw, Path(source).name, files.load(source).sha256, channels, value_range, fills)
    picture = files.load(source)
    if channels > 4:
        raise ImageError(f"{picture.name} has 3 channels; wanted {channels}")
    if fills is not None and picture.alpha is not None and channels in (1, 3):  # with the colours that are hidden
        pixels = _of_bytes(replace(picture, alpha=None), channels, value_range)[0]
        pixels, alpha = signed(pixels), alpha_tensor(picture)
    else:
        pixels, alpha = _of_bytes(picture, channels, value_range)
    return _with_hole(Given(picture.name, picture.sha256, pixels, alpha, None, picture.notes), fills)


def _of_bytes(picture: Picture, channels: int, value_range: Range | None) -> tuple[torch.Tensor, torch.Tensor | None]:
    if value_range is not None and value_range[1] <= BRIGHTEST:  # as the pictures that it has learnt from
        stretched = Image.fromarray(to_bytes(np.asarray(picture.rgb), value_range))
        picture = Picture(stretched, picture.alpha, picture.name, picture.sha256)
    if channels % 2 and picture.alpha is None:
        image = picture.rgb if channels == 3 else picture.rgb.convert("L")
        array = np.asarray(image).reshape(image.height, image.width, channels)
        return torch.from_numpy(array.copy()).permute(2, 0, 1)[None], None
    colours = to_tensor(picture) * 2 - 1
    alpha = alpha_tensor(picture)
    if channels <= 2:
        colours = grey(colours)
    if channels % 2:
        return colours, alpha
    opacity = torch.ones_like(colours[:, :1]) if alpha is None else alpha
    return torch.cat([colours, opacity * 2 - 1], 1), None


def _of_values(raw: Raw, name: str, sha256: str, channels: int, value_range: Range | None, fills: str | None) -> Given:
    """Of a file with more than bytes of colours."""
    values = raw.read()
    low, high = value_range or natural(values.dtype)
    scaled = ((values.astype(np.float32) - low) / (high - low) * 2 - 1).clip(-1, 1)
    pixels, alpha = torch.from_numpy(scaled).permute(2, 0, 1)[None].contiguous(), None
    if raw.opacity and channels % 2:
        pixels, alpha = pixels[:, :3], (pixels[:, 3:] + 1) / 2
    if pixels.shape[1] != channels:
        if pixels.shape[1] not in PICTURES or channels not in (1, 3):
            raise ImageError(f"{name} has {pixels.shape[1]} channels; wanted {channels}")
        pixels = grey(pixels[:, :3]) if channels == 1 else pixels[:, :3].expand(-1, 3, -1, -1)
    return _with_hole(Given(name, sha256, pixels, alpha, None), fills)


def _with_hole(picture: Given, fills: str | None) -> Given:
    if fills is None:
        return picture
    if picture.alpha is None or not bool((picture.alpha < HIDDEN).any()):
        raise ImageError(f"{picture.name} has no hole; wanted one that is transparent where it is to be filled")
    mask = (picture.alpha < HIDDEN).float()
    # As in the training: the middle grey, or squares.
    inside = in_squares(picture.pixels) if fills == "mosaic" else torch.zeros_like(picture.pixels)
    return replace(picture, pixels=torch.where(mask > 0, inside, picture.pixels), alpha=None, mask=mask)


# --- The result -----------------------------------------------------------------------------------------------------


def finished(result: torch.Tensor, picture: Given, bits: int, suffix: str) -> np.ndarray:
    """(H, W, C) pixels for a file, of a result (1, C', H, W) about in [-1, 1].

    What was not a hole is the picture itself; its opacity is that of the result; grey is written as colours, but in a
    TIFF without opacity.

    Raises:
        SettingsError: if the format cannot hold so many channels.
    """
    if picture.mask is not None and result.shape[1:] == picture.pixels.shape[1:]:
        result = torch.where(picture.mask > 0, result, picture.pixels)
    bands = result.shape[1]
    if bands not in (1, 3, 4) and suffix not in MANY_BANDS:
        raise SettingsError(f"output: {suffix} cannot hold {bands} channels; wanted one of {', '.join(MANY_BANDS)}")
    levels = 2**bits - 1
    whole = result.add_(1).mul_(levels / 2).round_().clamp_(0, levels)[0].permute(1, 2, 0)
    pixels = whole.numpy().astype(np.uint8 if bits == 8 else np.uint16)
    if picture.alpha is not None and bands in (1, 3):
        alpha = resize(picture.alpha, (result.shape[3], result.shape[2]))[0, 0, :, :, None] * levels
        pixels = np.concatenate([pixels.repeat(3 // bands, 2), alpha.round().numpy().astype(pixels.dtype)], 2)
    elif bands == 1 and suffix not in MANY_BANDS:
        pixels = pixels.repeat(3, 2)
    return pixels
