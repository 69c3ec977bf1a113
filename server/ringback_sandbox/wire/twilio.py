import base64
import binascii
import hmac
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import wraps
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import parse_qsl

from starlette.responses import Response
from starlette.routing import Route

from ringback_sandbox.carrier import NoSuchCallError, WrongStateError
from ringback_sandbox.faults import HANG_S
from ringback_sandbox.http import Close, JSONAnswer
from ringback_sandbox.model import Call, Item, Message, Reply

from . import twilio_views as views
from .dialect import Setting, take
from .twilio_hooks import Hooks
from .twilio_sends import ProblemError, read_call, read_message
from .twilio_stops import OptOuts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request

    from ringback_sandbox.carrier import Submission
    from ringback_sandbox.model import Outbound

_ACCOUNT = re.compile(r"AC[0-9a-fA-F]{32}")
_MOST, _ORDINARY = 1_000, 50
_MOST_FIELDS = 100

_Handler = Callable[["Twilio", "Request", str], Awaitable[Response]]


def _authorized(handler: _Handler) -> Callable[["Twilio", "Request"], Awaitable[Response]]:
    """Answer 401 unless the request names the path's account and bears the key as its token."""

    @wraps(handler)
    async def check(self: "Twilio", request: "Request") -> Response:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        try:
            user, _, token = base64.b64decode(given, validate=True).decode("utf-8").partition(":")
        except (binascii.Error, ValueError):
            user = token = ""
        sid = request.path_params["account"]
        right = hmac.compare_digest(token.encode("utf-8"), self.setting.key.encode("utf-8"))
        if scheme.lower() != "basic" or not right or user != sid or not _ACCOUNT.fullmatch(sid):
            return views.error(401, 20003, "Authenticate", {"WWW-Authenticate": 'Basic realm="Twilio API"'})
        return await handler(self, request, sid)

    return check


