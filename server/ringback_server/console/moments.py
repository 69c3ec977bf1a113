"""Times as a person reads them: when something goes out, how long ago, how long still."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

_MINUTE_S: Final = 60
_HOUR_S: Final = 3600
_DAY_S: Final = 86_400
_NO_ZONE: Final = "Etc/Unknown"


def clock(at: float) -> str:
    """A time as this machine's clock shows it; with its date where it is not today's."""
    local, today = datetime.fromtimestamp(at, UTC).astimezone(), datetime.now(UTC).astimezone().date()
    return local.strftime("%H:%M:%S" if local.date() == today else "%Y-%m-%d %H:%M")


def iso(at: float) -> str:
    """A time for a machine to read."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


def left(at: float, now: float) -> str:
    """How long there still is to answer."""
    return f"{duration(at - now)} left" if at > now else "time is up"


def ahead(at: float, now: float) -> str:
    """How long until something goes out."""
    return f"in {duration(at - now)}" if at > now else "its time has come"


def duration(seconds: float) -> str:
    """A length of time in its one or two largest units."""
    whole = max(0, int(seconds))
    for size, unit, smaller, name in (
        (_DAY_S, "day", _HOUR_S, "h"),
        (_HOUR_S, "h", _MINUTE_S, "min"),
        (_MINUTE_S, "min", 1, "s"),
    ):
        if whole >= size:
            count, rest = divmod(whole, size)
            first = f"{count} {unit}{'s' if unit == 'day' and count > 1 else ''}"
            return first if rest < smaller else f"{first} {rest // smaller} {name}"
    return f"{whole} s"
