"""The files of jobs: pictures as they are or small, everything else for keeping.

What a job has made may hold what a stranger wrote into a picture: nothing but pictures and films is opened by a
browser as a part of our page.
"""

import contextlib
import hashlib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from scumble.web.answers import refuse
from scumble.web.api.uploads import side_of
from scumble.web.app import web_of

SHOWN = {
    ".jpg": "image/jpeg", ".png": "image/png", ".webp": "image/webp", ".gif": "image/gif", ".mp4": "video/mp4",
    ".json": "application/json", ".jsonl": "text/plain", ".csv": "text/plain", ".txt": "text/plain",
    ".html": "text/html",
}  # fmt: skip
"""What a browser may open, and as what."""

AT_ONCE_BYTES = 4_000_000

ALONE = {"content-security-policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"}
"""A report is a page of its own, without scripts, and may ask for nothing."""


async def show(request: Request) -> Response:
    """A file of a job: one that it lists. `side` has a picture made smaller; `download` has it kept by a browser."""
    web, id_, name = web_of(request), request.path_params["id"], request.path_params["name"]
    path = await run_in_threadpool(lambda: web.queue.folder_of(id_).file(name))
    if path is None:
        refuse("this job has no such file", 404)
    if "side" in request.query_params:
        copies = web.queue.folder_of(id_).path / "small"
        return FileResponse(await web.uploads.small(path, copies / _key(path, name), side_of(request)))
    kind = SHOWN.get(path.suffix.lower())
    headers = ALONE if kind == "text/html" else {}
    if kind is None or "download" in request.query_params:
        kind = "application/octet-stream"
        headers = headers | {"content-disposition": f"attachment; filename*=utf-8''{quote(path.name)}"}
    whole = None if kind == "video/mp4" else await run_in_threadpool(_whole, path)
    if whole is not None:
        return Response(whole, headers=headers, media_type=kind)
    return FileResponse(path, headers=headers, media_type=kind)


def _whole(path: Path) -> bytes | None:
    """A small file, read at once: a worker may put another in its place at any moment. None of a large one."""
    with _there(), path.open("rb") as file:
        data = file.read(AT_ONCE_BYTES + 1)
    return data if len(data) <= AT_ONCE_BYTES else None


def _key(path: Path, name: str) -> str:
    """What a small copy is called: another one when the file has become another."""
    with _there():
        written = path.stat().st_mtime_ns
    return hashlib.sha256(f"{written} {name}".encode(errors="surrogateescape")).hexdigest()[:32]


@contextlib.contextmanager
def _there() -> Iterator[None]:
    """Refuse a file that has just gone: a frame that gives way to others."""
    try:
        yield
    except FileNotFoundError:
        refuse("this job has no such file any more", 404)


ROUTES = [Route("/api/jobs/{id}/files/{name:path}", show)]
