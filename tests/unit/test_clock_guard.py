"""A clock that is wrong, or jumps by an hour in the middle: nothing early, nothing twice, and nothing stays stuck."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from ringback_support.fakes import FakeCarrier, FakeClock
from ringback_support.installation import YES, allow, approved, moment, opened, outbound, scheduled, tended, want

from ringback.errors import CarrierUnavailable, Refused
from ringback.guards.clock import TOLERATED_S
from ringback.lease import LEASE_S
from ringback.model.news import ReceivedText, StatusNews
from ringback.model.outbound import Acceptance, Channel, Line, Outbound, Report
from ringback.model.status import Status

if TYPE_CHECKING:
    from pathlib import Path

    from ringback.opening import Ringback

HOUR = 3600.0


class TrueCarrier(FakeCarrier):
    """A carrier whose clock is right, whatever the machine's own one shows."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self._clock = clock
        self.wrong_s = 0.0
        self.posted_at: list[float] = []

    def jump(self, seconds: float) -> None:
        """Set the machine's clock, and leave time itself as it is."""
        self._clock.move(seconds)
        self.wrong_s += seconds

    def true_time(self) -> float:
        return self._clock.now().timestamp() - self.wrong_s

    async def line(self) -> Line:
        self.clock_offset_s = -self.wrong_s
        return await super().line()

    async def transmit(self, outbound: Outbound) -> Acceptance:
        self.posted_at.append(self.true_time())
        return await super().transmit(outbound)


@pytest.fixture
def carrier(clock: FakeClock) -> TrueCarrier:
    return TrueCarrier(clock)


@pytest.mark.parametrize("wrong_s", [HOUR, -HOUR, TOLERATED_S + 1, -TOLERATED_S - 1])
async def test_a_wish_for_a_time_is_refused_while_the_clock_is_in_doubt(
    ringback: Ringback, carrier: TrueCarrier, clock: FakeClock, wrong_s: float
) -> None:
    carrier.jump(wrong_s)
    with pytest.raises(Refused) as caught:
        await want(ringback.telephone, Channel.SMS, send_at=moment(clock, 2 * HOUR))
    assert caught.value.rule == "clock_in_doubt"
    assert ("ahead of" if wrong_s > 0 else "behind") in caught.value.message
    assert (await want(ringback.telephone, Channel.SMS)).status == "awaiting_approval", "at once needs no clock"


@pytest.mark.parametrize("wrong_s", [TOLERATED_S, -TOLERATED_S, 0])
async def test_a_clock_that_is_off_by_minutes_is_not_in_doubt(
    ringback: Ringback, carrier: TrueCarrier, wrong_s: float
) -> None:
    carrier.jump(wrong_s)
    assert (await scheduled(ringback, 2 * HOUR)).status == "scheduled"


async def test_a_carrier_that_tells_no_time_stands_in_no_way(ringback: Ringback, carrier: TrueCarrier) -> None:
    carrier.wrong_s = float("nan")
    carrier.line = FakeCarrier(carrier.name).line  # type: ignore[method-assign]
    assert (await scheduled(ringback, 2 * HOUR)).status == "scheduled"


@pytest.mark.parametrize("jump_s", [HOUR, 25 * HOUR, TOLERATED_S + 1])
async def test_a_clock_that_jumps_ahead_sends_nothing_early(
    ringback: Ringback, carrier: TrueCarrier, jump_s: float
) -> None:
    due = await scheduled(ringback, jump_s - 60)
    carrier.jump(jump_s)
    for _ in range(3):
        assert (await tended(ringback, due.id)).status == "scheduled"
    assert carrier.posted_at == []


async def test_what_was_held_while_the_clock_was_ahead_goes_out_at_its_time_once_it_is_set_right(
    ringback: Ringback, carrier: TrueCarrier, clock: FakeClock
) -> None:
    start = carrier.true_time()
    due = await scheduled(ringback, HOUR - 60)
    carrier.jump(HOUR)
    assert (await tended(ringback, due.id)).status == "scheduled"
    carrier.jump(-HOUR)
    for _ in range(60):
        clock.move(60)
        await ringback.telephone.tend()
    assert (await ringback.telephone.status(due.id)).status == "accepted"
    assert [at - start for at in carrier.posted_at] == [HOUR - 60]


async def test_a_clock_that_is_an_hour_behind_sends_late_or_says_so_and_never_twice(
    ringback: Ringback, carrier: TrueCarrier, clock: FakeClock
) -> None:
    soon, later = await scheduled(ringback, 60), await scheduled(ringback, 2 * HOUR, text="later")
    carrier.jump(-HOUR)
    clock.move(HOUR + 60)
    assert (await tended(ringback, soon.id)).status == "scheduled", "due by a clock that is in doubt"
    carrier.jump(HOUR)
    assert (await tended(ringback, soon.id)).reason == "missed_time"
    clock.move(HOUR)
    assert (await tended(ringback, later.id)).status == "accepted"
    assert len(carrier.posted_at) == 1


@pytest.mark.parametrize("jump_s", [HOUR, -HOUR])
async def test_a_jump_while_a_person_is_asked_never_lets_an_old_question_count_longer_or_send_twice(
    ringback: Ringback, carrier: TrueCarrier, clock: FakeClock, jump_s: float
) -> None:
    waiting = await want(ringback.telephone, Channel.SMS)
    carrier.jump(jump_s)
    told = await ringback.person.answer(waiting.id, YES)
    assert told.status == ("expired" if jump_s > 0 else "accepted")
    carrier.jump(-jump_s)
    again = await ringback.person.answer(waiting.id, YES)
    await ringback.telephone.tend()
    assert again.status == told.status
    assert len(carrier.sent) == (0 if jump_s > 0 else 1)


