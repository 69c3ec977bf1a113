"""The facade that tools, frameworks and the command line share: what an agent may ask for.

Nothing here sees or returns a whole number once it is parsed, and nothing here can say yes for a person;
that is `ringback.person`.
"""

from __future__ import annotations

import math
import re
from contextvars import ContextVar
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ringback.errors import CarrierError, InvalidRequest, Refused
from ringback.guards import Allow
from ringback.model.moment import check_moment
from ringback.model.outbound import Channel
from ringback.model.status import Status
from ringback.previews import Previews
from ringback.receipts import HistoryPage, LineReport, Receipt, line_report, receipt, told
from ringback.rules import tell_usage
from ringback.wishes import Asked, Wishes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from ringback.ledger.records import Record
    from ringback.live_calls import LiveCalls
    from ringback.model.outbound import Line
    from ringback.parts import Parts
    from ringback.previews import Preview
    from ringback.templates import Templates

LONGEST_WAIT_S: Final = 25.0
"""How long one `status` call waits at most."""
_LEDGER_POLL_S, _FIRST_CARRIER_POLL_S, _LONGEST_CARRIER_POLL_S = 0.2, 0.5, 4.0
_ASKER_LIMIT = 40
_SHARE = 64
"""How many outbounds one call of `tend` sends or asks after at most."""
_SWEEP_S = 3600.0
asked_by: Final[ContextVar[str]] = ContextVar("asked_by", default="a program")
"""Which program asks, by its own name for itself; a face sets it, and the person is shown it."""
_MOVING = frozenset({Status.APPROVED, Status.DISPATCHING})


