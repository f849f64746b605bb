"""What a painting is made from: the pictures that are read, the sizes they are worked at, the regions they make."""

import functools
import math
from collections.abc import Iterator
from pathlib import Path

import torch

from scumble.errors import ImageError
from scumble.image.decode import MAX_PIXELS
from scumble.image.files import Picture
from scumble.image.sizes import fit_longer_side, fit_shorter_side
from scumble.image.tensors import (
    alpha_tensor,
    cover,
    nearer,
    resize,
    to_tensor,
    visible_colours,
)
from scumble.perceptual.layers import check_layers, down_to, min_side
from scumble.style.feedforward.styles import LEAST
from scumble.style.files import pictures
from scumble.style.preparation import colour, masks, regions, visible
from scumble.style.preparation.palette import in_palette
from scumble.style.preparation.sources import Sources
from scumble.style.settings import PaintSettings, StyleSettings, TextureSettings
from scumble.style.stages import PAINTED_SIDE

SMALLEST_SCALE, SMALLEST_PAINTED = 128, 256
"""The longer side at which painting begins when all scales are gone through, and where it begins with a painting: that
of the network for one pass has found its forms already."""

NOISE_DEVIATION = 0.25
"""Of the noise to start from, around mid grey: about the spread of a photograph's own values."""


