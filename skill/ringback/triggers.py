"""Triggers: other programs start what a person allowed beforehand, in that person's words.

A program gives a number and the variables of a template, and proves itself by a secret. What goes out passes every
guard, then the trigger's own rules; the person's definition is the consent to it (level A0, `trigger:<id>`).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from ringback.errors import InvalidRequest, Refused
from ringback.ledger.triggers import Use, weak
from ringback.model.moment import check_moment, read_moment
from ringback.model.numbers import parse_number
from ringback.model.outbound import Outbound
from ringback.model.status import Status
from ringback.model.text import is_encodable
from ringback.model.trigger import REMIND, Definition, objection, read_definitions
from ringback.receipts import Receipt, receipt

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ringback.carriers.routes import Carriers
    from ringback.ledger import Ledger
    from ringback.ledger.records import Level
    from ringback.ledger.triggers import StandingTrigger
    from ringback.parts import Parts

KEY_LIMIT: Final = 200
_NUMBER_CHARS: Final = 64


@dataclass(frozen=True, slots=True)
class Caller:
    """A program that proved that it may use a trigger."""

    trigger: StandingTrigger
    name: str


@dataclass(frozen=True, slots=True)
class Request:
    """What a caller wants to go out."""

    phone: str = field(repr=False)
    variables: Mapping[str, object] = field(repr=False)
    key: str | None = None
    """The caller's idempotency key; without one it is derived from trigger, number, variables and day (UTC)."""
    send_at: str | None = None
    appointment: tuple[str, str] | None = field(default=None, repr=False)
    """Of a reminder: the appointment's id, and what tells its start and words apart."""


class Triggers:
    """What programs may ask for by a trigger. Every method raises a `RingbackError` and nothing else."""

    def __init__(self, parts: Parts) -> None:
        self._carriers = parts.carriers
        self._ledger = parts.ledger
        self._rules = parts.rules
        self._approvals = parts.approvals
        self._dispatcher = parts.dispatcher
        self._inbound = parts.inbound
        self._clock = parts.clock

    async def authorise(self, name: str, secret: str) -> Caller:
        """Who calls a trigger, by their secret.

        Raises:
            NotFound: there is no such trigger.
            Refused: it is nobody's secret (`wrong_secret`).
        """
        trigger = await self._ledger.triggers.get(name)
        caller = await self._ledger.triggers.caller(trigger, secret)
        if caller is None:
            raise Refused(
                "wrong_secret",
                "This is no secret of a caller of this trigger.",
                hint="The person makes one with: ringback triggers secret",
            )
        return Caller(trigger, caller)

    async def reminding(self, name: str) -> Caller:
        """The command `ringback remind` as a caller, where the definition names it.

        Raises:
            NotFound: there is no such trigger.
            Refused: its definition does not let the command use it.
        """
        trigger = await self._ledger.triggers.get(name)
        if REMIND not in trigger.definition.callers:
            raise Refused(
                "trigger_caller",
                "This trigger's definition does not let ringback remind use it.",
                hint=f'The person adds "{REMIND}" to callers in the file, and applies it.',
            )
        return Caller(trigger, REMIND)

    def outbound(self, caller: Caller, request: Request) -> Outbound:
        """What a request stands for, finished.

        Raises:
            InvalidRequest: number, variables or time cannot be read.
            Refused: the trigger's carrier is not in use.
        """
        definition = caller.trigger.definition
        carrier = self._carriers.get(definition.carrier or "")
        if carrier is None or definition.channel not in carrier.channels:
            raise Refused(
                "no_capability",
                f"The carrier that this trigger was applied for is not set up here, or moves no {definition.channel}.",
                hint="The person applies the trigger again for the carrier in use.",
            )
        to = parse_number(request.phone[: _NUMBER_CHARS + 1])
        due = None if request.send_at is None else read_moment(request.send_at)
        text = self._rules.spoken(definition.channel, definition.text(request.variables))
        channel, media = definition.channel, definition.media_url
        return Outbound(channel, to, carrier.name, text, media, due, urgent=definition.urgent)

    async def check(self, caller: Caller, outbound: Outbound) -> None:
        """See that every guard lets it through, and then the trigger's own rules but for its limit.

        Raises:
            InvalidRequest: its time is past, or too far ahead.
            Refused: a rule stands in the way.
        """
        now = self._clock.now().timestamp()
        if outbound.send_at is not None:
            check_moment(outbound.send_at, now=now)
        carrier = self._carriers.get(outbound.carrier)
        await self._rules.decide(outbound, carrier, consented=True)
        trigger = caller.trigger
        refusal = weak(trigger, self._approvals.least) or objection(trigger.definition, outbound, at=now)
        if refusal is not None:
            raise refusal

    async def fire(self, caller: Caller, request: Request) -> Receipt:
        """Send what a caller asks for, once for each key.

        Raises:
            InvalidRequest: number, variables, key or time cannot be read.
            Refused: a rule stands in the way; `retry_at` tells when it may be allowed, where that is known.
            IdempotencyConflict: the key belongs to something else.
        """
        outbound = self.outbound(caller, request)
        key = self._key(caller, request, outbound)
        earlier = await self._ledger.outbounds.find(outbound, key)
        if earlier is not None:
            return receipt(await self._inbound.refresh(earlier), repeated=True)
        await self.check(caller, outbound)
        appointment, slot = request.appointment or (None, None)
        use = Use(caller.trigger, self._approvals.least, appointment, slot)
        asked_by = _words(f"trigger {caller.trigger.definition.name} by {caller.name}")
        carrier = self._carriers.get(outbound.carrier)
        terms = None if carrier is None else self._rules.stored(outbound, carrier)
        record, is_new = await self._ledger.outbounds.add(
            outbound, key=key, spend=None, asked_by=asked_by, use=use, terms=terms
        )
        if record.status in {Status.APPROVED, Status.SCHEDULED}:
            record = await self._dispatcher.dispatch(record.id)
        return receipt(record, repeated=not is_new)

    def _key(self, caller: Caller, request: Request, outbound: Outbound) -> str:
        """The key in the ledger: a caller's own keys are no other caller's."""
        scope = f"trigger:{caller.trigger.id}:{caller.name}"
        if request.key is not None:
            if not (0 < len(request.key) <= KEY_LIMIT and is_encodable(request.key)):
                raise InvalidRequest(
                    f"An idempotency key has 1 to {KEY_LIMIT} characters of valid Unicode.", hint="Change it."
                )
            return f"{scope}:given:{request.key}"
        at = self._clock.now() if outbound.send_at is None else datetime.fromtimestamp(outbound.send_at, UTC)
        said = [outbound.to.e164, sorted((name, str(value)) for name, value in request.variables.items())]
        wish = json.dumps([*said, at.astimezone(UTC).date().isoformat()])
        return f"{scope}:derived:{hashlib.sha256(wish.encode('utf-8', 'surrogatepass')).hexdigest()}"


