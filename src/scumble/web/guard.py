"""What stands before every request: whom the server talks to, and what a browser may do with its answers.

A page of some other site that is open in the same browser can send requests to this machine, too, and by a name of its
own that it lets point here ("DNS rebinding") even read the answers. So the name that a request asks for must be ours,
and what changes anything must come from our own pages. Where others can reach the server, they need the token.
"""

import asyncio
import hmac
import ipaddress
import re
import socket
import time
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, quote, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scumble.web.settings import LOCALHOST, WebSettings

COOKIE = "scumble-token"
COOKIE_SECONDS = 30 * 24 * 3600
SLOW_SECONDS = 30.0
"""So long a request may say nothing before it is over."""
LEAST_BYTES_PER_SECOND = 1000
"""What a request must bring on the average after that, or it only holds a place."""

HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' blob:; media-src 'self' blob:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "cache-control": "no-cache",
}
"""Of every answer that does not say otherwise. `no-cache`: kept, but asked for again each time."""

_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?")
_STRANGE = re.compile(r"[\x00-\x1f\x7f\\]|//|(^|/)\.\.?(/|$)")
"""Addresses that no page of ours has."""


class Guard:
    """Lets through what may come in, and completes the headers of what goes out.

    Args:
        app: what it stands before.
        settings: where the server listens, and its token.
    """

    def __init__(self, app: ASGIApp, settings: WebSettings):
        self.app = app
        self.token = settings.token
        self.names = own_names(settings.listen)
        self.any_address = settings.listen not in LOCALHOST

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or have it answered."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return

        async def complete(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        refusal = self.refusal(scope)
        await (refusal or self.app)(scope, patient(receive), complete)

    def refusal(self, scope: Scope) -> Response | None:
        """The answer to a request that does not get in; None to one that does."""
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self.is_own(hosts[0]):
            return PlainTextResponse("Open this page by the address that `scumble web` has printed.\n", 421)
        if _STRANGE.search(scope["path"]):
            return _no("there is nothing at this address", 404)
        if not is_from_own_page(scope, headers, hosts[0]):
            return _no("only the pages of this server may ask for this", 403)
        if self.token is not None:
            return self._without_token(scope, headers)
        return None

    def is_own(self, host: str) -> bool:
        """Whether a Host header names this server, whatever port it was reached by."""
        found = _HOST.fullmatch(host)
        if found is None:
            return False
        name = found[1].strip("[]").lower().rstrip(".")
        return name in self.names or (self.any_address and _is_address(name))

    def _without_token(self, scope: Scope, headers: Headers) -> Response | None:
        """The answer to who does not know the token. Who brings it in the address gets a cookie, and a clean address:
        an address is seen by others, and kept."""
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        if scope["method"] in ("GET", "HEAD") and any(n == "token" and self._is_token(value) for n, value in query):
            rest = urlencode([(name, value) for name, value in query if name != "token"])
            away = RedirectResponse(quote(scope["path"]) + (f"?{rest}" if rest else ""), 303)
            away.set_cookie(COOKIE, self.token or "", COOKIE_SECONDS, httponly=True, samesite="strict")
            return away
        bearer = headers.get("authorization", "").removeprefix("Bearer ")
        if self._is_token(bearer) or self._is_token(_cookie(headers)):
            return None
        return PlainTextResponse("Open this page by the address that `scumble web` has printed, with its token.\n", 401)

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode("utf-8", "replace"), (self.token or "").encode())


def own_names(listen: str) -> set[str]:
    """The names by which a server that listens there may be asked for."""
    names = {"localhost", "127.0.0.1", "::1"}
    if listen not in LOCALHOST:
        own = socket.gethostname().lower()
        names |= {listen.lower(), own, own.partition(".")[0], f"{own.partition('.')[0]}.local"}
    return names


def is_from_own_page(scope: Scope, headers: Headers, host: str) -> bool:
    """Whether a request is a program's or one of our own pages', as far as browsers tell.

    Browsers name the page that sends what changes anything (Origin), and newer ones its relation to us with every
    request (Sec-Fetch-Site). From elsewhere, a link to a page may be followed; nothing else.
    """
    is_safe = scope["method"] in ("GET", "HEAD")
    site, origins = headers.get("sec-fetch-site", "none"), [origin.lower() for origin in headers.getlist("origin")]
    # A page that tells no referrer sends its own forms from "null", too.
    own = {f"{scheme}://{host}".lower() for scheme in ("http", "https")} | (
        {"null"} if site == "same-origin" else set()
    )
    if len(origins) > 1 or not own.issuperset(origins):
        return False
    if site in ("none", "same-origin"):
        return True
    is_link = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
    return is_safe and is_link and not scope["path"].startswith("/api/")


def patient(receive: Receive, seconds: float = SLOW_SECONDS) -> Receive:
    """A request's body that comes in due time: one that stalls or trickles is over."""
    begin, got, whole = time.monotonic(), 0, False

    async def wait() -> Message:
        nonlocal got, whole
        if whole:  # now it is the client's end that is waited for
            return await receive()
        try:
            message = await asyncio.wait_for(receive(), seconds)
        except TimeoutError:
            return {"type": "http.disconnect"}
        got += len(message.get("body", b""))
        whole = not message.get("more_body", False)
        late = time.monotonic() - begin - seconds
        if not whole and late > 0 and got < late * LEAST_BYTES_PER_SECOND:
            return {"type": "http.disconnect"}
        return message

    return wait


def _is_address(name: str) -> bool:
    """Whether it is a number: nobody can let that point elsewhere."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _cookie(headers: Headers) -> str:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""


def _no(message: str, status: int) -> Response:
    return JSONResponse({"error": message, "field": None}, status)
