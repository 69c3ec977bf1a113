"""What the ledger holds of wishes: stored once, found again, moved forward, expired, listed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from ringback_support.installation import approve, approved, claimed, grant, outbound, stored

from ringback.errors import IdempotencyConflict, NotFound
from ringback.ledger.records import Choice, Level
from ringback.model.numbers import PhoneNumber
from ringback.model.outbound import Acceptance, Channel, Outbound, Report
from ringback.model.status import BEFORE_DISPATCH, ENDED, Status

if TYPE_CHECKING:
    from ringback_support.fakes import FakeClock

    from ringback.ledger import Ledger
    from ringback.ledger.records import Record

NUMBER = PhoneNumber("+14155550123")


async def again(ledger: Ledger, wish: Outbound | None = None, key: str | None = None) -> tuple[Record, bool]:
    return await ledger.outbounds.add(wish or outbound(), key=key, spend=None)


async def ended(ledger: Ledger, record: Record, status: Status) -> None:
    moved = await ledger.outbounds.move(record.id, {record.status}, status, reason="test")
    assert moved is not None


async def kinds(ledger: Ledger, record: Record) -> list[tuple[str, Status]]:
    return [(event.kind, event.status) for event in await ledger.outbounds.events(record.id)]


# -- the same wish again ---------------------------------------------------------------------------------------------


async def test_the_same_key_with_the_same_content_gives_the_first_record_for_good(
    ledger: Ledger, clock: FakeClock
) -> None:
    first = await stored(ledger, key="k")
    clock.move(31 * 86_400)
    assert await again(ledger, key="k") == (first, False)


@pytest.mark.parametrize("status", sorted(ENDED - {Status.UNKNOWN}))
async def test_a_key_decides_alone_however_the_first_one_ended(ledger: Ledger, status: Status) -> None:
    first = await stored(ledger, key="k")
    await ended(ledger, first, status)
    found, is_new = await again(ledger, key="k")
    assert (found.id, found.status, is_new) == (first.id, status, False)


@pytest.mark.parametrize(
    "other",
    [
        outbound("+14155550124"),
        outbound(text="Something else."),
        outbound(channel=Channel.VOICE),
        outbound(channel=Channel.MMS),
    ],
)
async def test_the_same_key_with_another_content_is_a_conflict_and_stores_nothing(
    ledger: Ledger, other: Outbound
) -> None:
    await stored(ledger, key="k")
    with pytest.raises(IdempotencyConflict):
        await again(ledger, other, key="k")
    assert len((await ledger.outbounds.page(10)).records) == 1


async def test_another_key_makes_the_same_wish_anew(ledger: Ledger) -> None:
    first = await stored(ledger, key="k")
    second, is_new = await again(ledger, key="l")
    assert is_new
    assert first.id != second.id


async def test_without_a_key_the_same_wish_is_one_for_ten_minutes(ledger: Ledger, clock: FakeClock) -> None:
    first = await stored(ledger)
    clock.move(599.9)
    assert (await again(ledger))[1] is False
    clock.move(0.1)
    second, is_new = await again(ledger)
    assert is_new
    assert second.id != first.id


@pytest.mark.parametrize(
    "status", sorted(set(Status) - {Status.FAILED, Status.REFUSED, Status.EXPIRED, Status.CANCELLED})
)
async def test_a_wish_that_may_have_gone_out_or_was_declined_stands_in_the_way_of_the_same_one(
    ledger: Ledger, status: Status
) -> None:
    first = await stored(ledger)
    await ended(ledger, first, status)
    found, is_new = await again(ledger)
    assert (found.id, is_new) == (first.id, False)


@pytest.mark.parametrize("status", [Status.FAILED, Status.REFUSED, Status.EXPIRED, Status.CANCELLED])
async def test_a_wish_that_ended_with_nothing_sent_may_be_made_again(ledger: Ledger, status: Status) -> None:
    first = await stored(ledger)
    await ended(ledger, first, status)
    second, is_new = await again(ledger)
    assert is_new
    assert second.id != first.id


@pytest.mark.parametrize(
    "other", [outbound("+14155550124"), outbound(text="See you at three"), outbound(channel=Channel.VOICE)]
)
async def test_another_wish_is_another_one(ledger: Ledger, other: Outbound) -> None:
    await stored(ledger)
    assert (await again(ledger, other))[1] is True


# -- allowances ------------------------------------------------------------------------------------------------------


async def allowed(ledger: Ledger, text: str, wish: Outbound | None = None, *, least: Level = Level.A1) -> bool:
    """Whether a new wish is approved by an allowance alone."""
    wish = wish or outbound(text=text)
    offered = await ledger.consents.is_allowed(wish, least)
    record, is_new = await ledger.outbounds.add(wish, key=None, spend=least)
    assert is_new
    assert offered == (record.status is Status.APPROVED)
    return offered


async def test_an_allowance_is_spent_once_for_each_outbound_and_then_a_person_is_asked(ledger: Ledger) -> None:
    await ledger.consents.allow(NUMBER, grant(count=2), level=Level.A2, via="page")
    assert [await allowed(ledger, text) for text in ("one", "two", "three")] == [True, True, False]


async def test_the_same_wish_again_spends_nothing(ledger: Ledger) -> None:
    await ledger.consents.allow(NUMBER, grant(count=2), level=Level.A2, via="page")
    for _ in range(5):
        await ledger.outbounds.add(outbound(), key=None, spend=Level.A1)
    assert [found.remaining for found in await ledger.consents.allowances()] == [1]


@pytest.mark.parametrize(
    "wish",
    [
        outbound(channel=Channel.VOICE),
        outbound(channel=Channel.MMS),
        outbound(carrier="thinkfleetbot"),
        outbound("+14155550124"),
    ],
)
async def test_an_allowance_reaches_no_other_channel_carrier_or_number(ledger: Ledger, wish: Outbound) -> None:
    await ledger.consents.allow(NUMBER, grant(), level=Level.A2, via="page")
    assert not await allowed(ledger, "", wish)
    assert [found.remaining for found in await ledger.consents.allowances()] == [5]


async def test_an_allowance_ends_with_its_time(ledger: Ledger, clock: FakeClock) -> None:
    await ledger.consents.allow(NUMBER, grant(seconds=60), level=Level.A2, via="page")
    clock.move(59.9)
    assert await allowed(ledger, "in time")
    clock.move(0.1)
    assert not await allowed(ledger, "too late")
    assert await ledger.consents.allowances() == []


async def test_an_allowance_ends_when_it_is_taken_back_and_is_taken_back_once(ledger: Ledger) -> None:
    allowance = await ledger.consents.allow(NUMBER, grant(), level=Level.A2, via="page")
    assert await ledger.consents.revoke(allowance)
    assert not await ledger.consents.revoke(allowance)
    assert not await ledger.consents.revoke("al_none")
    assert not await allowed(ledger, "revoked")


@pytest.mark.parametrize(("level", "least"), [(Level.A1, Level.A2), (Level.A1, Level.A3), (Level.A2, Level.A3)])
async def test_an_allowance_given_less_surely_than_the_floor_counts_for_nothing(
    ledger: Ledger, level: Level, least: Level
) -> None:
    await ledger.consents.allow(NUMBER, grant(), level=level, via="client:x")
    assert not await allowed(ledger, "too weak", least=least)
    assert await allowed(ledger, "strong enough", least=level)


async def test_an_outbound_under_an_allowance_says_so_and_names_it(ledger: Ledger) -> None:
    allowance = await ledger.consents.allow(NUMBER, grant(), level=Level.A2, via="page")
    record, _ = await ledger.outbounds.add(outbound(), key=None, spend=Level.A1)
    consent = await ledger.consents.consent(record.id)
    assert (record.status, record.level) == (Status.APPROVED, Level.A0)
    assert consent is not None
    assert (consent.choice, consent.level, consent.via) == (Choice.ALLOWANCE, Level.A0, f"allowance:{allowance}")


async def test_the_list_of_allowances_is_newest_first_with_whole_numbers(ledger: Ledger, clock: FakeClock) -> None:
    for number in ("+14155550101", "+14155550102"):
        await ledger.consents.allow(PhoneNumber(number), grant(), level=Level.A2, via="terminal")
        clock.move(1)
    assert [found.number.e164 for found in await ledger.consents.allowances()] == ["+14155550102", "+14155550101"]


# -- time ------------------------------------------------------------------------------------------------------------


async def test_what_nobody_answered_expires_after_ten_minutes_and_not_before(ledger: Ledger, clock: FakeClock) -> None:
    waiting, yes = await stored(ledger, outbound(text="waits")), await approved(ledger, outbound(text="approved"))
    clock.move(600)
    assert await ledger.outbounds.expire() == []
    clock.move(0.001)
    assert {record.id for record in await ledger.outbounds.expire()} == {waiting.id, yes.id}
    assert await ledger.outbounds.expire() == []
    for record in (waiting, yes):
        now = await ledger.outbounds.get(record.id)
        assert (now.status, now.reason) == (Status.EXPIRED, "approval_expired")
        assert (await kinds(ledger, record))[-1] == ("expired", Status.EXPIRED)


@pytest.mark.parametrize("status", sorted(set(Status) - BEFORE_DISPATCH))
async def test_what_left_or_ended_never_expires(ledger: Ledger, clock: FakeClock, status: Status) -> None:
    record = await stored(ledger)
    await ended(ledger, record, status)
    clock.move(10 * 86_400)
    assert await ledger.outbounds.expire() == []
    assert (await ledger.outbounds.get(record.id)).status is status


async def test_a_yes_that_comes_too_late_is_no_yes(ledger: Ledger, clock: FakeClock) -> None:
    record = await stored(ledger)
    clock.move(600.001)
    assert await ledger.consents.answer(record, Choice.ONCE, level=Level.A2, via="page") is None


async def test_a_yes_counts_for_as_long_as_the_question_did(ledger: Ledger, clock: FakeClock) -> None:
    clock.move(600)
    record = await approved(ledger)
    clock.move(600.001)
    assert await ledger.deliveries.claim(record.id, owner="me", lease_s=240) is None


# -- history ---------------------------------------------------------------------------------------------------------


async def test_history_is_newest_first_in_pages_that_miss_and_repeat_nothing(ledger: Ledger) -> None:
    made = [(await stored(ledger, outbound(text=f"text {at}"))).id for at in range(10)]
    seen: list[str] = []
    cursor = None
    while True:
        page = await ledger.outbounds.page(3, cursor)
        assert len(page.records) <= 3
        seen += [record.id for record in page.records]
        if page.cursor is None:
            break
        cursor = page.cursor
        await stored(ledger, outbound(text=f"while paging, after {len(seen)}"))
    assert seen == made[::-1]


async def test_a_page_that_just_fits_has_no_next_one(ledger: Ledger) -> None:
    for at in range(4):
        await stored(ledger, outbound(text=f"text {at}"))
    assert (await ledger.outbounds.page(4)).cursor is None
    assert (await ledger.outbounds.page(3)).cursor is not None


@pytest.mark.parametrize(("limit", "given"), [(-1, 1), (0, 1), (1, 1), (100, 100), (101, 100), (10**9, 100)])
async def test_a_page_holds_one_to_a_hundred(ledger: Ledger, limit: int, given: int) -> None:
    for at in range(101):
        await stored(ledger, outbound(text=f"text {at}"))
    assert len((await ledger.outbounds.page(limit)).records) == given


async def test_an_empty_ledger_has_an_empty_page(ledger: Ledger) -> None:
    assert await ledger.outbounds.page(10) == await ledger.outbounds.page(10, "c0")
    assert (await ledger.outbounds.page(10)).records == ()


# -- what happened ---------------------------------------------------------------------------------------------------


async def test_every_step_leaves_an_event_in_order(ledger: Ledger, clock: FakeClock) -> None:
    record = await claimed(ledger)
    clock.move(1)
    await ledger.deliveries.settle(record, Status.ACCEPTED, acceptance=Acceptance("id-1", Status.ACCEPTED))
    after = await ledger.outbounds.get(record.id)
    clock.move(1)
    await ledger.deliveries.learn(after, Report(Status.DELIVERED, delivered_at="2026-03-10T12:00:02Z"))
    assert await kinds(ledger, record) == [
        ("stored", Status.AWAITING_APPROVAL),
        ("answered", Status.APPROVED),
        ("claimed", Status.DISPATCHING),
        ("settled", Status.ACCEPTED),
        ("reported", Status.DELIVERED),
    ]
    events = await ledger.outbounds.events_after(0)
    assert [event.seq for event in events] == sorted(event.seq for event in events)
    assert await ledger.outbounds.last_event() == events[-1].seq
    assert await ledger.outbounds.events_after(events[-1].seq) == []


async def test_the_answer_to_a_question_is_stored_once(ledger: Ledger) -> None:
    record = await stored(ledger)
    first = await ledger.consents.answer(record, Choice.NO, level=Level.A2, via="page")
    assert first is not None
    assert await ledger.consents.answer(record, Choice.ONCE, level=Level.A3, via="page") is None
    now = await ledger.outbounds.get(record.id)
    assert (now.status, now.reason, now.level) == (Status.DECLINED, "person_declined", None)


async def test_only_the_question_last_asked_may_be_answered_by_its_client(ledger: Ledger) -> None:
    record = await stored(ledger)
    assert await ledger.consents.ask(record.id, "first") is not None
    assert await ledger.consents.ask(record.id, "second") is not None
    answers = [
        await ledger.consents.answer(record, Choice.ONCE, level=Level.A1, via="client:x", nonce=nonce)
        for nonce in ("first", "other", "second", "second")
    ]
    assert [answer is not None for answer in answers] == [False, False, True, False]


async def test_nothing_is_asked_of_what_waits_no_more(ledger: Ledger) -> None:
    record = await approved(ledger)
    assert await ledger.consents.ask(record.id, "late") is None
    assert await ledger.consents.ask("ob_none", "late") is None


async def test_consent_is_the_newest_yes_and_a_no_is_none(ledger: Ledger) -> None:
    one, two = await stored(ledger, outbound(text="one")), await stored(ledger, outbound(text="two"))
    await approve(ledger, one, level=Level.A3)
    await ledger.consents.answer(two, Choice.NO, level=Level.A3, via="page")
    consent = await ledger.consents.consent(one.id)
    assert consent is not None
    assert consent.level is Level.A3
    assert await ledger.consents.consent(two.id) is None


async def test_what_is_under_way_is_found_oldest_first_and_what_ended_is_not(ledger: Ledger) -> None:
    made = [await stored(ledger, outbound(text=f"text {at}")) for at in range(4)]
    await ended(ledger, made[1], Status.DELIVERED)
    await ended(ledger, made[2], Status.UNKNOWN)
    found = await ledger.outbounds.under_way(set(Status))
    assert [record.id for record in found] == [made[0].id, made[2].id, made[3].id]
    assert await ledger.outbounds.under_way({Status.DELIVERED}) == []


async def test_a_move_from_another_status_changes_nothing(ledger: Ledger) -> None:
    record = await stored(ledger)
    assert await ledger.outbounds.move(record.id, {Status.APPROVED}, Status.REFUSED, reason="test") is None
    assert await ledger.outbounds.move("ob_none", set(Status), Status.REFUSED, reason="test") is None
    assert await ledger.outbounds.get(record.id) == record


async def test_an_unknown_id_is_not_found(ledger: Ledger) -> None:
    with pytest.raises(NotFound):
        await ledger.outbounds.get("ob_none")
