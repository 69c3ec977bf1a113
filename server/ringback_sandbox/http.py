"""What every HTTP face of the sandbox shares: reading JSON strictly, answering in JSON, closing a connection."""

import asyncio
import json
import socket
import struct
from typing import TYPE_CHECKING, Any, NoReturn

from starlette.responses import Response
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

LARGEST_BODY = 64 * 1024
# On, and for no time: a socket that is closed with this sends a reset instead of an orderly end.
_NO_LINGER = struct.pack("ii", 1, 0)


class MalformedError(ValueError):
    """The body is not what the route takes; its text says what is wrong."""


class JSONAnswer(Response):
    """A JSON answer; any text can be in it."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """`content` as ASCII JSON, so that no character in it can break a parser or a terminal."""
        return json.dumps(content, separators=(",", ":")).encode("ascii")


def parse_json(raw: bytes) -> Any:
    """Strict JSON in UTF-8 without NaN and without lone surrogates, which no database can store.

    Raises:
        MalformedError: it is anything else.
    """
    try:
        value = json.loads(raw.decode("utf-8"), parse_constant=_no_constant)
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        raise MalformedError("the body must be valid JSON in UTF-8") from None
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


async def json_object(request: "Request") -> dict[str, Any]:
    """The request's body as a JSON object.

    Raises:
        MalformedError: the body is no JSON object.
    """
    value = parse_json(await request.body())
    if not isinstance(value, dict):
        raise MalformedError("the body must be a JSON object")
    return value


def is_json(request: "Request") -> bool:
    """Whether the request says that its body is JSON."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"


class Connections:
    """The open connections by the client's address, so that one can be closed without an answer."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, int], asyncio.Transport] = {}

    def protocol(self) -> type[H11Protocol]:
        """The HTTP protocol of uvicorn protocol, keeping this register."""
        register = self._open

        class RegisteredProtocol(H11Protocol):
            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
                super().connection_made(transport)
                if self.client:
                    register[self.client] = transport

            def connection_lost(self, exc: Exception | None) -> None:
                if self.client:
                    register.pop(self.client, None)
                super().connection_lost(exc)

        return RegisteredProtocol

    def close(self, client: tuple[str, int], *, reset: bool) -> None:
        """Close the client's connection now: with a TCP reset, or with an end."""
        transport = self._open.get(client)
        if transport is not None:
            if reset:
                transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
            transport.abort()


class Close(Response):
    """No answer at all: the connection is held for a while, then closed.

    Args:
        connections: The register to close it through.
        closing: Set when the process ends; the connection is not held any longer then.
        hold_s: Real seconds to hold it.
        reset: Whether it ends with a TCP reset.
    """

    def __init__(
        self, connections: Connections, closing: asyncio.Event, hold_s: float = 0, *, reset: bool = False
    ) -> None:
        super().__init__()
        self._connections = connections
        self._closing = closing
        self._hold_s = hold_s
        self._reset = reset

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Hold, then close."""
        del send
        gone = asyncio.ensure_future(_disconnected(receive))
        closing = asyncio.ensure_future(self._closing.wait())
        await asyncio.wait({gone, closing}, timeout=self._hold_s, return_when=asyncio.FIRST_COMPLETED)
        closing.cancel()
        self._connections.close(scope["client"], reset=self._reset)
        await gone


async def _disconnected(receive: "Receive") -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
