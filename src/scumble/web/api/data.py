"""Data sets: which there are, what lies in the folders that are allowed, and archives that are uploaded."""

import shutil
import zipfile
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from scumble import paths
from scumble.data.sources.names import SUFFIXES
from scumble.web.answers import answer, refuse
from scumble.web.api.uploads import room
from scumble.web.app import web_of
from scumble.web.gan import places
from scumble.web.jobs.folder import clean_name
from scumble.web.multipart import files
from scumble.web.uploads import Arrived, arrived, shown

MAX_ARCHIVE_BYTES = 4_000_000_000


async def all_sets(request: Request) -> Response:
    """The data sets that are at hand, and the folders in which to look for others."""
    settings = web_of(request).settings
    roots = [{"id": f"root:{number}", "name": root.name or str(root)} for number, root in enumerate(settings.data)]
    return answer({"sets": places.sets(settings), "roots": roots})


async def listing(request: Request) -> Response:
    """What lies in an allowed folder."""
    settings = web_of(request).settings
    return answer(await run_in_threadpool(places.listing, request.path_params["id"], settings))


async def add(request: Request) -> Response:
    """Take in a .zip with pictures: a form of one file. An archive that is there already keeps its id."""
    web = web_of(request)
    most = min(MAX_ARCHIVE_BYTES, await room(request))
    folder = web.settings.home / "data"
    folder.mkdir(parents=True, exist_ok=True)
    parts = files(request)
    async for name in parts:
        called = shown(str(name))
        async with arrived(called, parts, folder, most) as file:
            _check(file, called)
            own = folder / file.sha256
            if not any(own.glob("*.zip")):
                own.mkdir(exist_ok=True)
                file.path.replace(own / paths.fitting(clean_name(called.removesuffix(".zip")), ".zip"))
        return answer({"id": f"zip:{file.sha256}", "name": called}, 201)
    return refuse("there is no file in this request")


async def remove(request: Request) -> Response:
    """Remove an archive that was uploaded; other data sets are not ours."""
    path = Path(places.resolve(request.path_params["id"], web_of(request).settings))
    if not request.path_params["id"].startswith("zip:"):
        refuse("only archives that were uploaded can be removed here")
    await run_in_threadpool(shutil.rmtree, path.parent)
    return Response(status_code=204)


def _check(file: Arrived, called: str) -> None:
    """Refuse what is no archive of pictures."""
    try:
        with zipfile.ZipFile(file.path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        refuse(f"{called} is no .zip, or is damaged; wanted a .zip with pictures", 422)
    if not any(name.lower().endswith(SUFFIXES) for name in names):
        refuse(f"{called} holds no pictures; wanted files such as {', '.join(SUFFIXES[:4])}", 422)


ROUTES = [
    Route("/api/data", all_sets),
    Route("/api/data", add, methods=["POST"]),
    Route("/api/data/{id:path}", listing),
    Route("/api/data/{id:path}", remove, methods=["DELETE"]),
]
