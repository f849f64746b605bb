"""Painting at once: one painting's style, kept, for as many photographs as one likes, without importing PyTorch."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from PIL import Image

from scumble.errors import ImageError, SettingsError
from scumble.image import borders, files
from scumble.image.files import Picture, PictureSource
from scumble.style.feedforward import painter, weights
from scumble.style.feedforward.moments import Known, blended
from scumble.style.feedforward.networks import Networks

SIZE = 512
"""Pixels of a result's longer side, unless told otherwise."""

LEAST = 16
"""Pixels of the sides of what can be painted, and of a painting."""


class Style:
    """A painting, and what was found out about it at the sizes at which it was looked at.

    Args:
        pixels: (H, W, 3), uint8 or floats in [0, 1].
        visible: (H, W) in [0, 1], how much of each pixel can be seen; None for all of it.
        name: for messages.
    """

    def __init__(self, pixels: np.ndarray, visible: np.ndarray | None = None, name: str = "style"):
        self.pixels, self.visible, self.name = pixels, visible, name
        self.known: dict[tuple[int, int], Known] = {}

    def at(self, shorter: float, looking: Networks) -> Known:
        """What is known of the painting at a size of so many pixels of its shorter side."""
        height, width = self.pixels.shape[:2]
        times = shorter / min(height, width)
        size = max(LEAST, round(width * times)), max(LEAST, round(height * times))
        if size not in self.known:
            visible = None if self.visible is None else resized(self.visible, size)
            self.known[size], _ = painter.known(looking, resized(self.pixels, size), visible)
        return self.known[size]


class Region(NamedTuple):
    """A part of a photograph, and what paints it.

    Attributes:
        styles: blended.
        shares: how much each of them counts; only ratios matter.
        scales: of each, its shorter side over the result's: the size of strokes.
        mask: (H, W) in [0, 1], of the photograph's shape; None for all of it. Where no region is, nothing paints.
    """

    styles: Sequence[Style]
    shares: Sequence[float]
    scales: Sequence[float]
    mask: np.ndarray | None = None


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
        style: Style | PictureSource | Sequence[Style],
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
            style: as from `style`, or several, which are blended; or a painting.
            size: pixels of the longer side; "original" or None: those of the photograph.
            strength: 0, the photograph, to 1, the painting's style.
            style_scale: stroke size: the painting's shorter side over the result's; one for all, or one each.
            shares: how much each of several styles counts (default: all alike).
            seed: of the brush.

        Returns:
            RGB; with the photograph's opacity, if it has any.

        Raises:
            ImageError: if a picture cannot be read or is too small.
            SettingsError: if a number is out of range.
        """
        picture = _at_size(files.load(photo, "content"), size)
        if isinstance(style, Style) or not isinstance(style, Sequence) or isinstance(style, str):
            style = [style if isinstance(style, Style) else self.style(style)]
        count = len(style)
        parts = _each(1.0 if shares is None else shares, count, "shares")
        region = Region(style, parts, _each(style_scale, count, "style-scale"))
        result = Image.fromarray(self.paint(np.asarray(picture.rgb), [region], strength=strength, seed=seed))
        if picture.alpha is not None:
            result.putalpha(picture.alpha)
        return result

    def paint(
        self,
        photograph: np.ndarray,
        regions: Sequence[Region],
        *,
        strength: float = 1.0,
        seed: int = 0,
        bits: int | None = 8,
    ) -> np.ndarray:
        """A photograph as an array, painted at its own size.

        Args:
            photograph: (H, W, 3), uint8 or floats in [0, 1].
            regions: what paints which part of it.
            strength: 0, the photograph, to 1, the paintings' styles.
            seed: of the brush.
            bits: 8 or 16 for integers of so many; None for float32.

        Returns:
            (H, W, 3), floats in [0, 1].

        Raises:
            ImageError: if a picture is too small.
            SettingsError: if there is no style, or the strength is out of range.
        """
        height, width = photograph.shape[:2]
        for region in regions:
            _check(strength, (width, height), region.styles)
        result = np.empty((height, width, 3), {8: np.uint8, 16: np.uint16, None: np.float32}[bits])
        pieces = [self._painted(photograph, region, strength, seed) for region in regions]
        for painted in zip(*pieces, strict=True):
            piece, _ = painted[0]
            if len(regions) == 1 and regions[0].mask is None:
                picture = painted[0][1]
            else:
                masks = [1.0 if region.mask is None else region.mask[piece][:, :, None] for region in regions]
                picture = painter.floats(photograph[piece]) * (1 - np.minimum(1.0, sum(masks)))
                picture = picture + sum(mask * pixels for mask, (_, pixels) in zip(masks, painted, strict=True))
            result[piece] = levels(picture, bits)
        return result

    def _painted(
        self, photograph: np.ndarray, region: Region, strength: float, seed: int
    ) -> Iterator[tuple[painter.Piece, np.ndarray]]:
        """The pieces of a photograph, painted as one of its regions is."""
        shorter = min(photograph.shape[:2])
        scaled = zip(region.styles, region.scales, strict=True)
        seen = [style.at(shorter * scale, self.networks) for style, scale in scaled]
        painting = blended(seen, [share / sum(region.shares) for share in region.shares])
        here, features = painter.known(self.networks, photograph, region.mask)
        way = painter.between(here, painting, strength)
        numbers = weights.decoder(painting.code(), strength)
        whole = features if max(photograph.shape[:2]) <= painter.TILE else None
        yield from painter.painted(self.networks, photograph, way, numbers, seed, whole)


def chosen(runtime: str = "auto") -> Networks:
    """Those of onnxruntime, or, where that cannot be imported, of PyTorch.

    Args:
        runtime: "auto", "onnxruntime" or "torch".
    """
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


def resized(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(H, W, 3) or (H, W) at (width, height), in the same numbers."""
    if (pixels.shape[1], pixels.shape[0]) == size:
        return pixels
    if pixels.dtype == np.uint8:
        return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))
    bands = np.atleast_3d(pixels).astype(np.float32).transpose(2, 0, 1)
    made = [np.asarray(Image.fromarray(band).resize(size, Image.Resampling.BICUBIC)) for band in bands]
    return np.stack(made, axis=2).clip(0, 1).reshape(size[1], size[0], *pixels.shape[2:])


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
    if len(found) != count or not all(value > 0 for value in found):
        raise SettingsError(f"{name}: got {values}, wanted {count} numbers above 0")
    return found
