from typing import TYPE_CHECKING, Any, ClassVar

from starlette.routing import Route

from ringback_sandbox.carrier import E164, Submission
from ringback_sandbox.http import MalformedError, is_json, json_object

from .dialect import Setting, bears_key, json_error, take

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from ringback_sandbox.model import Outbound

_LONGEST = 1_600


class Custom:
    """A text service of somebody's own: one endpoint that takes `{"to", "message"}` and names the text."""

    prefixes: ClassVar[tuple[str, ...]] = ("/custom/",)
    elsewhere: ClassVar[str] = "/custom/elsewhere"

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.carrier = setting.carrier

    def routes(self) -> "Sequence[Route]":
        """The one endpoint."""
        return (Route("/custom/sms", self._send, methods=["POST"]),)

    def accepted(self, item: "Outbound") -> Any:
        """The text's id."""
        return {"id": item.id}

    def status(self, item: "Outbound", at_ms: int) -> dict[str, Any]:
        """There is no status call; the id is all that is ever told."""
        del at_ms
        return {"id": item.id}

    def wrong(self, item: "Outbound") -> Any:
        """An id that is none."""
        return {"id": {"value": item.seq}}

    def error(self, status: int, text: str, *, retry_after_s: int | None = None) -> "Response":
        """`{"error": text}`."""
        return json_error({"error": text}, status, retry_after_s)

    async def _send(self, request: "Request") -> "Response":
        if not bears_key(request, self.setting.key):
            return self.error(401, "the key is missing or wrong")
        if not is_json(request):
            return self.error(415, "Content-Type must be application/json")
        try:
            submission = _submission(await json_object(request))
        except MalformedError as error:
            return self.error(422, str(error))
        if wait_s := self.carrier.wait_s():
            return self.error(429, "too many requests", retry_after_s=wait_s)
        if self.carrier.faults.telephony == "disabled":
            return self.error(403, "texts are not enabled")
        return await take(self, self.setting, submission, taken=202)


def _submission(given: dict[str, Any]) -> Submission:
    to, message = given.get("to"), given.get("message")
    if not isinstance(to, str) or not E164.fullmatch(to):
        raise MalformedError("to must be a phone number in E.164 format, such as +15550100000")
    if not isinstance(message, str) or not message.strip() or len(message) > _LONGEST:
        raise MalformedError(f"message must be a text of 1 to {_LONGEST} characters")
    return Submission("sms", to, message)
