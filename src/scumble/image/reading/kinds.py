"""What a file is by its first bytes, whatever its name says; and what to do about what is not read."""

import re
from typing import NamedTuple


class Kind(NamedTuple):
    """What a file is, in words, and what to do about it where it is not read."""

    words: str
    hint: str


EXPORT = "export it as PNG or TIFF"
DEVELOP = Kind("a camera's raw file", "develop it, and save it as TIFF, PNG or JPEG")
JPEG_XL = Kind("a JPEG XL picture", "pip install 'scumble[jxl]', or export it as PNG")
FRAME = "save one frame of it as PNG"
ARCHIVE = "unpack it first"

HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1")

_JPEG_XL = rb"\x00\x00\x00\x0cJXL \r\n\x87\n|\xff\x0a"

_NOT_READ: tuple[tuple[bytes, Kind], ...] = (
    (rb"8BPS", Kind("a Photoshop document", EXPORT)),
    (rb"gimp xcf", Kind("a GIMP document", EXPORT)),
    (rb"\x76\x2f\x31\x01", Kind("an OpenEXR picture", "tone-map it, and save it as PNG or TIFF")),
    (rb"#\?(RADIANCE|RGBE)", Kind("a Radiance HDR picture", "tone-map it, and save it as PNG or TIFF")),
    (rb"%PDF", Kind("a PDF document", "save its page as PNG")),
    (rb"%!PS|\xc5\xd0\xd3\xc6", Kind("a PostScript document", "save its page as PNG")),
    (
        rb"\x00\x00\x00\x0cJXL \r\n\x87\n|\xff\x0a",
        Kind("a JPEG XL picture", "pip install 'scumble[jxl]', or export it as PNG"),
    ),
    (rb"....ftypcrx ", DEVELOP),
    (rb"II\*\x00....CR\x02", DEVELOP),
    (rb"IIU\x00|IIR[OS]|MMOR|FUJIFILMCCD-RAW|FOVb|\x00MRM", DEVELOP),
    (rb"....ftyp(isom|iso\d|mp4|M4V|M4A|qt  |avc1|3gp|3g2|dash|MSNV|f4v)", Kind("a video", FRAME)),
    (rb"....(moov|mdat|wide)", Kind("a video", FRAME)),
    (rb"RIFF....AVI |\x1a\x45\xdf\xa3|FLV\x01|\x00\x00\x01[\xba\xb3]|OggS", Kind("a video", FRAME)),
    (rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11|\x47.{187}\x47", Kind("a video", FRAME)),
    (rb"\x00\x05\x16\x07|\x00\x05\x16\x00", Kind("what macOS notes about a file beside it", "delete it")),
    (rb"PK\x03\x04|PK\x05\x06", Kind("a zip or a document packed like one", ARCHIVE)),
    (rb"\x1f\x8b|BZh|\xfd7zXZ|7z\xbc\xaf|Rar!|\x28\xb5\x2f\xfd", Kind("an archive", ARCHIVE)),
    (rb"version https://git-lfs", Kind("the place of a file that Git LFS holds", "git lfs pull")),
    (rb"\x93NUMPY", Kind("a NumPy array", "numpy.load it, and give scumble the array")),
    (rb".{128}DICM", Kind("a DICOM picture", EXPORT)),
    (rb"SIMPLE  =", Kind("a FITS picture", EXPORT)),
    (rb"qoif", Kind("a QOI picture", EXPORT)),
    (rb"DDS ", Kind("a DDS texture", EXPORT)),
    (rb"BPG\xfb", Kind("a BPG picture", EXPORT)),
    (rb"\x00\x00[\x01\x02]\x00[^\x00]", Kind("an icon", EXPORT)),
    (rb"icns", Kind("an icon", EXPORT)),
    (rb"\xd7\xcd\xc6\x9a|\x01\x00\x00\x00.{36} EMF", Kind("a Windows metafile", EXPORT)),
    (rb"SQLite format 3", Kind("a database, as some drawing programs save", EXPORT)),
)
_READ: tuple[tuple[bytes, str], ...] = (
    (rb"\x89PNG\r\n\x1a\n", "PNG"),
    (rb"\xff\xd8\xff", "JPEG"),
    (rb"RIFF....WEBP", "WebP"),
    (rb"II\*\x00|MM\x00\*|II\+\x00|MM\x00\+", "TIFF"),
    (rb"GIF8[79]a", "GIF"),
    (rb"\x00\x00\x00\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51", "JPEG 2000"),
    (_JPEG_XL, "JPEG XL"),
    (rb"BM", "BMP"),
    (rb"P[1-7fF]\s", "PNM"),
)


def read_kind(data: bytes) -> str | None:
    """Which of the kinds that are read a file begins as: "PNG", "JPEG", ..., "HEIF", "AVIF"; None for another."""
    if data[4:8] == b"ftyp":
        brands = {data[8:12], *(data[i : i + 4] for i in range(16, min(len(data), _box_end(data)), 4))}
        if brands & {b"avif", b"avis"}:
            return "AVIF"
        return "HEIF" if data[8:12] in HEIF_BRANDS else None
    return next((kind for pattern, kind in _READ if re.match(pattern, data[:64], re.DOTALL)), None)


def unread_kind(data: bytes) -> Kind | None:
    """What a file is that is not read, and what to do about it; None if that is not known either."""
    head = data[:512]
    for pattern, kind in _NOT_READ:
        if re.match(pattern, head, re.DOTALL):
            return kind
    text = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<svg", b"<?xml", b"<!--", b"<!doctype svg")) and b"<svg" in data[:65536].lower():
        return Kind("an SVG drawing", EXPORT)
    if text.startswith((b"<!doctype html", b"<html")):
        return Kind("a web page", "it was saved in the picture's place: fetch the picture itself")
    if not any(head):
        return Kind("nothing but zeros", "it was not copied whole: fetch it again")
    return None


def _box_end(data: bytes) -> int:
    return min(int.from_bytes(data[:4], "big"), 256)
