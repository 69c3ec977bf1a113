"""Four processes that send all they may: no stretch of the sandbox's own record holds more than the limit.

The processes' clock goes faster than the machine's, so that a minute is over soon; the record is read by that clock.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from ringback_support.installation import moment, rows
from tests.e2e.serving import eventually
from tests.races.running import Track, finish, members, track
from tests.races.times import QuickClock, fullest

from ringback.ledger.records import Level
from ringback.model.outbound import Channel
from ringback.opening import open_ringback
from ringback.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TO = [f"+1202555010{digit}" for digit in range(8)]
IN_ALL, TO_ONE = 40, 8
MINUTE_S = 60.0
PROCESSES = 4
LEAST = 0.95
DUE, A_MINUTE = 30, 12
RULES: dict[str, Any] = {
    "sandbox_rules": True,
    "hours": "off",
    "countries": "all",
    "bulk": "off",
    "limits": f"recipient={TO_ONE}/minute, all={IN_ALL}/minute",
}


@dataclass
class Race:
    """How a race ended."""

    arrived: list[tuple[float, str]]
    """When, by the quick clock, and to whom; in this order."""
    told: dict[str, int]

    def fullest(self, to: str | None = None) -> int:
        """How many at most arrived in a minute, of all or of those to one person."""
        return fullest([at for at, number in self.arrived if to in {None, number}], MINUTE_S)

    def used(self, minutes: int) -> float:
        """Which part of what may arrive in so many minutes did, from the first arrival on."""
        begun_at = self.arrived[0][0]
        return sum(at < begun_at + minutes * MINUTE_S for at, _ in self.arrived) / (minutes * IN_ALL)


async def prepare(home: Path, clock: QuickClock, due: int = 0) -> None:
    """Recipients who may be written to, and so many texts that are scheduled for one moment."""
    async with open_ringback(Settings(home=home, carrier="sandbox", sandbox_port=0), clock=clock) as opened:
        for number in TO:
            await opened.person.allow(number, Channel.SMS, level=Level.A2, via="page", seconds=86_400, count=1000)
        at = moment(clock, 60)
        for number in range(due):
            await opened.telephone.send_sms(TO[number % len(TO)], f"scheduled {number}", send_at=at)


def race(course: Track, *, minutes: int, pace: float, broken: str | None = None) -> Race:
    clock = QuickClock(time.time(), pace)
    asyncio.run(prepare(course.home, clock))
    task = {"to": TO, "since": clock.since, "pace": pace, "settings": RULES, "at_once": 2, "broken": broken}
    with members(course.home, *({**task, "name": f"member {number}"} for number in range(PROCESSES))) as runners:
        ends_at = clock.now().timestamp() + (minutes + 0.25) * MINUTE_S
        for runner in runners:
            runner.go(ends_at)
        for runner in runners:
            runner.says("begun")
        told = finish(runners)
    return Race([(clock.told(at), to) for at, to, _ in course.arrivals()], told)


def judge(ended: Race) -> None:
    assert ended.fullest() <= IN_ALL
    assert max(map(ended.fullest, TO)) <= TO_ONE
    assert ended.told["limit_minute"] > 0, "more was wanted than may go out"
    assert set(ended.told) <= {"accepted", "queued", "sent", "dispatching", "limit_minute", "limit_recipient"}


@pytest.fixture
def course(home: Path) -> Iterator[Track]:
    with track(home) as made:
        yield made


def test_four_processes_together_keep_to_the_limits(course: Track) -> None:
    ended = race(course, minutes=2, pace=20)
    judge(ended)
    assert ended.used(2) > 0.5


def test_the_race_notices_limits_that_are_not_counted_where_a_send_is_taken(course: Track) -> None:
    assert race(course, minutes=1, pace=20, broken="no_count_in_the_fence").fullest() > IN_ALL


@pytest.mark.scale
@pytest.mark.parametrize("run", range(10))
def test_four_processes_never_exceed_the_limits_and_leave_less_than_a_twentieth_unused(course: Track, run: int) -> None:
    ended = race(course, minutes=4, pace=10)
    judge(ended)
    assert ended.used(4) >= LEAST


def test_what_is_due_at_once_and_over_a_limit_waits_its_turn_and_all_of_it_goes_out(course: Track) -> None:
    clock = QuickClock(time.time(), 20)
    asyncio.run(prepare(course.home, clock, DUE))
    rules = {**RULES, "limits": f"all={A_MINUTE}/minute"}
    task = {"to": TO, "since": clock.since, "pace": 20, "settings": rules, "name": "one"}
    with members(course.home, task, task) as runners:
        for runner in runners:
            runner.go()
        eventually(lambda: len(course.sandbox.messages()) == DUE)
        assert finish(runners) == {}
    arrived = [clock.told(at) for at, _, _ in course.arrivals()]
    assert len({text for _, _, text in course.arrivals()}) == DUE
    assert fullest(arrived, MINUTE_S) == A_MINUTE
    assert rows(course.home, "SELECT count(*) FROM event WHERE kind = 'deferred' AND detail = 'limit_minute'") > [(0,)]
