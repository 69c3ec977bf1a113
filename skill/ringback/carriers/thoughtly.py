"""Thoughtly's voice agents: JSON over HTTPS with a token and a team. A contact first, then the call by its id.

The wire format is that of its developer pages and its public API description; where they differ, both are met. Nothing
rings before `POST /contact/call`, so whatever fails before it left nothing: docs/decisions/0007, docs/decisions/0017.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from ringback.carriers.checks import is_header_value, is_safe_url, is_usable_id
from ringback.carriers.http import CarrierHttp, Timeouts
from ringback.carriers.pace import Pace
from ringback.carriers.thoughtly_automation import Automation
from ringback.carriers.thoughtly_calls import (
    FINISHED,
    ThoughtlyCallbacks,
    call_id_of,
    data_of,
    read_item,
    read_report,
    rows_of,
    status_of,
    told_path,
)
from ringback.carriers.thoughtly_contacts import Contacts
from ringback.clock import Clock, SystemClock
from ringback.errors import (
    CarrierRejected,
    CarrierUnreachable,
    CarrierUnreadable,
    ConfigurationError,
    InvalidNumber,
)
from ringback.model.numbers import PhoneNumber, parse_number
from ringback.model.outbound import Acceptance, CarrierItem, Channel, Line, Outbound, Report
from ringback.model.status import Status

if TYPE_CHECKING:
    from datetime import datetime

    import httpx2 as httpx

    from ringback.model.news import Inbox
    from ringback.settings import Settings

REQUESTS_A_MINUTE: Final = 100
_KEPT_FOR_SENDS: Final = 20
_PAGE: Final = 50
_PAGES: Final = 4
"""So many pages of a list are read at most: what is looked for is among the newest."""
_LONGEST_BEFORE_S: Final = 20.0
"""A call is asked for so soon after its dispatch began, or not at all: less than the dispatch's lease."""
_REMEMBERED: Final = 1_000


