"""The ledger's file: made, upgraded, refused, and every fault of the disk told as what it is."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from ringback_support.fakes import FakeClock
from ringback_support.installation import approved, ledger_in, outbound, stored

from ringback.errors import LedgerError, NotFound
from ringback.keys import Keyring
from ringback.model.status import Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ringback.ledger import Ledger

CLOCK = FakeClock()


def raw(home: Path) -> sqlite3.Connection:
    """The file as another program sees it."""
    return sqlite3.connect(home / "ledger.db", isolation_level=None)


def modes(home: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in (home, *home.iterdir())}


async def test_a_fresh_file_is_migrated_private_and_usable(home: Path) -> None:
    with ledger_in(home, CLOCK) as ledger:
        assert (await stored(ledger)).status is Status.AWAITING_APPROVAL
        assert modes(home) == {"home": 0o700, "ledger.db": 0o600, "ledger.db-wal": 0o600, "ledger.db-shm": 0o600}
    found = raw(home)
    assert found.execute("PRAGMA user_version").fetchone()[0] >= 1
    assert found.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert found.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    found.close()


async def test_a_ledger_is_opened_again_with_what_it_held(home: Path) -> None:
    with ledger_in(home, CLOCK) as ledger:
        record = await stored(ledger)
    with ledger_in(home, CLOCK) as ledger:
        assert await ledger.outbounds.get(record.id) == record


def test_a_ledger_from_a_newer_version_is_refused_and_left_alone(home: Path) -> None:
    with ledger_in(home, CLOCK):
        pass
    newer = raw(home)
    newer.execute("PRAGMA user_version = 99")
    with pytest.raises(LedgerError, match="version 99"), ledger_in(home, CLOCK):
        pass
    assert newer.execute("PRAGMA user_version").fetchone()[0] == 99
    newer.close()


def test_a_ledger_that_another_key_made_is_refused_at_once(home: Path) -> None:
    with ledger_in(home, CLOCK):
        pass
    with pytest.raises(LedgerError, match="another key"), ledger_in(home, CLOCK, Keyring(bytes(32))):
        pass
    with ledger_in(home, CLOCK):
        pass


@pytest.mark.parametrize("content", [b"This is no database. " * 100, b"SQLite format 3\0" + b"\xff" * 4096])
def test_a_file_that_is_no_ledger_is_refused_and_kept(home: Path, content: bytes) -> None:
    home.mkdir()
    (home / "ledger.db").write_bytes(content)
    with pytest.raises(LedgerError), ledger_in(home, CLOCK):
        pass
    assert (home / "ledger.db").read_bytes() == content


def test_a_home_that_cannot_be_a_folder_is_a_ledger_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for home in (tmp_path / "file", tmp_path / "file" / "home", Path("/proc/nowhere")):
        with pytest.raises(LedgerError, match="folder cannot be used"), ledger_in(home, CLOCK):
            pass


@pytest.mark.parametrize("table", ["event", "approval"])
@pytest.mark.parametrize("change", ["UPDATE {} SET seq = seq + 1", "DELETE FROM {}"])
async def test_events_and_approvals_are_never_changed_or_deleted(home: Path, table: str, change: str) -> None:
    with ledger_in(home, CLOCK) as ledger:
        await approved(ledger)
        other = raw(home)
        before = other.execute(f"SELECT * FROM {table}").fetchall()
        assert before
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            other.execute(change.format(table))
        assert other.execute(f"SELECT * FROM {table}").fetchall() == before
        other.close()


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE outbound SET status = 'somewhere'",
        "UPDATE outbound SET channel = 'mms'",
        "UPDATE outbound SET channel = 'fax'",
        "UPDATE outbound SET level = 'A9'",
        "UPDATE outbound SET sealed = x'00'",
        "UPDATE outbound SET sealed = zeroblob(60)",
        "UPDATE outbound SET outcome = x'0102'",
    ],
)
async def test_a_row_that_somebody_changed_is_told_as_damaged_and_not_believed(home: Path, damage: str) -> None:
    with ledger_in(home, CLOCK) as ledger:
        record = await stored(ledger)
        other = raw(home)
        other.execute(damage)
        other.close()
        with pytest.raises(LedgerError):
            await ledger.outbounds.get(record.id)


async def test_two_rows_cannot_exchange_their_content(home: Path) -> None:
    with ledger_in(home, CLOCK) as ledger:
        one, two = await stored(ledger), await stored(ledger, outbound(text="Another text"))
        other = raw(home)
        other.execute(
            "UPDATE outbound SET sealed = (SELECT sealed FROM outbound WHERE id = ?) WHERE id = ?", (two.id, one.id)
        )
        other.close()
        with pytest.raises(LedgerError, match="cannot be opened"):
            await ledger.outbounds.get(one.id)


async def fill(ledger: Ledger) -> None:
    for at in range(200):
        await stored(ledger, outbound(text=f"{at} " + "x" * 1500))


async def test_a_full_disk_is_told_and_nothing_is_half_stored(home: Path) -> None:
    with ledger_in(home, CLOCK) as ledger:
        kept = await stored(ledger)
        pages = ledger.database._connection.execute("PRAGMA page_count").fetchone()[0]
        ledger.database._connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(LedgerError, match="full"):
            await fill(ledger)
        page = await ledger.outbounds.page(100)
        for record in page.records:
            assert [event.kind for event in await ledger.outbounds.events(record.id)] == ["stored"]
        assert page.records[-1] == kept


async def test_a_locked_ledger_is_told_after_the_time_to_wait(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ringback.ledger.database._BUSY_TIMEOUT_MS", 20)
    with ledger_in(home, CLOCK) as ledger:
        record = await approved(ledger)
        other = raw(home)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerError, match="locked"):
            await ledger.deliveries.claim(record.id, owner="me", lease_s=240)
        assert (await ledger.outbounds.get(record.id)).status is Status.APPROVED
        other.execute("ROLLBACK")
        other.close()
        assert await ledger.deliveries.claim(record.id, owner="me", lease_s=240) is not None


@pytest.fixture
def beginner(home: Path) -> Iterator[sqlite3.Connection]:
    """Another process, amid making the same fresh ledger."""
    home.mkdir()
    connection = raw(home)
    connection.execute("BEGIN IMMEDIATE")
    yield connection
    connection.close()


def test_a_fresh_ledger_that_another_process_is_making_is_waited_for(
    home: Path, beginner: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ringback.ledger.database.time.sleep", lambda _: beginner.execute("ROLLBACK"))
    with ledger_in(home, CLOCK) as ledger:
        assert ledger.database._version() >= 1


@pytest.mark.usefixtures("beginner")
def test_a_fresh_ledger_that_stays_locked_is_told(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ringback.ledger.database._BUSY_TIMEOUT_MS", 20)
    with pytest.raises(LedgerError, match="locked"), ledger_in(home, CLOCK):
        pass


READ_ONLY = """
import asyncio, os, sys
from pathlib import Path
from ringback.errors import LedgerError
from ringback_support.fakes import FakeClock
from ringback_support.installation import ledger_in, outbound, stored

