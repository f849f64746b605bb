"""GANs: which there are, how their trainings go, and what they draw."""

import base64
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from scumble.errors import SettingsError
from scumble.gan.presets import PRESETS
from scumble.web import answers
from scumble.web.app import web_of
from scumble.web.gan import places, runs
from scumble.web.settings import WebSettings

MEDIA = {".webp": "image/webp", ".gif": "image/gif", ".mp4": "video/mp4"}


async def all_models(request: Request) -> JSONResponse:
    """All trainings of this page, and all models in the allowed folders."""
    return JSONResponse(runs.models(_settings(request)))


async def presets(_: Request) -> JSONResponse:
    """The methods that a training can use, by name: year, paper, what was new, and where they differ from it."""
    return JSONResponse(
        {name: {key: value for key, value in one._asdict().items() if key != "values"} for name, one in PRESETS.items()}
    )


async def model(request: Request) -> JSONResponse:
    """One of them."""
    return JSONResponse(runs.facts(request.path_params["id"], _folder(request), _settings(request)))


async def progress(request: Request) -> JSONResponse:
    """How its training went so far."""
    return JSONResponse(runs.progress(_folder(request)))


async def picture(request: Request) -> Response:
    """A picture to know it by."""
    return _file(runs.picture(_folder(request)))


async def grid(request: Request) -> Response:
    """What it drew after so many images."""
    return _file(runs.grid(_folder(request), request.path_params["images"]))


async def samples(request: Request) -> JSONResponse:
    """Pictures of seeds."""
    return JSONResponse(await _ask(request, "samples"))


async def walk(request: Request) -> JSONResponse:
    """What lies between the pictures of seeds."""
    return JSONResponse(await _ask(request, "walk"))


async def film(request: Request) -> Response:
    """The same as a film."""
    wanted = await _wanted(request)
    ending = wanted.setdefault("ending", ".webp")
    made = await _live(request, "film", wanted)
    name = {"Content-Disposition": f'attachment; filename="film{ending}"'}
    return Response(base64.b64decode(made["film"]), media_type=MEDIA[ending], headers=name)


def _settings(request: Request) -> WebSettings:
    return web_of(request).settings


def _folder(request: Request) -> Path:
    folder = Path(places.resolve(request.path_params["id"], _settings(request)))
    if not runs.is_gan(folder):
        raise SettingsError("this is no GAN; choose another")
    return folder


def _file(path: Path | None) -> Response:
    if path is None:
        answers.refuse("this picture is not there yet", status=404)
    return FileResponse(path, headers={"Cache-Control": "no-cache"})


async def _ask(request: Request, name: str) -> dict[str, Any]:
    return await _live(request, name, await _wanted(request))


async def _live(request: Request, name: str, wanted: dict[str, Any]) -> dict[str, Any]:
    return await web_of(request).live.ask(name, wanted)


async def _wanted(request: Request) -> dict[str, Any]:
    """What is asked for, of the right types, with the model's folder in the place of its id."""
    body = await answers.json_body(request)
    wanted: dict[str, Any] = {"model": str(_folder(request))}
    for name, (kinds, default) in FIELDS.items():
        value = body.get(name, default)
        if isinstance(value, bool) is not (kinds is bool) or not isinstance(value, kinds):
            answers.refuse(f"{name} is not what it should be", field=name)
        wanted[name] = value
    if not all(isinstance(seed, int) and not isinstance(seed, bool) for seed in wanted["seeds"]):
        answers.refuse("seeds are whole numbers", field="seeds")
    return wanted | {name: body[name] for name in ("client",) if isinstance(body.get(name), str)}


FIELDS: dict[str, tuple[Any, Any]] = {
    "seeds": (list, []),
    "truncation": (int | float | None, None),
    "class": (str | None, None),
    "code": (str | None, None),
    "between": (int, 12),
    "closed": (bool, False),
    "seconds": (int | float, 6.0),
    "ending": (str, ".webp"),
}
"""What may be asked for: types, and what it is otherwise."""

ROUTES = [
    Route("/api/presets", presets),
    Route("/api/models", all_models),
    Route("/api/models/{id:path}/progress", progress),
    Route("/api/models/{id:path}/picture", picture),
    Route("/api/models/{id:path}/grids/{images:int}", grid),
    Route("/api/models/{id:path}/samples", samples, methods=["POST"]),
    Route("/api/models/{id:path}/walk", walk, methods=["POST"]),
    Route("/api/models/{id:path}/film", film, methods=["POST"]),
    Route("/api/models/{id:path}", model),
]
