"""MCP over standard input and output: one JSON-RPC message a line.

The streams here take the place of the SDK's `stdio_server`, which passes each line through worker threads and two more
queues. They read and write the pipes on the event loop, answer what cannot be read instead of dropping it, read nothing
new while the client does not read, and let calls that are under way finish when the client leaves.
"""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING, Any, Self

import anyio
import mcp_types
from mcp.shared.message import SessionMessage

from ringback_server.start import open_sink, open_source, stopped_by_signals

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType

    from mcp.server.lowlevel import Server
    from mcp.server.models import InitializationOptions

    from ringback_server.start import Descriptors, Sink, Source

_log = logging.getLogger(__name__)
_CHUNK = 256 * 1024  # bytes; what asyncio reads from a pipe at once


async def serve_stdio(
    server: Server[Any],
    descriptors: Descriptors | None,
    *,
    options: InitializationOptions | None = None,
    after_first_list: Callable[[], Awaitable[None]] | None = None,
    grace_s: float = 1.0,
) -> None:
    """Serve one client over two descriptors until it leaves or SIGTERM or SIGINT asks to stop.

    Args:
        server: What answers.
        descriptors: Where to read and write, from `claim_standard_streams`; None leaves it all to the SDK (Windows).
        options: What `initialize` answers; derived from the server when absent.
        after_first_list: Run once in the background after the first `tools/list` is answered: the place for work that
            the first call would otherwise wait for. What it raises is logged by type and goes no further.
        grace_s: Seconds that calls under way may take to finish after the client has left, before they are cancelled.
    """
    options = options or server.create_initialization_options()
    if descriptors is None:
        from mcp.server.stdio import stdio_server

        async with stdio_server() as (read_stream, write_stream):
            await server.run(read_stream, write_stream, options)
        return
    source = await open_source(descriptors)
    sink = await open_sink(descriptors, on_lost=source.close)
    traffic = _Traffic(after_first_list)
    incoming = _Incoming(source, sink, traffic, grace_s)
    loop = asyncio.get_running_loop()

    def stop() -> None:
        incoming.stop()
        loop.call_later(grace_s + 0.5, sink.abandon)  # answers that nobody takes would hold up the orderly end

    try:
        with stopped_by_signals(stop):
            await server.run(incoming, _Outgoing(sink, traffic), options)
    finally:
        await traffic.aclose()
        source.close()
        await sink.aclose()