home, warm = Path(sys.argv[1]), Path(sys.argv[2])

async def main():
    with ledger_in(warm, FakeClock()) as ledger:
        await stored(ledger)  # everything is imported before the rights are given up
    if os.geteuid() == 0:
        os.setgid(65534)
        os.setuid(65534)
    try:
        with ledger_in(home, FakeClock()) as ledger:
            await stored(ledger)
    except LedgerError as error:
        print(error)

asyncio.run(main())
"""


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_ledger_that_may_not_be_written_is_told(what: str) -> None:
    # Not in pytest's folder: a process without rights has to get there.
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        with ledger_in(home, CLOCK):
            pass
        for path, mode in ((Path(folder), 0o755), (home / "ledger.db", 0o444), (home, 0o555)):
            path.chmod(mode)
        if what == "folder":
            (home / "ledger.db").chmod(0o666)
        support = Path(__file__).resolve().parents[1] / "support"
        child = subprocess.run(
            [sys.executable, "-c", READ_ONLY, str(home), str(Path(folder) / "warm")],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(support), os.environ.get("PYTHONPATH", "")])},
        )
        home.chmod(0o700)
    assert (child.returncode, child.stderr) == (0, "")
    assert "The ledger" in child.stdout
    assert "cannot be used" in child.stdout


@pytest.mark.parametrize("cursor", ["", "c", "1", "c-1", "cx", "c1x", "c" + "9" * 30, "c\u0661", "x" * 1000])
async def test_a_cursor_that_history_never_gave_is_refused(home: Path, cursor: str) -> None:
    with ledger_in(home, CLOCK) as ledger, pytest.raises(NotFound):
        await ledger.outbounds.page(10, cursor)


@pytest.mark.parametrize(
    "outbound_id", ["", "ob_x", "x" * 100_000, "'; DROP TABLE outbound; --", "\x00", "\ud800", "é"]
)
async def test_an_id_that_is_none_is_not_found_whatever_it_holds(home: Path, outbound_id: str) -> None:
    with ledger_in(home, CLOCK) as ledger:
        await stored(ledger)
        with pytest.raises(NotFound):
            await ledger.outbounds.get(outbound_id)
        assert await ledger.outbounds.page(10)
