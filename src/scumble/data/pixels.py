"""What becomes of a picture's pixels before anything learns from them."""

import numpy as np
from PIL import Image, ImageOps

from scumble.image.files import Picture

Size = tuple[int, int]
"""(width, height) in pixels."""


def on_white(picture: Picture) -> Image.Image:
    """A picture in mode RGB, on white where it is transparent."""
    if picture.alpha is None:
        return picture.rgb
    white = Image.new("RGB", picture.size, "white")
    white.paste(picture.rgb, mask=picture.alpha)
    return white


def fitted_pixels(picture: Picture, size: Size, channels: int) -> np.ndarray:
    """(H, W, 3) uint8: the middle of a picture at `size`, on white where it is transparent; grey if `channels` is 1."""
    image = fitted(on_white(picture), size)
    return np.asarray(image if channels == 3 else image.convert("L").convert("RGB"))


def fitted(image: Image.Image, size: Size) -> Image.Image:
    """The middle of a picture, in the shape of `size`, resampled to it with antialiasing."""
    return image if image.size == size else ImageOps.fit(image, size, Image.Resampling.LANCZOS)


def is_grey(pixels: np.ndarray) -> bool:
    """Whether R = G = B everywhere in (H, W, 3)."""
    return bool((pixels[..., 0] == pixels[..., 1]).all() and (pixels[..., 0] == pixels[..., 2]).all())
