"""Values that no 8-bit picture holds, against what was written; and the range by which they become bytes."""

import contextlib
import io
import logging
import struct

import numpy as np
import pytest
import tifffile
from PIL import Image

from conftest import encoded, photograph
from scumble.data.raw import Span, raw_of, to_bytes
from scumble.errors import ImageError
from scumble.image import png16

RANDOM = np.random.default_rng(0)
GREY = RANDOM.integers(0, 4096, (6, 9), dtype=np.uint16)
COLOURS = RANDOM.integers(0, 65536, (6, 9, 3), dtype=np.uint16)


def tiff(values: np.ndarray, **options) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, values, **options)
    return file.getvalue()


def pillow(image: Image.Image, kind: str, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def png_of_colours(values: np.ndarray, **chunks) -> bytes:
    file = io.BytesIO()
    png16.write(values, file, b"", {})
    data = file.getvalue()
    start = data.index(b"iCCP") - 4  # what it always writes
    length = int.from_bytes(data[start : start + 4], "big")
    return data[:start] + data[start + 12 + length :]


@pytest.mark.parametrize(
    ("data", "values"),
    [
        (pillow(Image.fromarray(GREY), "PNG"), GREY),
        (pillow(Image.fromarray(GREY), "TIFF"), GREY),
        (pillow(Image.fromarray(GREY), "TIFF", compression="tiff_lzw"), GREY),
        (pillow(Image.fromarray(GREY / np.float32(4095)), "TIFF"), GREY / np.float32(4095)),
        (pillow(Image.fromarray(GREY), "JPEG2000", irreversible=False), GREY),
        (b"P5 9 6 65535\n" + GREY.astype(">u2").tobytes(), GREY),
        (tiff(GREY.astype(np.float64)), GREY),
        (tiff(GREY.astype(np.int16) - 2000), GREY.astype(int) - 2000),
        (png_of_colours(COLOURS), COLOURS),
        (png_of_colours(np.dstack([COLOURS, COLOURS[..., 0]])), np.dstack([COLOURS, COLOURS[..., 0]])),
        (tiff(COLOURS, photometric="rgb"), COLOURS),
        (tiff(COLOURS, photometric="rgb", byteorder=">"), COLOURS),
        (tiff(COLOURS.transpose(2, 0, 1), photometric="rgb", planarconfig="separate"), COLOURS),
        (tiff(COLOURS / np.float32(65535), photometric="rgb"), COLOURS / np.float32(65535)),
    ],
)
def test_deep_values_are_those_that_were_written(data, values):
    raw = raw_of(data, "x")
    assert raw is not None
    assert raw.size == (9, 6)
    assert raw.bands == (values.shape[2] if values.ndim == 3 else 1)
    assert np.array_equal(raw.read(), values.reshape(6, 9, -1))


@pytest.mark.parametrize("bands", [2, 4, 5, 13])
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_bands_are_those_that_were_written(bands, planar):
    values = RANDOM.integers(0, 256, (6, 9, bands), dtype=np.uint8)
    written = values.transpose(2, 0, 1) if planar == "separate" else values
    raw = raw_of(tiff(written, photometric="minisblack", planarconfig=planar), "x")
    assert raw is not None
    assert (raw.bands, raw.opacity) == (bands, False)
    assert np.array_equal(raw.read(), values)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP", "BMP", "PPM", "JPEG2000", "TGA", "GIF"])
def test_pictures_of_8_bits_are_ordinary(kind):
    assert raw_of(encoded(0, kind), "x") is None


def test_what_has_colours_to_be_managed_is_ordinary():
    from scumble.image.encode import SRGB_PROFILE

    file = io.BytesIO()
    png16.write(COLOURS, file, SRGB_PROFILE, {})
    assert raw_of(file.getvalue(), "x") is None
    assert raw_of(tiff(COLOURS, photometric="rgb", iccprofile=SRGB_PROFILE), "x") is None
    assert raw_of(pillow(photograph().convert("CMYK"), "TIFF"), "x") is None
    assert raw_of(pillow(photograph().convert("LA"), "TIFF"), "x") is None


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_values_are_turned_as_pillow_turns_pictures(orientation, kind):
    from PIL import ImageOps

    image = Image.fromarray((GREY // 16).astype(np.uint8))
    image.getexif()[0x0112] = orientation
    expected = np.asarray(ImageOps.exif_transpose(image))
    exif = Image.Exif()
    exif[0x0112] = orientation
    raw = raw_of(pillow(Image.fromarray(GREY), kind, exif=exif), "x")
    assert raw is not None
    assert np.array_equal(raw.read()[..., 0] // 16, expected)
    assert raw.size == expected.shape[::-1]


def test_white_as_zero_is_turned_round():
    raw = raw_of(tiff(GREY, photometric="miniswhite"), "x")
    assert raw is not None
    assert np.array_equal(raw.read()[..., 0], 65535 - GREY)


def test_what_is_odd_about_a_tiff_reaches_no_log(capfd, recwarn, monkeypatch):
    monkeypatch.setattr(logging.getLogger(), "handlers", [])  # pytest's own keep it from standard error
    made = io.BytesIO()
    tifffile.imwrite(made, np.arange(5 * 6 * 3, dtype=np.uint16).reshape(5, 6, 3), photometric="rgb")
    planar = struct.pack("<HHIHH", 284, 3, 1, 1, 0)
    assert made.getvalue().count(planar) == 1
    data = made.getvalue().replace(planar, struct.pack("<HHIHH", 284, 3, 1, 3, 0))
    found = raw_of(data, "a")
    assert found is not None
    with contextlib.suppress(ImageError):
        found.read()
    assert capfd.readouterr().err == ""
    assert not recwarn.list


def test_values_that_are_not_finite_are_refused():
    values = np.ones((6, 9), np.float32)
    values[2, 3] = np.nan
    raw = raw_of(tiff(values), "x.tif")
    assert raw is not None
    with pytest.raises(ImageError, match=r"x\.tif holds values that are not finite"):
        raw.read()


@pytest.mark.parametrize("keep", [4, 26, 60, 0.5, 0.9])
@pytest.mark.parametrize("data", [pillow(Image.fromarray(GREY), "PNG"), tiff(COLOURS, photometric="rgb"), tiff(GREY)])
def test_what_was_cut_short_is_one_line_or_left_to_who_reads_pictures(data, keep):
    raw = raw_of(data[: keep if isinstance(keep, int) else int(len(data) * keep)], "x")
    if raw is not None:
        said = ""
        try:
            assert raw.read().shape == (6, 9, raw.bands)
        except ImageError as error:
            said = str(error)
        assert "\n" not in said


@pytest.mark.parametrize(
    ("values", "chosen", "said"),
    [
        (np.array([0, 4095], np.uint16), (0, 4095), "0 to 4095, where 0 to 65535 are usual: they are stretched"),
        (np.array([9, 40000], np.uint16), (0, 65535), None),
        (np.array([0, 65535], np.uint16), (0, 65535), None),
        (np.array([7, 7], np.uint16), (0, 65535), None),
        (np.array([-300, 3000], np.int16), (-300, 3000), "-300 to 3000"),
        (np.array([0, 200], np.int64), (0, 255), "taken for bytes"),
        (np.array([0.0, 255.0]), (0, 255), "taken for bytes"),
        (np.array([0.0, 254.5]), (0, 254.5), "0 to 254.5"),
        (np.array([0.0, 0.9]), (0, 1), None),
        (np.array([0.0, 0.01]), (0, 0.01), "0 to 0.01"),
        (np.array([-1.0, 1.0]), (-1, 1), "-1 to 1"),
        (np.array([False, True]), (0, 1), None),
        (np.array([0, 200], np.uint8), (0, 255), None),
    ],
)
def test_the_range_is_that_of_the_type_unless_most_of_it_is_empty(values, chosen, said):
    span = Span()
    for value in values:
        span.add(np.full((2, 2, 1), value, values.dtype))
    found, note = span.chosen()
    assert found == chosen
    assert (note is None) if said is None else (said in note)


def test_bytes_are_the_nearest_and_what_lies_beyond_is_cut_off():
    values = np.array([[-5.0, 0.0, 1.0, 2.0, 4.0, 9.0]])
    assert to_bytes(values, (0, 4)).tolist() == [[0, 0, 64, 128, 255, 255]]
    assert to_bytes(np.array([[False, True]]), (0, 1)).tolist() == [[0, 255]]
    assert to_bytes(np.array([[7]], np.uint8), (0, 255)).tolist() == [[7]]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_the_largest_numbers_become_bytes_too(kind):
    top = float(np.finfo(kind).max)
    values = np.array([[-top, 0, top]], kind)
    assert to_bytes(values, (-top, top)).tolist() == [[0, 128, 255]]
    assert to_bytes(values, (0, 1)).tolist() == [[0, 0, 255]]
