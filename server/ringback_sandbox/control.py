"""The routes that tests, the page and the demo use: what was sent, the handset's owner, the clock, the faults."""

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any, cast

from starlette.responses import Response
from starlette.routing import Route

from .callbacks import Callbacks
from .carrier import E164, Carrier, NoSuchCallError, WrongStateError
from .clock import iso
from .faults import FAULT_KINDS, MAGIC_NUMBERS, TELEPHONY_MODES, FaultKind, TelephonyMode
from .handset import Handset
from .http import JSONAnswer, MalformedError, is_json, json_object
from .model import Call, Message, Reply
from .recording import request_view
from .registration import registration_from, registration_view
from .speech import Speech

if TYPE_CHECKING:
    from starlette.requests import Request

    from .model import Item

_FARTHEST_S = 366 * 86_400
_MOST_FAULTS = 1_000
_LONGEST_REPLY = 1_600
_LATEST_REQUESTS = 100
_LAST_SEQ = 2**63 - 1
_MOST_REPLIES = 1_000
_REPLIES = 100
# A page that lost the sandbox asks for it again this soon.
_RETRY_MS = 500

_Take = Callable[["Request", dict[str, Any]], Awaitable[Any]]


class Control:
    """The control routes over one carrier."""

    def __init__(self, carrier: Carrier, callbacks: Callbacks, speech: Speech) -> None:
        self._carrier = carrier
        self._handset = Handset(carrier)
        self._callbacks = callbacks
        self._speech = speech

    def routes(self) -> list[Route]:
        """Every control route."""
        posts: dict[str, _Take] = {
            "calls/{id}/answer": self._answer,
            "calls/{id}/decline": self._decline,
            "calls/{id}/voicemail": self._to_voicemail,
            "calls/{id}/keys": self._keys,
            "calls/{id}/hangup": self._hang_up,
            "replies": self._reply,
            "clock": self._set_clock,
            "faults": self._set_faults,
            "callbacks": self._register,
            "platform": self._set_platform,
            "reset": self._reset,
        }
        gets: dict[str, Callable[[], Any]] = {
            "health": self._health,
            "state": self._state,
            "messages": lambda: self._items(Message),
            "calls": lambda: self._items(Call),
            "requests": self._requests,
            "clock": self._carrier.clock_view,
            "faults": self._carrier.faults_view,
            "platform": self._platform,
            "callbacks": lambda: registration_view(self._callbacks.registration),
            "magic": _magic,
        }
        return [
            *(Route(f"/sandbox/{path}", _post(take), methods=["POST"]) for path, take in posts.items()),
            *(Route(f"/sandbox/{path}", _get(read), methods=["GET"]) for path, read in gets.items()),
            Route("/sandbox/replies", self._replies, methods=["GET"]),
            Route("/sandbox/export", self._export, methods=["GET"]),
            Route("/sandbox/events", self._events, methods=["GET"]),
            Route("/sandbox/calls/{id}", self._call, methods=["GET"]),
            Route("/sandbox/calls/{id}/prompt.wav", self._prompt, methods=["GET"]),
        ]

    # -- reading ---------------------------------------------------------------------------------------------------

    def _health(self) -> dict[str, Any]:
        now = iso(self._carrier.clock.now_ms())
        return {"service": "ringback-sandbox", "instance": self._carrier.instance, "now": now}

    def _items(self, kind: "type[Item]") -> list[dict[str, Any]]:
        return [self._carrier.view(item) for item in self._carrier.store.everything() if isinstance(item, kind)]

    async def _call(self, request: "Request") -> Response:
        call = self._carrier.call(request.path_params["id"])
        return JSONAnswer({"error": "no such call"}, 404) if call is None else JSONAnswer(self._carrier.view(call))

    def _platform(self) -> dict[str, Any]:
        return {"stop_words": self._carrier.stop_words}

    async def _replies(self, request: "Request") -> Response:
        """All of them, newest first; or a part of them, oldest first, for whoever polls."""
        given = request.query_params
        if not given:
            return JSONAnswer(self._items(Reply))
        try:
            after = _number(given.get("after", "0"), "after", 0, _LAST_SEQ)
            limit = _number(given.get("limit", str(_REPLIES)), "limit", 1, _MOST_REPLIES)
        except MalformedError as error:
            return JSONAnswer({"error": str(error)}, 422)
        return JSONAnswer([self._carrier.view(reply) for reply in self._carrier.store.replies(after, limit)])

    def _requests(self) -> list[dict[str, Any]]:
        return [request_view(request) for request in self._carrier.store.requests()]

    def _state(self) -> dict[str, Any]:
        """All that the page shows, as of one moment."""
        carrier = self._carrier
        return {
            "instance": carrier.instance,
            "event": carrier.hub.seq,
            "line": carrier.line,
            "speech": self._speech.available,
            "clock": carrier.clock_view(),
            "faults": carrier.faults_view(),
            "items": [carrier.view(item) for item in carrier.store.everything()],
            "requests": [request_view(request) for request in carrier.store.requests(_LATEST_REQUESTS)],
        }

    async def _export(self, request: "Request") -> Response:
        del request
        answer = JSONAnswer(self._state() | {"requests": self._requests()})
        answer.headers["Content-Disposition"] = 'attachment; filename="ringback-sandbox.json"'
        return answer

    async def _events(self, request: "Request") -> Response:
        from sse_starlette import EventSourceResponse

        del request

        async def stream() -> AsyncIterator[dict[str, Any]]:
            async for seq, kind, item in self._carrier.hub.changes():
                event = {"id": f"{self._carrier.instance}:{seq}", "event": kind, "data": json.dumps(item)}
                yield event | {"retry": _RETRY_MS} if kind == "hello" else event

        return EventSourceResponse(stream(), ping=15)

    async def _prompt(self, request: "Request") -> Response:
        call = self._carrier.call(request.path_params["id"])
        if call is None:
            return JSONAnswer({"error": "no such call"}, 404)
        wave = await self._speech.wave(call.prompt)
        if wave is None:
            return JSONAnswer({"error": "no voice is installed: the browser's own may speak"}, 404)
        return Response(wave, media_type="audio/wav")

    # -- acting ----------------------------------------------------------------------------------------------------

    async def _answer(self, request: "Request", given: dict[str, Any]) -> Any:
        del given
        return self._carrier.view(self._handset.answer(request.path_params["id"]))

    async def _decline(self, request: "Request", given: dict[str, Any]) -> Any:
        del given
        return self._carrier.view(self._handset.decline(request.path_params["id"]))

    async def _to_voicemail(self, request: "Request", given: dict[str, Any]) -> Any:
        del given
        return self._carrier.view(self._handset.to_voicemail(request.path_params["id"]))

    async def _hang_up(self, request: "Request", given: dict[str, Any]) -> Any:
        del given
        return self._carrier.view(self._handset.hang_up(request.path_params["id"]))

    async def _keys(self, request: "Request", given: dict[str, Any]) -> Any:
        return self._carrier.view(self._handset.press(request.path_params["id"], _text(given, "keys", 32)))

    async def _reply(self, request: "Request", given: dict[str, Any]) -> Any:
        del request
        sender, body = _text(given, "from", 64), _text(given, "body", _LONGEST_REPLY)
        if not E164.fullmatch(sender):
            raise MalformedError("from must be a phone number in E.164 format")
        return self._carrier.view(self._carrier.reply(sender, body))

    async def _set_clock(self, request: "Request", given: dict[str, Any]) -> Any:
        del request
        seconds, frozen = given.get("advance_s", 0), given.get("frozen")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds <= _FARTHEST_S:
            raise MalformedError(f"advance_s must be a number from 0 to {_FARTHEST_S}")
        if not isinstance(frozen, bool) and "frozen" in given:
            raise MalformedError("frozen must be true or false")
        if not given.keys() & {"advance_s", "frozen"}:
            raise MalformedError("give advance_s, or frozen, or both")
        self._carrier.set_clock(seconds, frozen=frozen)
        return self._carrier.clock_view()

    async def _set_faults(self, request: "Request", given: dict[str, Any]) -> Any:
        del request
        count, kind = given.get("next", 1), given.get("kind")
        telephony = given.get("telephony")
        if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= _MOST_FAULTS:
            raise MalformedError(f"next must be a whole number from 0 to {_MOST_FAULTS}")
        if kind is not None and kind not in FAULT_KINDS:
            raise MalformedError(f"kind must be one of {', '.join(FAULT_KINDS)}")
        if telephony is not None and telephony not in TELEPHONY_MODES:
            raise MalformedError(f"telephony must be one of {', '.join(TELEPHONY_MODES)}")
        if kind is None and telephony is None and "next" not in given:
            raise MalformedError("give next and kind, or telephony, or both")
        if kind is not None or "next" in given:
            self._carrier.faults.strike_next(count, cast("FaultKind | None", kind))
        if telephony is not None:
            self._carrier.faults.telephony = cast("TelephonyMode", telephony)
        self._carrier.hub.publish("faults", self._carrier.faults_view())
        return self._carrier.faults_view()

    async def _register(self, request: "Request", given: dict[str, Any]) -> Any:
        del request
        self._callbacks.register(registration_from(given, self._callbacks.registration))
        return registration_view(self._callbacks.registration)

    async def _set_platform(self, request: "Request", given: dict[str, Any]) -> Any:
        del request
        if not isinstance(given.get("stop_words"), bool):
            raise MalformedError("stop_words must be true or false")
        self._carrier.stop_words = given["stop_words"]
        return self._platform()

    async def _reset(self, request: "Request", given: dict[str, Any]) -> Any:
        del request, given
        self._carrier.reset()
        return {"reset": True}


