"""What a file is, is told by its first bytes, whatever it is called."""

import struct
import sys
import time

import numpy as np
import pytest

from picture_files import HEIC, PHOTO, encoded, many_scans, segment
from scumble.errors import ImageError
from scumble.image import decode
from scumble.image.files import load, load_bytes
from scumble.image.reading import kinds

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"/>'

NOT_READ = {
    "Photoshop": b"8BPS" + bytes(40),
    "GIMP": b"gimp xcf v011" + bytes(40),
    "OpenEXR": struct.pack("<II", 20000630, 2) + bytes(40),
    "Radiance": b"#?RADIANCE\n" + bytes(40),
    "SVG": b'<?xml version="1.0"?>\n<!-- drawn -->\n' + SVG,
    "an SVG": b"\xef\xbb\xbf" + SVG,
    "PDF": b"%PDF-1.4\n%%EOF\n",
    "PostScript": b"%!PS-Adobe-3.0",
    "a video": struct.pack(">I4s4sI4s", 20, b"ftyp", b"isom", 0, b"isom") + bytes(40),
    "video": struct.pack(">I4s4sI4s", 20, b"ftyp", b"qt  ", 0, b"qt  ") + bytes(40),
    "vide": b"RIFF" + bytes(4) + b"AVI LIST",
    "vid": b"\x1a\x45\xdf\xa3" + bytes(40),
    "raw file": b"II*\x00\x10\x00\x00\x00CR\x02\x00" + bytes(40),
    "raw": b"FUJIFILMCCD-RAW 0201",
    "zip": b"PK\x03\x04" + bytes(40),
    "archive": b"\x1f\x8b\x08" + bytes(40),
    "Git LFS": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
    "NumPy": b"\x93NUMPY\x01\x00" + bytes(40),
    "macOS": b"\0\5\x16\7\0\2\0\0Mac OS X        " + bytes(100),
    "web page": b"<!DOCTYPE html><html><body>404</body></html>",
    "DICOM": bytes(128) + b"DICM" + bytes(40),
    "zeros": bytes(1000),
}


@pytest.mark.parametrize("name", NOT_READ)
def test_what_is_not_read_is_named_with_what_to_do(name):
    with pytest.raises(ImageError, match=f"{name}.*, which is not read \\(.+\\)|nothing but zeros") as error:
        load_bytes(NOT_READ[name], "a.jpg")
    assert "\n" not in str(error.value)


def test_jpeg_xl_names_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_jxl", None)
    for data in (b"\xff\x0a" + bytes(60), b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(60)):
        with pytest.raises(ImageError, match=r"a JPEG XL picture, which is not read \(pip install 'scumble\[jxl\]'"):
            load_bytes(data, "a.png")


def test_a_damaged_picture_is_called_what_it_is():
    for data, kind in ((HEIC[:100], "HEIF"), (encoded("PNG")[:60], "PNG"), (encoded("AVIF")[:100], "AVIF")):
        with pytest.raises(ImageError, match=rf"damaged or cut short \({kind}\)|begins as {kind}"):
            load_bytes(data, "a")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP", "AVIF", "JPEG2000", "MPO", "PPM"])
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".heic", ".txt", ""])
def test_names_do_not_matter(tmp_path, kind, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(encoded(kind))
    picture = load(path)
    assert picture.size == (48, 40)
    assert np.abs(np.asarray(picture.rgb).astype(int) - PHOTO).mean() < 12
    assert not picture.notes


@pytest.mark.parametrize("suffix", [".jfif", ".mpo", ".jp2", ".heic", ".heif", ".pgm", ".avif", ".jpg", ".tiff"])
def test_names_of_pictures_are_known(suffix):
    assert suffix in decode.SUFFIXES


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("https://example.org/a.jpg", "https://example.org/a.jpg is an address, which is not read.*fetch it first"),
        ("s3://bucket/a.jpg", "s3://bucket/a.jpg is an address"),
        ("https://example.org/" + "x" * 300 + ".jpg", "is an address"),
        ("file:///tmp/no-such.jpg", "wanted the file's name .give /tmp/no-such.jpg"),
        ("-", "standard input is not read.*/dev/stdin is one, with < photo.jpg"),
        ("c:/a.jpg", "c:/a.jpg does not exist"),
    ],
)
def test_what_is_no_file_is_told_apart(name, message):
    with pytest.raises(ImageError, match=message):
        load(name)


def test_many_scans_are_refused_at_once():
    data = many_scans(1024, 6000)
    started = time.perf_counter()
    with pytest.raises(ImageError, match="more than 100 scans"):
        load_bytes(data, "a.jpg")
    assert time.perf_counter() - started < 1
    assert load_bytes(many_scans(64, 40), "a.jpg").size == (64, 64)


def test_scans_are_counted_in_the_picture_alone():
    data = encoded("JPEG", quality=95)
    behind = data + b"\xff\xda" * 200  # a film, as telephones append one
    before = data[:2] + segment(0xED, b"\xff\xda" * 200) + data[2:]
    for many in (behind, before):
        assert np.array_equal(np.asarray(load_bytes(many, "a").rgb), np.asarray(load_bytes(data, "a").rgb))


def test_first_bytes_of_every_kind_are_known():
    for kind, name in {"PNG": "PNG", "JPEG": "JPEG", "WEBP": "WebP", "TIFF": "TIFF", "AVIF": "AVIF"}.items():
        assert kinds.read_kind(encoded(kind)) == name
    assert kinds.read_kind(HEIC) == "HEIF"
    assert kinds.read_kind(b"") is None
