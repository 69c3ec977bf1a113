"""Reports that carriers send by themselves: each counts once, and one that comes too early waits for its outbound.

A carrier may call back before its answer to our own request is here. Then no outbound is known by the carrier's id yet;
the report is kept, sealed, and applied in the transaction that stores that id.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from ringback.model.outbound import Report
from ringback.model.status import Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ringback.ledger.store import Store
    from ringback.model.news import StatusNews


def is_first(store: Store, carrier: str, news: StatusNews, *, park: bool) -> bool:
    """Note a report, inside a transaction; whether it is the first time that it is told."""
    report = asdict(news.report)
    said = json.dumps([carrier, news.carrier_id, report], sort_keys=True)
    plain = {"id": news.carrier_id, "said": said, "report": report}
    digest = store.keyring.token("callback", said)
    row = store.database.one(
        "insert_callback",
        digest=digest,
        carrier=carrier,
        carrier_ref=store.carrier_ref(carrier, news.carrier_id),
        sealed=store.keyring.seal(plain, row=digest.hex(), column="callback") if park else None,
        now=store.now(),
    )
    return row is not None


def parked_reports(store: Store, carrier: str, carrier_ref: bytes) -> Iterator[Report]:
    """What was told about this id before it was known, in order; inside a transaction, and given out once."""
    for row in store.database.all("parked", carrier=carrier, carrier_ref=carrier_ref):
        plain = store.keyring.open(row["sealed"], row=row["digest"].hex(), column="callback")
        store.database.run("joined", seq=row["seq"])
        yield Report(**{**plain["report"], "status": Status(plain["report"]["status"])})
