"""What pictures shall become before anything learns from them; nothing heavy is imported here."""

from typing import Literal, NamedTuple

from scumble.errors import SettingsError

Size = tuple[int, int]
"""(width, height) in pixels."""
Range = tuple[float, float]
"""The values that become black and white."""
Fit = Literal["crop", "pad", "stretch"]
"""How a picture of another shape is brought to the shape wanted: its middle; all of it within margins; out of shape."""

MIN_SIDE = 16
MAX_CHANNELS = 64


class Form(NamedTuple):
    """What pictures shall become; None where it is to be found.

    Attributes:
        size: (width, height) in pixels; None for the median's, within the limits of `measuring.automatic_size`.
        channels: 1 grey, 3 colour, 2 and 4 these with opacity, or as many bands as files have; None for as many as
            there are: 1 if R = G = B in all pictures, else 3, or what they have beyond that.
        fit: how a picture of another shape is brought to that of `size`.
        value_range: the values that become black and white; None for those that their type stands for or, where that
            would be nearly black, those found in the set.
        bits: 8, or 16 where some pictures have values that bytes cannot hold.
    """

    size: Size | None = None
    channels: int | None = None
    fit: Fit = "crop"
    value_range: Range | None = None
    bits: Literal[8, 16] = 8

    def check(self) -> None:
        """Raises SettingsError if something is out of range."""
        if self.size is not None and min(self.size) < MIN_SIDE:
            raise SettingsError(f"size {times(self.size)} is too small; wanted at least {MIN_SIDE} pixels on each side")
        if self.channels is not None and not 1 <= self.channels <= MAX_CHANNELS:
            wanted = f"1 for grey, 3 for colour, or up to {MAX_CHANNELS}"
            raise SettingsError(f"channels is {self.channels}; wanted {wanted}")
        if self.value_range is not None and not self.value_range[0] < self.value_range[1]:
            low, high = self.value_range
            raise SettingsError(f"value-range is {low:g},{high:g}; wanted the lower value first")


def times(size: Size) -> str:
    """(width, height) as people write it: "64x48"."""
    return f"{size[0]}x{size[1]}"
