"""What Ringback would be without one of its protections: so that the harness is seen to notice."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ringback.inbound import Inbound
from ringback.ledger.deliveries import Deliveries
from ringback.model.status import Status

if TYPE_CHECKING:
    from ringback.ledger.records import Record
    from ringback.model.limits import Caps


def no_fence() -> None:
    """Nothing is stored before the request; what became of it is stored afterwards, in one go."""
    claim, settle = Deliveries.claim, Deliveries.settle

    async def pretend(self: Deliveries, outbound_id: str, *, owner: str, lease_s: float, caps: Caps) -> Record | None:
        del caps
        row = self._database.one("by_id", id=outbound_id)
        if row is None or row["status"] != Status.APPROVED:
            return None
        return replace(self._store.record(row), owner=owner, lease_until=self._store.now() + lease_s)

    async def claim_and_settle(self: Deliveries, claimed: Record, *args: Any, **more: Any) -> Record | None:
        assert claimed.owner is not None
        taken = await claim(self, claimed.id, owner=claimed.owner, lease_s=60)
        return None if taken is None else await settle(self, taken, *args, **more)

    Deliveries.claim = pretend  # type: ignore[method-assign]
    Deliveries.settle = claim_and_settle  # type: ignore[method-assign]


def no_reconciling() -> None:
    """What is in doubt is never looked for at the carrier."""

    async def look_away(self: Inbound, *_: object) -> None:
        return None

    Inbound._reconcile = look_away  # type: ignore[assignment, method-assign]


def doubt_is_failure() -> None:
    """An abandoned dispatch is told as failed."""
    conclude = Deliveries.conclude

    async def fail(self: Deliveries, doubtful: Record, target: Status, **more: Any) -> Record | None:
        return await conclude(self, doubtful, Status.FAILED if target is Status.UNKNOWN else target, **more)

    Deliveries.conclude = fail  # type: ignore[method-assign]
