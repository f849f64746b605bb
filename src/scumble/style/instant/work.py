"""The pictures of a job in one pass: as they are read, at which size, in which regions, and what is made of them."""

import functools
from collections.abc import Generator, Iterator
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from PIL import Image

from scumble.errors import ImageError
from scumble.events import Event, Noted, Warned
from scumble.image.decode import MAX_PIXELS
from scumble.image.files import Picture
from scumble.image.sizes import fit_longer_side, fit_shorter_side
from scumble.style.feedforward.moments import Known
from scumble.style.feedforward.styles import LEAST, Style, resized
from scumble.style.feedforward.stylizer import Stylizer, levels, opaque
from scumble.style.files import pictures
from scumble.style.instant import colours
from scumble.style.preparation.sources import Sources

if TYPE_CHECKING:
    from scumble.image.paper import Sheet

HELD = 256
"""So many paintings at once whose statistics are kept for the next photograph, a quarter of a megabyte each."""


class Part(NamedTuple):
    """A region: the share of each style, what is taken of it (H', W'), and where it is painted (H, W).

    None is all of it.
    """

    shares: tuple[float, ...]
    style_masks: tuple[np.ndarray | None, ...]
    mask: np.ndarray | None


class Work:
    """The pictures of a job, read, and what is to be made of them.

    Args:
        sources: where they are.
        values: the settings by name, as of `scumble.style.presets.ONE_PASS`.

    Raises:
        ImageError: if a picture cannot be read or is too small or too large, or a mask does not fit.
        SettingsError: if numbers of styles, masks and shares do not match.
    """

    def __init__(self, sources: Sources, values: dict[str, Any]):
        self.values = values
        self.shares, self.scales = _of_styles(sources, values)
        longest = None if values["size"] == "original" else self._longer((1, 1 << 16))
        self.pictures = pictures.read(sources.by_role(), longest, self.scales, values["max_memory"])
        keep = bool(sources.style_maps) or values["borders"] == "keep"
        self.cropped = [] if sources.style_maps else pictures.crop(self.pictures, keep)
        self.content, self.styles = self.pictures["content"], pictures.all_of(self.pictures, "style")
        self.size = fit_longer_side(self.content.size, self._longer(self.content.size))
        self._check_sizes()
        self.grey = pictures.are_grey(self.content, self.styles, values["colour"])
        self.told: list[str] = []  # of masks
        self.parts = self._parts()

    def remarks(self) -> Iterator[Event]:
        """How the pictures were understood, where that is not plain."""
        yield from pictures.remarks(self.pictures, self.cropped)
        yield from map(Warned, dict.fromkeys(self.told))
        yield from pictures.remarks_on_size(self.content, self.size, _sheet(self.values["size"]), self.values["dpi"])
        if not self.values["strength"]:
            yield Noted("nothing of the painting is asked for: the result is the photograph as it is")

    def resolution(self) -> int | None:
        """Pixels to an inch; None where neither they nor paper are given."""
        sheet, dpi = _sheet(self.values["size"]), self.values["dpi"]
        return dpi if sheet is None or dpi is not None else _paper_dpi()

    def painted(self, stylizer: Stylizer, size: tuple[int, int] | None = None) -> Generator[float, None, np.ndarray]:
        """Paint, and tell the part of the work that is done, 0 to 1.

        Args:
            stylizer: that paints.
            size: another (width, height) than the result's, for a trial.

        Returns:
            (H, W, 3), or (H, W, 4) where the photograph has an opacity; uint8 or uint16.
        """
        size, bits = size or self.size, self.values["bits"]
        photograph = np.asarray(opaque(self.content).resize(size, Image.Resampling.BICUBIC))
        if self.values["strength"]:
            pixels = yield from self._in_numbers(stylizer, photograph)
        else:
            pixels = _deeper(photograph, bits)
        if self.content.alpha is None:
            return pixels
        alpha = np.asarray(self.content.alpha.resize(size, Image.Resampling.BICUBIC))
        return np.dstack([pixels, _deeper(alpha, bits)])

    def has_canvas(self) -> bool:
        """Whether the picture is there as a whole in floats, before it has its final colours."""
        return self.parts[0].mask is not None or self.values["colour"] == "content" or self.grey

    def _in_numbers(self, stylizer: Stylizer, photograph: np.ndarray) -> Generator[float, None, np.ndarray]:
        """The photograph, (H, W, 3), painted, in its final colours and bits."""
        colour, bits = self.values["colour"], self.values["bits"]
        if not self.has_canvas():
            result = np.empty(photograph.shape, np.uint8 if bits == 8 else np.uint16)
            for done, place, pixels in self._pieces(stylizer, photograph, photograph, self.parts[0], None):
                if pixels is not None:
                    result[place] = levels(pixels, bits)
                yield done
            return result
        seen = _grey(photograph) if colour == "content" else photograph
        canvas = yield from self._canvas(stylizer, seen, photograph)
        return colours.finished(canvas, photograph, colour, self.grey, bits)

    def _canvas(
        self, stylizer: Stylizer, seen: np.ndarray, photograph: np.ndarray
    ) -> Generator[float, None, np.ndarray]:
        """What is seen of the photograph, painted region by region: (H, W, 3) in float32."""
        size = photograph.shape[1], photograph.shape[0]
        whole = np.ones(photograph.shape[:2], np.float32)
        masks = [whole if part.mask is None else resized(part.mask, size) for part in self.parts]
        covered = sum(masks, np.zeros_like(whole))
        canvas = _floats(seen) * (1 - covered).clip(0)[..., None]
        for number, (part, mask) in enumerate(zip(self.parts, masks, strict=True)):
            inside = (mask / covered.clip(1))[..., None]
            for done, place, pixels in self._pieces(stylizer, seen, photograph, part, mask):
                if pixels is not None:
                    canvas[place] += inside[place] * pixels.clip(0, 1)
                yield (number + done) / len(masks)
        return canvas

    def _pieces(
        self, stylizer: Stylizer, seen: np.ndarray, photograph: np.ndarray, part: Part, mask: np.ndarray | None
    ) -> Iterator[tuple[float, tuple[slice, slice], np.ndarray | None]]:
        """What is seen of the photograph, painted as a region is; see `Stylizer.pieces`."""
        each = zip(self.styles, self.scales, part.shares, part.style_masks, strict=True)
        chosen = [
            (self._style(style, scale, photograph, inside), scale, share)
            for style, scale, share, inside in each
            if share
        ]
        styles, scales, shares = zip(*chosen, strict=True)
        how = {"strength": self.values["strength"], "seed": self.values["seed"], "counts": mask}
        return stylizer.pieces(seen, styles, style_scale=scales, shares=shares, **how)

    def _style(self, style: Picture, scale: float, photograph: np.ndarray, inside: np.ndarray | None) -> Style:
        """A painting, or what is inside of a mask (H, W) of it, in the colours that the mode asks for."""
        pixels, visible, colour = np.asarray(style.rgb), inside, self.values["colour"]
        if style.alpha is not None:
            opacity = np.asarray(style.alpha, np.float32) / 255
            visible = opacity if inside is None else inside * opacity
        if colour == "style":
            result = Style(pixels, visible, style.name)
            if inside is None:
                result.known = _known(style.sha256, style.name, style.size)
            return result
        size = fit_shorter_side(style.size, min(min(photograph.shape[:2]) * scale, min(style.size)))
        visible = None if visible is None else resized(visible, size)
        change = colours.grey_like if colour == "content" else colours.matched
        return Style(change(_floats(resized(pixels, size)), _floats(photograph), visible), visible, style.name)

    def _longer(self, shape: tuple[int, int]) -> int:
        """The result's longer side in pixels, of a photograph of such a (width, height)."""
        size = self.values["size"]
        if size == "original":
            return max(shape)
        sheet = _sheet(size)
        return size if sheet is None else sheet.longer_side(shape, self.values["dpi"] or _paper_dpi())

    def _check_sizes(self) -> None:
        for picture in (self.content, *self.styles):
            if min(picture.size) < LEAST:
                times = "x".join(map(str, picture.size))
                raise ImageError(f"{picture.name} is {times} pixels; wanted {LEAST}x{LEAST}", "use a larger picture")
        width, height = self.size
        worked = f"{self.content.name} is {'x'.join(map(str, self.content.size))} pixels, worked at as {width}x{height}"
        if width * height > MAX_PIXELS:
            raise ImageError(f"{worked}: more than {MAX_PIXELS // 1_000_000} million", "use a smaller --size")
        if min(width, height) < LEAST:
            raise ImageError(f"{worked}; wanted {LEAST}x{LEAST}", "use a larger --size")

    def _parts(self) -> list[Part]:
        """The regions that masks and maps make, which are read by PyTorch, or everything."""
        if not {"mask", "content-map", "protect"} & self.pictures.keys():
            return [Part(self.shares, (None,) * len(self.styles), None)]
        from scumble.style.preparation import regions, visible

        seen = [visible.opacity(style) for style in self.styles]
        found = regions.of_pictures(self.pictures, self.styles, seen, self.shares)
        self.told += [remark for region in found for remark in region.remarks]
        return [
            Part(region.shares, tuple(map(_plane, region.style_masks or (None,) * len(seen))), _plane(region.mask))
            for region in found
        ]


