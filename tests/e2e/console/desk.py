"""The console's application with a clock in hand, a carrier that counts, and a browser without a window."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import httpx2
from tests.e2e.console.conftest import PASSPHRASE, TO, YES, hidden

from ringback.carriers.routes import Carriers
from ringback.model.numbers import PhoneNumber
from ringback.model.outbound import Acceptance, Channel, Line, Outbound, Report
from ringback.model.status import Status
from ringback.opening import Ringback, open_ringback
from ringback.settings import ApprovalFloor, Settings
from ringback_server.console.app import build
from ringback_server.console.passphrase import set_passphrase

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from ringback.model.outbound import CarrierItem

PORT = 8424
HERE = f"http://127.0.0.1:{PORT}"
APPLE = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.1 Safari/605.1.15"
MINUTE = 60.0


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self._now = datetime(2026, 6, 1, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self._now

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)


@dataclass
class Counting:
    """A carrier that takes everything and remembers it."""

    live: bool = False
    name: str = "sandbox"
    sent: list[Outbound] = field(default_factory=list)
    troubles: list[Exception] = field(default_factory=list)
    """What the next requests come to; after them everything is taken."""
    callbacks: None = None
    channels: frozenset[Channel] = frozenset(Channel)

    async def line(self) -> Line:
        return Line(
            self.name, enabled=True, live=self.live, number=PhoneNumber("+12025550199"), capabilities=frozenset(Channel)
        )

    async def transmit(self, outbound: Outbound) -> Acceptance:
        if self.troubles:
            raise self.troubles.pop(0)
        self.sent.append(outbound)
        return Acceptance(f"id-{len(self.sent)}", Status.ACCEPTED)

    async def report(self, channel: Channel, carrier_id: str) -> Report:
        return Report(Status.ACCEPTED)

    async def history(self, limit: int) -> list[CarrierItem]:
        return []

    async def inbox(self, cursor: str | None) -> None:
        return None

    async def subscribe(self, url: str, secret: bytes) -> bool:
        return False

    async def aclose(self) -> None:
        pass


@dataclass
class Desk:
    """The application with a browser before it."""

    opened: Ringback
    carrier: Counting
    clock: Clock
    home: Path
    browser: httpx2.AsyncClient
    cookie: str = ""

    async def agreed(self, body: str, to: str = TO, *, after_s: float | None = None) -> str:
        """Something that a person said yes to, at once or for a later time; its id."""
        later = None if after_s is None else self.clock.now() + timedelta(seconds=after_s)
        receipt = await self.opened.telephone.send_sms(to, body, send_at=later and later.isoformat())
        await self.opened.person.answer(receipt.id, YES)
        return receipt.id

    async def status(self, outbound_id: str) -> str:
        return (await self.opened.ledger.outbounds.get(outbound_id)).status.value

    async def get(self, path: str = "/", **headers: str) -> httpx2.Response:
        return await self._ask("GET", path, {name.replace("_", "-"): value for name, value in headers.items()})

    async def post(self, path: str, **fields: str) -> httpx2.Response:
        return await self._ask("POST", path, {"Origin": HERE}, fields)

    async def _ask(
        self, method: str, path: str, headers: dict[str, str], fields: dict[str, str] | None = None
    ) -> httpx2.Response:
        if self.cookie:
            headers = {"Cookie": self.cookie, **headers}
        answer = await self.browser.request(method, path, headers=headers, data=fields)
        # Browsers take loopback for secure; the client's own jar does not.
        self.browser.cookies.clear()
        if "set-cookie" in answer.headers:
            self.cookie = answer.headers["set-cookie"].partition(";")[0]
        return answer

    async def sign_in(self, words: str = PASSPHRASE) -> httpx2.Response:
        form = await self.get("/sign-in")
        return await self.post("/sign-in", csrf=hidden(form.text, "csrf"), passphrase=words)

    async def answer(self, page: str, choice: str = "once") -> httpx2.Response:
        fields = {name: hidden(page, name) for name in ("csrf", "id", "shown")}
        return await self.post("/answer", **fields, choice=choice)


@asynccontextmanager
async def desk(
    home: Path, *, live: bool = False, signed: bool = True, floor: ApprovalFloor = ApprovalFloor.CLIENT, agent: str = ""
) -> AsyncIterator[Desk]:
    clock = Clock()
    carrier = Counting(live, "thinkfleetbot" if live else "sandbox")
    if signed:
        set_passphrase(home, PASSPHRASE)
    async with open_ringback(
        Settings(home=home, approval=floor), carriers=Carriers.only(carrier), clock=clock
    ) as opened:
        transport = httpx2.ASGITransport(build(opened, PORT)[0])
        headers = {"User-Agent": agent} if agent else {}
        async with httpx2.AsyncClient(transport=transport, base_url=HERE, headers=headers) as browser:
            yield Desk(opened, carrier, clock, home, browser)
