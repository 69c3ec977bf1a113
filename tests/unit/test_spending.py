"""Limits and budgets against the plainest model there is: a list of times and prices, whatever the clock does."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from ringback_support.fakes import FakeClock
from ringback_support.installation import KEYRING, TO, approve, ledger_in, outbound

from ringback.ledger import open_ledger
from ringback.ledger.outbounds import Stored
from ringback.ledger.spending import OverLimit
from ringback.model.limits import Budget, Caps, Limit, Scope
from ringback.model.numbers import PhoneNumber
from ringback.model.outbound import Acceptance, Channel
from ringback.model.status import Status

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

    from ringback.ledger import Ledger
    from ringback.ledger.records import Record

TWO = "+14155550199"
CAPS = Caps(
    (
        Limit(Scope.RECIPIENT, 2, "minute"),
        Limit(Scope.SMS, 3, "minute"),
        Limit(Scope.ALL, 4, "minute"),
        Limit(Scope.ALL, 9, "hour"),
    ),
    (Budget(100, "USD", "minute"), Budget(300, "USD", "hour")),
)
WAYS = [(TO, Channel.SMS), (TO, Channel.VOICE), (TWO, Channel.SMS), (TWO, Channel.VOICE)]
PRICES = st.sampled_from([None, 0, 1, 30, 50, 100, 101])


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


@dataclass
class Gone:
    """One that left, as the model has it."""

    to: str
    channel: Channel
    at: float
    price: int | None
    record: Record
    is_open: bool = True


class Spent(RuleBasedStateMachine):
    """One ledger, one clock, and a list."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self.clock = FakeClock()
        self.ledger = open_ledger(Path(self._folder.name) / "ledger.db", KEYRING, self.clock)
        self.gone: list[Gone] = []
        self.count = 0

    def teardown(self) -> None:
        self.ledger.database.close()
        self._folder.cleanup()

    @property
    def now(self) -> float:
        return self.clock.now().timestamp()

    def counted(self, cap: Limit | Budget, to: str, channel: Channel) -> list[Gone]:
        """What counts for a limit now: what left in the stretch that ends now, and what is still leaving."""
        since = self.now - cap.period_s
        return [
            each
            for each in self.gone
            if (each.at > since or each.is_open)
            and (isinstance(cap, Budget) or cap.scope is not Scope.RECIPIENT or each.to == to)
            and (isinstance(cap, Budget) or cap.scope is not Scope.SMS or each.channel is Channel.SMS)
            and (isinstance(cap, Budget) or cap.counts(channel))
        ]

    def passes(self, to: str, channel: Channel, price: int | None) -> bool:
        for limit in CAPS.limits:
            if limit.counts(channel) and len(self.counted(limit, to, channel)) >= limit.count:
                return False
        for budget in CAPS.budgets:
            used = sum(each.price or 0 for each in self.counted(budget, to, channel))
            if price is None or used + price > budget.micros:
                return False
        return True

    @rule(way=st.sampled_from(WAYS), price=PRICES)
    def take(self, way: tuple[str, Channel], price: int | None) -> None:
        to, channel = way
        self.count += 1
        expected = self.passes(to, channel, price)
        before = run(self.ledger.spending.usage(CAPS, PhoneNumber(to), channel, send_at=None, price=price))
        assert all(used.passes for used in before) is expected, "what is told beforehand is what the fence does"
        wish = outbound(to, f"text {self.count}", channel=channel)
        record, _ = run(self.ledger.outbounds.add(wish, key=None, spend=None, terms=Stored(price)))
        record = run(approve(self.ledger, record))
        claim = self.ledger.deliveries.claim(record.id, owner="me", lease_s=60, caps=CAPS)
        if expected:
            self.gone.append(Gone(to, channel, self.now, price, run(claim)))
            return
        with pytest.raises(OverLimit) as over:
            run(claim)
        assert not over.value.usage.passes
        assert run(self.ledger.outbounds.get(record.id)).status is Status.APPROVED, "nothing was taken"

    @precondition(lambda self: any(each.is_open for each in self.gone))
    @rule(which=st.integers(0, 20), ended=st.sampled_from([Status.ACCEPTED, Status.FAILED, Status.UNKNOWN]))
    def settle(self, which: int, ended: Status) -> None:
        still = [each for each in self.gone if each.is_open]
        one = still[which % len(still)]
        acceptance = Acceptance(f"id-{one.record.id}", ended) if ended is Status.ACCEPTED else None
        run(self.ledger.deliveries.settle(one.record, ended, acceptance=acceptance))
        one.at, one.is_open = max(one.at, self.now), False
        if ended is Status.FAILED:
            self.gone.remove(one)

    @rule(seconds=st.sampled_from([0.001, 0.999, 1, 20, 30, 59.999, 60, 60.001, 1800, 3600, -0.5, -60, -600]))
    def pass_time(self, seconds: float) -> None:
        self.clock.move(seconds)

    @invariant()
    def every_usage_is_the_models(self) -> None:
        for to, channel in WAYS:
            caps = [limit for limit in CAPS.limits if limit.counts(channel)]
            told = run(self.ledger.spending.usage(CAPS, PhoneNumber(to), channel, send_at=None, price=0))
            for cap, used in zip([*caps, *CAPS.budgets], told, strict=True):
                assert used.cap == cap
                counted = self.counted(cap, to, channel)
                if isinstance(cap, Limit):
                    assert used.used == min(cap.count, len(counted))
                    assert used.passes is (len(counted) < cap.count)
                else:
                    assert used.used == sum(each.price or 0 for each in counted)


