"""What must be on the disk before it is told, and what need not: the named transactions, as the database sees them."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

import pytest
from ringback_support.installation import KEYRING, TO, claimed, grant, ledger_in, stored

from ringback.keys import Keyring
from ringback.ledger.records import Choice, Level
from ringback.ledger.rekeying import Rekeying
from ringback.model.news import ReceivedText, StatusNews
from ringback.model.numbers import PhoneNumber
from ringback.model.outbound import Acceptance, Channel, Report
from ringback.model.status import Status
from ringback.model.trigger import Definition

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from ringback_support.fakes import FakeClock

    from ringback.ledger import Ledger

NUMBER = PhoneNumber(TO)
TRIGGER = Definition(
    name="crm",
    channel=Channel.SMS,
    template="Hello.",
    countries=("US",),
    hours="00:00-24:00",
    limit_per_day=3,
    callers=("crm",),
    carrier="sandbox",
)


class Transactions:
    """The name of each transaction that was committed, and whether the commit waited for the disk."""

    def __init__(self) -> None:
        self.synchronous = ""
        self.seen: list[tuple[str, bool]] = []

    def executed(self, statement: str) -> None:
        if statement.startswith("PRAGMA synchronous"):
            self.synchronous = statement.rpartition(" ")[2]

    def reached(self, step: str) -> None:
        name, _, at = step.rpartition(".")
        if at == "committed":
            self.seen.append((name, self.synchronous == "FULL"))


@pytest.fixture
def transactions(monkeypatch: pytest.MonkeyPatch) -> Transactions:
    seen, connect = Transactions(), sqlite3.connect

    def watched(*args: Any, **more: Any) -> sqlite3.Connection:
        connection = connect(*args, **more)
        connection.set_trace_callback(seen.executed)
        return connection

    monkeypatch.setattr(sqlite3, "connect", watched)
    monkeypatch.setattr("ringback.steps.listener", seen.reached)
    return seen


@pytest.fixture
def ledger(home: Path, clock: FakeClock, transactions: Transactions) -> Iterator[Ledger]:
    with ledger_in(home, clock) as ledger:
        yield ledger


def test_a_new_ledger_is_on_the_disk_before_it_is_used(ledger: Ledger, transactions: Transactions) -> None:
    assert transactions.seen == [("migrate", True), ("meta", True)]


async def a_takeover(ledger: Ledger) -> None:
    await ledger.takeovers.begin(NUMBER, via="page")


async def a_takeover_given_back(ledger: Ledger) -> None:
    await ledger.takeovers.end(NUMBER)


async def an_opt_out(ledger: Ledger) -> None:
    await ledger.opt_outs.begin(NUMBER, via="text")


async def a_list_of_opt_outs(ledger: Ledger) -> None:
    await ledger.opt_outs.begin_all([NUMBER], via="import")


async def a_lifted_opt_out(ledger: Ledger) -> None:
    await ledger.opt_outs.lift(NUMBER)


async def a_confirmed_opt_out(ledger: Ledger) -> None:
    await ledger.opt_outs.confirmed("oo_x")


async def a_zone(ledger: Ledger) -> None:
    await ledger.zones.name(NUMBER, "Asia/Tokyo")


async def a_dropped_zone(ledger: Ledger) -> None:
    await ledger.zones.drop(NUMBER)


async def a_postponement(ledger: Ledger) -> None:
    await ledger.deliveries.postpone("ob_x", until=0.0, reason="x")


async def a_corrected_price(ledger: Ledger) -> None:
    await ledger.spending.correct("ob_x", 1)


async def an_allowance(ledger: Ledger) -> str:
    return await ledger.consents.allow(NUMBER, grant(), level=Level.A2, via="terminal")


async def a_revocation(ledger: Ledger) -> None:
    await ledger.consents.revoke(await an_allowance(ledger))


async def an_answer(ledger: Ledger) -> None:
    await ledger.consents.answer(await stored(ledger), Choice.ONCE, level=Level.A2, via="page")


async def a_question(ledger: Ledger) -> None:
    await ledger.consents.ask((await stored(ledger)).id, "nonce")


async def a_passkey(ledger: Ledger) -> Any:
    return await ledger.passkeys.add(credential_id=b"c", public_key=b"p", sign_count=0, label="phone")


async def a_use_of_a_passkey(ledger: Ledger) -> None:
    await ledger.passkeys.use(await a_passkey(ledger), 1)


async def an_endpoint(ledger: Ledger) -> None:
    await ledger.endpoints.put("texts", "secret")


async def a_closed_endpoint(ledger: Ledger) -> None:
    await ledger.endpoints.drop("texts")


async def a_trigger(ledger: Ledger) -> None:
    await ledger.triggers.apply(TRIGGER, level=Level.A2, via="terminal")


async def a_callers_secret(ledger: Ledger) -> None:
    await a_trigger(ledger)
    await ledger.triggers.make_secret("crm", "crm")


async def a_removed_trigger(ledger: Ledger) -> None:
    await ledger.triggers.remove("crm")


async def a_forgotten_person(ledger: Ledger) -> None:
    await ledger.erasure.forget(NUMBER)


async def a_wish(ledger: Ledger) -> None:
    await stored(ledger)


async def a_cancelled_wish(ledger: Ledger) -> None:
    await ledger.outbounds.move((await stored(ledger)).id, {Status.AWAITING_APPROVAL}, Status.CANCELLED, reason="x")


async def a_claim(ledger: Ledger) -> None:
    await claimed(ledger)


async def a_beat(ledger: Ledger) -> None:
    await ledger.deliveries.beat(await claimed(ledger), lease_s=60)


async def a_deferral(ledger: Ledger) -> None:
    await ledger.deliveries.defer(await claimed(ledger), reason="x", until=0)


async def an_acceptance(ledger: Ledger) -> Any:
    claim = await claimed(ledger)
    return await ledger.deliveries.settle(claim, Status.ACCEPTED, acceptance=Acceptance("id-1", Status.ACCEPTED))


async def an_end_of_doubt(ledger: Ledger) -> None:
    await ledger.deliveries.conclude(await claimed(ledger), Status.UNKNOWN, reason="x", owner_is_gone=True)


async def a_report_that_was_asked_for(ledger: Ledger) -> None:
    await ledger.deliveries.learn(await an_acceptance(ledger), Report(Status.DELIVERED))


async def a_report_that_came_by_itself(ledger: Ledger) -> None:
    await ledger.deliveries.reported("sandbox", StatusNews("id-9", Report(Status.DELIVERED)))


async def a_received_text(ledger: Ledger) -> None:
    await ledger.inbox.add("sandbox", ReceivedText("in-1", TO, "Hello", 0.0))


async def an_expiry(ledger: Ledger, clock: FakeClock) -> None:
    await stored(ledger)
    clock.move(601)
    await ledger.outbounds.expire()


async def a_poll(ledger: Ledger, clock: FakeClock) -> None:
    await an_acceptance(ledger)
    clock.move(2)
    await ledger.deliveries.take_polls("sandbox", 10)


async def an_erasure(ledger: Ledger, clock: FakeClock) -> None:
    await a_cancelled_wish(ledger)
    clock.move(31 * 86_400.0)
    await ledger.erasure.sweep()


async def a_read_inbox(ledger: Ledger) -> None:
    await ledger.inbox.read_to("sandbox", "9")


@pytest.mark.parametrize(
    ("act", "name"),
    [
        (a_takeover, "take_over"),
        (a_takeover_given_back, "give_back"),
        (an_opt_out, "opt_out"),
        (a_list_of_opt_outs, "opt_out"),
        (a_lifted_opt_out, "opt_in"),
        (a_zone, "zone"),
        (a_dropped_zone, "zone"),
        (an_allowance, "allow"),
        (a_revocation, "revoke"),
        (an_answer, "answer"),
        (a_passkey, "passkey_add"),
        (a_use_of_a_passkey, "passkey_change"),
        (an_endpoint, "endpoint_secret"),
        (a_closed_endpoint, "endpoint_secret"),
        (a_trigger, "apply_trigger"),
        (a_callers_secret, "trigger_secret"),
        (a_removed_trigger, "remove_trigger"),
        (a_forgotten_person, "forget"),
        (a_cancelled_wish, "move"),
        (a_claim, "claim"),
        (an_end_of_doubt, "conclude"),
        (a_report_that_came_by_itself, "reported"),
        (a_received_text, "received"),
    ],
)
async def test_what_would_cost_a_double_or_a_persons_word_is_on_the_disk_before_it_is_told(
    ledger: Ledger, transactions: Transactions, act: Callable[[Ledger], Awaitable[object]], name: str
) -> None:
    await act(ledger)
    assert transactions.seen[-1] == (name, True)


@pytest.mark.parametrize(
    ("act", "name"),
    [
        (a_wish, "store"),
        (a_question, "ask"),
        (a_beat, "beat"),
        (a_deferral, "defer"),
        (a_postponement, "postpone"),
        (a_corrected_price, "price"),
        (a_confirmed_opt_out, "opt_out_confirmed"),
        (an_acceptance, "settle"),
        (a_report_that_was_asked_for, "learn"),
        (a_read_inbox, "inbox"),
    ],
)
async def test_what_can_be_found_out_again_waits_for_no_disk(
    ledger: Ledger, transactions: Transactions, act: Callable[[Ledger], Awaitable[object]], name: str
) -> None:
    await act(ledger)
    assert transactions.seen[-1] == (name, False)


@pytest.mark.parametrize(("act", "name"), [(an_expiry, "expire"), (a_poll, "poll"), (an_erasure, "erase")])
async def test_what_time_brings_waits_for_no_disk(
    ledger: Ledger,
    transactions: Transactions,
    clock: FakeClock,
    act: Callable[[Ledger, FakeClock], Awaitable[object]],
    name: str,
) -> None:
    await act(ledger, clock)
    assert transactions.seen[-1] == (name, False)


def test_a_rotation_is_on_the_disk_before_the_new_key_is_used(
    ledger: Ledger, transactions: Transactions, clock: FakeClock
) -> None:
    Rekeying(ledger.database, KEYRING, Keyring(bytes(32)), clock).run()
    assert transactions.seen[-1] == ("rotate", True)
