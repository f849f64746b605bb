"""Files spoiled at random: bytes anywhere, and what is inside containers, whose lengths and checksums are then right.

`mutated` knows a container by its first bytes, spoils one part of it, and closes it again: a reader that refuses every
wrong checksum would otherwise be asked nothing. Everything follows from the random generator that is given.
"""

import gzip
import io
import json
import struct
import warnings
import zipfile
import zlib
from collections.abc import Sequence
from random import Random
from typing import Any

EVIL_NUMBERS = (0, 1, -1, 2, 127, 128, 255, 256, 32767, 65535, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**63, 2**64)
DEEP, DIGITS = "@deep@", "@digits@"
EVIL_VALUES = (
    *EVIL_NUMBERS, 10**30, -(10**30), 0.5, 1e308, -1e308, float("nan"), float("inf"), -float("inf"), None, True, False,
    "", "..", "../../outside", "/etc/passwd", "C:\\outside", "a\0b", "\ud800", "\x1b[2J\x07", "a" * 100_000, "1e999",
    [], {}, [[]], {"": {}}, [0] * 1000, ["a"], DEEP, DIGITS,
)  # fmt: skip
EVIL_NAMES = (
    "../outside.png",
    "/outside.png",
    "C:\\outside.png",
    "a/../../b.png",
    "\\\\host\\a.png",
    "a\0b.png",
    "",
    "/",
)


def mutated(data: bytes, others: Sequence[bytes], random: Random) -> bytes:
    """Spoiled in one to three places.

    Args:
        data: a good file.
        others: more of its kind, to take pieces from.
        random: decides everything.
    """
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        inside = _inside(data)
        data = inside(data, random) if inside and random.random() < 0.7 else mutated_bytes(data, others, random)
    return data


def mutated_bytes(data: bytes, others: Sequence[bytes], random: Random) -> bytes:
    """Bits flipped, bytes replaced, numbers blown up, the end cut off; pieces removed, repeated, taken from others."""
    if not data:
        return random.randbytes(random.randrange(1, 40))
    at = _place(len(data), random)
    piece = random.choice((1, 2, 4, 8, 16, 64, 512, 4096))
    match random.randrange(8):
        case 0:
            return data[:at] + bytes([data[at] ^ 1 << random.randrange(8)]) + data[at + 1 :]
        case 1:
            return data[:at] + random.choice((b"\0", b"\xff", random.randbytes(1))) * piece + data[at + piece :]
        case 2:
            number = _packed(random)
            return data[:at] + number + data[at + len(number) :]
        case 3:
            return data[:at]
        case 4:
            return data[:at] + data[at + piece :]
        case 5:
            return data[:at] + data[at : at + piece] * random.choice((2, 3, 100)) + data[at + piece :]
        case 6:
            return data[:at] + random.randbytes(piece) + data[at:]
        case _:
            other = random.choice(others)
            start = random.randrange(len(other) or 1)
            return data[:at] + other[start : start + 4 * piece] + data[at + random.choice((0, 4 * piece)) :]


def _place(length: int, random: Random) -> int:
    """Somewhere; one time in two near the beginning or the end, where headers and directories are."""
    near = min(length, 200)
    match random.randrange(4):
        case 0:
            return random.randrange(near)
        case 1:
            return length - 1 - random.randrange(near)
        case _:
            return random.randrange(length)


def _packed(random: Random) -> bytes:
    size, order = random.choice((1, 2, 2, 4, 4, 4, 8)), random.choice(("big", "little"))
    number = (
        random.choice(EVIL_NUMBERS) if random.random() < 0.8 else 2 ** random.randrange(64) + random.randrange(-2, 3)
    )
    return (number % 2 ** (8 * size)).to_bytes(size, order)


# --- Inside of containers ---------------------------------------------------------------------------------------------


