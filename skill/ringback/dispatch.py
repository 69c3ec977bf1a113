"""The only way out. Nothing else in Ringback can reach a carrier's sending call, and a test holds that.

One outbound passes here in five steps:

1. it is read from the ledger, and must be `approved`, or `scheduled` and due;
2. the person's yes must cover exactly what was read (`Approvals.verify`);
3. the guards are asked again, with what the carrier says now;
4. the fence: → `dispatching` by compare-and-swap, on the disk before step 5. Whoever comes second, after a crash or
   from another process, finds it taken and posts nothing. The limits are counted, and opt-outs looked for, in the
   same transaction;
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
    CarrierOptedOut,
    CarrierRateLimited,
    CarrierUnreachable,
    LedgerError,
    Refused,
    UnreadableEntry,
)
from ringback.guards import Refuse, decide, over_limit
from ringback.holds import Holds
from ringback.lease import LEASE_S, Lease
from ringback.ledger.spending import OverLimit
from ringback.model.status import Status
from ringback.owner import this_process
from ringback.steps import reached

if TYPE_CHECKING:
    from ringback.approvals import Approvals
    from ringback.carriers.base import Carrier
    from ringback.carriers.routes import Carriers
    from ringback.clock import Clock
    from ringback.ledger import Ledger
    from ringback.ledger.records import Record
    from ringback.model.outbound import Acceptance, Outbound
    from ringback.rules import Rules

TRIES: Final = 3
"""How often a request is posted at most, where repeating it is safe. A scheduled one is deferred instead."""
FIRST_WAIT_S: Final = 0.5
LONGEST_WAIT_S: Final = 8.0
LONGEST_RETRY_AFTER_S: Final = 20.0
"""A carrier that asks for a longer pause gets it from the caller: the outbound ends as `failed`, nothing sent."""
AT_ONCE: Final = 8
"""How many scheduled ones one process hands over at the same time."""
HOLD_S: Final = 5.0
"""How long scheduled ones wait where the carrier did not say how long."""

_log = logging.getLogger(__name__)


class Dispatcher:
    """Hands approved outbounds to the carrier, each of them at most once."""

    def __init__(self, ledger: Ledger, carriers: Carriers, approvals: Approvals, rules: Rules, clock: Clock) -> None:
        self._ledger = ledger
        self._carriers = carriers
        self._approvals = approvals
        self._rules = rules
        self._clock = clock
        self._running: dict[str, asyncio.Task[Record]] = {}
        self._holds = Holds(clock)

    async def dispatch(self, outbound_id: str) -> Record:
        """Send one approved or due outbound; the record as it stands afterwards.

        Anything else, and what was approved for another carrier, is left alone and returned as it is.
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

    async def dispatch_ready(self, limit: int) -> int:
        """Send what is approved or due, at most `limit` scheduled ones for each carrier; how many were taken on.

        Raises:
            LedgerError: the ledger failed. What is wrong with one outbound alone is logged and stops no other.
        """
        return sum([await self._dispatch_ready(carrier.name, limit) for carrier in self._carriers])

    async def _dispatch_ready(self, carrier: str, limit: int) -> int:
        if self._holds.is_held(carrier):
            return 0
        ready = await self._ledger.outbounds.ready(carrier, limit)
        for first in range(0, len(ready), AT_ONCE):
            if self._holds.is_held(carrier):
                break
            batch = ready[first : first + AT_ONCE]
            ended = await asyncio.gather(*map(self.dispatch, batch), return_exceptions=True)
            failed = [error for error in ended if isinstance(error, BaseException)]
            if len(failed) == len(batch) and not any(isinstance(error, UnreadableEntry) for error in failed):
                raise failed[0]
            for error in failed:
                _log.warning("a dispatch failed: %s", error)
        return len(ready)

    async def finish(self) -> None:
        """Wait for what is on its way out."""
        if self._running:
            await asyncio.wait(self._running.values())

    async def _dispatch(self, outbound_id: str) -> Record:
        record = await self._ledger.outbounds.get(outbound_id)
        carrier = self._carriers.get(record.carrier)
        if carrier is None or not self._is_ready(record):
            return record
        objection = await self._objection(record, carrier)
        waits = record.send_at is not None or record.outbound.notice  # it stays as it is until it is too late for it
        if objection is not None and objection.passes and waits:
            self._holds.hold(carrier.name, HOLD_S)
            return record
        if objection is not None:
            return await self._hold_back(record, objection)
        caps = self._rules.caps(record.outbound, carrier)
        try:
            claimed = await self._ledger.deliveries.claim(record.id, owner=this_process(), lease_s=LEASE_S, caps=caps)
        except OverLimit as over:
            return await self._hold_back(record, over_limit(over.usage))
        if claimed is None:
            return await self._ledger.outbounds.get(record.id)
        async with Lease(self._ledger.deliveries, self._clock, claimed) as lease:
            # What was verified is sent: `record`, not what a second read would bring.
            return await self._send(carrier, record.outbound, claimed, lease)

    def _is_ready(self, record: Record) -> bool:
        if record.send_at is None:
            return record.status is Status.APPROVED
        return record.status is Status.SCHEDULED and record.send_at <= self._clock.now().timestamp()

    async def _objection(self, record: Record, carrier: Carrier) -> Refuse | None:
        """The rule that stands in the way by now, if one does.

        The carrier is asked before the consent is read: a person may take it back meanwhile.
        """
        facts = await self._rules.facts(record.outbound, carrier, consented=True, is_due=True)
        try:
            await self._approvals.verify(record)
        except Refused as refusal:
            return Refuse(refusal.rule, refusal.message, refusal.hint)
        decision = decide(facts)
        return decision if isinstance(decision, Refuse) else None

    async def _hold_back(self, record: Record, objection: Refuse) -> Record:
        """Refuse it, or let a scheduled one wait until a limit is free, as long as it is in time then."""
        if record.send_at is not None and objection.retry_at is not None:
            until = objection.retry_at
            waiting = await self._ledger.deliveries.postpone(record.id, until=until, reason=objection.rule)
            if waiting is not None:
                return waiting
        sources = {Status.APPROVED, Status.SCHEDULED}
        refused = await self._ledger.outbounds.move(record.id, sources, Status.REFUSED, reason=objection.rule)
        return refused or await self._ledger.outbounds.get(record.id)

    async def _send(self, carrier: Carrier, outbound: Outbound, claimed: Record, lease: Lease) -> Record:
        """Post, then write down what became of it."""
        try:
            acceptance = await self._post(carrier, outbound, lease)
        except Refused as refusal:
            return await self._settle(claimed, Status.CANCELLED, reason=refusal.rule)
        except CarrierError as error:
            if outbound.send_at is not None and isinstance(error, CarrierRateLimited | CarrierUnreachable):
                return await self._defer(claimed, error)
            if isinstance(error, CarrierOptedOut):  # it heard what we did not
                await self._ledger.opt_outs.begin(outbound.to, via="carrier")
            target = Status.FAILED if error.nothing_left else Status.UNKNOWN
            _log.warning("outbound %s: %s, so it is %s", claimed.id, error.reason, target)
            return await self._settle(claimed, target, reason=error.reason, detail=error.detail)
        except Exception as error:  # noqa: BLE001 - a defect of an adapter; the request may have left all the same
            _log.error("outbound %s: %s in the carrier's adapter, so it is unknown", claimed.id, type(error).__name__)
            return await self._settle(claimed, Status.UNKNOWN, reason=CarrierError.code)
        return await self._settle(claimed, acceptance.status, acceptance=acceptance)

    async def _post(self, carrier: Carrier, outbound: Outbound, lease: Lease) -> Acceptance:
        """The one call that makes a phone ring."""
        import stamina

        def wait(error: Exception) -> bool | float:
            if not isinstance(error, CarrierUnreachable | CarrierRateLimited):
                return False
            asked = error.retry_after if isinstance(error, CarrierRateLimited) else None
            return True if asked is None else asked <= LONGEST_RETRY_AFTER_S and max(asked, 0.001)

        tries = TRIES if outbound.send_at is None else 1
        async for attempt in stamina.retry_context(
            on=wait, attempts=tries, timeout=None, wait_initial=FIRST_WAIT_S, wait_max=LONGEST_WAIT_S
        ):
            with attempt:
                lease.check()
                await self._check_still_wanted(outbound)
                reached("post.begin")
                acceptance = await carrier.transmit(outbound)
                reached("post.answered")
                return acceptance
        raise AssertionError("a retry context either returns or raises")

    async def _check_still_wanted(self, outbound: Outbound) -> None:
        """Look once more whether the recipient opted out since it was taken: this process may have been paused."""
        if not outbound.notice and await self._ledger.opt_outs.stands(outbound.to):
            raise Refused("opted_out", "The recipient opted out meanwhile.", hint="Send them nothing.")

    async def _defer(self, claimed: Record, error: CarrierRateLimited | CarrierUnreachable) -> Record:
        """Put a scheduled one back, and hold the others: the carrier takes nothing for now, and got nothing of it."""
        asked = error.retry_after if isinstance(error, CarrierRateLimited) else None
        until = self._holds.hold(claimed.carrier, HOLD_S if asked is None else asked)
        deferred = await self._ledger.deliveries.defer(claimed, reason=error.reason, until=until)
        return deferred or await self._settle(claimed, Status.FAILED, reason=error.reason, detail=error.detail)

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