class Twilio:
    """Twilio's REST API of 2010-04-01: account, number, messages and calls. Any account's SID is taken."""

    prefixes: ClassVar[tuple[str, ...]] = (f"{views.API}/",)
    elsewhere: ClassVar[str] = f"{views.API}/elsewhere"

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.carrier = setting.carrier
        self._opt_outs = OptOuts(setting.carrier)
        setting.carrier.watchers.append(Hooks(setting.carrier, setting.key, self._opt_outs))

    def routes(self) -> "Sequence[Route]":
        """Its calls."""
        one = f"{views.API}/Accounts/{{account}}"
        return (
            Route(f"{one}/Messages.json", self._send_message, methods=["POST"]),
            Route(f"{one}/Messages.json", self._messages, methods=["GET"]),
            Route(f"{one}/Messages/{{sid}}.json", self._message, methods=["GET"]),
            Route(f"{one}/Calls.json", self._send_call, methods=["POST"]),
            Route(f"{one}/Calls.json", self._calls, methods=["GET"]),
            Route(f"{one}/Calls/{{sid}}.json", self._call, methods=["GET"]),
            Route(f"{one}/Calls/{{sid}}.json", self._end_call, methods=["POST"]),
            Route(f"{one}/IncomingPhoneNumbers.json", self._numbers, methods=["GET"]),
            Route(f"{one}/IncomingPhoneNumbers/{{sid}}.json", self._number, methods=["GET", "POST"]),
            Route(f"{one}.json", self._account, methods=["GET"]),
        )

    def accepted(self, item: "Outbound") -> Any:
        """The message or call as it was taken. With a messaging service, no sender was chosen yet."""
        tag = self.carrier.store.tag(item.id) or {}
        told = self.status(item, item.accepted_ms)
        return told | {"from": None, "status": "accepted"} if tag.get("service") else told

    def status(self, item: "Outbound", at_ms: int) -> dict[str, Any]:
        """What the fetch of a message or a call gives."""
        return self._view(item, at_ms, (self.carrier.store.tag(item.id) or {}).get("account", ""))

    def wrong(self, item: "Outbound") -> Any:
        """The same keys with values of the wrong types."""
        return {"sid": {"value": item.seq}, "to": None, "status": ["queued"], "date_created": False}

    def error(self, status: int, text: str, *, retry_after_s: int | None = None) -> Response:
        """An error without a code of its own."""
        codes = {403: 20005, 404: 20404, 429: 20429, 500: 20500}
        headers = None if retry_after_s is None else {"Retry-After": str(retry_after_s)}
        return views.error(status, codes.get(status, 20001), text, headers)

    # -- sending ---------------------------------------------------------------------------------------------------

    @_authorized
    async def _send_message(self, request: "Request", sid: str) -> Response:
        return await self._send(request, sid, lambda form: read_message(form, sid, self.carrier.line, self._opt_outs))

    @_authorized
    async def _send_call(self, request: "Request", sid: str) -> Response:
        return await self._send(request, sid, lambda form: read_call(form, sid, self.carrier.line))

    async def _send(
        self, request: "Request", sid: str, read: "Callable[[dict[str, list[str]]], Submission]"
    ) -> Response:
        del sid
        try:
            submission = read(await _form(request))
        except ProblemError as problem:
            return views.error(400, problem.code, str(problem))
        if wait_s := self.carrier.wait_s():
            return self.error(429, "Too Many Requests", retry_after_s=wait_s)
        if self.carrier.faults.telephony == "disabled":
            return self.error(403, "Account not active")
        return await take(self, self.setting, submission)

    # -- reading ---------------------------------------------------------------------------------------------------

    @_authorized
    async def _account(self, request: "Request", sid: str) -> Response:
        del request
        mode = self.carrier.faults.telephony
        if mode == "unreachable-check":
            return self.error(500, "Internal Server Error")
        if mode == "hang-check":
            return Close(self.setting.connections, self.carrier.hub.closing, HANG_S)
        return JSONAnswer(views.account(sid, active=mode == "enabled"))

    @_authorized
    async def _message(self, request: "Request", sid: str) -> Response:
        return self._one(request, sid, Message, Reply)

    @_authorized
    async def _call(self, request: "Request", sid: str) -> Response:
        return self._one(request, sid, Call)

    @_authorized
    async def _messages(self, request: "Request", sid: str) -> Response:
        return self._list(request, sid, "messages", (Message, Reply), "DateSent", "date_sent")

    @_authorized
    async def _calls(self, request: "Request", sid: str) -> Response:
        return self._list(request, sid, "calls", (Call,), "StartTime", "start_time")

    @_authorized
    async def _numbers(self, request: "Request", sid: str) -> Response:
        line = self.carrier.line
        kept = self.carrier.store.tag(views.number_sid(line)) or {}
        wanted = request.query_params.get("PhoneNumber", line)
        rows = [views.number(sid, line, kept)] if wanted in line else []
        given = {"PageSize": str(_ORDINARY)} | dict(request.query_params)
        return JSONAnswer(views.page(request.url.path, "incoming_phone_numbers", rows, given, more=False))

    @_authorized
    async def _number(self, request: "Request", sid: str) -> Response:
        """The number; with POST, after the address for texts that come in was changed."""
        line = self.carrier.line
        own = views.number_sid(line)
        if request.path_params["sid"] != own:
            return self._missing(request)
        kept = self.carrier.store.tag(own) or {}
        if request.method == "POST":
            try:
                form = await _form(request)
            except ProblemError as problem:
                return views.error(400, problem.code, str(problem))
            if "SmsUrl" in form:
                kept = kept | {"sms_url": form["SmsUrl"][-1], "account": sid}
                self.carrier.store.set_tag(own, kept)
        return JSONAnswer(views.number(sid, line, kept))

    @_authorized
    async def _end_call(self, request: "Request", sid: str) -> Response:
        """`Status=completed` ends a call; one that nobody has answered is then canceled."""
        call = self._find(request, Call)
        if not isinstance(call, Call):
            return self._missing(request)
        try:
            wanted = (await _form(request)).get("Status", [""])[-1]
        except ProblemError as problem:
            return views.error(400, problem.code, str(problem))
        if wanted not in {"completed", "canceled"}:
            return views.error(400, 20001, "the sandbox changes a call in one way: Status=completed or canceled")
        if wanted == "completed" or call.taken_ms(self.carrier.clock.now_ms()) is None:
            try:
                self.carrier.cancel(call.id)
            except (WrongStateError, NoSuchCallError) as problem:
                return views.error(400, 21220, f"Invalid call state: {problem}")
        return self._one(request, sid, Call)

    # -- pieces ----------------------------------------------------------------------------------------------------

    def _view(self, item: Item, at_ms: int, sid: str) -> dict[str, Any]:
        tag = self.carrier.store.tag(item.id) or {}
        if isinstance(item, Call):
            return views.call(item, at_ms, sid, self.carrier.line, tag)
        return views.message(item, at_ms, sid, self.carrier.line, tag)

    def _find(self, request: "Request", *kinds: type[Item]) -> Item | None:
        found = (self.carrier.store.get(item_id) for item_id in views.ids_of(request.path_params["sid"]))
        return next((item for item in found if isinstance(item, kinds)), None)

    def _one(self, request: "Request", sid: str, *kinds: type[Item]) -> Response:
        item = self._find(request, *kinds)
        return (
            self._missing(request) if item is None else JSONAnswer(self._view(item, self.carrier.clock.now_ms(), sid))
        )

    def _missing(self, request: "Request") -> Response:
        return self.error(404, f"The requested resource {request.url.path} was not found")

    def _list(
        self, request: "Request", sid: str, name: str, kinds: tuple[type[Item], ...], date: str, field: str
    ) -> Response:
        given = dict(request.query_params)
        size, place = given.setdefault("PageSize", str(_ORDINARY)), given.get("Page", "0")
        if not (_whole(size) and _whole(place) and 1 <= int(size) <= _MOST):
            return views.error(400, 20001, f"PageSize must be 1 to {_MOST}, and Page a number")
        now, rows, token = self.carrier.clock.now_ms(), [], given.get("PageToken")
        behind = token is None
        try:
            for item in self.carrier.store.everything():
                if behind and isinstance(item, kinds) and _fits(row := self._view(item, now, sid), given, date, field):
                    rows.append(row)
                behind = behind or f"PA{views.sid_of(item)}" == token
                if len(rows) > int(size):
                    break
        except ValueError:
            return views.error(400, 20001, f"{date} must be a date or a time")
        more = len(rows) > int(size)
        return JSONAnswer(views.page(request.url.path, name, rows[: int(size)], given, more=more))


