"""The dispatcher between the rules and the carrier: what is over a limit waits or ends, and what went wrong is told."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from ringback_support.fakes import FakeCarrier, FakeClock
from ringback_support.installation import TO, approved, edit, opened, outbound

from ringback.dispatch import AT_ONCE, HOLD_S
from ringback.errors import (
    CarrierOptedOut,
    CarrierRateLimited,
    CarrierRejected,
    CarrierUnavailable,
    CarrierUnreachable,
    LedgerError,
)
from ringback.model.outbound import Acceptance, Channel, Outbound
from ringback.model.status import Status

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from ringback.ledger.records import Record
    from ringback.opening import Ringback

OTHER = "+14155550188"
HOUR = 3600.0
GRACE_S = 900.0


def limited(
    home: Path, carrier: FakeCarrier, clock: FakeClock, **changes: Any
) -> AbstractAsyncContextManager[Ringback]:
    """An installation in which one in an hour goes out."""
    given = {"limits": "all=1/hour", "sandbox_rules": True, **changes}
    return opened(home, carrier, clock=clock, **given)


@pytest.fixture
async def ringback(home: Path, carrier: FakeCarrier, clock: FakeClock) -> AsyncIterator[Ringback]:
    async with opened(home, carrier, clock=clock) as installation:
        yield installation


async def due(ringback: Ringback, text: str, *, carrier: str = "sandbox", in_s: float = 0.0) -> Record:
    send_at = ringback.clock.now().timestamp() + in_s
    return await approved(ringback.ledger, replace(outbound(text=text, carrier=carrier), send_at=send_at))


async def stands(ringback: Ringback, record: Record) -> tuple[Status, str | None]:
    now = await ringback.ledger.outbounds.get(record.id)
    return now.status, now.reason


async def test_what_is_over_a_limit_when_it_would_go_out_is_refused(
    home: Path, carrier: FakeCarrier, clock: FakeClock
) -> None:
    async with limited(home, carrier, clock) as ringback:
        first, second = await approved(ringback.ledger), await approved(ringback.ledger, outbound(OTHER))
        await ringback.dispatcher.dispatch(first.id)
        told = await ringback.dispatcher.dispatch(second.id)
        assert (told.status, told.reason) == (Status.REFUSED, "limit_hour")
        assert (await ringback.ledger.outbounds.events(second.id))[-1].detail == "limit_hour"
    assert [wish.to.e164 for wish in carrier.sent] == [TO]


async def test_what_is_scheduled_and_over_a_limit_waits_where_it_is_still_in_time_then(
    home: Path, carrier: FakeCarrier, clock: FakeClock
) -> None:
    async with limited(home, carrier, clock) as ringback:
        await ringback.dispatcher.dispatch((await approved(ringback.ledger)).id)
        clock.move(HOUR - 60)
        later = await due(ringback, "later")
        told = await ringback.dispatcher.dispatch(later.id)
        assert (told.status, told.reason) == (Status.SCHEDULED, "limit_hour")
        clock.move(59)
        assert await ringback.dispatcher.dispatch_ready(10) == 0
        clock.move(1)
        assert await ringback.dispatcher.dispatch_ready(10) == 1
        assert await stands(ringback, later) == (Status.ACCEPTED, None)
    assert [wish.text for wish in carrier.sent][1:] == ["later"]


async def test_what_is_scheduled_and_would_be_too_late_then_is_refused(
    home: Path, carrier: FakeCarrier, clock: FakeClock
) -> None:
    async with limited(home, carrier, clock) as ringback:
        await ringback.dispatcher.dispatch((await approved(ringback.ledger)).id)
        later = await due(ringback, "later")
        told = await ringback.dispatcher.dispatch(later.id)
        assert (told.status, told.reason) == (Status.REFUSED, "limit_hour")


@pytest.mark.parametrize("is_scheduled", [False, True])
async def test_a_limit_that_another_process_reaches_after_the_guards_were_asked_is_seen_by_the_fence(
    home: Path, carrier: FakeCarrier, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, is_scheduled: bool
) -> None:
    async with limited(home, carrier, clock) as one, limited(home, FakeCarrier(), clock) as two:
        first = await approved(one.ledger)
        second = await (due(one, "later") if is_scheduled else approved(one.ledger, outbound(OTHER)))
        claims: list[str] = []

        def at(step: str) -> None:
            if step == "claim.begin" and not claims:
                claims.append(first.id)
                with pytest.raises(StopIteration):
                    two.ledger.deliveries.claim(first.id, owner="two", lease_s=60).send(None)

        monkeypatch.setattr("ringback.steps.listener", at)
        told = await one.dispatcher.dispatch(second.id)
        assert (told.status, told.reason) == (Status.REFUSED, "limit_hour")
    assert carrier.sent == []


async def test_what_was_moved_on_by_another_process_meanwhile_is_told_as_it_stands(
    home: Path, carrier: FakeCarrier, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with limited(home, carrier, clock) as one, limited(home, FakeCarrier(), clock) as two:
        first, second = await approved(one.ledger), await approved(one.ledger, outbound(OTHER))
        await one.dispatcher.dispatch(first.id)

        def at(step: str) -> None:
            if step == "move.begin":
                monkeypatch.setattr("ringback.steps.listener", None)
                moving = two.ledger.outbounds.move(second.id, {Status.APPROVED}, Status.CANCELLED, reason="by another")
                with pytest.raises(StopIteration):
                    moving.send(None)

        monkeypatch.setattr("ringback.steps.listener", at)
        told = await one.dispatcher.dispatch(second.id)
        assert (told.status, told.reason) == (Status.CANCELLED, "by another")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (CarrierRejected("no"), "outbound {}: carrier_rejected, so it is failed"),
        (CarrierUnavailable("?"), "outbound {}: carrier_unavailable, so it is unknown"),
        (ValueError("x"), "outbound {}: ValueError in the carrier's adapter, so it is unknown"),
    ],
)
async def test_a_carrier_that_fails_is_logged_by_the_outbounds_id(
    ringback: Ringback, carrier: FakeCarrier, caplog: pytest.LogCaptureFixture, error: Exception, line: str
) -> None:
    carrier.outcomes = [error]
    record = await approved(ringback.ledger)
    await ringback.dispatcher.dispatch(record.id)
    assert [entry.getMessage() for entry in caplog.records if entry.name == "ringback.dispatch"] == [
        line.format(record.id)
    ]


async def test_what_the_carrier_said_of_a_failure_is_kept(ringback: Ringback, carrier: FakeCarrier) -> None:
    carrier.outcomes = [CarrierRejected("no", detail="no such line")]
    told = await ringback.dispatcher.dispatch((await approved(ringback.ledger)).id)
    assert told.report is not None
    assert (told.status, told.report.error) == (Status.FAILED, "no such line")


async def test_a_ledger_that_fails_after_the_request_is_told_with_the_id_and_what_to_do(
    ringback: Ringback, carrier: FakeCarrier
) -> None:
    async def then_fail(_: Outbound) -> Acceptance:
        ringback.ledger.database._connection.execute("PRAGMA query_only = ON")
        return Acceptance("id-1", Status.ACCEPTED)

    carrier.outcomes = [then_fail]
    record = await approved(ringback.ledger)
    with pytest.raises(LedgerError) as raised:
        await ringback.dispatcher.dispatch(record.id)
    ringback.ledger.database._connection.execute("PRAGMA query_only = OFF")
    assert raised.value.message == (
        f"Outbound {record.id} was handed to the carrier, but what became of it could not be stored. "
        "The ledger cannot be used: attempt to write a readonly database."
    )
    assert raised.value.hint == "Do not send it again. Mend the ledger, then ask for its status."


async def test_one_entry_that_cannot_be_read_stops_no_other_and_is_logged(
    ringback: Ringback, carrier: FakeCarrier, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spoilt, kept = await due(ringback, "spoilt"), await due(ringback, "kept")
    edit(home, "UPDATE outbound SET channel = 'fax' WHERE id = ?", spoilt.id)
    assert await ringback.dispatcher.dispatch_ready(10) == 2
    assert await stands(ringback, kept) == (Status.ACCEPTED, None)
    told = f"Entry {spoilt.id} of the ledger cannot be read: something else changed it. Restore the ledger from a copy."
    logged = [entry.getMessage() for entry in caplog.records if entry.name == "ringback.dispatch"]
    assert logged == [f"a dispatch failed: {told}"]
    assert await ringback.dispatcher.dispatch_ready(10) == 1


async def test_a_ledger_that_fails_for_all_is_an_error(ringback: Ringback, carrier: FakeCarrier) -> None:
    await due(ringback, "one")
    ringback.ledger.database._connection.execute("PRAGMA query_only = ON")
    with pytest.raises(LedgerError):
        await ringback.dispatcher.dispatch_ready(10)
    ringback.ledger.database._connection.execute("PRAGMA query_only = OFF")
    assert carrier.sent == []


@pytest.mark.parametrize("error", [CarrierUnreachable("no connection"), CarrierRateLimited("later")])
async def test_after_a_carrier_takes_nothing_the_rest_of_that_share_waits(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock, error: Exception
) -> None:
    count = 2 * AT_ONCE + 1
    for number in range(count):
        await due(ringback, f"text {number}")
    carrier.outcomes = [error]
    assert await ringback.dispatcher.dispatch_ready(count) == count
    assert len(carrier.sent) == AT_ONCE
    assert await ringback.dispatcher.dispatch_ready(count) == 0
    clock.move(HOLD_S)
    assert await ringback.dispatcher.dispatch_ready(count) == count - AT_ONCE + 1
    assert len(carrier.sent) == count + 1


async def test_a_carrier_that_cannot_be_asked_is_asked_again_after_a_while(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock
) -> None:
    later = await due(ringback, "later")
    carrier.line_error = CarrierUnavailable("?")
    clock.move(31)
    assert await ringback.dispatcher.dispatch_ready(10) == 1
    carrier.line_error = None
    clock.move(HOLD_S - 0.5)
    assert await ringback.dispatcher.dispatch_ready(10) == 0
    clock.move(0.5)
    assert await ringback.dispatcher.dispatch_ready(10) == 1
    assert await stands(ringback, later) == (Status.ACCEPTED, None)


async def test_what_is_for_a_carrier_that_is_not_in_use_stays_as_it_is(
    ringback: Ringback, carrier: FakeCarrier
) -> None:
    record = await approved(ringback.ledger, outbound(carrier="twilio"))
    assert await ringback.dispatcher.dispatch(record.id) == record
    assert carrier.sent == []


async def test_what_is_scheduled_and_not_due_stays_as_it_is(ringback: Ringback, carrier: FakeCarrier) -> None:
    record = await due(ringback, "later", in_s=0.5)
    assert await ringback.dispatcher.dispatch(record.id) == record
    assert carrier.sent == []


async def test_a_yes_that_does_not_cover_it_is_told_by_its_rule(
    ringback: Ringback, carrier: FakeCarrier, home: Path
) -> None:
    record = await approved(ringback.ledger)
    edit(home, "UPDATE outbound SET channel = 'voice' WHERE id = ?", record.id)
    told = await ringback.dispatcher.dispatch(record.id)
    assert (told.channel, told.status, told.reason) == (Channel.VOICE, Status.REFUSED, "approval_mismatch")


async def test_somebody_to_whom_the_carrier_refuses_to_send_has_opted_out_here_as_well(
    ringback: Ringback, carrier: FakeCarrier
) -> None:
    carrier.outcomes = [CarrierOptedOut("They wrote STOP.")]
    waiting = await approved(ringback.ledger, outbound(text="another"))
    told = await ringback.dispatcher.dispatch((await approved(ringback.ledger)).id)
    assert told.status is Status.FAILED
    assert [(each.number.e164, each.via) for each in await ringback.ledger.opt_outs.standing()] == [(TO, "carrier")]
    assert await stands(ringback, waiting) == (Status.CANCELLED, "opted_out")


async def test_each_step_of_the_way_out_has_its_name(
    ringback: Ringback, carrier: FakeCarrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = await approved(ringback.ledger)
    steps: list[str] = []
    monkeypatch.setattr("ringback.steps.listener", steps.append)
    await ringback.dispatcher.dispatch(record.id)
    assert steps == [
        *("claim.begin", "claim.commit", "claim.committed"),
        *("post.begin", "post.answered"),
        *("settle.begin", "settle.commit", "settle.committed"),
    ]
