"""Pictures that are given, and those of the shelf."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from scumble.web import shelf
from scumble.web.answers import answer, refuse
from scumble.web.api.inputs import painting
from scumble.web.app import web_of
from scumble.web.jobs import limits
from scumble.web.multipart import files

SIDE = 2048
"""Of what is shown where nobody says how large."""
FOR_GOOD = {"cache-control": "private, max-age=31536000, immutable"}
"""What an id names is always the same."""


async def add(request: Request) -> Response:
    """Take in pictures: a form of one or several files. A picture that is there already keeps its id."""
    web = web_of(request)
    await room(request)
    web.live.warm()  # who gives a picture will soon want to see it painted
    return answer(await web.uploads.take(files(request)), 201)


async def show(request: Request) -> Response:
    """A JPEG or PNG of a picture; `side` is about the pixels of its longer side, from 128 to 4096."""
    id_, side = request.path_params["id"], side_of(request)
    if id_.startswith(shelf.PREFIX):
        return FileResponse(painting(id_), headers=FOR_GOOD)
    path = await web_of(request).uploads.copy(id_, side)
    if path is None:
        refuse("there is no such picture; it may have been removed since", 404)
    return FileResponse(path, headers=FOR_GOOD)


async def on_shelf(request: Request) -> Response:
    """The paintings that come with scumble."""
    return answer(await run_in_threadpool(shelf.shelf))


async def room(request: Request) -> int:
    """The bytes that may still be taken in.

    Raises:
        FullError: if there are none.
    """
    queue = web_of(request).queue

    def work() -> int:
        use = limits.check(queue.home, queue.folders(), 0)
        return min(use["limits"]["disk_bytes"] - use["total"], use["free"] - use["limits"]["free_bytes"])

    return await run_in_threadpool(work)


def side_of(request: Request) -> int:
    """How large a picture is wanted.

    Raises:
        RefusedError: if that is no whole number.
    """
    side = request.query_params.get("side", str(SIDE))
    if not (side.isascii() and side.isdigit() and len(side) <= 5):
        refuse("side: wanted a whole number", field="side")
    return int(side)


ROUTES = [
    Route("/api/uploads", add, methods=["POST"]),
    Route("/api/uploads/{id}", show),
    Route("/api/shelf", on_shelf),
]
