"""Twilio's REST API of 2010-04-01: forms over HTTPS, with the account's SID and token.

A send takes no idempotency key, so it is posted once. Statuses, pressed keys and texts are called back where there is a
public address; without one statuses and texts are asked for, and the keys stay unknown: no call gives them.
"""

from __future__ import annotations

import base64
import re
import time
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final

from ringback.carriers.checks import is_header_value, is_safe_url
from ringback.carriers.http import CarrierHttp, Timeouts
from ringback.carriers.twilio_news import Reading, TwilioCallbacks
from ringback.carriers.twilio_wire import (
    CALL_SID,
    MESSAGE_SID,
    as_object,
    capabilities,
    read_call,
    read_item,
    read_message,
    status_of,
    told,
    twiml,
    usable_sid,
)
from ringback.errors import (
    CarrierError,
    CarrierNotEnabled,
    CarrierRejected,
    CarrierUnreadable,
    ConfigurationError,
    InvalidNumber,
)
from ringback.model.news import Inbox
from ringback.model.numbers import PhoneNumber, parse_number
from ringback.model.outbound import Acceptance, CarrierItem, Channel, Line, Outbound, Report
from ringback.model.status import Status

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    import httpx2 as httpx

    from ringback.settings import Settings

_ACCOUNT = re.compile(r"AC[0-9a-f]{32}")
_SERVICE = re.compile(r"MG[0-9a-f]{32}")
_TEXTS: Final = frozenset({Channel.SMS, Channel.MMS})
_STEPS: Final = ("initiated", "ringing", "answered", "completed")
_PAGE: Final = 50
"""Rows of a page: of more, with the longest texts, an answer could become larger than is read."""
_MOST_PAGES: Final = 40
_FIRST_LOOK_S: Final = 86_400.0
"""How far back received texts are taken when the list is read for the first time."""