class Thoughtly:
    """The carrier Thoughtly: calls alone."""

    name = "thoughtly"
    live = True
    channels = frozenset({Channel.VOICE})

    def __init__(
        self,
        http: CarrierHttp,
        agent_id: str,
        *,
        here: bool = False,
        automation: Automation | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._http = http
        self._agent_id = agent_id
        self._here = here
        self._automation = automation
        self._clock = clock or SystemClock()
        self._pace = Pace(REQUESTS_A_MINUTE, 60.0, kept=_KEPT_FOR_SENDS, clock=self._clock)
        self._contacts = Contacts(http, self._pace)
        self._numbers: dict[str, str] = {}
        self.callbacks = ThoughtlyCallbacks(agent_id)

    async def line(self) -> Line:
        """`GET /user` says whose token it is, `GET /interview?status=ACTIVE` whether the agent can call."""
        await self._pace.take(reads=True)
        user = data_of(await self._http.get("/user"))
        if not isinstance(user, dict) or not user:
            raise CarrierUnreadable("The carrier did not say whose token it is.")
        agent = await self._find_agent()
        return Line(
            carrier=self.name,
            enabled=agent is not None,
            live=self.live,
            number=_own_number(agent.get("phone_number")) if agent else None,
            capabilities=self.channels,
            clock_offset_s=self._http.clock_offset_s,
        )

    async def transmit(self, outbound: Outbound) -> Acceptance:
        """`POST /contact/create`, then `POST /contact/call`; or the automation's webhook, where one is set up."""
        if outbound.channel is not Channel.VOICE:
            raise CarrierRejected("Thoughtly moves calls alone.", hint="Call, or set up another carrier for texts.")
        begun = self._clock.now()
        if self._automation is not None:
            await self._pace.take()
            self._check_time(begun)
            return await self._automation.start(outbound)
        await self._pace.take(2)
        contact_id = await self._contacts.id_for(outbound.to)
        self._check_time(begun)
        self._remember(contact_id, outbound.to)
        call: dict[str, object] = {
            "contact_id": contact_id,
            "agent_id": self._agent_id,
            "interview_id": self._agent_id,
            "metadata": {"prompt": outbound.text},
        }
        if outbound.urgent:
            call["priority"] = "high"
        taken = data_of(await self._http.post("/contact/call", call))
        carrier_id = call_id_of(taken)
        if carrier_id is None or not is_usable_id(carrier_id, outbound.to.e164):
            raise CarrierUnreadable("The carrier took the call but gave no usable id for it.")
        status = status_of(taken.get("status"))
        return Acceptance(carrier_id, Status.ACCEPTED if status is Status.UNKNOWN else status)

    async def report(self, channel: Channel, carrier_id: str) -> Report | None:
        """Look for the call in the agent's list; `None` while it is not there."""
        del channel
        for page in range(_PAGES):
            rows = await self._responses(page)
            for row in rows:
                if call_id_of(row) == carrier_id:
                    return read_report(row)
            if len(rows) < _PAGE:
                break
        return None

    async def history(self, limit: int) -> list[CarrierItem]:
        """The agent's newest calls to numbers that the list tells."""
        items: list[CarrierItem] = []
        for page in range(_PAGES):
            rows = await self._responses(page)
            items += [item for row in rows if (item := read_item(row, self._numbers)) is not None]
            if len(rows) < _PAGE or len(items) >= limit:
                break
        return items[:limit]

    async def inbox(self, cursor: str | None) -> Inbox | None:
        """It moves no texts."""
        del cursor
        return None

    async def subscribe(self, url: str, secret: bytes) -> bool:
        """`POST /webhooks/subscribe`, at a path that nobody can guess: no signature is documented.

        False where the address is this machine's own and the service is not: it could never call back there.
        """
        if not (self._here or url.startswith("https://")):
            return False
        await self._pace.take()
        data_of(await self._http.post("/webhooks/subscribe", {"type": FINISHED, "url": f"{url}/{told_path(secret)}"}))
        return True

    async def unsubscribe(self, url: str, secret: bytes) -> bool:
        """`DELETE /webhooks/unsubscribe` of the same address."""
        await self._pace.take()
        told = {"type": FINISHED, "url": f"{url}/{told_path(secret)}"}
        data_of(await self._http.delete("/webhooks/unsubscribe", told))
        return True

    async def aclose(self) -> None:
        """Close connections."""
        await self._http.aclose()
        if self._automation is not None:
            await self._automation.aclose()

    async def _find_agent(self) -> dict[str, Any] | None:
        for page in range(_PAGES):
            await self._pace.take(reads=True)
            rows = rows_of(await self._http.get("/interview", {"status": "ACTIVE", "page": page, "limit": _PAGE}))
            for row in rows:
                if row.get("id") == self._agent_id:
                    return row
            if len(rows) < _PAGE:
                break
        return None

    async def _responses(self, page: int) -> list[dict[str, Any]]:
        await self._pace.take(reads=True)
        path = f"/interview/{quote(self._agent_id, safe='')}/responses"
        return rows_of(await self._http.get(path, {"page": page, "limit": _PAGE}))

    def _check_time(self, begun: datetime) -> None:
        """A call that was held up since its dispatch began may count as abandoned by now, so it is not asked for.

        Raises:
            CarrierUnreachable: it is too late. It may be tried again, if the dispatch is still this process's.
        """
        if not 0 <= (self._clock.now() - begun).total_seconds() <= _LONGEST_BEFORE_S:
            raise CarrierUnreachable("It took so long until now that the call was not asked for.", hint="Try again.")

    def _remember(self, contact_id: str, to: PhoneNumber) -> None:
        """Keep whose contact it is, in memory: the list of calls tells contacts, and a doubt is about a number."""
        self._numbers[contact_id] = to.e164
        if len(self._numbers) > _REMEMBERED:
            del self._numbers[next(iter(self._numbers))]


def build(settings: Settings, *, transport: httpx.AsyncBaseTransport | None = None) -> Thoughtly:
    """The carrier from `THOUGHTLY_API_TOKEN`, `THOUGHTLY_TEAM_ID` and `THOUGHTLY_AGENT_ID`.

    Raises:
        ConfigurationError: one of them is missing or no header can carry it, or the URL is not HTTPS elsewhere.
    """
    token = settings.thoughtly_api_token.get_secret_value() if settings.thoughtly_api_token else ""
    given = {
        "THOUGHTLY_API_TOKEN": token,
        "THOUGHTLY_TEAM_ID": settings.thoughtly_team_id or "",
        "THOUGHTLY_AGENT_ID": settings.thoughtly_agent_id or "",
    }
    if missing := [name for name, value in given.items() if not value]:
        raise ConfigurationError(
            f"Thoughtly needs {' and '.join(missing)}.", hint="Set what is missing, or RINGBACK_CARRIER=sandbox."
        )
    if not is_safe_url(settings.thoughtly_api_url):
        raise ConfigurationError(
            "THOUGHTLY_API_URL is not a plain https:// URL.", hint="Plain http is accepted for this machine only."
        )
    if unfit := [name for name, value in given.items() if not is_header_value(value)]:
        raise ConfigurationError(
            f"{' and '.join(unfit)} has characters that no HTTP header can carry.", hint="Copy it again from Thoughtly."
        )
    url, timeouts = settings.thoughtly_api_url, Timeouts(settings.connect_timeout_s, settings.read_timeout_s)
    headers = {"x-api-token": token, "team_id": given["THOUGHTLY_TEAM_ID"]}
    automation = settings.thoughtly_automation_id
    return Thoughtly(
        CarrierHttp(url, headers, timeouts=timeouts, transport=transport),
        given["THOUGHTLY_AGENT_ID"],
        here=url.startswith("http://"),
        automation=Automation(CarrierHttp(url, {}, timeouts=timeouts, transport=transport), automation)
        if automation and automation.get_secret_value()
        else None,
    )


def _own_number(value: object) -> PhoneNumber | None:
    try:
        return parse_number(value) if isinstance(value, str) else None
    except InvalidNumber:
        return None
