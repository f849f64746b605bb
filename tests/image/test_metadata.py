"""What a painting takes over from its photograph, in every format, and what it does not."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from PIL.ExifTags import GPS, IFD, Base
from PIL.PngImagePlugin import PngInfo

from conftest import photograph
from scumble.image import files, metadata, recipe
from scumble.image.metadata import NOTHING, Metadata

PIXELS = np.asarray(photograph(24, 20))
ENDINGS = (".png", ".jpg", ".webp", ".tif")
RIGHTS = "© Jörg Müller"
XMP = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:creator><rdf:Seq><rdf:li>Ann &amp; Bob</rdf:li></rdf:Seq>
</dc:creator><dc:rights><rdf:Alt><rdf:li xml:lang="x-default">© Ann</rdf:li></rdf:Alt></dc:rights></rdf:Description>
</rdf:RDF></x:xmpmeta>"""


def full() -> Image.Exif:
    """What a camera writes, and more."""
    exif = Image.Exif()
    exif[Base.Orientation] = 6
    exif[Base.Make] = "Maker"
    exif[Base.DateTime] = "2020:01:02 03:04:05"
    exif[Base.Copyright] = RIGHTS.encode()
    exif[Base.Artist] = "Ann"
    exif[Base.Software] = "camera 1.0"
    exif[Base.XResolution], exif[Base.YResolution], exif[Base.ResolutionUnit] = 240.0, 120.0, 2
    exif[Base.Rating] = 4
    exif[Base.XPTitle] = "title".encode("utf-16-le")
    exif[0xC4A5] = b"print matching"
    exif.get_ifd(IFD.Exif).update(
        {
            Base.ExposureTime: 0.01,
            Base.ISOSpeedRatings: 200,
            Base.DateTimeOriginal: "2020:01:02 03:04:05",
            Base.MakerNote: b"secret" * 20,
            Base.UserComment: b"ASCII\0\0\0hello",
            Base.ColorSpace: 65535,
            Base.ExifImageWidth: 4000,
            0xEA1C: bytes(2000),
        }
    )
    exif.get_ifd(IFD.GPSInfo)[GPS.GPSLatitude] = (48.0, 31.0, 12.0)
    return exif


def camera_file(path: Path) -> Path:
    exif = Image.Exif()
    exif.load(full().tobytes())
    exif[Base.Copyright] = RIGHTS.encode()
    Image.fromarray(PIXELS).save(path, exif=exif)
    return path


def repainted(path: Path, ending: str, bits: int = 8) -> Path:
    """A file with what another one says about its picture, and a recipe."""
    output = path.with_name(f"result{ending}")
    pixels = PIXELS if bits == 8 else PIXELS.astype(np.uint16) * 257
    files.save(pixels, output, {"job": "test"}, metadata.of(path))
    return output


def tags_of(path: Path) -> tuple[dict, dict]:
    """Of the picture, and of how it was taken."""
    with Image.open(path) as image:
        exif = image.getexif()
        return dict(exif), dict(exif.get_ifd(IFD.Exif))


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("of", ENDINGS)
def test_every_format_takes_over_from_every_other(tmp_path, of, ending, bits):
    if bits == 16 and ending not in files.SUFFIXES_WITH_16_BITS:
        return
    output = repainted(camera_file(tmp_path / f"camera{of}"), ending, bits)
    picture, taken = tags_of(output)
    assert picture[Base.Copyright].encode("latin-1") == RIGHTS.encode()
    assert (picture[Base.Artist], picture[Base.Make], picture[Base.Rating]) == ("Ann", "Maker", 4)
    assert picture[Base.DateTime] == "2020:01:02 03:04:05"
    assert picture.get(Base.Orientation, 1) == 1
    # Turned: what was across is down.
    across, down = (float(picture[tag]) for tag in (Base.XResolution, Base.YResolution))
    assert (across, down) == (pytest.approx(120), pytest.approx(240))
    assert float(taken[Base.ExposureTime]) == pytest.approx(0.01)
    assert taken[Base.ISOSpeedRatings] == 200
    assert taken[Base.DateTimeOriginal] == "2020:01:02 03:04:05"
    assert taken[Base.ColorSpace] == 1
    assert not {Base.MakerNote, Base.ExifImageWidth, 0xEA1C} & set(taken)
    assert not {IFD.GPSInfo, Base.Software, 0xC4A5} & set(picture)
    content = output.read_bytes()
    for lost in (b"secret", b"hello", b"print matching"):
        assert lost not in content
    assert recipe.read(output)["job"] == "test"
    shown = files.load(output).rgb
    assert shown.size == (24, 20)
    if ending in files.SUFFIXES_WITH_16_BITS:
        assert np.array_equal(np.asarray(shown), PIXELS)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_resolution_is_where_programs_look_for_it(tmp_path, ending):
    Image.fromarray(PIXELS).save(tmp_path / "in.png", dpi=(300, 300))
    output = repainted(tmp_path / "in.png", ending)
    with Image.open(output) as image:
        if ending != ".webp":
            assert [float(value) for value in image.info["dpi"]] == pytest.approx([300, 300], abs=0.01)
        exif = image.getexif()
        assert float(exif[Base.XResolution]) == pytest.approx(300, abs=0.01)
    if ending == ".tif":
        with tifffile.TiffFile(output) as tiff:
            assert tiff.pages[0].tags["ResolutionUnit"].value == 2


