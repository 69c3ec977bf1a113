"""The only way out: fenced, posted once, repeated only where nothing can have left, told truthfully."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import TYPE_CHECKING

import pytest
import stamina
from ringback_support.fakes import FakeCarrier, FakeClock
from ringback_support.installation import TEXT, TO, YES, approved, opened, outbound, want

from ringback.dispatch import LEASE_S, LONGEST_RETRY_AFTER_S, TRIES
from ringback.errors import (
    CarrierAuthenticationFailed,
    CarrierError,
    CarrierNotEnabled,
    CarrierRateLimited,
    CarrierRejected,
    CarrierUnavailable,
    CarrierUnreachable,
    CarrierUnreadable,
    LedgerError,
    NotFound,
)
from ringback.ledger.records import Level
from ringback.model.numbers import PhoneNumber
from ringback.model.outbound import Acceptance, Channel, Outbound
from ringback.model.status import Status

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ringback.opening import Ringback


@pytest.fixture(autouse=True)
def _no_back_off() -> Iterator[None]:
    """Tries follow each other at once; how many there are is left as it is."""
    with stamina.set_testing(True, attempts=TRIES, cap=True):
        yield


def limited(retry_after: float | None = None) -> CarrierRateLimited:
    return CarrierRateLimited("slow down", retry_after=retry_after)


GONE = CarrierUnreachable("no connection")


@pytest.mark.parametrize(
    ("outcomes", "status", "reason", "posts"),
    [
        ([], "accepted", None, 1),
        ([GONE], "accepted", None, 2),
        ([GONE, GONE], "accepted", None, 3),
        ([GONE, GONE, GONE], "failed", "carrier_unreachable", 3),
        ([limited()], "accepted", None, 2),
        ([limited(), limited(), limited()], "failed", "carrier_rate_limited", 3),
        ([limited(0)], "accepted", None, 2),
        ([limited(LONGEST_RETRY_AFTER_S)], "accepted", None, 2),
        ([limited(LONGEST_RETRY_AFTER_S + 0.1)], "failed", "carrier_rate_limited", 1),
        ([limited(1), limited(3600)], "failed", "carrier_rate_limited", 2),
        ([GONE, limited(), GONE], "failed", "carrier_unreachable", 3),
        ([CarrierRejected("no")], "failed", "carrier_rejected", 1),
        ([CarrierAuthenticationFailed("no")], "failed", "carrier_authentication", 1),
        ([CarrierNotEnabled("no")], "failed", "carrier_not_enabled", 1),
        ([CarrierUnavailable("?")], "unknown", "carrier_unavailable", 1),
        ([CarrierUnreadable("?")], "unknown", "carrier_unreadable", 1),
        ([CarrierError("?")], "unknown", "carrier", 1),
        ([GONE, CarrierUnavailable("?")], "unknown", "carrier_unavailable", 2),
        ([limited(), limited(), CarrierUnavailable("?")], "unknown", "carrier_unavailable", 3),
        ([ValueError("a defect of the adapter")], "unknown", "carrier", 1),
        ([RecursionError()], "unknown", "carrier", 1),
        ([Acceptance("id-1", Status.QUEUED)], "queued", None, 1),
        ([Acceptance("id-1", Status.DELIVERED)], "delivered", None, 1),
        ([Acceptance("id-1", Status.FAILED)], "failed", None, 1),
    ],
)
async def test_what_the_carrier_did_becomes_the_outcome_and_only_certain_failures_are_repeated(
    ringback: Ringback,
    carrier: FakeCarrier,
    outcomes: list[Acceptance | Exception],
    status: str,
    reason: str | None,
    posts: int,
) -> None:
    carrier.outcomes = [*outcomes]
    waiting = await want(ringback.telephone, Channel.SMS)
    receipt = await ringback.person.answer(waiting.id, YES)
    assert (receipt.status, receipt.reason, len(carrier.sent)) == (status, reason, posts)
    carrier.outcomes = []
    for _ in range(3):
        await ringback.telephone.tend()
        await ringback.dispatcher.dispatch(waiting.id)
    assert len(carrier.sent) == posts


async def test_an_outbound_is_marked_on_the_disk_before_the_carrier_hears_of_it(
    ringback: Ringback, home: Path, carrier: FakeCarrier
) -> None:
    seen = []

    async def look(_: Outbound) -> Acceptance:
        other = sqlite3.connect(home / "ledger.db")
        seen.append(other.execute("SELECT status, attempt FROM outbound").fetchone())
        other.close()
        return Acceptance("id-1", Status.ACCEPTED)

    carrier.outcomes = [look]
    await ringback.dispatcher.dispatch((await approved(ringback.ledger)).id)
    assert seen == [("dispatching", 1)]


async def test_many_dispatches_of_one_outbound_post_once_and_agree(ringback: Ringback, carrier: FakeCarrier) -> None:
    record = await approved(ringback.ledger)
    records = await asyncio.gather(*(ringback.dispatcher.dispatch(record.id) for _ in range(50)))
    assert len(carrier.sent) == 1
    assert {found.status for found in records} == {Status.ACCEPTED}


async def test_two_servers_on_one_ledger_post_once(home: Path, carrier: FakeCarrier) -> None:
    async with opened(home, carrier) as one, opened(home, carrier) as two:
        records = [await approved(one.ledger, outbound(text=f"text {at}")) for at in range(10)]
        tasks = [each.dispatcher.dispatch(record.id) for record in records for each in (one, two)]
        await asyncio.gather(*tasks, one.telephone.tend(), two.telephone.tend())
    assert sorted(wish.text for wish in carrier.sent) == sorted(record.outbound.text for record in records)


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.APPROVED}))
async def test_only_what_is_approved_is_sent(ringback: Ringback, carrier: FakeCarrier, status: Status) -> None:
    record = await approved(ringback.ledger)
    await ringback.ledger.outbounds.move(record.id, {Status.APPROVED}, status, reason="test")
    await ringback.dispatcher.dispatch(record.id)
    await ringback.telephone.tend()
    assert carrier.sent == []


async def test_an_unknown_id_is_not_found(ringback: Ringback) -> None:
    with pytest.raises(NotFound):
        await ringback.dispatcher.dispatch("ob_none")


async def test_a_caller_that_is_cancelled_does_not_take_the_request_down_with_it(
    ringback: Ringback, carrier: FakeCarrier
) -> None:
    entered, may_go = asyncio.Event(), asyncio.Event()

    async def slow(_: Outbound) -> Acceptance:
        entered.set()
        await may_go.wait()
        return Acceptance("id-1", Status.SENT)

    carrier.outcomes = [slow]
    record = await approved(ringback.ledger)
    caller = asyncio.create_task(ringback.dispatcher.dispatch(record.id))
    await asyncio.wait_for(entered.wait(), 20)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    may_go.set()
    await ringback.dispatcher.finish()
    settled = await ringback.ledger.outbounds.get(record.id)
    assert (settled.status, settled.carrier_id, len(carrier.sent)) == (Status.SENT, "id-1", 1)


async def test_an_installation_closes_only_after_what_is_on_its_way_out_was_written_down(
    home: Path, carrier: FakeCarrier
) -> None:
    entered = asyncio.Event()

    async def slow(_: Outbound) -> Acceptance:
        entered.set()
        for _turn in range(50):
            await asyncio.sleep(0)
        assert not carrier.closed
        return Acceptance("id-1", Status.SENT)

    carrier.outcomes = [slow]
    async with opened(home, carrier) as ringback:
        record = await approved(ringback.ledger)
        caller = asyncio.create_task(ringback.dispatcher.dispatch(record.id))
        await asyncio.wait_for(entered.wait(), 20)
        caller.cancel()
    assert carrier.closed
    async with opened(home, carrier) as ringback:
        assert (await ringback.ledger.outbounds.get(record.id)).status is Status.SENT


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"enabled": False}, "not_enabled"),
        ({"capabilities": frozenset({Channel.VOICE})}, "no_capability"),
        ({"line_error": CarrierUnavailable("?")}, "enabled_unknown"),
        ({"line_error": CarrierAuthenticationFailed("?")}, "enabled_unknown"),
        ({"live": True}, "destination_not_valid"),
    ],
)
async def test_the_guards_are_asked_again_after_the_yes(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock, change: dict[str, object], rule: str
) -> None:
    waiting = await ringback.telephone.send_sms("+15551234567", TEXT)
    for name, value in change.items():
        setattr(carrier, name, value)
    clock.move(30)
    receipt = await ringback.person.answer(waiting.id, YES)
    assert (receipt.status, receipt.reason, carrier.sent) == ("refused", rule, [])


async def test_the_carriers_word_about_the_line_counts_for_thirty_seconds(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock
) -> None:
    await want(ringback.telephone, Channel.SMS)
    clock.move(29.9)
    await want(ringback.telephone, Channel.SMS, text="within")
    assert carrier.lines_asked == 1
    clock.move(0.1)
    await want(ringback.telephone, Channel.SMS, text="after")
    assert carrier.lines_asked == 2
    clock.move(-3600)
    await want(ringback.telephone, Channel.SMS, text="the clock was set back")
    assert carrier.lines_asked == 3


async def test_an_explicit_check_is_asked_of_the_carrier_each_time(ringback: Ringback, carrier: FakeCarrier) -> None:
    assert (await ringback.telephone.check()).enabled
    carrier.enabled = False
    assert not (await ringback.telephone.check()).enabled
    carrier.line_error = CarrierUnavailable("?")
    with pytest.raises(CarrierUnavailable):
        await ringback.telephone.check()


# -- the ledger fails ------------------------------------------------------------------------------------------------


def break_ledger(ringback: Ringback) -> None:
    ringback.ledger.database._connection.execute("PRAGMA query_only = ON")


def mend_ledger(ringback: Ringback) -> None:
    ringback.ledger.database._connection.execute("PRAGMA query_only = OFF")


@pytest.mark.parametrize(
    "outcome", [Acceptance("id-1", Status.ACCEPTED), CarrierUnavailable("?"), CarrierRejected("no")]
)
async def test_a_ledger_that_fails_after_the_request_says_do_not_send_again(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock, outcome: Acceptance | Exception
) -> None:
    async def then_fail(_: Outbound) -> Acceptance:
        break_ledger(ringback)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    carrier.outcomes = [then_fail]
    record = await approved(ringback.ledger)
    with pytest.raises(LedgerError, match="was handed to the carrier") as caught:
        await ringback.dispatcher.dispatch(record.id)
    assert "Do not send it again" in caught.value.hint
    mend_ledger(ringback)
    await ringback.telephone.tend()
    assert (await ringback.ledger.outbounds.get(record.id)).status is Status.DISPATCHING
    clock.move(LEASE_S + 1)
    await ringback.telephone.tend()
    now = await ringback.telephone.status(record.id)
    assert (now.status, now.reason, len(carrier.sent)) == ("unknown", "dispatcher_gone", 1)


async def test_a_ledger_that_fails_before_the_claim_sends_nothing(ringback: Ringback, carrier: FakeCarrier) -> None:
    record = await approved(ringback.ledger)
    break_ledger(ringback)
    with pytest.raises(LedgerError):
        await ringback.dispatcher.dispatch(record.id)
    assert carrier.sent == []


async def test_a_ledger_that_cannot_store_the_wish_or_the_answer_sends_nothing(
    ringback: Ringback, carrier: FakeCarrier
) -> None:
    await ringback.person.allow(TO, Channel.VOICE, level=Level.A2, via="terminal", seconds=999, count=9)
    waiting = await want(ringback.telephone, Channel.SMS)
    break_ledger(ringback)
    with pytest.raises(LedgerError):
        await want(ringback.telephone, Channel.VOICE)
    with pytest.raises(LedgerError):
        await ringback.person.answer(waiting.id, YES)
    mend_ledger(ringback)
    assert (await ringback.telephone.status(waiting.id)).status == "awaiting_approval"
    assert carrier.sent == []


# -- time ------------------------------------------------------------------------------------------------------------


async def test_no_try_is_made_when_another_process_may_have_concluded(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock
) -> None:
    async def late(_: Outbound) -> Acceptance:
        clock.move(LEASE_S)
        raise GONE

    carrier.outcomes = [late]
    receipt = await ringback.person.answer((await want(ringback.telephone, Channel.SMS)).id, YES)
    assert (receipt.status, receipt.reason, len(carrier.sent)) == ("failed", "dispatch_too_late", 1)


async def test_an_answer_after_another_process_concluded_resolves_that_doubt(
    home: Path, carrier: FakeCarrier, clock: FakeClock
) -> None:
    async with opened(home, carrier, clock=clock) as one, opened(home, FakeCarrier(), clock=clock) as two:

        async def paused(_: Outbound) -> Acceptance:
            clock.move(LEASE_S + 1)
            await two.telephone.tend()
            return Acceptance("id-1", Status.ACCEPTED)

        carrier.outcomes = [paused]
        record = await one.dispatcher.dispatch((await approved(one.ledger)).id)
        assert (record.status, record.carrier_id) == (Status.ACCEPTED, "id-1")
        await two.telephone.tend()
    assert len(carrier.sent) == 1


async def test_cancel_works_until_the_carrier_has_it_and_says_when_it_is_too_late(
    ringback: Ringback, carrier: FakeCarrier
) -> None:
    from ringback.errors import Refused

    waiting = await want(ringback.telephone, Channel.SMS)
    assert (await ringback.telephone.cancel(waiting.id)).status == "cancelled"
    assert (await ringback.telephone.cancel(waiting.id)).status == "cancelled"
    assert (await ringback.person.answer(waiting.id, YES)).status == "cancelled"
    yes = await approved(ringback.ledger, outbound(text="approved, not yet on its way"))
    assert (await ringback.telephone.cancel(yes.id)).status == "cancelled"
    assert (await ringback.dispatcher.dispatch(yes.id)).status is Status.CANCELLED
    assert carrier.sent == []
    gone = await ringback.person.answer((await want(ringback.telephone, Channel.SMS, text="gone")).id, YES)
    with pytest.raises(Refused) as caught:
        await ringback.telephone.cancel(gone.id)
    assert caught.value.rule == "too_late_to_cancel"


@pytest.mark.parametrize("channel", list(Channel))
async def test_an_allowed_recipient_is_reached_at_once_and_once_for_each_wish(
    ringback: Ringback, carrier: FakeCarrier, channel: Channel
) -> None:
    await ringback.person.allow(TO, channel, level=Level.A2, via="terminal", seconds=3600, count=2)
    first = await want(ringback.telephone, channel)
    again = await want(ringback.telephone, channel)
    assert (first.status, first.approval, again.id, again.repeated) == ("accepted", "A0", first.id, True)
    assert (await want(ringback.telephone, channel, text="two")).status == "accepted"
    assert (await want(ringback.telephone, channel, text="three")).status == "awaiting_approval"
    assert len(carrier.sent) == 2


async def test_identical_wishes_made_at_once_are_one(ringback: Ringback, carrier: FakeCarrier) -> None:
    await ringback.person.allow(TO, Channel.SMS, level=Level.A2, via="terminal", seconds=3600, count=50)
    receipts = await asyncio.gather(*(want(ringback.telephone, Channel.SMS) for _ in range(40)))
    assert len({receipt.id for receipt in receipts}) == len(carrier.sent) == 1
    assert sum(not receipt.repeated for receipt in receipts) == 1
    assert [allowance.remaining for allowance in await ringback.person.allowances()] == [49]


@pytest.mark.parametrize("at", ["claim.begin", "claim.committed"])
async def test_who_opts_out_while_a_process_is_on_its_way_to_the_carrier_gets_nothing_of_it(
    home: Path, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    carrier = FakeCarrier()
    async with opened(home, carrier) as one, opened(home, FakeCarrier()) as two:
        waiting = await one.telephone.send_sms(TO, TEXT)

        def opt_out(step: str) -> None:
            if step == at:
                with pytest.raises(StopIteration):
                    two.ledger.opt_outs.begin(PhoneNumber(TO), via="text").send(None)

        monkeypatch.setattr("ringback.steps.listener", opt_out)
        receipt = await one.person.answer(waiting.id, YES)
    assert (receipt.status, receipt.reason, carrier.sent) == ("cancelled", "opted_out", [])
