"""What an outbound is likely to cost, from a table of list prices: an estimate, and `unknown` where no price is known.

Amounts are whole millionths of the currency's unit (micros). No floating point number touches a price.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from math import ceil, isfinite
from typing import TYPE_CHECKING, Any, Final

from ringback.errors import ConfigurationError
from ringback.model.outbound import Channel
from ringback.model.text import count_segments

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ringback.model.outbound import Outbound

UNITS: Final = {Channel.SMS: "segment", Channel.MMS: "message", Channel.VOICE: "minute"}
"""What is counted and paid for, by channel."""
SPOKEN_PER_SECOND: Final = 15
"""Characters that a voice is taken to say in a second, where the length of a call is not known yet."""
ANYWHERE: Final = "*"
"""In place of a country: every one that has no entry of its own."""

_FREE: Final = "sandbox"
_MICRO: Final = 1_000_000
_MINUTE_S: Final = 60
_NEEDED: Final = ("carrier", "channel", "country", "unit", "price", "source", "checked")
_OPTIONAL: Final = ("dated", "note")
_CARRIER: Final = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_PRICE: Final = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,6})?", re.ASCII)
_TITLES: Final = {"custom": "the custom endpoint", "thinkfleetbot": "ThinkFleetBot", "thinnest": "thinnest.ai"}
_HINT: Final = "The form is in docs/prices.md."


@dataclass(frozen=True, slots=True)
class Price:
    """One entry: what a carrier asks for one unit of a channel to a country."""

    carrier: str
    channel: Channel
    country: str
    """ISO 3166-1 alpha-2, or `ANYWHERE`."""
    micros: int
    source: str
    """Where the price is told."""
    checked: date
    """When somebody last looked."""
    dated: date | None = None
    """The source's own date, where it has one."""
    note: str = ""

    @property
    def key(self) -> tuple[str, Channel, str]:
        """What a table has at most one entry for."""
        return self.carrier, self.channel, self.country

    @property
    def unit(self) -> str:
        """What the price is for one of: `segment`, `message` or `minute`."""
        return UNITS[self.channel]


@dataclass(frozen=True, slots=True)
class PriceTable:
    """Prices in one currency (ISO 4217). Build one with `read_prices`."""

    currency: str
    prices: tuple[Price, ...]

    def find(self, carrier: str, channel: Channel, country: str | None) -> Price | None:
        """The price for this country, else the one for anywhere; a country that is not known has only that."""
        known = {price.key: price for price in self.prices}
        return known.get((carrier, channel, country or ANYWHERE)) or known.get((carrier, channel, ANYWHERE))


@dataclass(frozen=True, slots=True)
class Estimate:
    """What something is likely to cost."""

    micros: int | None
    """Millionths of the currency's unit; `None` where it is not known."""
    currency: str
    words: str
    """For a person and a model: `about 0.0166 USD: 2 segments at 0.0083`."""


@cache
def shipped_prices() -> PriceTable:
    """The list prices that come with Ringback."""
    from importlib.resources import files

    return read_prices(files(__package__).joinpath("prices.toml").read_text(encoding="utf-8"))


def read_prices(text: str) -> PriceTable:
    """The table in the text of a TOML file.

    Raises:
        ConfigurationError: the text is no TOML, or an entry is not in the documented form; nothing of it counts then.
    """
    import tomllib

    try:
        entries = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", None)
        raise _broken(f"It is no TOML{f', line {line}' if line else ''}.") from None
    if unknown := set(entries) - {"currency", "price"}:
        raise _broken(f"It has entries that are not known: {_names(unknown)}.")
    currency, prices = entries.get("currency"), entries.get("price", [])
    if not isinstance(currency, str) or not _CURRENCY.fullmatch(currency):
        raise _broken('currency is not three capital letters (ISO 4217), such as "USD".')
    if not isinstance(prices, list) or not all(isinstance(price, dict) for price in prices):
        raise _broken("price is not a list of tables; begin each of them with [[price]].")
    read = tuple(_price(number, price) for number, price in enumerate(prices, start=1))
    numbers: dict[tuple[str, Channel, str], int] = {}
    for number, price in enumerate(read, start=1):
        if (first := numbers.setdefault(price.key, number)) != number:
            raise _broken(f"Prices {first} and {number} are both for {', '.join(price.key)}.")
    return PriceTable(currency, read)


def merged(own: PriceTable, shipped: PriceTable) -> PriceTable:
    """The operator's own table over the shipped one, entry by entry.

    Nothing is converted: where the currencies differ, the shipped table is left out whole.
    """
    if own.currency != shipped.currency:
        return own
    mine = {price.key for price in own.prices}
    return PriceTable(own.currency, (*own.prices, *(price for price in shipped.prices if price.key not in mine)))