@pytest.mark.parametrize("ending", ENDINGS)
def test_nothing_known_changes_nothing(tmp_path, ending):
    Image.fromarray(PIXELS).save(tmp_path / "in.png")
    assert metadata.of(tmp_path / "in.png") == NOTHING
    files.save(PIXELS, tmp_path / f"plain{ending}", {"job": "test"})
    assert repainted(tmp_path / "in.png", ending).read_bytes() == (tmp_path / f"plain{ending}").read_bytes()


@pytest.mark.parametrize(
    "write",
    [
        lambda path: Image.fromarray(PIXELS).save(
            path.with_suffix(".png"), pnginfo=texts(Copyright=RIGHTS, Author="Ann")
        ),
        lambda path: Image.fromarray(PIXELS).save(path.with_suffix(".jpg"), xmp=XMP.encode()),
        lambda path: Image.fromarray(PIXELS).save(path.with_suffix(".webp"), xmp=XMP.encode()),
        lambda path: path.with_suffix(".jpg").write_bytes(with_iptc()),
        lambda path: path.with_suffix(".png").write_bytes(with_texts_behind()),
    ],
)
@pytest.mark.parametrize("ending", ENDINGS)
def test_who_has_the_rights_is_found_wherever_it_stands(tmp_path, write, ending):
    write(tmp_path / "in")
    (path,) = tmp_path.glob("in.*")
    output = repainted(path, ending)
    picture, _ = tags_of(output)
    assert picture[Base.Copyright].encode("latin-1").decode().startswith("©")
    assert picture[Base.Artist].startswith("Ann")
    if ending == ".png":
        with Image.open(output) as image:
            assert image.text["Copyright"].startswith("©")
            assert image.text["Author"].startswith("Ann")


def texts(**values: str) -> PngInfo:
    info = PngInfo()
    for name, text in values.items():
        info.add_itxt(name, text)
    return info


def with_iptc() -> bytes:
    """A JPEG with the notes of press agencies, in Photoshop's block."""
    notes = b""
    for number, text in ((80, "Ann"), (116, RIGHTS)):
        notes += struct.pack(">BBBH", 0x1C, 2, number, len(text.encode())) + text.encode()
    block = b"Photoshop 3.0\0" + b"8BIM\x04\x04\0\0" + struct.pack(">I", len(notes)) + notes + bytes(len(notes) % 2)
    buffer = io.BytesIO()
    Image.fromarray(PIXELS).save(buffer, "JPEG")
    return buffer.getvalue()[:2] + b"\xff\xed" + struct.pack(">H", len(block) + 2) + block + buffer.getvalue()[2:]


def with_texts_behind() -> bytes:
    """A PNG whose texts stand behind its pixels, after one that is too large and one that is damaged."""
    buffer = io.BytesIO()
    Image.fromarray(PIXELS).save(buffer, "PNG")

    def chunk(kind: bytes, data: bytes, spoil: int = 0) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data) ^ spoil)

    more = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(3_000_000))) + chunk(b"tEXt", b"Author\0x", spoil=1)
    more += chunk(b"tEXt", b"Author\0Ann") + chunk(b"tEXt", b"Copyright\0\xa9 Ann")
    return buffer.getvalue()[:-12] + more + buffer.getvalue()[-12:]


