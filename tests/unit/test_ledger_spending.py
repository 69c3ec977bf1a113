"""What limits and budgets count: what left, or may have left, in the stretch that ends now."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from ringback_support.installation import TO, approve, outbound

from ringback.ledger.outbounds import Stored
from ringback.ledger.spending import DaySpent, OverLimit
from ringback.model.limits import Budget, Caps, Limit, Scope, Usage
from ringback.model.numbers import PhoneNumber
from ringback.model.outbound import Acceptance, Channel, Outbound, Report
from ringback.model.status import Status

if TYPE_CHECKING:
    from ringback_support.fakes import FakeClock

    from ringback.ledger import Ledger
    from ringback.ledger.records import Record

NUMBER = PhoneNumber(TO)
OTHER = PhoneNumber("+14155550188")
HOUR = 3600.0
TO_ONE = Limit(Scope.RECIPIENT, 2, "hour")
BY_SMS = Limit(Scope.SMS, 3, "hour")
IN_ALL = Limit(Scope.ALL, 4, "hour")
MONEY = Budget(1000, "USD", "hour")
CENT = 10_000


async def ready(ledger: Ledger, wish: Outbound, price: int | None = None) -> Record:
    """A wish that a person said yes to."""
    record, _ = await ledger.outbounds.add(wish, key=None, spend=None, terms=Stored(price=price))
    return await approve(ledger, record)


async def left(
    ledger: Ledger, text: str, *, to: PhoneNumber = NUMBER, channel: Channel = Channel.SMS, price: int | None = None
) -> Record:
    """One that left."""
    record = await ready(ledger, outbound(to.e164, text, channel=channel), price)
    claimed = await ledger.deliveries.claim(record.id, owner="me", lease_s=60)
    assert claimed is not None
    accepted = Acceptance(f"id-{record.id}", Status.ACCEPTED)
    settled = await ledger.deliveries.settle(claimed, Status.ACCEPTED, acceptance=accepted)
    assert settled is not None
    return settled


async def used(
    ledger: Ledger,
    *caps: Limit | Budget,
    to: PhoneNumber = NUMBER,
    channel: Channel = Channel.SMS,
    send_at: float | None = None,
    price: int | None = 0,
) -> tuple[Usage, ...]:
    limits = tuple(cap for cap in caps if isinstance(cap, Limit))
    budgets = tuple(cap for cap in caps if isinstance(cap, Budget))
    return await ledger.spending.usage(Caps(limits, budgets), to, channel, send_at=send_at, price=price)


async def test_each_limit_counts_what_it_is_for(ledger: Ledger) -> None:
    await left(ledger, "one")
    await left(ledger, "two", to=OTHER)
    await left(ledger, "three", to=OTHER, channel=Channel.VOICE)
    assert await used(ledger, TO_ONE, BY_SMS, IN_ALL) == (Usage(TO_ONE, 1), Usage(BY_SMS, 2), Usage(IN_ALL, 3))
    calls = await used(ledger, TO_ONE, BY_SMS, IN_ALL, to=OTHER, channel=Channel.VOICE)
    assert [(usage.cap, usage.used) for usage in calls] == [(TO_ONE, 2), (IN_ALL, 3)]


async def test_a_limit_is_reached_by_as_many_as_it_names_and_free_when_the_oldest_of_these_is_over(
    ledger: Ledger, clock: FakeClock
) -> None:
    first = clock.now().timestamp()
    await left(ledger, "one")
    clock.move(600)
    assert await used(ledger, TO_ONE) == (Usage(TO_ONE, 1),)
    await left(ledger, "two")
    clock.move(600)
    assert await used(ledger, TO_ONE) == (Usage(TO_ONE, 2, passes=False, free_at=first + HOUR),)
    clock.move(HOUR - 1200 - 0.001)
    assert not (await used(ledger, TO_ONE))[0].passes
    clock.move(0.001)
    assert await used(ledger, TO_ONE) == (Usage(TO_ONE, 1),)


async def test_where_more_left_than_a_limit_names_by_now_it_is_free_when_enough_of_them_are_over(
    ledger: Ledger, clock: FakeClock
) -> None:
    times = []
    for text in ("one", "two", "three"):
        times.append(clock.now().timestamp())
        await left(ledger, text)
        clock.move(600)
    assert await used(ledger, TO_ONE) == (Usage(TO_ONE, 2, passes=False, free_at=times[1] + HOUR),)


async def test_a_limit_of_none_lets_nothing_pass_and_is_never_free(ledger: Ledger) -> None:
    none = replace(TO_ONE, count=0)
    assert await used(ledger, none) == (Usage(none, 0, passes=False, free_at=None),)


async def test_what_certainly_did_not_leave_is_not_counted_and_what_may_have_left_is(ledger: Ledger) -> None:
    for target in (Status.FAILED, Status.UNKNOWN):
        record = await ready(ledger, outbound(text=target))
        claimed = await ledger.deliveries.claim(record.id, owner="me", lease_s=60)
        assert claimed is not None
        await ledger.deliveries.settle(claimed, target, reason="x")
    await ready(ledger, outbound(text="waits"))
    assert await used(ledger, TO_ONE, BY_SMS, IN_ALL) == (Usage(TO_ONE, 1), Usage(BY_SMS, 1), Usage(IN_ALL, 1))


async def test_what_the_carrier_took_and_reported_as_failed_is_counted(ledger: Ledger) -> None:
    record = await left(ledger, "one", price=5)
    await ledger.deliveries.learn(record, Report(Status.FAILED))
    assert await used(ledger, TO_ONE, BY_SMS, IN_ALL) == (Usage(TO_ONE, 1), Usage(BY_SMS, 1), Usage(IN_ALL, 1))
    assert [day.count for day in await ledger.spending.by_day(0)] == [1]


async def test_one_for_a_time_counts_what_is_scheduled_until_then(ledger: Ledger, clock: FakeClock) -> None:
    now = clock.now().timestamp()
    for minutes in (10, 20, 30):
        await ready(ledger, replace(outbound(text=f"in {minutes}"), send_at=now + 60 * minutes), price=300)
    assert (await used(ledger, BY_SMS))[0].used == 0
    caps = (replace(TO_ONE, count=5), BY_SMS, IN_ALL)
    at_twenty = await used(ledger, *caps, send_at=now + 1200)
    assert [usage.used for usage in at_twenty] == [2, 2, 2]
    at_noon = await used(ledger, *caps, send_at=now + 600 + HOUR)
    assert [usage.used for usage in at_noon] == [2, 2, 2]
    elsewhere = await used(ledger, *caps, send_at=now + 1800, to=OTHER, channel=Channel.VOICE)
    assert [usage.used for usage in elsewhere] == [0, 3]
    reached = await used(ledger, BY_SMS, MONEY, send_at=now + 1800, price=200)
    assert reached == (
        Usage(BY_SMS, 3, passes=False, free_at=now + 600 + HOUR),
        Usage(MONEY, 900, passes=False, free_at=now + 600 + HOUR),
    )


async def test_a_budget_counts_money_in_all_and_what_just_fits_passes(ledger: Ledger, clock: FakeClock) -> None:
    await left(ledger, "one", price=300)
    await left(ledger, "two", to=OTHER, channel=Channel.VOICE, price=400)
    await left(ledger, "three", price=None)
    assert await used(ledger, MONEY, price=300) == (Usage(MONEY, 700),)
    now = clock.now().timestamp()
    assert await used(ledger, MONEY, price=301) == (Usage(MONEY, 700, passes=False, free_at=now + HOUR),)
    assert await used(ledger, MONEY, price=1001) == (Usage(MONEY, 700, passes=False, free_at=None),)
    assert await used(ledger, MONEY, price=None) == (Usage(MONEY, 700, passes=False, free_at=None),)


async def test_a_budget_is_free_when_enough_of_the_oldest_is_over(ledger: Ledger, clock: FakeClock) -> None:
    times = []
    for price in (200, 300, 400):
        times.append(clock.now().timestamp())
        await left(ledger, f"for {price}", price=price)
        await left(ledger, f"for nobody knows how much, {price}", price=None)
        clock.move(60)
    free_at = {
        price: (await used(ledger, MONEY, price=price))[0].free_at for price in (100, 101, 300, 301, 600, 601, 1000)
    }
    assert free_at == {
        100: None,
        101: times[0] + HOUR,
        300: times[0] + HOUR,
        301: times[1] + HOUR,
        600: times[1] + HOUR,
        601: times[2] + HOUR,
        1000: times[2] + HOUR,
    }


async def test_the_fence_takes_nothing_over_a_limit_and_leaves_it_as_it_is(ledger: Ledger, clock: FakeClock) -> None:
    caps = Caps((TO_ONE, BY_SMS), (MONEY,))
    for text in ("one", "two"):
        record = await ready(ledger, outbound(text=text), price=100)
        assert await ledger.deliveries.claim(record.id, owner="me", lease_s=60, caps=caps) is not None
    third = await ready(ledger, outbound(text="three"), price=100)
    with pytest.raises(OverLimit) as over:
        await ledger.deliveries.claim(third.id, owner="me", lease_s=60, caps=caps)
    assert over.value.usage == Usage(TO_ONE, 2, passes=False, free_at=clock.now().timestamp() + HOUR)
    assert str(over.value) == "A limit is reached."
    assert (await ledger.outbounds.get(third.id)) == third
    to_another = await ready(ledger, outbound(OTHER.e164), price=801)
    with pytest.raises(OverLimit) as over:
        await ledger.deliveries.claim(to_another.id, owner="me", lease_s=60, caps=caps)
    assert over.value.usage.cap == MONEY
    fits = await ready(ledger, outbound(OTHER.e164, "fits"), price=800)
    assert await ledger.deliveries.claim(fits.id, owner="me", lease_s=60, caps=caps) is not None


async def test_overall_tells_each_limit_but_those_for_one_recipient(ledger: Ledger) -> None:
    await left(ledger, "one", price=300)
    await left(ledger, "two", to=OTHER, channel=Channel.VOICE, price=300)
    await left(ledger, "three", to=OTHER, channel=Channel.VOICE, price=100)
    by_voice = Limit(Scope.VOICE, 2, "hour")
    told = await ledger.spending.overall(Caps((TO_ONE, BY_SMS, by_voice, IN_ALL), (MONEY,)))
    assert [(usage.cap, usage.used, usage.passes) for usage in told] == [
        (BY_SMS, 1, True),
        (by_voice, 2, False),
        (IN_ALL, 3, True),
        (MONEY, 700, True),
    ]
    spent = Budget(700, "USD", "hour")
    assert (await ledger.spending.overall(Caps((), (spent,)))) == (Usage(spent, 700),)


async def test_what_left_is_told_by_day_and_channel(ledger: Ledger, clock: FakeClock) -> None:
    day = int(clock.now().timestamp() // 86_400)
    await left(ledger, "one", price=300)
    await left(ledger, "two", price=None)
    await left(ledger, "three", channel=Channel.VOICE, price=400)
    clock.move(86_400)
    await left(ledger, "four", price=100)
    assert await ledger.spending.by_day(0) == [
        DaySpent(day, Channel.SMS, 2, 300, 1),
        DaySpent(day, Channel.VOICE, 1, 400, 0),
        DaySpent(day + 1, Channel.SMS, 1, 100, 0),
    ]
    assert [each.day for each in await ledger.spending.by_day((day + 1) * 86_400.0)] == [day + 1]


async def test_a_price_that_was_estimated_is_corrected_by_what_it_was(ledger: Ledger) -> None:
    record, other = await left(ledger, "one", price=300), await left(ledger, "two", price=100)
    await ledger.spending.correct(record.id, 500)
    assert [(await ledger.outbounds.get(each.id)).price for each in (record, other)] == [500, 100]
    assert await used(ledger, MONEY, price=400) == (Usage(MONEY, 600),)


@pytest.mark.parametrize("limit", [TO_ONE, BY_SMS, IN_ALL, MONEY])
async def test_what_is_being_handed_over_may_leave_at_any_moment_however_long_ago_it_was_taken(
    ledger: Ledger, clock: FakeClock, limit: Limit | Budget
) -> None:
    record = await ready(ledger, outbound(), price=300)
    claimed = await ledger.deliveries.claim(record.id, owner="me", lease_s=60)
    assert claimed is not None
    clock.move(2 * HOUR)
    expected = 300 if limit is MONEY else 1
    assert [each.used for each in await used(ledger, limit)] == [expected]
    assert [each.used for each in await used(ledger, limit, send_at=clock.now().timestamp() + 60)] == [0]
    await ledger.deliveries.settle(claimed, Status.ACCEPTED, acceptance=Acceptance("id-1", Status.ACCEPTED))
    assert [each.used for each in await used(ledger, limit)] == [expected]
    clock.move(HOUR)
    assert [each.used for each in await used(ledger, limit)] == [0]


async def test_the_confirmation_of_an_opt_out_is_counted_nowhere(ledger: Ledger) -> None:
    await ledger.opt_outs.begin(NUMBER, via="text", carrier="sandbox")
    notice = replace(outbound(), notice=True)
    record, _ = await ledger.outbounds.add(notice, key=None, spend=None, terms=Stored(price=9, notice_of="optout:x"))
    assert await ledger.deliveries.claim(record.id, owner="me", lease_s=60) is not None
    assert [each.used for each in await used(ledger, TO_ONE, BY_SMS, IN_ALL, MONEY)] == [0, 0, 0, 0]


@pytest.mark.parametrize("limit", [TO_ONE, BY_SMS, IN_ALL, MONEY])
async def test_of_what_is_scheduled_only_what_still_is_and_is_another_one_counts(
    ledger: Ledger, clock: FakeClock, limit: Limit | Budget
) -> None:
    now = clock.now().timestamp()
    cancelled = await ready(ledger, replace(outbound(text="cancelled"), send_at=now + 60), price=300)
    await ledger.outbounds.move(cancelled.id, {Status.SCHEDULED}, Status.CANCELLED, reason="x")
    failed = await ready(ledger, outbound(text="failed"), price=300)
    claimed = await ledger.deliveries.claim(failed.id, owner="me", lease_s=60)
    assert claimed is not None
    await ledger.deliveries.settle(claimed, Status.FAILED, reason="x")
    assert [each.used for each in await used(ledger, limit, send_at=now + 120)] == [0]
    assert await ledger.spending.by_day(0) == []


@pytest.mark.parametrize("limit", [replace(IN_ALL, count=1), replace(TO_ONE, count=1), replace(BY_SMS, count=1)])
async def test_while_one_is_being_handed_over_the_next_passes_a_second_later_at_the_earliest(
    ledger: Ledger, clock: FakeClock, limit: Limit
) -> None:
    record = await ready(ledger, outbound())
    assert await ledger.deliveries.claim(record.id, owner="me", lease_s=60) is not None
    clock.move(2 * HOUR)
    now = clock.now().timestamp()
    assert await used(ledger, limit) == (Usage(limit, 1, passes=False, free_at=now + 1),)