def _of_styles(sources: Sources, values: dict[str, Any]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The shares and the scales of the styles."""
    shares = values["shares"] and tuple(values["shares"])
    given: Any = SimpleNamespace(shares=shares, style_scale=tuple(values["style_scale"]))
    return sources.shares(given), sources.style_scales(given)


def _sheet(size: int | str) -> "Sheet | None":
    """The paper that a size means, if it does."""
    if isinstance(size, int) or size == "original":
        return None
    from scumble.image import paper

    return paper.sheet(size)


def _paper_dpi() -> int:
    from scumble.image import paper

    return paper.DPI


def _plane(mask: Any) -> np.ndarray | None:
    """A mask (1, 1, H, W) of PyTorch's as (H, W)."""
    return None if mask is None else mask[0, 0].numpy()


def _grey(photograph: np.ndarray) -> np.ndarray:
    """(H, W, 3) in uint8, without its chroma."""
    return np.repeat(np.asarray(Image.fromarray(photograph).convert("L"))[..., None], 3, axis=2)


def _floats(pixels: np.ndarray) -> np.ndarray:
    return pixels.astype(np.float32) / 255


def _deeper(pixels: np.ndarray, bits: int) -> np.ndarray:
    """8 bits as so many."""
    return pixels if bits == 8 else pixels.astype(np.uint16) * 257


@functools.lru_cache(HELD)
def _known(sha256: str, name: str, size: tuple[int, int]) -> dict[tuple[int, int], Known]:
    """What is known of a painting, by the sizes that it was looked at: filled by whoever looks.

    The pictures of one file have its digest in common, and are told apart by their names: `scan.tif[2]`.
    """
    return {}
