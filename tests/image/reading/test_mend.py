"""Good pixels are not refused for what stands around them, nor for the last bytes of their file."""

import io
import struct
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from conftest import photograph
from picture_files import PHOTO, chunk, encoded, gamma_curve, iccp, png, profile, segment
from scumble.errors import ImageError
from scumble.image.files import load_bytes, size_of

LARGE = np.asarray(photograph(480, 400))


def text(size: int, packed: bool) -> bytes:
    info = PngInfo()
    info.add_text("Comment", "notes of an editor " * (size // 19), zip=packed)
    return encoded("PNG", pnginfo=info)


def riff(*parts: tuple[bytes, bytes]) -> bytes:
    return b"".join(kind + struct.pack("<I", len(body)) + body + bytes(len(body) % 2) for kind, body in parts)


BROKEN_EXIFS = [b"MM\0*\0\0\0", b"II*\0\x08\0\0\0\xff\xff", b"garbage", b"", b"II*\0\xff\xff\xff\xff", bytes(100)]

GOOD_PNGS = {
    **{f"EXIF {number}": png(PHOTO, 2, 8, chunk(b"eXIf", exif)) for number, exif in enumerate(BROKEN_EXIFS)},
    "large text": text(1_300_000, packed=True),
    "large plain text": text(1_300_000, packed=False),
    "large profile": png(PHOTO, 2, 8, iccp(profile(gamma_curve(2.2), filler=1_300_000))),
    "damaged profile": png(PHOTO, 2, 8, chunk(b"iCCP", b"name\0\0not packed")),
    "checksum of a text": png(PHOTO, 2, 8, chunk(b"tEXt", b"Comment\0made by hand", spoil=1)),
    "checksum of the pixels": png(PHOTO, 2, 8, spoil=1),
    "checksum of a time": png(PHOTO, 2, 8, chunk(b"tIME", bytes(7), spoil=1)),
    "short gamma": png(PHOTO, 2, 8, chunk(b"gAMA", b"x")),
    "short resolution": png(PHOTO, 2, 8, chunk(b"pHYs", b"x")),
    "short transparency": png(PHOTO, 2, 8, chunk(b"tRNS", b"x")),
    "text that is no UTF-8": png(PHOTO, 2, 8, chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0\xff\xfe")),
    "no end": png(PHOTO, 2, 8, end=False),
    "half an end": png(PHOTO, 2, 8)[:-5],
    "something behind the end": png(PHOTO, 2, 8) + b"\0" * 1000,
}


@pytest.mark.parametrize("name", GOOD_PNGS)
def test_pngs_with_good_pixels_are_read(name):
    picture = load_bytes(GOOD_PNGS[name], "a.png")
    assert np.abs(np.asarray(picture.rgb).astype(int) - PHOTO).max() <= (12 if "large profile" in name else 0)
    assert size_of(GOOD_PNGS[name], "a.png") == picture.size
    assert picture.alpha is None


@pytest.mark.parametrize("name", ["EXIF 0", "large text", "large profile", "checksum of a text", "no end"])
def test_what_was_odd_is_told(name):
    assert len(load_bytes(GOOD_PNGS[name], "a.png").notes) == 1


def test_a_turn_and_a_large_profile_survive_a_large_text():
    exif = Image.Exif()
    exif[274] = 6
    info = PngInfo()
    info.add_text("Comment", "x" * 1_300_000, zip=True)
    swapped = profile(gamma_curve(2.2), "swapped", filler=1_300_000)
    data = encoded("PNG", pnginfo=info, exif=exif.tobytes(), icc_profile=swapped)
    picture = load_bytes(data, "a.png")
    assert picture.size == (40, 48)
    back = np.asarray(picture.rgb.transpose(Image.Transpose.ROTATE_90)).astype(int)
    assert np.abs(back[..., ::-1] - PHOTO).mean() < 8


@pytest.mark.parametrize("missing", [1, 5, 20, 60])
@pytest.mark.parametrize("depth", [8, 16])
def test_a_png_without_its_last_bytes_repeats_its_last_rows(missing, depth):
    data = png(LARGE if depth == 8 else LARGE.astype(np.uint16) * 257, 2, depth, end=False)
    picture = load_bytes(data[: -4 - missing], "a.png")
    found = np.asarray(picture.rgb).astype(int)
    assert np.abs(found - LARGE)[:390].max() == 0
    assert np.abs(found - LARGE).max() < 40  # no black, no noise
    assert picture.notes


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "PPM", "TIFF", "GIF"])
def test_half_a_picture_is_refused(kind):
    data = encoded(kind, LARGE)
    with pytest.raises(ImageError, match="damaged or cut short|begins as"):
        load_bytes(data[: len(data) // 2], "a")


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("height", [8, 40, 400])
def test_a_jpeg_without_its_end_is_whole(progressive, height):
    data = encoded("JPEG", LARGE[:height], quality=90, progressive=progressive)
    expected = np.asarray(load_bytes(data, "a").rgb)
    picture = load_bytes(data[:-2], "a.jpg")
    assert np.array_equal(np.asarray(picture.rgb), expected)
    assert picture.notes == ("its end is missing",)


def test_a_jpeg_that_lacks_a_few_rows_is_read_and_told():
    data = encoded("JPEG", LARGE, quality=90)
    expected = np.asarray(load_bytes(data, "a").rgb).astype(int)
    picture = load_bytes(data[: int(len(data) * 0.95)], "a.jpg")
    assert np.abs(np.asarray(picture.rgb) - expected)[:360].max() == 0
    assert "it is cut short" in picture.notes[0]


@pytest.mark.parametrize(
    ("marker", "body"),
    [
        *((0xE1, b"Exif\0\0" + exif) for exif in BROKEN_EXIFS),
        (0xE1, b"http://ns.adobe.com/xap/1.0/\0<broken"),
        (0xE2, b"ICC_PROFILE\0"),
        (0xE2, b"ICC_PROFILE\0\1\2half"),
        (0xE2, b"MPF\0garbage"),
        (0xED, b"Photoshop 3.0\x008BIM\x04"),
        (0xEE, b"Adobe"),
        (0xE0, b"JFIF\0"),
        (0xFE, b"\xff\xd9\xff\xda"),
    ],
)
def test_jpegs_with_good_pixels_are_read(marker, body):
    data = encoded("JPEG", quality=95)
    picture = load_bytes(data[:2] + segment(marker, body) + data[2:], "a.jpg")
    assert np.array_equal(np.asarray(picture.rgb), np.asarray(load_bytes(data, "a").rgb))


@pytest.mark.parametrize("exif", BROKEN_EXIFS)
def test_webps_with_broken_notes_are_read(exif):
    plain = encoded("WEBP", lossless=True)
    flags = struct.pack("<I", 0x2C) + bytes((47, 0, 0, 39, 0, 0))
    parts = riff((b"VP8X", flags), (b"ICCP", b"broken")) + plain[12:] + riff((b"EXIF", exif), (b"XMP ", b"<"))
    for body in (parts, parts[:-3], parts + b"EXIF\xff\xff\xff\x00"):
        data = b"RIFF" + struct.pack("<I", len(parts) + 4) + b"WEBP" + body
        assert np.array_equal(np.asarray(load_bytes(data, "a.webp").rgb), PHOTO)


@pytest.mark.parametrize("cut", range(12, 70))
def test_a_webp_that_ends_anywhere_in_its_head_is_one_line(cut):
    plain = encoded("WEBP", lossless=True)
    data = b"RIFF" + bytes(4) + b"WEBP" + riff((b"VP8X", bytes((0x2C, 0, 0, 0, 47, 0, 0, 39, 0, 0)))) + plain[12:]
    with pytest.raises(ImageError):
        load_bytes(data[:cut], "a.webp")


@pytest.mark.parametrize("kind", ["BMP", "PPM", "TIFF"])
def test_rows_that_lie_there_as_they_are_may_lack_a_few(kind):
    data = encoded(kind, LARGE)
    picture = load_bytes(data[: int(len(data) * 0.97)], "a")
    found = np.asarray(picture.rgb).astype(int)
    rows = slice(20, None) if kind == "BMP" else slice(0, 380)  # from the bottom up
    assert np.array_equal(found[rows], LARGE[rows])
    assert "it is cut short" in picture.notes[0]


def test_a_damaged_file_that_claims_much_is_refused_at_once():
    head = struct.pack(">IIBBBBB", 13_000, 13_000, 16, 6, 0, 0, 0)
    rows = zlib.compress(bytes(50_000_000))
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"tEXt", b"x", spoil=1) + chunk(b"IDAT", rows)
    with pytest.raises(ImageError):
        load_bytes(data, "a.png")


@pytest.mark.parametrize("tile", [None, (16, 16)])
def test_a_small_tiff_that_claims_many_rows_is_refused(tile):
    """Pillow would make black rows of the strips or tiles that are not there."""
    made = io.BytesIO()
    tifffile.imwrite(made, PHOTO, photometric="rgb", tile=tile)
    right = made.getvalue()
    length = struct.pack("<HHII", 257, 4, 1, 40)
    assert right.count(length) == 1
    assert load_bytes(right, "a").size == (48, 40)
    with pytest.raises(ImageError, match="parts of its pixels are missing"):
        load_bytes(right.replace(length, struct.pack("<HHII", 257, 4, 1, 3_000_000)), "a")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP", "AVIF", "JPEG2000"])
def test_bytes_changed_anywhere_give_a_picture_or_one_line(kind):
    data = bytearray(encoded(kind))
    random, messages = np.random.default_rng(3), []
    for _ in range(60):
        spoilt = bytearray(data)
        for place in random.integers(0, len(data), 3):
            spoilt[place] = random.integers(0, 256)
        cut = bytes(spoilt[: random.integers(1, len(data) + 1)])
        for look in (load_bytes, size_of):
            try:
                look(cut, "a")
            except ImageError as error:
                messages.append(str(error))
    assert not [message for message in messages if "\n" in message]
