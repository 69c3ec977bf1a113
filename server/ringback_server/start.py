"""The process around the MCP server: its standard descriptors, its signals, its garbage collector.

The descriptors are claimed before the MCP SDK is imported, so that nothing an import prints reaches the client.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import stat
import sys
import threading
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from mcp.server.lowlevel import Server

_CLOSE_S = 0.5  # seconds that the last bytes may take to leave when the client is slow to read


class Descriptors(NamedTuple):
    """The protocol's own file descriptors."""

    incoming: int
    outgoing: int


class Served(NamedTuple):
    """What `run_stdio` runs."""

    server: Server[Any]
    after_first_list: Callable[[], Awaitable[None]] | None = None


class Sink(Protocol):
    """Where bytes for the client go."""

    lost: bool  # true once nobody reads any more

    async def ready(self) -> None:
        """Wait until the client has read enough for more to be written."""

    async def write(self, data: bytes) -> None:
        """Write all of it, then wait as `ready` does."""

    def abandon(self) -> None:
        """Drop what the client has not taken, and let go of whoever waits."""

    async def aclose(self) -> None:
        """Let the last bytes leave, for at most half a second, and let go of the descriptor."""


class Source(NamedTuple):
    """Where the client's bytes come from. `close` ends them early: the reader sees the end of the input."""

    reader: asyncio.StreamReader
    close: Callable[[], None]


def run_stdio(build: Callable[[], Served]) -> int:
    """Serve MCP over this process's standard input and output until the client leaves.

    Args:
        build: Imports and builds the server. It is called once the descriptors are claimed and with the collector off:
            what is imported stays for good, and scanning it again and again is an eighth of the start.

    Returns:
        The exit code: 0, or 2 when standard input or output is closed.
    """
    gc.disable()
    try:
        descriptors = claim_standard_streams()
    except OSError as error:
        sys.stderr.write(
            f"ringback mcp needs open standard input and output: {error.strerror}. Start it from an MCP client.\n"
        )
        return 2
    from ringback_server.stdio import serve_stdio

    served = build()
    gc.freeze()
    gc.enable()
    try:
        asyncio.run(serve_stdio(served.server, descriptors, after_first_list=served.after_first_list))
    finally:
        for number in descriptors or ():
            os.set_blocking(number, True)  # the same open file may be somebody else's too
    return 0


def claim_standard_streams() -> Descriptors | None:
    """Move standard input and output to descriptors of the protocol's own.

    From here on, whatever reads standard input finds it empty, and whatever prints, in this process or a child, prints
    to standard error. On Windows the SDK does this itself, so None is returned.

    Raises:
        OSError: Standard input or output is closed.
    """
    if sys.platform == "win32":
        return None
    import fcntl

    descriptors = Descriptors(*(fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, 3) for number in (0, 1)))
    empty = os.open(os.devnull, os.O_RDWR)
    os.dup2(empty, 0)
    try:
        os.dup2(2, 1)
    except OSError:  # standard error is closed: stray prints go nowhere
        os.dup2(empty, 1)
    os.close(empty)
    return descriptors


