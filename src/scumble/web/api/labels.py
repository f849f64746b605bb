"""Labels given by clicking, and what a classifier has sorted."""

import asyncio
import weakref
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from scumble.web.answers import Body, answer, refuse, with_body
from scumble.web.app import web_of
from scumble.web.gan import labels, places, sorting

AT_ONCE = 24
"""Small pictures are made so many at a time: the first of a page asks for them, and the others find them."""
_locks: weakref.WeakValueDictionary[Path, asyncio.Lock] = weakref.WeakValueDictionary()


class NewSet(Body):
    """The data set whose pictures are to be labelled."""

    data: Annotated[str, Field(max_length=1000, description="its id; see /api/data")]


class Classes(Body):
    """The names of all classes."""

    classes: Annotated[list[str], Field(max_length=1000)]


class Label(Body):
    """The class of a picture; null where nothing is known of it."""

    picture: Annotated[int, Field(strict=True, description="its number among those shown")]
    of_class: Annotated[int | None, Field(strict=True, alias="class", description="the class's number")]


async def all_sets(request: Request) -> Response:
    """All sets of labels."""
    return answer(labels.all_sets(_home(request)))


async def create(request: Request, body: NewSet) -> Response:
    """Begin to label pictures of a data set."""
    data = await run_in_threadpool(places.resolve, body.data, web_of(request).settings)
    with places.unnamed(data):
        about = await web_of(request).live.ask("choose", {"data": data, "count": labels.SHOWN})
    return answer(labels.create(_home(request), body.data, about), 201)


async def one(request: Request) -> Response:
    """A set, with the names of the pictures that are shown and the classes of those that have one."""
    return answer(labels.read(_home(request), request.path_params["id"]))


async def set_classes(request: Request, body: Classes) -> Response:
    """Name the classes: new ones at the end, others by their places."""
    return answer(labels.summary(labels.set_classes(_home(request), request.path_params["id"], body.classes)))


async def set_label(request: Request, body: Label) -> Response:
    """Say which class a picture has."""
    made = labels.set_label(_home(request), request.path_params["id"], body.picture, body.of_class)
    return answer(labels.summary(made))


async def remove(request: Request) -> Response:
    """Remove a set."""
    labels.remove(_home(request), request.path_params["id"])
    return Response(status_code=204)


async def table(request: Request) -> Response:
    """The labels as a table."""
    made = labels.read(_home(request), request.path_params["id"])
    name = {"Content-Disposition": 'attachment; filename="labels.csv"'}
    return Response(labels.table(made), media_type="text/csv; charset=utf-8", headers=name)


async def picture(request: Request) -> Response:
    """One of the pictures that are shown, small."""
    home, number = _home(request), request.path_params["number"]
    made = labels.read(home, request.path_params["id"])
    wanted = dict(enumerate(made["pictures"]))
    return await _small(request, labels.small(home, made, number), made["data"], wanted)


async def sorted_(request: Request) -> Response:
    """What a job has sorted: the classes, and the likeliest pictures of each."""
    return answer(await run_in_threadpool(lambda: sorting.by_class(sorting.rows(_sorted(request)))))


async def sorted_picture(request: Request) -> Response:
    """One of these pictures, small."""
    home, job, number = _home(request), request.path_params["job"], request.path_params["number"]
    wanted = {row.number: row.name for row in sorting.rows(_sorted(request))}
    (data,) = web_of(request).queue.folder_of(job).facts["inputs"]["data"]
    return await _small(request, sorting.small(home, job, number), data, wanted)


async def sorted_table(request: Request) -> Response:
    """All that a job has sorted, as a table."""
    return FileResponse(_sorted(request), media_type="text/csv; charset=utf-8", filename="labels.csv")


def _sorted(request: Request) -> Path:
    return sorting.table(web_of(request).settings, request.path_params["job"])


def _home(request: Request) -> Path:
    return web_of(request).settings.home


async def _small(request: Request, path: Path, data: str, names: dict[int, str]) -> Response:
    """The file of a small picture. Where it is not there yet, it is made, and its neighbours with it.

    Args:
        request: for the page's folder and the live process.
        path: of the file, which is called by the picture's number.
        data: the id of the data set.
        names: of all pictures, by number.
    """
    async with _locks.setdefault(path.parent, asyncio.Lock()):
        if not path.exists():
            first = int(path.stem) // AT_ONCE * AT_ONCE
            missing = {names[number]: f"{number}.jpg" for number in range(first, first + AT_ONCE) if number in names}
            folder = places.resolve(data, web_of(request).settings)
            wanted = {"data": folder, "folder": str(path.parent), "pictures": missing}
            with places.unnamed(folder):
                await web_of(request).live.ask("thumbnails", wanted)
    if not path.exists():
        refuse("this picture cannot be shown", status=404)
    return FileResponse(path, headers={"Cache-Control": "private, max-age=3600"})


ROUTES: list[Any] = [
    Route("/api/labels", all_sets),
    Route("/api/labels", with_body(NewSet, create), methods=["POST"]),
    Route("/api/labels/{id}", one),
    Route("/api/labels/{id}", remove, methods=["DELETE"]),
    Route("/api/labels/{id}/classes", with_body(Classes, set_classes), methods=["POST"]),
    Route("/api/labels/{id}/labels", with_body(Label, set_label), methods=["POST"]),
    Route("/api/labels/{id}/labels.csv", table),
    Route("/api/labels/{id}/pictures/{number:int}", picture),
    Route("/api/sorted/{job}", sorted_),
    Route("/api/sorted/{job}/labels.csv", sorted_table),
    Route("/api/sorted/{job}/pictures/{number:int}", sorted_picture),
]
