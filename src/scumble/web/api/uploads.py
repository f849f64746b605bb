"""Pictures that are given, and those of the shelf."""

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from scumble.web.answers import answer, refuse
from scumble.web.multipart import files

SIDE = 2048
"""Of what is shown where nobody says how large."""


async def add(request: Request) -> Response:
    """Take in pictures: a form of one or several files. A picture that is there already keeps its id."""
    return answer(await request.app.state.web.uploads.take(files(request)), 201)


async def show(request: Request) -> Response:
    """A JPEG or PNG of a picture; `side` is about the pixels of its longer side, from 128 to 4096."""
    side = request.query_params.get("side", str(SIDE))
    if not (side.isascii() and side.isdigit() and len(side) <= 5):
        refuse("side: wanted a whole number", field="side")
    path = await request.app.state.web.uploads.copy(request.path_params["id"], int(side))
    if path is None:
        refuse("there is no such picture; it may have been removed since", 404)
    return FileResponse(path, headers={"cache-control": "private, max-age=31536000, immutable"})


ROUTES = [
    Route("/api/uploads", add, methods=["POST"]),
    Route("/api/uploads/{id}", show),
]
