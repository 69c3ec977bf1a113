import hmac
import re
import secrets
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, ClassVar

from starlette.responses import Response
from starlette.routing import Route

from ringback_sandbox.carrier import E164, Submission
from ringback_sandbox.clock import iso
from ringback_sandbox.faults import HANG_S
from ringback_sandbox.http import Close, JSONAnswer, MalformedError, is_json, json_object
from ringback_sandbox.model import Call

from .dialect import Setting, json_error, take
from .thoughtly_hooks import TYPES, Hooks
from .thoughtly_views import AGENT, AUTOMATION, agent, call

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request

    from ringback_sandbox.model import Outbound

# Where the contacts are kept: a tag that belongs to no item.
_CONTACTS = "thoughtly contacts"
_LONGEST_PROMPT = 4_096
_MOST = 50
_LISTED = 2_000
_OPTIONAL = ("name", "email", "country_code", "tags", "attributes", "custom_fields")

_Handler = Callable[["Thoughtly", "Request"], Awaitable[Response]]


def _authorized(handler: _Handler) -> _Handler:
    """Answer 401 unless token and team are there, and 429 above the rate: every request counts."""

    @wraps(handler)
    async def check(self: "Thoughtly", request: "Request") -> Response:
        token = request.headers.get("x-api-token", "")
        if not hmac.compare_digest(token.encode("utf-8"), self.setting.key.encode("utf-8")):
            return self.error(401, "Invalid API token")
        if not request.headers.get("team_id"):
            return self.error(401, "Missing team_id")
        if wait_s := self.carrier.wait_s():
            return self.error(429, "Too Many Requests", retry_after_s=wait_s)
        return await handler(self, request)

    return check


