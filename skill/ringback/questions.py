"""What a person must see of an outbound before they answer: read from what is stored, never from the model's words."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from ringback.model.outbound import Channel
from ringback.model.text import Segments, count_segments, visible
from ringback.model.zones import zones_of

if TYPE_CHECKING:
    from ringback.ledger.records import Record
    from ringback.model.numbers import PhoneNumber


@dataclass(frozen=True, slots=True)
class Question:
    """One stored outbound, whole, as a person must see it before they answer. Never for the model."""

    id: str
    channel: Channel
    carrier: str
    live: bool
    number: str = field(repr=False)
    """Whole, formatted to be read."""
    region: str | None
    country: str
    line_type: str
    """What kind of telephone the number belongs to, as far as its country's plan tells."""
    text: str = field(repr=False)
    """Exactly what goes out, with invisible characters written out."""
    segments: Segments | None
    cost: str
    """What it may cost by the price table, in words."""
    media_url: str | None = field(repr=False)
    media_host: str | None
    asked_by: str
    """Which program asks, by its own name for itself."""
    asked_at: float
    expires_at: float
    send_at: float | None
    """When it will go out, in Unix seconds; `None` for at once after a yes."""
    bulk: bool = False
    """Whether it is one of a list with the same text, which a person approves as a whole."""
    zones: tuple[str, ...] = ()
    """Of a scheduled one: the time zones that the number's telephone can be in."""


def question(record: Record, *, live: bool, cost: str) -> Question:
    """What a person must be shown of a stored outbound; `cost` tells in words what it may cost."""
    outbound = record.outbound
    return Question(
        id=record.id,
        channel=outbound.channel,
        carrier=outbound.carrier,
        live=live,
        number=outbound.to.formatted,
        region=outbound.to.region,
        country=country_name(outbound.to),
        line_type=outbound.to.line_type,
        text=visible(outbound.text),
        segments=None if outbound.channel is Channel.VOICE else count_segments(outbound.text),
        cost=cost,
        media_url=outbound.media_url,
        media_host=outbound.media_host,
        asked_by=record.asked_by,
        asked_at=record.created_at,
        expires_at=record.expires_at,
        send_at=record.send_at,
        bulk=record.bulk,
        zones=() if record.send_at is None else zones_of(outbound.to),
    )


def country_name(number: PhoneNumber) -> str:
    """The English name of a number's country, from the table that the time-zone data ships.

    A number that is in no country's plan gets the country that its calling code stands for first.
    """
    import phonenumbers

    region = number.region
    if region is not None:
        return _country_names().get(region, region)
    main = phonenumbers.region_code_for_country_code(number.country_code)
    return f"not in use by any plan; +{number.country_code} is {_country_names().get(main, 'no country')}"


@cache
def _country_names() -> dict[str, str]:
    lines = files("tzdata.zoneinfo").joinpath("iso3166.tab").read_text(encoding="utf-8").splitlines()
    return {code: name for code, _, name in (line.partition("\t") for line in lines if line[:1] != "#")}
