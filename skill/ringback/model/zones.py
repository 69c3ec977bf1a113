"""What time it is where a telephone is, as far as its number tells.

A number tells the zones that its plan gives to its area; a telephone travels. So every zone that it can be in counts.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from ringback.model.moment import tell_moment
from ringback.model.numbers import parsed

if TYPE_CHECKING:
    from ringback.model.numbers import PhoneNumber

_UNKNOWN: Final = "Etc/Unknown"


def zones_of(number: PhoneNumber) -> tuple[str, ...]:
    """The time zones that the number's telephone is in by its plan; none where the plan does not say."""
    # Its table is of use for few outbounds, and takes some milliseconds to load.
    from phonenumbers import timezone

    return tuple(
        zone for zone in timezone.time_zones_for_number(parsed(number)) if zone != _UNKNOWN and _is_known(zone)
    )


def tell_there(at: float, zones: tuple[str, ...]) -> str:
    """The moment by the clocks of these zones, from the earliest to the latest; empty where there is none."""
    if not zones:
        return ""
    first, last = min(zones, key=lambda zone: _offset(at, zone)), max(zones, key=lambda zone: _offset(at, zone))
    if len(zones) == 1:
        return _local(at, first)
    if _offset(at, first) == _offset(at, last):
        return f"{_local(at, first).rpartition(' ')[0]} local time"
    return f"between {_local(at, first)} and {_local(at, last)}"


def _local(at: float, zone: str) -> str:
    return tell_moment(at, zone).partition(" (")[0]


def _offset(at: float, zone: str) -> float:
    """Seconds by which a zone's clocks are ahead of UTC at that time."""
    from zoneinfo import ZoneInfo

    offset = datetime.fromtimestamp(at, UTC).astimezone(ZoneInfo(zone)).utcoffset()
    return offset.total_seconds() if offset is not None else 0.0


def _is_known(zone: str) -> bool:
    """Whether the time-zone data has it: the number library may be older or newer."""
    from ringback.errors import InvalidRequest

    try:
        tell_moment(0.0, zone)
    except InvalidRequest:
        return False
    return True