class Twilio:
    """The carrier Twilio."""

    name = "twilio"
    live = True
    confirms_opt_outs = True

    def __init__(
        self,
        http: CarrierHttp,
        account_sid: str,
        callbacks: TwilioCallbacks,
        *,
        number: PhoneNumber | None,
        service_sid: str | None,
        callback_url: str | None,
    ) -> None:
        self._http = http
        self._base = f"/2010-04-01/Accounts/{account_sid}"
        self._number = number
        self._service_sid = service_sid
        self._callback_url = callback_url
        self.callbacks = callbacks
        self.channels = _TEXTS | ({Channel.VOICE} if number else frozenset())

    async def line(self) -> Line:
        """`GET /Accounts/{SID}.json`, and the number among `GET /IncomingPhoneNumbers.json`.

        The list is asked for without a filter, which would put the number into a URL.
        """
        try:
            status = as_object(await self._get(f"{self._base}.json")).get("status")
        except CarrierNotEnabled:
            status = "suspended"
        if not isinstance(status, str):
            raise CarrierUnreadable("Twilio did not say whether the account is active.")
        enabled = status == "active"
        return Line(
            carrier=self.name,
            enabled=enabled,
            live=self.live,
            number=self._number,
            capabilities=await self._capabilities() if enabled else frozenset(),
            clock_offset_s=self._http.clock_offset_s,
        )

    async def transmit(self, outbound: Outbound) -> Acceptance:
        """`POST /Messages.json` or `/Calls.json`."""
        if outbound.channel not in self.channels:
            raise CarrierRejected("Calls by Twilio need a number to call from.", hint="Set TWILIO_FROM_NUMBER.")
        voice = outbound.channel is Channel.VOICE
        fields = self._call(outbound) if voice else self._message(outbound)
        path = f"{self._base}/{'Calls' if voice else 'Messages'}.json"
        try:
            item = as_object(await self._http.post_form(path, fields))
        except CarrierError as error:
            raise told(error) from None
        sid = usable_sid(item.get("sid"), CALL_SID if voice else MESSAGE_SID, outbound.to.e164)
        if sid is None:
            raise CarrierUnreadable("Twilio took the request but gave no usable SID for it.")
        status = status_of(item.get("status"))
        return Acceptance(sid, Status.ACCEPTED if status is Status.UNKNOWN else status)

    async def report(self, channel: Channel, carrier_id: str) -> Report:
        """`GET /Calls/{sid}.json` or `/Messages/{sid}.json`."""
        voice = channel is Channel.VOICE
        if usable_sid(carrier_id, CALL_SID if voice else MESSAGE_SID) is None:
            raise CarrierRejected("This is no SID of Twilio's.", hint="Was it sent by another carrier?")
        item = as_object(await self._get(f"{self._base}/{'Calls' if voice else 'Messages'}/{carrier_id}.json"))
        return read_call(item) if voice else read_message(item)

    async def history(self, limit: int) -> list[CarrierItem]:
        """`GET /Messages.json` and, with a number to call from, `GET /Calls.json`: what went out, newest first."""
        items = await self._sent("messages", limit)
        if Channel.VOICE in self.channels:
            items += await self._sent("calls", limit)
        return sorted(items, key=lambda item: item.created_at, reverse=True)[:limit]

    async def inbox(self, cursor: str | None) -> Inbox:
        """`GET /Messages.json`: what came in since `cursor`; without one, since a day ago."""
        reading = Reading(cursor, time.time() - _FIRST_LOOK_S)
        async with aclosing(self._pages("messages", _PAGE)) as pages:
            async for rows in pages:
                if not reading.take(rows):
                    break
        return Inbox(reading.texts, reading.cursor or cursor)

    async def subscribe(self, url: str, secret: bytes) -> bool:
        """Each send says where its statuses go. Where received texts go, a person sets for the number."""
        del url, secret
        return False

    async def aclose(self) -> None:
        """Close connections."""
        await self._http.aclose()

    # -- pieces --------------------------------------------------------------------------------------------------------

    def _message(self, outbound: Outbound) -> dict[str, str | list[str]]:
        fields: dict[str, str | list[str]] = {"To": outbound.to.e164}
        if self._service_sid is not None:
            fields["MessagingServiceSid"] = self._service_sid
        elif self._number is not None:
            fields["From"] = self._number.e164
        fields["Body"] = outbound.text
        if outbound.media_url is not None:
            fields["MediaUrl"] = outbound.media_url
        if self._callback_url is not None:
            fields["StatusCallback"] = self._callback_url
        return fields

    def _call(self, outbound: Outbound) -> dict[str, str | list[str]]:
        assert self._number is not None
        fields: dict[str, str | list[str]] = {
            "To": outbound.to.e164,
            "From": self._number.e164,
            "Twiml": twiml(outbound.text, self._callback_url),
            # Beside the call: the prompt is not held back by it.
            "MachineDetection": "Enable",
            "AsyncAmd": "true",
        }
        if self._callback_url is not None:
            fields["AsyncAmdStatusCallback"] = self._callback_url
            fields["StatusCallback"] = self._callback_url
            fields["StatusCallbackEvent"] = list(_STEPS)
        return fields

    async def _capabilities(self) -> frozenset[Channel]:
        """What the number can do; texts also by way of the service, whose senders Twilio chooses from."""
        offered = _TEXTS if self._service_sid else frozenset[Channel]()
        if self._number is None:
            return offered
        async with aclosing(self._pages("incoming_phone_numbers", _PAGE)) as pages:
            async for rows in pages:
                for row in rows:
                    if isinstance(row, dict) and row.get("phone_number") == self._number.e164:
                        return offered | capabilities(row.get("capabilities"))
        return offered

    async def _sent(self, kind: str, limit: int) -> list[CarrierItem]:
        items: list[CarrierItem] = []
        async with aclosing(self._pages(kind, min(limit, _PAGE))) as pages:
            async for rows in pages:
                read = (read_item(row, call=kind == "calls") for row in rows)
                items += [item for item in read if item is not None]
                if len(items) >= limit:
                    break
        return items

    async def _pages(self, kind: str, size: int) -> AsyncGenerator[list[Any], None]:
        """The pages of a list. Only addresses within the account's own list are followed."""
        path = f"{self._base}/{_PATHS[kind]}.json"
        answer = as_object(await self._get(path, {"PageSize": size}))
        for _ in range(_MOST_PAGES):
            rows = answer.get(kind)
            if not isinstance(rows, list):
                raise CarrierUnreadable(f"Twilio's list of {kind} is not a list.")
            yield rows
            following = answer.get("next_page_uri")
            if not isinstance(following, str) or not _is_within(following, path):
                return
            answer = as_object(await self._get(following))

    async def _get(self, path: str, params: dict[str, str | int] | None = None) -> Any:
        try:
            return await self._http.get(path, params)
        except CarrierError as error:
            raise told(error) from None