class Thoughtly:
    """Thoughtly's contacts, calls, agents, automations and webhooks, with one agent and one automation."""

    prefixes: ClassVar[tuple[str, ...]] = ("/contact", "/user", "/interview", "/webhook")
    elsewhere: ClassVar[str] = "/contact/elsewhere"

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.carrier = setting.carrier
        self.hooks = Hooks(setting.carrier)
        self.carrier.watchers.append(self.hooks)

    def routes(self) -> "Sequence[Route]":
        """Its calls."""
        return (
            Route("/contact/create", self._create, methods=["POST"]),
            Route("/contact/call", self._call, methods=["POST"]),
            Route("/contact", self._contacts, methods=["GET"]),
            Route("/user", self._user, methods=["GET"]),
            Route("/interview", self._agents, methods=["GET"]),
            Route("/interview/{id}/responses", self._responses, methods=["GET"]),
            Route("/webhook/automation/{id}", self._automation, methods=["POST"]),
            Route("/webhooks/subscribe", self._subscribe, methods=["POST"]),
            Route("/webhooks/unsubscribe", self._unsubscribe, methods=["DELETE"]),
        )

    def accepted(self, item: "Outbound") -> Any:
        """What a call that was taken is answered with; an automation tells no id."""
        tag = self.carrier.store.tag(item.id) or {}
        if tag.get("automation"):
            return {"data": {"success": True}, "error": None}
        taken = {"call_id": item.id, "status": "queued", "interview_id": AGENT, "contact_id": tag.get("contact_id")}
        return {"data": taken, "error": None}

    def status(self, item: "Outbound", at_ms: int) -> dict[str, Any]:
        """The call's row in the agent's list."""
        assert isinstance(item, Call)
        return call(item, self.carrier.store.tag(item.id) or {}, at_ms)

    def wrong(self, item: "Outbound") -> Any:
        """The same keys with values of the wrong types."""
        return {"data": {"call_id": item.seq, "status": ["queued"], "contact_id": {}}, "error": None}

    def error(self, status: int, text: str, *, retry_after_s: int | None = None) -> Response:
        """`{"data": null, "error": {"message": text}}`."""
        return json_error({"data": None, "error": {"message": text}}, status, retry_after_s)

    # -- contacts --------------------------------------------------------------------------------------------------

    @_authorized
    async def _create(self, request: "Request") -> Response:
        given = await self._given(request)
        if isinstance(given, Response):
            return given
        number = given.get("phone_number")
        if not isinstance(number, str) or not E164.fullmatch(number):
            return self.error(400, "phone_number must be in E.164 format")
        contacts = self._known()
        if any(contact["phone_number"] == number for contact in contacts.values()):
            return self.error(409, f"A contact with the phone number {number} already exists")
        contact: dict[str, Any] = {"id": "cnt_" + secrets.token_hex(10), "phone_number": number}
        contact |= {name: given[name] for name in _OPTIONAL if name in given}
        contact["created_at"] = iso(self.carrier.clock.now_ms())
        self.carrier.store.set_tag(_CONTACTS, contacts | {contact["id"]: contact})
        return _data(contact)

    @_authorized
    async def _contacts(self, request: "Request") -> Response:
        wanted = request.query_params.get("search", "").lower()
        rows = [
            contact
            for contact in self._known().values()
            if any(wanted in str(contact.get(name, "")).lower() for name in ("name", "email", "phone_number"))
        ]
        return self._page(request, rows)

    def _known(self) -> dict[str, Any]:
        return self.carrier.store.tag(_CONTACTS) or {}

    # -- calls -----------------------------------------------------------------------------------------------------

    @_authorized
    async def _call(self, request: "Request") -> Response:
        given = await self._given(request)
        if isinstance(given, Response):
            return given
        contact, metadata = self._known().get(str(given.get("contact_id"))), given.get("metadata") or {}
        if contact is None:
            return self.error(404, "Contact not found")
        # The developer pages and the API description differ in the agent's name: one of the two is enough.
        if (given.get("interview_id") or given.get("agent_id")) != AGENT:
            return self.error(404, "Agent not found")
        if not isinstance(metadata, dict):
            return self.error(400, "metadata must be an object")
        if self.carrier.faults.telephony == "disabled":
            return self.error(403, "The Agent is not active")
        tag = {"contact_id": contact["id"], "metadata": metadata, "thoughtly": True}
        return await self._ring(contact["phone_number"], metadata.get("prompt"), tag)

    async def _automation(self, request: "Request") -> Response:
        if request.path_params["id"] != AUTOMATION:
            return self.error(404, "Automation not found")
        given = await self._given(request)
        if isinstance(given, Response):
            return given
        number = given.get("contact_phone")
        if not isinstance(number, str) or not E164.fullmatch(number):
            return self.error(400, "contact_phone must be in E.164 format")
        metadata = {name: value for name, value in given.items() if name != "contact_phone"}
        tag = {"metadata": metadata, "thoughtly": True, "automation": True}
        return await self._ring(number, given.get("prompt"), tag)

    async def _ring(self, number: str, prompt: Any, tag: dict[str, Any]) -> Response:
        said = prompt if isinstance(prompt, str) and prompt.strip() else "(the Agent's own script)"
        if len(said) > _LONGEST_PROMPT:
            return self.error(400, f"prompt must be at most {_LONGEST_PROMPT} characters")
        return await take(self, self.setting, Submission("voice", number, said, tag=tag), taken=200)

    # -- agents ----------------------------------------------------------------------------------------------------

    @_authorized
    async def _user(self, request: "Request") -> Response:
        mode = self.carrier.faults.telephony
        if mode == "unreachable-check":
            return self.error(500, "internal error")
        if mode == "hang-check":
            return Close(self.setting.connections, self.carrier.hub.closing, HANG_S)
        return _data({"id": "usr_sandbox", "email": "sandbox@team.example", "team_id": request.headers["team_id"]})

    @_authorized
    async def _agents(self, request: "Request") -> Response:
        one = agent(self.carrier.line, active=self.carrier.faults.telephony != "disabled")
        wanted = request.query_params.get("status", one["status"])
        return self._page(request, [one] if wanted == one["status"] else [])

    @_authorized
    async def _responses(self, request: "Request") -> Response:
        if request.path_params["id"] != AGENT:
            return self.error(404, "Agent not found")
        now, rows = self.carrier.clock.now_ms(), []
        for item in self.carrier.store.outbound(_LISTED):
            tag = self.carrier.store.tag(item.id) or {}
            if isinstance(item, Call) and tag.get("thoughtly"):
                rows.append(call(item, tag, now))
        wanted = request.query_params.getlist("status")
        return self._page(request, [row for row in rows if not wanted or row["status"] in wanted])

    # -- webhooks --------------------------------------------------------------------------------------------------

    @_authorized
    async def _subscribe(self, request: "Request") -> Response:
        given = await self._subscription(request)
        if isinstance(given, Response):
            return given
        return _data(self.hooks.subscribe(*given) | {"created_at": iso(self.carrier.clock.now_ms())})

    @_authorized
    async def _unsubscribe(self, request: "Request") -> Response:
        given = await self._subscription(request)
        if isinstance(given, Response):
            return given
        return _data({"success": True}) if self.hooks.unsubscribe(*given) else self.error(404, "No such subscription")

    async def _subscription(self, request: "Request") -> tuple[str, str] | Response:
        given = await self._given(request)
        if isinstance(given, Response):
            return given
        kind, url = given.get("type"), given.get("url")
        if kind not in TYPES:
            return self.error(400, f"type must be one of {', '.join(TYPES)}")
        if not isinstance(url, str) or not re.fullmatch(r"https?://[!-~]{1,2000}", url):
            return self.error(400, "url must be a URL")
        return str(kind), url

    # -- shared ----------------------------------------------------------------------------------------------------

    async def _given(self, request: "Request") -> dict[str, Any] | Response:
        if not is_json(request):
            return self.error(400, "Content-Type must be application/json")
        try:
            return await json_object(request)
        except MalformedError as error:
            return self.error(400, str(error))

    def _page(self, request: "Request", rows: list[dict[str, Any]]) -> Response:
        """One page, counted from 0."""
        given = [request.query_params.get("page", "0"), request.query_params.get("limit", "20")]
        if not all(re.fullmatch(r"[0-9]{1,6}", each) for each in given) or not 1 <= int(given[1]) <= _MOST:
            return self.error(400, f"page must be 0 or more, limit from 1 to {_MOST}")
        page, limit = map(int, given)
        return _data(rows[page * limit : (page + 1) * limit])


def _data(content: Any) -> JSONAnswer:
    return JSONAnswer({"data": content, "error": None})
