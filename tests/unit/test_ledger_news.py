"""What becomes of an outbound after it was claimed: put back, asked about, told of by the carrier."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from ringback_support.installation import TO, approved, claimed, outbound

from ringback.model.news import StatusNews
from ringback.model.numbers import PhoneNumber
from ringback.model.outbound import Acceptance, Channel, Outbound, Report
from ringback.model.status import Status

if TYPE_CHECKING:
    from ringback_support.fakes import FakeClock

    from ringback.ledger import Ledger
    from ringback.ledger.records import Record

NUMBER = PhoneNumber(TO)
OTHER = PhoneNumber("+14155550188")
GRACE_S = 900.0


async def told(ledger: Ledger, record: Record) -> tuple[str, Status, str]:
    """The newest event of an outbound."""
    event = (await ledger.outbounds.events(record.id))[-1]
    return event.kind, event.status, event.detail


async def accepted(
    ledger: Ledger, wish: Outbound | None = None, carrier_id: str = "id-1", status: Status = Status.ACCEPTED
) -> Record:
    claim = await claimed(ledger, wish)
    settled = await ledger.deliveries.settle(claim, status, acceptance=Acceptance(carrier_id, status))
    assert settled is not None
    return settled


async def due(ledger: Ledger, clock: FakeClock, text: str = "later") -> Record:
    """One that is scheduled for this moment."""
    return await approved(ledger, replace(outbound(text=text), send_at=clock.now().timestamp()))


async def test_one_that_is_put_back_waits_until_its_time_and_is_taken_again(
    ledger: Ledger, clock: FakeClock, now: float
) -> None:
    scheduled, other = await due(ledger, clock), await due(ledger, clock, "other")
    claim = await ledger.deliveries.claim(scheduled.id, owner="me", lease_s=60)
    assert claim is not None
    for stranger in (replace(claim, owner="you"), replace(claim, attempt=2)):
        assert await ledger.deliveries.defer(stranger, reason="x", until=now) is None
    assert (await ledger.outbounds.events(scheduled.id))[-1].kind == "claimed"
    clock.move(5)
    deferred = await ledger.deliveries.defer(claim, reason="carrier_unreachable", until=now + 30)
    assert deferred == replace(scheduled, reason="carrier_unreachable", attempt=1, updated_at=now + 5)
    assert await told(ledger, scheduled) == ("deferred", Status.SCHEDULED, "carrier_unreachable")
    assert await ledger.outbounds.ready("sandbox", 10) == [other.id]
    assert await ledger.deliveries.claim(scheduled.id, owner="me", lease_s=60) is None
    clock.move(25)
    assert await ledger.outbounds.ready("sandbox", 10) == [scheduled.id, other.id]
    assert await ledger.deliveries.defer(claim, reason="x", until=now) is None
    again = await ledger.deliveries.claim(scheduled.id, owner="you", lease_s=60)
    assert again is not None
    assert (again.attempt, again.owner, again.reason) == (2, "you", "carrier_unreachable")


async def test_one_that_waits_for_a_limit_is_taken_from_then_on(ledger: Ledger, clock: FakeClock, now: float) -> None:
    scheduled = await due(ledger, clock)
    clock.move(5)
    waiting = await ledger.deliveries.postpone(scheduled.id, until=now + 30, reason="limit_hour")
    assert waiting == replace(scheduled, reason="limit_hour", updated_at=now + 5)
    assert await told(ledger, scheduled) == ("deferred", Status.SCHEDULED, "limit_hour")
    assert await ledger.outbounds.ready("sandbox", 10) == []
    clock.move(25)
    assert await ledger.outbounds.ready("sandbox", 10) == [scheduled.id]


async def test_one_that_would_be_too_late_by_then_or_is_not_scheduled_is_not_put_off(
    ledger: Ledger, clock: FakeClock, now: float
) -> None:
    scheduled, granted = await due(ledger, clock), await approved(ledger)
    assert await ledger.deliveries.postpone(scheduled.id, until=now + GRACE_S + 1, reason="x") is None
    assert await ledger.deliveries.postpone(granted.id, until=now, reason="x") is None
    assert await told(ledger, scheduled) == ("answered", Status.SCHEDULED, "once")
    assert await ledger.outbounds.get(scheduled.id) == scheduled
    assert await ledger.deliveries.postpone(scheduled.id, until=now + GRACE_S, reason="x") is not None


async def test_one_goes_out_within_its_grace_and_is_missed_after_it(
    ledger: Ledger, clock: FakeClock, now: float
) -> None:
    first, second = await due(ledger, clock), await due(ledger, clock, "other")
    clock.move(GRACE_S)
    assert await ledger.outbounds.expire() == []
    assert await ledger.deliveries.claim(first.id, owner="me", lease_s=60) is not None
    clock.move(0.5)
    assert await ledger.deliveries.claim(second.id, owner="me", lease_s=60) is None
    (missed,) = await ledger.outbounds.expire()
    assert (missed.id, missed.status, missed.reason) == (second.id, Status.EXPIRED, "missed_time")
    assert await told(ledger, second) == ("expired", Status.EXPIRED, "missed_time")


async def test_a_lease_that_is_prolonged_holds_and_one_that_is_not_ones_own_is_not(
    ledger: Ledger, clock: FakeClock, now: float
) -> None:
    claim = await claimed(ledger, lease_s=60)
    for stranger in (replace(claim, owner="you"), replace(claim, attempt=2), replace(claim, id="ob_x")):
        assert await ledger.deliveries.beat(stranger, lease_s=60) is None
    clock.move(30)
    assert await ledger.deliveries.beat(claim, lease_s=60) == now + 90
    clock.move(60)
    assert await ledger.deliveries.conclude(claim, Status.UNKNOWN, reason="dispatcher_gone") is None
    clock.move(0.5)
    doubtful = await ledger.deliveries.conclude(claim, Status.UNKNOWN, reason="dispatcher_gone")
    assert doubtful is not None
    assert (doubtful.status, doubtful.reason, doubtful.owner) == (Status.UNKNOWN, "dispatcher_gone", None)
    assert await told(ledger, claim) == ("concluded", Status.UNKNOWN, "dispatcher_gone")
    assert await ledger.deliveries.beat(claim, lease_s=60) is None


@pytest.mark.parametrize(("age_s", "pause_s"), [(1, 1), (9, 1), (100, 10), (3600, 360), (6000, 600), (100_000, 600)])
async def test_what_a_carrier_took_is_asked_about_the_more_rarely_the_longer_ago(
    ledger: Ledger, clock: FakeClock, age_s: float, pause_s: float
) -> None:
    record = await accepted(ledger)
    clock.move(0.5)
    assert await ledger.deliveries.take_polls("sandbox", 10) == []
    clock.move(age_s - 0.5)
    assert await ledger.deliveries.take_polls("sandbox", 10) == [record]
    clock.move(pause_s - 0.5)
    assert await ledger.deliveries.take_polls("sandbox", 10) == []
    clock.move(0.5)
    assert await ledger.deliveries.take_polls("sandbox", 10) == [record]


@pytest.mark.parametrize(("age_s", "again"), [(3 * 86_400.0 - 600, True), (3 * 86_400.0 - 599, False)])
async def test_after_three_days_nobody_asks_by_itself(
    ledger: Ledger, clock: FakeClock, age_s: float, again: bool
) -> None:
    record = await accepted(ledger)
    clock.move(age_s)
    assert await ledger.deliveries.take_polls("sandbox", 10) == [record]
    clock.move(86_400)
    assert await ledger.deliveries.take_polls("sandbox", 10) == ([record] if again else [])


async def test_a_carrier_is_asked_only_about_its_own_at_most_so_many_and_the_longest_due_first(
    ledger: Ledger, clock: FakeClock
) -> None:
    of_another = await accepted(ledger, outbound(carrier="twilio"))
    clock.move(0.25)
    ours = []
    for number in range(3):
        ours.append(await accepted(ledger, outbound(text=f"text {number}"), f"id-{number}"))
        clock.move(0.25)
    assert await ledger.deliveries.take_polls("sandbox", 10) == []
    clock.move(5)
    polls = [await ledger.deliveries.take_polls("sandbox", 2) for _ in range(3)]
    assert [{each.id for each in poll} for poll in polls] == [{ours[0].id, ours[1].id}, {ours[2].id}, set()]
    assert [each.id for each in await ledger.deliveries.take_polls("twilio", 10)] == [of_another.id]


async def test_what_has_ended_is_not_asked_about(ledger: Ledger, clock: FakeClock) -> None:
    await ledger.deliveries.learn(await accepted(ledger), Report(Status.DELIVERED))
    await ledger.deliveries.settle(await claimed(ledger, outbound(text="another")), Status.FAILED, reason="x")
    await accepted(ledger, outbound(text="a third"), "id-3", Status.DELIVERED)
    clock.move(60)
    assert await ledger.deliveries.take_polls("sandbox", 10) == []


async def test_a_doubt_is_asked_about_as_well(ledger: Ledger, clock: FakeClock) -> None:
    claim = await claimed(ledger)
    doubtful = await ledger.deliveries.conclude(claim, Status.UNKNOWN, reason="x", owner_is_gone=True)
    assert doubtful is not None
    assert await ledger.deliveries.take_polls("sandbox", 10) == []
    clock.move(1)
    assert await ledger.deliveries.take_polls("sandbox", 10) == [doubtful]


async def test_rivals_are_other_doubtful_ones_to_the_same_person_by_the_same_way(
    ledger: Ledger, clock: FakeClock, now: float
) -> None:
    before = await claimed(ledger, outbound(text="before"))
    clock.move(10)
    doubtful = await claimed(ledger, outbound(text="doubtful"))
    running = await claimed(ledger, outbound(text="running"))
    gone = await claimed(ledger, outbound(text="gone"))
    await ledger.deliveries.conclude(gone, Status.UNKNOWN, reason="x", owner_is_gone=True)
    for wish in (outbound(OTHER.e164), outbound(channel=Channel.VOICE), outbound(carrier="twilio")):
        await claimed(ledger, wish)
    await accepted(ledger, outbound(text="known"))
    rivals = await ledger.deliveries.rivals(doubtful, now)
    assert [each.id for each in rivals] == [running.id, gone.id]
    assert [each.id for each in await ledger.deliveries.rivals(doubtful, now - 1)] == [before.id, running.id, gone.id]


async def test_open_calls_are_those_that_a_carrier_took_and_did_not_end_newest_first(ledger: Ledger) -> None:
    call = outbound(channel=Channel.VOICE)
    ringing = await accepted(ledger, replace(call, text="ringing"), "id-1", Status.RINGING)
    taken = await accepted(ledger, replace(call, text="taken"), "id-2")
    ended = await accepted(ledger, replace(call, text="ended"), "id-3")
    await ledger.deliveries.learn(ended, Report(Status.COMPLETED))
    await approved(ledger, replace(call, text="waits"))
    await accepted(ledger, replace(call, to=OTHER), "id-4")
    await accepted(ledger, outbound(), "id-5")
    assert await ledger.deliveries.open_calls(NUMBER) == [taken, ringing]


async def test_an_outbound_is_found_by_its_own_carriers_id_alone(ledger: Ledger) -> None:
    record = await accepted(ledger)
    assert await ledger.deliveries.find("sandbox", "id-1") == record
    assert await ledger.deliveries.is_known("sandbox", "id-1")
    for carrier, carrier_id in (("twilio", "id-1"), ("sandbox", "id-2")):
        assert await ledger.deliveries.find(carrier, carrier_id) is None
        assert not await ledger.deliveries.is_known(carrier, carrier_id)


async def test_of_two_reports_about_one_status_the_later_adds_to_the_earlier(ledger: Ledger) -> None:
    record = await accepted(ledger, outbound(channel=Channel.VOICE))
    record = await ledger.deliveries.learn(record, Report(Status.IN_PROGRESS, answered_by="person", error="early"))
    record = await ledger.deliveries.learn(record, Report(Status.IN_PROGRESS, keys="12"))
    assert record.report == Report(Status.IN_PROGRESS, answered_by="person", error="early", keys="12")
    unchanged = await ledger.deliveries.learn(record, Report(Status.IN_PROGRESS, keys="12"))
    assert unchanged == record
    record = await ledger.deliveries.learn(record, Report(Status.IN_PROGRESS, keys="123"))
    assert record.report == Report(Status.IN_PROGRESS, answered_by="person", error="early", keys="123")


@pytest.mark.parametrize(("error", "kept"), [(None, None), ("late", "late")])
async def test_what_went_wrong_in_an_earlier_status_is_not_told_of_the_later_one(
    ledger: Ledger, error: str | None, kept: str | None
) -> None:
    record = await accepted(ledger, outbound(channel=Channel.VOICE))
    record = await ledger.deliveries.learn(record, Report(Status.IN_PROGRESS, keys="1", error="early"))
    record = await ledger.deliveries.learn(record, Report(Status.COMPLETED, error=error))
    assert record.report == Report(Status.COMPLETED, keys="1", error=kept)


async def test_a_report_that_comes_by_itself_counts_once_and_gives_back_what_stands(ledger: Ledger) -> None:
    record = await accepted(ledger)
    sent, delivered = (StatusNews("id-1", Report(status)) for status in (Status.SENT, Status.DELIVERED))
    told_first = await ledger.deliveries.reported("sandbox", delivered)
    assert told_first is not None
    assert (told_first.id, told_first.status) == (record.id, Status.DELIVERED)
    assert await ledger.deliveries.reported("sandbox", delivered) is None
    late = await ledger.deliveries.reported("sandbox", sent)
    assert late == told_first
    assert await ledger.deliveries.reported("twilio", delivered) is None
    assert await told(ledger, record) == ("reported", Status.DELIVERED, "")


@pytest.mark.parametrize(("keys", "counts"), [("*9", True), ("1 * 9", True), ("9", False), (None, False)])
@pytest.mark.parametrize("by_itself", [True, False])
async def test_star_nine_in_a_call_is_an_opt_out_of_whoever_was_called(
    ledger: Ledger, keys: str | None, counts: bool, by_itself: bool
) -> None:
    record = await accepted(ledger, outbound(channel=Channel.VOICE))
    await accepted(ledger, outbound(OTHER.e164, channel=Channel.VOICE), "id-2")
    report = Report(Status.COMPLETED, keys=keys)
    if by_itself:
        await ledger.deliveries.reported("sandbox", StatusNews("id-1", report))
    else:
        await ledger.deliveries.learn(record, report)
    standing = [(each.number, each.via) for each in await ledger.opt_outs.standing()]
    assert standing == ([(NUMBER, "keys")] if counts else [])


async def test_keys_in_a_call_to_somebody_who_was_forgotten_opt_nobody_out(ledger: Ledger) -> None:
    record = await accepted(ledger, outbound(channel=Channel.VOICE))
    await ledger.erasure.forget(NUMBER)
    erased = await ledger.outbounds.get(record.id)
    await ledger.deliveries.learn(erased, Report(Status.COMPLETED, keys="*9"))
    assert await ledger.opt_outs.standing() == []


async def test_a_report_about_what_was_moved_meanwhile_gives_back_what_stands(ledger: Ledger) -> None:
    stale = await accepted(ledger)
    now = await ledger.deliveries.learn(stale, Report(Status.DELIVERED))
    assert await ledger.deliveries.learn(stale, Report(Status.SENT)) == now
