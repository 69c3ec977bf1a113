import hmac
import re
from typing import TYPE_CHECKING, Any, ClassVar

from starlette.routing import Route

from ringback_sandbox.carrier import E164, Submission
from ringback_sandbox.http import MalformedError, is_json, json_object

from .dialect import Setting, json_error, take

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from ringback_sandbox.model import Outbound

STRANGER = "+12025550199"
"""In no campaign. Every other number is a contact of every campaign."""
_REQUIRED = ("campaign_id", "phone_number", "message")
_LONGEST = 1_600
_NANP_DIGITS = 10


class Teli:
    """Teli's one documented call: a text by hand to a contact of a campaign."""

    prefixes: ClassVar[tuple[str, ...]] = ("/v1/sms/",)
    elsewhere: ClassVar[str] = "/v1/sms/elsewhere"

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.carrier = setting.carrier

    def routes(self) -> "Sequence[Route]":
        """The one call."""
        return (Route("/v1/sms/send", self._send, methods=["POST"]),)

    def accepted(self, item: "Outbound") -> Any:
        """What a text that was sent is answered with. It has no id and no status."""
        return {
            "success": True,
            "message": "SMS sent successfully",
            "phone_number": item.to,
            "campaign_id": (self.carrier.store.tag(item.id) or {}).get("campaign_id"),
            "thread_qualified": True,
            "ai_disabled": True,
            "human_takeover": True,
            "powered_by": "Teli",
        }

    def status(self, item: "Outbound", at_ms: int) -> dict[str, Any]:
        """Teli has no status call; the answer to the send is all that it ever tells."""
        del at_ms
        told: dict[str, Any] = self.accepted(item)
        return told

    def wrong(self, item: "Outbound") -> Any:
        """The same keys with values of the wrong types."""
        return {"success": "yes", "message": item.seq, "phone_number": None, "campaign_id": [], "powered_by": 1}

    def error(self, status: int, text: str, *, retry_after_s: int | None = None) -> "Response":
        """`{"success": false, "error": text}`."""
        return json_error({"success": False, "error": text}, status, retry_after_s)

    async def _send(self, request: "Request") -> "Response":
        key = request.headers.get("x-api-key", "")
        if not hmac.compare_digest(key.encode("utf-8"), self.setting.key.encode("utf-8")):
            return self.error(401, "Invalid API key")
        if not is_json(request):
            return self.error(400, "Content-Type must be application/json")
        try:
            given = await json_object(request)
        except MalformedError as error:
            return self.error(400, str(error))
        # An empty message is told apart from a missing one; the other two must be there and say something.
        if not (_said(given, "campaign_id") and _said(given, "phone_number") and isinstance(given.get("message"), str)):
            return self.error(400, f"Missing required fields: {', '.join(_REQUIRED)}")
        return await self._text(given["campaign_id"], given["phone_number"], given["message"])

    async def _text(self, campaign_id: str, phone_number: str, message: str) -> "Response":
        if not message.strip():
            return self.error(400, "Message text cannot be empty")
        to = _normalised(phone_number)
        if to is None or to == STRANGER:
            return self.error(404, f"Client {to or phone_number} not found in campaign {campaign_id}")
        if len(message) > _LONGEST:
            return self.error(400, f"Message text cannot be longer than {_LONGEST} characters")
        if wait_s := self.carrier.wait_s():
            return self.error(429, "Too many requests", retry_after_s=wait_s)
        if self.carrier.faults.telephony == "disabled":
            return self.error(403, "SMS is not enabled for this account")
        submission = Submission("sms", to, message, tag={"campaign_id": campaign_id})
        return await take(self, self.setting, submission, taken=200)


def _said(given: dict[str, Any], name: str) -> bool:
    value = given.get(name)
    return isinstance(value, str) and bool(value.strip())


def _normalised(number: str) -> str | None:
    """The number in E.164; the form with a plus is recommended, and ten digits are taken for a North American one."""
    digits = re.sub(r"[\s().\-]", "", number)
    if not digits.startswith("+"):
        digits = f"+1{digits}" if len(digits) == _NANP_DIGITS else f"+{digits}"
    return digits if E164.fullmatch(digits) else None
