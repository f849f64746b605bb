"""A client of the page's application in the same process: quick, and nothing but the server runs."""

import contextlib
import warnings
from collections.abc import Iterator

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # starlette would rather have another package beneath it
    from starlette.testclient import TestClient

from scumble.web.app import create
from scumble.web.settings import WebSettings


class NoWorkers:
    """In the place of the supervisor: what is queued stays so, and no process is started."""

    trouble: str | None = None

    def start(self) -> None:
        pass

    stop = start

    def wake(self, warm: bool = False) -> None:
        pass


@contextlib.contextmanager
def opened(settings: WebSettings, address: str = "http://127.0.0.1:8282") -> Iterator[TestClient]:
    """A client without workers; `client.app.state.web` is what the endpoints share."""
    app = create(settings)
    app.state.web.supervisor = NoWorkers()
    app.state.web.live.warm = lambda: None  # whoever asks starts it
    with TestClient(app, base_url=address, raise_server_exceptions=False, follow_redirects=False) as client:
        yield client
