"""Four processes that send all they may: no stretch of the sandbox's own record holds more than the limit, or much less.

The processes' clock goes faster than the machine's, so that a minute is over soon; the record is read by that clock.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
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
PACE = 10.0
MINUTE_S = 60.0
MINUTES = 3
PROCESSES = 4
RULES: dict[str, Any] = {
    "sandbox_rules": True,
    "hours": "off",
    "countries": "all",
    "bulk": "off",
    "limits": f"recipient={TO_ONE}/minute, all={IN_ALL}/minute",
}
LEAST = 0.95


@dataclass
class Race:
    """How a race ended."""

    arrived: list[tuple[float, str]]
    """When, by the quick clock, and to whom."""
    begun_at: float
    told: dict[str, int]

    def to(self, number: str) -> list[float]:
        return [at for at, to in self.arrived if to == number]


async def allow(home: Path, clock: QuickClock) -> None:
    async with open_ringback(Settings(home=home, carrier="sandbox", sandbox_port=0), clock=clock) as opened:
        for number in TO:
            await opened.person.allow(number, Channel.SMS, level=Level.A2, via="page", seconds=86_400, count=1000)


def race(course: Track, minutes: int = MINUTES) -> Race:
    since = time.time()
    clock = QuickClock(since, PACE)
    asyncio.run(allow(course.home, clock))
    started = clock.now().timestamp() + 10 * PACE  # by then all are ready
    task = {"to": TO, "since": since, "pace": PACE, "settings": RULES, "at_once": 2}
    tasks = [{**task, "name": f"member {number}", "ends_at": started + minutes * MINUTE_S} for number in range(PROCESSES)]
    with members(course.home, *tasks) as runners:
        begun_at = clock.now().timestamp()
        for runner in runners:
            runner.go()
        for runner in runners:
            runner.says("begun")
        told = finish(runners)
    return Race([(clock.told(at), to) for at, to, _ in course.arrivals()], begun_at, told)


def judge(ended: Race, minutes: int = MINUTES) -> None:
    times = [at for at, _ in ended.arrived]
    whole = [sum(first <= at < first + MINUTE_S for at in times) for first in times if first + MINUTE_S <= times[-1]]
    print(len(times), "fullest", fullest(times, MINUTE_S), "emptiest", min(whole), ended.told, "span", times[-1]-times[0])
    assert fullest(times, MINUTE_S) <= IN_ALL
    assert max(fullest(ended.to(number), MINUTE_S) for number in TO) <= TO_ONE


@pytest.fixture
def course(home: Path) -> Iterator[Track]:
    with track(home) as made:
        yield made


def test_four_processes_together_keep_to_the_limits_and_use_them(course: Track) -> None:
    judge(race(course))