def estimate(table: PriceTable, outbound: Outbound) -> Estimate:
    """What `outbound` is likely to cost before it went out.

    A call is taken to last as long as a voice needs for its text, at `SPOKEN_PER_SECOND` and in whole minutes.
    """
    if outbound.channel is Channel.SMS:
        return _estimate(table, outbound, count_segments(outbound.text).count)
    if outbound.channel is Channel.MMS:
        return _estimate(table, outbound, 1)
    return _estimate(table, outbound, ceil(len(outbound.text) / (SPOKEN_PER_SECOND * _MINUTE_S)))


def actual_call(table: PriceTable, outbound: Outbound, duration_s: float) -> Estimate:
    """What a voice call of so many seconds is likely to have cost, in begun minutes; an unanswered one lasts 0."""
    if not isfinite(duration_s) or duration_s < 0:
        return Estimate(None, table.currency, "unknown: the carrier told no length of the call")
    return _estimate(table, outbound, ceil(duration_s / _MINUTE_S))


def _estimate(table: PriceTable, outbound: Outbound, count: int) -> Estimate:
    if outbound.carrier == _FREE:
        return Estimate(0, table.currency, "nothing: the sandbox")
    country = outbound.to.region
    price = table.find(outbound.carrier, outbound.channel, country)
    if price is None:
        title = _TITLES.get(outbound.carrier, outbound.carrier.capitalize())
        where = country or "a number of no known country"
        what = "call" if outbound.channel is Channel.VOICE else outbound.channel.upper()
        return Estimate(None, table.currency, f"unknown: no {what} price for {title} to {where} in prices.toml")
    micros = count * price.micros
    units = f"{count} {price.unit}{'' if count == 1 else 's'}"
    return Estimate(
        micros, table.currency, f"about {amount(micros)} {table.currency}: {units} at {amount(price.micros)}"
    )


def amount(micros: int) -> str:
    """An amount as a person writes it: `0.0083`, `12`."""
    return f"{(Decimal(micros) / _MICRO).normalize():f}"


def _price(number: int, entry: Mapping[str, Any]) -> Price:
    """One entry, checked; `number` tells which one, counted from 1."""
    if unknown := set(entry) - {*_NEEDED, *_OPTIONAL}:
        raise _broken(f"Price {number} has entries that are not known: {_names(unknown)}.")
    if missing := [name for name in _NEEDED if name not in entry]:
        raise _broken(f"Price {number} lacks: {', '.join(missing)}.")
    if problem := next(filter(None, (_PROBLEMS[name](entry[name]) for name in _PROBLEMS if name in entry)), None):
        raise _broken(f"Price {number}: {problem}")
    channel = Channel(entry["channel"])
    if entry["unit"] != UNITS[channel]:
        raise _broken(f'Price {number}: the unit of {channel} is "{UNITS[channel]}".')
    return Price(
        entry["carrier"],
        channel,
        entry["country"],
        int(Decimal(entry["price"]) * _MICRO),
        source=entry["source"],
        checked=entry["checked"],
        dated=entry.get("dated"),
        note=entry.get("note", ""),
    )


def _carrier_problem(value: Any) -> str:
    good = isinstance(value, str) and _CARRIER.fullmatch(value)
    return "" if good else 'carrier is not a name in lower case, as in RINGBACK_CARRIER, such as "twilio".'


def _channel_problem(value: Any) -> str:
    return "" if isinstance(value, str) and value in set(Channel) else 'channel is none of "sms", "mms" and "voice".'


def _country_problem(value: Any) -> str:
    from phonenumbers import SUPPORTED_REGIONS

    good = isinstance(value, str) and (value == ANYWHERE or value in SUPPORTED_REGIONS)
    return "" if good else 'country is neither two capital letters (ISO 3166-1), such as "GB", nor "*".'


def _price_problem(value: Any) -> str:
    if not isinstance(value, str):
        return 'price is not in quotes, such as "0.0083"; a bare number would be rounded.'
    good = _PRICE.fullmatch(value)
    return "" if good else 'price is not a decimal number such as "0.0083", 0 or more, with at most six decimals.'


def _text_problem(name: str, value: Any) -> str:
    return "" if isinstance(value, str) and (value.strip() or name == "note") else f"{name} is not a text."


def _date_problem(name: str, value: Any) -> str:
    # In TOML a date with a time is another kind; in Python the one is a subclass of the other.
    good = isinstance(value, date) and not isinstance(value, datetime)
    return "" if good else f"{name} is not a date such as 2026-11-22, without quotes."


_PROBLEMS: Final[dict[str, Callable[[Any], str]]] = {
    "carrier": _carrier_problem,
    "channel": _channel_problem,
    "country": _country_problem,
    "price": _price_problem,
    "source": lambda value: _text_problem("source", value),
    "note": lambda value: _text_problem("note", value),
    "checked": lambda value: _date_problem("checked", value),
    "dated": lambda value: _date_problem("dated", value),
}


def _names(names: set[str]) -> str:
    return ", ".join(sorted(repr(name[:40]) for name in names))


def _broken(problem: str) -> ConfigurationError:
    return ConfigurationError(f"The price table cannot be read. {problem}", hint=_HINT)
