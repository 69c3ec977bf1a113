"""An installation to open in a test, and the wishes that it is asked for."""

from __future__ import annotations

import sqlite3
from contextlib import asynccontextmanager, closing, contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ringback.approvals import Answer
from ringback.carriers.routes import Carriers
from ringback.keys import Keyring
from ringback.ledger import open_ledger
from ringback.ledger.consents import Grant
from ringback.ledger.records import Choice, Level, Record
from ringback.model.numbers import PhoneNumber
from ringback.model.outbound import Channel, Outbound
from ringback.opening import open_ringback
from ringback.settings import Settings
from ringback_support.fakes import FakeCarrier, FakeClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from ringback.carriers.base import Carrier
    from ringback.clock import Clock
    from ringback.ledger import Ledger
    from ringback.opening import Ringback
    from ringback.receipts import Receipt
    from ringback.telephone import Telephone

TO = "+14155550123"
TEXT = "See you at three."
PICTURE = "https://example.com/receipt.png"
MASTER = bytes(range(32))
KEYRING = Keyring(MASTER)
YES = Answer(Choice.ONCE, Level.A2, "page")


def outbound(
    to: str = TO,
    text: str = TEXT,
    *,
    channel: Channel = Channel.SMS,
    carrier: str = "sandbox",
    media: str | None = None,
) -> Outbound:
    if channel is Channel.MMS and media is None:
        media = PICTURE
    return Outbound(channel, PhoneNumber(to), carrier, text, media)


@contextmanager
def ledger_in(home: Path, clock: Clock, keyring: Keyring = KEYRING) -> Iterator[Ledger]:
    ledger = open_ledger(home / "ledger.db", keyring, clock)
    try:
        yield ledger
    finally:
        ledger.database.close()


async def approve(ledger: Ledger, record: Record, *, level: Level = Level.A2, via: str = "page") -> Record:
    """Store a person's yes to exactly this record."""
    approved = await ledger.consents.answer(record, Choice.ONCE, level=level, via=via)
    assert approved is not None
    return approved


async def stored(ledger: Ledger, wish: Outbound | None = None, *, key: str | None = None) -> Record:
    """A wish that waits for a person."""
    record, is_new = await ledger.outbounds.add(wish or outbound(), key=key, spend=None)
    assert is_new
    return record


async def approved(ledger: Ledger, wish: Outbound | None = None) -> Record:
    return await approve(ledger, await stored(ledger, wish))


async def claimed(ledger: Ledger, wish: Outbound | None = None, *, owner: str = "me", lease_s: float = 240) -> Record:
    record = await ledger.deliveries.claim((await approved(ledger, wish)).id, owner=owner, lease_s=lease_s)
    assert record is not None
    return record


def grant(channel: Channel = Channel.SMS, *, carrier: str = "sandbox", seconds: float = 3600, count: int = 5) -> Grant:
    return Grant(channel, carrier, seconds, count, max_chars=480)


@asynccontextmanager
async def opened(
    home: Path, carrier: Carrier | None = None, *, clock: Clock | None = None, **changes: Any
) -> AsyncIterator[Ringback]:
    """An installation over a fake carrier and a fake clock, unless real ones are given."""
    settings = Settings(home=home, **changes)
    async with open_ringback(
        settings, carriers=Carriers.only(carrier or FakeCarrier()), clock=clock or FakeClock()
    ) as ringback:
        yield ringback


async def want(telephone: Telephone, channel: Channel, to: str = TO, text: str = TEXT, **more: Any) -> Receipt:
    """The same wish on any channel."""
    if channel is Channel.SMS:
        return await telephone.send_sms(to, text, **more)
    if channel is Channel.MMS:
        return await telephone.send_mms(to, text, PICTURE, **more)
    return await telephone.call(to, text, **more)


def moment(clock: Clock, in_s: float) -> str:
    """A moment `in_s` seconds from now, as a wish gives it."""
    return (clock.now() + timedelta(seconds=in_s)).isoformat(timespec="milliseconds")


async def allow(ringback: Ringback, channel: Channel = Channel.SMS, *, seconds: float = 7 * 86_400.0) -> str:
    """Allow the recipient beforehand; the allowance's id."""
    return await ringback.person.allow(TO, channel, level=Level.A2, via="terminal", seconds=seconds, count=50)


async def scheduled(ringback: Ringback, in_s: float, text: str = TEXT, **more: Any) -> Receipt:
    """A text that has its yes and waits for its time."""
    waiting = await want(ringback.telephone, Channel.SMS, text=text, send_at=moment(ringback.clock, in_s), **more)
    receipt = waiting if waiting.status == "scheduled" else await ringback.person.answer(waiting.id, YES)
    assert receipt.status == "scheduled"
    return receipt


async def tended(ringback: Ringback, outbound_id: str) -> Receipt:
    """One share of a server's work, and what became of the outbound."""
    await ringback.telephone.tend()
    return await ringback.telephone.status(outbound_id)


def edit(home: Path, statement: str, *values: Any) -> None:
    """Change the file as another program could."""
    with closing(sqlite3.connect(home / "ledger.db", isolation_level=None)) as connection:
        assert connection.execute(statement, values).rowcount == 1


def rows(home: Path, statement: str, *values: Any) -> list[Any]:
    """What stands in the file, for another program."""
    with closing(sqlite3.connect(home / "ledger.db", isolation_level=None)) as connection:
        return connection.execute(statement, values).fetchall()


def content_of(home: Path) -> bytes:
    """Every byte of the ledger's file and of the log beside it."""
    return b"".join(path.read_bytes() for path in sorted(home.glob("ledger.db*")))
