"""What every endpoint answers with: JSON, and refusals that tell a person what to do.

A refusal is an exception, so that whatever goes wrong on the way to an answer ends in one place. What is a fault of
ours is told to nobody but the server's log.
"""

import json
import math
import os
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from scumble.errors import ScumbleError
from scumble.settings import complaint
from scumble.web.guard import HEADERS
from scumble.web.jobs.limits import FullError
from scumble.web.jobs.queue import MissingError, StateError
from scumble.web.live.client import SupersededError

STATUSES = {MissingError: 404, StateError: 409, FullError: 507, SupersededError: 409}
"""Of what the library and the queue refuse, where it is not simply wrong."""

MAX_JSON_BYTES = 1 << 20
"""Of a request: the settings of a job with all of its masks are some kilobytes."""

Record = TypeVar("Record", bound="Body")


class Body(BaseModel):
    """What a request brings, as a record: names that are not known are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class RefusedError(Exception):
    """A request that is not answered, and why.

    Attributes:
        message: for a person: what was got, what was wanted.
        status: of HTTP.
        field: the setting that is wrong, if it is one.
    """

    def __init__(self, message: str, status: int = 400, field: str | None = None):
        super().__init__(message)
        self.message, self.status, self.field = message, status, field


def refuse(message: str, status: int = 400, field: str | None = None) -> NoReturn:
    """Answer no.

    Raises:
        RefusedError: always.
    """
    raise RefusedError(message, status, field)


def answer(value: Any, status: int = 200) -> Response:
    """JSON, in letters that everything holds: a name may have some that are none."""
    return Response(json.dumps(value, allow_nan=False), status, media_type="application/json")


def with_body(record: type[Record], endpoint: Callable[[Request, Record], Awaitable[Response]]) -> Callable[..., Any]:
    """An endpoint that takes a record: the request's JSON, checked.

    The record stands on the result as `body`: the description of the interface is made from it.
    """

    async def checked(request: Request) -> Response:
        return await endpoint(request, await read(request, record))

    checked.__name__, checked.__doc__ = endpoint.__name__, endpoint.__doc__
    checked.body = record  # pyright: ignore[reportFunctionMemberAccess]
    return checked


async def read(request: Request, record: type[Record]) -> Record:
    """The record that a request brings.

    Raises:
        RefusedError: if it is none, or is too large.
    """
    value = await json_body(request)
    try:
        return record.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        if first["type"] == "extra_forbidden":
            refuse(f"unknown name {str(first['loc'][-1])[:60]!r}; wanted some of {', '.join(record.model_fields)}")
        names, words = complaint(record, first)
        refuse(f"{'.'.join(names)}: {words}", field=names[-1])


async def json_body(request: Request) -> Any:
    """The JSON that a request brings; an empty body is an empty object.

    Raises:
        RefusedError: if it is no JSON, or is too large.
    """
    data = bytearray()
    async for part in request.stream():
        data += part
        if len(data) > MAX_JSON_BYTES:
            refuse(f"this request is longer than {MAX_JSON_BYTES:,} bytes", 413)
    try:
        return json.loads(data, parse_float=_finite, parse_constant=_finite) if data else {}
    except (ValueError, RecursionError):
        refuse("this request is no JSON")


def _finite(text: str) -> float:
    """A number.

    Raises:
        ValueError: if it is none, or has no end.
    """
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, RefusedError)
    return answer({"error": error.message, "field": error.field}, error.status)


async def _failed(request: Request, error: Exception) -> Response:
    message = str(error).replace(
        f"{request.app.state.web.settings.home}{os.sep}", ""
    )  # where that is, is nobody's business
    status = next((code for kind, code in STATUSES.items() if isinstance(error, kind)), 400)
    name, colon, _words = message.partition(": ")  # the library begins with the setting's name, where one is wrong
    is_name = bool(colon) and name.replace("-", "_").replace(".", "_").isidentifier()
    return answer({"error": message, "field": name.replace("-", "_") if is_name else None}, status)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    told = {404: "there is nothing at this address", 405: "this address takes no such request"}
    return answer({"error": told.get(error.status_code, error.detail), "field": None}, error.status_code)


async def _gone(_: Request, error: Exception) -> Response:
    return Response(status_code=400)  # nobody reads it


async def _fault(_: Request, error: Exception) -> Response:
    words = {"error": "something went wrong here, and it is not your fault: see the server's log", "field": None}
    return JSONResponse(words, 500, HEADERS)  # who catches it stands outside of the guard


HANDLERS: dict[Any, Any] = {
    RefusedError: _refused,
    ScumbleError: _failed,
    HTTPException: _http,
    ClientDisconnect: _gone,
    Exception: _fault,
}
"""How an exception that leaves an endpoint is told."""
