"""The application: its parts in one table, and what they share.

The server never imports what computes: it keeps the order of the jobs, hands out files, and lets processes of their
own do the work.
"""

import asyncio
import contextlib
import importlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.routing import BaseRoute

from scumble.web.answers import HANDLERS
from scumble.web.guard import Guard
from scumble.web.jobs.queue import Queue
from scumble.web.jobs.supervisor import Supervisor
from scumble.web.live.client import Live
from scumble.web.settings import WebSettings
from scumble.web.uploads import ID, Uploads

PARTS = (
    "scumble.web.pages",
    "scumble.web.gan.pages",
    "scumble.web.api.uploads",
    "scumble.web.api.jobs",
    "scumble.web.api.files",
    "scumble.web.api.stream",
    "scumble.web.api.instant",
    "scumble.web.api.data",
    "scumble.web.api.models",
    "scumble.web.api.labels",
    "scumble.web.api.openapi",
)
"""Modules of pages and of the interface: each has its `ROUTES`."""


@dataclass
class Web:
    """What the endpoints share; see `web_of`.

    Attributes:
        settings: of the page.
        queue: of jobs.
        supervisor: of the workers.
        live: the process that answers at once.
        uploads: the pictures that people gave.
        closing: set when the server is about to end: streams end with it.
        streams: how many are open.
        states: how all jobs stood when they were last looked at, and when that was.
    """

    settings: WebSettings
    queue: Queue
    supervisor: Supervisor
    live: Live
    uploads: Uploads
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    streams: int = 0
    states: dict[str, dict[str, Any]] = field(default_factory=dict)
    looked: float = 0.0


def web_of(request: Request) -> Web:
    """What the endpoints share."""
    return request.app.state.web


def create(settings: WebSettings) -> Starlette:
    """The application, whose home folder is made; its workers live for as long as it does."""
    queue = Queue(settings.home)
    web = Web(settings, queue, Supervisor(queue), Live(settings.home), Uploads(settings, lambda: in_use(queue)))

    @contextlib.asynccontextmanager
    async def alive(_: Starlette) -> AsyncIterator[None]:
        web.supervisor.start()
        try:
            yield
        finally:
            web.closing.set()
            await web.uploads.close()
            await web.live.stop()
            await run_in_threadpool(web.supervisor.stop)

    app = Starlette(
        routes=routes(),
        middleware=[Middleware(Guard, settings=settings)],
        exception_handlers=HANDLERS,
        lifespan=alive,
    )
    app.state.web = web
    return app


def routes() -> list[BaseRoute]:
    """The routes of all parts."""
    return [route for name in PARTS for route in importlib.import_module(name).ROUTES]


def in_use(queue: Queue) -> set[str]:
    """The uploads that jobs name."""
    ids = (id_ for job in queue.folders() for given in job.facts["inputs"].values() for id_ in given)
    return {id_ for id_ in ids if ID.fullmatch(id_)}