@pytest.mark.parametrize("damage", [b"", b"MM\0*\0\0\0", b"Exif\0\0MM\0*\0\0\0", b"II*\0\xff\xff\xff\x7f", bytes(100)])
def test_damaged_notes_are_no_reason_to_refuse_a_picture(tmp_path, damage):
    for ending in (".jpg", ".webp", ".png"):
        Image.fromarray(PIXELS).save(tmp_path / f"in{ending}", exif=damage)
        assert metadata.of(tmp_path / f"in{ending}").picture == {}
    for source in (None, PIXELS, tmp_path / "missing.png", tmp_path, "x.tif[2]", Image.fromarray(PIXELS)):
        assert metadata.of(source) == NOTHING


def test_no_byte_of_an_exif_block_that_is_changed_makes_trouble(tmp_path):
    random = np.random.default_rng(0)
    block = full().tobytes()
    for _ in range(50):
        changed = bytearray(block)
        for at in random.integers(6, len(block), 4):
            changed[at] = random.integers(0, 256)
        image = Image.fromarray(PIXELS)
        image.info["exif"] = bytes(changed)
        known = metadata.of(image)
        for ending in ENDINGS:
            files.save(PIXELS, tmp_path / f"out{ending}", {"job": "test"}, known)
            assert recipe.read(tmp_path / f"out{ending}")["job"] == "test"


def test_a_resolution_that_nobody_gave_is_none(tmp_path):
    for kind, options in (("JPEG", {}), ("TIFF", {}), ("PNG", {"dpi": (0, 0)}), ("PNG", {"dpi": (1, 1)})):
        Image.fromarray(PIXELS).save(tmp_path / "in", kind, **options)
        assert metadata.of(tmp_path / "in").dpi is None, kind
    Image.fromarray(PIXELS).save(tmp_path / "in", "JPEG", exif=Metadata({int(Base.Make): b"x"}).exif())
    assert metadata.of(tmp_path / "in").dpi is None
    exif = Image.Exif()
    exif[Base.XResolution] = exif[Base.YResolution] = 100.0
    exif[Base.ResolutionUnit] = 3
    Image.fromarray(PIXELS).save(tmp_path / "in", "WEBP", exif=exif)
    assert metadata.of(tmp_path / "in").dpi == pytest.approx((254, 254))


def test_what_does_not_fit_gives_way_to_the_recipe_and_the_rights(tmp_path):
    taken = {Base.ImageUniqueID: "x" * 4000} | dict.fromkeys(range(42032, 42038), "y" * 4000)
    known = Metadata({int(Base.Copyright): RIGHTS.encode(), int(Base.Make): b"Maker"}, taken)
    files.save(PIXELS, tmp_path / "out.jpg", {"job": "test", "note": "z" * 25000}, known)
    assert recipe.read(tmp_path / "out.jpg")["job"] == "test"
    picture, rest = tags_of(tmp_path / "out.jpg")
    assert picture[Base.Copyright].encode("latin-1") == RIGHTS.encode()
    assert Base.ImageUniqueID not in rest


def test_a_painting_of_a_painting_does_not_describe_itself_by_the_others_recipe(tmp_path):
    files.save(PIXELS, tmp_path / "one.tif", {"job": "first"})
    assert metadata.of(tmp_path / "one.tif") == NOTHING


def test_each_page_of_a_file_has_its_own(tmp_path):
    first, second = Image.fromarray(PIXELS), Image.fromarray(PIXELS[::-1])
    second.encoderinfo = {"artist": "Painter 2", "dpi": (200, 200)}
    first.save(tmp_path / "scan.tif", save_all=True, append_images=[second], artist="Painter 1", dpi=(100, 100))
    for name, artist, dpi in (("", b"Painter 1", 100), ("[1]", b"Painter 1", 100), ("[2]", b"Painter 2", 200)):
        known = metadata.of(tmp_path / f"scan.tif{name}")
        assert (known.picture[Base.Artist], known.dpi) == (artist, (dpi, dpi))
    assert metadata.of(tmp_path / "scan.tif[3]") == NOTHING
