"""When a scheduled outbound is due: one unmistakable moment in, one form that a person reads out.

Taken are RFC 3339 with its offset, RFC 9557 with a time zone in brackets, and the same with the zone after a space.
A text that could mean two moments, or none, is refused and never guessed at. Zones come from the `tzdata` package
alone, so that every machine reads the same text as the same moment.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import TYPE_CHECKING

from ringback.errors import InvalidRequest

if TYPE_CHECKING:
    from datetime import tzinfo

NEAREST_PAST_S = 60.0
"""Seconds that a moment may lie in the past and still be taken: composing and asking take time."""
FARTHEST_S = 90 * 86_400.0
"""Seconds ahead that a send may be scheduled."""

_LONGEST = 100
_FIRST_YEAR = 1970
_LEAP_SECOND = 60
_MINUTES_PER_HOUR = 60
_WIDEST_OFFSET = timedelta(hours=14)
_EPOCH = datetime(_FIRST_YEAR, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)

_FORM = re.compile(
    r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})[Tt ]"
    r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:\.(?P<fraction>[0-9]+))?)?"
    r"(?P<offset>[Zz]|[+-][0-9]{2}:[0-9]{2})?"
    r"(?:\[!?(?P<bracketed>[^\[\]]*)\]| (?P<spaced>[^\[\] ]+))?"
)
_DATE_ALONE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[Zz]|[+-][0-9:]+| ?\[[^\[\]]*\]| [^0-9 ][^ ]*)?")
_OTHER_ISO = re.compile(r"[0-9]{4}-?W[0-9]{2}|[0-9]{4}-?[0-9]{3}(?![0-9])|[0-9]{8}(?![0-9])", re.IGNORECASE)
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_FORM_HINT = (
    "Give the date, the time of day from 00:00 to 23:59, and where that is, "
    "for example 2026-11-22T09:00:00+01:00 or 2026-11-22 09:00 Europe/Berlin."
)
_OFFSET_HINT = "Give the offset as +HH:MM or -HH:MM, up to 14:00, or as Z for UTC."
_ZONE_HINT = (
    "Give an IANA time zone name, spelt exactly, for example America/New_York; "
    "or give the offset right after the time, for example 09:00-05:00."
)


def parse_moment(text: str, *, now: float) -> float:
    """Read the moment that an outbound is to be sent at; `now` and the result are Unix seconds.

    Raises:
        InvalidRequest: as `read_moment` and `check_moment`.
    """
    at = read_moment(text)
    check_moment(at, now=now)
    return at


def read_moment(text: str) -> float:
    """Read a moment, whenever that is; what is less than a millisecond is dropped.

    Raises:
        InvalidRequest: the text is not exactly one moment. The error never repeats the text.
    """
    fields = _fields(text)
    wall = _wall_time(fields)
    fraction_ms = int((fields["fraction"] or "")[:3].ljust(3, "0"))
    # As differences: a moment at the end of year 9999 need not be a date in UTC.
    return ((wall - _EPOCH - _offset_of(wall, fields)) // _MILLISECOND + fraction_ms) / 1000


def check_moment(at: float, *, now: float) -> None:
    """See that a moment is to come, and soon enough. One up to `NEAREST_PAST_S` ago still is.

    Raises:
        InvalidRequest: it is past, or more than `FARTHEST_S` ahead.
    """
    if at < now - NEAREST_PAST_S:
        raise InvalidRequest("The time is in the past.", hint="Give a time to come, or none to send at once.")
    # Written so that a comparison with NaN refuses.
    if not at <= now + FARTHEST_S:
        raise InvalidRequest(
            f"The time is more than {FARTHEST_S / 86_400:.0f} days ahead.", hint="Schedule it when it is nearer."
        )


def tell_moment(at: float, zone: str | None = None) -> str:
    """The Unix time `at` as a person reads it, in UTC or in the IANA time zone `zone` with UTC beside it.

    Seconds are told only where they are not 0, and what is less than a second is not told.

    Raises:
        InvalidRequest: no such zone is known.
    """
    moment = _datetime(at)
    universal = f"{_clock_time(moment)} UTC"
    place = UTC if zone is None else _zone(zone)
    if place is UTC:
        return f"{_date(moment)}, {universal}"
    local = moment.astimezone(place)
    if local.date() != moment.date():
        universal = f"{_date(moment)}, {universal}"
    return f"{_date(local)}, {_clock_time(local)} {zone} ({universal})"


def iso(at: float) -> str:
    """The Unix time `at` in RFC 3339, UTC: `2026-11-21T08:00:00Z`, with milliseconds where they are not 0."""
    moment = _datetime(at).replace(tzinfo=None)
    return moment.isoformat(timespec="milliseconds" if moment.microsecond else "seconds") + "Z"


def _fields(text: str) -> dict[str, str | None]:
    if len(text) > _LONGEST:
        raise InvalidRequest(f"The time has more than {_LONGEST} characters.", hint=_FORM_HINT)
    if not text.strip():
        raise InvalidRequest("The time is empty.", hint=_FORM_HINT)
    if not text.isascii() or not text.isprintable():
        raise InvalidRequest("The time has control characters or characters outside ASCII in it.", hint=_FORM_HINT)
    found = _FORM.fullmatch(text)
    if found:
        return found.groupdict()
    if _DATE_ALONE.fullmatch(text):
        raise InvalidRequest("The date has no time of day.", hint=_FORM_HINT)
    if _OTHER_ISO.match(text):
        raise InvalidRequest("Week dates, ordinal dates and ISO 8601's basic format are not taken.", hint=_FORM_HINT)
    raise InvalidRequest("The time cannot be read.", hint=_FORM_HINT)


def _wall_time(fields: dict[str, str | None]) -> datetime:
    """What the calendar and the clock on the wall show, in whole seconds, carried in UTC."""
    year, month, day, hour, minute, second = (
        int(fields[name] or 0) for name in ("year", "month", "day", "hour", "minute", "second")
    )
    if year < _FIRST_YEAR:
        raise InvalidRequest(f"The year is before {_FIRST_YEAR}.", hint=_FORM_HINT)
    if second == _LEAP_SECOND:
        raise InvalidRequest(
            "Second 60 is a leap second, which computers' clocks do not show.",
            hint="Give second 59 or the next minute.",
        )
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        raise InvalidRequest("There is no such day or no such time of day.", hint=_FORM_HINT) from None


def _offset_of(wall: datetime, fields: dict[str, str | None]) -> timedelta:
    """How far ahead of UTC the wall time is, from the offset, the zone, or both where they agree."""
    given = None if fields["offset"] is None else _offset(fields["offset"])
    name = fields["spaced"] if fields["bracketed"] is None else fields["bracketed"]
    if name is not None:
        return _offset_in(_zone(name), wall, given)
    if given is None:
        raise InvalidRequest("The time does not say where: it has no zone and no offset.", hint=_FORM_HINT)
    return given


def _offset(text: str) -> timedelta:
    if text in {"Z", "z"}:
        return timedelta()
    if text == "-00:00":
        raise InvalidRequest("Offset -00:00 means that the local offset is not known.", hint="Give Z if UTC is meant.")
    hours, minutes = int(text[1:3]), int(text[4:])
    offset = timedelta(hours=hours, minutes=minutes)
    if minutes >= _MINUTES_PER_HOUR or offset > _WIDEST_OFFSET:
        raise InvalidRequest("The offset is out of range.", hint=_OFFSET_HINT)
    return -offset if text.startswith("-") else offset


def _offset_in(zone: tzinfo, wall: datetime, given: timedelta | None) -> timedelta:
    # PEP 495: where the clocks change, fold 0 is read by the offset before, fold 1 by the offset after.
    before, after = (wall.replace(tzinfo=zone, fold=fold).utcoffset() or timedelta() for fold in (0, 1))
    if before < after:
        raise InvalidRequest(
            "This local time does not exist: the clocks of the zone are put forward over it.",
            hint="Give a time before or after the change.",
        )
    if given is None and before != after:
        raise InvalidRequest(
            "This local time comes twice: the clocks of the zone are put back over it.",
            hint=f"Give the offset as well: {_signed(before)} for the first, {_signed(after)} for the second.",
        )
    if given is not None and given not in {before, after}:
        at_zone = " or ".join(dict.fromkeys((_signed(before), _signed(after))))
        raise InvalidRequest(
            "The offset contradicts the zone.",
            hint=f"The zone is at {at_zone} then. Ask the person which one is meant, and give that one alone.",
        )
    return before if given is None else given


def _signed(offset: timedelta) -> str:
    return timezone(offset).tzname(None).removeprefix("UTC") or "+00:00"


@lru_cache(maxsize=1)
def _zone_names() -> frozenset[str]:
    from importlib.resources import files

    return frozenset(files("tzdata").joinpath("zones").read_text(encoding="utf-8").split())


@lru_cache
def _zone(name: str) -> tzinfo:
    """The zone of this name, from the `tzdata` package; a name becomes a path only once it is on its list."""
    if name in {"UTC", "Z", "z"}:
        return UTC
    # The list's one-word names in capitals are abbreviations: CST is three different zones. `Factory` is a stand-in.
    if name.isupper() and "/" not in name:
        raise InvalidRequest("The zone is an abbreviation, which can mean several zones.", hint=_ZONE_HINT)
    if name == "Factory" or name not in _zone_names():
        raise InvalidRequest("The zone is not known.", hint=_ZONE_HINT)
    from importlib.resources import files
    from zoneinfo import ZoneInfo

    with files("tzdata").joinpath(f"zoneinfo/{name}").open("rb") as data:
        return ZoneInfo.from_file(data, key=name)


def _datetime(at: float) -> datetime:
    return _EPOCH + round(at * 1000) * _MILLISECOND


def _date(moment: datetime) -> str:
    return f"{_WEEKDAYS[moment.weekday()]} {moment.day} {_MONTHS[moment.month - 1]} {moment.year}"


def _clock_time(moment: datetime) -> str:
    return moment.time().isoformat(timespec="seconds" if moment.second else "minutes")
