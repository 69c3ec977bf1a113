"""Erasing: after the retention time, or because a person asks for it. The bare record stays: when, how it ended.

Numbers, texts, media, the carrier's ids and words go, and with them the blind index. The idempotency key's digest
stays, so that a repetition under it is still known and sends nothing; the digest of the wish stays for 30 days.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ringback.model.status import Status

if TYPE_CHECKING:
    import sqlite3

    from ringback.ledger.store import Store
    from ringback.model.numbers import PhoneNumber

IDEMPOTENCY_S: Final = 30 * 86_400.0
"""A wish is known again for at least so long, whatever the retention."""
PARKED_S: Final = 86_400.0
"""A report about an id that never became known is somebody else's: it is kept for a day."""
BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was erased of one person."""

    outbounds: int
    received: int
    allowances: int
    cancelled: int
    under_way: int
    """So many are being handed to the carrier at this moment, and were left: ask again when they have ended."""


class Erasure:
    """Every method raises `LedgerError` when the database fails."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._database = store.database
        self._is_in_log = False

    async def sweep(self) -> int:
        """Erase a batch of what ended longer ago than the retention; how many rows it were, so that 0 means done."""
        now, retention_s = self._store.now(), self._store.terms.retention_s
        cutoffs = {
            "before": now - retention_s,
            "wish_before": now - max(retention_s, IDEMPOTENCY_S),
            "parked_before": now - PARKED_S,
        }
        if self._database.one("any_to_erase", **cutoffs) is None:
            if self._is_in_log:  # what was erased stands there, and in the file, until both are written anew
                self._database.truncate_wal()
                self._is_in_log = False
            return 0
        with self._database.transaction("erase"):
            found = self._database.all("erase_old", now=now, limit=BATCH, before=cutoffs["before"])
            self._drop_uses(found)
            found += self._database.all("erase_received", now=now, limit=BATCH, before=cutoffs["before"])
            found += self._database.all("forget_wishes", limit=BATCH, wish_before=cutoffs["wish_before"])
            found += self._database.all("drop_parked", limit=BATCH, parked_before=cutoffs["parked_before"])
            found += self._database.all("drop_callbacks", limit=BATCH, before=cutoffs["before"])
        self._is_in_log = True
        return len(found)

    async def forget(self, number: PhoneNumber) -> Forgotten:
        """Erase a person: all that is kept of their number, at once. What still waits for them is cancelled first.

        That they opted out is kept, or the next message would go out again.
        """
        now, contact = self._store.now(), self._store.keyring.contact(number)
        with self._database.transaction("forget", durable=True):
            cancelled = self._database.all("cancel_of", contact=contact, now=now)
            for row in cancelled:
                self._store.event(row["id"], "moved", Status.CANCELLED, "person_forgotten")
            outbounds = self._database.all("erase_of", contact=contact, now=now)
            self._drop_uses(outbounds)
            received = self._database.all("erase_received_of", contact=contact, now=now)
            allowances = self._database.all("drop_allowances_of", contact=contact)
            self._database.all("drop_takeovers_of", contact=contact)
            self._database.all("drop_zone", contact=contact)
            left = self._database.all("dispatching_of", contact=contact)
        self._database.truncate_wal()
        return Forgotten(len(outbounds), len(received), len(allowances), len(cancelled), len(left))

    def _drop_uses(self, erased: list[sqlite3.Row]) -> None:
        """Forget under which triggers these went out, and of which appointments they reminded."""
        self._database.run("drop_trigger_uses", ids=json.dumps([row["id"] for row in erased]))