async def _form(request: "Request") -> dict[str, list[str]]:
    try:
        text = (await request.body()).decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise ProblemError(20001, "the body is not a form in UTF-8") from None
    form: dict[str, list[str]] = {}
    for name, value in pairs:
        form.setdefault(name, []).append(value)
    return form


def _whole(text: str) -> bool:
    return re.fullmatch(r"[0-9]{1,6}", text) is not None


def _fits(row: dict[str, Any], given: dict[str, str], date: str, field: str) -> bool:
    """Whether a row is one that the query asks for.

    Raises:
        ValueError: a date in the query is none.
    """
    for name, key in (("To", "to"), ("From", "from"), ("Status", "status")):
        if name in given and row[key] != given[name]:
            return False
    for sign in ("", "<", ">"):
        if date + sign in given and not _dated(row[field] or row["date_created"], sign, given[date + sign]):
            return False
    return True


def _dated(told: str, sign: str, given: str) -> bool:
    moment = datetime.strptime(told, "%a, %d %b %Y %H:%M:%S %z")
    wanted = datetime.fromisoformat(given)
    wanted = wanted if wanted.tzinfo else wanted.replace(tzinfo=UTC)
    if not sign:
        return moment.date() == wanted.date()
    return moment <= wanted if sign == "<" else moment >= wanted
