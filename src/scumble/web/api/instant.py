"""What is answered at once: a preview, and what a picture will take, before anybody asks for it."""

import base64
from typing import Annotated, Any

from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from scumble.web.answers import Body, answer, with_body
from scumble.web.api.inputs import found
from scumble.web.api.jobs import Id
from scumble.web.app import web_of
from scumble.web.jobs.kinds import MOST_STYLES

Client = Annotated[str | None, Field(max_length=100, description="who asks: only the newest question is answered")]


class PlannedJob(Body):
    """A job that is not queued yet; see `NewJob`."""

    kind: Annotated[str, Field(max_length=60)]
    settings: dict[str, Any] = Field(default_factory=dict)
    inputs: dict[str, Annotated[list[Id], Field(max_length=500)]] = Field(default_factory=dict)
    client: Client = None


class Previewed(Body):
    """A photograph, and the paintings in whose style it is to be seen, by their ids."""

    content: Id
    styles: Annotated[list[Id], Field(min_length=1, max_length=MOST_STYLES)]
    settings: dict[str, Any] = Field(default_factory=dict)
    client: Client = None


async def plan(request: Request, body: PlannedJob) -> Response:
    """What a picture will take: {"width", "height", "memory_bytes", "seconds", "text"}."""
    inputs = await _files(request, body.inputs)
    wanted = {"kind": body.kind, "settings": body.settings, "inputs": inputs}
    return answer(await web_of(request).live.ask("plan", wanted, body.client))


async def preview(request: Request, body: Previewed) -> Response:
    """A small picture of what the settings lead to, at once: a JPEG.

    A question that the same client has followed by another is answered with status 409.
    """
    inputs = await _files(request, {"content": [body.content], "style": body.styles})
    web = web_of(request)
    made = await web.live.ask("preview", {"settings": body.settings, "inputs": inputs}, body.client)
    web.supervisor.wake(warm=True)  # who has seen it will want it painted; any sooner, the two would share the cores
    return Response(base64.b64decode(made["picture"]), media_type=made["type"], headers={"cache-control": "no-store"})


async def _files(request: Request, inputs: dict[str, list[str]]) -> dict[str, list[str]]:
    """Files by role, of ids by role."""
    web = web_of(request)
    given = await run_in_threadpool(found, inputs, web.uploads, web.settings)
    return {role: [str(one.source) for one in ones] for role, ones in given.items()}


ROUTES = [
    Route("/api/plan", with_body(PlannedJob, plan), methods=["POST"]),
    Route("/api/preview", with_body(Previewed, preview), methods=["POST"]),
]