class Telephone:
    """An agent's telephone. Every method raises a `RingbackError` and nothing else."""

    def __init__(self, parts: Parts, *, live_calls: LiveCalls, templates: Templates, redact: bool = True) -> None:
        self._carriers = parts.carriers
        self._ledger = parts.ledger
        self._lines = parts.lines
        self._approvals = parts.approvals
        self._dispatcher = parts.dispatcher
        self._inbound = parts.inbound
        self._rules = parts.rules
        self._live_calls = live_calls
        self._templates = templates
        self._redact = redact
        self._wishes = Wishes(parts, live_calls, templates)
        self._previews = Previews(parts)
        self._clock = parts.clock
        self._next_sweep = 0.0

    @property
    def channels(self) -> frozenset[Channel]:
        """The channels that some carrier moves here."""
        return self._carriers.channels

    async def check(self) -> LineReport:
        """Ask every carrier in use whether telephony is enabled, and for what.

        Raises:
            CarrierError: none could be asked.
        """
        lines: list[Line] = []
        failed: list[CarrierError] = []
        for carrier in self._carriers:
            try:
                lines.append(await self._lines.ask(carrier))
            except CarrierError as error:
                failed.append(error)
        if not lines:
            raise failed[0]
        usage = await self._rules.usage(live=any(line.live for line in lines))
        return line_report(
            [self._routed(line) for line in lines],
            approval=self._approvals.least.value,
            templates=self._templates.usable(),
            limits=[tell_usage(used) for used in usage],
        )

    def _routed(self, line: Line) -> Line:
        """A line with those of its channels that go by its carrier here."""
        routes = {channel: self._carriers.route(channel) for channel in line.capabilities}
        moved = {channel for channel, carrier in routes.items() if carrier and carrier.name == line.carrier}
        return replace(line, capabilities=frozenset(moved))

    async def send_sms(
        self,
        to: str | None = None,
        body: str | None = None,
        *,
        call_id: str | None = None,
        template: str | None = None,
        variables: Mapping[str, object] | None = None,
        send_at: str | None = None,
        idempotency_key: str | None = None,
    ) -> Receipt:
        """Text a person.

        Args:
            to: the recipient in E.164 form; or
            call_id: the id of a call of ours that is going on: its other party gets the text.
            body: the text, at most 1,600 characters; or
            template: the name of a template of the person's, with
            variables: exactly its variables.
            send_at: when it is to go out, with its zone or offset, at most 90 days ahead; without it at once.
            idempotency_key: the same key with the same content is sent once; another content is refused.

        Raises:
            InvalidRequest: number, text, time or key cannot be read, or not exactly one of two was given.
            NotFound: there is no such call.
            Refused: a guard stands in the way, or the call is not live.
            CarrierError: it could not be asked whether the call is live.
            IdempotencyConflict: the key belongs to something else.
        """
        asked = Asked(Channel.SMS, to, body, None, send_at, idempotency_key, call_id, template, variables)
        return await self.send(asked)

    async def send_mms(
        self, to: str, body: str, media_url: str, *, send_at: str | None = None, idempotency_key: str | None = None
    ) -> Receipt:
        """Text a person a picture or document, which the carrier fetches from an https:// URL.

        Raises: as `send_sms`.
        """
        asked = Asked(Channel.MMS, to, body, media_url, send_at=send_at, key=idempotency_key)
        return await self.send(asked)

    async def call(
        self, to: str, prompt: str, *, send_at: str | None = None, idempotency_key: str | None = None
    ) -> Receipt:
        """Call a person: after who calls and that the voice is artificial, the carrier's voice says `prompt`.

        Both have at most 4,096 characters together. Keys come back in `status`.

        Raises: as `send_sms`.
        """
        asked = Asked(Channel.VOICE, to, prompt, send_at=send_at, key=idempotency_key)
        return await self.send(asked)

    async def preview(self, asked: Asked) -> Preview:
        """What a send would do, and what stands in its way. Nothing is stored or sent.

        Raises:
            InvalidRequest, NotFound, Refused, IdempotencyConflict: it cannot be read, as for the send itself.
        """
        wish = await self._wishes.read(asked)
        if wish.outbound.send_at is not None:
            check_moment(wish.outbound.send_at, now=self._clock.now().timestamp())
        return await self._previews.of(wish)

    async def send(self, asked: Asked) -> Receipt:
        """What `send_sms`, `send_mms` and `call` do, in one: any of them as it was asked for.

        Raises:
            InvalidRequest, NotFound, Refused, CarrierError, IdempotencyConflict: as for `send_sms`.
        """
        wish = await self._wishes.read(asked)
        outbound, due, during = wish.outbound, wish.outbound.send_at, wish.during
        earlier = await self._ledger.outbounds.find(outbound, wish.key)
        if earlier is not None:  # since then its time may have passed, the call have ended, a limit been reached by it
            return await self._moved(earlier, is_new=False)
        if due is not None:
            check_moment(due, now=self._clock.now().timestamp())
        if during is not None:
            await self._live_calls.require(during)
        least = self._approvals.least
        consented = await self._ledger.consents.is_allowed(outbound, least)
        decision = await self._rules.decide(outbound, wish.carrier, consented=consented)
        record, is_new = await self._ledger.outbounds.add(
            outbound,
            key=wish.key,
            spend=least if isinstance(decision, Allow) else None,
            asked_by=_asker(),
            terms=self._rules.stored(outbound, wish.carrier),
        )
        return await self._moved(record, is_new=is_new)

    async def _moved(self, record: Record, *, is_new: bool) -> Receipt:
        if record.status in {Status.APPROVED, Status.SCHEDULED}:
            record = await self._dispatcher.dispatch(record.id)
        elif not is_new:
            record = await self._inbound.refresh(record)
        return receipt(record, repeated=not is_new)

    async def status(
        self,
        outbound_id: str,
        *,
        wait_s: float = 0.0,
        on_change: Callable[[Receipt], Awaitable[None]] | None = None,
    ) -> Receipt:
        """What became of an outbound, asked of the carrier where it is still under way.

        Args:
            outbound_id: the id from a receipt.
            wait_s: how long to wait, at most 25 seconds: for a waiting one until a person answered, for one that is
                with the carrier until it has ended.
            on_change: called with a receipt whenever the status changes during the wait.

        Raises:
            NotFound: there is no such outbound.
        """
        if not math.isfinite(wait_s):
            raise InvalidRequest("The wait is not a number of seconds.", hint="Wait 0 to 25 seconds.")
        await self._ledger.outbounds.expire()
        first = record = await self._inbound.refresh(await self._ledger.outbounds.get(outbound_id))
        left = min(max(wait_s, 0.0), LONGEST_WAIT_S)
        deadline = self._clock.now().timestamp() + left
        pause, next_poll = _FIRST_CARRIER_POLL_S, 0.0
        # Both are counted: the clock may be set back meanwhile, and the carrier's answers take time too.
        while not _is_settled(first, record) and left > 0 and (now := self._clock.now().timestamp()) < deadline:
            step = min(_LEDGER_POLL_S, deadline - now)
            await self._clock.sleep(step)
            left -= step
            await self._ledger.outbounds.expire()
            before, record = record, await self._ledger.outbounds.get(outbound_id)
            if now >= next_poll:
                record = await self._inbound.refresh(record)
                pause, next_poll = min(pause * 1.5, _LONGEST_CARRIER_POLL_S), now + pause
            if on_change is not None and record.status is not before.status:
                await on_change(receipt(record, redact=self._redact))
        return receipt(record, redact=self._redact)

    async def history(self, limit: int = 20, cursor: str | None = None) -> HistoryPage:
        """The newest outbounds and received texts of this ledger, at most `limit` (1 to 100), as it last heard of them.

        Raises:
            NotFound: the cursor is none that history gave.
        """
        await self._ledger.outbounds.expire()
        page = await self._ledger.inbox.journal(limit, cursor)
        return HistoryPage(tuple(told(entry, redact=self._redact) for entry in page.entries), page.cursor)

    async def cancel(self, outbound_id: str) -> Receipt:
        """Cancel an outbound that still waits. What was handed to the carrier cannot be called back.

        Raises:
            NotFound: there is no such outbound.
            Refused: it is too late.
        """
        record = await self._ledger.outbounds.get(outbound_id)
        waiting = {Status.DRAFT, Status.AWAITING_APPROVAL, Status.APPROVED, Status.SCHEDULED}
        moved = await self._ledger.outbounds.move(outbound_id, waiting, Status.CANCELLED, reason="cancelled_on_request")
        if moved is None:
            record = await self._ledger.outbounds.get(outbound_id)
            if record.status is not Status.CANCELLED:
                raise Refused(
                    "too_late_to_cancel",
                    f"It cannot be cancelled: its status is {record.status}.",
                    hint="Ask for its status; what the carrier took cannot be called back.",
                )
        return receipt(moved or record)

    async def tend(self) -> bool:
        """What a server does every second: end what expired, send what is due, follow what is open, erase what is old.

        Finishes what an earlier process left undone; safe to run in several processes at once. One call does a bounded
        share; returns whether more is to be done at once.
        """
        await self._ledger.outbounds.expire()
        await self._inbound.collect()  # first: a stop word in it ends what would be sent now
        await self._inbound.stopping.confirm()
        sent = await self._dispatcher.dispatch_ready(_SHARE)
        asked = await self._inbound.refresh_due(_SHARE)
        erased = 0
        now = self._clock.now().timestamp()
        if now >= self._next_sweep:
            erased = await self._ledger.erasure.sweep()
            self._next_sweep = now if erased else now + _SWEEP_S
        return sent >= _SHARE or asked >= _SHARE or erased > 0


def _asker() -> str:
    """The asking program's name without digits: it is stored in plain, and could be anything."""
    return re.sub(r"[^A-Za-z ._()-]", "", asked_by.get())[:_ASKER_LIMIT].strip() or "a program without a name"


def _is_settled(first: Record, record: Record) -> bool:
    """Whether a wait is over: a person answered and it went out, or it has ended."""
    if record.status.ended:
        return True
    if record.status is Status.SCHEDULED:  # it has its yes, and its time may be far
        return first.status is not Status.SCHEDULED
    if first.status.before_dispatch:
        return not record.status.before_dispatch and record.status not in _MOVING
    return False
