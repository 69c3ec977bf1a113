"""A dispatch's lease: kept while its process lives, concluded when it does not, and nothing posted after it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from ringback_support.fakes import FakeCarrier, FakeClock
from ringback_support.installation import YES, approved, claimed, edit, moment, opened, outbound, rows, want

from ringback.errors import CarrierError, CarrierRateLimited, CarrierRejected, CarrierUnavailable, CarrierUnreachable
from ringback.lease import LEASE_S
from ringback.model.outbound import Acceptance, CarrierItem, Channel, Line, Outbound
from ringback.model.status import Status
from ringback.owner import this_process

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ringback.model.limits import Caps
    from ringback.opening import Ringback

ELSEWHERE = "elsewhere:1"


HELD: list[Held] = []


@pytest.fixture(autouse=True)
async def _nothing_stays_held(ringback: Ringback) -> AsyncIterator[None]:
    """A test that fails leaves no request behind that the installation would wait for."""
    del ringback
    yield
    while HELD:
        HELD.pop().may_end.set()


@pytest.fixture
async def two(home: Path, clock: FakeClock, ringback: Ringback) -> AsyncIterator[Ringback]:
    """Another server on the same ledger, with a carrier of its own that must get nothing."""
    del ringback
    carrier = FakeCarrier()
    async with opened(home, carrier, clock=clock) as other:
        yield other
    assert carrier.sent == []


class Held:
    """A carrier's request that is on its way until the test lets it end, at the latest when the test ends."""

    def __init__(self, outcome: Acceptance | Exception) -> None:
        self._outcome = outcome
        self.begun, self.may_end = asyncio.Event(), asyncio.Event()
        HELD.append(self)

    async def __call__(self, _: Outbound) -> Acceptance:
        self.begun.set()
        await self.may_end.wait()
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return self._outcome


async def lease_beyond(home: Path, moment_s: float) -> float:
    """Wait for the heartbeat that prolongs the lease beyond a moment."""
    async with asyncio.timeout(20):
        while (until := rows(home, "SELECT lease_until FROM outbound")[0][0]) <= moment_s:  # noqa: ASYNC110 - another connection writes it
            await asyncio.sleep(0)
    return float(until)


# -- the heartbeat ---------------------------------------------------------------------------------------------------


