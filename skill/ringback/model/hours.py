"""Quiet hours: whether it is a decent time where a telephone is, and when the next one begins.

Local wall clocks decide, in every time zone that the number can be in. Over the operator's window stand the stricter
hours of the US state that the number's area code belongs to; those are data, in `hours.toml`. See docs/quiet-hours.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from ringback.errors import InvalidRequest
from ringback.model.moment import tell_moment
from ringback.model.opening_hours import ALL_DAY_MIN, candidate_zones

if TYPE_CHECKING:
    from pathlib import Path
    from zoneinfo import ZoneInfo

    from ringback.model.numbers import PhoneNumber
    from ringback.model.presets import Preset

Window = tuple[int, int]
"""Minutes of the day: begin inclusive, end exclusive."""
LOOKED_AHEAD_DAYS: Final = 10
"""How far ahead an allowed moment is searched for."""

_DAY_S: Final = 86_400
_MINUTE_S: Final = 60
_LAST_S: Final = 253_370_764_800.0  # the end of year 9998: a day later is still a date everywhere
_WINDOW = re.compile(r"([0-9]{2}):([0-5][0-9])-([0-9]{2}):([0-5][0-9])", re.ASCII)
_NANP: Final = "+1"
_AREA_END: Final = len("+1") + 3
_UNITED_STATES: Final = frozenset({"US", "AS", "GU", "MP", "PR", "UM", "VI"})


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a number may be reached at a moment, and what decides."""

    allowed: bool
    next_at: float | None
    """The first allowed moment from then on, in Unix seconds, on a whole minute unless that is then itself.

    `None` where none is known: there is no zone, or the zones share no allowed minute in the next ten days.
    """
    zones: tuple[str, ...]
    """Every time zone that counted."""
    rule: str
    """What decides, in words: `08:00-21:00`, `Florida: 08:00-20:00`, `Louisiana: not on Sundays`. Empty if allowed."""
    unknown: bool
    """No time zone is known: nobody knows what time it is there."""


def read_window(text: str) -> Window | None:
    """Read `08:00-21:00` as minutes of the day, `off` as `None`. The end may be 24:00; a window is within one day.

    Raises:
        InvalidRequest: it is neither.
    """
    if text == "off":
        return None
    found = _WINDOW.fullmatch(text)
    if found is not None:
        begin_h, begin_m, end_h, end_m = (int(part) for part in found.groups())
        begin, end = begin_h * 60 + begin_m, end_h * 60 + end_m
        if begin < end <= ALL_DAY_MIN:
            return begin, end
    raise InvalidRequest(
        "The hours cannot be read.",
        hint='Give begin and end within one day, for example 08:00-21:00, or "off" for no quiet hours.',
    )


def tell_window(window: Window) -> str:
    """The window as it is written: `08:00-21:00`."""
    (begin_h, begin_m), (end_h, end_m) = (divmod(minute, 60) for minute in window)
    return f"{begin_h:02}:{begin_m:02}-{end_h:02}:{end_m:02}"


def standing(
    number: PhoneNumber, at: float, *, window: Window, zone: str | None = None, presets: Path | None = None
) -> Standing:
    """Whether the number may be reached at `at`, in Unix seconds.

    Args:
        number: who is to be reached.
        at: when.
        window: the hours that the operator allows.
        zone: the IANA time zone that the operator named for this recipient. It alone counts then. The presets of the
            area code stay in force unless the zone is known to be outside the United States.
        presets: the operator's own file in place of `hours.toml`.

    Raises:
        InvalidRequest: `at` is no moment between 1970 and 9998.
        ConfigurationError: the presets cannot be read.
    """
    # Written so that a comparison with NaN refuses.
    if not 0.0 <= at <= _LAST_S:
        raise InvalidRequest("The time is out of range.", hint="Give a time between 1970 and 9998.")
    places, laws = _clocks(number, zone, presets)
    if not places:
        return Standing(
            allowed=False, next_at=None, zones=(), rule="no time zone is known for this number", unknown=True
        )
    zones = tuple(place.key for place in places)
    next_at = _next_open(places, laws, window, at)
    if next_at == at:
        return Standing(allowed=True, next_at=at, zones=zones, rule="", unknown=False)
    rule = _deciding(places, laws, window, at)
    return Standing(allowed=False, next_at=next_at, zones=zones, rule=rule, unknown=False)


