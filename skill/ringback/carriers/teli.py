"""Teli's single text: JSON over HTTPS with a key, to a contact of one campaign.

The wire format is that of its published page "Send Single SMS". It documents that one call: no status, no history, no
callback and no check of the account. Each send is a human takeover at Teli: docs/carriers/teli.md.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from ringback.carriers.checks import is_header_value, is_safe_url
from ringback.carriers.http import CarrierHttp, Timeouts, carrier_words
from ringback.carriers.undocumented import NoHistory, NoInbox, configured_line
from ringback.errors import CarrierRejected, CarrierUnreadable, ConfigurationError
from ringback.model.outbound import Acceptance, Channel, Line, Outbound
from ringback.model.status import Status

if TYPE_CHECKING:
    import httpx2 as httpx

    from ringback.settings import Settings

_REFUSALS: Final = ("missing required fields", "message text cannot be empty", "not found in campaign")
"""The documented errors: each is found before anything is sent."""
_NO_CONTACT: Final = "not found in campaign"
_ADD_CONTACT: Final = "Add the contact to the campaign at Teli first."


class Teli(NoHistory, NoInbox):
    """The carrier Teli."""

    name = "teli"
    live = True
    channels = frozenset({Channel.SMS})

    def __init__(self, http: CarrierHttp, campaign_id: str) -> None:
        self._http = http
        self._campaign_id = campaign_id

    async def line(self) -> Line:
        """Enabled because it is configured: no call that would tell is documented, and none is made."""
        return configured_line(self, clock_offset_s=self._http.clock_offset_s)

    async def transmit(self, outbound: Outbound) -> Acceptance:
        """`POST /v1/sms/send`."""
        if outbound.channel is not Channel.SMS:
            raise CarrierRejected("Teli moves texts alone.", hint="Send an SMS, or set up another carrier for it.")
        to = outbound.to.e164
        body = {"campaign_id": self._campaign_id, "phone_number": to, "message": outbound.text}
        try:
            answer = await self._http.post("/v1/sms/send", body)
        except CarrierRejected as error:
            raise _rejected(error.message, error.detail) from None
        return self._read(answer, to)

    def _read(self, answer: Any, to: str) -> Acceptance:
        """What a 2xx answer claims, and no more than that."""
        if not isinstance(answer, dict):
            raise CarrierUnreadable("The carrier answered with JSON that is not an object.")
        success, words = answer.get("success"), answer.get("error")
        detail = carrier_words(words) if isinstance(words, str) else ""
        if success is False and any(refusal in detail.lower() for refusal in _REFUSALS):
            raise _rejected("Teli refused the text.", detail)
        if success is not True:
            raise CarrierUnreadable("Teli did not say that it sent the text, nor a documented reason.", detail=detail)
        if not _is_same_number(answer.get("phone_number"), to):
            raise CarrierUnreadable("Teli says that it sent a text, but not to the recipient's number.")
        if answer.get("campaign_id", self._campaign_id) != self._campaign_id:
            raise CarrierUnreadable("Teli says that it sent a text, but in another campaign.")
        return Acceptance(None, Status.SENT)

    async def aclose(self) -> None:
        """Close connections."""
        await self._http.aclose()


def build(settings: Settings, *, transport: httpx.AsyncBaseTransport | None = None) -> Teli:
    """The carrier from `TELI_API_KEY` and `TELI_CAMPAIGN_ID`.

    Raises:
        ConfigurationError: one of the two is missing or unusable, or the URL is not HTTPS to another machine.
    """
    key = settings.teli_api_key.get_secret_value() if settings.teli_api_key else ""
    campaign_id = (settings.teli_campaign_id or "").strip()
    missing = [name for name, value in (("TELI_API_KEY", key), ("TELI_CAMPAIGN_ID", campaign_id)) if not value]
    if missing:
        raise ConfigurationError(f"Teli needs {' and '.join(missing)}.", hint="Set what is missing.")
    if not is_header_value(key):
        raise ConfigurationError(
            "TELI_API_KEY has characters that no HTTP header can carry.", hint="Copy it again from Teli."
        )
    if not is_safe_url(settings.teli_api_url):
        raise ConfigurationError(
            "TELI_API_URL is not a plain https:// URL.", hint="Plain http is accepted for this machine only."
        )
    timeouts = Timeouts(settings.connect_timeout_s, settings.read_timeout_s)
    http = CarrierHttp(settings.teli_api_url, {"X-API-Key": key}, timeouts=timeouts, transport=transport)
    return Teli(http, campaign_id)


def _rejected(message: str, detail: str) -> CarrierRejected:
    """Teli's no: with what to do about it, where that is known."""
    if _NO_CONTACT not in detail.lower():
        return CarrierRejected(message, detail=detail)
    # A receipt shows the detail and not the hint.
    return CarrierRejected(message, hint=_ADD_CONTACT, detail=f"{detail}. {_ADD_CONTACT}")


def _is_same_number(value: object, to: str) -> bool:
    """Whether the answer's number, which Teli normalises, has our number's digits."""
    return isinstance(value, str) and re.sub(r"[\s().\-]", "", value).removeprefix("+") == to.removeprefix("+")
