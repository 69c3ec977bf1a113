"""What a person sees of the rules: how far the limits are used, what was spent, and whose zone was named."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ringback.errors import InvalidRequest
from ringback.model.moment import tell_moment
from ringback.model.numbers import parse_number

if TYPE_CHECKING:
    from ringback.ledger.records import NamedZone
    from ringback.ledger.spending import DaySpent
    from ringback.model.limits import Usage
    from ringback.parts import Parts
    from ringback.rules import Code

DAY_S: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class Standing:
    """The rules in force and how far they are used."""

    code: Code
    counts: bool
    """Whether hours, countries, limits, budget and bulk count here: not on the sandbox, unless the operator says so."""
    usage: tuple[Usage, ...]
    """Of all limits and budgets but those for one recipient."""
    days: list[DaySpent]
    """What left, by day (UTC) and channel, oldest first."""
    currency: str


class Overview:
    """Only a face that stands before a person may hold one."""

    def __init__(self, parts: Parts) -> None:
        self._ledger = parts.ledger
        self._carriers = parts.carriers
        self._rules = parts.rules
        self._clock = parts.clock

    async def standing(self, days: int = 30) -> Standing:
        """The rules in force, how far they are used, and what left in the last days.

        Raises:
            ConfigurationError: the operator's price table cannot be read.
        """
        code = self._rules.code
        since = (self._clock.now().timestamp() // DAY_S - days + 1) * DAY_S
        return Standing(
            code=code,
            counts=code.on_sandbox or any(carrier.live for carrier in self._carriers),
            usage=await self._ledger.spending.overall(code.caps),
            days=await self._ledger.spending.by_day(since),
            currency=self._rules.prices.currency,
        )

    async def name_zone(self, number: str, zone: str) -> None:
        """Let a time zone stand for a recipient, in place of what their number tells.

        Raises:
            InvalidNumber: the number cannot be read.
            InvalidRequest: there is no such zone.
        """
        to = parse_number(number)
        check_zone(zone)
        await self._ledger.zones.name(to, zone)

    async def drop_zone(self, number: str) -> bool:
        """Go by the number again; whether a zone was named.

        Raises:
            InvalidNumber: the number cannot be read.
        """
        return await self._ledger.zones.drop(parse_number(number))

    async def zones(self) -> list[NamedZone]:
        """All zones that were named, with whole numbers."""
        return await self._ledger.zones.named()


def check_zone(zone: str) -> None:
    """See that a time zone of this name exists.

    Raises:
        InvalidRequest: there is none.
    """
    try:
        tell_moment(0.0, zone)
    except InvalidRequest:
        raise InvalidRequest(
            "There is no time zone of this name.", hint="Give an IANA name, such as America/New_York."
        ) from None
