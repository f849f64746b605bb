"""Painting at once: one painting's style, kept, for as many photographs as one likes, without importing PyTorch."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from PIL import Image, ImageStat

from scumble.errors import ImageError, SettingsError
from scumble.image import borders, files
from scumble.image.files import Picture, PictureSource
from scumble.style.feedforward.growth import Painting, painted_like
from scumble.style.feedforward.networks import Networks
from scumble.style.feedforward.styles import LEAST, Style

SIZE = 512
"""Pixels of a result's longer side, unless told otherwise."""


Place = tuple[slice, slice]
"""Rows and columns of a picture."""


class Stylizer:
    """Paints photographs in the styles of paintings, each in one pass through a small network.

    Example:
        >>> stylizer = Stylizer()
        >>> style = stylizer.style(Image.new("RGB", (64, 48), "goldenrod"))
        >>> stylizer(Image.new("RGB", (64, 48), "teal"), style, size="original").size
        (64, 48)

    Args:
        runtime: "onnxruntime"; "torch", with the same result to within a thousandth; or "auto": the first that can be
            imported.
    """

    def __init__(self, runtime: str = "auto"):
        self.networks = chosen(runtime)

    @property
    def runtime(self) -> str:
        """What computes: "onnxruntime" or "torch"."""
        return self.networks.runtime

    def style(self, painting: PictureSource, *, crop: bool = True) -> Style:
        """A painting's style.

        Args:
            painting: a file, a PIL picture or an array.
            crop: whether frames, mounts and paper edges are left out.

        Raises:
            ImageError: if it cannot be read, or nothing of it can be seen.
        """
        picture = files.load(painting, "style")
        if picture.alpha is None:
            return Style(np.asarray((borders.crop(picture) if crop else picture).rgb), None, picture.name)
        box = picture.alpha.getbbox()
        if box is None:
            raise ImageError(f"{picture.name} is transparent all over; wanted something to see")
        visible = np.asarray(picture.alpha.crop(box), np.float32) / 255
        return Style(np.asarray(picture.rgb.crop(box)), visible, picture.name)

    def __call__(
        self,
        photo: PictureSource,
        style: Style | PictureSource | Sequence[Style | PictureSource],
        *,
        size: int | str | None = SIZE,
        strength: float = 1.0,
        style_scale: float | Sequence[float] = 1.0,
        shares: Sequence[float] | None = None,
        seed: int = 0,
    ) -> Image.Image:
        """A photograph, painted.

        Args:
            photo: a file, a PIL picture or an array.
            style: as from `style`, or a painting; or several, which are blended.
            size: pixels of the longer side; "original" or None: those of the photograph.
            strength: 0, the photograph, to 1, the painting's style.
            style_scale: stroke size: the painting's shorter side over the result's; one for all, or one each.
            shares: how much each of several styles counts (default: all alike).
            seed: of the brush.

        Returns:
            RGB; with the photograph's opacity, if it has any.

        Raises:
            ImageError: if a picture cannot be read, is too small, or nothing of it can be seen.
            SettingsError: if a number is out of range.
        """
        picture = files.load(photo, "content")
        picture = _at_size(replace(picture, rgb=opaque(picture)), size)
        several: Any = style if isinstance(style, list | tuple) else [style]
        styles = [one if isinstance(one, Style) else self.style(one) for one in several]
        pixels = self.paint(
            np.asarray(picture.rgb), styles, strength=strength, style_scale=style_scale, shares=shares, seed=seed
        )
        result = Image.fromarray(pixels)
        if picture.alpha is not None:
            result.putalpha(picture.alpha)
        return result

    def paint(self, photograph: np.ndarray, styles: Sequence[Style], *, bits: int | None = 8, **how: Any) -> np.ndarray:
        """The same for an array, at its own size.

        Args:
            photograph: (H, W, 3), uint8 or floats in [0, 1].
            styles: as from `style`.
            bits: 8 or 16 for integers of so many; None for floats in [0, 1].
            how: as of `pieces`.
        """
        result = np.empty(photograph.shape, {8: np.uint8, 16: np.uint16, None: np.float32}[bits])
        for _, place, pixels in self.pieces(photograph, styles, **how):
            if pixels is not None:
                result[place] = levels(pixels, bits)
        return result

    def pieces(
        self,
        photograph: np.ndarray,
        styles: Sequence[Style],
        *,
        strength: float = 1.0,
        style_scale: float | Sequence[float] = 1.0,
        shares: Sequence[float] | None = None,
        counts: np.ndarray | None = None,
        seed: int = 0,
    ) -> Iterator[tuple[float, Place, np.ndarray | None]]:
        """The same piece by piece.

        Args:
            photograph: (H, W, 3), uint8 or floats in [0, 1].
            styles: as from `style`.
            strength: as of `__call__`, and so on.
            style_scale: likewise.
            shares: likewise.
            counts: (H, W) in [0, 1], how much each pixel counts of what the photograph is like; None for all alike.
            seed: likewise.

        Yields:
            The part of the work that is done, 0 to 1; the rows and columns of a piece; and its pixels, (h, w, 3) in
            float32, somewhat beyond [0, 1] here and there. The last is None while a smaller picture is painted, over
            which the large one is.

        Raises:
            ImageError: if a picture is too small.
            SettingsError: if a number is out of range.
        """
        height, width = photograph.shape[:2]
        _check(strength, (width, height), styles)
        parts = _each(1.0 if shares is None else shares, len(styles), "shares")
        scales = _each(style_scale, len(styles), "style-scale")
        painting = Painting(styles, [part / sum(parts) for part in parts], scales, strength)
        return painted_like(self.networks, photograph, painting, seed, counts)


