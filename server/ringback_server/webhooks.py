"""What carriers send by themselves: `POST /webhooks/<carrier>`, read within limits, stored, and only then answered.

A carrier that signs nothing posts to `/webhooks/<carrier>/<token>`, a path that only it was told.

Anybody may reach this, so nothing here believes a request: not its host, not its size, not that it will ever end.
Whatever is wrong with one is answered by a status code alone. What it says is in no log.
"""

from __future__ import annotations

import asyncio
import logging
import re
import socket
from typing import TYPE_CHECKING, Final, cast

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from uvicorn.protocols.http.h11_impl import H11Protocol

from ringback.errors import CallbackRejected, NotFound, RingbackError
from ringback.model.news import CallbackRequest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager
    from typing import TypeAlias

    from starlette.requests import Request
    from uvicorn.protocols.http.h11_impl import RequestResponseCycle

    from ringback.opening import Ringback

    Using: TypeAlias = Callable[[], AbstractAsyncContextManager[Ringback]]

LARGEST_BODY: Final = 256 * 1024
"""Bytes: far more than any carrier sends."""
_LARGEST_DROPPED: Final = 1024 * 1024
HEADERS_S: Final = 10.0
"""How long the head of a request may take to arrive."""
BODY_S: Final = 10.0
"""How long its body may take to arrive."""
_RETRY_S: Final = 5
_BACKLOG: Final = 2048
_CONNECTIONS: Final = 1024
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}")
"""32 bytes in base64url, where a carrier signs nothing and is given a path that nobody can guess."""
_log = logging.getLogger(__name__)


def build(using: Using, base_url: str) -> Starlette:
    """The application.

    Args:
        using: holds the installation open; what it raises is one that cannot be used now.
        base_url: the address that carriers were given, without the path. Signatures may be over it.
    """

    async def take(request: Request) -> Response:
        carrier: str = request.path_params["carrier"]
        body = await _read(request, LARGEST_BODY)
        if isinstance(body, Response):
            return body
        asked = CallbackRequest(
            f"{base_url}/webhooks/{carrier}", _headers(request), body, request.path_params.get("token", "")
        )
        return await _store(using, carrier, asked)

    async def take_at_token(request: Request) -> Response:
        return await take(request) if _TOKEN.fullmatch(request.path_params["token"]) else Response(status_code=404)

    routes = [
        Route("/webhooks/{carrier}", take, methods=["POST"]),
        Route("/webhooks/{carrier}/{token}", take_at_token, methods=["POST"]),
        Route("/triggers/{name}", _trigger(using), methods=["POST"]),
        Route("/thinnest/sms", _provider(using), methods=["POST"]),
        Route("/health", _health, methods=["GET"]),
    ]
    application = Starlette(routes=routes)
    application.router.redirect_slashes = False  # a redirect would repeat the Host header
    return application


def _trigger(using: Using) -> Callable[[Request], Awaitable[Response]]:
    """What takes the requests of programs that start what a person allowed beforehand."""

    async def trigger(request: Request) -> Response:
        from ringback_server import triggering

        body = await _read(request, triggering.LARGEST_BODY)
        if isinstance(body, Response):
            return body
        return await triggering.fire(using, request.path_params["name"], _headers(request), body)

    return trigger


def _provider(using: Using) -> Callable[[Request], Awaitable[Response]]:
    """What takes the texts that a voice agent elsewhere sends during a call."""

    async def provide(request: Request) -> Response:
        from ringback_server import providing

        body = await _read(request, providing.LARGEST_BODY)
        return body if isinstance(body, Response) else await providing.provide(using, _headers(request), body)

    return provide


async def _read(request: Request, largest: int) -> bytes | Response:
    """The whole body, or the answer to one that is too large or too slow."""
    try:
        async with asyncio.timeout(BODY_S):
            body = await _body(request)
    except TimeoutError:
        return _closing(408)
    except ClientDisconnect:
        return _closing(400)
    return _closing(413) if body is None or len(body) > largest else body


async def _store(using: Using, carrier: str, asked: CallbackRequest) -> Response:
    """Hand it on; a success is told only for what is on the disk, or was there before."""
    try:
        async with using() as opened:
            await opened.inbound.callback(carrier, asked)
            answer = opened.inbound.answer(carrier)
    except NotFound:
        return Response(status_code=404)
    except CallbackRejected:
        return Response(status_code=401)
    except RingbackError as error:
        _log.warning("a callback could not be stored: %s", error.reason)
        return Response(status_code=503, headers={"Retry-After": str(_RETRY_S)})
    except Exception as error:  # noqa: BLE001 - the edge: an error's text may hold what must not be told or logged
        _log.error("a callback failed: %s", type(error).__name__)
        return Response(status_code=500)
    return Response(status_code=204) if answer is None else Response(answer[1], media_type=answer[0])


async def _health(_: Request) -> Response:
    return JSONResponse({"service": "ringback-serve"})


async def _body(request: Request) -> bytes | None:
    """The whole body, or `None` where it is too large.

    Of a larger one some more is read and dropped: who still sends would not read the answer.

    Raises:
        ClientDisconnect: it broke off.
    """
    body, size = bytearray(), 0
    async for part in request.stream():
        size += len(part)
        if size <= LARGEST_BODY:
            body += part
        elif size > _LARGEST_DROPPED:
            break
    return bytes(body) if size <= LARGEST_BODY else None


def _headers(request: Request) -> dict[str, str]:
    """Names in lower case. The values of a name that comes twice are put together: as a signature they fit nothing."""
    found: dict[str, str] = {}
    for name, value in request.scope["headers"]:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        found[key] = f"{found[key]}, {text}" if key in found else text
    return found


def _closing(status: int) -> Response:
    return Response(status_code=status, headers={"Connection": "close"})


def protocol() -> type[H11Protocol]:
    """HTTP/1.1 by uvicorn with an end to waiting: slow heads are dropped; of too many connections the oldest one is."""
    most = _most_connections()
    opened: dict[H11Protocol, None] = {}

    class Impatient(H11Protocol):
        _patience: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            while len(opened) >= most:
                oldest = next(iter(opened))
                del opened[oldest]
                oldest.transport.abort()
            opened[self] = None
            self._watch()

        def connection_lost(self, exc: Exception | None) -> None:
            opened.pop(self, None)
            self._stop_watching()
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            cycle = cast("RequestResponseCycle | None", self.cycle)
            if cycle is None or cycle.response_complete:
                self._watch()
            else:
                self._stop_watching()

        def _watch(self) -> None:
            if self._patience is None and not self.transport.is_closing():
                self._patience = self.loop.call_later(HEADERS_S, self.transport.abort)

        def _stop_watching(self) -> None:
            if self._patience is not None:
                self._patience.cancel()
                self._patience = None

    return Impatient


def _most_connections() -> int:
    """How many connections are held at once: half of the files that this process may open, which it raises first."""
    try:
        import resource
    except ImportError:  # Windows
        return _CONNECTIONS // 4
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * _CONNECTIONS if hard == resource.RLIM_INFINITY else min(2 * _CONNECTIONS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return min(_CONNECTIONS, wanted // 2)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises:
        OSError: the port is taken, or the address is not this machine's.
    """
    # The protocol is named because asyncio sends small answers at once only on sockets that say they are TCP.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener
