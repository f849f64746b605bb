"""Sheets of paper, and how many pixels a picture on one of them has.

A picture is printed whole, as large as it fits on the sheet, which is turned the picture's way; what is left of the
sheet stays white. Frames go by the sheet's name, and nobody likes heads cut off: who wants it filled crops beforehand.
"""

import re
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, Field

DPI = 300
"""Pixels to an inch, where paper is given and they are not: what print shops ask for."""

NUMBER = r"\d{1,4}(?:\.\d{1,3})?"
PATTERN = rf"^(?i:a(?:10|[0-9])|{NUMBER} ?x ?{NUMBER} ?(?:mm|cm|in))$"
EXAMPLES = ("A3", "30x40cm", "12x18in")
INCHES = {"mm": 1 / 25.4, "cm": 1 / 2.54, "in": 1.0}

A0 = (841, 1189)
"""Millimetres (ISO 216); each size after it is the one before, cut in half across, to whole millimetres."""


class Sheet(NamedTuple):
    """A sheet of paper, as wide and high as its name says, in its own unit; A sizes stand upright."""

    name: str
    width: float
    height: float
    unit: str

    def pixels(self, dpi: float) -> tuple[float, float]:
        """Its (width, height) in pixels, which are no whole ones."""
        return self.width * INCHES[self.unit] * dpi, self.height * INCHES[self.unit] * dpi

    def longer_side(self, shape: tuple[int, int], dpi: float) -> int:
        """The longer side, in pixels, of the largest picture of a shape (width, height) that fits on it.

        Example:
            >>> sheet("A3").longer_side((3000, 2000), 300), sheet("A3").longer_side((1200, 1600), 300)
            (4961, 4677)
        """
        short, long = sorted(self.pixels(dpi))
        return max(1, round(min(long, short * max(shape) / min(shape))))

    def in_words(self, size: tuple[int, int], dpi: float) -> str:
        """How a picture of (width, height) pixels lies on it.

        Example:
            >>> sheet("A3").in_words((4961, 3307), 300)
            'A3 at 300 dpi: 420 x 280 mm, whole, on a sheet of 420 x 297 mm; the rest of it stays white'
        """
        picture = [side / dpi / INCHES[self.unit] for side in size]
        turned = sorted((self.width, self.height), reverse=size[0] > size[1])
        if all(abs(side - whole) * INCHES[self.unit] < 1 / 25.4 for side, whole in zip(picture, turned, strict=True)):
            return f"{self.name} at {dpi:g} dpi: fills the sheet"
        wide, high, *on = (f"{round(side, self.unit != 'mm'):g}" for side in (*picture, *turned))
        on_sheet = f"{wide} x {high} {self.unit}, whole, on a sheet of {' x '.join(on)} {self.unit}"
        return f"{self.name} at {dpi:g} dpi: {on_sheet}; the rest of it stays white"


def sheet(name: str) -> Sheet:
    """The sheet of a name: A0 to A10, or two numbers and a unit.

    Raises:
        ValueError: if there is no such sheet.

    Example:
        >>> sheet("a4"), sheet("30 x 40 cm")
        (Sheet(name='A4', width=210, height=297, unit='mm'), Sheet(name='30x40cm', width=30.0, height=40.0, unit='cm'))
    """
    plain = name.replace(" ", "").lower()
    if not re.match(PATTERN, plain):
        raise ValueError(f"something like {' or '.join(EXAMPLES)}")
    if plain.startswith("a"):
        width, height = A0
        for _ in range(int(plain[1:])):
            width, height = height // 2, width
        return Sheet(plain.upper(), width, height, "mm")
    width, height = (float(number) for number in plain[:-2].split("x"))
    if not (width and height):
        raise ValueError("a sheet that is wide and high")
    return Sheet(plain, width, height, plain[-2:])


SheetName = Annotated[
    str, Field(pattern=PATTERN, examples=list(EXAMPLES)), AfterValidator(lambda name: sheet(name).name)
]
"""A setting that is the name of a sheet."""
