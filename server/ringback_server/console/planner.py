"""The calendar of what is scheduled: a month or a week by day, in this machine's zone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from starlette.exceptions import HTTPException

from ringback_server.console.outcomes import CHANNELS

if TYPE_CHECKING:
    from starlette.responses import Response

    from ringback.questions import Question
    from ringback_server.console.gate import Gate, Parts, Visit

_MONTH: Final = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])", re.ASCII)
_WEEK: Final = re.compile(r"([0-9]{4})-W([0-5][0-9])", re.ASCII)
_YEARS: Final = range(1970, 9990)
_OF_A_MONTH: Final = 3
"""So many entries of a day are shown in a month; the week shows all."""
_HERE: Final = "/scheduled/calendar"
_WEEK_DAYS: Final = 7


@dataclass(frozen=True, slots=True)
class Stretch:
    """The days that one page shows, whole weeks from a Monday on."""

    title: str
    first: date
    last: date
    previous: str
    following: str
    month: int | None
    """Which month is meant; the other days only fill its weeks. `None` for a week."""


class Planner:
    """The calendar of one console."""

    def __init__(self, parts: Parts, gate: Gate) -> None:
        self._parts = parts
        self._gate = gate
        self._person = parts.opened.person

    async def show(self, visit: Visit) -> Response:
        """A month or a week; without a name this month."""
        now = self._parts.opened.clock.now().astimezone()
        stretch = find(visit.request.path_params.get("when") or f"{now:%Y-%m}")
        questions = [question for question in await self._person.scheduled() if question.send_at is not None]
        by_day = {day: list(due) for day, due in groupby(questions, key=lambda question: _local(question).date())}
        days = [stretch.first + timedelta(days=at) for at in range((stretch.last - stretch.first).days + 1)]
        named: dict[str, tuple[str, ...]] = {
            zone.number.formatted: (zone.zone,) for zone in await self._person.overview.zones()
        }
        most = None if stretch.month is None else _OF_A_MONTH
        shown = [_day_view(day, by_day.get(day, []), stretch, today=now.date(), named=named, most=most) for day in days]
        count = sum(day["count"] for day in shown if not day["other"])
        return self._gate.render(
            "calendar.html",
            visit,
            title=stretch.title,
            is_month=stretch.month is not None,
            days=shown,
            count=count,
            previous=f"{_HERE}/{stretch.previous}",
            following=f"{_HERE}/{stretch.following}",
            as_week=f"{_HERE}/{_week_of(_middle(stretch, now.date()))}",
            as_month=f"{_HERE}/{_middle(stretch, now.date()):%Y-%m}",
            after=_after(questions, stretch) if not count else None,
            zone=now.tzname() or "UTC",
        )


def find(when: str) -> Stretch:
    """The stretch of this name: `2026-11` or `2026-W48`.

    Raises:
        HTTPException: 404, there is none.
    """
    month, week = _MONTH.fullmatch(when), _WEEK.fullmatch(when)
    try:
        if month is not None and int(month[1]) in _YEARS:
            return _month(date(int(month[1]), int(month[2]), 1))
        if week is not None and int(week[1]) in _YEARS:
            return _week(date.fromisocalendar(int(week[1]), int(week[2]), 1))
    except ValueError:
        pass
    raise HTTPException(404, "There is no such month or week.")


def _month(first: date) -> Stretch:
    following = (first.replace(day=28) + timedelta(days=4)).replace(day=1)
    last = following - timedelta(days=1)
    return Stretch(
        title=f"{first:%B %Y}",
        first=first - timedelta(days=first.weekday()),
        last=last + timedelta(days=_WEEK_DAYS - 1 - last.weekday()),
        previous=f"{first - timedelta(days=1):%Y-%m}",
        following=f"{following:%Y-%m}",
        month=first.month,
    )


def _week(first: date) -> Stretch:
    last = first + timedelta(days=_WEEK_DAYS - 1)
    return Stretch(
        title=f"{first.day} {first:%B}{f' {first.year}' if first.year != last.year else ''} to {last.day} {last:%B %Y}",
        first=first,
        last=last,
        previous=_week_of(first - timedelta(days=_WEEK_DAYS)),
        following=_week_of(first + timedelta(days=_WEEK_DAYS)),
        month=None,
    )


def _week_of(day: date) -> str:
    year, week, _ = day.isocalendar()
    return f"{year:04}-W{week:02}"


def _middle(stretch: Stretch, today: date) -> date:
    """The day by which one goes from a month to a week and back: today where it is in sight."""
    if stretch.first <= today <= stretch.last and stretch.month in {None, today.month}:
        return today
    if stretch.month is None:
        return stretch.first + timedelta(days=_WEEK_DAYS // 2)
    return next(
        day for day in (stretch.first + timedelta(days=at) for at in range(_WEEK_DAYS)) if day.month == stretch.month
    )


def _after(questions: list[Question], stretch: Stretch) -> dict[str, str] | None:
    """Where the next entry is, from a stretch that has none."""
    for question in questions:
        day = _local(question).date()
        if day > stretch.last or (stretch.month is not None and day > stretch.first and day.month != stretch.month):
            when = _week_of(day) if stretch.month is None else f"{day:%Y-%m}"
            return {"words": f"{day.day} {day:%B %Y}", "path": f"{_HERE}/{when}"}
    return None


def _day_view(
    day: date,
    due: list[Question],
    stretch: Stretch,
    *,
    today: date,
    named: dict[str, tuple[str, ...]],
    most: int | None,
) -> dict[str, Any]:
    entries = [_entry_view(question, named.get(question.number, question.zones)) for question in due[:most]]
    return {
        "iso": day.isoformat(),
        "number": day.day,
        "weekday": f"{day:%A}",
        "month": f"{day:%B}",
        "today": day == today,
        "past": day < today,
        "other": stretch.month is not None and day.month != stretch.month,
        "count": len(due),
        "entries": entries,
        "more": len(due) - len(entries),
        "week": f"{_HERE}/{_week_of(day)}",
    }


def _entry_view(question: Question, zones: tuple[str, ...]) -> dict[str, Any]:
    local = _local(question)
    return {
        "id": question.id,
        "at": question.send_at,
        "clock": f"{local:%H:%M}",
        "number": question.number,
        "channel": question.channel.value,
        "channel_words": CHANNELS[question.channel],
        "there": there(local, zones),
    }


def there(local: datetime, zones: tuple[str, ...]) -> str:
    """The same moment by the clocks of these zones, with the day where it is another than here."""
    clocks = sorted(local.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for zone in zones)
    if not clocks:
        return "time there not known"
    first, last = clocks[0], clocks[-1]
    if first == last:
        return f"{_clock(first, local)} there"
    return f"{_clock(first, local)} to {_clock(last, local)} there"


def _clock(clock: datetime, local: datetime) -> str:
    return f"{clock:%H:%M}" if clock.date() == local.date() else f"{clock:%a %H:%M}"


def _local(question: Question) -> datetime:
    return datetime.fromtimestamp(question.send_at or 0.0, UTC).astimezone()
