"""Erasure: numbers, texts and the carriers' words go from every byte; the bare record stays, and what waits is kept."""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING

import pytest
from ringback_support.callbacks import PlainReader, plain
from ringback_support.fakes import FakeCarrier, FakeClock
from ringback_support.installation import (
    TEXT,
    TO,
    YES,
    allow,
    content_of,
    edit,
    moment,
    opened,
    rows,
    scheduled,
    want,
)

from ringback.errors import CarrierUnavailable, IdempotencyConflict, InvalidNumber, NotFound, Refused
from ringback.ledger.erasure import BATCH
from ringback.model.news import ReceivedText, StatusNews
from ringback.model.outbound import Acceptance, Channel, Outbound, Report
from ringback.model.status import Status

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from ringback.opening import Ringback

DAY = 86_400.0
OTHER = "+14155550188"
SEALED = ("outbound.sealed", "outbound.outcome", "outbound.contact", "outbound.carrier_ref")
RECEIVED = ("received.sealed", "received.contact")


@pytest.fixture
def carrier() -> FakeCarrier:
    carrier = FakeCarrier()
    carrier.callbacks = PlainReader()
    return carrier


@pytest.fixture
async def ringback(home: Path, carrier: FakeCarrier, clock: FakeClock) -> AsyncIterator[Ringback]:
    async with opened(home, carrier, clock=clock, retention_days=5) as installation:
        yield installation


async def sent(ringback: Ringback, text: str = TEXT, *, to: str = TO, key: str | None = None) -> str:
    """An outbound that the carrier took as `id-1`, or the outcome that the test gave it."""
    waiting = await want(ringback.telephone, Channel.SMS, to, text, idempotency_key=key)
    return (await ringback.person.answer(waiting.id, YES)).id


async def hear(ringback: Ringback, sender: str, text: str, carrier_id: str = "in-1") -> None:
    secret = ringback.keyring.callback_secret("sandbox")
    await ringback.inbound.callback("sandbox", plain(secret, ReceivedText(carrier_id, sender, text, 0.0)))


async def sweep(ringback: Ringback) -> None:
    while await ringback.telephone.tend():
        pass


def traces(home: Path, *columns: str) -> dict[str, list[bytes]]:
    """What stands in these columns now, to be looked for in the bytes later."""
    found: dict[str, list[bytes]] = {}
    for column in columns:
        table, name = column.split(".")
        values = [value for (value,) in rows(home, f"SELECT {name} FROM {table} WHERE {name} IS NOT NULL")]
        found[column] = [value if isinstance(value, bytes) else value.encode() for value in values if value]
        assert found[column], f"nothing in {column}: the search would find nothing"
    return found


def left(home: Path, before: dict[str, list[bytes]]) -> list[str]:
    """Which of these values are still in the file or its log, raw or in a text form of them."""
    content = content_of(home)
    return [
        column
        for column, values in before.items()
        for value in values
        for form in (value, value.hex().encode(), base64.b64encode(value), value[12:44])
        if form in content
    ]


# -- after the retention ---------------------------------------------------------------------------------------------


async def test_after_the_retention_every_trace_of_it_is_gone_from_the_bytes(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock, home: Path
) -> None:
    carrier.outcomes = [Acceptance("carrier-id-1", Status.ACCEPTED)]
    one = await sent(ringback, key="k")
    carrier.reports["carrier-id-1"] = Report(Status.UNDELIVERED, error="words of the carrier")
    await ringback.telephone.status(one)
    await hear(ringback, OTHER, "a reply")
    before = traces(home, *SEALED, *RECEIVED)
    clock.move(5 * DAY)
    await sweep(ringback)
    assert set(left(home, before)) == set(before), "not before its time"
    clock.move(3601)
    await sweep(ringback)
    assert left(home, before) == []
    assert rows(home, "SELECT status, reason, erased_at > 0, key IS NOT NULL FROM outbound") == [
        ("undelivered", None, 1, 1)
    ]


