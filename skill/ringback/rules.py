"""The rules of the road as the operator settled them, and the facts that the guards are asked with.

Everything that wants to go out gets its facts here, whoever wants it and whether it is asked about, sent or only
previewed. On the sandbox nobody's phone rings: there hours, countries, limits, budget and bulk count only where the
operator says so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final

from ringback.errors import ConfigurationError, Refused
from ringback.guards import Allow, AskPerson, Facts, Refuse, decide
from ringback.ledger.outbounds import Stored
from ringback.model.hours import read_window
from ringback.model.limits import (
    NO_CAPS,
    Bulk,
    Caps,
    Limit,
    Usage,
    read_budget,
    read_bulk,
    read_limits,
    tell_money,
)
from ringback.model.moment import iso
from ringback.model.outbound import Channel
from ringback.model.voice import spoken
from ringback.settings import read_countries

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ringback.carriers.base import CarrierReader
    from ringback.clock import Clock
    from ringback.ledger import Ledger
    from ringback.lines import Lines
    from ringback.model.outbound import Line, Outbound
    from ringback.model.prices import Estimate, PriceTable
    from ringback.settings import Settings

_LOOKS: Final = 20
"""How often a time at which one rule would let it pass is shown to all of them."""


@dataclass(frozen=True, slots=True)
class Code:
    """What the operator settled, read."""

    window: tuple[int, int] | None
    countries: frozenset[str] | None
    """`None` for all; empty where it is the line's own country."""
    caps: Caps
    bulk: Bulk | None
    caller: str | None
    opening: str
    on_sandbox: bool

    @classmethod
    def of(cls, settings: Settings) -> Code:
        """The rules in the settings, which were checked when they were read."""
        return cls(
            window=read_window(settings.hours),
            countries=frozenset() if settings.countries is None else read_countries(settings.countries),
            caps=Caps(read_limits(settings.limits), read_budget(settings.budget)),
            bulk=read_bulk(settings.bulk),
            caller=settings.caller_name and settings.caller_name.strip(),
            opening=settings.call_opening,
            on_sandbox=settings.sandbox_rules,
        )