Spent.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
TestSpent = Spent.TestCase


async def leave(ledger: Ledger, text: str, price: int | None = 0, to: str = TO) -> Record:
    wish = outbound(to, text)
    record, _ = await ledger.outbounds.add(wish, key=None, spend=None, terms=Stored(price))
    taken = await ledger.deliveries.claim((await approve(ledger, record)).id, owner="me", lease_s=60)
    assert taken is not None
    settled = await ledger.deliveries.settle(taken, Status.ACCEPTED, acceptance=Acceptance(text, Status.ACCEPTED))
    assert settled is not None
    return settled


async def test_a_place_is_told_free_exactly_when_it_is(home: Path, clock: FakeClock) -> None:
    caps = Caps((Limit(Scope.RECIPIENT, 2, "minute"),))
    number = PhoneNumber(TO)
    with ledger_in(home, clock) as ledger:
        begun = clock.now().timestamp()
        for text in ("one", "two", "three"):
            await leave(ledger, text)
            clock.move(10)
        (used,) = await ledger.spending.usage(caps, number, Channel.SMS, send_at=None, price=0)
        assert (used.passes, used.used, used.free_at) == (False, 2, begun + 10 + 60)
        for at, passes in ((begun + 69.999, False), (begun + 70.0, True)):
            (used,) = await ledger.spending.usage(caps, number, Channel.SMS, send_at=at, price=0)
            assert used.passes is passes


async def test_money_is_told_free_when_enough_of_it_is(home: Path, clock: FakeClock) -> None:
    caps = Caps((), (Budget(100, "USD", "minute"),))
    number = PhoneNumber(TO)
    with ledger_in(home, clock) as ledger:
        begun = clock.now().timestamp()
        for text, price in (("a", 60), ("b", 30), ("c", None), ("d", 10)):
            await leave(ledger, text, price)
            clock.move(1)
        told = {}
        for price in (0, 1, 60, 61, 90, 91, 100, 101, None):
            (used,) = await ledger.spending.usage(caps, number, Channel.SMS, send_at=None, price=price)
            told[price] = (used.passes, None if used.free_at is None else used.free_at - begun, used.left)
    assert told == {
        0: (True, None, 0),
        1: (False, 60, 0),
        60: (False, 60, 0),
        61: (False, 61, 0),
        90: (False, 61, 0),
        91: (False, 63, 0),
        100: (False, 63, 0),
        101: (False, None, 0),
        None: (False, None, 0),
    }


async def test_what_is_scheduled_counts_for_what_is_planned_after_it_and_for_nothing_else(
    home: Path, clock: FakeClock
) -> None:
    caps = Caps((Limit(Scope.RECIPIENT, 1, "minute"), Limit(Scope.ALL, 1, "minute")))
    number, now = PhoneNumber(TO), clock.now().timestamp()
    with ledger_in(home, clock) as ledger:
        wish = replace(outbound(), send_at=now + 100)
        record, _ = await ledger.outbounds.add(wish, key=None, spend=None)
        await approve(ledger, record)
        for at, passes in (
            (None, True),
            (now + 99.9, True),
            (now + 100, False),
            (now + 159.9, False),
            (now + 160, True),
        ):
            told = await ledger.spending.usage(caps, number, Channel.SMS, send_at=at, price=0)
            assert {used.passes for used in told} == {passes}, at
            if not passes:
                assert {used.free_at for used in told} == {now + 160}


async def test_what_is_spent_is_told_by_day_and_channel(home: Path, clock: FakeClock) -> None:
    with ledger_in(home, clock) as ledger:
        today = int(clock.now().timestamp() // 86_400)
        await leave(ledger, "one", 5)
        await leave(ledger, "two", None)
        clock.move(86_400)
        await leave(ledger, "three", 7)
        told = await ledger.spending.by_day(0.0)
        assert [(each.day, each.channel, each.count, each.micros, each.unpriced) for each in told] == [
            (today, Channel.SMS, 2, 5, 1),
            (today + 1, Channel.SMS, 1, 7, 0),
        ]
        assert [each.count for each in await ledger.spending.by_day(clock.now().timestamp() - 1)] == [1]


async def test_what_is_being_handed_over_for_longer_than_the_stretch_still_counts(home: Path, clock: FakeClock) -> None:
    caps = Caps((Limit(Scope.RECIPIENT, 1, "minute"), Limit(Scope.SMS, 1, "minute"), Limit(Scope.ALL, 1, "minute")))
    number = PhoneNumber(TO)
    with ledger_in(home, clock) as ledger:
        record, _ = await ledger.outbounds.add(outbound(), key=None, spend=None)
        taken = await ledger.deliveries.claim((await approve(ledger, record)).id, owner="me", lease_s=600)
        assert taken is not None
        clock.move(300)
        now = clock.now().timestamp()
        told = await ledger.spending.usage(caps, number, Channel.SMS, send_at=None, price=0)
        assert [(used.passes, used.free_at) for used in told] == [(False, now + 1)] * 3
        told = await ledger.spending.usage(caps, number, Channel.SMS, send_at=now + 1, price=0)
        assert all(used.passes for used in told), "by then it has left or not"
        await ledger.deliveries.settle(taken, Status.ACCEPTED, acceptance=Acceptance("i", Status.ACCEPTED))
        told = await ledger.spending.usage(caps, number, Channel.SMS, send_at=None, price=0)
        assert [(used.passes, used.free_at) for used in told] == [(False, now + 60)] * 3