async def test_a_heartbeat_prolongs_the_lease_for_as_long_as_the_request_lasts(
    ringback: Ringback,
    two: Ringback,
    home: Path,
    carrier: FakeCarrier,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ringback.lease.HEARTBEAT_S", 0.001)
    held = Held(Acceptance("id-1", Status.SENT))
    carrier.outcomes = [held]
    record = await approved(ringback.ledger)
    running = asyncio.create_task(ringback.dispatcher.dispatch(record.id))
    await held.begun.wait()
    for _ in range(10):
        clock.move(LEASE_S - 1)
        await two.telephone.tend()
        assert (await two.telephone.status(record.id)).status == "dispatching"
        until = await lease_beyond(home, clock.now().timestamp() + 1)
        assert until == clock.now().timestamp() + LEASE_S
    held.may_end.set()
    assert (await running).status is Status.SENT
    assert len(carrier.sent) == 1


async def test_no_heartbeat_is_left_behind_once_the_outcome_is_stored(ringback: Ringback, carrier: FakeCarrier) -> None:
    carrier.outcomes = [Acceptance("id-1", Status.SENT), CarrierRejected("no"), ValueError("a defect")]
    for text in ("one", "two", "three"):
        await ringback.dispatcher.dispatch((await approved(ringback.ledger, outbound(text=text))).id)
    assert [task for task in asyncio.all_tasks() if "_beat" in repr(task)] == []


async def test_a_heartbeat_that_the_ledger_does_not_take_ends_no_dispatch(
    ringback: Ringback, home: Path, carrier: FakeCarrier, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ringback.lease.HEARTBEAT_S", 0.001)
    held = Held(Acceptance("id-1", Status.SENT))
    carrier.outcomes = [held]
    record = await approved(ringback.ledger)
    running = asyncio.create_task(ringback.dispatcher.dispatch(record.id))
    await held.begun.wait()
    ringback.ledger.database._connection.execute("PRAGMA query_only = ON")
    for _ in range(20):
        await asyncio.sleep(0.001)
    ringback.ledger.database._connection.execute("PRAGMA query_only = OFF")
    clock.move(5)
    await lease_beyond(home, clock.now().timestamp() + LEASE_S - 1)
    held.may_end.set()
    assert (await running).status is Status.SENT


# -- a process that is paused ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("concluded", [False, True])
async def test_a_process_that_wakes_up_after_its_lease_posts_nothing_and_says_so(
    ringback: Ringback, two: Ringback, carrier: FakeCarrier, clock: FakeClock, *, concluded: bool
) -> None:
    claim = ringback.ledger.deliveries.claim

    async def claim_and_pause(outbound_id: str, *, owner: str, lease_s: float, caps: Caps):  # noqa: ANN202 - as what it stands for
        record = await claim(outbound_id, owner=owner, lease_s=lease_s, caps=caps)
        clock.move(LEASE_S + 0.001)
        if concluded:
            await two.telephone.tend()
            assert (await two.telephone.status(outbound_id)).status == "unknown"
        return record

    ringback.ledger.deliveries.claim = claim_and_pause  # type: ignore[method-assign]
    waiting = await want(ringback.telephone, Channel.SMS)
    told = await ringback.person.answer(waiting.id, YES)
    assert (told.status, told.reason, carrier.sent) == ("failed", "dispatch_too_late", [])
    assert "nothing reached the recipient" in told.summary
    clock.move(3600)
    await two.telephone.tend()
    assert (await two.telephone.status(waiting.id)).status == "failed"


async def test_a_process_whose_dispatch_was_concluded_amid_its_tries_makes_no_more(
    ringback: Ringback, two: Ringback, carrier: FakeCarrier, clock: FakeClock
) -> None:
    async def refused(_: Outbound) -> Acceptance:
        clock.move(LEASE_S + 1)
        await two.telephone.tend()
        raise CarrierUnreachable("no connection")

    carrier.outcomes = [refused]
    record = await approved(ringback.ledger)
    told = await ringback.dispatcher.dispatch(record.id)
    assert (told.status, told.reason, len(carrier.sent)) == (Status.FAILED, "dispatch_too_late", 1)


@pytest.mark.parametrize(
    ("outcome", "status", "reason"),
    [
        (Acceptance("id-1", Status.SENT), "sent", None),
        (CarrierRejected("no"), "failed", "carrier_rejected"),
        (CarrierUnavailable("?"), "unknown", "dispatcher_gone"),
    ],
)
async def test_an_answer_that_comes_after_the_conclusion_resolves_the_doubt_as_far_as_it_knows_better(
    ringback: Ringback,
    two: Ringback,
    carrier: FakeCarrier,
    clock: FakeClock,
    outcome: Acceptance | CarrierError,
    status: str,
    reason: str | None,
) -> None:
    held = Held(outcome)
    carrier.outcomes = [held]
    record = await approved(ringback.ledger)
    running = asyncio.create_task(ringback.dispatcher.dispatch(record.id))
    await held.begun.wait()
    clock.move(LEASE_S + 1)
    await two.telephone.tend()
    assert (await two.telephone.status(record.id)).reason == "dispatcher_gone"
    held.may_end.set()
    told = await running
    assert (told.status, told.reason) == (status, reason)
    assert len(carrier.sent) == 1


async def test_an_answer_that_comes_after_it_was_found_at_the_carrier_changes_nothing(
    ringback: Ringback, home: Path, carrier: FakeCarrier, clock: FakeClock
) -> None:
    held = Held(Acceptance("id-1", Status.ACCEPTED))
    carrier.outcomes = [held]
    record = await approved(ringback.ledger)
    running = asyncio.create_task(ringback.dispatcher.dispatch(record.id))
    await held.begun.wait()
    finder = FakeCarrier()
    item = CarrierItem("id-1", Channel.SMS, record.outbound.to.e164, Status.DELIVERED, clock.now().isoformat())
    finder.items = [item]
    clock.move(LEASE_S + 1)
    async with opened(home, finder, clock=clock) as other:
        assert (await other.telephone.status(record.id)).status == "delivered"
    held.may_end.set()
    told = await running
    assert (told.status, told.reason, told.carrier_id) == (Status.DELIVERED, "found_at_carrier", "id-1")


async def test_a_deferral_that_comes_after_the_conclusion_is_told_as_failed_and_sent_by_nobody(
    ringback: Ringback, two: Ringback, carrier: FakeCarrier, clock: FakeClock
) -> None:
    held = Held(CarrierRateLimited("later", retry_after=1))
    carrier.outcomes = [held]
    waiting = await want(ringback.telephone, Channel.SMS, send_at=moment(clock, 0))
    running = asyncio.create_task(ringback.person.answer(waiting.id, YES))
    await held.begun.wait()
    clock.move(LEASE_S + 1)
    await two.telephone.tend()
    held.may_end.set()
    told = await running
    assert (told.status, told.reason) == ("failed", "carrier_rate_limited")
    clock.move(10)
    await ringback.telephone.tend()
    assert len(carrier.sent) == 1


PAUSED = """
import asyncio, os, signal, sys
from pathlib import Path
from ringback import steps
from ringback_support.fakes import FakeCarrier, FakeClock
from ringback_support.installation import approved, opened

async def main():
    carrier, clock = FakeCarrier(), FakeClock()

    def pause(step):
        if step == "claim.committed":
            os.kill(os.getpid(), signal.SIGSTOP)
            clock.move(40)

    async with opened(Path(sys.argv[1]), carrier, clock=clock) as ringback:
        record = await approved(ringback.ledger)
        steps.listener = pause
        told = await ringback.dispatcher.dispatch(record.id)
        print(told.status, told.reason, len(carrier.sent))

asyncio.run(main())
"""


async def conclude(home: Path, clock: FakeClock) -> None:
    async with opened(home, clock=clock) as ringback:
        await ringback.telephone.tend()


def test_a_real_process_that_is_stopped_past_its_lease_posts_nothing_when_it_goes_on(
    home: Path, clock: FakeClock
) -> None:
    path = os.pathsep.join([str(Path(__file__).resolve().parents[1] / "support"), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-c", PAUSED, str(home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": path}) as child:
        _, ended = os.waitpid(child.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(ended)
        statuses = []
        for _ in range(2):
            asyncio.run(conclude(home, clock))
            statuses += rows(home, "SELECT status FROM outbound")
            clock.move(LEASE_S + 1)
        os.kill(child.pid, signal.SIGCONT)
        assert child.stdout is not None
        told = child.stdout.read()
    assert statuses == [("dispatching",), ("unknown",)]
    assert told == "failed dispatch_too_late 0\n"


# -- a process that is gone ------------------------------------------------------------------------------------------


def ended_process() -> str:
    """The owner's name of a process that has ended."""
    code = "from ringback.owner import this_process; print(this_process())"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


async def test_a_dead_process_is_concluded_at_once_and_one_of_another_machine_after_its_lease(
    ringback: Ringback, clock: FakeClock, carrier: FakeCarrier
) -> None:
    dead = await claimed(ringback.ledger, outbound(text="dead"), owner=ended_process(), lease_s=LEASE_S)
    far = await claimed(ringback.ledger, outbound(text="far"), owner=ELSEWHERE, lease_s=LEASE_S)
    mine = await claimed(ringback.ledger, outbound(text="mine"), owner=this_process(), lease_s=LEASE_S)
    await ringback.telephone.tend()
    statuses = [(await ringback.telephone.status(each.id)).status for each in (dead, far, mine)]
    assert statuses == ["unknown", "dispatching", "dispatching"]
    clock.move(LEASE_S + 0.001)
    await ringback.telephone.tend()
    statuses = [(await ringback.telephone.status(each.id)).status for each in (dead, far, mine)]
    assert statuses == ["unknown", "unknown", "unknown"]
    assert carrier.sent == []


@pytest.mark.parametrize("owner", [None, "", ":", "x", "elsewhere:", "elsewhere:0", ":1", "é:²"])
async def test_an_owner_that_cannot_be_told_is_not_gone_until_its_lease_ends(
    ringback: Ringback, home: Path, clock: FakeClock, owner: str | None
) -> None:
    record = await claimed(ringback.ledger, owner=ELSEWHERE, lease_s=LEASE_S)
    edit(home, "UPDATE outbound SET owner = ?", owner)
    assert (await ringback.telephone.status(record.id)).status == "dispatching"
    clock.move(LEASE_S + 1)
    assert (await ringback.telephone.status(record.id)).status == "unknown"


async def test_a_conclusion_from_an_old_look_at_the_row_changes_no_reason_that_was_stored_since(
    ringback: Ringback,
) -> None:
    seen = await claimed(ringback.ledger, owner="me", lease_s=LEASE_S)
    await ringback.ledger.deliveries.settle(seen, Status.UNKNOWN, reason="carrier_unavailable")
    before = await ringback.ledger.outbounds.events(seen.id)
    concluded = await ringback.ledger.deliveries.conclude(
        seen, Status.UNKNOWN, reason="dispatcher_gone", owner_is_gone=True
    )
    after = await ringback.ledger.outbounds.get(seen.id)
    assert (concluded, after.reason) == (None, "carrier_unavailable")
    assert await ringback.ledger.outbounds.events(seen.id) == before


async def test_a_server_that_asks_after_others_amid_its_own_dispatches_leaves_these_alone(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock
) -> None:
    await claimed(ringback.ledger, outbound(text="left by another"), owner=ended_process())
    held = Held(CarrierUnavailable("HTTP 500"))
    carrier.outcomes = [held]
    record = await approved(ringback.ledger, outbound(to="+14155550124"))
    running = asyncio.create_task(ringback.dispatcher.dispatch(record.id))
    await held.begun.wait()

    async def history(limit: int) -> list[CarrierItem]:
        del limit
        held.may_end.set()  # while the other one is looked for, this one's answer comes
        await running
        return []

    carrier.history = history  # type: ignore[method-assign]
    await ringback.telephone.tend()
    told = await ringback.ledger.outbounds.get(record.id)
    assert (told.status, told.reason) == (Status.UNKNOWN, "carrier_unavailable")
    del clock


async def test_two_servers_that_conclude_the_same_dispatch_tell_it_once(
    ringback: Ringback, two: Ringback, home: Path
) -> None:
    record = await claimed(ringback.ledger, owner=ended_process())
    await asyncio.gather(*(each.telephone.tend() for each in (ringback, two) for _ in range(3)))
    assert rows(home, "SELECT count(*) FROM event WHERE kind = 'concluded'") == [(1,)]
    assert (await two.telephone.status(record.id)).status == "unknown"


async def test_a_line_that_is_slow_to_answer_costs_nothing_of_the_lease(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock
) -> None:
    async def line() -> Line:
        clock.move(LEASE_S + 10)
        return await FakeCarrier.line(carrier)

    record = await approved(ringback.ledger)
    carrier.line = line  # type: ignore[method-assign]
    assert (await ringback.dispatcher.dispatch(record.id)).status is Status.ACCEPTED
