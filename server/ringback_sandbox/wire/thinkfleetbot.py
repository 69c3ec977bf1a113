import re
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from starlette.responses import Response
from starlette.routing import Route

from ringback_sandbox.carrier import E164, Submission
from ringback_sandbox.clock import iso
from ringback_sandbox.faults import HANG_S
from ringback_sandbox.http import Close, JSONAnswer, MalformedError, is_json, json_object
from ringback_sandbox.model import Call

from .dialect import Setting, bears_key, json_error, take

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request

    from ringback_sandbox.model import Message, Outbound

_LONGEST_BODY = 1_600
_LONGEST_PROMPT = 4_096
_LONGEST_URL = 2_048
_MOST_HISTORY = 100

_Handler = Callable[["ThinkFleetBot", "Request"], Awaitable[Response]]


def _authorized(handler: _Handler) -> _Handler:
    """Answer 401 unless the request bears the key."""

    @wraps(handler)
    async def check(self: "ThinkFleetBot", request: "Request") -> Response:
        if not bears_key(request, self.setting.key):
            return self.error(401, "the API key is missing or wrong")
        return await handler(self, request)

    return check


class ThinkFleetBot:
    """ThinkFleetBot's seven calls."""

    prefixes: ClassVar[tuple[str, ...]] = ("/api/",)
    elsewhere: ClassVar[str] = "/api/messaging/elsewhere"

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.carrier = setting.carrier

    def routes(self) -> "Sequence[Route]":
        """The seven calls."""
        return (
            Route("/api/agents/me/telephony", self._telephony, methods=["GET"]),
            *(Route(f"/api/messaging/{type_}", self._send, methods=["POST"]) for type_ in ("sms", "mms", "voice")),
            Route("/api/messaging/sms/{id}", self._message, methods=["GET"]),
            Route("/api/messaging/voice/{id}", self._call, methods=["GET"]),
            Route("/api/messaging/history", self._history, methods=["GET"]),
        )

    def accepted(self, item: "Outbound") -> Any:
        """Id, type, recipient, status and time of what was taken."""
        return _accepted(item, self.carrier.clock.now_ms())

    def status(self, item: "Outbound", at_ms: int) -> dict[str, Any]:
        """What `GET /api/messaging/sms/{id}` or `GET /api/messaging/voice/{id}` gives."""
        return _accepted(item, at_ms) | (_progress(item, at_ms) if isinstance(item, Call) else _delivery(item, at_ms))

    def wrong(self, item: "Outbound") -> Any:
        """The same keys with values of the wrong types."""
        return {"id": {"value": item.seq}, "type": 7, "to": None, "status": ["queued"], "created_at": False}

    def error(self, status: int, text: str, *, retry_after_s: int | None = None) -> Response:
        """`{"error": text}`."""
        return json_error({"error": text}, status, retry_after_s)

    @_authorized
    async def _telephony(self, request: "Request") -> Response:
        del request
        mode = self.carrier.faults.telephony
        if mode == "unreachable-check":
            return self.error(500, "internal error")
        if mode == "hang-check":
            return Close(self.setting.connections, self.carrier.hub.closing, HANG_S)
        return JSONAnswer(
            {
                "enabled": mode == "enabled",
                "phone_number": self.carrier.line,
                "capabilities": ["sms", "mms", "voice"],
            }
        )

    @_authorized
    async def _send(self, request: "Request") -> Response:
        if not is_json(request):
            return self.error(422, "Content-Type must be application/json")
        try:
            submission = _submission(request.scope["path"].rpartition("/")[2], await json_object(request))
        except MalformedError as error:
            return self.error(422, str(error))
        if wait_s := self.carrier.wait_s():
            return self.error(429, "too many requests", retry_after_s=wait_s)
        if self.carrier.faults.telephony == "disabled":
            return self.error(403, "telephony is not enabled")
        return await take(self, self.setting, submission)

    @_authorized
    async def _message(self, request: "Request") -> Response:
        message = self.carrier.message(request.path_params["id"])
        if message is None:
            return self.error(404, "no such message")
        return JSONAnswer(self.status(message, self.carrier.clock.now_ms()))

    @_authorized
    async def _call(self, request: "Request") -> Response:
        call = self.carrier.call(request.path_params["id"])
        if call is None:
            return self.error(404, "no such call")
        return JSONAnswer(self.status(call, self.carrier.clock.now_ms()))

    @_authorized
    async def _history(self, request: "Request") -> Response:
        limit = request.query_params.get("limit", "20")
        if not re.fullmatch(r"[0-9]{1,3}", limit) or not 1 <= int(limit) <= _MOST_HISTORY:
            return self.error(422, f"limit must be a number from 1 to {_MOST_HISTORY}")
        return JSONAnswer({"data": [self.accepted(item) for item in self.carrier.store.outbound(int(limit))]})


def _accepted(item: "Outbound", at_ms: int) -> dict[str, Any]:
    return {
        "id": item.id,
        "type": item.type,
        "to": item.to,
        "status": item.status(at_ms),
        "created_at": iso(item.accepted_ms),
    }


def _delivery(message: "Message", at_ms: int) -> dict[str, Any]:
    settled = message.next_change_ms(at_ms) is None
    return {"delivered_at": iso(message.delivered_ms(at_ms)), "error": message.error if settled else None}


def _progress(call: Call, at_ms: int) -> dict[str, Any]:
    return {
        "duration": call.duration_s(at_ms),
        "recording_url": None,
        "digits": call.digits,
        "answered_at": iso(call.taken_ms(at_ms)),
        "ended_at": iso(call.finished_ms(at_ms)),
    }


def _submission(type_: str, given: dict[str, Any]) -> Submission:
    """The send that a body asks for.

    Raises:
        MalformedError: a field is missing, of the wrong type, blank, too long or not what it must be.
    """
    to = _text(given, "to", 64)
    if not E164.fullmatch(to):
        raise MalformedError("to must be a phone number in E.164 format, such as +15550100000")
    if type_ == "voice":
        return Submission("voice", to, _text(given, "prompt", _LONGEST_PROMPT))
    body = _text(given, "body", _LONGEST_BODY)
    return Submission("sms", to, body) if type_ == "sms" else Submission("mms", to, body, _https_url(given))


def _text(given: dict[str, Any], name: str, longest: int) -> str:
    value = given.get(name)
    if not isinstance(value, str) or not value.strip():
        raise MalformedError(f"{name} must be a text that is not blank")
    if len(value) > longest:
        raise MalformedError(f"{name} must be at most {longest} characters")
    return value


def _https_url(given: dict[str, Any]) -> str:
    url = _text(given, "media_url", _LONGEST_URL)
    try:
        parts = urlsplit(url)
        good = parts.scheme == "https" and bool(parts.hostname) and re.fullmatch(r"[!-~]+", url) is not None
    except ValueError:
        good = False
    if not good:
        raise MalformedError("media_url must be an https URL")
    return url
