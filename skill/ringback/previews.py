"""What would go out, for how much, and which rules stand in the way: told without storing or sending anything."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Final

from ringback.guards import AskPerson, Decision, Refuse, review
from ringback.model.moment import iso
from ringback.model.outbound import Channel
from ringback.model.text import SmsShape, explain, visible
from ringback.model.zones import tell_there, zones_of
from ringback.questions import country_name
from ringback.rules import tell_left, tell_usage

if TYPE_CHECKING:
    from ringback.approvals import Approvals
    from ringback.clock import Clock
    from ringback.guards import Facts
    from ringback.ledger import Ledger
    from ringback.model.outbound import Outbound
    from ringback.parts import Parts
    from ringback.wishes import Wish

PREVIEW: Final = "preview"
_SETTLED_BY_OPERATOR: Final = frozenset({"country", "quiet_hours", "limits", "budget"})


@dataclass(frozen=True, slots=True)
class Ruling:
    """What one rule says of it."""

    rule: str
    """The guard's name."""
    result: str
    """`passes`, `asks` (a person is asked), `refuses`."""
    code: str | None = None
    message: str | None = None
    next: str | None = None
    send_at: str | None = None
    """From when on it would pass, where that is known; `send_at` of the tools takes it."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a send would do. Nothing was stored or sent."""

    status: str
    """Always `preview`."""
    would: str
    """`go`, `ask` a person, or `be refused`."""
    channel: str
    to: str
    """Masked."""
    contact: str
    carrier: str
    live: bool
    """Whether a real phone would ring."""
    sender: str | None
    """The line's own number, masked, where the carrier tells it."""
    country: str
    line_type: str
    local_time: str
    """What time it would be there; empty where nobody knows."""
    send_at: str | None
    says: str | None = field(repr=False)
    """All that a call would say."""
    travels: dict[str, object] | None = field(repr=False)
    """Of a text: `encoding`, `segments`, `left` in the last one (septets of GSM-7, UTF-16 units of UCS-2), what it is
    `forced_by` into UCS-2, and the `suggestion` in GSM-7 with its `suggested_segments`, where that is plain."""
    cost: str
    rules: tuple[Ruling, ...]
    on_a_real_line: tuple[Ruling, ...] | None
    """On the sandbox: the rules that do not count here and would refuse it elsewhere."""
    limits: tuple[dict[str, object], ...] | None
    """What is left for this recipient, this tool and in all."""
    repeats: str | None
    """The id of the same wish made before: a call would send nothing new."""
    summary: str
    next: str

    def as_dict(self) -> dict[str, object]:
        """The preview as JSON-ready values, without what is not known."""
        told = {item.name: getattr(self, item.name) for item in fields(self)}
        told["rules"] = [_known(ruling) for ruling in self.rules]
        told["on_a_real_line"] = [_known(ruling) for ruling in self.on_a_real_line or ()] or None
        return {name: value for name, value in told.items() if value is not None}


def _known(ruling: Ruling) -> dict[str, object]:
    told = {item.name: getattr(ruling, item.name) for item in fields(ruling)}
    return {name: value for name, value in told.items() if value is not None}


class Previews:
    """Tells what a send would do."""

    def __init__(self, parts: Parts) -> None:
        self._ledger: Ledger = parts.ledger
        self._rules = parts.rules
        self._approvals: Approvals = parts.approvals
        self._clock: Clock = parts.clock

    async def of(self, wish: Wish) -> Preview:
        """What sending this would do now."""
        outbound, carrier = wish.outbound, wish.carrier
        consented = await self._ledger.consents.is_allowed(outbound, self._approvals.least)
        facts = await self._rules.facts(outbound, carrier, consented=consented)
        rulings = tuple(_ruling(name, decision) for name, decision in review(facts))
        terms = self._rules.stored(outbound, carrier)
        if await self._ledger.outbounds.is_bulk(outbound, terms.bulk):
            rulings += (_LISTED,)
        earlier = await self._ledger.outbounds.find(outbound, wish.key)
        elsewhere = None if carrier.live else await self._elsewhere(wish)
        would = _would(rulings)
        shape = None if outbound.channel is Channel.VOICE else explain(outbound.text)
        cost = self._rules.estimate(outbound).words
        there = self._there(facts)
        limits = tuple(tell_usage(used) for used in facts.usage)
        lines = _lines(outbound, would, shape, cost=cost, there=there, rulings=rulings)
        lines += [f"On a real line it would be refused ({each.code}): {each.message}" for each in elsewhere or ()]
        lines += filter(None, [tell_left(limits)])
        return Preview(
            status=PREVIEW,
            would=would,
            channel=outbound.channel.value,
            to=outbound.to.masked,
            contact=self._ledger.contact(outbound.to),
            carrier=carrier.name,
            live=carrier.live,
            sender=facts.line.number.masked if facts.line and facts.line.number else None,
            country=country_name(outbound.to),
            line_type=outbound.to.line_type,
            local_time=there,
            send_at=None if outbound.send_at is None else iso(outbound.send_at),
            says=visible(outbound.text) if shape is None else None,
            travels=None if shape is None else _travels(shape),
            cost=cost,
            rules=rulings,
            on_a_real_line=elsewhere,
            limits=limits or None,
            repeats=earlier.id if earlier else None,
            summary="\n".join(lines),
            next=_next(would, rulings, earlier.id if earlier else None),
        )

    async def _elsewhere(self, wish: Wish) -> tuple[Ruling, ...]:
        """What the rules that do not count on the sandbox would say on a real line."""
        facts = await self._rules.facts(wish.outbound, wish.carrier, consented=True, as_live=True)
        rulings = (_ruling(name, decision) for name, decision in review(facts) if name in _SETTLED_BY_OPERATOR)
        # The sandbox's own number is in no country, which says nothing about a real line.
        return tuple(each for each in rulings if each.result == "refuses" and each.code != "country_unknown")

    def _there(self, facts: Facts) -> str:
        outbound = facts.outbound
        at = facts.now if outbound.send_at is None else outbound.send_at
        return tell_there(at, (facts.zone,) if facts.zone else zones_of(outbound.to))


