"""The fence around a dispatch: claimed once, settled by its owner alone, concluded only when nobody else can."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ringback_support.fakes import FakeClock
from ringback_support.installation import approved, claimed, ledger_in, outbound, stored

from ringback.model.outbound import Acceptance, Channel, Report
from ringback.model.status import ENDED, WITH_CARRIER, Status

if TYPE_CHECKING:
    from pathlib import Path

    from ringback.ledger import Ledger
    from ringback.ledger.records import Record

TAKEN = Acceptance("id-1", Status.ACCEPTED)


async def test_an_approved_outbound_is_claimed_by_one_and_no_other(ledger: Ledger) -> None:
    record = await approved(ledger)
    first = await ledger.deliveries.claim(record.id, owner="one", lease_s=240)
    assert first is not None
    assert (first.status, first.attempt, first.owner) == (Status.DISPATCHING, 1, "one")
    assert await ledger.deliveries.claim(record.id, owner="two", lease_s=240) is None
    assert await ledger.deliveries.claim(record.id, owner="one", lease_s=240) is None


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.APPROVED}))
async def test_what_is_not_approved_is_never_claimed(ledger: Ledger, status: Status) -> None:
    record = await stored(ledger)
    await ledger.outbounds.move(record.id, {record.status}, status, reason="test")
    assert await ledger.deliveries.claim(record.id, owner="me", lease_s=240) is None
    assert (await ledger.outbounds.get(record.id)).status is status


async def test_the_claim_is_on_the_disk_before_it_returns(ledger: Ledger, home: Path) -> None:
    record = await approved(ledger)
    await stored(ledger, outbound(text="Another one, which need not be on the disk at once."))
    asked: list[str] = []
    ledger.database._connection.set_trace_callback(asked.append)
    await ledger.deliveries.claim(record.id, owner="me", lease_s=240)
    ledger.database._connection.set_trace_callback(None)
    assert asked[0] == "PRAGMA synchronous = FULL"
    assert asked[-1] == "COMMIT"


async def test_only_the_owner_of_an_attempt_settles_it_and_only_once(ledger: Ledger) -> None:
    record = await claimed(ledger)
    stranger = await ledger.deliveries.settle(_with(record, owner="other"), Status.FAILED)
    earlier = await ledger.deliveries.settle(_with(record, attempt=0), Status.FAILED)
    settled = await ledger.deliveries.settle(record, Status.ACCEPTED, acceptance=TAKEN)
    assert (stranger, earlier) == (None, None)
    assert settled is not None
    assert (settled.status, settled.carrier_id, settled.owner) == (Status.ACCEPTED, "id-1", None)
    assert await ledger.deliveries.settle(record, Status.FAILED) is None


def _with(record: Record, **changes: object) -> Record:
    from dataclasses import replace

    return replace(record, **changes)  # type: ignore[arg-type]


async def test_a_dispatch_is_abandoned_only_when_its_lease_ran_out(ledger: Ledger, clock: FakeClock) -> None:
    record = await claimed(ledger, lease_s=240)
    clock.move(240)
    assert await ledger.deliveries.conclude(record, Status.UNKNOWN, reason="dispatcher_gone") is None
    clock.move(0.001)
    concluded = await ledger.deliveries.conclude(record, Status.UNKNOWN, reason="dispatcher_gone")
    assert concluded is not None
    assert (concluded.status, concluded.reason) == (Status.UNKNOWN, "dispatcher_gone")


async def test_a_dispatch_whose_owner_is_gone_is_concluded_at_once(ledger: Ledger) -> None:
    record = await claimed(ledger, owner="one")
    other = _with(record, owner="two")
    assert await ledger.deliveries.conclude(other, Status.UNKNOWN, reason="x", owner_is_gone=True) is None
    assert await ledger.deliveries.conclude(record, Status.UNKNOWN, reason="x", owner_is_gone=True) is not None


async def test_a_doubt_is_resolved_once_and_by_what_was_found(ledger: Ledger) -> None:
    record = await claimed(ledger)
    doubt = await ledger.deliveries.settle(record, Status.UNKNOWN, reason="carrier_unavailable", detail="no answer")
    assert doubt is not None
    assert doubt.report is not None
    assert doubt.report.error == "no answer"
    found = await ledger.deliveries.conclude(doubt, Status.SENT, reason="found_at_carrier", carrier_id="id-7")
    assert found is not None
    assert (found.status, found.carrier_id) == (Status.SENT, "id-7")
    assert await ledger.deliveries.conclude(doubt, Status.FAILED, reason="x", carrier_id="id-8") is None
    assert await ledger.deliveries.is_known("sandbox", "id-7")
    assert not await ledger.deliveries.is_known("sandbox", "id-8")
    assert not await ledger.deliveries.is_known("thinkfleetbot", "id-7")


async def test_an_unknown_that_has_the_carriers_id_is_asked_for_by_it_and_not_searched(ledger: Ledger) -> None:
    doubt = await ledger.deliveries.settle(await claimed(ledger), Status.UNKNOWN, acceptance=TAKEN)
    assert doubt is not None
    assert await ledger.deliveries.conclude(doubt, Status.SENT, reason="x", carrier_id="id-9") is None


@pytest.mark.parametrize("status", sorted((ENDED | WITH_CARRIER) - {Status.UNKNOWN}))
async def test_what_is_with_the_carrier_or_ended_is_not_concluded(ledger: Ledger, status: Status) -> None:
    record = await claimed(ledger)
    settled = await ledger.deliveries.settle(record, status, acceptance=TAKEN)
    assert settled is not None
    assert await ledger.deliveries.conclude(settled, Status.UNKNOWN, reason="x", owner_is_gone=True) is None


async def test_news_about_the_same_status_are_kept(ledger: Ledger) -> None:
    record = await claimed(ledger)
    settled = await ledger.deliveries.settle(record, Status.IN_PROGRESS, acceptance=TAKEN)
    assert settled is not None
    news = await ledger.deliveries.learn(settled, Report(Status.IN_PROGRESS, keys="1"))
    assert news.report == Report(Status.IN_PROGRESS, keys="1")
    assert [event.kind for event in await ledger.outbounds.events(record.id)][-1] == "settled"


async def test_a_report_that_came_while_another_was_stored_is_not_written_over_it(ledger: Ledger) -> None:
    record = await claimed(ledger)
    stale = await ledger.deliveries.settle(record, Status.ACCEPTED, acceptance=TAKEN)
    assert stale is not None
    await ledger.deliveries.learn(stale, Report(Status.DELIVERED))
    assert (await ledger.deliveries.learn(stale, Report(Status.SENT))).status is Status.DELIVERED


REPORTS = st.lists(st.tuples(st.sampled_from(sorted(Status)), st.booleans()), max_size=30)


@settings(max_examples=40)
@given(reports=REPORTS, start=st.sampled_from(sorted(WITH_CARRIER)))
def test_no_disorder_and_no_repetition_of_reports_takes_a_stored_status_back(
    tmp_path_factory: pytest.TempPathFactory, reports: list[tuple[Status, bool]], start: Status
) -> None:
    order = [{Status.ACCEPTED}, {Status.QUEUED}, {Status.SENT, Status.RINGING}, {Status.IN_PROGRESS}, ENDED]

    def rank(status: Status) -> int:
        return next(at for at, level in enumerate(order) if status in level)

    async def run() -> list[Status]:
        with ledger_in(tmp_path_factory.mktemp("ledger"), FakeClock()) as ledger:
            record = await ledger.deliveries.settle(await claimed(ledger), start, acceptance=TAKEN)
            assert record is not None
            passed, stale = [record.status], record
            for status, from_stale in reports:
                now = await ledger.deliveries.learn(stale if from_stale else record, Report(status))
                record = await ledger.outbounds.get(record.id)
                assert from_stale or now == record
                passed.append(record.status)
            return passed

    passed = asyncio.run(run())
    assert [rank(status) for status in passed] == sorted(rank(status) for status in passed)
    ends = [status for status in passed if status in ENDED]
    assert len(set(ends)) <= 1
    assert Status.UNKNOWN not in passed


async def test_many_callers_in_one_process_claim_each_outbound_once(ledger: Ledger) -> None:
    records = [await approved(ledger, outbound(text=f"text {at}")) for at in range(20)]
    claims = [ledger.deliveries.claim(record.id, owner=f"{at}", lease_s=9) for record in records for at in range(5)]
    won = [record.id for record in await asyncio.gather(*claims) if record is not None]
    assert sorted(won) == sorted(record.id for record in records)


async def test_who_took_a_call_is_learned_after_its_end_and_nothing_else_changes(ledger: Ledger) -> None:
    taken = await claimed(ledger, outbound(channel=Channel.VOICE))
    settled = await ledger.deliveries.settle(taken, Status.QUEUED, acceptance=Acceptance("CA1", Status.QUEUED))
    assert settled is not None
    ended = await ledger.deliveries.learn(settled, Report(Status.COMPLETED, duration_s=9.0))
    late = Report(Status.IN_PROGRESS, answered_by="voicemail", keys="1", error="late", duration_s=1.0)
    after = await ledger.deliveries.learn(ended, late)
    again = await ledger.deliveries.learn(after, Report(Status.IN_PROGRESS, answered_by="person", keys="2"))
    assert after.report == Report(Status.COMPLETED, duration_s=9.0, answered_by="voicemail", keys="1")
    assert (after.status, again.report) == (Status.COMPLETED, after.report)