class Inputs:
    """The decoded pictures of a job, and everything about them that depends on the settings but not on the network.

    Raises:
        ImageError: if a picture cannot be read, is too small, a mask has another shape or no region, or nothing can be
            seen of a painting.
        SettingsError: if numbers of styles, masks and weights do not match.
    """

    def __init__(self, sources: Sources, settings: PaintSettings):
        sources.check(settings)
        check_layers(settings.layers())
        self.settings = settings
        self.shares = sources.shares(settings)
        self.style_scales = sources.style_scales(settings)
        # A texture has neither of these to choose.
        painted = isinstance(settings, StyleSettings)
        self.colour, self.init = (settings.colour, settings.init) if painted else ("style", "noise")
        self.strength, self.palette = (settings.strength, settings.palette) if painted else (1.0, "whole")
        given = sources.by_role()
        if isinstance(self.init, Path):
            given["init"] = self.init
        longest = None if settings.size == "original" else settings.longer_side((1, 1 << 16))
        self.pictures = pictures.read(given, longest, self.style_scales, settings.max_memory)
        keep = bool(sources.style_maps) or settings.borders == "keep"
        self.cropped = [] if sources.style_maps else pictures.crop(self.pictures, keep)
        self.content = self.pictures.get("content")
        self.styles = pictures.all_of(self.pictures, "style")
        self.visible = [visible.opacity(style) for style in self.styles]
        self.grey = pictures.are_grey(self.content, self.styles, self.colour)
        self.ladder = list(self._ladder())

    def size(self) -> tuple[int, int]:
        """(width, height) of the result."""
        return self.ladder[-1]

    def alpha(self) -> torch.Tensor | None:
        """The result's opacity, if the content has any."""
        alpha = None if self.content is None else alpha_tensor(self.content)
        return None if alpha is None else resize(alpha, self.size())

    @functools.cached_property
    def regions(self) -> list[masks.Region]:
        """Which part of the canvas takes its style from where, with masks at the resolution they came in.

        Raises:
            ImageError: if a mask does not fit or leaves nothing, or nothing is visible of what a region takes its style
                from.
        """
        return regions.of_pictures(self.pictures, self.styles, self.visible, self.shares)

    def pixels(self, size: tuple[int, int], device: torch.device) -> tuple[torch.Tensor | None, list[torch.Tensor]]:
        """The content at a size of the canvas, and the styles that go with it, in the colours to be compared."""
        content, styles = self._near
        content = None if content is None else resize(to_tensor(content), size).to(device)
        sizes = self.style_sizes(size)
        styles = [visible.pixels(s, shape).to(device) for s, shape in zip(styles, sizes, strict=True)]
        seen = self._visible_in(styles)
        if content is not None and self.colour == "content":
            styles = [colour.grey_like(style, content, of) for style, of in zip(styles, seen, strict=True)]
            content = colour.grey(content)
        elif content is not None and self.colour == "match":
            styles = [colour.match_colours(style, content, of) for style, of in zip(styles, seen, strict=True)]
        return content, styles

    @functools.cached_property
    def _near(self) -> tuple[Picture | None, list[Picture]]:
        """The content and the styles as they are worked at: one scale after another is made of them."""
        sizes = self.style_sizes(self.size())
        content = None if self.content is None else nearer(self.content, self.size())
        return content, [nearer(style, size) for style, size in zip(self.styles, sizes, strict=True)]

    def style_sizes(self, canvas: tuple[int, int]) -> list[tuple[int, int]]:
        """(width, height) at which each style goes with a canvas."""
        scaled = zip(self.styles, self.style_scales, strict=True)
        return [fit_shorter_side(style.size, min(canvas) * scale) for style, scale in scaled]

    def finish(self, picture: torch.Tensor) -> torch.Tensor:
        """A canvas as the result: at its full size, in its final colours, and where nothing paints, the photograph."""
        picture = resize(picture, self.size())
        if self.grey:
            picture = colour.grey(picture)
        if self.content is None:
            return picture
        if self.colour == "content":
            picture = colour.with_chroma(picture, resize(to_tensor(self.content), self.size()).to(picture))
        if self.settings.paints() and not {"mask", "protect"} & self.pictures.keys():
            return picture
        inside = masks.covered(self.regions, self.size()) if self.settings.paints() else picture.new_zeros(1, 1, 1, 1)
        photograph = visible_colours(self.content, self.size()).to(picture)
        return torch.lerp(photograph, picture, inside.to(picture))

    def start(self, content: torch.Tensor | None, styles: list[torch.Tensor], device: torch.device) -> torch.Tensor:
        """The first canvas; noise is drawn on the CPU, so that it is the same everywhere."""
        width, height = self.ladder[0]
        if content is not None and (self.init == "content" or not self.settings.paints()):
            return content.clone()
        if self.init in ("instant", "matched") and content is not None:
            is_large = min(min(picture.shape[2:]) for picture in (content, *styles)) >= LEAST
            start = self.in_one_pass if self.init == "instant" and is_large else self.matched
            return start(content, styles)
        if self.init == "noise":
            generator = torch.Generator().manual_seed(self.settings.seed)
            noise = torch.randn((1, 3, height, width), generator=generator)
            return noise.mul_(NOISE_DEVIATION).add_(0.5).to(device)
        if self.init == "style":
            return cover(styles[0], (width, height))
        return cover(to_tensor(self.pictures["init"]), (width, height)).to(device)

    def in_one_pass(self, content: torch.Tensor, styles: list[torch.Tensor]) -> torch.Tensor:
        """The content as the preset `instant` paints it, each region in its own styles."""
        from scumble.style.instant.canvas import painted

        visible = self._visible_in(styles)
        return painted(content, styles, visible, self.regions, self.strength, self.settings.seed)

    def matched(self, content: torch.Tensor, styles: list[torch.Tensor]) -> torch.Tensor:
        """The content in the styles' colours, each region in its own, and as far as the strength says."""
        match = in_palette if self.palette == "fitted" else colour.match_colours
        seen = zip(styles, self._visible_in(styles), strict=True)
        matched = [match(content, style, visible_of_model=of) for style, of in seen]
        canvas = content
        for region in self.regions:
            wanted = sum(share * picture for share, picture in zip(region.shares, matched, strict=True))
            size = (content.shape[3], content.shape[2])
            inside = 1.0 if region.mask is None else resize(region.mask, size).clamp(0, 1).to(content)
            canvas = canvas + inside * self.strength * (wanted - canvas)
        return canvas.contiguous()

    def _visible_in(self, styles: list[torch.Tensor]) -> list[torch.Tensor | None]:
        """How much of each pixel of the styles, as they are worked at, can be seen."""
        return [
            None if seen is None else masks.resized(seen, (style.shape[3], style.shape[2])).to(style)
            for seen, style in zip(self.visible, styles, strict=True)
        ]

    def _shape(self) -> tuple[int, int]:
        """(width, height), of which only the ratio counts, finely enough for any size."""
        if self.content is not None:
            return self.content.size
        assert isinstance(self.settings, TextureSettings)
        return round(self.settings.shape() * 2**20), 2**20

    def _ladder(self) -> Iterator[tuple[int, int]]:
        """Sizes of the canvas, from the smallest that leaves something of the deepest layer to the result's."""
        final, scales = self._final(), self.settings.scales
        longer = min(max(final), PAINTED_SIDE) if self.settings.enlarge else max(final)
        if scales == "auto":
            smallest = SMALLEST_PAINTED if self.init == "instant" else SMALLEST_SCALE
            scales = 1 + max(0, math.floor(2 * math.log2(longer / smallest) + 0.01))
        least, _ = self._least()
        last = None
        self._check_sizes(final, *self.style_sizes(final))
        for below in reversed(range(scales)):
            size = fit_longer_side(self._shape(), max(1, round(longer / 2 ** (below / 2))))
            if min(map(min, (size, *self.style_sizes(size)))) >= least and size not in (last, final):
                yield size
                last = size
        yield final

    def _final(self) -> tuple[int, int]:
        return fit_longer_side(self._shape(), self._longer())

    def _longer(self) -> int:
        """The result's longer side, in pixels."""
        own = self.styles[0].size if self.content is None else self.content.size
        return max(own) if self.settings.size == "original" else self.settings.longer_side(self._shape())

    def _least(self) -> tuple[int, str]:
        """The pixels that the deepest layer needs, and its name."""
        layers = self.settings.layers()
        return min_side(layers), max(layers, key=lambda name: len(down_to([name])))

    def _check_sizes(self, canvas: tuple[int, int], *styles: tuple[int, int]) -> None:
        """No picture may vanish in the network's poolings, or be larger than anything that can be worked at."""
        least, deepest = self._least()
        pictures = [] if self.content is None else [(self.content, canvas)]
        for picture, (width, height) in (*pictures, *zip(self.styles, styles, strict=True)):
            if min(picture.size) < least:
                raise ImageError(
                    f"{picture.name} is {_times(picture.size)} pixels; {deepest} needs {least}x{least}",
                    "use a larger picture or fewer layers",
                )
            worked = f"{picture.name} is {_times(picture.size)} pixels, worked at as {width}x{height}"
            if width * height > MAX_PIXELS:
                too_many = f"more than {MAX_PIXELS // 1_000_000} million"
                raise ImageError(f"{worked}: {too_many}", "use a smaller --size or --style-scale")
            if min(width, height) < least:
                hint = "use a larger --size or fewer layers"
                raise ImageError(f"{worked}; {deepest} needs {least}x{least}", hint)
        if canvas[0] * canvas[1] > MAX_PIXELS or min(canvas) < least:
            wanted = f"at least {least}x{least} for {deepest} and at most {MAX_PIXELS // 1_000_000} million"
            raise ImageError(f"the texture would be {_times(canvas)} pixels; wanted {wanted}", "use another --size")


def _times(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"