_PATHS: Final = {"messages": "Messages", "calls": "Calls", "incoming_phone_numbers": "IncomingPhoneNumbers"}


def _is_within(uri: str, path: str) -> bool:
    """Whether it is a page of this list: it goes out with the credentials."""
    return uri.startswith(f"{path}?") and re.fullmatch(r"[!-~]{1,2048}", uri) is not None and "#" not in uri


def build(settings: Settings, *, transport: httpx.AsyncBaseTransport | None = None) -> Twilio:
    """The carrier from `TWILIO_ACCOUNT_SID`, `TWILIO_AUTH_TOKEN` and a sender.

    Raises:
        ConfigurationError: one of them is missing or is not what it must be.
    """
    sid, token = settings.twilio_account_sid, settings.twilio_auth_token
    sender = settings.twilio_from_number or settings.twilio_messaging_service_sid
    given = {"TWILIO_ACCOUNT_SID": sid, "TWILIO_AUTH_TOKEN": token, "TWILIO_FROM_NUMBER": sender}
    missing = [name for name, value in given.items() if not value]
    if missing or not sid or token is None:
        raise ConfigurationError(
            f"Twilio needs {' and '.join(missing)}.",
            hint="Set what is missing. For texts TWILIO_MESSAGING_SERVICE_SID does in place of the number.",
        )
    _check(settings, sid, token.get_secret_value())
    secret = token.get_secret_value()
    basic = base64.b64encode(f"{sid}:{secret}".encode()).decode("ascii")
    http = CarrierHttp(
        settings.twilio_api_url,
        {"Authorization": f"Basic {basic}"},
        timeouts=Timeouts(settings.connect_timeout_s, settings.read_timeout_s),
        transport=transport,
    )
    public = settings.public_url
    return Twilio(
        http,
        sid,
        TwilioCallbacks(sid, secret),
        number=_own_number(settings.twilio_from_number),
        service_sid=settings.twilio_messaging_service_sid,
        callback_url=f"{public.rstrip('/')}/webhooks/twilio" if public else None,
    )


def _check(settings: Settings, sid: str, token: str) -> None:
    """Refuse what Twilio could not have given, before anything is sent with it."""
    service = settings.twilio_messaging_service_sid
    wrong = [
        ("TWILIO_ACCOUNT_SID is no SID of an account.", not _ACCOUNT.fullmatch(sid)),
        ("TWILIO_AUTH_TOKEN has characters that no token has.", not is_header_value(token)),
        ("TWILIO_MESSAGING_SERVICE_SID is no SID of a service.", bool(service and not _SERVICE.fullmatch(service))),
    ]
    for problem, found in wrong:
        if found:
            raise ConfigurationError(problem, hint="Copy it again from Twilio's console.")
    for name, url in (("TWILIO_API_URL", settings.twilio_api_url), ("RINGBACK_PUBLIC_URL", settings.public_url)):
        if url and not is_safe_url(url):
            raise ConfigurationError(
                f"{name} is not a plain https:// URL.", hint="Plain http is accepted for this machine only."
            )


def _own_number(text: str | None) -> PhoneNumber | None:
    try:
        return parse_number(text) if text else None
    except InvalidNumber:
        raise ConfigurationError(
            "TWILIO_FROM_NUMBER is no number in E.164 form.", hint="Give it with + and country code, digits only."
        ) from None
