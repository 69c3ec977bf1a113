"""Hours of the day by a recipient's own clock, in every time zone that their telephone can be in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from ringback.model.moment import tell_moment
from ringback.model.numbers import parsed

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from ringback.model.numbers import PhoneNumber

ALL_DAY_MIN: Final = 24 * 60
"""The end of a day, in minutes."""
_LOOKED_AHEAD_DAYS: Final = 3


def next_inside(minutes: tuple[int, int], number: PhoneNumber, at: float) -> float | None:
    """The first moment from `at` on, in Unix seconds, that is inside in all of the number's zones; `None` without one.

    Where the number's plan tells no zone, there is none: nobody knows what time it is there.
    """
    zones = candidate_zones(number)
    if not zones:
        return None
    now = datetime.fromtimestamp(at, UTC)
    if _is_inside(minutes, zones, now):
        return at
    candidates = sorted(opening for zone in zones for opening in _openings(minutes[0], zone, now))
    return next((moment.timestamp() for moment in candidates if _is_inside(minutes, zones, moment)), None)


def _openings(begin: int, zone: ZoneInfo, now: datetime) -> list[datetime]:
    """When the hours begin in a zone, today and on the next days, as far as that is to come."""
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    local = [midnight + timedelta(days=day, minutes=begin) for day in range(_LOOKED_AHEAD_DAYS)]
    return [moment for one in local if (moment := one.astimezone(UTC)) > now]


def _is_inside(minutes: tuple[int, int], zones: tuple[ZoneInfo, ...], moment: datetime) -> bool:
    locals_ = [moment.astimezone(zone) for zone in zones]
    return all(minutes[0] <= local.hour * 60 + local.minute < minutes[1] for local in locals_)


@lru_cache(maxsize=1024)
def candidate_zones(number: PhoneNumber) -> tuple[ZoneInfo, ...]:
    """Every zone that the number's telephone can be in; none where the plan does not say, or names one unknown here."""
    from zoneinfo import ZoneInfo

    from phonenumbers import timezone

    from ringback.errors import InvalidRequest

    names = timezone.time_zones_for_number(parsed(number))
    try:
        for name in names:
            tell_moment(0.0, name)  # on the list of the time-zone data; Etc/Unknown is not
    except InvalidRequest:
        return ()
    return tuple(ZoneInfo(name) for name in names)
