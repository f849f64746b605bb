"""The border between pictures and tensors: the only place where 8-bit pictures become floats and floats pictures.

Style transfer works on RGB float32 in [0, 1], shape (1, 3, H, W); GANs on float32 in [-1, 1], shape (N, C, H, W).
"""

from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from scumble.image.files import Picture

LEAST_OPACITY = 0.5 / 255
"""What is less opaque cannot be seen."""

OF_USE = 3
"""Times the pixels of a side that are worked at: what a picture has more of is averaged out anyway. Made smaller in two
steps, photographs of 12 megapixels differ by a tenth of a grey level (docs/log.md)."""


def to_tensor(picture: Picture) -> torch.Tensor:
    """A picture's colours as a (1, 3, H, W) tensor in [0, 1].

    Colour under transparency is arbitrary (often black), and a network would see it: it is replaced, in proportion to
    the transparency, by the mean colour of what is visible.
    """
    rgb = _floats(picture.rgb)
    if picture.alpha is not None:
        alpha = _floats(picture.alpha)
        mean = (rgb * alpha).sum((2, 3), keepdim=True) / alpha.sum().clamp_min(1e-6)
        rgb = rgb * alpha + mean * (1 - alpha)
    return rgb


def alpha_tensor(picture: Picture) -> torch.Tensor | None:
    """A picture's opacity as a (1, 1, H, W) tensor in [0, 1], or None if it is opaque."""
    return None if picture.alpha is None else _floats(picture.alpha)


def resize(tensor: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Resample a (1, C, H, W) tensor to `size` = (width, height) pixels: bicubic, with antialiasing, within [0, 1]."""
    width, height = size
    if tensor.shape[2:] == (height, width):
        return tensor
    return F.interpolate(tensor, (height, width), mode="bicubic", antialias=True).clamp(0, 1)


def nearer(picture: Picture, size: tuple[int, int]) -> Picture:
    """A picture that will be worked at up to `size` = (width, height), with no more pixels than are of use there.

    Floats are made of every pixel each time that a picture is resized. One with an opacity stays as it is.
    """
    width, height = (OF_USE * side for side in size)
    if picture.alpha is not None or picture.size[0] <= width or picture.size[1] <= height:
        return picture
    return replace(picture, rgb=picture.rgb.resize((width, height), Image.Resampling.BICUBIC))


def visible_colours(picture: Picture, size: tuple[int, int]) -> torch.Tensor:
    """A picture's own colours at `size` = (width, height), whatever its opacity: (1, 3, H, W) in [0, 1].

    At the picture's own size, these are its pixels, hidden ones too; at others, hidden colours have no part in them.
    """
    colours = _floats(picture.rgb)
    if picture.alpha is None or picture.size == size:
        return resize(colours, size)
    opacity = _floats(picture.alpha)
    return (resize(colours * opacity, size) / resize(opacity, size).clamp_min(LEAST_OPACITY)).clamp(0, 1)


def cover(tensor: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Cut the middle of a (1, C, H, W) tensor to the shape of `size` = (width, height), and resample that."""
    width, height = size
    factor = min(tensor.shape[3] / width, tensor.shape[2] / height)
    cut_width = min(tensor.shape[3], max(1, round(width * factor)))
    cut_height = min(tensor.shape[2], max(1, round(height * factor)))
    left, top = (tensor.shape[3] - cut_width) // 2, (tensor.shape[2] - cut_height) // 2
    return resize(tensor[:, :, top : top + cut_height, left : left + cut_width].contiguous(), size)


def to_array(tensor: torch.Tensor, alpha: torch.Tensor | None = None, bits: int = 8) -> np.ndarray:
    """A (1, 3, H, W) tensor as an (H, W, 3) array of uint8 or uint16: clipped to [0, 1] and rounded, not truncated.

    Args:
        tensor: the colours; not changed, whatever is done to the array.
        alpha: the opacity, (1, 1, H, W); it becomes a fourth channel.
        bits: 8 or 16.
    """
    if alpha is not None:
        tensor = torch.cat([tensor, alpha.to(tensor)], 1)
    levels = 2**bits - 1
    pixels = tensor.detach()[0].clamp(0, 1).mul(levels).round().permute(1, 2, 0).cpu().numpy()
    return pixels.astype(np.uint8 if bits == 8 else np.uint16)


def to_image(tensor: torch.Tensor, alpha: torch.Tensor | None = None) -> Image.Image:
    """A (1, 3, H, W) tensor in [0, 1] as an 8-bit picture, RGB or, with an opacity, RGBA."""
    return Image.fromarray(to_array(tensor, alpha))


def _floats(image: Image.Image) -> torch.Tensor:
    values = np.array(image, np.float32)  # (H, W) or (H, W, 3)
    values /= 255  # in its place: a large picture's floats are many bytes
    pixels = torch.from_numpy(values)
    return pixels.reshape(image.height, image.width, -1).permute(2, 0, 1)[None].contiguous()  # (1, C, H, W)


def to_signed(pixels: np.ndarray, device: torch.device) -> torch.Tensor:
    """(N, C, H, W) pixels of whole numbers as floats in [-1, 1]; only those numbers travel to the device."""
    return signed(torch.from_numpy(pixels).to(device))


def signed(pixels: torch.Tensor) -> torch.Tensor:
    """Pixels of any shape, uint8 or uint16, as floats in [-1, 1]."""
    return pixels.float().div_(torch.iinfo(pixels.dtype).max / 2).sub_(1)


def to_unit(pixels: np.ndarray, device: torch.device) -> torch.Tensor:
    """(N, C, H, W) uint8 pixels, C of 1 or 3, as RGB floats in [0, 1], (N, 3, H, W): grey is repeated."""
    return torch.from_numpy(pixels).to(device).float().div_(255).expand(-1, 3, -1, -1)


def from_signed(tensor: torch.Tensor) -> np.ndarray:
    """(N, C, H, W) floats as (N, H, W, C) uint8 pixels; -1 is black and 1 white, whatever else is in the picture."""
    return tensor.add(1).mul(127.5).round().clamp(0, 255).byte().permute(0, 2, 3, 1).cpu().numpy()


def grid(pictures: np.ndarray, columns: int, gap: int = 2) -> np.ndarray:
    """(N, H, W, C) uint8 pictures side by side as one, (H', W', 3), with white gaps; what is missing stays white.

    Pixels of small pictures are repeated, so that one can see them: a picture becomes about 64 pixels high or wide.
    Opacity is laid on white; of more bands, three are seen.
    """
    pictures = visible(pictures)
    scale = max(1, 64 // max(pictures.shape[1:3]))
    pictures = pictures.repeat(scale, axis=1).repeat(scale, axis=2)
    count, height, width, _ = pictures.shape
    rows = -(-count // columns)
    sheet = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, 3), 255, np.uint8)
    for number, picture in enumerate(pictures):
        top, left = number // columns * (height + gap), number % columns * (width + gap)
        sheet[top : top + height, left : left + width] = picture  # grey is repeated over the colours
    return sheet


def visible(pictures: np.ndarray) -> np.ndarray:
    """(N, H, W, C) uint8 pictures with one channel or three."""
    channels = pictures.shape[3]
    if channels in (1, 3):
        return pictures
    if channels > 4:
        return pictures[..., :3]
    opacity = pictures[..., -1:] / np.float32(255)
    return (pictures[..., :-1] * opacity + 255 * (1 - opacity)).round().astype(np.uint8)
