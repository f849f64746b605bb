"""How much memory decoding may take: large pictures are decoded at a smaller scale, or refused before they are."""

from dataclasses import dataclass

from PIL import Image

from scumble.errors import ImageError

LARGE_PIXELS = 50_000_000
"""Pictures of more are brought nearer to the wanted size as they are decoded; those below only if they must."""

DECODED_BYTES = 8
"""Of a pixel: as it is decoded, and once more as it is turned or converted."""
SAVED_FOR_LATER_BYTES = 6
"""Of a pixel of a progressive JPEG, on top: its coefficients wait for the last scan."""
WORKED_BYTES = 32
"""Of a pixel, when it has become three floats, and while it does."""

GIB = 1 << 30
REDUCIBLE = ("L", "LA", "RGB", "RGBA", "CMYK", "YCbCr")


@dataclass(frozen=True)
class Room:
    """What decoding may take, and what of a picture is of use.

    Attributes:
        memory_bytes: all that may be taken on top of what is; None for no limit of ours.
        side: pixels of the shorter side that are wanted in the end; None for all there are.
    """

    memory_bytes: float | None = None
    side: int | None = None

    def fit(self, image: Image.Image, name: str, file_bytes: int) -> None:
        """Let an opened picture be decoded at a smaller scale, if it is too large and its format can.

        Raises:
            ImageError: if there is still too little memory for it.
        """
        width, height = image.size
        factor = self._factor(image.size)
        if factor > 1 and image.format in ("JPEG", "MPO"):
            image.draft(None, (width // factor, height // factor))
        if self.memory_bytes is None:
            return
        waiting = SAVED_FOR_LATER_BYTES * width * height if image.info.get("progressive") else 0
        needed = image.width * image.height * DECODED_BYTES + waiting + file_bytes
        if needed > self.memory_bytes:
            raise ImageError(
                f"{name} has {width}x{height} pixels, which take {needed / GIB:.2f} GiB to decode; "
                f"{max(0.0, self.memory_bytes) / GIB:.2f} GiB are left of what may be taken",
                "use a smaller picture, or raise --max-memory",
            )

    def reduced(self, image: Image.Image) -> Image.Image:
        """A decoded picture, averaged over squares of pixels if it is larger than is of use."""
        factor = self._factor(image.size)
        return image.reduce(factor) if factor > 1 and image.mode in REDUCIBLE else image

    def _factor(self, size: tuple[int, int]) -> int:
        """By which a picture of `size` may shrink, if it must."""
        pixels = size[0] * size[1]
        must = pixels > LARGE_PIXELS or pixels * WORKED_BYTES > (self.memory_bytes or float("inf"))
        return max(1, min(size) // self.side) if must and self.side else 1
