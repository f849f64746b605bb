"""The server as a process: its socket, its patience, its end.

What uvicorn leaves open is closed here: a client that never ends its request, or never reads its answer, holds a
connection for ever.
"""

import asyncio
import contextlib
import logging
import socket
import time
from collections.abc import Callable

import uvicorn
from filelock import FileLock, Timeout
from h11 import LocalProtocolError
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol

from scumble import paths
from scumble.errors import ScumbleError, reason
from scumble.web.app import create
from scumble.web.settings import LOCALHOST, WebSettings

ADDRESS = "address"
"""The file in its home that tells where a server is."""
MAX_CONNECTIONS = 200
ASKING_SECONDS = 20.0
"""So long a connection may be open without a whole request."""
READING_SECONDS = 60.0
"""So long a client may read nothing of its answer."""
ENDING_SECONDS = 3
"""What answers may still take when the server ends."""


class PatientProtocol(H11Protocol):
    """HTTP for clients that may be slow, or up to something."""

    asking_since: float | None = None
    stalled = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Take in a part of a request; its parts do not lengthen the time that all of it may take."""
        try:
            super().data_received(data)
        except LocalProtocolError:  # nonsense, while it is being answered
            self.transport.abort()
        if self.cycle is None or self.cycle.response_complete:
            self._wait()
        else:
            self.asking_since = None

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        self.asking_since = None
        super().on_response_complete()

    def pause_writing(self) -> None:
        """Wait for the client to read."""
        super().pause_writing()
        self.stalled = self.loop.call_later(READING_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """The client reads."""
        super().resume_writing()
        if self.stalled is not None:
            self.stalled.cancel()

    def _wait(self) -> None:
        now = time.monotonic()
        if self.asking_since is None:
            self.asking_since = now
        self._unset_keepalive_if_required()
        left = max(0.0, self.asking_since + ASKING_SECONDS - now)
        self.timeout_keep_alive_task = self.loop.call_later(left, self.timeout_keep_alive_handler)


class Server(uvicorn.Server):
    """Ends the streams of events before it waits for what is still being answered."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End."""
        app = self.config.app
        assert isinstance(app, Starlette)
        app.state.web.closing.set()
        await super().shutdown(sockets)


def serve(settings: WebSettings, ready: Callable[[str], None]) -> None:
    """Serve the page until Ctrl-C.

    Args:
        settings: where, and what.
        ready: called with the page's address once it can be asked for.

    Raises:
        ScumbleError: if the address cannot be used, or another server has this home.
    """
    logging.getLogger("python_multipart").addHandler(logging.NullHandler())  # what it warns of, the sender is told
    with only_one(settings), listening(settings) as server_socket:
        config = uvicorn.Config(
            create(settings),
            http=PatientProtocol,
            ws="none",
            loop="asyncio",
            log_level="error",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=MAX_CONNECTIONS,
            timeout_graceful_shutdown=ENDING_SECONDS,
        )
        where = address(settings, server_socket.getsockname()[1])
        paths.write_atomically(settings.home / ADDRESS, where.partition("?")[0].encode())
        ready(where)
        with contextlib.suppress(KeyboardInterrupt):  # that is how it ends
            Server(config).run([server_socket])


def address(settings: WebSettings, port: int) -> str:
    """What to open in a browser."""
    anywhere = settings.listen in ("0.0.0.0", "::")
    host = socket.gethostname() if anywhere else settings.listen
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}/" + (f"?token={settings.token}" if settings.token else "")


@contextlib.contextmanager
def listening(settings: WebSettings):
    """A socket that listens where it was asked for.

    Raises:
        ScumbleError: if there is no such address, or the port is taken.
    """
    family = socket.AF_INET6 if ":" in settings.listen else socket.AF_INET
    try:
        server_socket = socket.create_server((settings.listen, settings.port), family=family, backlog=128)
    except (OSError, UnicodeError) as error:
        hint = "--port 0 finds a free one" if settings.listen in LOCALHOST else None
        raise ScumbleError(
            f"port {settings.port} of {settings.listen} cannot be used: {reason(error)}", hint
        ) from error
    with server_socket:
        yield server_socket


@contextlib.contextmanager
def only_one(settings: WebSettings):
    """Keep a home to one server.

    Raises:
        ScumbleError: if another one has it, or it cannot be written to.
    """
    try:
        settings.home.mkdir(0o700, parents=True, exist_ok=True)  # what people paint is their own affair
        lock = FileLock(settings.home / "server.lock", blocking=False)
        lock.acquire()
    except Timeout:
        with contextlib.suppress(OSError):
            raise ScumbleError(f"it is running already: {(settings.home / ADDRESS).read_text()}") from None
        raise ScumbleError(f"it is running already, with {settings.home}") from None
    except OSError as error:
        raise ScumbleError(f"{settings.home} cannot be written to: {reason(error)}") from error
    try:
        yield
    finally:
        lock.release()
