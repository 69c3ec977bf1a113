"""The console's process: one for each data folder, announced, on loopback, ended when nobody uses it."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import errno
import json
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ringback.errors import RingbackError
from ringback_server.console.passphrase import write_private
from ringback_server.console.starting import claim, console_folder, end_other, host_name, identity, running_console

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    import uvicorn

    from ringback.settings import Settings
    from ringback_server.console.protection import Guard
    from ringback_server.console.watch import Watch

_CONFIGURATION: Final = 7
_CLAIM_TIMEOUT_S: Final = 10.0
_POLL_S: Final = 0.05
_KEEP_ALIVE_S: Final = 30
_CLOSE_S: Final = 5
_HOST: Final = "127.0.0.1"
_TRIES: Final = 5


def main(arguments: list[str] | None = None) -> int:
    """Serve the console, or tell the address of the one that runs; the exit code."""
    given = _parser().parse_args(arguments)
    from ringback.settings import load_settings
    from ringback_server.logs import configure

    configure()

    try:
        settings = load_settings()
        held = _claim(settings)
        if held is None:
            _print(f"ringback console on {running_console(settings)}")
            return 0
        with contextlib.closing(held):
            port = settings.console_port if given.port is None else given.port
            asyncio.run(_serve(settings, port, given.idle_exit, given.announce))
    except RingbackError as error:
        _tell(str(error))
        return _CONFIGURATION
    except OSError as error:
        _tell(f"cannot serve: {error.strerror}")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ringback console", description="The person's page: what waits for an answer, and what was decided."
    )
    add = parser.add_argument
    add("--port", type=int, metavar="N", help="preferred port on loopback; 0 for any (default RINGBACK_CONSOLE_PORT)")
    add("--idle-exit", type=float, default=0, metavar="S", help="end after so many seconds without use; 0 for never")
    add("--announce", type=Path, metavar="FILE", help="also write the address and the process id to FILE, as JSON")
    return parser


def _claim(settings: Settings) -> sqlite3.Connection | None:
    """Hold the data folder; `None` where a console that serves the same already answers there."""
    from ringback.errors import ConfigurationError

    deadline = time.monotonic() + _CLAIM_TIMEOUT_S
    told = False
    while time.monotonic() < deadline:
        if running_console(settings) is not None:
            return None
        held = claim(console_folder(settings))
        if held is not None:
            return held
        if not told:
            end_other(settings)
            told = True
        time.sleep(_POLL_S)
    raise ConfigurationError(
        "Another process holds the console of this data folder and does not answer.",
        hint=f"End it, or look at {console_folder(settings) / 'console.log'}.",
    )


async def _serve(settings: Settings, port: int, idle_exit_s: float, announce: Path | None) -> None:
    import uvicorn

    from ringback.opening import open_ringback
    from ringback_server.console.app import build

    async with open_ringback(settings) as opened:
        listeners = _bind(port)
        port = listeners[0].getsockname()[1]
        guard, watch = build(opened, port)
        config = uvicorn.Config(
            guard,
            http="h11",
            ws="none",
            loop="asyncio",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=_CLOSE_S,
        )
        url = f"http://{host_name(settings)}:{port}"
        told = json.dumps({"url": url, "pid": os.getpid(), **identity(settings)})
        files = [console_folder(settings) / "endpoint.json", *([announce] if announce else [])]
        server = _server(config, watch, f"ringback console on {url}", told, files)
        idle = asyncio.create_task(_exit_when_idle(server, guard, watch, idle_exit_s))
        try:
            await server.serve(sockets=listeners)
        finally:
            idle.cancel()
            for file in files:
                file.unlink(missing_ok=True)


def _server(config: uvicorn.Config, watch: Watch, line: str, told: str, files: list[Path]) -> uvicorn.Server:
    """The server of uvicorn, which announces itself once it listens and lets the open pages go when it is to end."""
    from uvicorn import Server

    class ConsoleServer(Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            for file in files:
                write_private(file, told)
            _print(line)

        def end(self) -> None:
            watch.close()
            self.should_exit = True

        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            # Instead of uvicorn's own, which ends the process by the signal itself rather than with code 0.
            loop = asyncio.get_running_loop()
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, self.end)
            yield

    return ConsoleServer(config)


async def _exit_when_idle(server: uvicorn.Server, guard: Guard, watch: Watch, after_s: float) -> None:
    """End the server when no page is open, nobody asked for one lately, and nothing waits: for an answer, its time."""
    while after_s > 0:
        used = guard.open or watch.counts.waiting or watch.counts.scheduled
        left = after_s if used else guard.last + after_s - time.monotonic()
        if left <= 0:
            watch.close()
            server.should_exit = True
            return
        await asyncio.sleep(min(left, 60.0) if used else left)


def _bind(port: int) -> list[socket.socket]:
    """Listening sockets on the port, or on any free one when it is taken."""
    for tried in (port, *[0] * _TRIES):
        with contextlib.suppress(OSError):
            listeners = _listen_twice(tried)
            if tried != port:
                _tell(f"port {port} is taken; using {listeners[0].getsockname()[1]} instead")
            return listeners
    return _listen_twice(0)


def _listen_twice(port: int) -> list[socket.socket]:
    """On both addresses that a browser may take for "localhost", or on none.

    Somebody who stood on the other one could show a page that looks like ours, and have a passkey sign for our name.
    """
    listeners = [_listen(socket.AF_INET, _HOST, port)]
    try:
        listeners.append(_listen(socket.AF_INET6, "::1", listeners[0].getsockname()[1]))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            listeners[0].close()
            raise
        # This machine has no IPv6, so nobody stands there.
    return listeners


def _listen(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    # The protocol is named because asyncio sends small answers at once only on sockets that say they are TCP.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener


def _print(line: str) -> None:
    # Whoever started this may be gone already: then nobody reads the line, and that is no reason to end.
    with contextlib.suppress(OSError):
        print(line, flush=True)  # noqa: T201 - the one line on standard output


def _tell(text: str) -> None:
    print(f"ringback console: {text}", file=sys.stderr)  # noqa: T201 - standard error is where it tells things
