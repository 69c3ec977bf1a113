"""`serve`: takes the carriers' callbacks, and tends the installation while it runs."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import re
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import click

from ringback.errors import ConfigurationError
from ringback_server.commands.exits import Exit
from ringback_server.commands.root import json_option

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import uvicorn
    from starlette.applications import Starlette

    from ringback.opening import Ringback
    from ringback.settings import Settings
    from ringback_server.commands.output import Output

_KEEP_ALIVE_S: Final = 30
_CLOSE_S: Final = 2
_HERE: Final = re.compile(r"localhost|127\.\d+\.\d+\.\d+|::1", re.ASCII)
_ANYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - named, and warned about


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), help="The port; 0 for any. Default: RINGBACK_SERVE_PORT.")
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="The address to listen on.")
@json_option
@click.pass_obj
def serve(output: Output, port: int | None, host: str) -> int:
    """Take carriers' callbacks, and send what is scheduled.

    While it runs, what is due goes out, what is open is followed, and what is old is erased. Carriers call back at
    /webhooks/CARRIER of RINGBACK_PUBLIC_URL; without a public address they are asked, and that is enough. It tells on
    standard error what it does. Ctrl-C ends it.
    """
    from ringback.settings import load_settings
    from ringback_server import logs
    from ringback_server.webhooks import listen

    logs.configure()
    settings = load_settings()
    public_url = public_address(settings)
    chosen = settings.serve_port if port is None else port
    with _held(settings) as folder:
        try:
            listener = listen(host, chosen)
        except OSError as error:
            raise _cannot_listen(error, chosen) from None
        with closing(listener):
            asyncio.run(_serve(settings, listener, public_url, folder, output))
    return Exit.DONE


def _tell(text: str) -> None:
    with suppress(OSError):
        click.echo(f"ringback serve: {text}", err=True)


def public_address(settings: Settings) -> str | None:
    """The public address without a slash at its end.

    Raises:
        ConfigurationError: it is no address that a carrier could be given.
    """
    if settings.public_url is None:
        return None
    url = settings.public_url.rstrip("/")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    safe = host and (parts.scheme == "https" or (parts.scheme == "http" and _HERE.fullmatch(host)))
    if not safe or parts.username or parts.query or parts.fragment or not re.fullmatch(r"[!-~]+", url):
        raise ConfigurationError(
            "RINGBACK_PUBLIC_URL is no address that a carrier could be given.",
            hint="Set it to the https:// address that leads here, without user, query or fragment, or unset it.",
        )
    return url


@contextmanager
def _held(settings: Settings) -> Iterator[Path]:
    """Hold the data folder's place for one such process, and give the folder to announce it in.

    Raises:
        ConfigurationError: another one holds it.
    """
    from ringback_server.console.starting import claim
    from ringback_server.doctor import running_process

    folder = settings.home / "serve"
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    held = claim(folder)
    if held is None:
        found = running_process(folder)
        where = f": {found['url']}, process {found['pid']}" if found else ", and does not answer"
        raise ConfigurationError(
            f"Another ringback serve has this data folder{where}.", hint="One is enough. End it to start another one."
        )
    with closing(held):
        yield folder


def _cannot_listen(error: OSError, port: int) -> ConfigurationError:
    if error.errno == errno.EADDRINUSE:
        return ConfigurationError(
            f"Port {port} is taken by another process.",
            hint="End that one, or choose another port with --port or RINGBACK_SERVE_PORT. A public address, where "
            "there is one, must lead to the same port.",
        )
    if error.errno == errno.EACCES:
        return ConfigurationError(f"Port {port} needs rights that this user lacks.", hint="Choose one above 1023.")
    return ConfigurationError(
        "What --host gives is no address of this machine.", hint="Leave it out, or give an IP address of this machine."
    )


async def _serve(
    settings: Settings, listener: socket.socket, public_url: str | None, folder: Path, output: Output
) -> None:
    from ringback_server.commands.subscribing import Subscription
    from ringback_server.console.passphrase import write_private
    from ringback_server.host import Host
    from ringback_server.start import stopped_by_signals
    from ringback_server.webhooks import build

    host, url = Host(), _local_url(listener)
    endpoint = folder / "endpoint.json"

    async def nobody(_: str) -> None:
        """Nobody follows what changes here."""

    try:
        async with host.using() as opened:  # what is in the way is told before anything listens
            carriers = opened.carriers
        subscriptions = [
            Subscription(host, settings, carrier.name, public_url if public_url and carrier.live else url, tell=_tell)
            for carrier in carriers
        ]

        def announce() -> None:
            write_private(endpoint, json.dumps({"url": url, "pid": os.getpid()}))
            _announce(url, opened, output, beyond=not _HERE.fullmatch(listener.getsockname()[0]))

        server = _server(build(host.using, public_url or url), announce)

        def end() -> None:
            server.should_exit = True

        with stopped_by_signals(end):
            keeping = [subscription.keep() for subscription in subscriptions]
            background = [asyncio.create_task(work) for work in (host.tend(nobody), *keeping)]
            try:
                await server.serve(sockets=[listener])
            finally:
                for task in background:
                    task.cancel()
                await asyncio.gather(*background, return_exceptions=True)
    finally:
        endpoint.unlink(missing_ok=True)
        await host.aclose()
    _tell("ended.")


def _local_url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://{_ANYWHERE.get(host, f'[{host}]' if ':' in host else host)}:{port}"


def _announce(url: str, opened: Ringback, output: Output, *, beyond: bool) -> None:
    _tell(f"listening at {url}, process {os.getpid()}. Ctrl-C ends it.")
    if beyond:
        _tell("others can reach this address, without TLS: put a proxy that speaks TLS in front of it.")
    _tell("what is scheduled goes out, and what is open is followed, while this runs.")
    if output.json:
        output.show({"url": url, "pid": os.getpid(), "carrier": opened.carriers.names}, ())


def _server(app: Starlette, announce: Callable[[], None]) -> uvicorn.Server:
    import logging

    from uvicorn import Config, Server

    from ringback_server.webhooks import protocol

    # Each broken request would be a line: whoever sends them could fill a disk.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)

    class WebhookServer(Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            announce()

        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            # Instead of uvicorn's own, which ends the process by the signal itself rather than with code 0.
            yield

    return WebhookServer(
        Config(
            app,
            http=protocol(),
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=_CLOSE_S,
        )
    )
