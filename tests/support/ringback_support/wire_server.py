"""A carrier's HTTP server on a real socket, which answers, or fails, exactly as a test says."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable, Mapping


@dataclass(frozen=True)
class Request:
    """One request as it came over the wire."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    def json(self) -> Any:
        return json.loads(self.body) if self.body else None

    def content(self) -> Any:
        """The body as JSON, or the fields of a form; a field that comes several times is a list."""
        if self.headers.get("content-type", "").partition(";")[0] != "application/x-www-form-urlencoded":
            return self.json()
        fields = parse_qs(self.body.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict")
        return {name: values if len(values) > 1 else values[0] for name, values in fields.items()}


@dataclass(frozen=True)
class Reply:
    """What goes back: bytes, in parts, and how the connection ends.

    `end` is `close`, `reset` (with a TCP RST) or `hold` (open until the client goes). With `unread` the body of the
    request is not read before the reply.
    """

    parts: tuple[bytes, ...] = ()
    end: str = "close"
    unread: bool = False
    pause_s: float = 0.0


@dataclass
class WireServer:
    """The server: `respond` decides on each request, `requests` holds what came."""

    respond: Callable[[Request], Reply]
    tls: ssl.SSLContext | None = None
    url: str = ""
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    _server: asyncio.Server | None = None
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    def posts(self) -> list[Request]:
        return [request for request in self.requests if request.method == "POST"]

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=2**20, ssl=self.tls)
        scheme = "http" if self.tls is None else "https"
        self.url = f"{scheme}://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def stop_listening(self) -> None:
        """From now on connections are refused."""
        assert self._server is not None
        self._server.close()

    async def end(self) -> None:
        self.stop_listening()
        for writer in list(self._writers):
            writer.transport.abort()
        await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await self._exchange(reader, writer)
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, _, rest = head[0].partition(" ")
        pairs = (line.partition(":") for line in head[1:] if line)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        bare = Request(method, rest.rpartition(" ")[0], headers, b"")
        at = len(self.requests)
        self.requests.append(bare)  # it counts from here on, even if its sender is killed before the body came
        reply = self.respond(bare)
        length = 0 if reply.unread else int(headers.get("content-length", "0"))
        self.requests[at] = Request(method, bare.target, headers, await reader.readexactly(length))
        for part in reply.parts:
            writer.write(part)
            await writer.drain()
            if reply.pause_s:
                await asyncio.sleep(reply.pause_s)
        if reply.end == "hold":
            await reader.read()
        elif reply.end == "reset":
            connection = writer.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            writer.close()
            await writer.wait_closed()


def reply(status: int = 200, body: Any = None, headers: Mapping[str, str] | None = None) -> Reply:
    """A whole answer; anything but bytes goes as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = {"Content-Type": "application/json", **(headers or {})}
    lines = [f"HTTP/1.1 {status} Any", *(f"{name}: {value}" for name, value in given.items())]
    head = "\r\n".join([*lines, f"Content-Length: {len(content)}", "Connection: close", "", ""])
    return Reply((head.encode("latin-1") + content,))


def half(status: int, body: bytes) -> Reply:
    """An answer that promises twice as much as it brings."""
    head = f"HTTP/1.1 {status} Any\r\nContent-Type: application/json\r\nContent-Length: {2 * len(body)}\r\n\r\n"
    return Reply((head.encode() + body,))


@asynccontextmanager
async def wire_server(
    respond: Callable[[Request], Reply], *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[WireServer]:
    """A server for the length of a test."""
    server = WireServer(respond, tls)
    await server.start()
    try:
        yield server
    finally:
        await server.end()
