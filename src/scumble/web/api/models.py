"""GANs: which there are, how their trainings go, and what they draw."""

import base64
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from scumble.errors import SettingsError
from scumble.gan.presets import PRESETS
from scumble.web.answers import Body, answer, refuse, with_body
from scumble.web.app import web_of
from scumble.web.gan import places, runs
from scumble.web.settings import WebSettings

Seed = Annotated[int, Field(strict=True, ge=0, lt=2**63)]
MEDIA = {".webp": "image/webp", ".gif": "image/gif", ".mp4": "video/mp4"}


class Drawn(Body):
    """Which pictures are to be drawn."""

    seeds: Annotated[list[Seed], Field(min_length=1, max_length=100, description="one a picture")]
    truncation: Annotated[float | None, Field(ge=0.05, description="latent values beyond it are redrawn")] = None
    of_class: Annotated[str | None, Field(alias="class", max_length=1000, description="one of the model's")] = None
    code: Annotated[str | None, Field(max_length=1000, description="category and numbers, such as 3,0.5")] = None


class Walked(Drawn):
    """A way through pictures."""

    between: Annotated[int, Field(strict=True, ge=1, description="steps from each to the next")] = 12
    closed: Annotated[bool, Field(strict=True, description="whether it returns to the first")] = False


class Filmed(Walked):
    """A film of a way."""

    seconds: Annotated[float, Field(ge=0.5, le=60)] = 6.0
    ending: Literal[".webp", ".gif", ".mp4"] = ".webp"


async def all_models(request: Request) -> Response:
    """All trainings of this page, and all models in the allowed folders."""
    return answer(await run_in_threadpool(runs.models, _settings(request)))


async def presets(_: Request) -> Response:
    """The methods that a training can use, by name: year, paper, what was new, and where they differ from it."""
    return answer(
        {name: {key: value for key, value in one._asdict().items() if key != "values"} for name, one in PRESETS.items()}
    )


async def model(request: Request) -> Response:
    """One of them."""
    folder = await run_in_threadpool(_folder, request)
    return answer(await run_in_threadpool(runs.facts, request.path_params["id"], folder, _settings(request)))


async def progress(request: Request) -> Response:
    """How its training went so far."""
    return answer(await run_in_threadpool(lambda: runs.progress(_folder(request))))


async def picture(request: Request) -> Response:
    """A picture to know it by."""
    return _file(runs.picture(_folder(request)))


async def grid(request: Request) -> Response:
    """What it drew after so many images."""
    return _file(runs.grid(_folder(request), request.path_params["images"]))


async def samples(request: Request, body: Drawn) -> Response:
    """Pictures of seeds: of each its seed, its class and a PNG in base64."""
    return answer(await _ask(request, "samples", body))


async def walk(request: Request, body: Walked) -> Response:
    """What lies between the pictures of seeds: frames, PNG in base64."""
    return answer(await _ask(request, "walk", body))


async def film(request: Request, body: Filmed) -> Response:
    """The same as a film."""
    made = await _ask(request, "film", body)
    name = {"Content-Disposition": f'attachment; filename="film{body.ending}"'}
    return Response(base64.b64decode(made["film"]), media_type=MEDIA[body.ending], headers=name)


def _settings(request: Request) -> WebSettings:
    return web_of(request).settings


def _folder(request: Request) -> Path:
    folder = Path(places.resolve(request.path_params["id"], _settings(request)))
    if not runs.is_gan(folder):
        raise SettingsError("this is no GAN; choose another")
    return folder


def _file(path: Path | None) -> Response:
    if path is None:
        refuse("this picture is not there yet", status=404)
    return FileResponse(path, headers={"Cache-Control": "no-cache"})


async def _ask(request: Request, name: str, body: Drawn) -> dict[str, Any]:
    """What the live process answers, which is given the model's folder in the place of its id."""
    folder = await run_in_threadpool(_folder, request)
    wanted = body.model_dump(by_alias=True) | {"model": str(folder)}
    with places.unnamed(str(folder)):
        return await web_of(request).live.ask(name, wanted)


ROUTES = [
    Route("/api/presets", presets),
    Route("/api/models", all_models),
    Route("/api/models/{id:path}/progress", progress),
    Route("/api/models/{id:path}/picture", picture),
    Route("/api/models/{id:path}/grids/{images:int}", grid),
    Route("/api/models/{id:path}/samples", with_body(Drawn, samples), methods=["POST"]),
    Route("/api/models/{id:path}/walk", with_body(Walked, walk), methods=["POST"]),
    Route("/api/models/{id:path}/film", with_body(Filmed, film), methods=["POST"]),
    Route("/api/models/{id:path}", model),
]