class Rules:
    """Every method raises `LedgerError` when the ledger fails."""

    def __init__(self, settings: Settings, ledger: Ledger, lines: Lines, clock: Clock) -> None:
        self._settings = settings
        self._ledger = ledger
        self._lines = lines
        self._clock = clock
        self.code = Code.of(settings)

    @cached_property
    def prices(self) -> PriceTable:
        """The price table in force: the operator's entries, and ours where they have none.

        Raises:
            ConfigurationError: the operator's file cannot be read, or is in another currency than the budget.
        """
        from ringback.model.prices import merged, read_prices, shipped_prices

        table, path = shipped_prices(), self._settings.prices_path
        try:
            if path.exists():
                table = merged(read_prices(path.read_text("utf-8")), table)
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(
                f"The price table cannot be read: {type(error).__name__}.", hint=f"Check {path}"
            ) from None
        if any(budget.currency != table.currency for budget in self.code.caps.budgets):
            raise ConfigurationError(
                f"The budget is not in the currency of the price table, {table.currency}.",
                hint="Set RINGBACK_BUDGET in that currency, or give prices.toml your own. Nothing is sent until then.",
            )
        return table

    async def facts(
        self,
        outbound: Outbound,
        carrier: CarrierReader | None,
        *,
        consented: bool,
        is_due: bool = False,
        as_live: bool = False,
    ) -> Facts:
        """All that the guards may know about an outbound now.

        Args:
            outbound: what is to go out.
            carrier: the one that would move it; `None` where it is not in use.
            consented: whether a person agreed.
            is_due: it goes out now; the limits are left to the fence, which counts them when it takes it.
            as_live: as it would be on a line that reaches real phones.
        """
        line = None if carrier is None else await self._lines.current(carrier)
        counts = as_live or self._counts(carrier)
        price = self.estimate(outbound).micros
        usage: tuple[Usage, ...] = ()
        if counts and not is_due:
            usage = await self._ledger.spending.usage(
                self.code.caps, outbound.to, outbound.channel, send_at=outbound.send_at, price=price
            )
        return Facts(
            outbound=outbound,
            line=line,
            consented=consented,
            taken_over=await self._ledger.takeovers.stands(outbound.to),
            opted_out=await self._ledger.opt_outs.stands(outbound.to),
            now=self._clock.now().timestamp(),
            window=self.code.window if counts else None,
            presets=self._settings.hours_presets,
            zone=await self._ledger.zones.of(outbound.to),
            countries=self._countries(line) if counts else None,
            usage=usage,
            price=price,
            caller=self.code.caller,
        )

    async def usage(self, *, live: bool) -> tuple[Usage, ...]:
        """How far every limit is used now, but for those of one recipient; nothing where they do not count."""
        return await self._ledger.spending.overall(self.code.caps) if live or self.code.on_sandbox else ()

    async def decide(self, outbound: Outbound, carrier: CarrierReader | None, *, consented: bool) -> Allow | AskPerson:
        """What the guards say of a wish, where none of them refuses it.

        Raises:
            Refused: one stands in the way. `retry_at` is a time at which all of them let it pass, where one is known.
        """
        found = decide(await self.facts(outbound, carrier, consented=consented))
        if not isinstance(found, Refuse):
            return found
        rule, message, hint, at = found.rule, found.message, found.hint, found.retry_at
        for _ in range(_LOOKS):
            if at is None:
                break
            later = replace(outbound, send_at=at)
            found = decide(await self.facts(later, carrier, consented=consented))
            if not isinstance(found, Refuse):
                break
            message, hint, at = f"{message} By then: {found.message}", found.hint, found.retry_at
        raise Refused(rule, message, hint=hint, retry_at=at)

    def _counts(self, carrier: CarrierReader | None) -> bool:
        return carrier is None or carrier.live or self.code.on_sandbox

    def _countries(self, line: Line | None) -> frozenset[str] | None:
        if self.code.countries is None or self.code.countries:
            return self.code.countries
        own = line.number.region if line is not None and line.number is not None else None
        return frozenset() if own is None else frozenset({own})

    def caps(self, outbound: Outbound, carrier: CarrierReader) -> Caps:
        """The limits that the fence keeps for it."""
        is_exempt = outbound.by_hand or outbound.notice or not self._counts(carrier)
        return NO_CAPS if is_exempt else self.code.caps

    def stored(self, outbound: Outbound, carrier: CarrierReader) -> Stored:
        """What is stored with an outbound because of the rules."""
        return Stored(self.estimate(outbound).micros, self.code.bulk if self._counts(carrier) else None)

    def estimate(self, outbound: Outbound) -> Estimate:
        """What an outbound costs by the price table.

        Raises:
            ConfigurationError: the operator's price table cannot be read.
        """
        from ringback.model.prices import estimate

        return estimate(self.prices, outbound)

    @property
    def opt_out_text(self) -> str:
        """What somebody who opted out is told, once."""
        who = f"{self.code.caller}: " if self.code.caller else ""
        return f"{who}You are unsubscribed and will get no more messages or calls from us. Reply START to undo this."

    def actual_call(self, outbound: Outbound, duration_s: float) -> Estimate:
        """What a call that took so long costs by the price table.

        Raises:
            ConfigurationError: the operator's price table cannot be read.
        """
        from ringback.model.prices import actual_call

        return actual_call(self.prices, outbound, duration_s)

    def spoken(self, channel: Channel, text: str) -> str:
        """The text as it goes out: a call begins with who calls, and that the voice is artificial."""
        if channel is not Channel.VOICE or not text.strip():
            return text
        return spoken(text, caller=self.code.caller, opening=self.code.opening)


def tell_usage(used: Usage) -> dict[str, object]:
    """What is left of a limit, as a tool tells it."""
    cap, next_at = used.cap, {} if used.free_at is None else {"next_at": iso(used.free_at)}
    if isinstance(cap, Limit):
        return {"for": cap.scope.value, "per": cap.period, "limit": cap.count, "left": used.left, **next_at}
    limit, left = tell_money(cap.micros, cap.currency), tell_money(used.left, cap.currency)
    return {"for": "money", "per": cap.period, "limit": limit, "left": left, **next_at}


def tell_left(limits: Iterable[Mapping[str, object]]) -> str:
    """What is left, in a sentence; empty where nothing counts."""
    told = [f"{each['left']} of {each['limit']} ({each['for']}, in any {each['per']})" for each in limits]
    return f"Left: {'; '.join(told)}." if told else ""
