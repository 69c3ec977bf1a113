"""A scheduled send whose carrier is down, slow or busy at its time: later within the grace, or told as missed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from ringback_support.installation import scheduled, tended

from ringback.errors import CarrierRateLimited, CarrierUnavailable, CarrierUnreachable
from ringback.model.outbound import Acceptance, Outbound
from ringback.model.status import Status

if TYPE_CHECKING:
    from ringback_support.fakes import FakeCarrier, FakeClock

    from ringback.opening import Ringback

HOUR = 3600.0
GRACE = 900.0


async def test_a_carrier_that_cannot_be_asked_is_waited_for_within_the_grace(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock
) -> None:
    due = await scheduled(ringback, HOUR)
    carrier.line_error = CarrierUnreachable("no connection")
    clock.move(HOUR)
    for _ in range(int(GRACE // 10)):
        assert (await tended(ringback, due.id)).status == "scheduled"
        clock.move(10)
    carrier.line_error = None
    assert (await tended(ringback, due.id)).status == "accepted"
    assert len(carrier.sent) == 1


async def test_a_carrier_that_cannot_be_asked_for_longer_than_the_grace_means_that_it_was_missed(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock
) -> None:
    due = await scheduled(ringback, HOUR)
    carrier.line_error = CarrierUnreachable("no connection")
    clock.move(HOUR)
    await ringback.telephone.tend()
    clock.move(GRACE + 1)
    carrier.line_error = None
    assert (await tended(ringback, due.id)).reason == "missed_time"
    assert carrier.sent == []


@pytest.mark.parametrize(
    ("error", "reason", "wait_s"),
    [
        (CarrierRateLimited("later", retry_after=120), "carrier_rate_limited", 120),
        (CarrierRateLimited("later", retry_after=0), "carrier_rate_limited", 0),
        (CarrierRateLimited("later"), "carrier_rate_limited", 5),
        (CarrierUnreachable("no connection"), "carrier_unreachable", 5),
    ],
)
async def test_a_carrier_that_says_later_gets_it_later_and_once(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock, error: Exception, reason: str, wait_s: float
) -> None:
    due = await scheduled(ringback, HOUR)
    carrier.outcomes = [error]
    clock.move(HOUR)
    deferred = await tended(ringback, due.id)
    assert (deferred.status, deferred.reason, len(carrier.sent)) == ("scheduled", reason, 1)
    if wait_s:
        clock.move(wait_s - 0.001)
        assert (await tended(ringback, due.id)).status == "scheduled"
        assert (await ringback.dispatcher.dispatch(due.id)).status is Status.SCHEDULED
        assert len(carrier.sent) == 1
    clock.move(0.001)
    sent = await tended(ringback, due.id)
    assert (sent.status, sent.reason, len(carrier.sent)) == ("accepted", None, 2)
    await ringback.telephone.tend()
    assert len(carrier.sent) == 2


async def test_what_a_carrier_put_off_beyond_the_grace_was_missed(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock
) -> None:
    due = await scheduled(ringback, HOUR)
    carrier.outcomes = [CarrierRateLimited("later", retry_after=GRACE + 1)]
    clock.move(HOUR)
    await ringback.telephone.tend()
    assert (await ringback.telephone.cancel((await scheduled(ringback, 60, text="another")).id)).status == "cancelled"
    clock.move(GRACE + 1)
    assert (await tended(ringback, due.id)).reason == "missed_time"
    assert len(carrier.sent) == 1


async def test_a_carrier_that_says_later_is_not_asked_for_the_others_meanwhile(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock
) -> None:
    due = [await scheduled(ringback, HOUR, text=f"text {at}") for at in range(40)]
    carrier.outcomes = [CarrierRateLimited("later", retry_after=60) for _ in range(40)]
    clock.move(HOUR)
    for _ in range(5):
        await ringback.telephone.tend()
    assert len(carrier.sent) <= 8, "no more than go out at the same time"
    carrier.outcomes, before = [], len(carrier.sent)
    clock.move(60)
    await ringback.telephone.tend()
    assert len(carrier.sent) == before + 40
    assert {(await ringback.telephone.status(each.id)).status for each in due} == {"accepted"}


@pytest.mark.parametrize("moved", [False, True], ids=["at once", "within the grace"])
async def test_a_lost_answer_is_doubt_and_nothing_is_put_back(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock, *, moved: bool
) -> None:
    due = await scheduled(ringback, HOUR)
    carrier.outcomes = [CarrierUnavailable("HTTP 500")]
    clock.move(HOUR + (300 if moved else 0))
    told = await tended(ringback, due.id)
    assert (told.status, told.reason) == ("unknown", "carrier_unavailable")
    for _ in range(20):
        clock.move(60)
        await ringback.telephone.tend()
    assert len(carrier.sent) == 1


async def test_one_that_is_on_its_way_when_the_clock_strikes_again_is_not_taken_twice(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock
) -> None:
    async def slow(_: Outbound) -> Acceptance:
        await ringback.telephone.tend()
        clock.move(10)
        await ringback.telephone.tend()
        return Acceptance("id-1", Status.SENT)

    due = await scheduled(ringback, HOUR)
    carrier.outcomes = [slow]
    clock.move(HOUR)
    assert (await tended(ringback, due.id)).status == "sent"
    assert len(carrier.sent) == 1
