"""SQLite as the ledger uses it: WAL, short transactions, full sync where a crash would cost a double.

`sqlite3` is used directly, on the event loop's own thread: docs/decisions/0003. Every fault of the
database leaves here as a `LedgerError`.
"""

from __future__ import annotations

import re
import sqlite3
import time
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from ringback.errors import LedgerError
from ringback.steps import reached

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_BUSY_TIMEOUT_MS = 10_000
_BUSY_PAUSE_S = 0.01
_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)
_DISK_HINT = "Check free space and permissions of the folder that RINGBACK_HOME names. Nothing more is sent until then."


@cache
def _queries() -> dict[str, str]:
    """The statements of `queries.sql` by name."""
    text = files(__package__).joinpath("queries.sql").read_text(encoding="utf-8")
    parts = _NAME.split(text)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@cache
def _migrations() -> tuple[str, ...]:
    """The numbered migrations in order; the ledger's version is how many were applied."""
    folder = files(__package__).joinpath("migrations")
    names = sorted(item.name for item in folder.iterdir() if item.name.endswith(".sql"))
    return tuple(folder.joinpath(name).read_text(encoding="utf-8") for name in names)


class Database:
    """One connection to the ledger's file."""

    def __init__(self, path: Path) -> None:
        self._durable: bool | None = None
        self.key: str | None = None
        """The fingerprint of the key that rows are written under; `None` before it is known."""
        with _faults:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.touch(mode=0o600, exist_ok=True)
            self._connection = sqlite3.connect(path, isolation_level=None, timeout=_BUSY_TIMEOUT_MS / 1000)
        try:
            with _faults:
                self._connection.row_factory = sqlite3.Row
                self._use_wal()
                self._connection.execute("PRAGMA synchronous = NORMAL")
                self._connection.execute("PRAGMA foreign_keys = ON")
                self._connection.execute("PRAGMA secure_delete = ON")
                self._migrate()
        except LedgerError:
            self._connection.close()
            raise

    def _use_wal(self) -> None:
        """Switch the file to WAL. On a fresh one, SQLite does not wait for others that do so at the same moment."""
        deadline = time.monotonic() + _BUSY_TIMEOUT_MS / 1000
        while True:
            try:
                self._connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(_BUSY_PAUSE_S)
            else:
                return

    def _migrate(self) -> None:
        """Bring the file to this version; refuse one that a newer version made."""
        known = len(_migrations())
        if self._version() == known:
            return
        with self.transaction("migrate", durable=True):
            found = self._version()
            if found > known:
                raise LedgerError(
                    f"The ledger is of version {found}; this Ringback knows versions up to {known}.",
                    hint="Update Ringback, or point RINGBACK_HOME at another folder.",
                )
            for script in _migrations()[found:]:
                for statement in _statements(script):
                    self._connection.execute(statement)
            self._connection.execute(f"PRAGMA user_version = {known}")

    def _version(self) -> int:
        return int(self._connection.execute("PRAGMA user_version").fetchone()[0])

    @contextmanager
    def transaction(self, name: str, *, durable: bool = False) -> Iterator[None]:
        """One short write transaction; `durable` waits until it is on the disk before it returns.

        `name` says what it stores; its steps are known by it.

        Raises:
            LedgerError: it could not be begun or committed; then nothing of it is stored.
        """
        with _faults:
            if durable is not self._durable:
                self._connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
                self._durable = durable
            reached(f"{name}.begin")
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                self._check_key()
                yield
                reached(f"{name}.commit")
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
            reached(f"{name}.committed")

    def _check_key(self) -> None:
        """Write nothing under a key that another process has replaced since this one read it."""
        if self.key is None:
            return
        row = self._connection.execute("SELECT value FROM meta WHERE name = 'key'").fetchone()
        if row is None or row[0] != self.key:
            raise LedgerError(
                "The installation's key was changed while this process ran.",
                hint="Start it again to use the new one.",
            )

    def one(self, name: str, **values: Any) -> sqlite3.Row | None:
        """The first row of a named statement."""
        with _faults:
            row: sqlite3.Row | None = self._connection.execute(_queries()[name], values).fetchone()
            return row

    def all(self, name: str, **values: Any) -> list[sqlite3.Row]:
        """Every row of a named statement."""
        with _faults:
            return self._connection.execute(_queries()[name], values).fetchall()

    def run(self, name: str, **values: Any) -> None:
        """A named statement that gives nothing back."""
        with _faults:
            self._connection.execute(_queries()[name], values)

    def script(self, statement: str) -> None:
        """One statement that the database itself gave, such as a trigger's own text."""
        with _faults:
            self._connection.execute(statement)

    def meta(self, name: str, default: str) -> str:
        """The value stored under `name`; `default` is stored when there is none yet."""
        with self.transaction("meta", durable=True):
            self._connection.execute("INSERT OR IGNORE INTO meta (name, value) VALUES (?, ?)", (name, default))
            return str(self._connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()[0])

    def peek_meta(self, name: str) -> str | None:
        """The value stored under `name`, if any."""
        with _faults:
            row = self._connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
            return None if row is None else str(row[0])

    def truncate_wal(self) -> None:
        """Bring everything into the file and empty the log beside it, as far as other processes let us."""
        with _faults:
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def _statements(script: str) -> Iterator[str]:
    """The statements of a script, so that a migration runs inside one transaction."""
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""


class _Faults:
    """Turns the database's own errors into ours; none of them repeats a value."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, sqlite3.OperationalError):
            raise LedgerError(f"The ledger cannot be used: {error}.", hint=_DISK_HINT) from None
        if isinstance(error, sqlite3.DatabaseError):
            raise LedgerError(
                f"The ledger is damaged or was changed by something else: {type(error).__name__}.",
                hint="Restore it from a copy, or move it away to begin a new one. Nothing is sent until then.",
            ) from None
        if isinstance(error, OSError):
            raise LedgerError(f"The ledger's folder cannot be used: {error.strerror}.", hint=_DISK_HINT) from None


_faults = _Faults()
