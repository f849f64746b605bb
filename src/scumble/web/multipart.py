"""Files out of a form that a browser sends, as they arrive: nothing is kept in memory, and nothing is written here.

Starlette's own parser writes each file whole into the system's temporary folder before anybody may look at it.
"""

from collections.abc import AsyncIterator
from typing import Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from scumble.web.answers import refuse

MAX_FIELD_BYTES = 65_536
"""Of what is no file: a few words."""

Part = str | bytes | None
"""The name of a file that begins, a piece of it, None at its end."""


async def files(request: Request) -> AsyncIterator[Part]:
    """The files of a form: of each its name, then its pieces, then None.

    What is no file is left out.

    Raises:
        RefusedError: if it is no form, or a broken one.
    """
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        refuse("wanted files, as a form sends them (multipart/form-data)", 415)
    try:
        reader = _Reader()
        parser = MultipartParser(options[b"boundary"], reader.callbacks())
        async for data in request.stream():
            parser.write(data)
            for part in reader.taken():
                yield part
        parser.finalize()
        if not reader.is_whole:
            refuse("the files did not arrive whole; send them again")
    except FormParserError:
        refuse("the files did not arrive whole; send them again")


class _Reader:
    """What the parser calls back; the parts of files that have been seen."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.header, self.value = bytearray(), bytearray()
        self.disposition = b""
        self.is_file = self.is_whole = False
        self.field_bytes = 0

    def callbacks(self) -> Any:
        return {
            "on_part_begin": self.part_begins,
            "on_header_field": lambda data, start, end: self.header.extend(data[start:end]),
            "on_header_value": lambda data, start, end: self.value.extend(data[start:end]),
            "on_header_end": self.header_ends,
            "on_headers_finished": self.headers_end,
            "on_part_data": self.data,
            "on_part_end": self.part_ends,
            "on_end": self.ends,
        }

    def taken(self) -> list[Part]:
        parts, self.parts = self.parts, []
        return parts

    def part_begins(self) -> None:
        self.disposition = b""

    def header_ends(self) -> None:
        if self.header.lower() == b"content-disposition":
            self.disposition = bytes(self.value)
        self.header.clear()
        self.value.clear()

    def headers_end(self) -> None:
        _, options = parse_options_header(self.disposition)
        self.is_file = b"filename" in options
        if self.is_file:
            self.parts.append(options[b"filename"].decode("utf-8", "replace"))

    def data(self, data: bytes, start: int, end: int) -> None:
        if self.is_file:
            self.parts.append(data[start:end])
            return
        self.field_bytes += end - start
        if self.field_bytes > MAX_FIELD_BYTES:
            refuse("this form holds more than files", 413)

    def part_ends(self) -> None:
        if self.is_file:
            self.parts.append(None)

    def ends(self) -> None:
        self.is_whole = True