# -- which clocks and which laws ---------------------------------------------------------------------------------------


@lru_cache(maxsize=1024)
def _clocks(
    number: PhoneNumber, zone: str | None, presets: Path | None
) -> tuple[tuple[ZoneInfo, ...], tuple[Preset, ...]]:
    """The time zones that count for a number, and the presets of its area code."""
    places = _zones_of(number) if zone is None else _named(zone)
    if not places or not number.e164.startswith(_NANP) or (zone is not None and _is_abroad(zone)):
        return places, ()
    from ringback.model.presets import presets_by_area_code

    return places, presets_by_area_code(presets).get(number.e164[len(_NANP) : _AREA_END], ())


def _zones_of(number: PhoneNumber) -> tuple[ZoneInfo, ...]:
    """The number's zones; for a North American number of an exchange that the plan does not list, its area code's.

    What libphonenumber gives for such a number is a stand-in that the listed exchanges need not share: Central time
    for +1 423, where every listed exchange is on Eastern time, and every zone of North America for +1 208.
    """
    places = candidate_zones(number)
    if not places or not number.e164.startswith(_NANP) or _is_of_listed_exchange(number):
        return places
    return _zones_of_area(number.e164[1:_AREA_END]) or places


def _is_of_listed_exchange(number: PhoneNumber) -> bool:
    from phonenumbers.tzdata import TIMEZONE_DATA

    prefixes = (number.e164[1:end] for end in range(_AREA_END + 1, len(number.e164) + 1))
    return any(prefix in TIMEZONE_DATA for prefix in prefixes)


@lru_cache(maxsize=512)
def _zones_of_area(area: str) -> tuple[ZoneInfo, ...]:
    """Every zone that some number of an area code is in; none for toll-free numbers and the like."""
    from phonenumbers.tzdata import TIMEZONE_DATA

    names = {name for prefix, names in TIMEZONE_DATA.items() if prefix.startswith(area) for name in names}
    return tuple(place for name in sorted(names) for place in _named(name))


