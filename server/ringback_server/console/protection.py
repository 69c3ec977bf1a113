"""What every request must be before a page sees it, and what every answer carries."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final

from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BODY: Final = 24 * 1024
"""Bytes: 1,600 characters take twelve each in a form, where they are emoji."""
LARGER_BODIES: Final = {"/opted-out/import": 96 * 1024}
"""Where a form may be larger: a list of numbers, of which each line takes some twenty bytes."""
_LARGEST_DROPPED: Final = 1024 * 1024
FORM: Final = "application/x-www-form-urlencoded"
_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    # Not "no-referrer": under it browsers send `Origin: null` with our own forms, and the exact origin is checked.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "Cache-Control": "no-store",
}
_METHODS: Final = ("GET", "HEAD", "POST")
_log = logging.getLogger(__name__)


class Guard:
    """Stands before the application: host, origin, method and size; security headers; no error with innards.

    Attributes:
        last: when the last request ended, on the monotonic clock; asking for `/health` does not count.
        open: requests under way, event streams among them.
    """

    def __init__(self, app: ASGIApp, port: int) -> None:
        self._app = app
        self._hosts = {f"{host}:{port}" for host in ("127.0.0.1", "localhost", "[::1]")}
        self.last = time.monotonic()
        self.open = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request, or pass it on and protect the answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        counts = scope["path"] != "/health"
        self.open += counts
        try:
            await self._handle(scope, receive, send)
        finally:
            self.open -= counts
            self.last = time.monotonic() if counts else self.last

    async def _handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def protect(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
            await send(message)

        refusal = self._refusal(scope)
        if refusal is None and scope["method"] == "POST":
            refusal, receive = await _read_body(receive, LARGER_BODIES.get(scope["path"], LARGEST_BODY))
        if refusal is not None:
            await refusal(scope, receive, protect)
            return
        try:
            await self._app(scope, receive, protect)
        except Exception as error:  # noqa: BLE001 - the edge: an error's text may hold what must not be told or logged
            _log.error("a request failed: %s", type(error).__name__)
            if not started:
                await _refuse(500, "The console failed. Nothing was decided by this request.")(scope, receive, protect)

    def _refusal(self, scope: Scope) -> Response | None:
        hosts = _values(scope, b"host")
        if len(hosts) != 1 or hosts[0] not in self._hosts:
            return _refuse(421, "This address is not the console's.")
        if scope["method"] not in _METHODS:
            return _refuse(405, "The console takes GET, HEAD and POST.", {"Allow": ", ".join(_METHODS)})
        if scope["method"] == "POST":
            return _refuse_post(scope, f"http://{hosts[0]}")
        return _refuse_reading(scope)


def _refuse_post(scope: Scope, origin: str) -> Response | None:
    if _values(scope, b"origin") != [origin]:
        return _refuse(403, "Only the console's own pages may post here.")
    if _values(scope, b"sec-fetch-site") not in ([], ["same-origin"]):
        return _refuse(403, "Only the console's own pages may post here.")
    kinds = _values(scope, b"content-type")
    kind, _, parameter = kinds[0].partition(";") if len(kinds) == 1 else ("", "", "")
    if kind.strip().lower() != FORM or parameter.strip().lower() not in {"", "charset=utf-8"}:
        return _refuse(415, "Only forms are taken here.")
    if _values(scope, b"content-encoding"):
        return _refuse(415, "Only plain forms are taken here.")
    return None


def _refuse_reading(scope: Scope) -> Response | None:
    """Other sites may link here, and nothing else: no frames, no pictures, no scripts of ours in theirs."""
    site = _values(scope, b"sec-fetch-site")
    foreign = any(value not in {"same-origin", "none"} for value in site)
    opened = _values(scope, b"sec-fetch-mode") == ["navigate"] and _values(scope, b"sec-fetch-dest") == ["document"]
    if foreign and not opened:
        return _refuse(403, "Other sites may not load this.")
    if _values(scope, b"transfer-encoding") or _values(scope, b"content-length") not in ([], ["0"]):
        return _refuse(400, "Reading takes no body.")
    return None


async def _read_body(receive: Receive, largest: int) -> tuple[Response | None, Receive]:
    """The whole body, if it is small enough, ready to be received again.

    Of a larger one some more is read and dropped: who still sends would not read the answer.
    """
    body = bytearray()
    size, more = 0, True
    while more and size <= _LARGEST_DROPPED:
        message = await receive()
        if message["type"] != "http.request":
            return _refuse(400, "The request broke off."), receive
        part = message.get("body", b"")
        size, more = size + len(part), message.get("more_body", False)
        if size <= largest:
            body += part
    if size > largest:
        return _refuse(413, "The form is too large.", {"Connection": "close"}), receive
    whole: list[Message] = [{"type": "http.request", "body": bytes(body), "more_body": False}]

    async def again() -> Message:
        return whole.pop() if whole else await receive()

    return None, again


def _refuse(status: int, text: str, headers: dict[str, str] | None = None) -> Response:
    return PlainTextResponse(f"{text}\n", status, headers)


def _values(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]
