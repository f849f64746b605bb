"""A page's folder, an allowed folder with pictures and a model, and the interface with the live answers at hand."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette

from scumble import jobs
from scumble.web import answers
from scumble.web.api import data, labels, models
from scumble.web.jobs.queue import Queue
from scumble.web.live import process
from scumble.web.settings import WebSettings

LIVE = {name: jobs.load(home) for name, home in process.ANSWERS.items() if home.startswith("scumble.web.gan.")}


class Live:
    """What the live process answers, in this one."""

    async def ask(self, name: str, request: dict[str, Any]) -> dict[str, Any]:
        return LIVE[name](request)


def draw_pictures(folder: Path, count: int) -> None:
    """Grey squares of 8 x 8 pixels in two folders, dark ones and light ones."""
    random = np.random.default_rng(0)
    for number in range(count):
        kind, low = (("dark", 0), ("light", 128))[number % 2]
        (folder / kind).mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(low, low + 100, (8, 8), np.uint8)).save(folder / kind / f"{number}.png")


@pytest.fixture
def settings(tmp_path: Path) -> WebSettings:
    root = tmp_path / "pictures"
    draw_pictures(root / "squares", 12)
    (tmp_path / "home").mkdir()
    return WebSettings(home=tmp_path / "home", data=(root,))


class Client:
    """Sends requests to an application in this process, one after another."""

    def __init__(self, app: Starlette):
        self.transport = httpx.ASGITransport(app, raise_app_exceptions=False)

    def request(self, method: str, address: str, **options: Any) -> Any:
        async def answered() -> Any:
            async with httpx.AsyncClient(transport=self.transport, base_url="http://localhost") as client:
                return await client.request(method, address, **options)

        return asyncio.run(answered())

    def get(self, address: str) -> Any:
        return self.request("GET", address)

    def post(self, address: str, **options: Any) -> Any:
        return self.request("POST", address, **options)

    def delete(self, address: str) -> Any:
        return self.request("DELETE", address)


@pytest.fixture
def client(settings: WebSettings) -> Client:
    app = Starlette(routes=[*data.ROUTES, *models.ROUTES, *labels.ROUTES], exception_handlers=answers.HANDLERS)
    app.state.web = SimpleNamespace(settings=settings, live=Live(), queue=Queue(settings.home))
    return Client(app)