@lru_cache(maxsize=256)
def _named(zone: str) -> tuple[ZoneInfo, ...]:
    """The zone of this name, none where the time-zone data does not have it."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        tell_moment(0.0, zone)  # on the list of the time-zone data, so a name and no path
        return (ZoneInfo(zone),)
    except (InvalidRequest, ZoneInfoNotFoundError):
        return ()


@lru_cache(maxsize=256)
def _is_abroad(zone: str) -> bool:
    """Whether the time-zone data puts a zone in a country other than the United States; `Etc/GMT+5` is in none."""
    countries, links = _places_of_zones()
    country = countries.get(zone) or countries.get(links.get(zone, ""))
    return country is not None and country not in _UNITED_STATES


@lru_cache(maxsize=1)
def _places_of_zones() -> tuple[dict[str, str], dict[str, str]]:
    """The country of every zone that has one, and what other names of zones stand for."""
    from importlib.resources import files

    data = files("tzdata").joinpath("zoneinfo")
    table = data.joinpath("zone.tab").read_text(encoding="utf-8").splitlines()
    rows = (line.split("\t") for line in table if not line.startswith("#"))
    lines = data.joinpath("tzdata.zi").read_text(encoding="utf-8").splitlines()
    links = (line.split() for line in lines if line.startswith("L "))
    return {row[2]: row[0] for row in rows}, {name: target for _, target, name in links}


# -- when it is open ---------------------------------------------------------------------------------------------------


def _next_open(places: tuple[ZoneInfo, ...], laws: tuple[Preset, ...], window: Window, at: float) -> float | None:
    """The first moment from `at` on that is open in all places; `at` itself where it is."""
    today = int(at // _DAY_S)
    for day in range(today, today + LOOKED_AHEAD_DAYS + 1):
        for begin, end in _open_everywhere(places, laws, window, day):
            if begin <= at < end:
                return at
            if begin > at:
                return float(begin) if begin <= at + LOOKED_AHEAD_DAYS * _DAY_S else None
    return None


@lru_cache(maxsize=4096)
def _open_everywhere(
    places: tuple[ZoneInfo, ...], laws: tuple[Preset, ...], window: Window, day: int
) -> tuple[tuple[int, int], ...]:
    """When it is open in all places on the UTC day `day` since 1970: spans in Unix seconds on whole minutes."""
    shared: tuple[tuple[int, int], ...] = ((day * _DAY_S, (day + 1) * _DAY_S),)
    for place in places:
        own = _open_in(place, laws, window, day)
        shared = tuple(
            (max(one[0], other[0]), min(one[1], other[1]))
            for one in shared
            for other in own
            if max(one[0], other[0]) < min(one[1], other[1])
        )
    return shared


@lru_cache(maxsize=8192)
def _open_in(place: ZoneInfo, laws: tuple[Preset, ...], window: Window, day: int) -> tuple[tuple[int, int], ...]:
    """When it is open in one place on a UTC day, span by span of one offset: a wall clock may jump within."""
    spans = []
    for begin, end, offset in _offsets(place, day):
        midnight = (begin + offset) // _DAY_S
        while midnight * _DAY_S < end + offset:
            hours = _hours_on(date(1970, 1, 1) + timedelta(days=midnight), laws, window)
            opens = max(begin, midnight * _DAY_S + hours[0] * _MINUTE_S - offset)
            closes = min(end, midnight * _DAY_S + hours[1] * _MINUTE_S - offset)
            opens = -(-opens // _MINUTE_S) * _MINUTE_S  # old offsets had seconds
            if opens < closes:
                spans.append((opens, closes))
            midnight += 1
    return tuple(sorted(spans))


@lru_cache(maxsize=8192)
def _offsets(place: ZoneInfo, day: int) -> tuple[tuple[int, int, int], ...]:
    """The spans of a UTC day in which a place keeps one offset from UTC: begin, end, offset, all in seconds."""
    begin, end = day * _DAY_S, (day + 1) * _DAY_S
    before, after = _offset(place, begin), _offset(place, end - 1)
    if before == after:
        return ((begin, end, before),)
    low, high = begin, end - 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _offset(place, middle) == before else (low, middle)
    return (begin, high, before), (high, end, after)


def _offset(place: ZoneInfo, at: int) -> int:
    offset = datetime.fromtimestamp(at, UTC).astimezone(place).utcoffset()
    return 0 if offset is None else round(offset.total_seconds())


def _hours_on(day: date, laws: tuple[Preset, ...], window: Window) -> Window:
    """What the window and all laws leave of a day; empty, as begin not before end, where one forbids it."""
    begin, end = window
    for law in laws:
        for hours, _ in law.on(day):
            begin, end = max(begin, hours[0]), min(end, hours[1])
    return begin, end


def _deciding(places: tuple[ZoneInfo, ...], laws: tuple[Preset, ...], window: Window, at: float) -> str:
    """The words of the rule that closes `at`: of a law where it is narrower than the window, else the window's."""
    for law in laws:
        for place in places:
            local = datetime.fromtimestamp(at, UTC).astimezone(place)
            for hours, words in law.on(local.date()):
                closed = not hours[0] <= local.hour * 60 + local.minute < hours[1]
                if closed and (hours[0] > window[0] or hours[1] < window[1]):
                    return words
    return tell_window(window)