class Definitions:
    """The person's side of triggers; only a face that stands before a person may hold one."""

    def __init__(self, carriers: Carriers, ledger: Ledger) -> None:
        self._carriers = carriers
        self._ledger = ledger

    def read(self, text: str) -> tuple[Definition, ...]:
        """The definitions in a file, each for a carrier that is in use.

        Raises:
            InvalidRequest: the file is not in the documented form.
            Refused: no carrier here moves what one of them wants.
        """
        return tuple(self._resolved(definition) for definition in read_definitions(text))

    def _resolved(self, definition: Definition) -> Definition:
        carrier = self._carriers.route(definition.channel)
        if definition.carrier is not None:
            carrier = self._carriers.get(definition.carrier)
        if carrier is None or definition.channel not in carrier.channels:
            raise Refused(
                "no_capability",
                f"Trigger {definition.name}: no carrier of that name that is in use here moves {definition.channel}.",
                hint="See: ringback check. Nothing was applied.",
            )
        return replace(definition, carrier=carrier.name)

    async def apply(self, definition: Definition, *, level: Level, via: str) -> StandingTrigger:
        """Let a definition stand, in place of the one of its name. What was scheduled under that one stays so."""
        return await self._ledger.triggers.apply(definition, level=level, via=via)

    async def standing(self) -> list[StandingTrigger]:
        """All that stand, by name."""
        return await self._ledger.triggers.standing()

    async def remove(self, name: str) -> bool:
        """End a trigger at once; whether there was one. What is scheduled under it goes out no more."""
        return await self._ledger.triggers.remove(name)

    async def make_secret(self, name: str, caller: str) -> str:
        """A new secret for a caller, in place of an earlier one; it can never be read again.

        Raises:
            NotFound: there is no such trigger, or its definition names no such caller.
        """
        return await self._ledger.triggers.make_secret(name, caller)


def _words(text: str) -> str:
    """Without digits: it is stored in plain."""
    return "".join(char for char in text if not char.isdecimal())
