"""What the parts of the ledger share: the database, the keys, the clock, and how a row is read."""

from __future__ import annotations

import base64
import logging
import secrets
import unicodedata
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from ringback.errors import InvalidRequest, LedgerError, NotFound, UnreadableEntry
from ringback.ledger.records import Choice, Level, Record
from ringback.model.numbers import PhoneNumber
from ringback.model.outbound import Channel, Outbound, Report
from ringback.model.status import Status

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator

    from ringback.clock import Clock
    from ringback.keys import Keyring
    from ringback.ledger.database import Database

LARGEST_SEQ: Final = 2**63 - 1
"""No row's number is larger."""
_ID_BYTES = 15
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Terms:
    """What an installation settles for its ledger, in seconds."""

    grace_s: float = 900.0
    """By how much a scheduled send may be late."""
    retention_s: float = 30 * 86_400.0
    """After so long numbers and texts of what has ended are erased."""


class Store:
    """The ledger's file with the keys that open its rows."""

    def __init__(self, database: Database, keyring: Keyring, clock: Clock, terms: Terms | None = None) -> None:
        self.database = database
        self.keyring = keyring
        self.terms = terms or Terms()
        self._clock = clock

    def now(self) -> float:
        """Unix seconds by the ledger's clock."""
        return self._clock.now().timestamp()

    def event(self, outbound_id: str, kind: str, status: Status, detail: str = "") -> None:
        """Append an event; inside the transaction of what it tells."""
        self.database.run(
            "insert_event", outbound_id=outbound_id, now=self.now(), kind=kind, status=status, detail=detail
        )

    def append_answer(
        self, outbound: Outbound, *, row: str, expires_at: float, choice: Choice, level: Level, via: str
    ) -> None:
        """Append an answer to exactly this outbound; inside the transaction that changes its status."""
        digest = self.keyring.digest(outbound, row=row, expires_at=expires_at)
        self.database.run(
            "insert_approval",
            outbound_id=row,
            digest=self.keyring.consent(digest, choice=choice, level=level, via=via),
            choice=choice,
            level=level,
            via=via,
            now=self.now(),
        )

    def row_of(self, outbound: Outbound, row_id: str, key: str | None) -> dict[str, Any]:
        """What a new row holds of the outbound itself, by column; `key` is the caller's idempotency key."""
        return {
            "id": row_id,
            "wish": self.keyring.wish(outbound),
            "contact": self.keyring.contact(outbound.to),
            "channel": outbound.channel,
            "carrier": outbound.carrier,
            "sealed": self.seal_outbound(outbound, row_id, key),
            "send_at": outbound.send_at,
            "by_hand": outbound.by_hand,
            "notice": outbound.notice,
            "said": self.said(outbound),
        }

    def seal_outbound(self, outbound: Outbound, row_id: str, key: str | None) -> bytes:
        """What must not stand in plain: number, text, media, and the caller's idempotency key."""
        plain = {"to": outbound.to.e164, "text": outbound.text, "media_url": outbound.media_url}
        if key is not None:
            plain["key"] = key
        if outbound.urgent:
            plain["urgent"] = "yes"
        return self.keyring.seal(plain, row=row_id, column="sealed")

    def seal_outcome(self, carrier_id: str | None, report: Report | None, row_id: str) -> bytes:
        """What the carrier said: it may quote numbers, texts and pressed keys."""
        plain = {"carrier_id": carrier_id, "report": None if report is None else asdict(report)}
        return self.keyring.seal(plain, row=row_id, column="outcome")

    def carrier_ref(self, carrier: str, carrier_id: str) -> bytes:
        """The blind index of a carrier's id."""
        return self.keyring.token("carrier-id", f"{carrier}:{carrier_id}")

    def media_host(self, host: str | None) -> bytes | None:
        """The blind index of a media host."""
        return None if host is None else self.keyring.token("media-host", host)

    def said(self, outbound: Outbound) -> bytes:
        """The blind index of what is said, whoever it is said to: the same words in another dress are the same."""
        words = unicodedata.normalize("NFKC", outbound.text).casefold()
        bare = "".join(char for char in words if char.isalnum()) or words
        return self.keyring.token("said", f"{bare}|{outbound.media_url or ''}")

    def maybe(self, row: sqlite3.Row | None) -> Record | None:
        """A row that a compare-and-swap may not have found, opened."""
        return None if row is None else self.record(row)

    def record(self, row: sqlite3.Row) -> Record:
        """A row, opened.

        Raises:
            UnreadableEntry: something other than Ringback changed it.
        """
        try:
            return self._open(row)
        except (ValueError, TypeError, KeyError, InvalidRequest):
            raise UnreadableEntry(
                f"Entry {row['id']} of the ledger cannot be read: something else changed it.",
                hint="Restore the ledger from a copy.",
            ) from None

    def readable(self, rows: Iterable[sqlite3.Row]) -> Iterator[Record]:
        """The rows that can be opened; one that something else changed stands in the way of no other."""
        for row in rows:
            try:
                yield self.record(row)
            except LedgerError:
                _log.error("entry %s of the ledger cannot be read: something else changed it", row["id"])

    def _open(self, row: sqlite3.Row) -> Record:
        row_id, channel, carrier = row["id"], Channel(row["channel"]), row["carrier"]
        outbound = None
        if row["erased_at"] is None:
            plain = self.keyring.open(row["sealed"], row=row_id, column="sealed")
            to, text, media_url = PhoneNumber(plain["to"]), plain["text"], plain["media_url"]
            outbound = Outbound(
                channel,
                to,
                carrier,
                text,
                media_url,
                row["send_at"],
                by_hand=bool(row["by_hand"]),
                urgent="urgent" in plain,
                notice=bool(row["notice"]),
            )
        outcome: dict[str, Any] = {}
        if row["outcome"] is not None:
            outcome = self.keyring.open(row["outcome"], row=row_id, column="outcome")
        report = outcome.get("report")
        return Record(
            id=row_id,
            channel=channel,
            carrier=carrier,
            content=outbound,
            contact=row["contact"],
            status=Status(row["status"]),
            reason=row["reason"],
            asked_by=row["asked_by"],
            level=row["level"] and Level(row["level"]),
            created_at=row["created_at"],
            updated_at=row["updated_at"],
            expires_at=row["expires_at"],
            attempt=row["attempt"],
            owner=row["owner"],
            lease_until=row["lease_until"],
            send_at=row["send_at"],
            claimed_at=row["claimed_at"],
            carrier_id=outcome.get("carrier_id"),
            report=report and Report(**{**report, "status": Status(report["status"])}),
            bulk=bool(row["bulk"]),
            price=row["price"],
        )


