"""Sheets of paper against the standard's table, and pictures on them."""

import pytest

from scumble.image.paper import sheet

# ISO 216, millimetres.
A_SIZES = [
    (841, 1189),
    (594, 841),
    (420, 594),
    (297, 420),
    (210, 297),
    (148, 210),
    (105, 148),
    (74, 105),
    (52, 74),
    (37, 52),
    (26, 37),
]


@pytest.mark.parametrize(("number", "size"), list(enumerate(A_SIZES)))
def test_a_sizes_are_the_standards(number, size):
    assert sheet(f"A{number}")[:] == (f"A{number}", *size, "mm")
    assert sheet(f"a{number}") == sheet(f"A{number}")


def test_other_sheets_are_as_wide_and_high_as_they_say():
    assert sheet("30x40cm") == sheet("30 x 40 cm") == ("30x40cm", 30, 40, "cm")
    assert sheet("12X18in") == ("12x18in", 12, 18, "in")
    assert sheet("8.5x11in").pixels(300) == pytest.approx((2550, 3300))
    assert sheet("300x400mm").pixels(300) == pytest.approx(sheet("30x40cm").pixels(300))


@pytest.mark.parametrize(
    "name", ["A11", "B3", "A", "A3x", "30x40", "30x40m", "0x40cm", "30x0.0cm", "x4in", "-3x4in", ""]
)
def test_what_is_no_sheet_is_refused(name):
    with pytest.raises(ValueError, match=r"A3|wide and high"):
        sheet(name)


@pytest.mark.parametrize(
    ("name", "shape", "longer"),
    [
        ("A3", (3000, 2000), 4961),  # wider than the sheet: as long as it
        ("A3", (2000, 3000), 4961),  # turned
        ("A3", (1600, 1200), 4677),  # as high as the sheet is wide: 297 mm / 3 * 4
        ("A3", (100, 100), 3508),
        ("12x18in", (3000, 2000), 5400),
        ("18x12in", (2000, 3000), 5400),
        ("A10", (65536, 1), 437),
    ],
)
def test_a_picture_is_as_large_as_the_sheet_allows(name, shape, longer):
    assert sheet(name).longer_side(shape, 300) == longer


def test_the_resolution_counts():
    assert sheet("A4").longer_side((297, 210), 40) == 468
    assert sheet("12x18in").longer_side((3, 2), 100) == 1800


def test_how_it_lies_on_the_sheet_is_told_in_the_sheets_unit():
    assert sheet("A3").in_words((4677, 3508), 300) == (
        "A3 at 300 dpi: 396 x 297 mm, whole, on a sheet of 420 x 297 mm; the rest of it stays white"
    )
    assert sheet("8x10in").in_words((2000, 3000), 300) == (
        "8x10in at 300 dpi: 6.7 x 10 in, whole, on a sheet of 8 x 10 in; the rest of it stays white"
    )
    assert sheet("12x18in").in_words((5400, 3600), 300) == "12x18in at 300 dpi: fills the sheet"
    assert sheet("A4").in_words((2480, 3508), 300) == "A4 at 300 dpi: fills the sheet"
