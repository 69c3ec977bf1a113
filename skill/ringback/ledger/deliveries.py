"""The fence around a dispatch, and what the carrier said afterwards. `claim` is dispatch's alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringback.model.outbound import Report
from ringback.model.status import Status, may_follow

if TYPE_CHECKING:
    from ringback.ledger.records import Record
    from ringback.ledger.store import Store
    from ringback.model.outbound import Acceptance


class Deliveries:
    """What happens between us and the carrier. Every method raises `LedgerError` when the database fails."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._database = store.database

    async def claim(self, outbound_id: str, *, owner: str, lease_s: float) -> Record | None:
        """Take an approved outbound for one dispatch; `None` where it is not approved, or no longer in time.

        On the disk before it returns: whatever happens next, nobody takes it a second time.
        """
        now = self._store.now()
        with self._database.transaction("claim", durable=True):
            row = self._database.one("claim", id=outbound_id, owner=owner, lease_until=now + lease_s, now=now)
            if row is not None:
                self._store.event(outbound_id, "claimed", Status.DISPATCHING)
        return self._store.maybe(row)

    async def settle(
        self,
        claimed: Record,
        target: Status,
        *,
        acceptance: Acceptance | None = None,
        reason: str | None = None,
        detail: str = "",
    ) -> Record | None:
        """Store how the dispatch ended; `None` where somebody else concluded it meanwhile."""
        carrier_id = acceptance.carrier_id if acceptance else None
        report = Report(target, error=detail) if detail else None
        outcome = self._store.seal_outcome(carrier_id, report, claimed.id)
        with self._database.transaction("settle"):
            row = self._database.one(
                "settle",
                id=claimed.id,
                target=target,
                reason=reason,
                carrier_ref=carrier_id and self._store.carrier_ref(claimed.outbound.carrier, carrier_id),
                outcome=outcome,
                attempt=claimed.attempt,
                owner=claimed.owner,
                now=self._store.now(),
            )
            if row is not None:
                self._store.event(claimed.id, "settled", target, reason or "")
        return self._store.maybe(row)

    async def conclude(
        self,
        doubtful: Record,
        target: Status,
        *,
        reason: str,
        carrier_id: str | None = None,
        owner_is_gone: bool = False,
    ) -> Record | None:
        """End a dispatch that nobody else can end, or resolve an `unknown`; `None` where that is not, or no longer, so.

        A dispatch counts as abandoned when its lease ran out, or at once if its owner is known to be gone.
        """
        outcome = carrier_id and self._store.seal_outcome(carrier_id, None, doubtful.id)
        with self._database.transaction("conclude", durable=True):
            row = self._database.one(
                "conclude",
                id=doubtful.id,
                target=target,
                reason=reason,
                carrier_ref=carrier_id and self._store.carrier_ref(doubtful.outbound.carrier, carrier_id),
                outcome=outcome or None,
                gone=doubtful.owner if owner_is_gone else None,
                now=self._store.now(),
            )
            if row is not None:
                self._store.event(doubtful.id, "concluded", target, reason)
        return self._store.maybe(row)

    async def learn(self, record: Record, report: Report) -> Record:
        """Store a carrier's report. A status only moves forward; news about the same status is kept as well."""
        target = report.status if may_follow(report.status, record.status) else record.status
        if target is not report.status or report == record.report:
            return record  # a step back, or nothing new
        outcome = self._store.seal_outcome(record.carrier_id, report, record.id)
        with self._database.transaction("learn"):
            row = self._database.one(
                "learn", id=record.id, source=record.status, target=target, outcome=outcome, now=self._store.now()
            )
            if row is not None and target is not record.status:
                self._store.event(record.id, "reported", target)
        current = row or self._database.one("by_id", id=record.id)
        return record if current is None else self._store.record(current)

    async def is_known(self, carrier: str, carrier_id: str) -> bool:
        """Whether a carrier's id already belongs to an outbound of ours."""
        ref = self._store.carrier_ref(carrier, carrier_id)
        return self._database.one("known_carrier_ref", carrier=carrier, carrier_ref=ref) is not None