async def open_source(descriptors: Descriptors) -> Source:
    """Read a pipe or socket on the event loop, and anything else in a thread: the loop cannot wait for files."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    if _is_stream(descriptors.incoming, descriptors):
        pipe = os.fdopen(os.dup(descriptors.incoming), "rb", buffering=0)
        transport, _ = await loop.connect_read_pipe(lambda: protocol, pipe)
        return Source(reader, transport.close)
    os.set_blocking(descriptors.incoming, True)
    return Source(reader, _ThreadedReading(descriptors.incoming, protocol).close)


async def open_sink(descriptors: Descriptors, on_lost: Callable[[], None]) -> Sink:
    """Write a pipe or socket on the event loop, and anything else in a thread.

    Args:
        descriptors: Both of the protocol's descriptors.
        on_lost: Called when the client closes its end.
    """
    if not _is_stream(descriptors.outgoing, descriptors):
        os.set_blocking(descriptors.outgoing, True)
        return _ThreadedSink(descriptors.outgoing, on_lost)
    pipe = os.fdopen(os.dup(descriptors.outgoing), "wb", buffering=0)
    _, sink = await asyncio.get_running_loop().connect_write_pipe(lambda: _PipeSink(on_lost), pipe)
    return sink


def _is_stream(descriptor: int, descriptors: Descriptors) -> bool:
    """Tell whether the event loop can serve a descriptor.

    One socket for both directions is left to threads: asyncio takes bytes that arrive on a pipe it writes to for the
    far end closing.
    """
    mode = os.fstat(descriptor).st_mode
    return (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)) and not os.path.sameopenfile(*descriptors)


class _PipeSink(asyncio.BaseProtocol):
    """A `Sink` on the event loop."""

    def __init__(self, on_lost: Callable[[], None]) -> None:
        self.lost = False
        self._on_lost = on_lost
        self._closed = asyncio.Event()
        self._resumed = asyncio.Event()
        self._resumed.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def pause_writing(self) -> None:
        self._resumed.clear()

    def resume_writing(self) -> None:
        self._resumed.set()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio calls it so
        self.lost = True
        self._closed.set()
        self._resumed.set()
        self._on_lost()

    async def ready(self) -> None:
        await self._resumed.wait()

    async def write(self, data: bytes) -> None:
        if not self.lost:
            self._transport.write(data)
            await self._resumed.wait()

    def abandon(self) -> None:
        if not self.lost:
            self._transport.abort()

    async def aclose(self) -> None:
        if not self.lost:
            self._transport.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_S):
                await self._closed.wait()
        self.abandon()
        await self._closed.wait()


class _ThreadedSink:
    """A `Sink` for files and terminals."""

    def __init__(self, descriptor: int, on_lost: Callable[[], None]) -> None:
        self.lost = False
        self._descriptor = descriptor
        self._on_lost = on_lost
        self._lock = asyncio.Lock()

    async def ready(self) -> None:
        pass

    async def write(self, data: bytes) -> None:
        # A cancelled caller leaves the writing to end by itself: two lines must not be mixed.
        await asyncio.shield(asyncio.create_task(self._write(data)))

    async def _write(self, data: bytes) -> None:
        async with self._lock:
            if not self.lost:
                await asyncio.to_thread(self._write_all, data)
                if self.lost:
                    self._on_lost()

    def _write_all(self, data: bytes) -> None:
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError:
            self.lost = True

    def abandon(self) -> None:
        self.lost = True

    async def aclose(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_S), self._lock:
                pass


class _ThreadedReading(asyncio.ReadTransport):
    """Feeds a protocol from a thread of its own: a daemon, since a read of a terminal cannot be called back."""

    def __init__(self, descriptor: int, protocol: asyncio.StreamReaderProtocol) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._protocol = protocol
        self._loop = asyncio.get_running_loop()
        self._wanted = threading.Event()
        self._wanted.set()
        self._closed = False
        protocol.connection_made(self)
        threading.Thread(target=self._read, name="standard input", daemon=True).start()

    def pause_reading(self) -> None:
        self._wanted.clear()

    def resume_reading(self) -> None:
        self._wanted.set()

    def is_closing(self) -> bool:
        return self._closed

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._protocol.connection_lost(None)

    def _read(self) -> None:
        data = b"."
        while data and self._wanted.wait():
            try:
                data = os.read(self._descriptor, 65536)
            except OSError:  # a terminal that was taken away
                data = b""
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._feed, data)

    def _feed(self, data: bytes) -> None:
        if self._closed:
            return
        if data:
            self._protocol.data_received(data)
        else:
            self.close()


@contextlib.contextmanager
def stopped_by_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Let the first SIGTERM or SIGINT end the input, as if the client had left; a second one ends the process."""
    if sys.platform == "win32":
        yield
        return
    loop = asyncio.get_running_loop()
    watched = (signal.SIGTERM, signal.SIGINT)

    def unwatch() -> None:
        for number in watched:
            loop.remove_signal_handler(number)

    def on_signal() -> None:
        unwatch()
        stop()

    for number in watched:
        loop.add_signal_handler(number, on_signal)
    try:
        yield
    finally:
        unwatch()
