"""The doctor's look into the ledger: whether it is whole and can be written, what is in doubt, what is scheduled."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ringback.keys import Keyring
    from ringback.settings import Settings

_PROBE_S: Final = 1.0
_MOST_IDS: Final = 10
_LARGE_WAL: Final = 64 * 1024 * 1024
_LATE_S: Final = 60.0
"""A scheduled one that is later than this was not sent by anything that runs as it should."""


@dataclass
class Findings:
    """What was found: `problems` keep Ringback from working, `warnings` are for a person to judge."""

    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def look(settings: Settings, keyring: Callable[[], Keyring | None], facts: dict[str, Any], *, sender: bool) -> Findings:
    """Add what is found to `facts`. `sender` tells whether a process that sends what is scheduled is seen to run.

    Raises:
        LedgerError: the ledger cannot be opened or written; what could be seen without the key is in `facts`.
        ConfigurationError: the key cannot be used; likewise.
    """
    found, path = Findings(), settings.ledger_path
    facts["file"], facts["exists"] = str(path), path.exists()
    if not facts["exists"]:
        return found
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=_PROBE_S)) as connection:
            _count(connection, facts)
            _check(connection, facts, found)
            _look_at_doubt(connection, facts, found)
            _look_at_schedule(connection, facts, found, settings=settings, sender=sender)
    except sqlite3.Error as error:
        kind = type(error).__name__
        found.problems.append(f"The ledger cannot be read: {kind}. Restore it, or move it away to begin a new one.")
        return found
    _look_at_wal(path, facts, found)
    if (keys := keyring()) is not None:
        facts["writable"] = _is_writable(path, keys)
    return found


def _count(connection: sqlite3.Connection, facts: dict[str, Any]) -> None:
    """The ledger's version and how many outbounds have which status, read and not changed."""
    facts["version"] = connection.execute("PRAGMA user_version").fetchone()[0]
    counted = connection.execute("SELECT status, count(*) FROM outbound GROUP BY status ORDER BY status")
    facts["outbounds"] = {str(status): int(count) for status, count in counted}
    facts["awaiting_approval"] = facts["outbounds"].get("awaiting_approval", 0)


def _check(connection: sqlite3.Connection, facts: dict[str, Any], found: Findings) -> None:
    """SQLite's own look at the file's structure. Its words are not repeated: they may quote what is stored."""
    facts["whole"] = [row[0] for row in connection.execute("PRAGMA quick_check(1)")] == ["ok"]
    if not facts["whole"]:
        found.problems.append("The ledger's file is damaged. End what uses it, and restore it from a copy.")


def _look_at_doubt(connection: sqlite3.Connection, facts: dict[str, Any], found: Findings) -> None:
    count = facts["outbounds"].get("unknown", 0)
    rows = connection.execute("SELECT id FROM outbound WHERE status = 'unknown' ORDER BY seq LIMIT ?", (_MOST_IDS,))
    facts["in_doubt"] = {"count": count, "ids": [str(row[0]) for row in rows]}
    if count:
        more = f" and {count - _MOST_IDS} more" if count > _MOST_IDS else ""
        found.warnings.append(
            f"{count} may or may not have gone out: {', '.join(facts['in_doubt']['ids'])}{more}. Do not send them "
            "again. Ask the recipient, or look at the carrier's own list. Then, in a terminal: ringback resolve ID "
            "sent|not-sent"
        )


def _look_at_schedule(
    connection: sqlite3.Connection, facts: dict[str, Any], found: Findings, *, settings: Settings, sender: bool
) -> None:
    """How many wait for their time, when the next one is due, and whether anything will send them."""
    from ringback.carriers.routes import parse_routes
    from ringback.model.moment import iso, tell_moment

    count = facts["outbounds"].get("scheduled", 0)
    facts["scheduled"] = {"count": count}
    if not count:
        return
    due, late, other = connection.execute(
        "SELECT min(send_at), sum(send_at < ?), sum(carrier NOT IN (SELECT value FROM json_each(?))) "
        "FROM outbound WHERE status = 'scheduled'",
        (time.time() - _LATE_S, json.dumps(parse_routes(settings.carrier_name).names)),
    ).fetchone()
    if due is None:  # it went out between the two looks
        return
    facts["scheduled"] |= {"next": iso(due), "overdue": late}
    if late:
        found.warnings.append(
            f"{late} scheduled should have gone out by now, the first on {tell_moment(due)}. Either nothing "
            "runs that sends them, or the carrier takes nothing. They are not sent when they are later than "
            f"{settings.schedule_grace_s:g} s."
        )
    if other:
        found.warnings.append(
            f"{other} scheduled are for another carrier than {settings.carrier_name}; while this one is in force they "
            "are not sent. See: ringback approve --list"
        )
    if not sender:
        found.warnings.append(
            f"{count} scheduled, the next on {tell_moment(due)}, and neither ringback serve nor the console runs. An "
            "assistant's own server would send them too; whether one runs cannot be seen from here. To be sure, start: "
            "ringback serve"
        )


def _look_at_wal(path: Path, facts: dict[str, Any], found: Findings) -> None:
    wal = path.with_name(f"{path.name}-wal")
    facts["wal_bytes"] = wal.stat().st_size if wal.exists() else 0
    if facts["wal_bytes"] > _LARGE_WAL:
        found.warnings.append(
            f"The ledger's log beside it has {facts['wal_bytes'] // 1024**2} MB: some program has the ledger open for "
            "reading all the time. End it."
        )


def _is_writable(path: Path, keyring: Keyring) -> bool:
    from ringback.clock import SystemClock
    from ringback.ledger import open_ledger

    database = open_ledger(path, keyring, SystemClock()).database
    try:
        with database.transaction("doctor"):
            return True  # for the lock was given
    finally:
        database.close()