def chosen(runtime: str = "auto") -> Networks:
    """Those of onnxruntime, or, where that cannot be imported, of PyTorch.

    Args:
        runtime: "auto", "onnxruntime" or "torch".

    Raises:
        SettingsError: if it is none of them.
    """
    if runtime not in ("auto", "onnxruntime", "torch"):
        raise SettingsError(f"runtime: got {runtime!r}, wanted auto, onnxruntime or torch")
    if runtime != "torch":
        try:
            from scumble.style.feedforward.onnx_networks import OnnxNetworks

            return OnnxNetworks()
        except ImportError:
            if runtime != "auto":
                raise
    from scumble.style.feedforward.torch_networks import TorchNetworks

    return TorchNetworks()


def levels(pixels: np.ndarray, bits: int | None) -> np.ndarray:
    """Values in [0, 1] as integers of so many bits, rounded; None: as they are, within [0, 1]."""
    held = pixels.clip(0, 1)
    return held if bits is None else (held * (2**bits - 1) + 0.5).astype(np.uint8 if bits == 8 else np.uint16)


def opaque(picture: Picture) -> Image.Image:
    """A picture's colours, with the mean of what can be seen where it is transparent.

    Raises:
        ImageError: if nothing of it can be seen.
    """
    if picture.alpha is None:
        return picture.rgb
    if picture.alpha.getbbox() is None:
        raise ImageError(f"{picture.name} is transparent all over; wanted something to see")
    seen = Image.fromarray(np.asarray(picture.alpha) > 0)
    mean = ImageStat.Stat(picture.rgb, seen.convert("L")).mean
    return Image.composite(picture.rgb, Image.new("RGB", picture.size, tuple(map(round, mean))), picture.alpha)


def _at_size(picture: Picture, size: int | str | None) -> Picture:
    """With that longer side."""
    if size in (None, "original"):
        return picture
    if not isinstance(size, int) or size < 1:
        raise SettingsError(f"size: got {size!r}, wanted a number of pixels, or original")
    times = size / max(picture.size)
    new = max(1, round(picture.size[0] * times)), max(1, round(picture.size[1] * times))
    if new == picture.size:
        return picture
    rgb, alpha = (
        None if band is None else band.resize(new, Image.Resampling.BICUBIC) for band in (picture.rgb, picture.alpha)
    )
    assert rgb is not None
    return replace(picture, rgb=rgb, alpha=alpha)


def _check(strength: float, size: tuple[int, int], styles: Sequence[Style]) -> None:
    if not 0 <= strength <= 1:
        raise SettingsError(f"strength: got {strength}, wanted 0 to 1")
    if not styles:
        raise SettingsError("style: got none, wanted a painting")
    for name, (width, height) in (("the photograph", size), *((s.name, s.pixels.shape[1::-1]) for s in styles)):
        if min(width, height) < LEAST:
            raise ImageError(f"{name} is {width}x{height} pixels; wanted at least {LEAST}x{LEAST}")


def _each(values: float | Sequence[float], count: int, name: str) -> list[float]:
    """One for each style."""
    found = [float(values)] * count if isinstance(values, int | float) else [float(value) for value in values]
    if len(found) == 1:
        found *= count
    if len(found) != count or not all(0 < value < math.inf for value in found):
        raise SettingsError(f"{name}: got {values}, wanted {count} numbers above 0")
    return found
