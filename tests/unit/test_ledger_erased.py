"""Erasing at its boundaries: what goes when, what a forgotten person leaves, and what is not touched."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from ringback_support.installation import KEYRING, TO, claimed, content_of, grant, ledger_in, outbound, rows, stored

from ringback.errors import IdempotencyConflict
from ringback.ledger import Terms, open_ledger
from ringback.ledger.erasure import BATCH, Forgotten
from ringback.ledger.records import Choice, Level
from ringback.ledger.triggers import Use
from ringback.model.news import ReceivedText, StatusNews
from ringback.model.numbers import PhoneNumber
from ringback.model.outbound import Acceptance, Channel, Outbound, Report
from ringback.model.status import Status
from ringback.model.trigger import Definition

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ringback_support.fakes import FakeClock

    from ringback.ledger import Ledger
    from ringback.ledger.records import Record

NUMBER = PhoneNumber(TO)
OTHER = PhoneNumber("+14155550188")
DAY_S = 86_400.0
KEPT_S = 5 * DAY_S
DEFINITION = Definition(
    name="closing",
    channel=Channel.SMS,
    template="We close at {time}.",
    countries=("US",),
    hours="00:00-24:00",
    limit_per_day=5,
    callers=("crm",),
    carrier="sandbox",
)


@pytest.fixture
def ledger(home: Path, clock: FakeClock) -> Iterator[Ledger]:
    """A ledger that keeps what has ended for five days."""
    ledger = open_ledger(home / "ledger.db", KEYRING, clock, Terms(retention_s=KEPT_S))
    yield ledger
    ledger.database.close()


async def ended(ledger: Ledger, wish: Outbound | None = None, carrier_id: str = "id-1") -> Record:
    claim = await claimed(ledger, wish)
    settled = await ledger.deliveries.settle(
        claim, Status.DELIVERED, acceptance=Acceptance(carrier_id, Status.DELIVERED)
    )
    assert settled is not None
    return settled


async def swept(ledger: Ledger) -> int:
    """How many rows all the sweeps erase that are due now."""
    total = 0
    while erased := await ledger.erasure.sweep():
        total += erased
    return total


async def test_what_ended_goes_when_its_time_is_over_and_not_before(
    ledger: Ledger, home: Path, clock: FakeClock
) -> None:
    record = await ended(ledger)
    clock.move(KEPT_S)
    assert await swept(ledger) == 0
    assert await ledger.outbounds.get(record.id) == record
    clock.move(0.5)
    assert await swept(ledger) == 1
    erased = await ledger.outbounds.get(record.id)
    assert erased == replace(record, content=None, contact="", carrier_id=None, report=None)
    assert rows(home, "SELECT said, carrier_ref, nonce, poll_at, outcome, hex(sealed) FROM outbound") == [
        (None, None, None, None, None, "")
    ]
    assert await ledger.deliveries.find("sandbox", "id-1") is None
    assert await swept(ledger) == 0


@pytest.mark.parametrize("still", ["waits", "approved", "scheduled", "dispatching"])
async def test_what_waits_or_is_on_its_way_is_kept_however_old_it_is(
    ledger: Ledger, clock: FakeClock, still: str
) -> None:
    if still == "dispatching":
        record = await claimed(ledger)
    else:
        send_at = clock.now().timestamp() + 60 * DAY_S if still == "scheduled" else None
        record = await stored(ledger, replace(outbound(), send_at=send_at))
        if still != "waits":
            await ledger.consents.answer(record, Choice.ONCE, level=Level.A2, via="page")
    clock.move(60 * DAY_S)
    assert await swept(ledger) == 0
    assert (await ledger.outbounds.get(record.id)).content is not None


async def test_what_changed_lately_is_kept_although_it_is_old(ledger: Ledger, clock: FakeClock) -> None:
    claim = await claimed(ledger)
    clock.move(KEPT_S)
    await ledger.deliveries.settle(claim, Status.FAILED, reason="x")
    clock.move(1)
    assert await swept(ledger) == 0
    clock.move(KEPT_S)
    assert await swept(ledger) == 1


async def test_what_was_received_goes_when_its_time_is_over(ledger: Ledger, clock: FakeClock) -> None:
    received = await ledger.inbox.add("sandbox", ReceivedText("in-1", TO, "Hello", 0.0))
    assert received is not None
    clock.move(KEPT_S)
    assert await swept(ledger) == 0
    clock.move(0.5)
    assert await swept(ledger) == 1
    assert await ledger.inbox.page(10) == [replace(received, contact="", number=None, text=None)]
    assert await ledger.inbox.add("sandbox", ReceivedText("in-1", TO, "Hello", 0.0)) is None


async def test_a_wish_is_known_for_thirty_days_after_it_was_erased(
    ledger: Ledger, home: Path, clock: FakeClock
) -> None:
    await ended(ledger, outbound(text="one"))
    clock.move(KEPT_S + 1)
    assert await swept(ledger) == 1
    clock.move(25 * DAY_S - 1)
    assert await swept(ledger) == 0
    assert rows(home, "SELECT count(*) FROM outbound WHERE wish <> x''") == [(1,)]
    clock.move(KEPT_S + 1)
    assert await swept(ledger) == 0  # thirty days after it was erased, and not before
    clock.move(0.5)
    assert await swept(ledger) == 1
    assert rows(home, "SELECT count(*) FROM outbound WHERE wish <> x''") == [(0,)]


async def test_a_key_of_what_was_erased_is_known_until_the_wish_is_forgotten(ledger: Ledger, clock: FakeClock) -> None:
    record = await stored(ledger, key="k")
    await ledger.outbounds.move(record.id, set(Status), Status.CANCELLED, reason="x")
    clock.move(KEPT_S + 1)
    assert await swept(ledger) == 1
    again, is_new = await ledger.outbounds.add(outbound(), key="k", spend=None)
    assert (again.id, is_new) == (record.id, False)
    clock.move(30 * DAY_S + 1)
    assert await swept(ledger) == 1
    _, is_new = await ledger.outbounds.add(outbound(), key="k", spend=None)
    assert is_new


async def test_a_report_that_nobody_waits_for_is_kept_for_a_day(ledger: Ledger, home: Path, clock: FakeClock) -> None:
    await ledger.deliveries.reported("sandbox", StatusNews("id-9", Report(Status.DELIVERED)))
    clock.move(DAY_S)
    assert await swept(ledger) == 0
    clock.move(0.5)
    assert await swept(ledger) == 1
    assert rows(home, "SELECT count(*) FROM callback") == [(0,)]


async def test_that_a_report_was_told_is_known_for_as_long_as_all_is_kept(
    ledger: Ledger, home: Path, clock: FakeClock
) -> None:
    await ended(ledger)
    await ledger.deliveries.reported("sandbox", StatusNews("id-1", Report(Status.DELIVERED)))
    clock.move(KEPT_S)
    assert await swept(ledger) == 0
    clock.move(0.5)
    assert await swept(ledger) == 2
    assert rows(home, "SELECT count(*) FROM callback") == [(0,)]


async def test_a_sweep_takes_a_batch_of_each_oldest_first(
    ledger: Ledger, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert BATCH == 500
    monkeypatch.setattr("ringback.ledger.erasure.BATCH", 2)
    records = []
    for number in range(3):
        records.append(await ended(ledger, outbound(text=f"text {number}"), f"id-{number}"))
        await ledger.inbox.add("sandbox", ReceivedText(f"in-{number}", TO, "Hello", 0.0))
        await ledger.deliveries.reported("sandbox", StatusNews(f"id-9{number}", Report(Status.DELIVERED)))
        clock.move(1)
    clock.move(KEPT_S + 1)
    assert await ledger.erasure.sweep() == 7  # of the reports, two as strangers' and the third as old
    assert [(await ledger.outbounds.get(each.id)).content is None for each in records] == [True, True, False]
    assert await ledger.erasure.sweep() == 2
    assert await ledger.erasure.sweep() == 0


async def test_after_the_last_batch_nothing_of_it_is_left_in_any_byte(
    ledger: Ledger, home: Path, clock: FakeClock
) -> None:
    record = await ended(ledger)
    ((sealed, contact),) = rows(home, "SELECT sealed, contact FROM outbound WHERE id = ?", record.id)
    clock.move(KEPT_S + 1)
    await swept(ledger)
    assert sealed not in content_of(home)
    assert contact.encode() not in content_of(home)


async def test_a_forgotten_person_is_counted_and_what_waited_is_cancelled_first(
    ledger: Ledger, home: Path, clock: FakeClock
) -> None:
    now = clock.now().timestamp()
    sent, waiting = await ended(ledger), await stored(ledger, outbound(text="waits"))
    scheduled = await stored(ledger, replace(outbound(text="later"), send_at=now + 600))
    running = await claimed(ledger, outbound(text="running"))
    elsewhere = await stored(ledger, outbound(OTHER.e164))
    await ledger.inbox.add("sandbox", ReceivedText("in-1", TO, "Hello", 0.0))
    kept = await ledger.inbox.add("sandbox", ReceivedText("in-2", OTHER.e164, "Hello", 0.0))
    for number in (NUMBER, OTHER):
        await ledger.consents.allow(number, grant(), level=Level.A2, via="page")
        await ledger.takeovers.begin(number, via="page")
        await ledger.zones.name(number, "Asia/Tokyo")
    await ledger.opt_outs.begin(NUMBER, via="text")
    clock.move(5)
    assert await ledger.erasure.forget(NUMBER) == Forgotten(
        outbounds=3, received=1, allowances=1, cancelled=0, under_way=1
    )
    for record in (sent, waiting, scheduled):
        assert (await ledger.outbounds.get(record.id)).content is None
    assert (await ledger.outbounds.get(running.id)).content == running.content
    assert (await ledger.outbounds.get(elsewhere.id)).content == elsewhere.content
    assert kept in await ledger.inbox.page(10)
    assert [each.number for each in await ledger.consents.allowances()] == [OTHER]
    assert [each.number for each in await ledger.takeovers.standing()] == [OTHER]
    assert [each.number for each in await ledger.zones.named()] == [OTHER]
    assert [each.number for each in await ledger.opt_outs.standing()] == [NUMBER]


async def test_what_waits_for_a_forgotten_person_is_told_as_cancelled(ledger: Ledger, clock: FakeClock) -> None:
    record = await stored(ledger, key="k")
    clock.move(5)
    now = clock.now().timestamp()
    assert await ledger.erasure.forget(NUMBER) == Forgotten(1, 0, 0, 1, 0)
    erased = await ledger.outbounds.get(record.id)
    assert (erased.status, erased.reason, erased.updated_at) == (Status.CANCELLED, "person_forgotten", now)
    event = (await ledger.outbounds.events(record.id))[-1]
    assert (event.kind, event.status, event.detail) == ("moved", Status.CANCELLED, "person_forgotten")
    with pytest.raises(IdempotencyConflict):
        await ledger.outbounds.add(outbound(), key="k", spend=None)
    assert await ledger.erasure.forget(NUMBER) == Forgotten(0, 0, 0, 0, 0)


async def test_of_what_a_forgotten_person_was_reminded_is_forgotten_and_nobody_elses(
    ledger: Ledger, home: Path, clock: FakeClock
) -> None:
    trigger = await ledger.triggers.apply(DEFINITION, level=Level.A2, via="terminal")
    use = Use(trigger, Level.A2, appointment="uid-1", slot="at three")
    records = [
        (await ledger.outbounds.add(outbound(to.e164), key=None, spend=None, use=use))[0] for to in (NUMBER, OTHER)
    ]
    await ledger.erasure.forget(NUMBER)
    assert [each.outbound_id for each in await ledger.triggers.reminders(trigger.id, "uid-1")] == [records[1].id]
    await ledger.outbounds.move(records[1].id, set(Status), Status.CANCELLED, reason="x")
    clock.move(KEPT_S + 1)
    assert await swept(ledger) == 1
    assert rows(home, "SELECT count(*) FROM trigger_use") == [(0,)]


async def test_of_a_forgotten_person_no_column_tells_anything_more(ledger: Ledger, home: Path) -> None:
    claim = await claimed(ledger)
    await ledger.deliveries.settle(claim, Status.SENT, acceptance=Acceptance("id-1", Status.SENT))
    await ledger.erasure.forget(NUMBER)
    assert rows(
        home, "SELECT contact, said, carrier_ref, nonce, poll_at, outcome, hex(sealed), hex(wish) FROM outbound"
    ) == [("", None, None, None, None, None, "", "")]


async def test_nothing_of_a_forgotten_person_is_left_in_any_byte(ledger: Ledger, home: Path) -> None:
    await ended(ledger)
    contact, sealed = KEYRING.contact(NUMBER).encode(), rows(home, "SELECT sealed FROM outbound")[0][0]
    assert contact in content_of(home)
    await ledger.erasure.forget(NUMBER)
    assert contact not in content_of(home)
    assert sealed not in content_of(home)


def test_a_ledger_without_terms_keeps_what_has_ended_for_thirty_days(home: Path, clock: FakeClock) -> None:
    with ledger_in(home, clock):
        assert Terms() == Terms(grace_s=900.0, retention_s=30 * DAY_S)
