import json
from typing import TYPE_CHECKING, Any, Literal

from .clock import iso
from .http import LARGEST_BODY, JSONAnswer, MalformedError, parse_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from .carrier import Carrier

# A body above the limit is read on so far, so that its sender hears 413 rather than a broken pipe.
_DRAINED = 4 * 1024 * 1024
_KEPT_TEXT = 4_096


class Recorder:
    """Records every request under the dialects' paths, with what left as its answer, and limits bodies.

    Args:
        app: What answers them.
        carrier: Where they are kept.
        prefixes: The dialects' paths.
    """

    def __init__(self, app: "ASGIApp", carrier: "Carrier", prefixes: "Sequence[str]") -> None:
        self._app = app
        self._carrier = carrier
        self._prefixes = tuple(prefixes)

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Record the request, answer it, and record the answer."""
        if scope["type"] != "http" or not scope["path"].startswith(self._prefixes):
            await self._app(scope, receive, send)
            return
        body = await _read(receive)
        if body is None:
            return
        seq = self._begin(scope, body)
        answer = _Answer(send)
        app: ASGIApp = self._app if len(body) <= LARGEST_BODY else _TOO_LARGE
        try:
            await app(scope, _replay(body, receive), answer.send)
        finally:
            self._carrier.store.finish_request(seq, answer.status, answer.text())
            self._publish(seq)

    def _begin(self, scope: "Scope", body: bytes) -> int:
        seq = self._carrier.store.begin_request(
            self._carrier.clock.now_ms(),
            scope["method"],
            scope["path"],
            scope["query_string"].decode("latin-1"),
            _legible(body),
        )
        self._publish(seq)
        return seq

    def _publish(self, seq: int) -> None:
        if self._carrier.hub.listeners and (request := self._carrier.store.request(seq)):
            self._carrier.hub.publish("request", request_view(request))


def request_view(request: dict[str, Any]) -> dict[str, Any]:
    """A recorded request as the control routes show it."""
    shown = dict(request)
    return {"seq": shown.pop("seq"), "at": iso(shown.pop("at_ms"))} | shown


_TOO_LARGE = JSONAnswer({"error": f"the request body must be at most {LARGEST_BODY} bytes"}, 413)


class _Answer:
    """Passes an answer on and remembers it."""

    def __init__(self, send: "Send") -> None:
        self._send = send
        self.status: int | Literal["closed"] = "closed"
        self._start = b""

    async def send(self, message: "Message") -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        elif len(self._start) < _KEPT_TEXT:
            self._start += message.get("body", b"")
        await self._send(message)

    def text(self) -> str | None:
        if self.status == "closed":
            return None
        return self._start[:_KEPT_TEXT].decode("utf-8", "replace")


async def _read(receive: "Receive") -> bytes | None:
    """The request's body, cut one byte above the limit; None when the client went away."""
    body = b""
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        part: bytes = message.get("body", b"")
        size += len(part)
        body += part[: LARGEST_BODY + 1 - len(body)]
        if not message.get("more_body") or size > _DRAINED:
            return body


def _replay(body: bytes, receive: "Receive") -> "Receive":
    """`body` as one message, then whatever comes after it: the disconnect."""
    waiting = [body]

    async def replay() -> "Message":
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return replay


def _legible(body: bytes) -> Any:
    """The body as JSON where it is JSON, else its beginning as text; None when there is none."""
    if not body:
        return None
    try:
        return parse_json(body)
    except MalformedError:
        return json.loads(json.dumps(body[:_KEPT_TEXT].decode("utf-8", "replace")))
