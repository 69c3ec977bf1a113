"""Who may talk to the sandbox, and whether anybody still does."""

import time
from typing import TYPE_CHECKING

from starlette.datastructures import MutableHeaders

from .http import JSONAnswer

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SECURITY_HEADERS = {
    "Content-Security-Policy": (
        # Pictures from elsewhere load only when a person asks for one; nothing else ever leaves.
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' https:; media-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Activity:
    """Tells how long nobody has used the sandbox.

    Attributes:
        last: When the last request ended, on the monotonic clock.
        open: Requests under way, event streams among them.
    """

    def __init__(self, app: "ASGIApp") -> None:
        self._app = app
        self.last = time.monotonic()
        self.open = 0

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Pass the request on and count it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        self.open += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self.open -= 1
            self.last = time.monotonic()


class Guard:
    """Keeps other web sites away from everything but the dialects, which ask for a key of their own.

    Args:
        app: What is guarded.
        prefixes: The dialects' paths.
        port: The port that a browser must have asked for.
    """

    def __init__(self, app: "ASGIApp", prefixes: tuple[str, ...], port: int) -> None:
        self._app = app
        self._prefixes = prefixes
        self._hosts = {f"{host}:{port}" for host in ("127.0.0.1", "localhost", "[::1]")}

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Refuse the request, or pass it on and protect the answer."""
        if scope["type"] != "http" or scope["path"].startswith(self._prefixes):
            await self._app(scope, receive, send)
            return

        async def protect(message: "Message") -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _SECURITY_HEADERS.items():
                    headers[name] = value
            await send(message)

        refusal = self._refusal(scope)
        await (self._app if refusal is None else refusal)(scope, receive, protect)

    def _refusal(self, scope: "Scope") -> "Response | None":
        hosts = _header(scope, b"host")
        if len(hosts) != 1 or hosts[0].lower() not in self._hosts:
            return JSONAnswer({"error": "this address is not the sandbox's"}, 421)
        origins = _header(scope, b"origin")
        if scope["method"] != "GET" and origins and origins != [f"http://{hosts[0].lower()}"]:
            return JSONAnswer({"error": "requests from other web sites are refused"}, 403)
        return None


def _header(scope: "Scope", name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]
