"""The rows of allowances: which of them covers an outbound, and which of them are ours as they stand.

Each row carries a keyed digest over all of it. Where that does not fit, something without the installation's key wrote
the row, and it allows nothing.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any, Final

from ringback.ledger.store import encoded
from ringback.model.text import has_link

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from ringback.ledger.records import Level
    from ringback.ledger.store import Store
    from ringback.model.outbound import Outbound

_COLUMNS: Final = (
    "id",
    "contact",
    "sealed",
    "channel",
    "carrier",
    "level",
    "via",
    "created_at",
    "expires_at",
    "remaining",
    "max_chars",
    "links",
    "media_host",
    "revoked_at",
)


def covering(store: Store, outbound: Outbound, least: Level) -> sqlite3.Row | None:
    """The row that stands for this outbound at this level or a higher one, if there is one."""
    now = store.now()
    rows = store.database.all(
        "covering_allowances",
        contact=store.keyring.contact(outbound.to),
        channel=outbound.channel,
        carrier=outbound.carrier,
        chars=len(outbound.text),
        has_link=has_link(outbound.text),
        media_host=store.media_host(outbound.media_host),
        least=least,
        # It must still hold when a scheduled one is due.
        then=now if outbound.send_at is None else max(now, outbound.send_at),
    )
    return next((row for row in rows if is_proven(store, row)), None)


def change(store: Store, row: sqlite3.Row, **changes: Any) -> None:
    """Store a use or a revocation, inside the transaction that read the row. A row that is not ours gets no proof."""
    after = {**dict(row), **changes}
    proof = prove(store, after) if is_proven(store, row) else None
    store.database.run(
        "update_allowance", id=row["id"], remaining=after["remaining"], revoked_at=after["revoked_at"], proof=proof
    )


def is_proven(store: Store, row: sqlite3.Row) -> bool:
    """Whether we wrote this row, as it stands."""
    return hmac.compare_digest(row["proof"] or b"", prove(store, dict(row)))


def prove(store: Store, row: Mapping[str, Any]) -> bytes:
    """The proof of a row's values."""
    return store.keyring.allowance(*(encoded(row[column]) for column in _COLUMNS))
