import json
import sqlite3
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from .model import Call, Item, Message, Outbound, Reply
from .registration import Registration

# Enough to look back on; a poller must not fill the disk.
KEPT_REQUESTS = 5_000

_COLUMNS = "seq, id, type, number, text, media_url, at_ms, outcome, error, answered_ms, ended_ms, ending, digits"
_SELECT = f"SELECT {_COLUMNS} FROM traffic"  # noqa: S608  both parts are constants


class StateInUseError(Exception):
    """Another process serves this state folder: use its endpoint, or give this one a folder of its own."""


def claim(directory: Path) -> sqlite3.Connection:
    """Open `directory`/sandbox.db and hold it for this process alone until the connection closes.

    Raises:
        StateInUseError: another process holds it.
    """
    path = directory / "sandbox.db"
    path.touch(mode=0o600)
    connection = sqlite3.connect(path, isolation_level=None, timeout=0)
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("COMMIT")
    except sqlite3.OperationalError as error:
        connection.close()
        if error.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            raise StateInUseError(str(directory)) from error
        raise
    # A killed process loses nothing; only a power cut could, and this is a place to try things.
    connection.execute("PRAGMA synchronous = OFF")
    return connection


class Store:
    """What the carrier keeps: traffic, requests and a few facts, in one SQLite database.

    Args:
        connection: An open database in autocommit mode; the store creates its tables there.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self._db.executescript(resources.files(__package__).joinpath("schema.sql").read_text("utf-8"))

    def add(  # noqa: PLR0913  one argument a column; all are given by name
        self,
        *,
        id: str,  # noqa: A002  the column's name
        type: str,  # noqa: A002  the column's name
        number: str,
        text: str,
        at_ms: int,
        media_url: str | None = None,
        outcome: str | None = None,
        error: str | None = None,
    ) -> None:
        """Keep one more item; it is in the database when this returns."""
        self._db.execute(
            "INSERT INTO traffic (id, type, number, text, media_url, at_ms, outcome, error) VALUES (?,?,?,?,?,?,?,?)",
            (id, type, number, text, media_url, at_ms, outcome, error),
        )

    def get(self, id: str) -> Item | None:  # noqa: A002  the column's name
        """The item with this id, or None."""
        row = self._db.execute(f"{_SELECT} WHERE id = ?", (id,)).fetchone()
        return None if row is None else _item(row)

    def outbound(self, limit: int) -> list[Outbound]:
        """The last `limit` messages and calls, newest first."""
        rows = self._db.execute(f"{_SELECT} WHERE type <> 'reply' ORDER BY seq DESC LIMIT ?", (limit,))
        return [item for item in map(_item, rows) if not isinstance(item, Reply)]

    def replies(self, after: int, limit: int) -> list[Reply]:
        """The first `limit` replies behind `after`, oldest first."""
        rows = self._db.execute(f"{_SELECT} WHERE type = 'reply' AND seq > ? ORDER BY seq LIMIT ?", (after, limit))
        return [item for item in map(_item, rows) if isinstance(item, Reply)]

    def everything(self) -> list[Item]:
        """All traffic, newest first."""
        return [_item(row) for row in self._db.execute(f"{_SELECT} ORDER BY seq DESC")]

    def set_answered(self, call_id: str, at_ms: int) -> None:
        """Note that the call was answered."""
        self._db.execute("UPDATE traffic SET answered_ms = ? WHERE id = ?", (at_ms, call_id))

    def set_voicemail(self, call_id: str, at_ms: int) -> None:
        """Note that a voicemail system took the call."""
        self._db.execute("UPDATE traffic SET answered_ms = ?, outcome = 'voicemail' WHERE id = ?", (at_ms, call_id))

    def set_ended(self, call_id: str, at_ms: int, ending: str) -> None:
        """Note that the handset ended the call, and with which status."""
        self._db.execute("UPDATE traffic SET ended_ms = ?, ending = ? WHERE id = ?", (at_ms, ending, call_id))

    def add_digits(self, call_id: str, keys: str) -> None:
        """Append pressed keys to the call."""
        self._db.execute("UPDATE traffic SET digits = digits || ? WHERE id = ?", (keys, call_id))

    def set_tag(self, id: str, tag: dict[str, Any]) -> None:  # noqa: A002  the column's name
        """Keep what a dialect wants to find again by this id."""
        self._db.execute("INSERT OR REPLACE INTO tags (id, tag) VALUES (?,?)", (id, json.dumps(tag)))

    def tag(self, id: str) -> dict[str, Any] | None:  # noqa: A002  the column's name
        """What a dialect kept by this id, or None."""
        row = self._db.execute("SELECT tag FROM tags WHERE id = ?", (id,)).fetchone()
        return None if row is None else dict(json.loads(row[0]))

    def begin_request(self, at_ms: int, method: str, path: str, query: str, body: Any) -> int:
        """Record a request before it is handled; returns its number."""
        seq = self._db.execute(
            "INSERT INTO requests (at_ms, method, path, query, body) VALUES (?,?,?,?,?)",
            (at_ms, method, path, query, None if body is None else json.dumps(body)),
        ).lastrowid
        assert seq is not None
        if seq % 100 == 0:
            self._db.execute("DELETE FROM requests WHERE seq <= ?", (seq - KEPT_REQUESTS,))
        return seq

    def finish_request(self, seq: int, status: int | Literal["closed"], answer: str | None) -> None:
        """Record what left as the answer to request `seq`: its status, or that the connection was closed."""
        closed = status == "closed"
        self._db.execute(
            "UPDATE requests SET status = ?, closed = ?, answer = ? WHERE seq = ?",
            (None if closed else status, closed, answer, seq),
        )

    def requests(self, limit: int = KEPT_REQUESTS) -> list[dict[str, Any]]:
        """The last `limit` requests, newest first, without formatting their time."""
        rows = self._db.execute(
            "SELECT seq, at_ms, method, path, query, body, status, closed, answer FROM requests "
            "ORDER BY seq DESC LIMIT ?",
            (limit,),
        )
        return [_request(row) for row in rows]

    def request(self, seq: int) -> dict[str, Any] | None:
        """One recorded request, or None after a reset."""
        row = self._db.execute(
            "SELECT seq, at_ms, method, path, query, body, status, closed, answer FROM requests WHERE seq = ?", (seq,)
        ).fetchone()
        return None if row is None else _request(row)

    def fact(self, name: str) -> int:
        """A kept number; 0 when it was never set."""
        row = self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return 0 if row is None else int(row[0])

    def set_fact(self, name: str, value: int) -> None:
        """Keep a number over restarts."""
        self._db.execute("INSERT OR REPLACE INTO facts (name, value) VALUES (?,?)", (name, value))

    def registration(self) -> Registration | None:
        """Where callbacks go, or None."""
        row = self._db.execute("SELECT url, secret, mode FROM registration").fetchone()
        return None if row is None else Registration(*row)

    def set_registration(self, registration: Registration | None) -> None:
        """Keep over restarts where callbacks go, or that they go nowhere."""
        if registration is None:
            self._db.execute("DELETE FROM registration")
            return
        self._db.execute(
            "INSERT OR REPLACE INTO registration (only, url, secret, mode) VALUES (1,?,?,?)",
            (registration.url, registration.secret, registration.mode),
        )

    def clear(self) -> None:
        """Forget everything but where callbacks go."""
        for table in ("traffic", "tags", "requests", "facts"):
            self._db.execute(f"DELETE FROM {table}")  # noqa: S608  constant names


def _item(row: tuple[Any, ...]) -> Item:
    seq, id_, type_, number, text, media_url, at_ms, outcome, error, answered_ms, ended_ms, ending, digits = row
    if type_ == "reply":
        return Reply(seq, id_, number, text, at_ms)
    if type_ == "voice":
        return Call(seq, id_, number, text, at_ms, outcome, error, answered_ms, ended_ms, ending, digits)
    return Message(seq, id_, type_, number, text, media_url, at_ms, outcome, error)


def _request(row: tuple[Any, ...]) -> dict[str, Any]:
    seq, at_ms, method, path, query, body, status, closed, answer = row
    return {
        "seq": seq,
        "at_ms": at_ms,
        "method": method,
        "path": path,
        "query": query,
        "body": None if body is None else json.loads(body),
        "status": "closed" if closed else status,
        "answer": answer,
    }
