"""The only way in: what a carrier says about an outbound, asked for or sent by itself, is stored here.

A status only moves forward. What is in doubt is looked for in the carrier's own history, and found only where
there is exactly one reading.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import TYPE_CHECKING, Final

from ringback.errors import CarrierError
from ringback.model.status import WITH_CARRIER, Status
from ringback.owner import is_gone

if TYPE_CHECKING:
    from ringback.carriers.base import CarrierReader
    from ringback.ledger import Ledger
    from ringback.ledger.records import Record
    from ringback.model.outbound import CarrierItem

CLOCK_SKEW_S: Final = 10.0
"""By how much the carrier's clock may differ from ours when its history is searched."""
HISTORY_LIMIT: Final = 100
SHORTEST_POLL_S: Final = 1.0
LONGEST_POLL_S: Final = 600.0
GIVE_UP_S: Final = 3 * 86_400.0
"""After three days nobody asks the carrier by itself any more; `status` still does."""

_log = logging.getLogger(__name__)


class Inbound:
    """Learns what became of the outbounds that left."""

    def __init__(self, ledger: Ledger, carrier: CarrierReader) -> None:
        self._ledger = ledger
        self._carrier = carrier
        self._next_poll: dict[str, float] = {}

    async def refresh(self, record: Record) -> Record:
        """Bring one outbound up to date with its carrier. Where the carrier cannot be asked, it stays as it is."""
        if record.outbound.carrier != self._carrier.name:
            return record
        if record.status is Status.DISPATCHING:
            return await self._conclude_abandoned(record)
        if record.status is Status.UNKNOWN and record.carrier_id is None:
            return await self._reconcile(record) or record
        if record.carrier_id is None or record.status not in WITH_CARRIER | {Status.UNKNOWN}:
            return record
        try:
            report = await self._carrier.report(record.outbound.channel, record.carrier_id)
        except CarrierError as error:
            _log.info("outbound %s: its status could not be asked: %s", record.id, error.reason)
            return record
        return await self._ledger.deliveries.learn(record, report)

    async def refresh_due(self, now: float) -> None:
        """Ask after everything that is open, the older the more rarely: from each second to each ten minutes."""
        open_ones = await self._ledger.outbounds.under_way({Status.DISPATCHING, Status.UNKNOWN, *WITH_CARRIER})
        self._next_poll = {record.id: self._next_poll.get(record.id, 0.0) for record in open_ones}
        for record in open_ones:
            if now < self._next_poll[record.id]:
                continue
            age = now - record.created_at
            self._next_poll[record.id] = now + min(max(age / 10, SHORTEST_POLL_S), LONGEST_POLL_S)
            if age < GIVE_UP_S or record.status is Status.DISPATCHING:
                await self.refresh(record)

    async def _conclude_abandoned(self, record: Record) -> Record:
        """End a dispatch whose process is gone: found at the carrier, or unknown."""
        gone = is_gone(record.owner)
        concluded = await self._ledger.deliveries.conclude(
            record, Status.UNKNOWN, reason="dispatcher_gone", owner_is_gone=gone
        )
        if concluded is None:
            return await self._ledger.outbounds.get(record.id)
        return await self._reconcile(concluded) or concluded

    async def _reconcile(self, doubtful: Record) -> Record | None:
        """Find a doubtful outbound in the carrier's history, if exactly one entry can be it."""
        try:
            items = await self._carrier.history(HISTORY_LIMIT)
        except CarrierError as error:
            _log.info("outbound %s: the carrier's history could not be asked: %s", doubtful.id, error.reason)
            return None
        rivals = [
            other
            for other in await self._ledger.outbounds.under_way({Status.UNKNOWN, Status.DISPATCHING})
            if other.contact == doubtful.contact
            and other.outbound.channel is doubtful.outbound.channel
            and other.id != doubtful.id
        ]
        candidates = [item for item in items if self._may_be(item, doubtful)]
        unclaimed = [
            item
            for item in candidates
            if not await self._ledger.deliveries.is_known(self._carrier.name, item.carrier_id)
        ]
        if rivals or len(unclaimed) != 1:
            return None
        item = unclaimed[0]
        target = Status.ACCEPTED if item.status is Status.UNKNOWN else item.status
        return await self._ledger.deliveries.conclude(
            doubtful, target, reason="found_at_carrier", carrier_id=item.carrier_id
        )

    @staticmethod
    def _may_be(item: CarrierItem, doubtful: Record) -> bool:
        """Same recipient and channel, and not from before the outbound existed."""
        if item.to != doubtful.outbound.to.e164 or item.channel is not doubtful.outbound.channel:
            return False
        try:
            created = datetime.fromisoformat(item.created_at)
        except ValueError:
            return False
        return created.tzinfo is not None and created.timestamp() >= doubtful.created_at - CLOCK_SKEW_S