async def test_the_bytes_are_gone_while_another_process_has_the_ledger_open(
    ringback: Ringback, home: Path, carrier: FakeCarrier, clock: FakeClock
) -> None:
    async with opened(home, carrier, clock=clock, retention_days=5) as other:
        carrier.outcomes = [Acceptance("id-1", Status.DELIVERED)]
        await sent(ringback)
        await other.telephone.history()
        before = traces(home, *SEALED)
        clock.move(5 * DAY + 1)
        await sweep(other)
        assert left(home, before) == []


async def test_the_bare_record_of_what_was_erased_is_told_and_nothing_fails_on_it(
    ringback: Ringback, clock: FakeClock, carrier: FakeCarrier
) -> None:
    carrier.outcomes = [Acceptance("id-1", Status.DELIVERED), CarrierUnavailable("?")]
    done, doubt = await sent(ringback), await sent(ringback, "in doubt")
    await hear(ringback, OTHER, "a reply")
    created = (await ringback.telephone.status(done)).created_at
    clock.move(5 * DAY + 1)
    await sweep(ringback)
    told = await ringback.telephone.status(done, wait_s=1)
    assert (told.status, told.to, told.contact, told.created_at) == ("delivered", "", "", created)
    assert told.summary == "It was delivered."
    assert (await ringback.telephone.status(doubt)).status == "unknown"
    items = [item.as_dict() for item in (await ringback.telephone.history()).items]
    assert [(item["status"], item.get("untrusted_text")) for item in items] == [
        ("unknown", None),
        ("delivered", None),
        ("received", None),
    ]
    assert await ringback.person.decided() == await ringback.person.doubtful() == []
    assert [each.text for each in await ringback.person.received()] == [None]
    with pytest.raises(NotFound, match="erased"):
        _ = (await ringback.ledger.outbounds.get(done)).outbound
    with pytest.raises(NotFound):
        await ringback.person.question(done)
    with pytest.raises(Refused):
        await ringback.telephone.cancel(done)
    assert (await ringback.dispatcher.dispatch(done)).status is Status.DELIVERED
    await ringback.telephone.tend()
    assert (await ringback.person.resolve(doubt, sent=True)).status == "sent"


async def test_a_report_about_what_was_erased_brings_nothing_back(
    ringback: Ringback, clock: FakeClock, home: Path, carrier: FakeCarrier
) -> None:
    carrier.outcomes = [Acceptance("id-1", Status.UNDELIVERED)]
    await sent(ringback)
    clock.move(5 * DAY + 1)
    await sweep(ringback)
    secret = ringback.keyring.callback_secret("sandbox")
    await ringback.inbound.callback("sandbox", plain(secret, StatusNews("id-1", Report(Status.DELIVERED))))
    assert rows(home, "SELECT status, outcome, carrier_ref FROM outbound") == [("undelivered", None, None)]


async def test_what_waits_or_is_on_its_way_is_kept_however_old_it_is(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock, home: Path
) -> None:
    due = await scheduled(ringback, 30 * DAY)
    waiting = await want(ringback.telephone, Channel.SMS, text="waits")
    approved = await want(ringback.telephone, Channel.SMS, text="said yes to")
    dispatching = await want(ringback.telephone, Channel.SMS, text="on its way")
    for one, status in ((approved, "approved"), (dispatching, "dispatching")):
        edit(home, "UPDATE outbound SET status = ?, owner = 'elsewhere:1' WHERE id = ?", status, one.id)
    await hear(ringback, OTHER, "old")
    clock.move(20 * DAY)
    assert await ringback.ledger.erasure.sweep() == 1
    for one in (due, waiting, approved, dispatching):
        assert (await ringback.ledger.outbounds.get(one.id)).content is not None
    clock.move(10 * DAY)
    await ringback.telephone.tend()
    assert (await ringback.telephone.status(due.id)).status == "accepted"
    assert [wish.text for wish in carrier.sent] == [TEXT]


