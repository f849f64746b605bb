"""The application: its parts in one table, and what they share.

The server never imports what computes: it keeps the order of the jobs, hands out files, and lets processes of their
own do the work.
"""

import asyncio
import contextlib
import importlib
import importlib.util
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles

from scumble.web.answers import HANDLERS
from scumble.web.guard import Guard
from scumble.web.settings import WebSettings
from scumble.web.uploads import Uploads

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
    """What the endpoints share, as `request.app.state.web`.

    Attributes:
        settings: of the page.
        uploads: the pictures that people gave.
        closing: set when the server is about to end: streams end with it.
    """

    settings: WebSettings
    uploads: Uploads
    closing: asyncio.Event = field(default_factory=asyncio.Event)


def create(settings: WebSettings) -> Starlette:
    """The application, whose home folder is made."""
    web = Web(settings, Uploads(settings))

    @contextlib.asynccontextmanager
    async def alive(_: Starlette) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await web.uploads.close()

    app = Starlette(
        routes=[*routes(), Mount("/static", StaticFiles(directory=Path(__file__).parent / "static"))],
        middleware=[Middleware(Guard, settings=settings)],
        exception_handlers=HANDLERS,
        lifespan=alive,
    )
    app.state.web = web
    return app


def routes() -> list[BaseRoute]:
    """The routes of all parts."""
    found: list[BaseRoute] = []
    for name in PARTS:
        if importlib.util.find_spec(name) is not None:
            module: Any = importlib.import_module(name)
            found += module.ROUTES
    return found
