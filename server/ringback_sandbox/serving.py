import asyncio
import contextlib
import json
import logging
import os
import secrets
import signal
import socket
import sqlite3
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn

from .app import build
from .carrier import Carrier
from .events import Hub
from .http import Connections
from .store import Store, claim

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .protection import Activity

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Options:
    """How the sandbox is served.

    Attributes:
        state: The folder that is this process's alone.
        host: A loopback address.
        port: The preferred port; 0 means any.
        idle_exit_s: Exit after this many seconds without a request or an open page; 0 means never.
        memory: Keep nothing on disk but the key and the endpoint.
        key: The API key; None means the folder's own.
        line: The carrier's own number.
        rate: Most sends a minute; 0 means no limit.
        callback_wait_s: Seconds before a callback that was not taken is tried again for the first time.
    """

    state: Path
    host: str
    port: int
    idle_exit_s: float
    memory: bool
    key: str | None
    line: str
    rate: int
    callback_wait_s: float


def serve(options: Options) -> None:
    """Serve the sandbox until it is told to end.

    Raises:
        StateInUseError: another process serves the folder.
        OSError: the folder or the address cannot be used.
        sqlite3.Error: sandbox.db in the folder is no database of the sandbox.
    """
    options.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.closing(claim(options.state)) as held, _bind(options.host, options.port) as listener:
        database = sqlite3.connect(":memory:", isolation_level=None) if options.memory else held
        asyncio.run(_serve(options, Store(database), listener))


async def _serve(options: Options, store: Store, listener: socket.socket) -> None:
    host, port = listener.getsockname()[:2]
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    key = options.key or _kept_key(options.state / "api_key")
    carrier = Carrier(store, Hub(), line=options.line, rate=options.rate)
    connections = Connections()
    app = build(carrier, connections=connections, key=key, port=port, callback_wait_s=options.callback_wait_s)
    config = uvicorn.Config(
        app,
        http=connections.protocol(),
        ws="none",
        loop="asyncio",
        log_config=None,
        access_log=False,
        server_header=False,
        # Longer than clients keep theirs: a send must not meet a connection that is just being closed.
        timeout_keep_alive=120,
        # Streams and held requests let go by themselves; this is for a long prompt being spoken.
        timeout_graceful_shutdown=1,
    )
    endpoint = options.state / "endpoint.json"
    server = _Server(config, carrier.hub)
    idle = asyncio.create_task(_exit_when_idle(server, app, options.idle_exit_s))

    def announce() -> None:
        told = {"url": url, "api_key": key, "pid": os.getpid(), "instance": carrier.instance}
        _write(endpoint, json.dumps(told))
        # Whoever started this may be gone already: then nobody reads the line, and that is no reason to end.
        with contextlib.suppress(OSError):
            if sys.stdout is not None:
                os.write(sys.stdout.fileno(), f"ringback sandbox on {url}\n".encode())

    server.announce = announce
    try:
        await server.serve(sockets=[listener])
    finally:
        idle.cancel()
        endpoint.unlink(missing_ok=True)


def _nothing() -> None:
    pass


class _Server(uvicorn.Server):
    """uvicorn's server, which tells when it listens and lets held connections go when it is to end."""

    def __init__(self, config: uvicorn.Config, hub: Hub) -> None:
        super().__init__(config)
        self._hub = hub
        self.announce: Callable[[], None] = _nothing

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.announce()

    def end(self) -> None:
        """End in order: streams close, held connections drop, requests under way are answered."""
        self._hub.close()
        self.should_exit = True

    @contextlib.contextmanager
    def capture_signals(self) -> "Iterator[None]":
        # Instead of uvicorn's handlers, which end the process by the signal itself rather than with code 0.
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.end)
        yield


async def _exit_when_idle(server: _Server, app: "Activity", after_s: float) -> None:
    while after_s > 0:
        left = after_s if app.open else app.last + after_s - time.monotonic()
        if left <= 0:
            server.end()
            return
        await asyncio.sleep(left)


def _bind(host: str, port: int) -> socket.socket:
    """A listening socket on the port, or on any free one when it is taken."""
    try:
        return _listen(host, port)
    except OSError:
        if port == 0:
            raise
        listener = _listen(host, 0)
        logger.warning("port %d is taken; using %d instead", port, listener.getsockname()[1])
        return listener


def _listen(host: str, port: int) -> socket.socket:
    # The protocol is named because asyncio sends small answers at once only on sockets that say they are TCP.
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2048)
    except OSError:
        listener.close()
        raise
    return listener


def _kept_key(path: Path) -> str:
    """The folder's own key, made on first use."""
    if not path.exists():
        _write(path, "sandbox_" + secrets.token_urlsafe(24))
    return path.read_text("ascii").strip()


def _write(path: Path, text: str) -> None:
    """Replace the file in one step, readable for its owner alone."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    fresh.replace(path)