async def test_what_changed_lately_is_kept_for_the_retention_from_then(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock
) -> None:
    one = await sent(ringback)
    await hear(ringback, OTHER, "old")
    clock.move(4 * DAY)
    carrier.reports["id-1"] = Report(Status.DELIVERED)
    assert (await ringback.telephone.status(one)).status == "delivered"
    clock.move(4 * DAY)
    await sweep(ringback)
    assert (await ringback.telephone.status(one)).to != ""
    clock.move(DAY + 3600)
    await sweep(ringback)
    assert (await ringback.telephone.status(one)).to == ""


async def test_much_that_is_old_is_erased_in_batches(ringback: Ringback, clock: FakeClock, home: Path) -> None:
    for at in range(BATCH + 20):
        await hear(ringback, "BANK", f"text {at}", f"in-{at}")
    clock.move(5 * DAY + 1)
    assert await ringback.ledger.erasure.sweep() == BATCH
    assert await ringback.ledger.erasure.sweep() == 20
    assert await ringback.ledger.erasure.sweep() == 0
    assert rows(home, "SELECT count(*) FROM received WHERE sealed <> x'' OR contact <> ''") == [(0,)]


async def test_a_received_text_that_was_erased_is_known_when_it_is_told_again(
    ringback: Ringback, clock: FakeClock
) -> None:
    await hear(ringback, OTHER, "a reply")
    clock.move(5 * DAY + 1)
    await sweep(ringback)
    await hear(ringback, OTHER, "a reply")
    assert [each.text for each in await ringback.person.received()] == [None]


# -- the same wish again ---------------------------------------------------------------------------------------------


async def test_a_key_of_what_was_erased_still_gives_its_receipt_or_a_conflict_for_thirty_days(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock
) -> None:
    carrier.outcomes = [Acceptance("id-1", Status.DELIVERED)]
    one = await sent(ringback, key="k")
    for days in (6, 10, 13.9):
        clock.move(days * DAY)
        await sweep(ringback)
        again = await want(ringback.telephone, Channel.SMS, idempotency_key="k")
        assert (again.id, again.repeated, again.to) == (one, True, "")
        with pytest.raises(IdempotencyConflict):
            await want(ringback.telephone, Channel.SMS, text="another", idempotency_key="k")
    assert len(carrier.sent) == 1


async def test_the_key_is_free_again_once_the_wish_was_forgotten_too(
    ringback: Ringback, clock: FakeClock, home: Path, carrier: FakeCarrier
) -> None:
    carrier.outcomes = [Acceptance("id-1", Status.DELIVERED)]
    one = await sent(ringback, key="k")
    clock.move(6 * DAY)
    await sweep(ringback)
    clock.move(31 * DAY)
    await sweep(ringback)
    assert rows(home, "SELECT key, wish FROM outbound") == [(None, b"")]
    assert (await want(ringback.telephone, Channel.SMS, idempotency_key="k")).id != one


@pytest.mark.parametrize("retention", [1, 30, 400])
async def test_a_key_counts_for_thirty_days_whatever_the_retention(
    home: Path, carrier: FakeCarrier, clock: FakeClock, retention: int
) -> None:
    async with opened(home, carrier, clock=clock, retention_days=retention) as ringback:
        one = await sent(ringback, key="k")
        for _ in range(30):
            clock.move(DAY - 1)
            await sweep(ringback)
        again = await want(ringback.telephone, Channel.SMS, idempotency_key="k")
    assert (again.id, len(carrier.sent)) == (one, 1)


# -- a person asks for it --------------------------------------------------------------------------------------------


