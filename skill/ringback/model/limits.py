"""How much may go out: counts for a recipient, a channel and in all, and money, each over a stretch of time.

What is counted is what left, or may have left, in the stretch that ends now: docs/decisions/0020.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from ringback.errors import InvalidRequest

if TYPE_CHECKING:
    from ringback.model.outbound import Channel

PERIODS_S: Final = {"minute": 60.0, "hour": 3600.0, "day": 86_400.0, "month": 30 * 86_400.0}
LARGEST_COUNT: Final = 1_000_000
MICROS: Final = 1_000_000
_LIMIT = re.compile(r"(\w+)\s*=\s*([0-9]{1,7})\s*/\s*(\w+)", re.ASCII)
_BULK = re.compile(r"([0-9]{1,7})\s*/\s*(\w+)", re.ASCII)
_BUDGET = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)\s*([A-Z]{3})\s*/\s*(\w+)", re.ASCII)
_HINT: Final = "For example: recipient=5/hour, recipient=20/day, sms=60/hour, all=100/hour, all=500/day"


class Scope(StrEnum):
    """What a limit counts together."""

    RECIPIENT = "recipient"
    """Everything to one person."""
    SMS = "sms"
    MMS = "mms"
    VOICE = "voice"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `count` in any stretch of `period`."""

    scope: Scope
    count: int
    period: str

    @property
    def period_s(self) -> float:
        """The stretch, in seconds."""
        return PERIODS_S[self.period]

    @property
    def rule(self) -> str:
        """The code of the refusal."""
        return {Scope.RECIPIENT: "limit_recipient", Scope.ALL: f"limit_{self.period}"}.get(self.scope, "limit_tool")

    @property
    def words(self) -> str:
        """The limit as a person reads it."""
        what = {Scope.RECIPIENT: "to one person", Scope.ALL: "in all"}.get(self.scope, f"by {self.scope}")
        return f"{self.count} {what} in any {self.period}"

    def counts(self, channel: Channel) -> bool:
        """Whether it counts what goes by this channel."""
        return self.scope in {Scope.RECIPIENT, Scope.ALL} or self.scope == channel.value


@dataclass(frozen=True, slots=True)
class Budget:
    """At most so many millionths of a currency in any stretch of `period`."""

    micros: int
    currency: str
    period: str

    @property
    def period_s(self) -> float:
        """The stretch, in seconds."""
        return PERIODS_S[self.period]


@dataclass(frozen=True, slots=True)
class Bulk:
    """The same text to more than `count` people in a stretch of `period_s` seconds is bulk."""

    count: int
    period_s: float


@dataclass(frozen=True, slots=True)
class Caps:
    """The limits and budgets in force."""

    limits: tuple[Limit, ...] = ()
    budgets: tuple[Budget, ...] = ()


NO_CAPS: Final = Caps()


@dataclass(frozen=True, slots=True)
class Usage:
    """How much of a limit or budget is used in the stretch that ends when the next one would go out."""

    cap: Limit | Budget
    used: int
    """A count; of a budget, millionths of its currency."""
    passes: bool = True
    """Whether the next one passes."""
    free_at: float | None = None
    """From when on it passes, in Unix seconds; `None` where it passes now, or never would."""

    @property
    def left(self) -> int:
        """How much is left."""
        return max(0, (self.cap.count if isinstance(self.cap, Limit) else self.cap.micros) - self.used)


def read_limits(text: str) -> tuple[Limit, ...]:
    """The limits in a setting such as `recipient=5/hour, all=500/day`; `off` is none.

    Raises:
        InvalidRequest: it is not in this form.
    """
    if text.strip().lower() == "off":
        return ()
    return tuple(_limit(part.strip()) for part in text.split(","))


def _limit(part: str) -> Limit:
    match = _LIMIT.fullmatch(part)
    if match is None:
        raise InvalidRequest("A limit is not in the form scope=count/period.", hint=_HINT)
    scope, count, period = match[1], int(match[2]), match[3]
    if scope not in set(Scope) or period not in PERIODS_S:
        raise InvalidRequest(
            f"A limit is for {', '.join(Scope)}, in a {', '.join(PERIODS_S)}; this one is another.", hint=_HINT
        )
    if count > LARGEST_COUNT:
        raise InvalidRequest(f"A limit is at most {LARGEST_COUNT}.", hint=_HINT)
    return Limit(Scope(scope), count, period)


def read_budget(text: str) -> tuple[Budget, ...]:
    """The budgets in a setting such as `5 USD/day, 50 USD/month`; `off` is none.

    Raises:
        InvalidRequest: it is not in this form, or in several currencies.
    """
    if text.strip().lower() == "off":
        return ()
    matches = [_BUDGET.fullmatch(part.strip()) for part in text.split(",")]
    budgets = [
        Budget(int(Decimal(match[1]) * MICROS), match[2], match[3])
        for match in matches
        if match is not None and match[3] in PERIODS_S
    ]
    if len(budgets) != len(matches) or len({budget.currency for budget in budgets}) > 1:
        raise InvalidRequest(
            "A budget is an amount of one currency for each minute, hour, day or month.",
            hint="For example: 5 USD/day, 50 USD/month",
        )
    return tuple(budgets)


def read_bulk(text: str) -> Bulk | None:
    """The setting of what counts as bulk, such as `3/hour`; `off` is none.

    Raises:
        InvalidRequest: it is not in this form.
    """
    if text.strip().lower() == "off":
        return None
    match = _BULK.fullmatch(text.strip())
    if match is None or match[2] not in PERIODS_S or not int(match[1]):
        raise InvalidRequest("Bulk is a number of people for a period.", hint="For example: 3/hour")
    return Bulk(int(match[1]), PERIODS_S[match[2]])


def tell_money(micros: int, currency: str) -> str:
    """An amount as a person reads it: at least two decimals, no more than needed."""
    amount = Decimal(micros) / MICROS
    digits = f"{amount:.6f}".rstrip("0")
    whole, _, part = digits.partition(".")
    return f"{whole}.{part.ljust(2, '0')} {currency}"
