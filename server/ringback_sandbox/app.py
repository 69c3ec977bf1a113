import asyncio
import contextlib
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException

from .callbacks import Callbacks
from .control import Control
from .delivery import Delivery
from .http import Connections, JSONAnswer
from .page import page_routes
from .protection import Activity, Guard
from .recording import Recorder
from .speech import Speech
from .wire import DIALECTS, Setting

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.responses import Response

    from .carrier import Carrier


def build(carrier: "Carrier", *, connections: Connections, key: str, port: int, callback_wait_s: float) -> Activity:
    """The whole sandbox as one ASGI application.

    Args:
        carrier: The carrier behind it.
        connections: The register of the server that runs it.
        key: The API key that the dialects ask for.
        port: The port that it is served on.
        callback_wait_s: Seconds before a callback that was not taken is tried again for the first time.
    """
    dialects = [dialect(Setting(carrier, connections, key)) for dialect in DIALECTS]
    prefixes = tuple(prefix for dialect in dialects for prefix in dialect.prefixes)

    # The first dialect's words are the carrier's own.
    callbacks = Callbacks(carrier.store, dialects[0].status, carrier.line, Delivery(callback_wait_s))
    carrier.callbacks = callbacks

    @contextlib.asynccontextmanager
    async def telling(app: Starlette) -> "AsyncIterator[None]":
        del app
        task = asyncio.create_task(carrier.run())
        try:
            yield
        finally:
            task.cancel()
            await callbacks.close()
            for watcher in carrier.watchers:
                await watcher.close()

    routes = [route for dialect in dialects for route in dialect.routes()]
    app = Starlette(
        routes=[*routes, *Control(carrier, callbacks, Speech()).routes(), *page_routes(carrier)],
        lifespan=telling,
        exception_handlers={HTTPException: _http_error, Exception: _crash},
    )
    return Activity(Guard(Recorder(app, carrier, prefixes), prefixes, port))


async def _http_error(request: "Request", error: Exception) -> "Response":
    del request
    assert isinstance(error, HTTPException)
    return JSONAnswer({"error": error.detail.lower()}, error.status_code, dict(error.headers or {}))


async def _crash(request: "Request", error: Exception) -> "Response":
    del request, error
    return JSONAnswer({"error": "the sandbox failed; its standard error tells why"}, 500)