def _inside(data: bytes):
    """The function that spoils what is inside; None where nothing is known of it."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return _mutated_png
    if data.startswith(b"PK\3\4"):
        return _mutated_zip
    if data.startswith(b"\x93NUMPY\1\0") and len(data) >= 10:
        return _mutated_npy
    if data[:1] in (b"{", b"["):
        return mutated_json
    if data[8:9] == b"{":
        return _mutated_safetensors
    if data.startswith(b"\x1f\x8b"):
        return _mutated_gzip
    if data[257:262] == b"ustar":
        return _mutated_tar
    if data[4:8] in (b"ftyp", b"jP  "):
        return _mutated_boxes
    return None


def _mutated_png(data: bytes, random: Random) -> bytes:
    chunks, at = [], 8
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        chunks.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    if not chunks:
        return mutated_bytes(data, [data], random)
    number = random.randrange(len(chunks))
    kind, body = chunks[number]
    match random.randrange(6):
        case 0:
            del chunks[number]
        case 1:
            chunks.insert(random.randrange(len(chunks) + 1), (kind, body))
        case 2 if kind in (b"IDAT", b"zTXt", b"iCCP"):  # of compressed data, what it is of
            start = 0 if kind == b"IDAT" else body.find(b"\0") + 2
            try:
                plain = zlib.decompressobj().decompress(body[start:])
            except zlib.error:
                plain = b""
            chunks[number] = (kind, body[:start] + zlib.compress(mutated_bytes(plain, [data], random)))
        case 3 if b"{" in body:
            start = body.index(b"{")
            chunks[number] = (kind, body[:start] + mutated_json(body[start:], random))
        case _:
            chunks[number] = (kind, mutated_bytes(body, [data], random))
    return data[:8] + b"".join(png_chunk(kind, body) for kind, body in chunks)


def png_chunk(kind: bytes, body: bytes) -> bytes:
    """A chunk with its length and checksum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _mutated_zip(data: bytes, random: Random) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [(info.filename, archive.read(info)) for info in archive.infolist()]
    except Exception:  # spoiled already
        return mutated_bytes(data, [data], random)
    if not members:
        return data
    number = random.randrange(len(members))
    name, body = members[number]
    match random.randrange(5):
        case 0:
            members[number] = (random.choice(EVIL_NAMES), body)
        case 1:
            members.append(members[number])
        case 2:
            del members[number]
        case _:
            members[number] = (name, mutated(body, [data], random))
    made = io.BytesIO()
    method = random.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2))
    with zipfile.ZipFile(made, "w", method if random.random() < 0.3 else zipfile.ZIP_STORED) as archive:
        for name, body in members:
            info = zipfile.ZipInfo()
            info.filename, info.compress_type = name, archive.compression  # given to it, a name would be tidied
            with warnings.catch_warnings(action="ignore"):  # of a name that is there twice
                archive.writestr(info, body)
    return made.getvalue()


def _mutated_npy(data: bytes, random: Random) -> bytes:
    (length,) = struct.unpack_from("<H", data, 8)
    text, rest = data[10 : 10 + length].decode("latin-1"), data[10 + length :]
    types = ("|u1", "<f4", "<f8", "|O", "<U5", "<i8", "<c16", "|V8", "<M8[s]", "|b1", ">u2", "<f2")
    shapes = ("()", "(0,)", "(3,)", "(99999999999,)", "(4, 0, 16)", "(4, 16, 16, 4)", "(-1, 16, 16)", "(1, 2, 3, 4, 5)")
    start = text.find("'shape':")
    match random.randrange(4):
        case 0:
            old = text[text.find("'descr': '") + 10 :].split("'")[0]
            text = text.replace(f"'{old}'", f"'{random.choice(types)}'")
        case 1:
            text = text[:start] + f"'shape': {random.choice(shapes)}, }}"
        case 2:
            text = (
                text[:start] + f"'shape': ({', '.join(str(abs(random.choice(EVIL_NUMBERS))) for _ in range(3))},), }}"
            )
        case _:
            text = mutated_bytes(text.encode("latin-1"), [data], random).decode("latin-1")
    header = text.rstrip().encode("latin-1") + b"\n"
    return data[:8] + struct.pack("<H", len(header) % 65536) + header + rest


def _mutated_gzip(data: bytes, random: Random) -> bytes:
    try:
        plain = gzip.decompress(data)
    except (OSError, EOFError, zlib.error):  # spoiled already
        return mutated_bytes(data, [data], random)
    return gzip.compress(mutated(plain, [data], random), 1, mtime=0)


BLOCK = 512
"""Of a tar: a header takes one, what follows it whole ones."""


