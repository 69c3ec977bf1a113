"""Ledgers of any size for `bench.growth`: real outbounds, copied with fresh ids and sealed content.

What is copied was written by the code itself, and all columns of it are copied: a new column needs nothing here.
"""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.growth_examples import ANSWER, START, InstantCarrier, StandingClock, examples, number, opened

from ringback.model.numbers import PhoneNumber

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ringback.keys import Keyring

DAYS = 25
"""Over so many days the outbounds are spread: less than the time after which they are erased."""
OPEN = 100
"""Outbounds that are still with the carrier, all of the last hour."""
HOUR_S = 3600.0
ROWS_PER_CONTACT = 5
ROWS_PER_TEXT = 5
"""One received text for so many outbounds."""
CONTACTS_PER_ALLOWANCE = 5
BATCH = 5000
IDS = 5000
"""Ids of ended outbounds that are kept to ask for."""
SEALED = {"sealed": "copy.sealed", "outcome": "copy.outcome"}
PREPARE = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -3000000;
PRAGMA temp_store = MEMORY;
CREATE TEMP TABLE copy (
    seq INTEGER PRIMARY KEY, pattern TEXT, id TEXT, contact TEXT, at REAL, later REAL, sealed BLOB, outcome BLOB,
    received BLOB);
"""


@dataclass
class Filled:
    """What a measurement must know of a ledger."""

    rows: int
    old_ids: list[str] = field(default_factory=list)
    middle: str | None = None
    """The cursor that history gives at the middle."""
    megabytes: float = 0.0


class Pattern(NamedTuple):
    """An outbound to copy, and what is sealed in it by column."""

    id: str
    created_at: float
    sealed: dict[str, dict[str, Any]]


async def fill(home: Path, rows: int) -> Filled:
    """Make an installation in `home` whose ledger holds that many outbounds."""
    filled = Filled(rows)
    carrier, clock = InstantCarrier(), StandingClock(START - timedelta(hours=3))
    async with opened(home, carrier, clock) as ringback:
        ids = [(id_, share) async for id_, share in examples(ringback, carrier, clock)]
        keyring, path = ringback.keyring, ringback.settings.ledger_path
    filler = _Filler(path, keyring, ids, rows)
    filler.write(0, rows // 2, filled)
    async with opened(home, carrier, clock) as ringback:
        filled.middle = (await ringback.telephone.history(100)).cursor  # a page with both directions on it
    filler.write(rows // 2, rows - len(ids), filled)
    random.shuffle(filled.old_ids)
    del filled.old_ids[IDS:]
    filled.megabytes = path.stat().st_size / 1e6
    return filled


class _Filler:
    """Writes copies into the file: content is sealed here, all else is copied by SQLite, without a journal."""

    def __init__(self, path: Path, keyring: Keyring, ids: list[tuple[str, float]], rows: int) -> None:
        self._path = path
        self._keyring = keyring
        self._ended = rows - len(ids) - OPEN
        with closing(self._connection()) as connection:
            self._patterns = [self._pattern(connection, id_) for id_, _ in ids]
            self._statements = list(_statements(connection))
        self._kinds = random.choices(range(len(ids)), [share for _, share in ids], k=997)
        self._numbers = [number(contact) for contact in range(rows // ROWS_PER_CONTACT)]
        self._contacts = [keyring.contact(PhoneNumber(e164)) for e164 in self._numbers]

    def _connection(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None)
        connection.row_factory = sqlite3.Row
        connection.executescript(PREPARE)
        return connection

    def _pattern(self, connection: sqlite3.Connection, id_: str) -> Pattern:
        row = connection.execute("SELECT * FROM outbound WHERE id = ?", (id_,)).fetchone()
        sealed = {
            column: {} if row[column] is None else self._keyring.open(row[column], row=id_, column=column)
            for column in SEALED
        }
        return Pattern(id_, row["created_at"], sealed)

    def write(self, first: int, end: int, filled: Filled) -> None:
        """Write the outbounds from `first` up to `end`, oldest first; the last ones of all are open."""
        with closing(self._connection()) as connection:
            connection.execute("BEGIN IMMEDIATE")  # one transaction: pages of the random indexes are written once
            for begin in range(first, end, BATCH):
                copies = [self._copy(index, filled) for index in range(begin, min(begin + BATCH, end))]
                connection.executemany("INSERT INTO copy VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", copies)
                for statement in self._statements:
                    connection.execute(statement)
                connection.execute("DELETE FROM copy")
            connection.execute("COMMIT")
            connection.execute("PRAGMA journal_mode = WAL")

    def _copy(self, index: int, filled: Filled) -> tuple[object, ...]:
        """What is different in one more outbound: a row of the temporary table."""
        name, contact = f"{random.getrandbits(96):024x}", index % len(self._contacts)
        id_ = f"ob_{name}"
        if index < self._ended:
            pattern = self._patterns[self._kinds[index % len(self._kinds)]]
            age_s = HOUR_S + DAYS * 86_400 * (1 - index / self._ended)
            filled.old_ids.append(id_)
        else:
            pattern, age_s = self._patterns[0], HOUR_S * (1 - (index - self._ended) / OPEN)
        at = START.timestamp() - age_s
        pattern.sealed["sealed"]["to"] = self._numbers[contact]
        sealed: list[bytes | None] = [
            self._keyring.seal(plain, row=id_, column=column) if plain else None
            for column, plain in pattern.sealed.items()
        ]
        text = {"from": self._numbers[contact], "text": ANSWER}
        sealed.append(None if index % ROWS_PER_TEXT else self._keyring.seal(text, row=f"in_{name}", column="received"))
        return (index, pattern.id, id_, self._contacts[contact], at, at - pattern.created_at, *sealed)


def _statements(connection: sqlite3.Connection) -> Iterator[str]:
    """What copies an outbound, all rows about it, and, for some of them, what else a ledger holds."""
    given = {"id": "copy.id", "contact": "copy.contact"} | SEALED
    yield _statement(connection, "outbound", given, "old.id = copy.pattern")
    tables = [row["name"] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    for table in tables:
        if any(row["name"] == "outbound_id" for row in connection.execute(f"PRAGMA table_info({table})")):
            yield _statement(connection, table, {"outbound_id": "copy.id"}, "old.outbound_id = copy.pattern")
    first, since = "old.seq = 1", "copy.at - old.received_at"
    yield _statement(connection, "callback", {}, first, since)
    given = {"id": "'in_' || substr(copy.id, 4)", "contact": "copy.contact", "sealed": "copy.received"}
    yield _statement(connection, "received", given, f"{first} AND copy.received IS NOT NULL", since)
    given = {"id": "'al_' || substr(copy.id, 4)", "contact": "copy.contact", "remaining": "0"}
    some = f"old.rowid = 1 AND copy.seq % {ROWS_PER_CONTACT * CONTACTS_PER_ALLOWANCE} = 0"
    yield _statement(connection, "allowance", given, some, "0")


def _statement(
    connection: sqlite3.Connection, table: str, given: dict[str, str], which: str, later: str = "copy.later"
) -> str:
    """Copies rows of a table: the given values, times moved, digests of the same size that are nobody's."""
    values = {}
    for row in connection.execute(f"PRAGMA table_info({table})"):
        name, kind = row["name"], row["type"]
        if name == "seq":
            continue
        fresh = {
            "REAL": f"old.{name} + {later}",
            "BLOB": f"CASE WHEN old.{name} IS NOT NULL THEN randomblob(length(old.{name})) END",
        }
        values[name] = given.get(name) or fresh.get(kind, f"old.{name}")
    return (
        f"INSERT INTO {table} ({', '.join(values)}) SELECT {', '.join(values.values())} "
        f"FROM copy CROSS JOIN {table} AS old ON {which}"
    )
