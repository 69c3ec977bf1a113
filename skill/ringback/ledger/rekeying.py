"""Everything that is stored under one installation key, put under another, in one transaction.

What proves itself under the old key is proven anew; what does not fit the old key fits the new one as little. Gone
after it: open questions of clients (they are asked again), the memory of repeated callbacks (a repetition changes
nothing), and idempotency keys of what was erased.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ringback.errors import LedgerError
from ringback.ledger.allowances import is_proven, prove
from ringback.ledger.endpoints import rekey_endpoints
from ringback.ledger.opt_outs import rekey_opt_outs
from ringback.ledger.passkeys import Passkeys
from ringback.ledger.received import number_of
from ringback.ledger.store import Store
from ringback.ledger.triggers import rekey_triggers
from ringback.ledger.zones import rekey_zones

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator

    from ringback.clock import Clock
    from ringback.keys import Keyring
    from ringback.ledger.database import Database

_BATCH = 500
_APPEND_ONLY = "approval_is_append_only"


@dataclass(frozen=True, slots=True)
class Rotated:
    """How much was put under the new key."""

    outbounds: int
    received: int
    allowances: int
    passkeys: int


class Rekeying:
    """One move from the old key to the new one."""

    def __init__(self, database: Database, old: Keyring, new: Keyring, clock: Clock) -> None:
        self._database = database
        self._old = Store(database, old, clock)
        self._new = Store(database, new, clock)

    def run(self, store_key: Callable[[], None] | None = None) -> Rotated:
        """Do it, on the disk before it returns; afterwards nothing in the file can be read with the old key.

        Args:
            store_key: called when nobody else can rotate, before anything is changed: puts the new key on the disk.

        Raises:
            LedgerError: an entry cannot be opened, or the database fails: then nothing is changed.
        """
        with self._database.transaction("rotate", durable=True):
            if store_key is not None:
                store_key()
            rotated = self._rekey()
        self._database.key = self._new.keyring.fingerprint
        self._database.truncate_wal()
        return rotated

    def _rekey(self) -> Rotated:
        rotated = Rotated(self._outbounds(), self._received(), self._allowances(), self._passkeys())
        self._takeovers()
        rekey_triggers(self._old, self._new)
        rekey_opt_outs(self._old, self._new)
        rekey_zones(self._old, self._new)
        rekey_endpoints(self._old, self._new)
        self._callbacks()
        self._database.run("set_meta", entry="key", value=self._new.keyring.fingerprint)
        return rotated

    def _rows(self, query: str) -> Iterator[sqlite3.Row]:
        seq = 0
        while rows := self._database.all(query, seq=seq, limit=_BATCH):
            yield from rows
            seq = rows[-1]["seq"]

    def _outbounds(self) -> int:
        trigger = self._database.one("trigger", trigger=_APPEND_ONLY)
        self._database.run("drop_approval_trigger")
        count = 0
        for row in self._rows("outbounds_from"):
            count += 1
            if row["erased_at"] is not None:
                self._database.run("rekey_erased", seq=row["seq"])
                continue
            self._outbound(row)
        if trigger is not None:
            self._database.script(trigger["sql"])
        return count

    def _outbound(self, row: sqlite3.Row) -> None:
        old, new, row_id = self._old, self._new, row["id"]
        record = old.record(row)
        outbound, plain = record.outbound, old.keyring.open(row["sealed"], row=row_id, column="sealed")
        key = plain.get("key")
        self._database.run(
            "rekey_outbound",
            seq=row["seq"],
            key=None if key is None else new.keyring.token("idempotency-key", key),
            wish=new.keyring.wish(outbound),
            contact=new.keyring.contact(outbound.to),
            sealed=new.keyring.seal(plain, row=row_id, column="sealed"),
            carrier_ref=record.carrier_id and new.carrier_ref(record.carrier, record.carrier_id),
            outcome=None if row["outcome"] is None else self._resealed(row["outcome"], row_id, "outcome"),
            said=new.said(outbound),
        )
        before = old.keyring.digest(outbound, row=row_id, expires_at=record.expires_at)
        after = new.keyring.digest(outbound, row=row_id, expires_at=record.expires_at)
        for answer in self._database.all("approvals_of", outbound_id=row_id):
            said = {"choice": answer["choice"], "level": answer["level"], "via": answer["via"]}
            if hmac.compare_digest(answer["digest"], old.keyring.consent(before, **said)):
                self._database.run("rekey_approval", seq=answer["seq"], digest=new.keyring.consent(after, **said))

    def _received(self) -> int:
        count = 0
        for row in self._rows("received_from"):
            if row["erased_at"] is not None:
                continue
            count += 1
            plain = self._old.keyring.open(row["sealed"], row=row["id"], column="received")
            number, keyring = number_of(plain["from"]), self._new.keyring
            self._database.run(
                "rekey_received",
                seq=row["seq"],
                carrier_ref=self._new.carrier_ref(row["carrier"], plain["id"]),
                contact=keyring.contact(number) if number else keyring.stranger(plain["from"]),
                sealed=keyring.seal(plain, row=row["id"], column="received"),
            )
        return count

    def _allowances(self) -> int:
        count = 0
        for row in self._database.all("every_allowance"):
            if not is_proven(self._old, row):
                continue
            count += 1
            plain = self._old.keyring.open(row["sealed"], row=row["id"], column="allowance")
            after: dict[str, Any] = {**dict(row)}
            after["contact"] = self._new.keyring.contact(number_of(plain["to"]) or _unreadable(row["id"]))
            after["sealed"] = self._new.keyring.seal(plain, row=row["id"], column="allowance")
            after["media_host"] = self._new.media_host(plain.get("media_host"))
            if row["media_host"] is not None and plain.get("media_host") is None:
                after["revoked_at"] = row["revoked_at"] or self._new.now()
            after["proof"] = prove(self._new, after)
            self._database.run("rekey_allowance", **after)
        return count

    def _passkeys(self) -> int:
        return Passkeys(self._old).rekey(Passkeys(self._new))

    def _takeovers(self) -> None:
        for row in self._database.all("every_takeover"):
            plain = self._old.keyring.open(row["sealed"], row=row["id"], column="takeover")
            self._database.run(
                "rekey_takeover",
                id=row["id"],
                contact=self._new.keyring.contact(number_of(plain["to"]) or _unreadable(row["id"])),
                sealed=self._new.keyring.seal(plain, row=row["id"], column="takeover"),
            )

    def _callbacks(self) -> None:
        """Parked reports stay parked; what only serves to know a repetition goes."""
        for row in self._database.all("every_parked"):
            plain = self._old.keyring.open(row["sealed"], row=row["digest"].hex(), column="callback")
            digest = self._new.keyring.token("callback", plain["said"])
            self._database.run(
                "rekey_callback",
                seq=row["seq"],
                digest=digest,
                carrier_ref=self._new.carrier_ref(row["carrier"], plain["id"]),
                sealed=self._new.keyring.seal(plain, row=digest.hex(), column="callback"),
            )
        self._database.run("drop_joined")

    def _resealed(self, sealed: bytes, row_id: str, column: str) -> bytes:
        plain = self._old.keyring.open(sealed, row=row_id, column=column)
        return self._new.keyring.seal(plain, row=row_id, column=column)


def _unreadable(row_id: str) -> Any:
    raise LedgerError(f"Entry {row_id} cannot be read: something else changed it.", hint="Run: ringback doctor")