def _mutated_tar(data: bytes, random: Random) -> bytes:
    headers, at = [], 0
    while len(data) >= at + BLOCK and data[at : at + 1] != b"\0":
        headers.append(at)
        try:
            at += BLOCK + -(-int(data[at + 124 : at + 135], 8) // BLOCK) * BLOCK
        except ValueError:  # spoiled already
            break
    if not headers:
        return mutated_bytes(data, [data], random)
    at = random.choice(headers)
    header, rest = bytearray(data[at : at + BLOCK]), data[at + BLOCK :]
    match random.randrange(6):
        case 0:
            header[:100] = random.choice(EVIL_NAMES).encode().ljust(100, b"\0")
        case 1:
            header[156:157] = random.choice((b"0", b"1", b"2", b"3", b"5", b"7", b"g", b"x", b"L", b"K", b"S", b"V"))
        case 2:
            header[124:136] = b"%011o\0" % (abs(random.choice(EVIL_NUMBERS)) % 8**11)
        case 3:
            header[124:136] = b"\x80" + random.choice(EVIL_NUMBERS).to_bytes(11, "big", signed=True)
        case 4:
            header = bytearray(mutated_bytes(bytes(header), [data], random)[:BLOCK].ljust(BLOCK, b"\0"))
        case _:
            rest = mutated_bytes(rest, [data], random)
    header[148:156] = b"%06o\0 " % (sum(header) - sum(header[148:156]) + 8 * ord(" "))
    return data[:at] + bytes(header) + rest


GROUPS = {b"meta": 4, b"iprp": 0, b"ipco": 0, b"iinf": 6, b"iref": 4, b"jp2h": 0}
"""Boxes that hold boxes, and after how many bytes they begin."""


def _mutated_boxes(data: bytes, random: Random) -> bytes:
    """Of HEIF, AVIF and JPEG 2000: one box, whose length, and that of those around it, is then right."""
    boxes, at = [], 0
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + length if 8 <= length <= len(data) - at else len(data)  # others mean the end of the file
        boxes.append((kind, data[at + 8 : end]))
        at = end
    if not boxes:
        return mutated_bytes(data, [data], random)
    number = random.randrange(len(boxes))
    kind, body = boxes[number]
    start = GROUPS.get(kind)
    match random.randrange(8):
        case 0:
            del boxes[number]
        case 1:
            boxes.insert(random.randrange(len(boxes) + 1), boxes[number])
        case 2:
            boxes[number] = (random.choice(boxes)[0], body)
        case _ if start is not None and len(body) > start:
            boxes[number] = (kind, body[:start] + _mutated_boxes(body[start:], random))
        case _:
            boxes[number] = (kind, mutated_bytes(body, [data], random))
    return b"".join(struct.pack(">I4s", len(body) + 8, kind) + body for kind, body in boxes)


def _mutated_safetensors(data: bytes, random: Random) -> bytes:
    (length,) = struct.unpack_from("<Q", data)
    header, rest = data[8 : 8 + length], data[8 + length :]
    try:
        known = json.loads(header)
        facts = json.loads(known["__metadata__"]["facts"])
    except (ValueError, KeyError, TypeError, RecursionError):
        facts = None
    if facts is not None and random.random() < 0.6:
        known["__metadata__"]["facts"] = mutated_json(json.dumps(facts).encode(), random).decode(errors="replace")
        header = json.dumps(known).encode()
    elif random.random() < 0.2:
        rest = mutated_bytes(rest, [data], random)
    else:
        header = mutated_json(header, random)
    return struct.pack("<Q", len(header)) + header + rest


def mutated_json(data: bytes, random: Random) -> bytes:
    """A value somewhere in it replaced, removed, repeated, or exchanged for another of its values.

    Of several lines of JSON, one of them.
    """
    lines = data.splitlines()
    if len(lines) > 1 and lines[0][-1:] == b"}":
        number = random.randrange(len(lines))
        lines[number] = mutated_json(lines[number], random)
        return b"\n".join(lines) + b"\n"
    try:
        tree = json.loads(data)
    except (ValueError, RecursionError):
        return mutated_bytes(data, [data], random)
    places = list(_places(tree))
    if not places:
        return mutated_bytes(data, [data], random)
    group, key = random.choice(places)
    match random.randrange(6):
        case 0:
            del group[key]
        case 1:
            group[key] = _value(random.choice(places))
        case 2 if isinstance(group, dict):
            group[random.choice(("", "..", "\ud800", "a" * 1000, "unknown"))] = group.pop(key)
        case _:
            group[key] = random.choice(EVIL_VALUES)
    try:
        text = json.dumps(tree)
    except (ValueError, RecursionError):  # put into itself
        return mutated_bytes(data, [data], random)
    text = text.replace(f'"{DEEP}"', "[" * 100_000 + "]" * 100_000).replace(f'"{DIGITS}"', "9" * 5000)
    return text.encode()


def _places(tree: Any):
    """Every value's group and key or number."""
    for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ():
        yield tree, key
        yield from _places(value)


def _value(place: tuple[Any, Any]) -> Any:
    group, key = place
    return group[key]
