"""Failing closed: lock, key, version, file. Nothing is sent, or it was and that is said; nothing is lost."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from ringback_support.failing import fails, is_whole, statuses
from ringback_support.installation import TEXT, TO, YES, allow, edit, moment, opened, rows, scheduled, want

from ringback.errors import ConfigurationError, LedgerError
from ringback.lease import LEASE_S
from ringback.model.news import Inbox, ReceivedText
from ringback.model.outbound import Acceptance, Channel, Outbound, Report
from ringback.model.status import Status

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from ringback_support.fakes import FakeCarrier, FakeClock

    from ringback.opening import Ringback


# -- the ledger is locked --------------------------------------------------------------------------------------------


async def test_a_ledger_that_stays_locked_sends_nothing_and_loses_nothing(
    home: Path, carrier: FakeCarrier, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ringback.ledger.database._BUSY_TIMEOUT_MS", 10)
    async with opened(home, carrier, clock=clock) as ringback:
        waiting = await want(ringback.telephone, Channel.SMS)
        tries: list[Callable[[], Awaitable[Any]]] = [
            lambda: want(ringback.telephone, Channel.SMS, text="another"),
            lambda: ringback.person.answer(waiting.id, YES),
            lambda: ringback.telephone.cancel(waiting.id),
            lambda: ringback.person.forget(TO),
        ]
        with closing(sqlite3.connect(home / "ledger.db", isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            for each in tries:
                assert "locked" in (await fails(each())).message
            assert (await ringback.telephone.status(waiting.id)).status == "awaiting_approval"
            other.execute("ROLLBACK")
        assert carrier.sent == []
        assert (await ringback.person.answer(waiting.id, YES)).status == "accepted"
    assert is_whole(home)


async def test_an_outcome_that_a_lock_keeps_out_is_said_and_concluded_later(
    home: Path, carrier: FakeCarrier, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ringback.ledger.database._BUSY_TIMEOUT_MS", 10)
    locks: list[sqlite3.Connection] = []

    async def then_locked(_: Outbound) -> Acceptance:
        locks.append(sqlite3.connect(home / "ledger.db", isolation_level=None))
        locks[0].execute("BEGIN EXCLUSIVE")
        return Acceptance("id-1", Status.SENT)

    carrier.outcomes = [then_locked]
    async with opened(home, carrier, clock=clock) as ringback:
        waiting = await want(ringback.telephone, Channel.SMS)
        error = await fails(ringback.person.answer(waiting.id, YES))
        assert "was handed to the carrier" in error.message
        locks[0].close()
        clock.move(LEASE_S + 1)
        await ringback.telephone.tend()
        assert (await ringback.telephone.status(waiting.id)).status == "unknown"
    assert len(carrier.sent) == 1


# -- the key ---------------------------------------------------------------------------------------------------------


async def test_a_key_that_is_lost_opens_nothing_sends_nothing_and_changes_nothing(
    home: Path, carrier: FakeCarrier, clock: FakeClock
) -> None:
    async with opened(home, carrier, clock=clock) as ringback:
        await want(ringback.telephone, Channel.SMS)
    key = (home / "key").read_bytes()
    (home / "key").unlink()
    before = rows(home, "SELECT * FROM outbound")
    with pytest.raises((LedgerError, ConfigurationError)) as caught:
        async with opened(home, carrier, clock=clock):
            pass
    assert "key" in caught.value.hint
    assert rows(home, "SELECT * FROM outbound") == before
    (home / "key").unlink(missing_ok=True)
    (home / "key").write_bytes(key)
    (home / "key").chmod(0o600)
    async with opened(home, carrier, clock=clock) as ringback:
        assert [question.text for question in await ringback.person.waiting()] == [TEXT]
    assert carrier.sent == []


@pytest.mark.parametrize("key", ["00" * 32, "AA==", "not a key", ""])
async def test_a_wrong_key_is_refused_at_the_start(
    home: Path, carrier: FakeCarrier, clock: FakeClock, key: str
) -> None:
    async with opened(home, carrier, clock=clock, key="11" * 32) as ringback:
        await want(ringback.telephone, Channel.SMS)
    with pytest.raises((LedgerError, ConfigurationError)) as caught:
        async with opened(home, carrier, clock=clock, key=key):
            pass
    assert caught.value.hint
    assert "1111" not in str(caught.value)


async def test_a_key_that_was_changed_while_a_process_ran_lets_it_write_and_send_nothing_more(
    home: Path, carrier: FakeCarrier, clock: FakeClock
) -> None:
    async with opened(home, carrier, clock=clock) as ringback:
        waiting = await want(ringback.telephone, Channel.SMS)
        edit(home, "UPDATE meta SET value = 'another' WHERE name = 'key'")
        before = rows(home, "SELECT * FROM outbound") + rows(home, "SELECT * FROM event")
        tries: list[Callable[[], Awaitable[Any]]] = [
            lambda: want(ringback.telephone, Channel.SMS, text="another"),
            lambda: ringback.person.answer(waiting.id, YES),
            lambda: ringback.person.forget(TO),
            lambda: ringback.telephone.cancel(waiting.id),
        ]
        for each in tries:
            assert "key was changed" in (await fails(each())).message
        clock.move(601)
        await fails(ringback.telephone.tend())
    assert rows(home, "SELECT * FROM outbound") + rows(home, "SELECT * FROM event") == before
    assert carrier.sent == []


async def test_a_key_that_was_changed_amid_a_dispatch_is_said_with_what_left(
    home: Path, carrier: FakeCarrier, clock: FakeClock
) -> None:
    async def changed(_: Outbound) -> Acceptance:
        edit(home, "UPDATE meta SET value = 'another' WHERE name = 'key'")
        return Acceptance("id-1", Status.SENT)

    carrier.outcomes = [changed]
    async with opened(home, carrier, clock=clock) as ringback:
        waiting = await want(ringback.telephone, Channel.SMS)
        error = await fails(ringback.person.answer(waiting.id, YES))
    assert "was handed to the carrier" in error.message
    assert statuses(home) == ["dispatching"]


# -- the file --------------------------------------------------------------------------------------------------------


async def test_a_ledger_of_a_newer_version_is_neither_opened_nor_changed(
    home: Path, carrier: FakeCarrier, clock: FakeClock
) -> None:
    async with opened(home, carrier, clock=clock) as ringback:
        await want(ringback.telephone, Channel.SMS)
    with closing(sqlite3.connect(home / "ledger.db", isolation_level=None)) as other:
        other.execute("PRAGMA user_version = 99")
    with pytest.raises(LedgerError, match="version 99") as caught:
        async with opened(home, carrier, clock=clock):
            pass
    assert "Update Ringback" in caught.value.hint
    assert rows(home, "PRAGMA user_version") == [(99,)]


async def use(home: Path, carrier: FakeCarrier, clock: FakeClock) -> None:
    async with opened(home, carrier, clock=clock) as ringback:
        await ringback.telephone.tend()
        await ringback.telephone.history(100)
        for at in range(20):
            await want(ringback.telephone, Channel.VOICE, text=f"{at} " + "x" * 1000)


@pytest.mark.parametrize("damage", ["truncated", "overwritten", "emptied", "another file"])
async def test_a_damaged_file_sends_nothing_and_is_told_with_what_to_do(
    home: Path, carrier: FakeCarrier, clock: FakeClock, damage: str
) -> None:
    async with opened(home, carrier, clock=clock) as ringback:
        await allow(ringback)
        for at in range(20):
            await want(ringback.telephone, Channel.VOICE, text=f"{at} " + "x" * 1000)
    path = home / "ledger.db"
    whole = path.read_bytes()
    path.write_bytes(
        {
            "truncated": whole[: len(whole) // 2],
            "overwritten": whole[:4096] + b"\xff" * (len(whole) - 4096),
            "emptied": b"\0" * len(whole),
            "another file": b"This is no database. " * 1000,
        }[damage]
    )
    await fails(use(home, carrier, clock))
    assert carrier.sent == []


async def test_a_wal_that_was_cut_off_is_a_ledger_of_an_earlier_moment_and_sends_nothing_twice(
    home: Path, carrier: FakeCarrier, clock: FakeClock
) -> None:
    async with opened(home, carrier, clock=clock) as ringback:
        await ringback.person.answer((await want(ringback.telephone, Channel.SMS)).id, YES)
        wal = (home / "ledger.db-wal").read_bytes()
        copy = home.parent / "copy"
        copy.mkdir()
        for name in ("ledger.db", "key"):
            (copy / name).write_bytes((home / name).read_bytes())
            (copy / name).chmod(0o600)
        (copy / "ledger.db-wal").write_bytes(wal[: len(wal) - 1000])
    async with opened(copy, carrier, clock=clock) as ringback:
        clock.move(LEASE_S + 1)
        await ringback.telephone.tend()
        (item,) = (await ringback.telephone.history()).items
        assert item.status == "unknown", "the fence was on the disk before the request"
    assert len(carrier.sent) == 1


async def test_a_row_that_something_else_changed_is_not_sent_and_hides_no_other(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await allow(ringback)
    due = [await want(ringback.telephone, Channel.SMS, text=text, send_at=moment(clock, 60)) for text in "abc"]
    edit(home, "UPDATE outbound SET sealed = x'00' WHERE id = ?", due[0].id)
    edit(
        home,
        "UPDATE outbound SET sealed = (SELECT sealed FROM outbound WHERE id = ?) WHERE id = ?",
        due[2].id,
        due[1].id,
    )
    clock.move(60)
    await ringback.telephone.tend()
    assert [wish.text for wish in carrier.sent] == ["c"]
    assert "a dispatch failed" in caplog.text
    assert len((await ringback.telephone.history()).items) == 1


@pytest.mark.parametrize("status", ["scheduled", "approved"])
async def test_a_row_that_something_else_changed_stops_no_other_work(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock, home: Path, status: str
) -> None:
    sent = await ringback.person.answer((await want(ringback.telephone, Channel.SMS, text="sent")).id, YES)
    due = await scheduled(ringback, 60)
    edit(home, "UPDATE outbound SET sealed = x'00', status = ? WHERE id = ?", status, due.id)
    carrier.reports["id-1"] = Report(Status.DELIVERED)
    carrier.texts = Inbox((ReceivedText("in-1", "BANK", "Hello.", 0.0),), "1")
    clock.move(60)
    await ringback.telephone.tend()
    assert (await ringback.ledger.outbounds.get(sent.id)).status is Status.DELIVERED
    assert len(await ringback.person.received()) == 1
