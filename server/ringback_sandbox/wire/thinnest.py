import contextlib
import re
from typing import TYPE_CHECKING, Any, ClassVar

from starlette.routing import Route

from ringback_sandbox.carrier import E164, Submission
from ringback_sandbox.delivery import is_here
from ringback_sandbox.http import JSONAnswer, MalformedError, is_json, json_object

from .dialect import Setting, bears_key, json_error

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from ringback_sandbox.model import Call, Outbound

_TOOL = {
    "enabled": bool,
    "provider": str,
    "from_number": str,
    "templates": dict,
    "custom_api_url": str,
    "custom_api_headers": dict,
}
_PROVIDERS = ("twilio", "custom")
_LONGEST = 1_600
_ANSWER_S = 10.0
_AGENT = re.compile(r"[A-Za-z0-9_-]{1,128}")
_VARIABLE = re.compile(r"\{([A-Za-z][A-Za-z0-9_]*)\}")


class Thinnest:
    """thinnest.ai's voice agents, as far as their text tool goes: any id is an agent of its own, set up by PATCH.

    `POST /sandbox/thinnest/texts` has an agent text the other party of a call, as its model would during the call.
    """

    prefixes: ClassVar[tuple[str, ...]] = ("/agents/",)
    elsewhere: ClassVar[str] = "/agents/elsewhere/none"

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.carrier = setting.carrier

    def routes(self) -> "Sequence[Route]":
        """Reading and changing an agent, and the control route that has it text."""
        return (
            Route("/agents/{agent}", self._read, methods=["GET"]),
            Route("/agents/{agent}", self._change, methods=["PATCH"]),
            Route("/sandbox/thinnest/texts", self._text, methods=["POST"]),
        )

    def accepted(self, item: "Outbound") -> Any:
        """Nothing is sent by this API; the item's id."""
        return {"id": item.id}

    def status(self, item: "Outbound", at_ms: int) -> dict[str, Any]:
        """There is no status call; the id."""
        del at_ms
        return {"id": item.id}

    def wrong(self, item: "Outbound") -> Any:
        """An id that is none."""
        return {"id": {"value": item.seq}}

    def error(self, status: int, text: str, *, retry_after_s: int | None = None) -> "Response":
        """`{"error": text}`."""
        return json_error({"error": text}, status, retry_after_s)

    # -- the API ---------------------------------------------------------------------------------------------------

    async def _read(self, request: "Request") -> "Response":
        refusal = self._refusal(request)
        return refusal or JSONAnswer(self._agent(request.path_params["agent"]))

    async def _change(self, request: "Request") -> "Response":
        if (refusal := self._refusal(request)) is not None:
            return refusal
        if not is_json(request):
            return self.error(415, "Content-Type must be application/json")
        agent = self._agent(request.path_params["agent"])
        try:
            agent["voice_tools"]["sms_mid_call"] |= _changes(await json_object(request))
            _check_whole(agent["voice_tools"]["sms_mid_call"])
        except MalformedError as error:
            return self.error(422, str(error))
        self.carrier.store.set_tag(_tag(agent["id"]), agent)
        return JSONAnswer(agent)

    def _refusal(self, request: "Request") -> "Response | None":
        if not bears_key(request, self.setting.key):
            return self.error(401, "the key is missing or wrong")
        if not _AGENT.fullmatch(request.path_params["agent"]):
            return self.error(404, "no such agent")
        return None

    def _agent(self, agent_id: str) -> dict[str, Any]:
        kept = self.carrier.store.tag(_tag(agent_id))
        return kept or {"id": agent_id, "voice_tools": {"sms_mid_call": {"enabled": False}}}

    # -- the agent's own doing -------------------------------------------------------------------------------------

    async def _text(self, request: "Request") -> "Response":
        """Text during a call: `{"agent_id", "call_id", "message"}`, or `template` and `variables` for `message`."""
        try:
            given = await json_object(request)
            tool = self._agent(str(given.get("agent_id")))["voice_tools"]["sms_mid_call"]
            message = _message(given, tool)
        except MalformedError as error:
            return self.error(422, str(error))
        call = self.carrier.call(str(given.get("call_id")))
        if call is None:
            return self.error(404, "no such call")
        if not tool["enabled"] or call.status(self.carrier.clock.now_ms()) != "in-progress":
            return self.error(409, "the agent's text tool is not enabled, or the call is not answered, or has ended")
        if tool["provider"] == "custom":
            return await self._post(call, tool, message)
        item = self.carrier.accept(Submission("sms", call.to, message))
        return JSONAnswer({"id": item.id})

    async def _post(self, call: "Call", tool: dict[str, Any], message: str) -> "Response":
        """Post to the endpoint that was set up; what it answered."""
        from httpx2 import AsyncClient, HTTPError

        url = tool["custom_api_url"]
        if not is_here(url):
            return self.error(409, "the sandbox posts to http addresses of this machine alone")
        with contextlib.suppress(HTTPError):
            async with AsyncClient(trust_env=False, follow_redirects=False, timeout=_ANSWER_S) as client:
                body = {"to": call.to, "message": message}
                answer = await client.post(url, json=body, headers=tool.get("custom_api_headers", {}))
            return JSONAnswer({"status": answer.status_code, "body": answer.text})
        return self.error(502, "the endpoint did not answer")


def _tag(agent_id: str) -> str:
    return f"thinnest:{agent_id}"


def _changes(given: dict[str, Any]) -> dict[str, Any]:
    """The changes of the text tool that a PATCH asks for; everything else of an agent is not emulated."""
    tools = given.get("voice_tools")
    tool = tools.get("sms_mid_call") if isinstance(tools, dict) else None
    if not isinstance(tool, dict):
        raise MalformedError("voice_tools.sms_mid_call must be an object")
    for name, value in tool.items():
        if name not in _TOOL or not isinstance(value, _TOOL[name]):
            raise MalformedError(f"voice_tools.sms_mid_call.{name} is not known, or not of its type")
        if isinstance(value, dict) and not all(isinstance(text, str) for text in value.values()):
            raise MalformedError(f"voice_tools.sms_mid_call.{name} must hold texts")
    return tool


def _check_whole(tool: dict[str, Any]) -> None:
    if tool.get("enabled") and tool.get("provider") not in _PROVIDERS:
        raise MalformedError(f"provider must be one of {', '.join(_PROVIDERS)}")
    if tool.get("provider") == "custom" and not tool.get("custom_api_url"):
        raise MalformedError("custom_api_url is missing")
    if "from_number" in tool and not E164.fullmatch(tool["from_number"]):
        raise MalformedError("from_number must be a phone number in E.164 format")


def _message(given: dict[str, Any], tool: dict[str, Any]) -> str:
    message, template = given.get("message"), given.get("template")
    if template is not None:
        values = given.get("variables", {})
        text = tool.get("templates", {}).get(template) if isinstance(template, str) else None
        if text is None or not isinstance(values, dict):
            raise MalformedError("no such template, or variables that are no object")
        message = _VARIABLE.sub(lambda found: str(values.get(found[1], found[0])), text)
    if not isinstance(message, str) or not message.strip() or len(message) > _LONGEST:
        raise MalformedError(f"message must be a text of 1 to {_LONGEST} characters")
    return message