def encoded(value: str | bytes | float | None) -> bytes:
    """A column's value as bytes for a keyed digest; no two values give the same."""
    if value is None:
        return b""
    if isinstance(value, bytes):
        return b"b" + value
    return f"f{value.hex()}".encode() if isinstance(value, float) else f"s{value}".encode()


def consented(outbound: Outbound) -> Status:
    """What a yes makes of an outbound."""
    return Status.APPROVED if outbound.send_at is None else Status.SCHEDULED


def new_id(prefix: str) -> str:
    """A random opaque id."""
    return prefix + base64.b32encode(secrets.token_bytes(_ID_BYTES)).decode().lower()


def read_cursor(cursor: str) -> int:
    """The position that a cursor stands for.

    Raises:
        NotFound: it is none of ours.
    """
    digits = cursor.removeprefix("c")
    if not (cursor.startswith("c") and digits.isascii() and digits.isdigit() and len(digits) <= len(str(LARGEST_SEQ))):
        raise NotFound("This cursor is none that history gave.", hint="Call history without a cursor.")
    return min(int(digits), LARGEST_SEQ)


def found(row: sqlite3.Row | None) -> sqlite3.Row:
    """A row that was just written and must be there."""
    if row is None:
        raise LedgerError("An entry of the ledger vanished while it was written.", hint="Run: ringback doctor")
    return row