async def test_who_is_forgotten_leaves_no_trace_in_the_bytes_at_once(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock, home: Path
) -> None:
    await allow(ringback)
    await sent(ringback)
    await hear(ringback, TO, "a reply")
    await want(ringback.telephone, Channel.VOICE, text="waits")
    before = traces(home, *SEALED, *RECEIVED, "outbound.wish", "allowance.sealed", "allowance.contact")
    kept = await sent(ringback, "to somebody else", to=OTHER)
    forgotten = await ringback.person.forget(TO)
    assert (forgotten.outbounds, forgotten.received, forgotten.allowances) == (2, 1, 1)
    assert (forgotten.cancelled, forgotten.under_way) == (1, 0)
    assert left(home, before) == []
    assert (await ringback.telephone.status(kept)).to == "+1 ••• ••• 0188"
    assert len(carrier.sent) == 2
    del clock


async def test_what_waits_for_who_is_forgotten_is_cancelled_and_never_sent(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock
) -> None:
    due = await scheduled(ringback, 60)
    waiting = await want(ringback.telephone, Channel.SMS, text="waits")
    later = await want(ringback.telephone, Channel.SMS, text="waits", send_at=moment(clock, 90))
    assert (await ringback.person.forget(TO)).cancelled == 3
    for each in (due, waiting, later):
        told = await ringback.person.answer(each.id, YES)
        assert (told.status, told.reason, told.to) == ("cancelled", "person_forgotten", "")
    clock.move(60)
    await ringback.telephone.tend()
    assert carrier.sent == []


async def test_a_dispatch_that_is_running_is_left_and_said_and_forgotten_when_it_ended(
    ringback: Ringback, carrier: FakeCarrier, home: Path
) -> None:
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def slow(_: Outbound) -> Acceptance:
        begun.set()
        await may_end.wait()
        return Acceptance("id-1", Status.SENT)

    carrier.outcomes = [slow]
    running = asyncio.create_task(sent(ringback))
    await begun.wait()
    first = await ringback.person.forget(TO)
    may_end.set()
    one = await running
    assert (first.outbounds, first.cancelled, first.under_way) == (0, 0, 1)
    assert (await ringback.telephone.status(one)).status == "sent"
    before = traces(home, *SEALED)
    second = await ringback.person.forget(TO)
    assert (second.outbounds, second.under_way) == (1, 0)
    assert left(home, before) == []


async def test_a_key_of_who_was_forgotten_sends_nothing_again(ringback: Ringback, carrier: FakeCarrier) -> None:
    await allow(ringback)
    await want(ringback.telephone, Channel.SMS, idempotency_key="k")
    await ringback.person.forget(TO)
    with pytest.raises(IdempotencyConflict, match="erased"):
        await want(ringback.telephone, Channel.SMS, idempotency_key="k")
    assert len(carrier.sent) == 1


async def test_forgetting_somebody_twice_or_somebody_unknown_changes_nothing(ringback: Ringback) -> None:
    await sent(ringback)
    await ringback.person.forget(TO)
    for number in (TO, OTHER):
        again = await ringback.person.forget(number)
        assert (again.outbounds, again.received, again.allowances, again.cancelled, again.under_way) == (0,) * 5
    with pytest.raises(InvalidNumber):
        await ringback.person.forget("72727")


async def test_an_erasure_that_cannot_be_stored_erases_nothing_and_says_so(ringback: Ringback, home: Path) -> None:
    from ringback.errors import LedgerError

    await sent(ringback)
    before = traces(home, *SEALED)
    ringback.ledger.database._connection.execute("PRAGMA query_only = ON")
    with pytest.raises(LedgerError):
        await ringback.person.forget(TO)
    ringback.ledger.database._connection.execute("PRAGMA query_only = OFF")
    assert traces(home, *SEALED) == before


async def test_deleted_bytes_are_overwritten_by_the_database_itself(ringback: Ringback) -> None:
    assert ringback.ledger.database._connection.execute("PRAGMA secure_delete").fetchone()[0] == 1
