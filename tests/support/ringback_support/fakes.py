"""A clock that only moves when told, and a carrier at the seam of the `Carrier` protocol."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ringback.model.outbound import Acceptance, CarrierItem, Channel, Line, Outbound, Report
from ringback.model.status import Status

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ringback.carriers.base import CallbackReader
    from ringback.model.news import Inbox

START = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


class FakeClock:
    """Time stands still until somebody sleeps or a test moves it."""

    def __init__(self) -> None:
        self.time = START

    def now(self) -> datetime:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.move(seconds)
        await asyncio.sleep(0)

    def move(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


class FakeCarrier:
    """Takes every outbound, unless an outcome was put into `outcomes`: an acceptance, an error, or a coroutine."""

    def __init__(self, name: str = "sandbox", *, live: bool = False) -> None:
        self.name = name
        self.live = live
        self.channels = frozenset(Channel)
        self.enabled = True
        self.capabilities = frozenset(Channel)
        self.line_error: Exception | None = None
        self.lines_asked = 0
        self.sent: list[Outbound] = []
        self.outcomes: list[Acceptance | Exception | Callable[[Outbound], Awaitable[Acceptance]]] = []
        self.reports: dict[str, Report | Exception] = {}
        self.items: list[CarrierItem] | Exception = []
        self.closed = False
        self.callbacks: CallbackReader | None = None
        self.texts: Inbox | None = None
        self.clock_offset_s: float | None = None
        self.subscribed: tuple[str, bytes] | None = None

    async def line(self) -> Line:
        self.lines_asked += 1
        if self.line_error is not None:
            raise self.line_error
        return Line(self.name, self.enabled, self.live, None, self.capabilities, clock_offset_s=self.clock_offset_s)

    async def transmit(self, outbound: Outbound) -> Acceptance:
        self.sent.append(outbound)
        outcome = self.outcomes.pop(0) if self.outcomes else Acceptance(f"id-{len(self.sent)}", Status.ACCEPTED)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome if isinstance(outcome, Acceptance) else await outcome(outbound)

    async def report(self, channel: Channel, carrier_id: str) -> Report:
        del channel
        report = self.reports.get(carrier_id, Report(Status.ACCEPTED))
        if isinstance(report, Exception):
            raise report
        return report

    async def history(self, limit: int) -> list[CarrierItem]:
        if isinstance(self.items, Exception):
            raise self.items
        return self.items[:limit]

    async def inbox(self, cursor: str | None) -> Inbox | None:
        del cursor
        return self.texts

    async def subscribe(self, url: str, secret: bytes) -> bool:
        self.subscribed = (url, secret)
        return True

    async def aclose(self) -> None:
        self.closed = True
