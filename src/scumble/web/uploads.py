"""The pictures that people give: each once, by the digest of its bytes, whatever it was called.

A file arrives in pieces and is written as it does. Its name is for people to read: no path is ever made of it.
"""

import contextlib
import hashlib
import json
import re
import secrets
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, NamedTuple

from scumble import paths
from scumble.errors import ImageError
from scumble.web.answers import refuse
from scumble.web.jobs.limits import GIVEN
from scumble.web.looker import PICTURE, Looker
from scumble.web.multipart import Part
from scumble.web.settings import WebSettings

ID = re.compile(r"[0-9a-f]{64}")
SIDES = (128, 256, 512, 1024, 2048, 4096)
"""Of the copies that browsers show; a wanted one is the next larger of these."""
AT_ONCE = (512, 2048)
"""Those that are made when a picture arrives."""
MAX_FILES = 100
"""Of one request."""
MAX_NAME = 120


class Arrived(NamedTuple):
    """A file that has arrived whole: where it lies for now, its digest, and how long it is."""

    path: Path
    sha256: str
    bytes_: int


@contextlib.asynccontextmanager
async def arrived(name: str, parts: AsyncIterator[Part], folder: Path, max_bytes: int) -> AsyncIterator[Arrived]:
    """Write a file as it arrives, for a block in which it can be moved to its place; else it is removed.

    Args:
        name: what it is called, for people.
        parts: its pieces, and None.
        folder: where to; its name there is made up.
        max_bytes: larger ones are refused.

    Raises:
        RefusedError: if it is too large.
    """
    path = folder / f"{secrets.token_hex(16)}.part"
    digest, size = hashlib.sha256(), 0
    try:
        with path.open("xb") as file:
            async for part in parts:
                if part is None:
                    break
                assert isinstance(part, bytes)
                size += len(part)
                if size > max_bytes:
                    refuse(f"{name} is larger than {max_bytes / 1e6:,.0f} MB; wanted a smaller file", 413)
                file.write(part)
                digest.update(part)
        yield Arrived(path, digest.hexdigest(), size)
    finally:
        path.unlink(missing_ok=True)


class Uploads:
    """A folder of pictures, each with what is known about it and small copies beside it.

    Args:
        settings: the page's home, and its limits.
        in_use: the ids that jobs name: those stay, however old they are.
    """

    def __init__(self, settings: WebSettings, in_use: Callable[[], set[str]] = set):
        self.settings, self.in_use = settings, in_use
        self.folder = settings.home / "uploads"
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in GIVEN:
            for left in (settings.home / name).glob("*.part"):  # of a server that was killed
                left.unlink(missing_ok=True)
        self.looker = Looker()

    async def take(self, parts: AsyncIterator[Part]) -> list[dict[str, Any]]:
        """Take in files as they arrive.

        Args:
            parts: of each file its name, its pieces, and None.

        Returns:
            What is known about each.

        Raises:
            RefusedError: if there are too many, or one is too large; those before it are kept.
            ImageError: if one is no picture.
        """
        taken = []
        self.looker.warm()
        async for name in parts:
            if len(taken) == MAX_FILES:
                refuse(f"these are more than {MAX_FILES} files; send some of them first", 413)
            called = shown(str(name))
            async with arrived(called, parts, self.folder, self.settings.max_upload_bytes) as file:
                taken.append(await self._keep(file, called))
        if not taken:
            refuse("there is no file in this request")
        return taken

    async def _keep(self, file: Arrived, name: str) -> dict[str, Any]:
        known = self.find(file.sha256)
        if known is None:
            copies = {side: self.folder / f"{file.sha256}.{side}" for side in AT_ONCE}
            try:
                known = await self.looker.look(file.path, copies, self.settings.max_upload_pixels)
            except ImageError as error:
                refuse(str(error).replace(PICTURE, name), 422)
            file.path.replace(self.folder / file.sha256)
            self._make_room()
        known = {"id": file.sha256} | known | {"name": name, "bytes": file.bytes_}
        paths.write_atomically(self.folder / f"{file.sha256}.json", json.dumps(known).encode())
        return known

    def find(self, id_: str) -> dict[str, Any] | None:
        """What is known about an upload; None if there is none of this id."""
        if not ID.fullmatch(id_):
            return None
        with contextlib.suppress(OSError, ValueError):
            return json.loads((self.folder / f"{id_}.json").read_bytes())
        return None

    def path(self, id_: str) -> Path | None:
        """The file of an upload; None if there is none of this id."""
        return self.folder / id_ if self.find(id_) is not None else None

    async def copy(self, id_: str, side: int) -> Path | None:
        """A JPEG or PNG of an upload that browsers show; None if there is none of this id. See `small`."""
        if self.find(id_) is None:
            return None
        return await self.small(self.folder / id_, self.folder / id_, side)

    async def small(self, picture: Path, copies: Path, side: int) -> Path:
        """A JPEG or PNG of a picture, which is made where it is not there.

        Args:
            picture: the file.
            copies: where its copies are: their names begin so.
            side: pixels of the square that it has to fill one way; it may be larger; at most the last of `SIDES`.

        Raises:
            ImageError: if it cannot be made.
        """
        side = next((one for one in SIDES if one >= side), SIDES[-1])
        stem = copies.with_name(f"{copies.name}.{side}")
        made = [stem.with_name(stem.name + ending) for ending in (".jpg", ".png")]
        if not any(path.exists() for path in made):
            with contextlib.suppress(OSError):  # its job has just been deleted
                stem.parent.mkdir(exist_ok=True)
            await self.looker.look(picture, {side: stem}, self.settings.max_upload_pixels)
        return next(path for path in made if path.exists())

    async def close(self) -> None:
        """End the process that looks at pictures."""
        await self.looker.close()

    def _make_room(self) -> None:
        """Remove the oldest that no job names, where there are more than are kept."""
        known = sorted(self.folder.glob("*.json"), key=lambda path: path.stat().st_mtime)
        over = len(known) + 1 - self.settings.max_uploads
        if over <= 0:
            return
        in_use = self.in_use()
        for id_ in [path.stem for path in known if path.stem not in in_use][:over]:
            for path in (self.folder / f"{id_}.json", self.folder / id_, *self.folder.glob(f"{id_}.*")):
                path.unlink(missing_ok=True)


def shown(name: str) -> str:
    """What a file is called, to be read: its last part, without what cannot be printed.

    Example:
        >>> shown("../../etc/passwd"), shown("")
        ('passwd', 'picture')
    """
    last = re.split(r"[/\\\\]", name)[-1]
    return "".join(letter for letter in last if letter.isprintable()).strip()[:MAX_NAME] or "picture"