def _magic() -> list[dict[str, str]]:
    return [{"number": magic.number, "does": magic.does} for magic in MAGIC_NUMBERS.values()]


def _text(given: dict[str, Any], name: str, longest: int) -> str:
    value = given.get(name)
    if not isinstance(value, str) or not value.strip() or len(value) > longest:
        raise MalformedError(f"{name} must be a text of 1 to {longest} characters")
    return value


def _number(text: str, name: str, least: int, most: int) -> int:
    if not re.fullmatch(r"[0-9]{1,19}", text) or not least <= int(text) <= most:
        raise MalformedError(f"{name} must be a whole number from {least} to {most}")
    return int(text)


def _get(read: Callable[[], Any]) -> Callable[["Request"], Awaitable[Response]]:
    async def endpoint(request: "Request") -> Response:
        del request
        return JSONAnswer(read())

    return endpoint


def _post(take: _Take) -> Callable[["Request"], Awaitable[Response]]:
    async def endpoint(request: "Request") -> Response:
        if not is_json(request):
            return JSONAnswer({"error": "Content-Type must be application/json"}, 415)
        try:
            return JSONAnswer(await take(request, await json_object(request)))
        except NoSuchCallError as error:
            return JSONAnswer({"error": str(error)}, 404)
        except WrongStateError as error:
            return JSONAnswer({"error": str(error)}, 409)
        except ValueError as error:
            return JSONAnswer({"error": str(error)}, 422)

    return endpoint