_LISTED: Final = Ruling(
    "bulk",
    "asks",
    "bulk_list",
    "The same text went, or waits to go, to so many others that a person approves the whole list.",
    "Propose the rest of the list; the person sees all of it on Ringback's page or with: ringback approve",
)


def _ruling(name: str, decision: Decision) -> Ruling:
    if isinstance(decision, Refuse):
        at = None if decision.retry_at is None else iso(decision.retry_at)
        return Ruling(name, "refuses", decision.rule, decision.message, decision.hint, at)
    return Ruling(name, "asks" if isinstance(decision, AskPerson) else "passes")


def _would(rulings: tuple[Ruling, ...]) -> str:
    results = {ruling.result for ruling in rulings}
    return "be refused" if "refuses" in results else "ask" if "asks" in results else "go"


def _travels(shape: SmsShape) -> dict[str, object]:
    """How a text travels. Each character stands visible with its name and place: it may be one that hides or turns."""
    told: dict[str, object] = {"encoding": shape.encoding, "segments": shape.segments, "left": shape.left}
    if shape.forcing:
        told["forced_by"] = [
            {"char": visible(each.char), "name": each.name, "code": each.code, "position": each.position}
            for each in shape.forcing
        ]
    if shape.suggestion is not None:
        told |= {"suggestion": visible(shape.suggestion), "suggested_segments": shape.suggested_segments}
    return told


def _lines(
    outbound: Outbound, would: str, shape: SmsShape | None, *, cost: str, there: str, rulings: tuple[Ruling, ...]
) -> list[str]:
    """The preview as a model reads it out, a fact a line."""
    goes = {"go": "It would go out at once.", "ask": "A person would be asked, and it would go after their yes."}
    lines = [f"A preview: nothing was stored or sent. {goes.get(would, 'It would be refused.')}"]
    lines.append(f"To {outbound.to.masked}, {country_name(outbound.to)}, {outbound.to.line_type}.")
    lines.append(f"There it would be {there}." if there else "Nobody knows what time it would be there.")
    if shape is None:
        lines.append(f"The call would say: {visible(outbound.text)}")
    else:
        lines += _tell_shape(shape)
    lines.append(f"Cost: {cost}.")
    says = {"refuses": "Refused by", "asks": "Asked about by"}
    lines += [f"{says[each.result]} {each.rule} ({each.code}): {each.message}" for each in rulings if each.code]
    lines.append("Rules that pass: " + (", ".join(each.rule for each in rulings if each.result == "passes") or "none"))
    return lines


def _tell_shape(shape: SmsShape) -> list[str]:
    lines = [f"{_segments(shape.segments)} of {shape.encoding}, {shape.left} left in the last."]
    if shape.forcing:
        names = ", ".join(f"{visible(each.char)} ({each.name}, {each.code})" for each in shape.forcing)
        more = f" and {shape.more_forcing} more" if shape.more_forcing else ""
        lines.append(f"UCS-2 because of {names}{more}.")
    if shape.suggestion is not None:
        lines.append(f"The same in GSM-7, {_segments(shape.suggested_segments)}: {visible(shape.suggestion)}")
    return lines


def _segments(count: int | None) -> str:
    return "1 segment" if count == 1 else f"{count} segments"


def _next(would: str, rulings: tuple[Ruling, ...], earlier: str | None) -> str:
    if earlier is not None:
        return f"The same was asked for before as {earlier}: ask for its status; a call would send nothing new."
    refused = next((ruling for ruling in rulings if ruling.result == "refuses"), None)
    if refused is not None:
        return refused.next or "Tell the person."
    return "Call again without dry_run to send it." if would in {"go", "ask"} else "Tell the person."