class _Traffic:
    """Which requests are still to be answered, and what to start once the tools were listed."""

    def __init__(self, after_first_list: Callable[[], Awaitable[None]] | None) -> None:
        self._open: dict[str, str] = {}
        self._all_answered = asyncio.Event()
        self._all_answered.set()
        self._after_first_list = after_first_list
        self._warming: asyncio.Task[None] | None = None

    def received(self, message: mcp_types.JSONRPCMessage) -> None:
        """Note a request as open, and a cancelled one as closed: it is never answered."""
        if isinstance(message, mcp_types.JSONRPCRequest):
            if message.method != "subscriptions/listen":  # answered only when the subscription ends
                self._open[str(message.id)] = message.method
                self._all_answered.clear()
        elif isinstance(message, mcp_types.JSONRPCNotification) and message.method == "notifications/cancelled":
            self._close((message.params or {}).get("requestId"))

    def sent(self, message: mcp_types.JSONRPCMessage) -> None:
        """Note an answer."""
        if isinstance(message, mcp_types.JSONRPCResponse | mcp_types.JSONRPCError):
            method = self._close(message.id)
            if method == "tools/list" and self._after_first_list is not None:
                self._warming = asyncio.create_task(self._warm(self._after_first_list))
                self._after_first_list = None

    async def settle(self, grace_s: float) -> None:
        """Wait until every request is answered, at most `grace_s` seconds."""
        with anyio.move_on_after(grace_s):
            await self._all_answered.wait()

    async def aclose(self) -> None:
        """End the background work."""
        if self._warming is not None:
            self._warming.cancel()
            await asyncio.wait([self._warming])

    def _close(self, request_id: object) -> str | None:
        method = self._open.pop(str(request_id), None)
        if not self._open:
            self._all_answered.set()
        return method

    @staticmethod
    async def _warm(work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except Exception as error:  # noqa: BLE001 - early work is a favour: the call that needs it meets the same error and tells it
            _log.warning("early loading failed and is left to the first call: %s", type(error).__name__)


class _Incoming:
    """The SDK's `ReadStream` over a byte stream."""

    def __init__(self, source: Source, sink: Sink, traffic: _Traffic, grace_s: float) -> None:
        self._source = source
        self._sink = sink
        self._traffic = traffic
        self._grace_s = grace_s
        self._buffer = bytearray()
        self._stopped = False

    async def receive(self) -> SessionMessage:
        """Give the next message; raises `anyio.EndOfStream` when the client has left."""
        while True:
            await self._sink.ready()  # a client that does not read its answers gets no further ones
            line = await self._line()
            if line is None or self._stopped:
                await self._traffic.settle(self._grace_s)
                await self._traffic.aclose()  # before the server closes what the early work opens
                raise anyio.EndOfStream
            if not line.strip():
                continue
            try:
                message = mcp_types.jsonrpc_message_adapter.validate_json(line, by_name=False)
            except (ValueError, RecursionError):
                await self._refuse(line)
                continue
            self._traffic.received(message)
            return SessionMessage(message)

    def stop(self) -> None:
        """End the input now; a message that was not begun yet is left alone."""
        self._stopped = True
        self._source.close()

    async def _line(self) -> bytes | None:
        searched = 0
        while (end := self._buffer.find(b"\n", searched)) < 0:
            searched = len(self._buffer)
            chunk = await self._chunk()
            if not chunk:
                rest, self._buffer = bytes(self._buffer), bytearray()
                return rest or None
            self._buffer += chunk
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return line

    async def _chunk(self) -> bytes:
        try:
            return await self._source.reader.read(_CHUNK)
        except OSError:  # a socket's far end broke off
            return b""

    async def _refuse(self, line: bytes) -> None:
        refusal = _refusal(line)
        if refusal is not None:
            await self._sink.write(_encoded(refusal))

    async def aclose(self) -> None:
        """Do nothing: `serve_stdio` closes the descriptors."""

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionMessage:
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


class _Outgoing:
    """The SDK's `WriteStream` over a byte stream."""

    def __init__(self, sink: Sink, traffic: _Traffic) -> None:
        self._sink = sink
        self._traffic = traffic

    async def send(self, item: SessionMessage, /) -> None:
        """Write one message; raises `anyio.BrokenResourceError` when nobody reads any more."""
        if self._sink.lost:
            raise anyio.BrokenResourceError
        line = _encoded(item.message)
        try:
            await self._sink.write(line)
        finally:
            self._traffic.sent(item.message)

    async def aclose(self) -> None:
        """Do nothing: `serve_stdio` closes the descriptors."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


def _encoded(message: mcp_types.JSONRPCMessage) -> bytes:
    return message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n"


def _refusal(line: bytes) -> mcp_types.JSONRPCError | None:
    """Say what is wrong with a line that is no message, without repeating it; None for an answer, which gets none."""
    code, text, request_id = mcp_types.INVALID_REQUEST, "Not a JSON-RPC 2.0 message", None
    try:
        value = json.loads(line.decode())
    except (ValueError, RecursionError):
        code, text = mcp_types.PARSE_ERROR, "Not a line of JSON in UTF-8"
    else:
        if isinstance(value, dict):
            if "method" not in value and ("result" in value or "error" in value):
                return None
            given = value.get("id")
            request_id = given if isinstance(given, str | int) and not isinstance(given, bool) else None
    return mcp_types.JSONRPCError(jsonrpc="2.0", id=request_id, error=mcp_types.ErrorData(code=code, message=text))
