"""More than 8 bits, and opacity however it is stored."""

import io
import struct

import numpy as np
import pytest
import tifffile
from PIL import Image

from picture_files import GREY, PHOTO, chunk, light, png, wide
from scumble.errors import ImageError
from scumble.image.files import Picture, load, load_bytes
from scumble.image.reading import deep

GREY3 = np.repeat(GREY[..., None], 3, 2)


def seen(picture: Picture) -> np.ndarray:
    return np.asarray(picture.rgb).astype(int)


def tiff(pixels: np.ndarray, **options) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, pixels, metadata=None, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("bits", [8, 9, 10, 12, 14])
@pytest.mark.parametrize("kind", ["grey", "rgb", "rgba", "tiff", "array", "grey array", "pil"])
def test_values_of_fewer_bits_are_stretched_and_told(bits, kind):
    pixels = (PHOTO / 255 * (2**bits - 1)).round().astype(np.uint16)
    pixels[0, 0] = 2**bits - 1
    grey = pixels[..., 1].copy()
    opacity = np.full((*grey.shape, 1), 65535, np.uint16)
    source = {
        "grey": lambda: load_bytes(png(grey, 0, 16), "a"),
        "rgb": lambda: load_bytes(png(pixels, 2, 16), "a"),
        "rgba": lambda: load_bytes(png(np.dstack([pixels, opacity]), 6, 16), "a"),
        "tiff": lambda: load_bytes(tiff(pixels, photometric="rgb", compression="zlib"), "a"),
        "array": lambda: load(pixels),
        "grey array": lambda: load(grey),
        "pil": lambda: load(Image.fromarray(grey)),
    }[kind]()
    expected = np.repeat(grey[..., None], 3, 2) if "grey" in kind or kind == "pil" else pixels
    assert np.abs(seen(source) - expected / (2**bits - 1) * 255).max() <= 1
    assert [f"taken as those of {bits} bits" in note for note in source.notes] == [True]
    assert source.alpha is None


