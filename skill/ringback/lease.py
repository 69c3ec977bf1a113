"""A dispatch's lease: kept alive while its process lives, and the end of the dispatch once it is not."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Self

from ringback.errors import DispatchTooLate, LedgerError

if TYPE_CHECKING:
    from ringback.clock import Clock
    from ringback.ledger.deliveries import Deliveries
    from ringback.ledger.records import Record

LEASE_S: Final = 30.0
"""Without a heartbeat for so long, another process may conclude that this one is gone."""
HEARTBEAT_S: Final = 8.0

_log = logging.getLogger(__name__)


class Lease:
    """Held from the fence until the outcome is stored. Use as an asynchronous context manager."""

    def __init__(self, deliveries: Deliveries, clock: Clock, claimed: Record) -> None:
        self._deliveries = deliveries
        self._clock = clock
        self._claimed = claimed
        self._until = claimed.lease_until or 0.0
        self._beating: asyncio.Task[None] | None = None

    def check(self) -> None:
        """Post nothing after a pause so long that another process may have concluded this dispatch.

        Raises:
            DispatchTooLate: the lease is over.
        """
        if self._clock.now().timestamp() >= self._until:
            raise DispatchTooLate("This process was held up too long to hand the outbound over.")

    async def __aenter__(self) -> Self:
        self._beating = asyncio.create_task(self._beat())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._beating is not None
        self._beating.cancel()
        with suppress(asyncio.CancelledError):
            await self._beating

    async def _beat(self) -> None:
        """Prolong it in real time, whatever the ledger's clock does: it tells that this process runs."""
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            try:
                until = await self._deliveries.beat(self._claimed, lease_s=LEASE_S)
            except LedgerError as error:
                _log.warning("outbound %s: its lease could not be prolonged: %s", self._claimed.id, error.message)
                continue
            if until is None:
                self._until = 0.0
                return
            self._until = until
