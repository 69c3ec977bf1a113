"""What the ledger's errors say, word for word: what happened, to what, and what to do next."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from ringback_support.installation import MASTER, TO, edit, ledger_in, outbound, stored

from ringback.errors import IdempotencyConflict, LedgerError, NotFound, Refused, UnreadableEntry
from ringback.keys import Keyring
from ringback.ledger.records import Level
from ringback.ledger.rekeying import Rekeying
from ringback.ledger.store import LARGEST_SEQ, read_cursor
from ringback.ledger.triggers import Use
from ringback.model.news import ReceivedText
from ringback.model.numbers import PhoneNumber
from ringback.model.outbound import Channel
from ringback.model.trigger import Definition

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from pathlib import Path

    from ringback_support.fakes import FakeClock

    from ringback.errors import RingbackError
    from ringback.ledger import Ledger

NUMBER = PhoneNumber(TO)
ANOTHER = Keyring(bytes(32))
DEFINITION = Definition(
    name="closing",
    channel=Channel.SMS,
    template="We close at {time}.",
    countries=("US",),
    hours="00:00-24:00",
    limit_per_day=1,
    callers=("crm",),
    carrier="sandbox",
)
DISK = "Check free space and permissions of the folder that RINGBACK_HOME names. Nothing more is sent until then."


async def error_of(act: Awaitable[object], kind: type[RingbackError]) -> tuple[str, str]:
    with pytest.raises(kind) as raised:
        await act
    return raised.value.message, raised.value.hint


async def test_an_id_that_no_outbound_has(ledger: Ledger) -> None:
    for unknown in ("ob_none", "ob_é"):
        assert await error_of(ledger.outbounds.get(unknown), NotFound) == (
            "No outbound has this id.",
            "Use an id that a send or history gave.",
        )


@pytest.mark.parametrize("cursor", ["", "c", "7", "x7", "c-1", "c7x", "c1" + "0" * 19, "c\u0667", "c\u00b2"])
def test_a_cursor_that_was_never_given(cursor: str) -> None:
    with pytest.raises(NotFound) as raised:
        read_cursor(cursor)
    assert (raised.value.message, raised.value.hint) == (
        "This cursor is none that history gave.",
        "Call history without a cursor.",
    )


def test_a_cursor_is_a_position_and_none_lies_beyond_the_largest() -> None:
    assert [read_cursor(cursor) for cursor in ("c0", "c7", f"c{LARGEST_SEQ}", "c" + "9" * 19)] == [
        0,
        7,
        LARGEST_SEQ,
        LARGEST_SEQ,
    ]


async def test_a_cursor_of_one_direction_is_none_of_both(ledger: Ledger) -> None:
    assert await error_of(ledger.inbox.journal(10, "c7"), NotFound) == (
        "This cursor is none that history gave.",
        "Call history without a cursor.",
    )


async def test_a_key_that_was_used_for_something_else(ledger: Ledger) -> None:
    await stored(ledger, key="k")
    again = ledger.outbounds.add(outbound(text="another"), key="k", spend=None)
    assert await error_of(again, IdempotencyConflict) == (
        "This idempotency key was used before, for another recipient, channel or content.",
        "Use a new key for a new message; repeat the first one exactly to get its receipt.",
    )


async def test_a_key_that_was_used_for_what_was_erased(ledger: Ledger) -> None:
    await stored(ledger, key="k")
    await ledger.erasure.forget(NUMBER)
    again = ledger.outbounds.add(outbound(), key="k", spend=None)
    assert await error_of(again, IdempotencyConflict) == (
        "This idempotency key was used before, for something that was erased since.",
        "Use a new key for a new message.",
    )


async def test_what_was_erased_is_told_as_that(ledger: Ledger) -> None:
    record = await stored(ledger)
    await ledger.erasure.forget(NUMBER)
    erased = await ledger.outbounds.get(record.id)
    with pytest.raises(NotFound) as raised:
        _ = erased.outbound
    assert (raised.value.message, raised.value.hint) == (
        "Number and text of this outbound were erased.",
        "Only its bare record is kept.",
    )


async def test_an_entry_that_something_else_changed(
    ledger: Ledger, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    record, kept = await stored(ledger), await stored(ledger, outbound(text="another"))
    edit(home, "UPDATE outbound SET channel = 'fax' WHERE id = ?", record.id)
    told = f"Entry {record.id} of the ledger cannot be read: something else changed it."
    assert await error_of(ledger.outbounds.get(record.id), UnreadableEntry) == (told, "Restore the ledger from a copy.")
    assert (await ledger.outbounds.page(10)).records == (kept,)
    assert caplog.messages == [
        f"entry {record.id} of the ledger cannot be read: something else changed it",
    ]


async def test_a_received_text_that_something_else_changed_is_logged_by_its_id(
    ledger: Ledger, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    received = await ledger.inbox.add("sandbox", ReceivedText("in-1", TO, "Hello", 0.0))
    assert received is not None
    edit(home, "UPDATE received SET sealed = x'00' WHERE id = ?", received.id)
    assert await ledger.inbox.page(10) == []
    assert caplog.messages == [f"entry {received.id} of the ledger cannot be read: something else changed it"]


async def test_a_trigger_that_nobody_applied_and_a_caller_that_it_does_not_name(ledger: Ledger) -> None:
    for unknown in ("opening", "öffnen"):
        assert await error_of(ledger.triggers.get(unknown), NotFound) == (
            "There is no trigger of this name.",
            "The person sees the triggers with: ringback triggers",
        )
    await ledger.triggers.apply(DEFINITION, level=Level.A2, via="terminal")
    assert await error_of(ledger.triggers.make_secret("closing", "form"), NotFound) == (
        "The trigger's definition names no such caller.",
        "The person adds the caller to callers in the file, and applies it.",
    )


async def test_a_trigger_that_something_else_changed_is_logged_by_its_id(
    ledger: Ledger, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    trigger = await ledger.triggers.apply(DEFINITION, level=Level.A2, via="terminal")
    secret = await ledger.triggers.make_secret("closing", "crm")
    edit(home, "UPDATE trigger_caller SET sealed = x'00'")
    assert await ledger.triggers.caller(trigger, secret) is None
    edit(home, "UPDATE standing_trigger SET sealed = x'00'")
    assert await ledger.triggers.standing() == []
    assert caplog.messages == [
        "a trigger's secret was changed by something else; it opens nothing",
        f"trigger {trigger.id} was changed by something else; it allows nothing",
    ]


async def test_a_trigger_that_does_not_stand_behind_an_outbound_any_more(ledger: Ledger, clock: FakeClock) -> None:
    trigger = await ledger.triggers.apply(DEFINITION, level=Level.A2, via="terminal")
    use = Use(trigger, Level.A2)
    fits = outbound(text="We close at five.")
    await ledger.outbounds.add(fits, key=None, spend=None, use=use)
    at_limit = ledger.outbounds.add(outbound(text="We close at six."), key=None, spend=None, use=use)
    assert await error_of(at_limit, Refused) == (
        "The trigger's limit of 1 a day is reached.",
        "Days are counted in UTC. The person can raise the limit in the trigger's file.",
    )
    weak = ledger.outbounds.add(outbound(text="x"), key=None, spend=None, use=replace(use, least=Level.A3))
    assert await error_of(weak, Refused) == (
        "Here an approval of level A3 is needed; the trigger was applied at A2.",
        "Ask the person. What a terminal applies is of level A2.",
    )
    assert await ledger.triggers.objection(trigger.id, fits, Level.A2) is None
    objection = await ledger.triggers.objection(trigger.id, fits, Level.A3)
    assert objection is not None
    assert objection.rule == "approval_level"
    await ledger.triggers.remove("closing")
    removed = ledger.outbounds.add(outbound(text="x"), key=None, spend=None, use=use)
    assert await error_of(removed, Refused) == ("The person removed this trigger.", "Ask the person.")
    objection = await ledger.triggers.objection(trigger.id, fits, Level.A2)
    assert objection is not None
    assert (objection.rule, objection.message, objection.hint) == (
        "allowance_revoked",
        "The person removed the trigger that this was stored under.",
        "Ask the person whether it is still wanted.",
    )


async def test_a_limit_of_a_day_names_the_next_midnight_of_utc_wherever_the_machine_is(
    ledger: Ledger, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock.move(754.5)  # past each whole unit of time
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    trigger = await ledger.triggers.apply(DEFINITION, level=Level.A2, via="terminal")
    use, now = Use(trigger, Level.A2), clock.now()
    await ledger.outbounds.add(outbound(), key=None, spend=None, use=use)
    with pytest.raises(Refused) as raised:
        await ledger.outbounds.add(outbound(text="x"), key=None, spend=None, use=use)
    monkeypatch.undo()
    time.tzset()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0).timestamp() + 86_400
    assert (raised.value.rule, raised.value.retry_at) == ("trigger_limit", midnight)
    tomorrow = replace(outbound(text="x"), send_at=midnight)
    record, _ = await ledger.outbounds.add(tomorrow, key=None, spend=None, use=use)
    assert record.level is Level.A0
    overdue = replace(outbound(text="y"), send_at=now.timestamp() - 86_400)
    with pytest.raises(Refused):
        await ledger.outbounds.add(overdue, key=None, spend=None, use=use)


def test_a_ledger_of_another_key_and_of_a_newer_version(home: Path, clock: FakeClock) -> None:
    with ledger_in(home, clock):
        pass
    with pytest.raises(LedgerError) as raised, ledger_in(home, clock, ANOTHER):
        pass
    assert (raised.value.message, raised.value.hint) == (
        "The ledger was made with another key.",
        "Restore that key (RINGBACK_KEY or the key file); without it nothing in the ledger can be read.",
    )
    with closing(sqlite3.connect(home / "ledger.db")) as connection:
        known = connection.execute("PRAGMA user_version").fetchone()[0]
        connection.execute(f"PRAGMA user_version = {known + 1}")
    with pytest.raises(LedgerError) as raised, ledger_in(home, clock):
        pass
    assert (raised.value.message, raised.value.hint) == (
        f"The ledger is of version {known + 1}; this Ringback knows versions up to {known}.",
        "Update Ringback, or point RINGBACK_HOME at another folder.",
    )


async def test_a_key_that_was_changed_while_a_process_ran(ledger: Ledger, home: Path, clock: FakeClock) -> None:
    with ledger_in(home, clock) as other:
        Rekeying(other.database, Keyring(MASTER), ANOTHER, clock).run()
    assert await error_of(ledger.takeovers.end(NUMBER), LedgerError) == (
        "The installation's key was changed while this process ran.",
        "Start it again to use the new one.",
    )


async def test_a_file_that_is_no_ledger_any_more(ledger: Ledger, home: Path, clock: FakeClock) -> None:
    edit(home, "INSERT INTO meta (name, value) VALUES ('x', 'y')")
    ledger.database.close()
    (home / "ledger.db").write_bytes(b"not a database at all, but long enough to be looked at" * 100)
    with pytest.raises(LedgerError) as raised, ledger_in(home, clock):
        pass
    assert (raised.value.message, raised.value.hint) == (
        "The ledger is damaged or was changed by something else: DatabaseError.",
        "Restore it from a copy, or move it away to begin a new one. Nothing is sent until then.",
    )


async def test_a_table_that_is_gone(ledger: Ledger, home: Path) -> None:
    with closing(sqlite3.connect(home / "ledger.db")) as connection:
        connection.execute("DROP TABLE takeover")
    assert await error_of(ledger.takeovers.stands(NUMBER), LedgerError) == (
        "The ledger cannot be used: no such table: takeover.",
        DISK,
    )


def test_a_folder_that_is_a_file(home: Path, clock: FakeClock) -> None:
    home.write_text("")
    with pytest.raises(LedgerError) as raised, ledger_in(home, clock):
        pass
    assert (raised.value.message, raised.value.hint) == (
        f"The ledger's folder cannot be used: {os.strerror(17)}.",
        DISK,
    )
