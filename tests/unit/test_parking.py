"""A callback that comes before the answer to our own request: parked, joined to it, dropped after a day."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest
from ringback_support.callbacks import PlainReader, plain
from ringback_support.fakes import FakeCarrier
from ringback_support.installation import TO, YES, approved, content_of, opened, rows, want

from ringback.errors import CarrierUnavailable
from ringback.lease import LEASE_S
from ringback.model.news import StatusNews
from ringback.model.outbound import Acceptance, CarrierItem, Channel, Outbound, Report
from ringback.model.status import Status

if TYPE_CHECKING:
    from pathlib import Path

    from ringback_support.fakes import FakeClock

    from ringback.opening import Ringback

DAY = 86_400.0
PARKED = "SELECT count(*) FROM callback WHERE sealed IS NOT NULL"
KNOWN = "SELECT count(*) FROM callback"


@pytest.fixture
def carrier() -> FakeCarrier:
    carrier = FakeCarrier()
    carrier.callbacks = PlainReader()
    return carrier


async def told(ringback: Ringback, *reports: Report, carrier_id: str = "id-1") -> list[int]:
    secret = ringback.keyring.callback_secret("sandbox")
    news = [StatusNews(carrier_id, report) for report in reports]
    return [await ringback.inbound.callback("sandbox", plain(secret, each)) for each in news]


async def send(ringback: Ringback, text: str = "Hello.") -> str:
    return (await ringback.person.answer((await want(ringback.telephone, Channel.SMS, text=text)).id, YES)).id


@pytest.mark.parametrize("reports", list(itertools.permutations([Status.QUEUED, Status.SENT, Status.DELIVERED])))
async def test_what_came_before_our_own_answer_is_joined_to_it(
    ringback: Ringback, carrier: FakeCarrier, home: Path, reports: tuple[Status, ...]
) -> None:
    async def early(_: Outbound) -> Acceptance:
        assert await told(ringback, *[Report(each, duration_s=7.0) for each in reports]) == [0, 0, 0]
        assert rows(home, PARKED) == [(3,)]
        return Acceptance("id-1", Status.ACCEPTED)

    carrier.outcomes = [early]
    one = await ringback.ledger.outbounds.get(await send(ringback))
    assert one.status is Status.DELIVERED
    assert one.report is not None
    assert one.report.duration_s == 7.0
    assert rows(home, PARKED) == [(0,)]
    assert await told(ringback, *[Report(each, duration_s=7.0) for each in reports]) == [0, 0, 0]


async def test_what_was_parked_for_a_doubt_is_joined_when_it_is_found_at_the_carrier(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock, home: Path
) -> None:
    carrier.outcomes = [CarrierUnavailable("the answer was lost")]
    doubt = await send(ringback)
    await told(ringback, Report(Status.SENT), Report(Status.DELIVERED))
    assert (await ringback.telephone.status(doubt)).status == "unknown"
    carrier.items = [CarrierItem("id-1", Channel.SMS, TO, Status.ACCEPTED, clock.now().isoformat())]
    assert (await ringback.telephone.status(doubt)).status == "delivered"
    kinds = [(event.kind, event.status) for event in await ringback.ledger.outbounds.events(doubt)]
    assert kinds[-3:] == [
        ("concluded", Status.ACCEPTED),
        ("reported", Status.SENT),
        ("reported", Status.DELIVERED),
    ]
    assert rows(home, PARKED) == [(0,)]


async def test_what_was_parked_is_joined_to_an_answer_that_came_after_the_lease(
    home: Path, carrier: FakeCarrier, clock: FakeClock
) -> None:
    async with opened(home, carrier, clock=clock) as one, opened(home, FakeCarrier(), clock=clock) as two:

        async def late(_: Outbound) -> Acceptance:
            await told(one, Report(Status.DELIVERED))
            clock.move(LEASE_S + 1)
            await two.telephone.tend()
            return Acceptance("id-1", Status.ACCEPTED)

        carrier.outcomes = [late]
        record = await one.dispatcher.dispatch((await approved(one.ledger)).id)
        assert record.status is Status.DELIVERED


async def test_a_parked_failure_ends_what_the_answer_called_accepted_and_polls_end_with_it(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock
) -> None:
    asked = []

    async def early(_: Outbound) -> Acceptance:
        await told(ringback, Report(Status.UNDELIVERED, error="no such subscriber"))
        return Acceptance("id-1", Status.ACCEPTED)

    async def report(channel: Channel, carrier_id: str) -> Report:
        asked.append(carrier_id)
        return Report(Status.DELIVERED)

    carrier.outcomes = [early]
    carrier.report = report  # type: ignore[method-assign]
    one = await send(ringback)
    for _ in range(3):
        clock.move(60)
        await ringback.telephone.tend()
    receipt = await ringback.telephone.status(one)
    assert (receipt.status, receipt.error, asked) == ("undelivered", "no such subscriber", [])


async def test_what_is_parked_under_one_id_is_joined_to_no_other(
    ringback: Ringback, carrier: FakeCarrier, home: Path
) -> None:
    await told(ringback, Report(Status.FAILED), carrier_id="id-2")
    one = await send(ringback)
    assert (await ringback.ledger.outbounds.get(one)).status is Status.ACCEPTED
    assert rows(home, PARKED) == [(1,)]
    two = await send(ringback, "two")
    assert (await ringback.ledger.outbounds.get(two)).status is Status.FAILED
    del carrier


async def test_what_another_carrier_reported_under_the_same_id_is_not_joined(
    home: Path, carrier: FakeCarrier, clock: FakeClock
) -> None:
    other = FakeCarrier("thinkfleetbot")
    other.callbacks = PlainReader()
    async with opened(home, other, clock=clock) as there:
        secret = there.keyring.callback_secret("thinkfleetbot")
        news = StatusNews("id-1", Report(Status.FAILED))
        assert await there.inbound.callback("thinkfleetbot", plain(secret, news)) == 0
    async with opened(home, carrier, clock=clock) as here:
        one = await send(here)
        assert (await here.ledger.outbounds.get(one)).status is Status.ACCEPTED
    assert rows(home, PARKED) == [(1,)]


async def test_a_report_about_an_id_that_nobody_knows_is_kept_for_a_day_sealed_and_then_dropped(
    ringback: Ringback, clock: FakeClock, home: Path
) -> None:
    said = Report(Status.FAILED, error="a word that occurs nowhere else")
    assert await told(ringback, said, said, carrier_id="stranger-id") == [0, 0]
    clock.move(DAY)
    await ringback.telephone.tend()
    assert rows(home, PARKED) == [(1,)]
    content = content_of(home)
    assert b"occurs nowhere" not in content
    assert b"stranger-id" not in content
    clock.move(3601)
    await ringback.telephone.tend()
    assert rows(home, KNOWN) == [(0,)]


async def test_the_memory_of_repetitions_lasts_as_long_as_what_it_is_about(
    home: Path, carrier: FakeCarrier, clock: FakeClock
) -> None:
    async with opened(home, carrier, clock=clock, retention_days=2) as ringback:
        await send(ringback)
        await told(ringback, Report(Status.SENT))
        clock.move(2 * DAY - 1)
        await ringback.telephone.tend()
        assert rows(home, KNOWN) == [(1,)]
        clock.move(3601)
        while await ringback.telephone.tend():
            pass
        assert rows(home, KNOWN) == [(0,)]


async def test_a_parked_report_survives_a_restart(home: Path, carrier: FakeCarrier, clock: FakeClock) -> None:
    async with opened(home, carrier, clock=clock) as first:
        await told(first, Report(Status.DELIVERED))
    async with opened(home, carrier, clock=clock) as second:
        assert (await second.ledger.outbounds.get(await send(second))).status is Status.DELIVERED


async def test_many_strangers_reports_stand_in_the_way_of_nothing(
    ringback: Ringback, clock: FakeClock, home: Path
) -> None:
    for at in range(700):
        await told(ringback, Report(Status.SENT), carrier_id=f"stranger {at}")
    clock.move(DAY + 3601)
    shares = 1
    while await ringback.telephone.tend():
        shares += 1
    assert shares == 3, "in batches"
    assert rows(home, KNOWN) == [(0,)]
