"""One real outbound of each kind, made through the telephone by a clock and a carrier that cost nothing."""

from __future__ import annotations

import itertools
import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ringback.approvals import Answer
from ringback.carriers.routes import Carriers
from ringback.errors import CarrierRejected
from ringback.ledger.records import Choice, Level
from ringback.model.news import Inbox, ReceivedText, StatusNews
from ringback.model.outbound import Acceptance, CarrierItem, Channel, Line, Outbound, Report
from ringback.model.status import Status
from ringback.opening import open_ringback
from ringback.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from ringback.opening import Ringback
    from ringback.receipts import Receipt

START = datetime(2026, 3, 10, 16, 0, tzinfo=UTC)
"""When a measurement begins; the examples are a few hours older."""
YEAR_S = 365 * 86_400.0
TEXT = "Your table for four is ready at seven; the kitchen closes at ten. Answer with 1 to keep it or 2 to give it up."
ANSWER = "We keep it, but we are five by now. Is there a chair for a child?"
PICTURE = "https://example.com/menus/2026/march/tonight.png"


class StandingClock:
    """Time that moves only when it is told."""

    def __init__(self, time: datetime = START) -> None:
        self.time = time

    def now(self) -> datetime:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


class InstantCarrier:
    """Answers at once, in this process, so that nothing but Ringback is measured. What it takes it calls delivered."""

    name = "sandbox"
    live = False
    channels = frozenset(Channel)
    callbacks = None

    def __init__(self) -> None:
        self.taken_as = Status.DELIVERED
        self.rejects = False
        self.last_id = ""
        self.texts: tuple[ReceivedText, ...] = ()
        self._ids = itertools.count(1)

    async def line(self) -> Line:
        return Line(self.name, enabled=True, live=False, number=None, capabilities=frozenset(Channel))

    async def transmit(self, outbound: Outbound) -> Acceptance:
        del outbound
        if self.rejects:
            raise CarrierRejected("The carrier declined it.", detail="The number is on a list of its own.")
        self.last_id = f"msg_{next(self._ids):020d}"
        return Acceptance(self.last_id, self.taken_as)

    async def report(self, channel: Channel, carrier_id: str) -> Report:
        del channel, carrier_id
        return Report(Status.ACCEPTED)

    async def history(self, limit: int) -> list[CarrierItem]:
        del limit
        return []

    async def inbox(self, cursor: str | None) -> Inbox:
        texts, self.texts = self.texts, ()
        return Inbox(texts, "1" if texts else cursor)

    async def subscribe(self, url: str, secret: bytes) -> bool:
        del url, secret
        return False

    async def aclose(self) -> None:
        pass


def opened(home: Path, carrier: InstantCarrier, clock: StandingClock) -> AbstractAsyncContextManager[Ringback]:
    """The installation whose ledger is filled and measured."""
    return open_ringback(Settings(home=home), carriers=Carriers.only(carrier), clock=clock)


def number(contact: int) -> str:
    """The number of a contact, in an area code that nobody has."""
    return f"+1555{contact:07d}"


async def examples(
    ringback: Ringback, carrier: InstantCarrier, clock: StandingClock
) -> AsyncIterator[tuple[str, float]]:
    """Ids of one real outbound of each kind, with its share in hundredths. The one of share 0 is still open.

    There are an allowance and a received text afterwards, too.
    """
    telephone, person = ringback.telephone, ringback.person
    allowed, asked = number(0), number(1)
    for channel in Channel:
        await person.allow(allowed, channel, level=Level.A2, via="terminal", seconds=YEAR_S, count=1000)
    carrier.texts = (ReceivedText("in_1", allowed, ANSWER, clock.time.timestamp()),)
    await telephone.tend()

    async def sms(to: str = allowed) -> Receipt:
        clock.time += timedelta(seconds=1)
        return await telephone.send_sms(to, f"{TEXT} {clock.time:%M:%S}", idempotency_key=os.urandom(16).hex())

    async def ended(sent: Receipt, report: Report) -> str:
        clock.time += timedelta(seconds=2)
        await ringback.ledger.deliveries.reported(carrier.name, StatusNews(carrier.last_id, report))
        return sent.id

    carrier.taken_as = Status.ACCEPTED
    yield (await sms()).id, 0
    delivered = Report(Status.DELIVERED, delivered_at=clock.time.isoformat())
    yield await ended(await sms(), delivered), 80
    yield await ended(await telephone.send_mms(allowed, TEXT, PICTURE), delivered), 5
    spoken = Report(Status.COMPLETED, duration_s=31.5, keys="1")
    yield await ended(await telephone.call(allowed, TEXT), spoken), 5
    yield await ended(await sms(), Report(Status.UNDELIVERED, error="The number is not in use.")), 4
    carrier.rejects = True
    yield (await sms()).id, 2
    declined = await sms(asked)
    yield (await person.answer(declined.id, Answer(Choice.NO, Level.A2, "page"))).id, 2
    yield (await telephone.cancel((await sms(asked)).id)).id, 1
    expired = await sms(asked)
    clock.time += timedelta(hours=1)
    yield (await telephone.status(expired.id)).id, 1
