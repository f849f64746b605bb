"""Streams of server-sent events: of one job from any of its events on, and of how all jobs stand.

The events of a job lie in a file that its worker appends to: a stream reads it from where the client was, and follows.
So nothing is lost by a page that was closed, a connection that broke or a server that was started again.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from scumble.errors import ScumbleError
from scumble.web.answers import refuse
from scumble.web.app import Web, web_of

LOOK_SECONDS = 0.25
"""Between two looks at a job's events."""
STATES_SECONDS = 0.5
"""Between two looks at how all jobs stand."""
ALIVE_SECONDS = 15.0
"""Something is sent so often: who has gone is found out, and nobody between takes the connection for dead."""
MAX_STREAMS = 100
ENDED = ("done", "failed", "cancelled", "paused")


async def of_job(request: Request) -> Response:
    """The events of a job, from the one after `Last-Event-ID` (or `after`) on; `end` is the last.

    Each is an event of the command line's `--json`, with its number `n`, which is the id of the message, and its time.
    """
    web, id_ = web_of(request), request.path_params["id"]
    after = request.headers.get("last-event-id") or request.query_params.get("after") or "0"
    if not (after.isascii() and after.isdigit() and len(after) < 12):
        refuse("after: wanted the number of an event", field="after")
    job = await run_in_threadpool(web.queue.folder_of, id_)
    reader = web.queue.events(id_, int(after))

    async def messages() -> AsyncIterator[str]:
        while True:
            state = job.state().state if job.exists() else "deleted"
            records = reader.new()
            for record in records:
                yield message(record, record["n"])
            # What was told before it ended was there before it was said to have ended.
            if not records and (state in ENDED or state == "deleted"):
                yield message({"state": state}, event="end")
                return
            yield ""
            if await _closing_within(web, LOOK_SECONDS):
                return

    return _stream(web, messages())


async def of_all(request: Request) -> Response:
    """How every job stands, at once and whenever it changes: {"job", "state", "message", "order", "progress"}.

    A job that is gone is told as "deleted".
    """
    web = web_of(request)

    async def messages() -> AsyncIterator[str]:
        known: dict[str, Any] = {}
        while True:
            now = await states(web)
            for id_, told in now.items():
                if known.get(id_) != told:
                    yield message({"job": id_} | told)
            for id_ in known.keys() - now.keys():
                yield message({"job": id_, "state": "deleted"})
            known = now
            yield ""
            if await _closing_within(web, STATES_SECONDS):
                return

    return _stream(web, messages())


async def states(web: Web) -> dict[str, dict[str, Any]]:
    """How every job stands, looked at once for all streams."""
    if time.monotonic() - web.looked > STATES_SECONDS / 2:
        web.looked = time.monotonic()
        web.states = await run_in_threadpool(_look, web)
    return web.states


def _look(web: Web) -> dict[str, dict[str, Any]]:
    found = {}
    for id_, state in web.queue.states().items():
        waits_in_vain = state.state == "queued" and web.supervisor.trouble
        told = {"state": state.state, "message": waits_in_vain or state.message, "order": state.order}
        if state.state == "running":
            try:
                told["progress"] = web.queue.folder_of(id_).progress()
            except ScumbleError:  # deleted just now
                continue
        found[id_] = told
    return found


def message(data: Any, number: int | None = None, event: str | None = None) -> str:
    """A message of the stream.

    Example:
        >>> message({"a": 1}, 7)
        'id: 7\\ndata: {"a": 1}\\n\\n'
    """
    head = (f"id: {number}\n" if number is not None else "") + (f"event: {event}\n" if event else "")
    return f"{head}data: {json.dumps(data)}\n\n"


def _stream(web: Web, messages: AsyncIterator[str]) -> Response:
    if web.streams >= MAX_STREAMS:
        refuse("too many pages are open at once; close some of them", 503)
    return StreamingResponse(_alive(web, messages), media_type="text/event-stream")


async def _alive(web: Web, messages: AsyncIterator[str]) -> AsyncIterator[str]:
    """The messages, and in long silences a comment; counts the streams that are open."""
    web.streams += 1
    last = time.monotonic()
    try:
        yield ": scumble\n\n"
        async for one in messages:
            now = time.monotonic()
            if not one and now - last > ALIVE_SECONDS:
                one = ":\n\n"
            if one:
                last = now
                yield one
    finally:
        web.streams -= 1


async def _closing_within(web: Web, seconds: float) -> bool:
    """Wait; whether the server is about to end."""
    try:
        await asyncio.wait_for(web.closing.wait(), seconds)
    except TimeoutError:
        return False
    return True


ROUTES = [
    Route("/api/jobs/{id}/events", of_job),
    Route("/api/events", of_all),
]
