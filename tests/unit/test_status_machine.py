"""One installation under whatever comes, in whatever order: no status goes back, and nothing reaches a phone twice."""

from __future__ import annotations

import asyncio
import logging
import shutil
import sqlite3
import tempfile
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import stamina
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from ringback_support.callbacks import PlainReader, plain
from ringback_support.fakes import FakeCarrier, FakeClock
from ringback_support.installation import YES, moment, opened, want

from ringback.approvals import Answer
from ringback.dispatch import TRIES
from ringback.errors import (
    CarrierRateLimited,
    CarrierRejected,
    CarrierUnavailable,
    CarrierUnreachable,
    IdempotencyConflict,
    InvalidRequest,
    Refused,
)
from ringback.ledger.records import Choice, Level
from ringback.model.news import StatusNews
from ringback.model.numbers import PhoneNumber
from ringback.model.outbound import Acceptance, CarrierItem, Channel, Outbound, Report
from ringback.model.status import Status

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from ringback.ledger.records import Record
    from ringback.opening import Ringback

NO = Answer(Choice.NO, Level.A2, "page")
NUMBERS = ("+14155550123", "+14155550188")
BEFORE = ("draft", "awaiting_approval", "approved", "scheduled", "dispatching")
WITH_CARRIER = {"accepted": 1, "queued": 2, "sent": 3, "ringing": 3, "in_progress": 4}
LEFT: dict[str, Any] = {
    "accepted": lambda at: Acceptance(f"id-{at}", Status.ACCEPTED),
    "queued": lambda at: Acceptance(f"id-{at}", Status.QUEUED),
    "delivered": lambda at: Acceptance(f"id-{at}", Status.DELIVERED),
    "lost": lambda _: CarrierUnavailable("?"),
    "defect": lambda _: ValueError("a defect of the adapter"),
}
NOT_LEFT: dict[str, Any] = {
    "rejected": lambda _: CarrierRejected("no"),
    "unreachable": lambda _: CarrierUnreachable("no connection"),
    "later": lambda _: CarrierRateLimited("later", retry_after=1.0),
}
OUTCOMES = {**LEFT, **NOT_LEFT}
MEMORY = Path("/dev/shm")


def may_follow(new: str, old: str) -> bool:
    """What the documents promise, written down a second time: forward only, an ending absorbs, doubt only resolves."""
    if old == "unknown":
        return new not in BEFORE
    if old in WITH_CARRIER:
        return new not in BEFORE and WITH_CARRIER.get(new, 9) > WITH_CARRIER[old]
    if old in BEFORE:
        return new not in BEFORE or BEFORE.index(new) > BEFORE.index(old)
    return False


class Carrier(FakeCarrier):
    """Does to each request what the machine drew, and counts what may have reached a phone."""

    def __init__(self) -> None:
        super().__init__()
        self.callbacks = PlainReader()
        self.outcome = "accepted"
        self.reached: Counter[str] = Counter()
        self.ids: list[str] = []
        self.items = []

    async def transmit(self, outbound: Outbound) -> Acceptance:
        await super().transmit(outbound)
        self.ids.append(f"id-{len(self.sent)}")
        outcome = OUTCOMES[self.outcome](len(self.sent))
        if self.outcome in LEFT:
            self.reached[outbound.text] += 1
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


