"""The interface described: for programs as OpenAPI, for people as a page. Both are made of the endpoints themselves.

What an endpoint does is its docstring; what it takes is the record that it is given; the settings of a job are those
of its class.
"""

import inspect
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from scumble import __version__, jobs
from scumble.web import pages
from scumble.web.answers import answer
from scumble.web.jobs.kinds import KINDS

ABOUT = (
    "What the page does, a program can do: add pictures, add a job, follow its events, fetch its result. Errors are "
    '{"error": words for a person, "field": the setting that is wrong, or null}. Where the page has a token, send it '
    "as `Authorization: Bearer TOKEN`."
)
EXAMPLE = """\
curl -F files=@photo.jpg -F files=@painting.jpg http://127.0.0.1:8282/api/uploads
curl -H 'Content-Type: application/json' http://127.0.0.1:8282/api/jobs \\
     -d '{"kind": "stylize", "settings": {"size": 512}, "inputs": {"content": ["ID"], "style": ["ID"]}}'
curl -N http://127.0.0.1:8282/api/jobs/ID/events
curl -O http://127.0.0.1:8282/api/jobs/ID/files/result/NAME"""


class Operation(NamedTuple):
    """One thing that can be asked for."""

    method: str
    path: str
    name: str
    summary: str
    more: str
    body: type[BaseModel] | None


def operations(routes: list[Any]) -> Iterator[Operation]:
    """Everything that can be asked for, from the routes of the interface."""
    for route in routes:
        if isinstance(route, Route) and route.path.startswith("/api/"):
            path = re.sub(r"{(\w+):\w+}", r"{\1}", route.path)
            summary, _, more = (inspect.getdoc(route.endpoint) or "").partition("\n\n")
            body = getattr(route.endpoint, "body", None)
            for method in sorted((route.methods or set()) - {"HEAD"}):
                yield Operation(method.lower(), path, route.name, " ".join(summary.split()), more, body)


def describe(routes: list[Any]) -> dict[str, Any]:
    """The interface, as OpenAPI 3.1 has it."""
    schemas: dict[str, Any] = {}
    described: dict[str, Any] = {}
    for one in operations(routes):
        described.setdefault(one.path, {})[one.method] = _operation(one, schemas)
    for kind in KINDS:
        _add(schemas, f"settings of {kind}".replace(" ", "-"), jobs.load(KINDS[kind].settings))
    return {
        "openapi": "3.1.0",
        "info": {"title": "scumble", "version": __version__, "description": ABOUT},
        "paths": described,
        "components": {"schemas": schemas},
    }


def _operation(one: Operation, schemas: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {
        "operationId": f"{one.method}-{one.path.strip('/')}".translate({ord("/"): "-", ord("{"): None, ord("}"): None}),
        "summary": one.summary,
        "responses": {"2XX": {"description": "done"}, "4XX": {"description": "refused; see `error`"}},
    }
    if one.more:
        told["description"] = one.more
    if names := re.findall(r"{(\w+)}", one.path):
        text = {"type": "string"}
        told["parameters"] = [{"name": name, "in": "path", "required": True, "schema": text} for name in names]
    if one.body is not None:
        _add(schemas, one.body.__name__, one.body)
        schema = {"$ref": f"#/components/schemas/{one.body.__name__}"}
        told["requestBody"] = {"content": {"application/json": {"schema": schema}}}
    return told


def _add(schemas: dict[str, Any], name: str, record: type[BaseModel]) -> None:
    schema = record.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= schema.pop("$defs", {})
    schemas[name] = schema


async def openapi(request: Request) -> Response:
    """This interface, as OpenAPI describes it."""
    return answer(await run_in_threadpool(describe, request.app.routes))


async def page(request: Request) -> Response:
    """This interface, for people to read."""
    return pages.render(
        request, "api.html", "api", operations=list(operations(request.app.routes)), about=ABOUT, example=EXAMPLE
    )


ROUTES = [
    Route("/openapi.json", openapi),
    Route("/api", page),
]
