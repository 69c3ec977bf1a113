"""The only way out. Nothing else in Ringback can reach a carrier's sending call, and a test holds that.

One outbound passes here in five steps:

1. it is read from the ledger, and must be `approved`;
2. the person's yes must cover exactly what was read (`Approvals.verify`);
3. the guards are asked again, with what the carrier says now;
4. the fence: `approved` → `dispatching` by compare-and-swap, on the disk before step 5. Whoever comes second, after a
   crash or from another process, finds no `approved` row and posts nothing;
5. the carrier gets it. A request is repeated only where nothing can have left this machine (no connection), or where
   the carrier itself said "later" (429). A clear no is `failed`. Everything else is doubt, and doubt is `unknown`:
   it is told, looked up at the carrier, and never posted again.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from ringback.errors import (
    CarrierError,
    CarrierRateLimited,
    CarrierUnreachable,
    DispatchTooLate,
    LedgerError,
    Refused,
)
from ringback.guards import Facts, Refuse, decide
from ringback.model.status import Status
from ringback.owner import this_process
from ringback.steps import reached

if TYPE_CHECKING:
    from ringback.approvals import Approvals
    from ringback.carriers.base import Carrier
    from ringback.clock import Clock
    from ringback.ledger import Ledger
    from ringback.ledger.records import Record
    from ringback.lines import Lines
    from ringback.model.outbound import Acceptance, Outbound

TRIES: Final = 3
"""How often a request is posted at most, where repeating it is safe."""
FIRST_WAIT_S: Final = 0.5
LONGEST_WAIT_S: Final = 8.0
LONGEST_RETRY_AFTER_S: Final = 20.0
"""A carrier that asks for a longer pause gets it from the caller: the outbound ends as `failed`, nothing sent."""
LEASE_S: Final = 240.0
"""Longer than all tries together can last; afterwards another process may conclude that this one is gone."""

_log = logging.getLogger(__name__)


class Dispatcher:
    """Hands approved outbounds to the carrier, each of them at most once."""

    def __init__(self, ledger: Ledger, carrier: Carrier, approvals: Approvals, lines: Lines, clock: Clock) -> None:
        self._ledger = ledger
        self._carrier = carrier
        self._approvals = approvals
        self._lines = lines
        self._clock = clock
        self._running: dict[str, asyncio.Task[Record]] = {}

    async def dispatch(self, outbound_id: str) -> Record:
        """Send one approved outbound; the record as it stands afterwards.

        Anything that is not approved, or was approved for another carrier, is left alone and returned as it is.
        A caller that is cancelled does not take the request down with it: half a dispatch would be doubt.

        Raises:
            NotFound: there is no such outbound.
            LedgerError: the ledger failed; if the request had left by then, the error says so.
        """
        task = self._running.get(outbound_id)
        if task is None:
            task = self._running[outbound_id] = asyncio.create_task(self._dispatch(outbound_id))
            task.add_done_callback(lambda _: self._running.pop(outbound_id, None))
        return await asyncio.shield(task)

    async def finish(self) -> None:
        """Wait for what is on its way out."""
        if self._running:
            await asyncio.wait(self._running.values())

    async def _dispatch(self, outbound_id: str) -> Record:
        record = await self._ledger.outbounds.get(outbound_id)
        if record.status is not Status.APPROVED or record.outbound.carrier != self._carrier.name:
            return record
        objection = await self._objection(record)
        if objection is not None:
            refused = await self._ledger.outbounds.move(record.id, {Status.APPROVED}, Status.REFUSED, reason=objection)
            return refused or await self._ledger.outbounds.get(record.id)
        claimed = await self._ledger.deliveries.claim(record.id, owner=this_process(), lease_s=LEASE_S)
        if claimed is None:
            return await self._ledger.outbounds.get(record.id)
        # What was verified is sent: `record`, not what a second read would bring.
        return await self._send(record.outbound, claimed)

    async def _objection(self, record: Record) -> str | None:
        """The rule that stands in the way by now, if one does."""
        try:
            await self._approvals.verify(record)
        except Refused as refusal:
            return refusal.rule
        facts = Facts(outbound=record.outbound, line=await self._lines.current(), consented=True)
        decision = decide(facts)
        return decision.rule if isinstance(decision, Refuse) else None

    async def _send(self, outbound: Outbound, claimed: Record) -> Record:
        """Post, then write down what became of it."""
        try:
            acceptance = await self._post(outbound, claimed)
        except CarrierError as error:
            target = Status.FAILED if error.nothing_left else Status.UNKNOWN
            _log.warning("outbound %s: %s, so it is %s", claimed.id, error.reason, target)
            return await self._settle(claimed, target, reason=error.reason, detail=error.detail)
        except Exception as error:  # noqa: BLE001 - a defect of an adapter; the request may have left all the same
            _log.error("outbound %s: %s in the carrier's adapter, so it is unknown", claimed.id, type(error).__name__)
            return await self._settle(claimed, Status.UNKNOWN, reason=CarrierError.code)
        return await self._settle(claimed, acceptance.status, acceptance=acceptance)

    async def _post(self, outbound: Outbound, claimed: Record) -> Acceptance:
        """The one call that makes a phone ring."""
        import stamina

        def wait(error: Exception) -> bool | float:
            if not isinstance(error, CarrierUnreachable | CarrierRateLimited):
                return False
            asked = error.retry_after if isinstance(error, CarrierRateLimited) else None
            return True if asked is None else asked <= LONGEST_RETRY_AFTER_S and max(asked, 0.001)

        async for attempt in stamina.retry_context(
            on=wait, attempts=TRIES, timeout=None, wait_initial=FIRST_WAIT_S, wait_max=LONGEST_WAIT_S
        ):
            with attempt:
                self._check_lease(claimed)
                reached("post.begin")
                acceptance = await self._carrier.transmit(outbound)
                reached("post.answered")
                return acceptance
        raise AssertionError("a retry context either returns or raises")

    def _check_lease(self, claimed: Record) -> None:
        """Post nothing after a pause so long that another process may have concluded this dispatch."""
        if claimed.lease_until is None or self._clock.now().timestamp() >= claimed.lease_until:
            raise DispatchTooLate("This process was held up too long to hand the outbound over.")

    async def _settle(
        self,
        claimed: Record,
        target: Status,
        *,
        acceptance: Acceptance | None = None,
        reason: str | None = None,
        detail: str = "",
    ) -> Record:
        try:
            settled = await self._ledger.deliveries.settle(
                claimed, target, acceptance=acceptance, reason=reason, detail=detail
            )
        except LedgerError as error:
            raise LedgerError(
                f"Outbound {claimed.id} was handed to the carrier, but what became of it could not be stored. "
                f"{error.message}",
                hint="Do not send it again. Mend the ledger, then ask for its status.",
            ) from None
        return settled or await self._ledger.outbounds.get(claimed.id)
