"""What is known about a photograph besides its pixels, and is true of a painting of it as well.

When and with what it was taken, how large it is printed, who made it and who has the rights. Left behind is what is not
true any more (its turn and its size, its colour space, its thumbnail), what nobody can read (makers' notes), and where
it was taken, which its owner may not want to tell. Who has the rights is looked for in EXIF, in a PNG's texts, in IPTC
and in XMP; it is written as EXIF, and into a PNG's texts besides.
"""

import contextlib
import html
import io
import os
import re
import struct
import zlib
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO, Self

import numpy as np
from PIL import ExifTags, Image, IptcImagePlugin
from PIL.ExifTags import IFD, Base
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from scumble.image import decode, recipe
from scumble.image.quiet import decoders_quiet
from scumble.image.reading import pages

PICTURE_TEXTS = (Base.ImageDescription, Base.Make, Base.Model, Base.DateTime, Base.Artist, Base.Copyright)
PICTURE_BYTES = (Base.XPTitle, Base.XPComment, Base.XPAuthor, Base.XPKeywords, Base.XPSubject)
PICTURE_NUMBERS = (Base.Rating, Base.RatingPercent)
"""Of the picture itself, what is taken over, by the type that it must have."""

NOT_TAKEN_OVER = {
    *(Base.MakerNote, Base.UserComment, IFD.Interop),
    # True of the pixels as they were.
    *(Base.ColorSpace, Base.Gamma, Base.ExifImageWidth, Base.ExifImageHeight, 0x9214, Base.SubjectLocation),
    *(Base.ComponentsConfiguration, Base.CompressedBitsPerPixel, Base.SpatialFrequencyResponse, Base.CFAPattern),
    *(Base.OECF, Base.DeviceSettingDescription, Base.RelatedSoundFile),
}
"""Of how it was taken, what is not."""

LARGEST_VALUE = 4096
EXIF_PREFIX = b"Exif\0\0"
LARGEST_BLOCK = 65_533
"""Bytes of EXIF that a JPEG holds."""

DPI = (2, 65_535)
"""What a resolution may be: programs write 0 and 1 where they do not know it."""

PLACEHOLDER = IFD.Exif + 1
"""A TIFF's tag that means nothing, at the place of the one that tifffile leaves to cameras."""

SRGB, LONG = 1, 4
INCH, CENTIMETRE = 2, 3
TEXTS = {Base.Artist: ("Author", "Artist"), Base.Copyright: ("Copyright",)}
"""What a PNG's texts are called; the first one is written (PNG, third edition, section 11.3.3.1)."""
OLD_EXIF, XMP_KEYWORD = "Raw profile type exif", "XML:com.adobe.xmp"
KEYWORDS = {name.encode() for names in ((OLD_EXIF, XMP_KEYWORD), *TEXTS.values()) for name in names}
PNG, PNG_TEXTS = b"\x89PNG\r\n\x1a\n", (b"tEXt", b"zTXt", b"iTXt")
IPTC = {Base.Artist: (2, 80), Base.Copyright: (2, 116)}
XMP = {Base.Artist: b"dc:creator", Base.Copyright: b"dc:rights"}


