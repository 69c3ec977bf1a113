"""Which outbounds are found: the same wish again, a doubtful one, those of a stretch of time or of a status."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from ringback_support.installation import TO, approved, claimed, edit, grant, outbound, stored

from ringback.errors import IdempotencyConflict
from ringback.ledger.outbounds import Stored
from ringback.ledger.records import Choice, Level
from ringback.model.limits import Bulk
from ringback.model.numbers import PhoneNumber
from ringback.model.status import Status

if TYPE_CHECKING:
    from pathlib import Path

    from ringback_support.fakes import FakeClock

    from ringback.ledger import Ledger

NUMBER = PhoneNumber(TO)
DAY_S = 86_400.0


async def test_what_a_key_was_used_for_is_found_by_the_key_for_good(ledger: Ledger, clock: FakeClock) -> None:
    record = await stored(ledger, key="k")
    clock.move(10 * DAY_S)
    assert await ledger.outbounds.find(outbound(), "k") == record
    assert await ledger.outbounds.find(outbound(), "another") is None
    assert await ledger.outbounds.find(outbound(), None) is None
    with pytest.raises(IdempotencyConflict):
        await ledger.outbounds.find(outbound(text="another"), "k")


async def test_a_new_key_does_not_ask_past_a_no_of_the_last_ten_minutes(ledger: Ledger, clock: FakeClock) -> None:
    record = await stored(ledger, key="k")
    declined = await ledger.consents.answer(record, Choice.NO, level=Level.A2, via="page")
    clock.move(599)
    assert await ledger.outbounds.find(outbound(), "another") == declined
    clock.move(1)
    assert await ledger.outbounds.find(outbound(), "another") is None


@pytest.mark.parametrize("status", ["dispatching", "unknown"])
async def test_while_the_first_may_have_gone_out_no_allowance_is_spent_on_a_second(
    ledger: Ledger, clock: FakeClock, status: str
) -> None:
    await ledger.consents.allow(NUMBER, grant(seconds=9 * DAY_S), level=Level.A2, via="page")
    claim = await claimed(ledger)
    if status == "unknown":
        await ledger.deliveries.conclude(claim, Status.UNKNOWN, reason="x", owner_is_gone=True)
    record, _ = await ledger.outbounds.add(outbound(), key="another key", spend=Level.A1)
    assert record.status is Status.AWAITING_APPROVAL
    other, _ = await ledger.outbounds.add(outbound(text="other words"), key=None, spend=Level.A1)
    assert other.status is Status.APPROVED
    clock.move(DAY_S - 0.5)
    again, _ = await ledger.outbounds.add(outbound(), key="a third", spend=Level.A1)
    assert again.status is Status.AWAITING_APPROVAL
    clock.move(0.5)
    after, _ = await ledger.outbounds.add(outbound(), key="a fourth", spend=Level.A1)
    assert after.status is Status.APPROVED
    (allowance,) = await ledger.consents.allowances()
    assert allowance.remaining == 3


async def test_an_unknown_one_stands_in_the_way_of_the_same_wish_for_a_day(ledger: Ledger, clock: FakeClock) -> None:
    claim = await claimed(ledger)
    doubtful = await ledger.deliveries.conclude(claim, Status.UNKNOWN, reason="x", owner_is_gone=True)
    clock.move(DAY_S - 0.5)
    assert await ledger.outbounds.find(outbound(), None) == doubtful
    clock.move(0.5)
    assert await ledger.outbounds.find(outbound(), None) is None


async def test_what_is_scheduled_in_a_stretch_of_time_is_found_by_its_time(ledger: Ledger, now: float) -> None:
    later = [
        await approved(ledger, replace(outbound(text=f"in {hours}"), send_at=now + hours * 3600)) for hours in (3, 1, 2)
    ]
    await stored(ledger, replace(outbound(text="waits"), send_at=now + 3600))
    await approved(ledger)
    three, one, two = later
    assert await ledger.outbounds.scheduled_between(now, now + DAY_S) == [one, two, three]
    assert await ledger.outbounds.scheduled_between(now + 3600, now + 3 * 3600) == [one, two]
    assert await ledger.outbounds.scheduled_between(now + 3600.5, now + 3 * 3600 + 0.5) == [two, three]
    assert await ledger.outbounds.scheduled_between(now, now + DAY_S, 2) == [one, two]


async def test_what_is_under_way_is_found_by_status_oldest_first_and_what_ended_is_not(ledger: Ledger) -> None:
    first, second = await stored(ledger), await stored(ledger, outbound(text="second"))
    granted = await approved(ledger, outbound(text="granted"))
    await ledger.outbounds.move(
        (await stored(ledger, outbound(text="ended"))).id, set(Status), Status.CANCELLED, reason="x"
    )
    claim = await claimed(ledger, outbound(text="doubtful"))
    doubtful = await ledger.deliveries.conclude(claim, Status.UNKNOWN, reason="x", owner_is_gone=True)
    assert await ledger.outbounds.under_way({Status.AWAITING_APPROVAL}) == [first, second]
    assert await ledger.outbounds.under_way(set(Status)) == [first, second, granted, doubtful]
    assert await ledger.outbounds.under_way(set(Status), 2) == [first, second]
    assert await ledger.outbounds.under_way({Status.CANCELLED}) == []


async def test_a_page_goes_on_exactly_where_the_last_one_ended(ledger: Ledger) -> None:
    records = [await stored(ledger, outbound(text=f"text {number}")) for number in range(4)][::-1]
    first = await ledger.outbounds.page(2)
    assert list(first.records) == records[:2]
    assert first.cursor is not None
    second = await ledger.outbounds.page(2, first.cursor)
    assert (list(second.records), second.cursor) == (records[2:], None)


async def test_a_page_holds_a_hundred_at_most_and_one_at_least(ledger: Ledger) -> None:
    for number in range(102):
        await stored(ledger, outbound(text=f"text {number}"))
    sizes = [len((await ledger.outbounds.page(limit)).records) for limit in (-1, 0, 1, 100, 101, 1000)]
    assert sizes == [1, 1, 1, 100, 100, 100]


async def test_what_nobody_answered_is_told_as_expired_with_its_reason(ledger: Ledger, clock: FakeClock) -> None:
    waiting = await stored(ledger)
    granted = await approved(ledger, outbound(text="granted"))
    clock.move(600)
    assert await ledger.outbounds.expire() == []
    clock.move(0.5)
    expired = await ledger.outbounds.expire()
    assert {each.id for each in expired} == {waiting.id, granted.id}
    assert {(each.status, each.reason) for each in expired} == {(Status.EXPIRED, "approval_expired")}
    event = (await ledger.outbounds.events(waiting.id))[-1]
    assert (event.kind, event.status, event.detail) == ("expired", Status.EXPIRED, "approval_expired")


async def test_a_question_about_a_time_is_open_until_the_grace_of_that_time_is_over(ledger: Ledger, now: float) -> None:
    soon = await stored(ledger, replace(outbound(), send_at=now - 600))
    late = await stored(ledger, replace(outbound(), send_at=now + 600))
    assert (soon.expires_at, late.expires_at) == (now + 300, now + 600)


async def test_a_move_is_told_with_its_reason_and_only_from_a_status_that_was_named(ledger: Ledger) -> None:
    record = await stored(ledger)
    assert await ledger.outbounds.move(record.id, {Status.APPROVED}, Status.CANCELLED, reason="x") is None
    assert (await ledger.outbounds.events(record.id))[-1].kind == "stored"
    moved = await ledger.outbounds.move(
        record.id, [Status.APPROVED, Status.AWAITING_APPROVAL], Status.CANCELLED, reason="person_cancelled"
    )
    assert moved == replace(record, status=Status.CANCELLED, reason="person_cancelled")
    event = (await ledger.outbounds.events(record.id))[-1]
    assert (event.kind, event.status, event.detail) == ("moved", Status.CANCELLED, "person_cancelled")


async def test_what_is_ready_is_what_is_approved_and_what_is_due_by_its_time(
    ledger: Ledger, clock: FakeClock, now: float
) -> None:
    due = [
        await approved(ledger, replace(outbound(text=f"at {seconds}"), send_at=now + seconds)) for seconds in (2, 1, 3)
    ]
    granted = await approved(ledger)
    await approved(ledger, outbound(carrier="twilio"))
    await stored(ledger, outbound(text="waits"))
    clock.move(2)
    assert await ledger.outbounds.ready("sandbox", 10) == [granted.id, due[1].id, due[0].id]
    assert await ledger.outbounds.ready("sandbox", 1) == [granted.id, due[1].id]


@pytest.mark.parametrize(("changes", "is_bulk"), [({}, True), ({"by_hand": True}, False), ({"notice": True}, False)])
async def test_the_same_words_to_many_are_bulk_unless_a_person_writes_them_or_they_confirm_an_opt_out(
    ledger: Ledger, changes: dict[str, bool], is_bulk: bool
) -> None:
    for number in (8, 9):
        await stored(ledger, outbound(f"+1415555018{number}"))
    terms = Stored(bulk=Bulk(2, 3600.0))
    record, _ = await ledger.outbounds.add(replace(outbound(), **changes), key=None, spend=None, terms=terms)
    assert record.bulk is is_bulk
    few, _ = await ledger.outbounds.add(outbound(), key="k", spend=None, terms=Stored(bulk=Bulk(3, 3600.0)))
    assert not few.bulk


async def test_only_what_went_out_or_waits_within_the_time_makes_the_same_words_bulk(
    ledger: Ledger, clock: FakeClock, home: Path
) -> None:
    terms = Stored(bulk=Bulk(1, 3600.0))

    async def is_bulk(key: str) -> bool:
        record, _ = await ledger.outbounds.add(outbound(), key=key, spend=None, terms=terms)
        return record.bulk

    other = await stored(ledger, outbound("+14155550188"))
    assert await is_bulk("first")
    for number, status in enumerate(("declined", "cancelled", "refused", "expired", "failed")):
        edit(home, "UPDATE outbound SET status = ? WHERE id = ?", status, other.id)
        assert not await is_bulk(f"ended {number}")
    edit(home, "UPDATE outbound SET carrier_ref = x'00' WHERE id = ?", other.id)
    assert await is_bulk("the carrier had it")
    edit(home, "UPDATE outbound SET by_hand = 1 WHERE id = ?", other.id)
    assert not await is_bulk("by hand")
    edit(home, "UPDATE outbound SET by_hand = 0 WHERE id = ?", other.id)
    clock.move(3599.5)
    assert await is_bulk("just within")
    clock.move(0.5)
    assert not await is_bulk("over")


async def test_a_list_is_all_that_waits_with_the_same_words_and_nothing_else(ledger: Ledger) -> None:
    terms = Stored(bulk=Bulk(1, 3600.0))
    first = await stored(ledger, outbound("+14155550188"))
    people = ["+14155550189", "+14155550190", "+14155550191"]
    listed = [(await ledger.outbounds.add(outbound(to), key=None, spend=None, terms=terms))[0] for to in people]
    await ledger.outbounds.add(outbound(people[0], "other words"), key=None, spend=None, terms=terms)
    await ledger.consents.answer(listed[2], Choice.NO, level=Level.A2, via="page")
    assert await ledger.outbounds.same_words(listed[1].id, 10) == listed[:2]
    assert await ledger.outbounds.same_words(first.id, 10) == listed[:2]
    assert await ledger.outbounds.same_words(listed[1].id, 1) == listed[:1]
    assert await ledger.outbounds.same_words("ob_none", 10) == []
    await ledger.erasure.forget(PhoneNumber(people[2]))
    assert await ledger.outbounds.same_words(listed[2].id, 10) == []
