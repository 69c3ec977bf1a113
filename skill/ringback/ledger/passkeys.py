"""Passkeys: the public keys with which a person's own device signs an approval of level A3.

Each row carries a keyed digest over all of it. Where that does not fit, something without the installation's key wrote
the row: it is no passkey.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ringback.errors import LedgerError
from ringback.ledger.store import Store, encoded, new_id

if TYPE_CHECKING:
    import sqlite3


@dataclass(frozen=True, slots=True)
class Passkey:
    """One registered passkey. Times are Unix seconds."""

    id: str
    label: str = field(repr=False)
    """The person's name for it."""
    credential_id: bytes = field(repr=False)
    public_key: bytes = field(repr=False)
    """In COSE's encoding."""
    sign_count: int
    """The authenticator's counter at its last use; 0 for one that does not count."""
    created_at: float
    used_at: float | None
    removed_at: float | None


class Passkeys:
    """The registered passkeys. Every method raises `LedgerError` when the database fails."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._database = store.database

    async def add(self, *, credential_id: bytes, public_key: bytes, sign_count: int, label: str) -> Passkey | None:
        """Store a new one; `None` where its credential was registered before."""
        row_id, now = new_id("pk_"), self._store.now()
        passkey = Passkey(row_id, label, credential_id, public_key, sign_count, now, None, None)
        sealed = self._store.keyring.seal({"label": label}, row=row_id, column="passkey")
        with self._database.transaction("passkey_add", durable=True):
            row = self._database.one(
                "insert_passkey",
                id=row_id,
                credential_id=credential_id,
                public_key=public_key,
                sign_count=sign_count,
                sealed=sealed,
                created_at=now,
                used_at=None,
                removed_at=None,
                proof=self._proof(passkey, sealed),
            )
        return None if row is None else passkey

    async def present(self) -> list[Passkey]:
        """Those that count now, oldest first."""
        return [passkey for passkey in await self.ever() if passkey.removed_at is None]

    async def ever(self) -> list[Passkey]:
        """Those that count and those that were removed, oldest first."""
        passkeys = (self._open(row) for row in self._database.all("passkeys"))
        return [passkey for passkey in passkeys if passkey is not None]

    async def forged(self) -> int:
        """How many rows something else wrote or altered. They count for nothing."""
        return sum(self._open(row) is None for row in self._database.all("passkeys"))

    async def find(self, credential_id: bytes) -> Passkey | None:
        """The one of this credential, if it counts now."""
        return next((passkey for passkey in await self.present() if passkey.credential_id == credential_id), None)

    async def use(self, passkey: Passkey, sign_count: int) -> bool:
        """Store a use and the counter that it came with; false where the passkey was used or removed since it was read.

        The counter must have grown, unless the authenticator does not count: then it stays 0.
        """
        if sign_count <= passkey.sign_count and (sign_count or passkey.sign_count):
            return False
        return self._change(passkey, replace(passkey, sign_count=sign_count, used_at=self._store.now()))

    async def remove(self, passkey: Passkey) -> bool:
        """End a passkey at once; false where it was used or removed since it was read."""
        return self._change(passkey, replace(passkey, removed_at=self._store.now()))

    def rekey(self, new: Passkeys) -> int:
        """Put those that are proven under the keys of `new`, inside a transaction; how many they were."""
        count = 0
        for row in self._database.all("passkeys"):
            passkey = self._open(row)
            if passkey is None:
                continue
            count += 1
            sealed = new._store.keyring.seal({"label": passkey.label}, row=passkey.id, column="passkey")
            self._database.run("rekey_passkey", id=passkey.id, sealed=sealed, proof=new._proof(passkey, sealed))
        return count

    def _change(self, before: Passkey, after: Passkey) -> bool:
        with self._database.transaction("passkey_change", durable=True):
            row = self._database.one("passkey_by_id", id=before.id)
            if row is None or before.removed_at is not None or self._open(row) != before:
                return False
            self._database.run(
                "update_passkey",
                id=after.id,
                sign_count=after.sign_count,
                used_at=after.used_at,
                removed_at=after.removed_at,
                proof=self._proof(after, row["sealed"]),
            )
        return True

    def _open(self, row: sqlite3.Row) -> Passkey | None:
        """A row, opened; `None` where its proof does not fit."""
        passkey = Passkey(
            row["id"],
            "",
            row["credential_id"],
            row["public_key"],
            row["sign_count"],
            row["created_at"],
            row["used_at"],
            row["removed_at"],
        )
        if not hmac.compare_digest(row["proof"], self._proof(passkey, row["sealed"])):
            return None
        try:
            sealed = self._store.keyring.open(row["sealed"], row=row["id"], column="passkey")
        except LedgerError:
            return None
        return replace(passkey, label=sealed["label"])

    def _proof(self, passkey: Passkey, sealed: bytes) -> bytes:
        columns = (
            passkey.id,
            passkey.credential_id,
            passkey.public_key,
            passkey.sign_count,
            sealed,
            passkey.created_at,
            passkey.used_at,
            passkey.removed_at,
        )
        return self._store.keyring.passkey("row", *(encoded(value) for value in columns))