@dataclass(frozen=True)
class Metadata:
    """What a painting takes over from its photograph.

    Attributes:
        picture: EXIF of the picture itself, by tag; texts are bytes, of any encoding.
        taken: EXIF of how it was taken, by tag.
        dpi: pixels to an inch, across and down.
    """

    picture: dict[int, Any] = field(default_factory=dict)
    taken: dict[int, Any] = field(default_factory=dict)
    dpi: tuple[float, float] | None = None

    def at(self, dpi: float | None) -> Self:
        """The same with another resolution, if there is one."""
        return self if dpi is None else replace(self, dpi=(dpi, dpi))

    def texts(self) -> dict[str, str]:
        """Who made it and who has the rights, by the keywords of a PNG."""
        found = {names[0]: self.picture[tag] for tag, names in TEXTS.items() if tag in self.picture}
        return {name: _decoded(text) for name, text in found.items()}

    def exif(self, text: str | None = None) -> bytes:
        """All of it as an EXIF block, with a recipe as its comment; empty if there is nothing to hold."""
        rights = {tag: value for tag, value in self.picture.items() if tag in TEXTS}
        for less in (self, replace(self, taken={}), replace(self, taken={}, picture=rights), NOTHING):
            block = less._block(text)
            if len(block) <= LARGEST_BLOCK:
                return block
        return block

    def _block(self, text: str | None) -> bytes:
        block = Image.Exif()
        for tag, value in self._of_picture().items():
            block[tag] = value
        block.get_ifd(IFD.Exif).update(self.taken)
        if text is not None:
            block.get_ifd(IFD.Exif)[recipe.USER_COMMENT] = recipe.comment(text)
        return block.tobytes() if len(block) or block.get_ifd(IFD.Exif) else b""

    def _of_picture(self) -> dict[int, Any]:
        upright = {Base.Orientation: 1} if self.picture or self.taken else {}
        if self.dpi is None:
            return self.picture | upright
        size = {Base.XResolution: self.dpi[0], Base.YResolution: self.dpi[1], Base.ResolutionUnit: INCH}
        return self.picture | upright | size

    def write_into_tiff(self, file: BinaryIO) -> None:
        """Put how it was taken behind a TIFF's pixels, if its first directory has the tag for that, by `tiff_tags`."""
        if not self.taken:
            return
        file.seek(0)
        order = {b"II": "<", b"MM": ">"}[file.read(2)]
        (first,) = struct.unpack(f"{order}2xI", file.read(6))
        file.seek(first)
        (count,) = struct.unpack(f"{order}H", file.read(2))
        for entry in range(first + 2, first + 2 + 12 * count, 12):
            file.seek(entry)
            if struct.unpack(f"{order}H", file.read(2))[0] == PLACEHOLDER:
                at = (file.seek(0, io.SEEK_END) + 1) // 2 * 2
                directory = ImageFileDirectory_v2(
                    b"II*\0\0\0\0\0" if order == "<" else b"MM\0*\0\0\0\0", group=IFD.Exif
                )
                for tag, value in self.taken.items():
                    directory[tag] = value
                file.seek(at)
                file.write(directory.tobytes(at))
                file.seek(entry)
                file.write(struct.pack(f"{order}HHII", IFD.Exif, LONG, 1, at))

    def tiff_tags(self) -> list[tuple[int, str, int, Any, bool]]:
        """The tags of a TIFF but for its resolution, as tifffile takes them; its description holds the recipe."""
        tags = []
        for tag, value in self.picture.items():
            if tag in PICTURE_TEXTS[1:]:
                tags.append((int(tag), "s", 0, value, True))
            elif tag in PICTURE_BYTES:
                tags.append((int(tag), "B", len(value), value, True))
            elif tag in PICTURE_NUMBERS:
                tags.append((int(tag), "H", 1, value, True))
        return tags + [(PLACEHOLDER, "I", 1, 0, True)] * bool(self.taken)


NOTHING = Metadata()


def of(source: str | os.PathLike[str] | Image.Image | np.ndarray | None) -> Metadata:
    """What a picture's file says about it; nothing where it cannot be read, which is no reason to refuse its pixels.

    Args:
        source: a file (`scan.tif[2]` is the second picture in it) or a PIL picture; an array has none.
    """
    found = NOTHING
    # Decoders of damaged notes raise, and say, whatever their authors did not think of.
    with contextlib.suppress(Exception), decoders_quiet():
        if isinstance(source, Image.Image):
            found = _of_image(source, source.info.get("exif", b""))
        elif isinstance(source, str | os.PathLike):
            path, page = pages.split(source)
            data = decode.read_file(path)
            with Image.open(io.BytesIO(_without_pixels(data)), formats=decode.FORMATS) as image:
                pages.choose(image, path.name, page)
                found = _of_image(image, image.info.get("exif", b""))
    return found


