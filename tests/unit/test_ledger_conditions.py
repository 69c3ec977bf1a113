"""Each condition that a statement of the ledger puts, from both sides."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from ringback_support.installation import (
    TO,
    approve,
    approved,
    claimed,
    edit,
    grant,
    outbound,
    rows,
    stored,
)

from ringback.ledger.outbounds import Stored
from ringback.ledger.records import Choice, Level
from ringback.model.numbers import PhoneNumber
from ringback.model.outbound import Acceptance, Channel
from ringback.model.status import Status

if TYPE_CHECKING:
    from pathlib import Path

    from ringback_support.fakes import FakeClock

    from ringback.ledger import Ledger
    from ringback.ledger.records import Record

NUMBER = PhoneNumber(TO)
OTHER = PhoneNumber("+14155550188")


async def is_taken(ledger: Ledger, record: Record) -> bool:
    return await ledger.deliveries.claim(record.id, owner="me", lease_s=60) is not None


# -- the same wish again


async def test_of_several_same_wishes_the_newest_is_found(ledger: Ledger) -> None:
    await stored(ledger, key="first")
    newest = await stored(ledger, key="second")
    assert await ledger.outbounds.find(outbound(), None) == newest


@pytest.mark.parametrize("kind", ["scheduled", "dispatching"])
async def test_what_is_scheduled_or_on_its_way_is_the_same_wish_for_longer(
    ledger: Ledger, clock: FakeClock, kind: str
) -> None:
    wish = outbound()
    if kind == "scheduled":
        wish = replace(wish, send_at=clock.now().timestamp() + 86_400)
    record = await (approved(ledger, wish) if kind == "scheduled" else claimed(ledger, wish))
    clock.move(3600)
    assert await ledger.outbounds.find(wish, None) == record


async def test_a_no_to_one_wish_is_none_to_another_and_the_newest_counts(ledger: Ledger, clock: FakeClock) -> None:
    first, second = await stored(ledger, key="first"), await stored(ledger, key="second")
    for record in (first, second):
        await ledger.consents.answer(record, Choice.NO, level=Level.A2, via="page")
    found = await ledger.outbounds.find(outbound(), "third")
    assert found is not None
    assert found.id == second.id
    assert await ledger.outbounds.find(outbound(text="another"), "third") is None


# -- a person's answer


@pytest.mark.parametrize(("after_s", "counts"), [(600.0, True), (600.5, False)])
async def test_an_answer_counts_until_the_end_of_its_ten_minutes(
    ledger: Ledger, clock: FakeClock, after_s: float, counts: bool
) -> None:
    record = await stored(ledger)
    clock.move(after_s)
    answered = await ledger.consents.answer(record, Choice.ONCE, level=Level.A2, via="page")
    assert (answered is not None) is counts


async def test_the_level_of_a_yes_is_kept_for_one_with_a_time_as_well(ledger: Ledger, clock: FakeClock) -> None:
    record = await approve(ledger, await stored(ledger, replace(outbound(), send_at=clock.now().timestamp() + 60)))
    assert (record.status, record.level) == (Status.SCHEDULED, Level.A2)


async def test_a_question_is_asked_of_one_outbound_alone(ledger: Ledger, home: Path) -> None:
    first, second = await stored(ledger), await stored(ledger, outbound(text="second"))
    await ledger.consents.ask(first.id, "one")
    await ledger.consents.ask(second.id, "two")
    answered = await ledger.consents.answer(first, Choice.ONCE, level=Level.A1, via="client", nonce="one")
    assert answered is not None


@pytest.mark.parametrize("how", ["answered", "moved", "expired", "silenced", "opted out", "forgotten"])
async def test_what_waits_no_more_keeps_no_nonce_of_its_question(
    ledger: Ledger, home: Path, clock: FakeClock, how: str
) -> None:
    record = await stored(ledger)
    await ledger.consents.ask(record.id, "nonce")
    assert rows(home, "SELECT count(*) FROM outbound WHERE nonce IS NOT NULL") == [(1,)]
    clock.move(5)
    if how == "answered":
        await ledger.consents.answer(record, Choice.ONCE, level=Level.A2, via="page")
    elif how == "moved":
        await ledger.outbounds.move(record.id, set(Status), Status.CANCELLED, reason="x")
    elif how == "expired":
        clock.move(600)
        await ledger.outbounds.expire()
    elif how == "silenced":
        await ledger.takeovers.begin(NUMBER, via="page")
    elif how == "opted out":
        await ledger.opt_outs.begin(NUMBER, via="text")
    else:
        await ledger.erasure.forget(NUMBER)
    assert rows(home, "SELECT count(*) FROM outbound WHERE nonce IS NOT NULL") == [(0,)]
    assert (await ledger.outbounds.get(record.id)).updated_at == clock.now().timestamp()


# -- the fence


@pytest.mark.parametrize(("after_s", "taken"), [(600.0, True), (600.5, False)])
async def test_the_fence_takes_what_was_approved_within_its_ten_minutes(
    ledger: Ledger, clock: FakeClock, after_s: float, taken: bool
) -> None:
    record = await approved(ledger)
    clock.move(after_s)
    assert await is_taken(ledger, record) is taken


@pytest.mark.parametrize(("after_s", "taken"), [(59.5, False), (60.0, True), (960.0, True), (960.5, False)])
async def test_the_fence_takes_what_is_scheduled_from_its_time_to_the_end_of_its_grace(
    ledger: Ledger, clock: FakeClock, after_s: float, taken: bool
) -> None:
    record = await approved(ledger, replace(outbound(), send_at=clock.now().timestamp() + 60))
    clock.move(after_s)
    assert await is_taken(ledger, record) is taken


@pytest.mark.parametrize("status", [status for status in Status if status != Status.SCHEDULED])
async def test_the_fence_takes_one_with_a_time_in_no_other_status_than_scheduled(
    ledger: Ledger, home: Path, clock: FakeClock, status: Status
) -> None:
    record = await approved(ledger, replace(outbound(), send_at=clock.now().timestamp()))
    edit(home, "UPDATE outbound SET status = ? WHERE id = ?", status, record.id)
    assert not await is_taken(ledger, record)


async def test_the_fence_heeds_the_takeover_and_the_opt_out_of_this_person_while_they_stand(ledger: Ledger) -> None:
    await ledger.takeovers.begin(OTHER, via="page")
    await ledger.opt_outs.begin(OTHER, via="text")
    assert await is_taken(ledger, await approved(ledger, outbound(text="one")))
    for name, begin, end in (
        ("takeover", ledger.takeovers.begin, ledger.takeovers.end),
        ("opt-out", ledger.opt_outs.begin, ledger.opt_outs.lift),
    ):
        await begin(NUMBER, via="page")
        record = await approved(ledger, outbound(text=name))
        assert not await is_taken(ledger, record)
        await end(NUMBER)
        assert await is_taken(ledger, record)


async def test_a_takeover_holds_back_neither_what_a_person_writes_nor_a_confirmation(ledger: Ledger) -> None:
    await ledger.takeovers.begin(NUMBER, via="page")
    assert await is_taken(ledger, await approved(ledger, replace(outbound(), by_hand=True)))
    await ledger.opt_outs.begin(NUMBER, via="text", carrier="sandbox")
    assert not await is_taken(ledger, await approved(ledger, replace(outbound(text="by hand"), by_hand=True)))
    notice = replace(outbound(text="You get no more."), notice=True)
    record, _ = await ledger.outbounds.add(notice, key=None, spend=None, terms=Stored(notice_of="optout:x"))
    assert await is_taken(ledger, record)


async def test_a_confirmation_is_taken_only_while_somebody_opted_out(ledger: Ledger) -> None:
    notice = replace(outbound(text="You get no more."), notice=True)
    record, _ = await ledger.outbounds.add(notice, key=None, spend=None, terms=Stored(notice_of="optout:x"))
    assert not await is_taken(ledger, record)


# -- how a dispatch ends


async def gone(ledger: Ledger, reason: str, text: str = "x") -> Record:
    """A dispatch that was concluded as doubtful while its process was gone; as that process still knows it."""
    claim = await claimed(ledger, outbound(text=text))
    assert await ledger.deliveries.conclude(claim, Status.UNKNOWN, reason=reason, owner_is_gone=True) is not None
    return claim


async def test_a_process_that_comes_back_knows_better_than_the_doubt_about_itself_and_nothing_else(
    ledger: Ledger, clock: FakeClock
) -> None:
    acceptance = Acceptance("id-1", Status.ACCEPTED)
    back = await gone(ledger, "dispatcher_gone", "one")
    assert await ledger.deliveries.settle(replace(back, attempt=2), Status.ACCEPTED, acceptance=acceptance) is None
    assert await ledger.deliveries.settle(back, Status.UNKNOWN, reason="x") is None
    assert await ledger.deliveries.settle(back, Status.ACCEPTED, acceptance=acceptance) is not None
    other = await gone(ledger, "carrier_unavailable", "two")
    assert await ledger.deliveries.settle(other, Status.ACCEPTED, acceptance=acceptance) is None
    found = await gone(ledger, "dispatcher_gone", "three")
    known = await ledger.deliveries.conclude(found, Status.ACCEPTED, reason="found", carrier_id="id-3")
    assert known is not None
    assert await ledger.deliveries.settle(found, Status.FAILED, reason="x") is None
    doubtful = await claimed(ledger, outbound(text="four"))
    await ledger.deliveries.settle(
        doubtful, Status.UNKNOWN, acceptance=Acceptance("id-4", Status.UNKNOWN), reason="dispatcher_gone"
    )
    assert await ledger.deliveries.settle(doubtful, Status.FAILED, reason="x") is None


async def test_a_doubt_is_concluded_by_what_was_found_once_and_for_this_outbound_alone(
    ledger: Ledger, clock: FakeClock
) -> None:
    first, second = await gone(ledger, "x", "one"), await gone(ledger, "x", "two")
    assert await ledger.deliveries.conclude(first, Status.UNKNOWN, reason="y") is None
    clock.move(5)
    concluded = await ledger.deliveries.conclude(first, Status.ACCEPTED, reason="found", carrier_id="id-1")
    assert concluded is not None
    assert (concluded.status, concluded.reason, concluded.carrier_id, concluded.owner) == (
        Status.ACCEPTED,
        "found",
        "id-1",
        None,
    )
    assert concluded.updated_at == clock.now().timestamp()
    assert (await ledger.outbounds.get(second.id)).status is Status.UNKNOWN
    assert await ledger.deliveries.conclude(first, Status.FAILED, reason="y") is None
    ended = await ledger.deliveries.conclude(second, Status.FAILED, reason="not there")
    assert ended is not None
    assert (ended.status, ended.carrier_id) == (Status.FAILED, None)
    assert await ledger.deliveries.conclude(second, Status.ACCEPTED, reason="y") is None


async def test_a_running_dispatch_is_concluded_when_its_owner_is_gone_and_not_another_ones(ledger: Ledger) -> None:
    mine = await claimed(ledger, outbound(text="one"), owner="me")
    theirs = await claimed(ledger, outbound(text="two"), owner="them")
    stale = replace(theirs, owner="me")
    assert await ledger.deliveries.conclude(stale, Status.UNKNOWN, reason="x", owner_is_gone=True) is None
    assert await ledger.deliveries.conclude(mine, Status.UNKNOWN, reason="x") is None
    assert await ledger.deliveries.conclude(mine, Status.UNKNOWN, reason="x", owner_is_gone=True) is not None
    assert (await ledger.outbounds.get(theirs.id)).status is Status.DISPATCHING


@pytest.mark.parametrize("status", [Status.ACCEPTED, Status.QUEUED, Status.SENT, Status.RINGING, Status.IN_PROGRESS])
async def test_a_call_is_open_in_each_status_between_taken_and_ended(ledger: Ledger, status: Status) -> None:
    claim = await claimed(ledger, outbound(channel=Channel.VOICE))
    call = await ledger.deliveries.settle(claim, status, acceptance=Acceptance("id-1", status))
    assert await ledger.deliveries.open_calls(NUMBER) == [call]


# -- what expires


@pytest.mark.parametrize("status", ["draft", "awaiting_approval", "approved"])
async def test_what_nobody_sent_in_time_expires_whatever_it_waited_for(
    ledger: Ledger, home: Path, clock: FakeClock, status: str
) -> None:
    record = await stored(ledger)
    edit(home, "UPDATE outbound SET status = ? WHERE id = ?", status, record.id)
    clock.move(600)
    assert await ledger.outbounds.expire() == []
    clock.move(0.5)
    (expired,) = await ledger.outbounds.expire()
    assert (expired.status, expired.updated_at) == (Status.EXPIRED, clock.now().timestamp())


async def test_what_may_still_be_answered_does_not_expire_along_with_what_may_not(
    ledger: Ledger, clock: FakeClock
) -> None:
    late = await stored(ledger, outbound(text="late"))
    clock.move(300)
    fresh = await stored(ledger, outbound(text="fresh"))
    clock.move(301)
    assert [each.id for each in await ledger.outbounds.expire()] == [late.id]
    assert (await ledger.outbounds.get(fresh.id)).status is Status.AWAITING_APPROVAL


async def test_what_is_late_expires_and_what_is_for_later_does_not(ledger: Ledger, clock: FakeClock) -> None:
    now = clock.now().timestamp()
    late = await approved(ledger, replace(outbound(text="late"), send_at=now + 60))
    later = await approved(ledger, replace(outbound(text="later"), send_at=now + 86_400))
    ended = await approved(ledger, replace(outbound(text="ended"), send_at=now + 60))
    await ledger.outbounds.move(ended.id, {Status.SCHEDULED}, Status.CANCELLED, reason="x")
    clock.move(961)
    (expired,) = await ledger.outbounds.expire()
    assert (expired.id, expired.reason, expired.updated_at) == (late.id, "missed_time", now + 961)
    assert (await ledger.outbounds.get(later.id)).status is Status.SCHEDULED
    assert await ledger.outbounds.expire() == []


# -- allowances


async def test_only_allowances_in_force_are_listed_newest_first(ledger: Ledger, clock: FakeClock) -> None:
    ids = {}
    for name, given in (
        ("over", grant(seconds=60)),
        ("used up", grant(Channel.SMS, count=1)),
        ("revoked", grant(Channel.MMS)),
        ("older", grant(Channel.VOICE)),
        ("newer", grant(Channel.VOICE)),
    ):
        ids[name] = await ledger.consents.allow(NUMBER, given, level=Level.A2, via="page")
        clock.move(1)
    await ledger.consents.revoke(ids["revoked"])
    clock.move(60)
    record, _ = await ledger.outbounds.add(outbound(), key=None, spend=Level.A1)
    assert record.level is Level.A0
    assert [each.id for each in await ledger.consents.allowances()] == [ids["newer"], ids["older"]]


async def test_of_several_allowances_the_one_that_ends_first_is_spent(ledger: Ledger) -> None:
    longer = await ledger.consents.allow(NUMBER, grant(seconds=7200), level=Level.A2, via="page")
    shorter = await ledger.consents.allow(NUMBER, grant(seconds=3600), level=Level.A2, via="page")
    await ledger.outbounds.add(outbound(), key=None, spend=Level.A1)
    assert {each.id: each.remaining for each in await ledger.consents.allowances()} == {longer: 5, shorter: 4}


@pytest.mark.parametrize(
    ("changes", "text", "media", "covers"),
    [
        ({"max_chars": 5}, "12345", None, True),
        ({"max_chars": 4}, "12345", None, False),
        ({"links": False}, "see example.com/x", None, False),
        ({"links": True}, "see example.com/x", None, True),
        ({"media_host": "example.com"}, "x", "https://example.com/a.png", True),
        ({"media_host": "example.com"}, "x", "https://example.net/a.png", False),
        ({"media_host": None}, "x", "https://example.net/a.png", True),
    ],
)
async def test_an_allowance_covers_what_is_within_its_content_limits(
    ledger: Ledger, changes: dict[str, object], text: str, media: str | None, covers: bool
) -> None:
    channel = Channel.SMS if media is None else Channel.MMS
    given = replace(grant(channel), **changes)
    await ledger.consents.allow(NUMBER, given, level=Level.A2, via="page")
    assert await ledger.consents.is_allowed(outbound(text=text, channel=channel, media=media), Level.A2) is covers