def test_what_uses_its_16_bits_is_not_stretched():
    dark = wide(PHOTO // 2)
    for picture in (load_bytes(png(dark, 2, 16), "a"), load(dark)):
        assert np.abs(seen(picture) - PHOTO // 2).max() <= 1
        assert not picture.notes
    assert np.array_equal(seen(load_bytes(png(np.zeros((4, 4, 3), np.uint16), 2, 16), "a")), np.zeros((4, 4, 3)))


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("colour", [0, 2, 4, 6])
def test_every_depth_and_kind_is_turned(turn, depth, colour):
    exif = Image.Exif()
    exif[274] = turn
    turned = chunk(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0"))
    pixels = PHOTO if colour in (2, 6) else GREY[..., None]
    if colour in (4, 6):
        pixels = np.dstack([pixels, 255 - GREY])
    upright = load_bytes(png(PHOTO, 2, 8, turned), "a").size
    picture = load_bytes(png(wide(pixels) if depth == 16 else pixels, colour, depth, turned), "a")
    assert picture.size == upright == ((40, 48) if turn >= 5 else (48, 40))
    assert picture.alpha is None or picture.alpha.size == picture.size


@pytest.mark.parametrize("number", [0, 9, 65535])
def test_turns_that_do_not_exist_are_none(number):
    exif = Image.Exif()
    exif[274] = number
    turned = chunk(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0"))
    assert np.array_equal(seen(load_bytes(png(PHOTO, 2, 8, turned), "a")), PHOTO)


# --- Opacity --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
def test_a_transparent_grey_is_found_at_every_depth(depth):
    samples = (wide(GREY) >> (16 - depth)).astype(np.uint16)
    clear = int(np.median(samples))
    picture = load_bytes(png(samples, 0, depth, chunk(b"tRNS", struct.pack(">H", clear))), "a")
    assert picture.alpha is not None
    assert np.array_equal(np.asarray(picture.alpha) == 0, samples == clear)


@pytest.mark.parametrize("depth", [8, 16])
def test_a_transparent_colour_is_found_at_every_depth(depth):
    samples = PHOTO if depth == 8 else wide(PHOTO) + 1
    clear = samples[3, 3]
    picture = load_bytes(png(samples, 2, depth, chunk(b"tRNS", struct.pack(">3H", *map(int, clear)))), "a")
    assert picture.alpha is not None
    assert np.array_equal(np.asarray(picture.alpha) == 0, (samples == clear).all(2))


def test_16_bits_of_opacity_come_in():
    opacity = np.tile(np.linspace(0, 65535, 48).astype(np.uint16), (40, 1))
    for pixels, colour in ((GREY[..., None], 4), (PHOTO, 6)):
        picture = load_bytes(png(np.dstack([wide(pixels), opacity]), colour, 16), "a")
        assert picture.alpha is not None
        assert np.abs(np.asarray(picture.alpha).astype(int) - opacity / 257).max() <= 1
    premultiplied = np.dstack([wide(PHOTO) // 2, np.full_like(opacity, 32767)])
    picture = load_bytes(tiff(premultiplied, photometric="rgb", extrasamples=["assocalpha"]), "a")
    assert np.abs(seen(picture) - PHOTO).max() <= 1


@pytest.mark.parametrize("kind", ["TGA", "BMP"])
def test_opacity_that_nobody_filled_in_is_none(kind):
    if kind == "TGA":
        head = struct.pack("<BBBHHBHHHHBB", 0, 0, 2, 0, 0, 0, 0, 0, 48, 40, 32, 0x20)
        data = head + np.dstack([PHOTO[..., ::-1], np.zeros_like(GREY)]).tobytes()
    else:
        masks = struct.pack("<4I", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
        info = struct.pack("<IiiHHIIiiII", 108, 48, -40, 1, 32, 3, 0, 0, 0, 0, 0) + masks + bytes(52)
        body = np.dstack([PHOTO[..., ::-1], np.zeros_like(GREY)]).tobytes()
        data = b"BM" + struct.pack("<IHHI", 14 + len(info) + len(body), 0, 0, 14 + len(info)) + info + body
    picture = load_bytes(data, "a")
    assert picture.alpha is None
    assert np.array_equal(seen(picture), PHOTO)
    assert "its opacity is 0 everywhere" in picture.notes[0]


def test_opacity_that_is_meant_stays():
    picture = load_bytes(png(np.dstack([PHOTO, np.zeros_like(GREY)]), 6, 8), "a")
    assert picture.alpha is not None


# --- TIFF -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("colour", ["rgb", "minisblack"])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_floats_are_light_in_grey_as_in_colour(kind, colour, compression):
    pixels = PHOTO if colour == "rgb" else GREY
    picture = load_bytes(tiff(light(pixels).astype(kind), photometric=colour, compression=compression), "a")
    assert np.abs(seen(picture) - (PHOTO if colour == "rgb" else GREY3)).max() <= 1
    assert "linear light" in picture.notes[0]


def test_floats_above_white_are_brought_in_with_their_order():
    ramp = np.linspace(0, 3, 400, dtype=np.float32)[None, :, None].repeat(3, 2).repeat(20, 0)
    found = seen(load_bytes(tiff(ramp, photometric="rgb"), "a"))[0, :, 0]
    assert (np.diff(found) >= 0).all()
    assert (found == 255).mean() < 0.1
    assert len(np.unique(found)) > 120


def test_floats_that_are_bytes_in_another_form_are_known_and_odd_ones_told():
    assert np.array_equal(seen(load_bytes(tiff(PHOTO.astype(np.float32), photometric="rgb"), "a")), PHOTO)
    spoilt = light(PHOTO).astype(np.float32)
    spoilt[0, 0] = np.nan
    spoilt[0, 1] = -1
    picture = load_bytes(tiff(spoilt, photometric="rgb"), "a")
    assert np.abs(seen(picture)[1:] - PHOTO[1:]).max() <= 1
    assert "not finite" in picture.notes[0]
    with pytest.raises(ImageError, match="no finite number"):
        load_bytes(tiff(np.full((4, 4, 3), np.nan, np.float32), photometric="rgb"), "a")


@pytest.mark.parametrize(
    ("pixels", "options"),
    [
        (wide(PHOTO).transpose(2, 0, 1), {"photometric": "rgb", "planarconfig": "separate"}),
        (wide(PHOTO), {"photometric": "rgb", "tile": (16, 16)}),
        (wide(PHOTO), {"photometric": "rgb", "byteorder": ">"}),
        (wide(PHOTO).astype(np.uint32) * 65537, {"photometric": "rgb"}),
        (np.dstack([wide(PHOTO), wide(PHOTO)[..., :2]]), {"photometric": "rgb"}),
    ],
)
def test_tiffs_of_many_forms_come_in(pixels, options):
    assert np.abs(seen(load_bytes(tiff(pixels, **options), "a")) - PHOTO).max() <= 1


def test_grey_tiffs_of_many_forms_come_in():
    opacity = np.full_like(GREY, 128)
    with_opacity = load_bytes(
        tiff(wide(np.dstack([GREY, opacity])), photometric="minisblack", extrasamples=["unassalpha"]), "a"
    )
    assert np.abs(seen(with_opacity) - GREY3).max() <= 1
    assert with_opacity.alpha is not None
    whole = load_bytes(tiff(wide(GREY).astype(np.uint32) * 65537, photometric="minisblack"), "a")
    assert np.abs(seen(whole) - GREY3).mean() < 6


def test_lab_of_16_bits_comes_in():
    # By CIE's formulas: the middle grey of L* = 50 and sRGB's red.
    lab = np.array([[[50, 0, 0], [54.29, 80.81, 69.89]]])  # red under D50
    stored = np.rint(lab * [655.35, 256, 256]).astype(np.int32).astype(np.uint16)
    found = seen(load_bytes(tiff(stored, photometric="cielab"), "a"))
    assert np.abs(found - [[[119, 119, 119], [255, 0, 0]]]).max() <= 2


@pytest.mark.parametrize("pixels", [PHOTO.astype(np.int16), PHOTO.astype(np.int8)])
def test_what_is_not_read_is_said(pixels):
    with pytest.raises(ImageError, match="below and above zero, which is not read"):
        load_bytes(tiff(pixels, photometric="rgb"), "a.tif")


def test_a_cameras_raw_file_is_not_taken_for_its_preview():
    data = tiff(PHOTO, photometric="rgb", extratags=[(50706, 1, 4, b"\x01\x04\x00\x00", True)])
    with pytest.raises(ImageError, match="a camera's raw file, which is not read"):
        load_bytes(data, "a.dng")


@pytest.mark.parametrize("shape", [(1, 7), (5, 3, 2), (2, 3 * deep.PART), (deep.PART + 5, 3)])
def test_values_are_changed_part_by_part(shape):
    values = np.arange(np.prod(shape)).reshape(shape).astype(np.uint16)
    changed = deep.in_parts(values, lambda part: (part // 257).astype(np.uint8))
    assert changed.dtype == np.uint8
    assert (changed == values // 257).all()


def test_sixteen_bits_are_rounded_to_eight():
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    found = np.asarray(load_bytes(tiff(values), "deep").rgb)[..., 0]
    assert (found == (values / 257).round()).all()
