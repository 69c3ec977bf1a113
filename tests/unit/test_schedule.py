"""A scheduled send: due at its time and not before, under what holds at that time, told when it was missed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from ringback_support.fakes import FakeCarrier, FakeClock
from ringback_support.installation import (
    TEXT,
    TO,
    YES,
    allow,
    edit,
    moment,
    opened,
    scheduled,
    tended,
    want,
)
from ringback_support.open_rules import worded

from ringback.approvals import Answer
from ringback.errors import (
    IdempotencyConflict,
    InvalidRequest,
    Refused,
)
from ringback.ledger.records import Choice, Level
from ringback.model.outbound import Channel, Line
from ringback.model.status import Status
from ringback.settings import ApprovalFloor

if TYPE_CHECKING:
    from pathlib import Path

    from ringback.opening import Ringback

HOUR = 3600.0
GRACE = 900.0


# -- its time --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channel", list(Channel))
async def test_it_goes_out_at_its_time_and_not_a_second_early(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock, channel: Channel
) -> None:
    due = moment(clock, HOUR)
    waiting = await want(ringback.telephone, channel, send_at=due)
    assert waiting.status == "awaiting_approval"
    yes = await ringback.person.answer(waiting.id, YES)
    assert (yes.status, yes.send_at) == ("scheduled", due.replace("+00:00", "Z"))
    clock.move(HOUR - 1)
    assert (await tended(ringback, yes.id)).status == "scheduled"
    assert (await ringback.dispatcher.dispatch(yes.id)).status is Status.SCHEDULED
    clock.move(0.999)
    assert (await tended(ringback, yes.id)).status == "scheduled"
    assert carrier.sent == []
    clock.move(0.001)
    assert (await tended(ringback, yes.id)).status == "accepted"
    clock.move(60)
    await ringback.telephone.tend()
    assert [(wish.text, wish.send_at is None) for wish in carrier.sent] == [(worded(channel, TEXT), False)]


@pytest.mark.parametrize(("in_s", "is_taken"), [(-0.001, False), (0, True), (GRACE, True), (GRACE + 0.001, False)])
async def test_the_fence_itself_takes_it_only_in_its_time(
    ringback: Ringback, clock: FakeClock, *, in_s: float, is_taken: bool
) -> None:
    due = await scheduled(ringback, HOUR)
    clock.move(HOUR + in_s)
    record = await ringback.ledger.deliveries.claim(due.id, owner="me", lease_s=30)
    assert (record is not None) is is_taken


async def test_it_survives_a_restart_before_its_time_and_one_during_it(
    home: Path, carrier: FakeCarrier, clock: FakeClock
) -> None:
    async with opened(home, clock=clock) as first:
        one = await scheduled(first, HOUR)
    clock.move(HOUR - 1)
    async with opened(home, carrier, clock=clock) as second:
        assert (await tended(second, one.id)).status == "scheduled"
    clock.move(GRACE)
    async with opened(home, carrier, clock=clock) as third:
        assert (await tended(third, one.id)).status == "accepted"
    assert len(carrier.sent) == 1


async def test_a_time_that_nobody_was_there_for_is_told_as_missed_and_never_sent(
    home: Path, carrier: FakeCarrier, clock: FakeClock
) -> None:
    async with opened(home, clock=clock) as first:
        one = await scheduled(first, HOUR)
    clock.move(HOUR + GRACE + 0.001)
    async with opened(home, carrier, clock=clock) as second:
        assert (await second.dispatcher.dispatch(one.id)).status is Status.SCHEDULED
        told = await tended(second, one.id)
        assert (told.status, told.reason) == ("expired", "missed_time")
        assert "too late for it now; nothing was sent" in told.summary
        clock.move(-GRACE)
        assert (await tended(second, one.id)).status == "expired"
    assert carrier.sent == []


async def test_the_grace_is_as_long_as_it_is_set(home: Path, carrier: FakeCarrier, clock: FakeClock) -> None:
    async with opened(home, carrier, clock=clock, schedule_grace_s=60) as ringback:
        late, missed = await scheduled(ringback, 70), await scheduled(ringback, 69, text="missed")
        clock.move(130)
        assert (await tended(ringback, late.id)).status == "accepted"
        assert (await tended(ringback, missed.id)).reason == "missed_time"


@pytest.mark.parametrize(("in_s", "words"), [(-60.001, "past"), (-86_400, "past"), (90 * 86_400 + 1, "90 days")])
async def test_a_time_that_is_past_or_far_is_refused_and_nothing_is_stored(
    ringback: Ringback, clock: FakeClock, in_s: float, words: str
) -> None:
    with pytest.raises(InvalidRequest, match=words):
        await want(ringback.telephone, Channel.SMS, send_at=moment(clock, in_s))
    assert (await ringback.telephone.history()).items == ()


@pytest.mark.parametrize("in_s", [-60, -1, 0])
async def test_a_time_of_the_last_minute_is_now(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock, in_s: float
) -> None:
    waiting = await want(ringback.telephone, Channel.SMS, send_at=moment(clock, in_s))
    assert (await ringback.person.answer(waiting.id, YES)).status == "accepted"
    assert len(carrier.sent) == 1


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("2026-03-29 01:59 Europe/Berlin", "2026-03-29T00:59:00+00:00"),
        ("2026-03-29 03:00 Europe/Berlin", "2026-03-29T01:00:00+00:00"),
        ("2026-03-29T01:30:00Z", "2026-03-29T01:30:00+00:00"),
        ("2026-04-05T02:30:00+11:00[Australia/Sydney]", "2026-04-04T15:30:00+00:00"),
        ("2026-04-05T02:30:00+10:00[Australia/Sydney]", "2026-04-04T16:30:00+00:00"),
    ],
)
async def test_on_the_day_that_clocks_change_it_goes_out_at_the_moment_that_was_meant(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock, text: str, due: str
) -> None:
    from datetime import datetime

    await allow(ringback, seconds=60 * 86_400)
    one = await want(ringback.telephone, Channel.SMS, send_at=text)
    clock.move((datetime.fromisoformat(due) - clock.now()).total_seconds() - 1)
    assert (await tended(ringback, one.id)).status == "scheduled"
    clock.move(1)
    assert (await tended(ringback, one.id)).status == "accepted"
    assert len(carrier.sent) == 1


@pytest.mark.parametrize("text", ["2026-03-29 02:30 Europe/Berlin", "2026-04-05 02:30 Australia/Sydney"])
async def test_a_local_time_that_is_none_or_two_is_refused(ringback: Ringback, text: str) -> None:
    with pytest.raises(InvalidRequest):
        await want(ringback.telephone, Channel.SMS, send_at=text)


async def test_many_that_are_due_at_once_all_go_out_once_in_bounded_shares(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock
) -> None:
    ids = [(await scheduled(ringback, 60 + at % 3, text=f"text {at}")).id for at in range(150)]
    clock.move(59)
    assert not await ringback.telephone.tend()
    clock.move(10)
    shares = []
    more = True
    while more:
        more = await ringback.telephone.tend()
        shares.append(len(carrier.sent))
    assert len(shares) >= 3, "one call does no more than its share"
    assert sorted(wish.text for wish in carrier.sent) == sorted(f"text {at}" for at in range(150))
    assert {(await ringback.ledger.outbounds.get(each)).status for each in ids} == {Status.ACCEPTED}


# -- the same wish again ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [None, "k"])
async def test_the_same_wish_for_the_same_time_gets_the_first_receipt_also_after_it_went(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock, key: str | None
) -> None:
    await allow(ringback)
    due = moment(clock, 30)
    first = await want(ringback.telephone, Channel.SMS, send_at=due, idempotency_key=key)
    for seconds in (0, 29.5, 5, 60, 300):
        clock.move(seconds)
        await ringback.telephone.tend()
        again = await want(ringback.telephone, Channel.SMS, send_at=due, idempotency_key=key)
        assert (again.id, again.repeated) == (first.id, True)
    assert len(carrier.sent) == 1


async def test_another_time_under_the_same_key_is_a_conflict(ringback: Ringback, clock: FakeClock) -> None:
    await allow(ringback)
    due = moment(clock, HOUR)
    await want(ringback.telephone, Channel.SMS, send_at=due, idempotency_key="k")
    for other in (moment(clock, HOUR + 1), None):
        with pytest.raises(IdempotencyConflict):
            await want(ringback.telephone, Channel.SMS, send_at=other, idempotency_key="k")
    assert len((await ringback.telephone.history()).items) == 1


async def test_the_same_text_at_two_times_is_two_sends(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock
) -> None:
    await allow(ringback)
    for in_s in (60, 120):
        await scheduled(ringback, in_s)
    for _ in range(2):
        clock.move(60)
        await ringback.telephone.tend()
    assert len(carrier.sent) == 2


# -- cancelling ------------------------------------------------------------------------------------------------------


async def test_it_can_be_cancelled_until_it_goes_out(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock
) -> None:
    one, two = await scheduled(ringback, HOUR), await scheduled(ringback, HOUR, text="two")
    assert (await ringback.telephone.cancel(one.id)).status == "cancelled"
    clock.move(HOUR)
    await ringback.telephone.tend()
    assert [wish.text for wish in carrier.sent] == ["two"]
    with pytest.raises(Refused) as caught:
        await ringback.telephone.cancel(two.id)
    assert caught.value.rule == "too_late_to_cancel"


@pytest.mark.parametrize("yields", range(8))
async def test_of_a_cancellation_and_a_dispatch_at_the_same_time_exactly_one_comes_true(
    home: Path, carrier: FakeCarrier, clock: FakeClock, yields: int
) -> None:
    async def line() -> Line:
        for _ in range(3):
            await asyncio.sleep(0)
        return await FakeCarrier.line(carrier)

    carrier.line = line  # type: ignore[method-assign]
    async with opened(home, carrier, clock=clock) as one, opened(home, carrier, clock=clock) as two:
        due = await scheduled(one, HOUR)
        clock.move(HOUR)

        async def cancel() -> str:
            for _ in range(yields):
                await asyncio.sleep(0)
            try:
                return (await two.telephone.cancel(due.id)).status
            except Refused as refused:
                return refused.rule

        _, told = await asyncio.gather(one.telephone.tend(), cancel())
        ended = (await two.telephone.status(due.id)).status
    assert (told, ended, len(carrier.sent)) in {("cancelled", "cancelled", 0), ("too_late_to_cancel", "accepted", 1)}


# -- what must still hold at its time --------------------------------------------------------------------------------


async def test_an_allowance_that_was_taken_back_in_between_lets_nothing_out(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock
) -> None:
    allowance = await allow(ringback)
    due = await scheduled(ringback, HOUR)
    await ringback.person.revoke(allowance)
    clock.move(HOUR)
    told = await tended(ringback, due.id)
    assert (told.status, told.reason, carrier.sent) == ("refused", "allowance_revoked", [])


async def test_an_allowance_that_is_taken_back_while_the_line_is_asked_lets_nothing_out(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock
) -> None:
    allowance = await allow(ringback)
    due = await scheduled(ringback, HOUR)

    async def line() -> Line:
        await ringback.person.revoke(allowance)
        return await FakeCarrier.line(carrier)

    carrier.line = line  # type: ignore[method-assign]
    clock.move(HOUR)
    told = await tended(ringback, due.id)
    assert (told.status, told.reason, carrier.sent) == ("refused", "allowance_revoked", [])


async def test_an_allowance_counts_only_where_it_still_holds_at_that_time(ringback: Ringback, clock: FakeClock) -> None:
    await allow(ringback, seconds=HOUR)
    inside = await want(ringback.telephone, Channel.SMS, send_at=moment(clock, HOUR - 1))
    outside = await want(ringback.telephone, Channel.SMS, send_at=moment(clock, HOUR))
    assert (inside.status, outside.status) == ("scheduled", "awaiting_approval")


@pytest.mark.parametrize(
    ("beforehand", "rule"), [(False, "approval_level"), (True, "allowance_revoked")], ids=["asked", "allowed"]
)
async def test_a_floor_that_was_raised_in_between_lets_out_nothing_that_is_below_it(
    home: Path, carrier: FakeCarrier, clock: FakeClock, *, beforehand: bool, rule: str
) -> None:
    async with opened(home, clock=clock) as first:
        if beforehand:
            await first.person.allow(TO, Channel.SMS, level=Level.A1, via="client:x", seconds=2 * HOUR, count=1)
        due = await want(first.telephone, Channel.SMS, send_at=moment(clock, HOUR))
        if not beforehand:
            nonce = await first.person.ask_client(due.id)
            yes = Answer(Choice.ONCE, Level.A1, "client:x", digits=TO[-4:], nonce=nonce)
            due = await first.person.answer(due.id, yes)
        assert due.status == "scheduled"
    clock.move(HOUR)
    async with opened(home, carrier, clock=clock, approval=ApprovalFloor.PAGE) as second:
        told = await tended(second, due.id)
    assert (told.status, told.reason, carrier.sent) == ("refused", rule, [])


@pytest.mark.parametrize("in_s", [-600, 600])
async def test_a_time_that_was_changed_in_the_file_is_not_what_was_approved(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock, home: Path, in_s: float
) -> None:
    due = await scheduled(ringback, HOUR)
    edit(home, "UPDATE outbound SET send_at = send_at + ?", in_s)
    clock.move(HOUR + in_s)
    told = await tended(ringback, due.id)
    assert (told.status, told.reason, carrier.sent) == ("refused", "approval_mismatch", [])


async def test_a_status_that_was_changed_in_the_file_sends_nothing_before_its_time(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock, home: Path
) -> None:
    due = await scheduled(ringback, HOUR)
    edit(home, "UPDATE outbound SET status = 'approved'")
    await ringback.telephone.tend()
    await ringback.dispatcher.dispatch(due.id)
    assert carrier.sent == []


async def test_a_line_that_is_off_at_its_time_lets_nothing_out(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock
) -> None:
    due = await scheduled(ringback, HOUR)
    carrier.enabled = False
    clock.move(HOUR)
    told = await tended(ringback, due.id)
    assert (told.status, told.reason, carrier.sent) == ("refused", "not_enabled", [])


# -- the person ----------------------------------------------------------------------------------------------------


async def test_a_person_sees_what_is_scheduled_the_next_one_first(ringback: Ringback, clock: FakeClock) -> None:
    for in_s, text in ((HOUR, "second"), (60, "first"), (2 * HOUR, "third")):
        await scheduled(ringback, in_s, text=text)
    await want(ringback.telephone, Channel.SMS, text="not answered", send_at=moment(clock, 30))
    told = [(question.text, question.send_at) for question in await ringback.person.scheduled()]
    start = clock.now().timestamp()
    assert told == [("first", start + 60), ("second", start + HOUR), ("third", start + 2 * HOUR)]


async def test_an_answer_after_its_time_sends_it_at_once_within_the_grace_and_not_after(
    home: Path, carrier: FakeCarrier, clock: FakeClock
) -> None:
    async with opened(home, carrier, clock=clock, schedule_grace_s=60) as ringback:
        one = await want(ringback.telephone, Channel.SMS, send_at=moment(clock, 30))
        two = await want(ringback.telephone, Channel.SMS, text="two", send_at=moment(clock, 30))
        clock.move(90)
        assert (await ringback.person.answer(one.id, YES)).status == "accepted"
        clock.move(0.001)
        assert (await ringback.person.answer(two.id, YES)).status == "expired"
    assert len(carrier.sent) == 1