class Machine(RuleBasedStateMachine):
    """Wishes, answers, outcomes, reports, doubts, restarts, erasure."""

    template: Path
    loop: asyncio.AbstractEventLoop

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None)
        self.home = Path(self.folder.name) / "home"
        shutil.copytree(self.template, self.home)
        self.clock, self.carrier = FakeClock(), Carrier()
        self.stack = AsyncExitStack()
        self.ringback = self.open()
        self.file = sqlite3.connect(self.home / "ledger.db", isolation_level=None)
        self.wishes: list[str] = []
        self.made: list[tuple[str, Channel, str, dict[str, Any]]] = []
        self.asked = 0
        self.yes: set[str] = set()
        self.statuses: dict[str, str] = {}
        self.seen = 0
        self.held: list[Record] = []

    def run(self, task: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(task)

    def refusal(self, task: Coroutine[Any, Any, Any]) -> str | None:
        try:
            self.run(task)
        except Refused as refused:
            return refused.rule
        return None

    def open(self) -> Ringback:
        found: Ringback = self.run(self.stack.enter_async_context(opened(self.home, self.carrier, clock=self.clock)))
        return found

    def teardown(self) -> None:
        self.file.close()
        self.run(self.stack.aclose())
        self.folder.cleanup()

    def one(self, at: int) -> str:
        return self.wishes[at % len(self.wishes)]

    @initialize(outcomes=st.lists(st.sampled_from(sorted(OUTCOMES)), min_size=2, max_size=3))
    def some_were_sent(self, outcomes: list[str]) -> None:
        for outcome in outcomes:
            self.send(outcome, Channel.SMS, NUMBERS[0])

    @rule(outcome=st.sampled_from(sorted(OUTCOMES)), channel=st.sampled_from(Channel), number=st.sampled_from(NUMBERS))
    def send(self, outcome: str, channel: Channel, number: str) -> None:
        """A wish and its yes."""
        self.wish(number, channel, None, None, again=None)
        self.answer(-1, outcome, says_yes=True)

    @rule(
        number=st.sampled_from(NUMBERS),
        channel=st.sampled_from(Channel),
        in_s=st.sampled_from([None, 0, 30, 3600]),
        key=st.sampled_from([None, "k"]),
        again=st.sampled_from([None, None, 0, 1]),
    )
    def wish(self, number: str, channel: Channel, in_s: float | None, key: str | None, again: int | None) -> None:
        """A new one, or one of the newest again."""
        self.asked += again is None
        more = {"send_at": None if in_s is None else moment(self.clock, in_s), "idempotency_key": key}
        if again is not None and self.made:
            number, channel, text, more = self.made[-1 - again % len(self.made)]
        else:
            text = f"text {self.asked}"
            self.made.append((number, channel, text, more))
        try:
            receipt = self.run(want(self.ringback.telephone, channel, number, text, **more))
        except (IdempotencyConflict, InvalidRequest):  # another wish under the key; a time that is past by now
            return
        if receipt.id not in self.wishes:
            self.wishes.append(receipt.id)

    @precondition(lambda self: self.wishes)
    @rule(at=st.integers(-3, 2), outcome=st.sampled_from(sorted(OUTCOMES)), says_yes=st.booleans())
    def answer(self, at: int, outcome: str, *, says_yes: bool) -> None:
        self.carrier.outcome = outcome
        one = self.one(at)
        if says_yes:
            self.yes.add(one)
        self.run(self.ringback.person.answer(one, YES if says_yes else NO))

    @precondition(lambda self: self.wishes)
    @rule(at=st.integers(-3, 2))
    def cancel(self, at: int) -> None:
        assert self.refusal(self.ringback.telephone.cancel(self.one(at))) in {None, "too_late_to_cancel"}

    @precondition(lambda self: self.wishes)
    @rule(at=st.integers(-3, 2))
    def ask(self, at: int) -> None:
        self.run(self.ringback.telephone.status(self.one(at)))

    @rule(
        at=st.integers(-3, 2),
        status=st.sampled_from(Status),
        words=st.sampled_from([None, "x"]),
        times=st.integers(1, 2),
    )
    def callback(self, at: int, status: Status, words: str | None, times: int) -> None:
        """About an id that is known, or will be, or is nobody's."""
        news = StatusNews(f"id-{max(1, len(self.carrier.sent) + at)}", Report(status, error=words))
        request = plain(self.ringback.keyring.callback_secret("sandbox"), news)
        counted = [self.run(self.ringback.inbound.callback("sandbox", request)) for _ in range(times)]
        assert counted[1:] in ([], [0])

    @rule(at=st.integers(-3, 2), status=st.sampled_from([*Status, None]))
    def carrier_changes(self, at: int, status: Status | None) -> None:
        """What the carrier answers when it is asked about one id from now on; `None` for nothing at all."""
        if self.carrier.ids:
            said = CarrierUnavailable("?") if status is None else Report(status)
            self.carrier.reports[self.carrier.ids[at % len(self.carrier.ids)]] = said

    @rule(at=st.integers(-1, 3), status=st.sampled_from(sorted(set(Status) - {Status.DRAFT})))
    def carrier_lists(self, at: int, status: Status) -> None:
        """The carrier's history holds one of what it was handed; or nothing."""
        self.carrier.items = []
        if self.carrier.sent and at >= 0:
            sent = self.carrier.sent[-1 - at % len(self.carrier.sent)]
            number = len(self.carrier.sent) - at % len(self.carrier.sent)
            if status not in {Status.AWAITING_APPROVAL, Status.APPROVED, Status.SCHEDULED, Status.DISPATCHING}:
                when = self.clock.now().isoformat()
                self.carrier.items = [CarrierItem(f"id-{number}", sent.channel, sent.to.e164, status, when)]

    @rule(seconds=st.sampled_from([1.0, 31.0, 61.0, 601.0, 3600.0]), outcome=st.sampled_from(sorted(OUTCOMES)))
    def tend(self, seconds: float, outcome: str) -> None:
        self.carrier.outcome = outcome
        self.clock.move(seconds)
        self.run(self.ringback.telephone.tend())

    @rule(seconds=st.sampled_from([-3600.0, 3600.0]))
    def clock_jumps(self, seconds: float) -> None:
        self.clock.move(seconds)

    @precondition(lambda self: self.wishes)
    @rule(at=st.integers(-3, 2), owner=st.sampled_from(["elsewhere:1", "elsewhere:2"]))
    def another_server_takes(self, at: int, owner: str) -> None:
        """And is paused, or killed, before it posts."""
        record = self.run(self.ringback.ledger.deliveries.claim(self.one(at), owner=owner, lease_s=30.0))
        if record is not None:
            self.held.append(record)

    @precondition(lambda self: self.held)
    @rule(outcome=st.sampled_from([Status.FAILED, Status.UNKNOWN]))
    def another_server_wakes_up(self, outcome: Status) -> None:
        record = self.held.pop()
        self.run(self.ringback.ledger.deliveries.settle(record, outcome, reason="dispatch_too_late"))

    @precondition(lambda self: self.wishes)
    @rule(at=st.integers(-3, 2), sent=st.booleans())
    def a_person_resolves(self, at: int, *, sent: bool) -> None:
        assert self.refusal(self.ringback.person.resolve(self.one(at), sent=sent)) in {None, "not_in_doubt"}

    @rule(number=st.sampled_from(NUMBERS))
    def forget(self, number: str) -> None:
        self.run(self.ringback.person.forget(number))
        contact = self.ringback.keyring.contact(PhoneNumber(number))
        left = self.file.execute("SELECT DISTINCT status FROM outbound WHERE contact = ?", (contact,)).fetchall()
        assert left in ([], [("dispatching",)])

    @rule()
    def a_month_passes(self) -> None:
        self.clock.move(31 * 86_400)
        self.run(self.ringback.ledger.erasure.sweep())

    @rule()
    def restart(self) -> None:
        self.run(self.stack.aclose())
        self.stack = AsyncExitStack()
        self.ringback = self.open()

    @invariant()
    def no_status_goes_back(self) -> None:
        new = self.file.execute("SELECT seq, outbound_id, kind, status FROM event WHERE seq > ?", (self.seen,))
        for seq, outbound_id, kind, status in new.fetchall():
            self.seen = seq
            before = self.statuses.get(outbound_id)
            if kind == "deferred":
                assert (before, status) == ("dispatching", "scheduled")
            elif before is not None:
                assert may_follow(status, before), f"{before} became {status} by {kind}"
            self.statuses[outbound_id] = status
        rows = self.file.execute("SELECT id, status FROM outbound").fetchall()
        assert dict(rows) == self.statuses, "each change leaves an event"

    @invariant()
    def nothing_reaches_a_phone_twice_or_without_a_yes(self) -> None:
        rows = self.file.execute("SELECT id, attempt, erased_at IS NULL, sealed, contact, outcome FROM outbound")
        attempts = {}
        for row_id, attempt, is_kept, sealed, contact, outcome in rows.fetchall():
            attempts[row_id] = attempt
            assert is_kept or (sealed, contact, outcome) == (b"", "", None)
        assert {row_id for row_id, attempt in attempts.items() if attempt} <= self.yes
        assert sum(self.carrier.reached.values()) <= sum(1 for row_id in attempts if attempts[row_id])


@pytest.fixture(scope="module")
def template() -> Any:
    """A fresh installation, made once and copied for each example."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        home = Path(folder) / "home"

        async def make() -> None:
            async with opened(home):
                pass

        asyncio.run(make())
        yield home


def test_no_status_goes_back_in_a_thousand_times_thirty_steps(template: Path) -> None:
    Machine.template, Machine.loop = template, asyncio.new_event_loop()
    logging.disable(logging.CRITICAL)  # a thousand times thirty warnings would be kept for the report
    try:
        with stamina.set_testing(True, attempts=TRIES, cap=True):
            run_state_machine_as_test(
                Machine,
                settings=settings(
                    max_examples=1000,
                    stateful_step_count=30,
                    deadline=None,
                    derandomize=True,
                    database=None,
                    suppress_health_check=list(HealthCheck),
                ),
            )
    finally:
        logging.disable(logging.NOTSET)
        Machine.loop.close()