def _of_image(image: Image.Image, block: bytes) -> Metadata:
    if not block and (image.format == "TIFF" or OLD_EXIF in image.info):
        exif = image.getexif()
    else:
        exif = Image.Exif()
        with contextlib.suppress(Exception):
            exif.load(block)
    kinds = ((PICTURE_TEXTS, str), (PICTURE_BYTES, bytes), (PICTURE_NUMBERS, int))
    picture = {
        int(tag): _raw(exif[tag])
        for tags, kind in kinds
        for tag in tags
        if isinstance(exif.get(tag), kind) and _fits(exif[tag])
    }
    if picture.get(Base.ImageDescription, b"").lstrip().startswith(b"{"):  # a recipe, or another program's notes
        del picture[Base.ImageDescription]
    for tag in TEXTS:
        if not picture.get(tag, b"").strip(b" \0") and (text := _elsewhere(image, tag)):
            picture[int(tag)] = text.encode()
    taken = {
        tag: value
        for tag, value in _directory(exif).items()
        if tag in ExifTags.TAGS and tag not in NOT_TAKEN_OVER and _fits(value)
    }
    if taken:
        taken[Base.ColorSpace] = SRGB
    dpi = _dpi(image, exif)
    if dpi is not None and exif.get(Base.Orientation, 1) in (5, 6, 7, 8):
        dpi = dpi[1], dpi[0]
    return Metadata(picture, taken, dpi)


def _directory(exif: Image.Exif) -> dict[int, Any]:
    with contextlib.suppress(Exception):
        return exif.get_ifd(IFD.Exif)
    return {}


def _fits(value: Any) -> bool:
    if isinstance(value, str):
        return bool(value.strip(" \0")) and len(value) <= LARGEST_VALUE
    return not isinstance(value, bytes | tuple) or len(value) <= LARGEST_VALUE


def _raw(value: Any) -> Any:
    """A text as the bytes that were read: Pillow takes all of them for Latin-1, but would write ASCII."""
    return value.encode("latin-1", "replace") if isinstance(value, str) else value


def _decoded(text: bytes) -> str:
    """A text of the encoding that programs use, or of the one that the standard's readers take it for."""
    try:
        return text.decode().strip("\0")
    except UnicodeDecodeError:
        return text.decode("latin-1").strip("\0")


def _elsewhere(image: Image.Image, tag: Base) -> str | None:
    """Who made a picture, or has the rights, where EXIF does not say."""
    for name in TEXTS[tag]:
        if isinstance(text := image.info.get(name), str) and text.strip():
            return text.strip()[:LARGEST_VALUE]
    with contextlib.suppress(Exception):
        notes = IptcImagePlugin.getiptcinfo(image) or {}  # pyright: ignore[reportArgumentType] (of any kind)
        found = notes.get(IPTC[tag], b"")
        if text := _decoded(found[0] if isinstance(found, list) else found).strip():
            return text[:LARGEST_VALUE]
    packet = image.info.get("xmp") or image.info.get(XMP_KEYWORD) or b""
    packet = packet.encode() if isinstance(packet, str) else packet
    if match := re.search(rb"<%s\b.{0,200}?<rdf:li\b[^>]{0,200}>([^<]{1,4096})<" % XMP[tag], packet, re.DOTALL):
        return html.unescape(_decoded(match[1])).strip() or None
    return None


def _dpi(image: Image.Image, exif: Image.Exif) -> tuple[float, float] | None:
    found: Any = image.info.get("dpi")
    guessed = image.format == "TIFF" or (image.format in ("JPEG", "MPO") and not image.info.get("jfif_unit"))
    if found is None or guessed:
        found = exif.get(Base.XResolution, 0), exif.get(Base.YResolution, 0)
        inches = {INCH: 1, CENTIMETRE: 2.54}.get(exif.get(Base.ResolutionUnit, INCH), 0)
        found = tuple(float(value) * inches for value in found)
    across, down = (float(value) for value in found)
    return (across, down) if DPI[0] <= min(across, down) and max(across, down) <= DPI[1] else None


def _without_pixels(data: bytes) -> bytes:
    """A PNG's notes alone: many stand behind the pixels, which need not be decoded for them, or beside damaged ones."""
    if not data.startswith(PNG):
        return data
    kept, at = [PNG], len(PNG)
    while at + 12 <= len(data):
        (length,), kind = struct.unpack_from(">I", data, at), data[at + 4 : at + 8]
        chunk = data[at : at + 12 + length]
        wanted = kind in (b"IHDR", b"pHYs", b"eXIf") or (kind in PNG_TEXTS and chunk[8:88].split(b"\0")[0] in KEYWORDS)
        if wanted and zlib.crc32(chunk[4:-4]).to_bytes(4, "big") == chunk[-4:]:
            kept.append(chunk)
        at += 12 + length
    return b"".join(kept) + b"".join(
        bytes(4) + kind + zlib.crc32(kind).to_bytes(4, "big") for kind in (b"IDAT", b"IEND")
    )
