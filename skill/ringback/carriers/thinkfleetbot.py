"""ThinkFleetBot's telephony API: JSON over HTTPS with a bearer key.

The wire format is that of its published notes, "SaaS Telephony". No webhook and no idempotency key are
documented, nor which statuses exist: what comes is mapped by a table, and a word that is not in it stays
`unknown`, never success.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from ringback.carriers.checks import is_safe_url, is_usable_id
from ringback.carriers.http import CarrierHttp, Timeouts, carrier_words
from ringback.carriers.undocumented import NoInbox
from ringback.errors import CarrierUnreadable, ConfigurationError, InvalidNumber
from ringback.model.numbers import PhoneNumber, parse_number
from ringback.model.outbound import Acceptance, CarrierItem, Channel, Line, Outbound, Report
from ringback.model.status import Status

if TYPE_CHECKING:
    import httpx2 as httpx

    from ringback.settings import Settings

STATUSES: Final = {
    "accepted": Status.ACCEPTED,
    "queued": Status.QUEUED,
    "pending": Status.QUEUED,
    "initiated": Status.QUEUED,
    "sending": Status.QUEUED,
    "sent": Status.SENT,
    "delivered": Status.DELIVERED,
    "read": Status.DELIVERED,
    "undelivered": Status.UNDELIVERED,
    "failed": Status.FAILED,
    "error": Status.FAILED,
    "ringing": Status.RINGING,
    "in_progress": Status.IN_PROGRESS,
    "answered": Status.IN_PROGRESS,
    "completed": Status.COMPLETED,
    "busy": Status.BUSY,
    "no_answer": Status.NO_ANSWER,
    "canceled": Status.CANCELLED,
    "cancelled": Status.CANCELLED,
}

_TYPES: Final = {"sms": Channel.SMS, "mms": Channel.MMS, "voice": Channel.VOICE, "call": Channel.VOICE}
_KEYS = re.compile(r"[0-9*#]{1,128}")
_LONGEST_CALL_S = 86_400.0


class ThinkFleetBot(NoInbox):
    """The carrier ThinkFleetBot."""

    name = "thinkfleetbot"
    live = True
    channels = frozenset(Channel)

    def __init__(self, http: CarrierHttp) -> None:
        self._http = http

    async def line(self) -> Line:
        """`GET /api/agents/me/telephony`."""
        answer = _object(await self._http.get("/api/agents/me/telephony"))
        enabled = answer.get("enabled")
        if not isinstance(enabled, bool):
            raise CarrierUnreadable("The carrier did not say whether telephony is enabled.")
        return Line(
            carrier=self.name,
            enabled=enabled,
            live=self.live,
            number=_own_number(answer.get("phone_number")),
            capabilities=_capabilities(answer.get("capabilities")),
            clock_offset_s=self._http.clock_offset_s,
        )

    async def transmit(self, outbound: Outbound) -> Acceptance:
        """`POST /api/messaging/sms`, `/mms` or `/voice`."""
        to = outbound.to.e164
        if outbound.channel is Channel.VOICE:
            answer = await self._http.post("/api/messaging/voice", {"to": to, "prompt": outbound.text})
        elif outbound.channel is Channel.MMS:
            body = {"to": to, "body": outbound.text, "media_url": outbound.media_url}
            answer = await self._http.post("/api/messaging/mms", body)
        else:
            answer = await self._http.post("/api/messaging/sms", {"to": to, "body": outbound.text})
        item = _object(answer)
        carrier_id = item.get("id")
        if not isinstance(carrier_id, str) or not is_usable_id(carrier_id, to):
            raise CarrierUnreadable("The carrier took the request but gave no usable id for it.")
        status = _status(item.get("status"))
        return Acceptance(carrier_id, Status.ACCEPTED if status is Status.UNKNOWN else status)

    async def report(self, channel: Channel, carrier_id: str) -> Report:
        """`GET /api/messaging/voice/{id}` for a call, `/api/messaging/sms/{id}` for SMS and MMS."""
        kind = "voice" if channel is Channel.VOICE else "sms"
        return read_report(_object(await self._http.get(f"/api/messaging/{kind}/{quote(carrier_id, safe='')}")))

    async def history(self, limit: int) -> list[CarrierItem]:
        """`GET /api/messaging/history?limit=`."""
        rows = _object(await self._http.get("/api/messaging/history", {"limit": limit})).get("data")
        if not isinstance(rows, list):
            raise CarrierUnreadable("The carrier's history is not a list.")
        return [item for row in rows if isinstance(row, dict) and (item := _item(row)) is not None]

    async def aclose(self) -> None:
        """Close connections."""
        await self._http.aclose()


def build(settings: Settings, *, transport: httpx.AsyncBaseTransport | None = None) -> ThinkFleetBot:
    """The carrier from `SAAS_API_URL` and `SAAS_API_KEY`.

    Raises:
        ConfigurationError: one of the two is missing, or the URL is not HTTPS to another machine.
    """
    missing = [
        name
        for name, value in (("SAAS_API_URL", settings.saas_api_url), ("SAAS_API_KEY", settings.saas_api_key))
        if not value
    ]
    if missing or not settings.saas_api_url or settings.saas_api_key is None:
        raise ConfigurationError(
            f"ThinkFleetBot needs {' and '.join(missing)}.", hint="Set what is missing, or RINGBACK_CARRIER=sandbox."
        )
    if not is_safe_url(settings.saas_api_url):
        raise ConfigurationError(
            "SAAS_API_URL is not a plain https:// URL.", hint="Plain http is accepted for this machine only."
        )
    key = settings.saas_api_key.get_secret_value()
    if not (key.isascii() and key.isprintable()):
        raise ConfigurationError(
            "SAAS_API_KEY has characters that no HTTP header can carry.", hint="Copy it again from ThinkFleetBot."
        )
    return ThinkFleetBot(connect(settings.saas_api_url, key, settings, transport))


def connect(url: str, key: str, settings: Settings, transport: httpx.AsyncBaseTransport | None = None) -> CarrierHttp:
    """The HTTP side: base URL and bearer key."""
    timeouts = Timeouts(settings.connect_timeout_s, settings.read_timeout_s)
    return CarrierHttp(url, {"Authorization": f"Bearer {key}"}, timeouts=timeouts, transport=transport)


def read_report(item: dict[str, Any]) -> Report:
    """What a message's or call's own description tells."""
    keys = item.get("digits")
    return Report(
        status=_status(item.get("status")),
        delivered_at=_time(item.get("delivered_at")),
        error=carrier_words(_text(item.get("error")) or "") or None,
        duration_s=_seconds(item.get("duration")),
        recording_url=_https(item.get("recording_url")),
        keys=keys if isinstance(keys, str) and _KEYS.fullmatch(keys) else None,
    )


def _object(answer: Any) -> dict[str, Any]:
    if not isinstance(answer, dict):
        raise CarrierUnreadable("The carrier answered with JSON that is not an object.")
    return answer


def _status(word: object) -> Status:
    if not isinstance(word, str):
        return Status.UNKNOWN
    return STATUSES.get(word.strip().lower().replace("-", "_"), Status.UNKNOWN)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _time(value: object) -> str | None:
    """A time as the carrier wrote it; other words are not passed on."""
    try:
        return datetime.fromisoformat(value).isoformat() if isinstance(value, str) else None
    except ValueError:
        return None


def _seconds(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LONGEST_CALL_S:
        return None
    return float(value)


def _https(value: object) -> str | None:
    return value if isinstance(value, str) and value.startswith("https://") and value.isascii() else None


def _own_number(value: object) -> PhoneNumber | None:
    try:
        return parse_number(value) if isinstance(value, str) else None
    except InvalidNumber:
        return None


def _capabilities(value: object) -> frozenset[Channel]:
    """A list of words, or an object of word to yes or no: the notes do not say which."""
    if isinstance(value, dict):
        value = [name for name, on in value.items() if on is True]
    if not isinstance(value, list):
        return frozenset()
    return frozenset(_TYPES[word.lower()] for word in value if isinstance(word, str) and word.lower() in _TYPES)


def _item(row: dict[str, Any]) -> CarrierItem | None:
    carrier_id, kind, to = row.get("id"), row.get("type"), row.get("to")
    if not (isinstance(carrier_id, str) and isinstance(to, str) and isinstance(kind, str)):
        return None
    channel = _TYPES.get(kind.lower())
    if channel is None or not is_usable_id(carrier_id, to):
        return None
    created_at = _text(row.get("created_at")) or ""
    return CarrierItem(carrier_id, channel, to, _status(row.get("status")), created_at)
