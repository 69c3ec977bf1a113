"""STOP against a thousand sends: two processes that send all they can, and a signed callback, or the polled inbox.

What counts is the sandbox's own record: nothing but the one confirmation arrived after the stop word was stored.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from ringback_support.installation import rows
from tests.e2e.conftest import Installation
from tests.e2e.serving import Serving, received
from tests.races.running import Track, finish, members, track

from ringback.ledger.records import Level
from ringback.model.outbound import Channel
from ringback.opening import open_ringback
from ringback.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TO = "+12025550123"
SOON, LATER = 20, 20
CONFIRMATION = "You are unsubscribed and will get no more messages or calls from us. Reply START to undo this."
GONE_OUT = {"accepted", "queued", "sent", "delivered"}
WAY_S = 0.1
"""How long a text is under way to the sandbox."""


@dataclass
class Race:
    """How a race ended."""

    stored_at: float
    """When the stop word was stored, by the machine's clock: the callback was answered, or the row written."""
    arrived: list[tuple[float, str]]
    told: dict[str, int]
    statuses: list[tuple[str, str | None, bool]]

    @property
    def late(self) -> int:
        """How many arrived after the stop word was stored, but for the confirmation."""
        return sum(at > self.stored_at for at, text in self.arrived if not text.endswith(CONFIRMATION))

    @property
    def confirmed(self) -> int:
        return sum(text.endswith(CONFIRMATION) for _, text in self.arrived)


async def prepare(home: Path, sends: int) -> None:
    """Somebody who may be written to, and texts to them that are scheduled for the race and for much later."""
    async with open_ringback(Settings(home=home, carrier="sandbox", sandbox_port=0)) as opened:
        enough = 2 * (sends + SOON + LATER)
        await opened.person.allow(TO, Channel.SMS, level=Level.A2, via="page", seconds=7200, count=enough)
        for number in range(SOON + LATER):
            due = datetime.now(UTC) + timedelta(seconds=2 if number < SOON else 3600)
            await opened.telephone.send_sms(TO, f"scheduled {number}", send_at=due.isoformat())


def race(course: Track, *, sends: int, mark: int, callback: bool, broken: str | None = None) -> Race:
    """Two processes send; one of them is at its try `mark` when the stop word comes."""
    home = course.home
    asyncio.run(prepare(home, sends))
    serving = Serving(Installation(home)) if callback else None
    each = {"to": [TO], "count": sends // 2, "mark": mark, "broken": broken, "way_s": WAY_S}
    try:
        with members(home, {**each, "name": "one"}, {**each, "name": "two"}) as runners:
            for runner in runners:
                runner.go()
            runners[0].says("begun")
            if serving is not None:
                assert serving.post(received("STOP", sender=TO)).status_code == 204
                stored_at = time.time()
            else:
                course.sandbox.post("/sandbox/replies", {"from": TO, "body": "Stop."})
                stored_at = None
            runners[1].says("begun")
            told = finish(runners)
    finally:
        if serving is not None:
            serving.close()
    if stored_at is None:
        ((stored_at,),) = rows(home, "SELECT received_at FROM received")
    found = rows(home, "SELECT status, reason, notice FROM outbound")
    return Race(stored_at, [(at, text) for at, _, text in course.arrivals()], told, found)


def judge(ended: Race, sends: int) -> None:
    assert ended.late == 0
    assert ended.confirmed == 1
    assert sum(ended.told.values()) == sends
    assert set(ended.told) <= {*GONE_OUT, "dispatching", "opted_out"}
    assert ended.told["opted_out"] > 0
    assert any(text.startswith("one ") for _, text in ended.arrived), "it was raced"
    outgoing = [status for status, _, notice in ended.statuses if not notice]
    assert sum(status in GONE_OUT for status in outgoing) == len(ended.arrived) - 1
    held = {reason for status, reason, _ in ended.statuses if status in {"cancelled", "refused"}}
    assert held == {"opted_out"}
    assert outgoing.count("cancelled") >= LATER
    assert set(outgoing) <= {*GONE_OUT, "cancelled", "refused"}, "nothing is left that could go out"


@pytest.fixture
def course(home: Path) -> Iterator[Track]:
    with track(home) as made:
        yield made


@pytest.mark.parametrize("callback", [True, False], ids=["callback", "inbox"])
def test_nothing_goes_out_to_somebody_once_their_stop_is_stored(course: Track, callback: bool) -> None:
    judge(race(course, sends=120, mark=20, callback=callback), 120)


def test_the_race_notices_an_answer_that_does_not_wait_for_what_is_being_handed_over(course: Track) -> None:
    assert race(course, sends=120, mark=20, callback=False, broken="no_waiting").late > 0


@pytest.mark.scale
@pytest.mark.parametrize("callback", [True, False], ids=["callback", "inbox"])
@pytest.mark.parametrize("mark", [20, 40, 120, 250, 400])
def test_a_thousand_sends_that_race_a_stop_send_nothing_after_it(course: Track, mark: int, callback: bool) -> None:
    judge(race(course, sends=1000, mark=mark, callback=callback), 1000)