@pytest.mark.parametrize("jump_s", [HOUR, -HOUR])
@pytest.mark.parametrize("back", [False, True])
async def test_a_jump_amid_a_dispatch_posts_once_and_the_answer_counts(
    ringback: Ringback, carrier: TrueCarrier, *, jump_s: float, back: bool
) -> None:
    seen = []

    async def slow(_: Outbound) -> Acceptance:
        carrier.jump(jump_s)
        await ringback.telephone.tend()
        if back:
            carrier.jump(-jump_s)
        await ringback.telephone.tend()
        seen.append((await ringback.telephone.status(record.id)).status)
        return Acceptance("id-1", Status.SENT)

    carrier.outcomes = [slow]
    record = await approved(ringback.ledger)
    assert (await ringback.dispatcher.dispatch(record.id)).status is Status.SENT
    assert seen == ["unknown" if jump_s > 0 else "dispatching"]
    await ringback.telephone.tend()
    again = await ringback.ledger.outbounds.get(record.id)
    assert (again.status, again.carrier_id, len(carrier.sent)) == (Status.SENT, "id-1", 1)


async def test_a_clock_set_back_makes_no_lease_of_another_process_end_sooner(
    home: Path, carrier: TrueCarrier, clock: FakeClock
) -> None:
    async with opened(home, carrier, clock=clock) as one, opened(home, carrier, clock=clock) as two:

        async def slow(_: Outbound) -> Acceptance:
            carrier.jump(-HOUR)
            clock.move(LEASE_S + 60)
            await two.telephone.tend()
            assert (await two.telephone.status(record.id)).status == "dispatching"
            return Acceptance("id-1", Status.SENT)

        carrier.outcomes = [slow]
        record = await approved(one.ledger)
        assert (await one.dispatcher.dispatch(record.id)).status is Status.SENT
    assert len(carrier.sent) == 1


async def test_a_wait_lasts_no_longer_although_the_clock_is_set_back_amid_it(
    ringback: Ringback, clock: FakeClock
) -> None:
    sent = await ringback.person.answer((await want(ringback.telephone, Channel.SMS)).id, YES)
    waited: list[float] = []

    class Jumping(FakeClock):
        """Set back by an hour after a second."""

        def now(self):  # noqa: ANN202 - as in the class that it stands for
            return clock.now()

        async def sleep(self, seconds: float) -> None:
            waited.append(seconds)
            assert sum(waited) < 60, "it waits on and on"
            clock.move(seconds - (HOUR if len(waited) == 5 else 0))

    ringback.telephone._clock = Jumping()
    await ringback.telephone.status(sent.id, wait_s=25)
    assert 20 <= sum(waited) <= 26


@pytest.mark.parametrize("jump_s", [HOUR, -HOUR])
async def test_a_jump_amid_polls_leaves_what_is_open_followed(
    ringback: Ringback, carrier: TrueCarrier, clock: FakeClock, jump_s: float
) -> None:
    sent = await ringback.person.answer((await want(ringback.telephone, Channel.SMS)).id, YES)
    clock.move(60)
    await ringback.telephone.tend()
    carrier.jump(jump_s)
    await ringback.telephone.tend()
    carrier.jump(-jump_s)
    carrier.reports["id-1"] = Report(Status.DELIVERED)
    for _ in range(150):
        clock.move(60)
        await ringback.telephone.tend()
    assert (await ringback.ledger.outbounds.get(sent.id)).status is Status.DELIVERED
    assert len(carrier.sent) == 1


async def test_a_jump_ahead_and_back_leaves_a_doubt_that_can_be_found_again(
    ringback: Ringback, carrier: TrueCarrier, clock: FakeClock
) -> None:
    carrier.outcomes = [CarrierUnavailable("?")]
    doubt = await ringback.person.answer((await want(ringback.telephone, Channel.SMS)).id, YES)
    carrier.jump(HOUR)
    await ringback.telephone.tend()
    carrier.jump(-HOUR)
    await ringback.ledger.deliveries.reported("sandbox", StatusNews("found-1", Report(Status.DELIVERED)))
    from ringback.model.outbound import CarrierItem

    carrier.items = [CarrierItem("found-1", Channel.SMS, carrier.sent[0].to.e164, Status.SENT, clock.now().isoformat())]
    assert (await ringback.telephone.status(doubt.id)).status == "delivered"


async def test_history_in_pages_misses_and_repeats_nothing_after_the_clock_was_set_back(
    ringback: Ringback, clock: FakeClock
) -> None:
    made = []
    for at in range(12):
        record, _ = await ringback.ledger.outbounds.add(outbound(text=f"text {at}"), key=None, spend=None)
        text = ReceivedText(f"in-{at}", "+14155550199", f"reply {at}", 0.0)
        received = await ringback.ledger.inbox.add("sandbox", text)
        assert received is not None
        made += [record.id, received.id]
        clock.move(-HOUR if at % 4 == 3 else 10)
    found: list[str] = []
    cursor = None
    while True:
        page = await ringback.telephone.history(limit=1, cursor=cursor)
        found += [entry.id for entry in page.items]
        cursor = page.cursor
        if cursor is None:
            break
    assert sorted(found) == sorted(made)


async def test_an_allowance_is_not_used_up_twice_by_a_clock_that_jumps(
    ringback: Ringback, carrier: TrueCarrier, clock: FakeClock
) -> None:
    await allow(ringback)
    for jump_s in (HOUR, -HOUR, 0.0):
        await want(ringback.telephone, Channel.SMS, idempotency_key="k")
        carrier.jump(jump_s)
    assert [allowance.remaining for allowance in await ringback.person.allowances()] == [49]
    assert len(carrier.sent) == 1
    del clock
