"""Reminders: one for each appointment, at the right local time, stored once, cancelled where the appointment moved."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from ringback_support.installation import rows

from ringback.ledger.records import Level
from ringback.model.outbound import Channel
from ringback.model.trigger import Definition
from ringback.reminders import Appointment, Reminders

if TYPE_CHECKING:
    from pathlib import Path

    from ringback_support.fakes import FakeCarrier, FakeClock

    from ringback.opening import Ringback

TO = "+12025550123"
NEW_YORK = ZoneInfo("America/New_York")
NINE = datetime(2026, 3, 20, 9, tzinfo=NEW_YORK)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


async def reminders(ringback: Ringback, before: timedelta = DAY, **changes: Any) -> Reminders:
    values: dict[str, Any] = {
        "name": "reminder",
        "channel": Channel.SMS,
        "template": "Your appointment is on {date} at {time}.",
        "countries": ("US",),
        "hours": "00:00-24:00",
        "limit_per_day": 1000,
        "callers": ("remind",),
        "carrier": "sandbox",
    }
    definition = Definition(**{**values, **changes})
    await ringback.person.triggers.apply(definition, level=Level.A2, via="terminal")
    caller = await ringback.triggers.reminding("reminder")
    return Reminders(ringback.triggers, ringback.ledger, ringback.clock, caller, before)


def appointment(uid: str = "a", start: datetime = NINE, phone: str = TO, **more: Any) -> Appointment:
    return Appointment(f"line of {uid}", uid, start, phone, more.pop("variables", {}), **more)


async def states(work: Reminders, *given: Appointment, act: bool = True, **more: Any) -> list[tuple[str, int]]:
    return [(one.state, one.moved) for one in await work.run(given, act=act, **more)]


def stored(home: Path) -> list[tuple[str, str | None]]:
    return rows(home, "SELECT status, reason FROM outbound ORDER BY seq")


def due(home: Path) -> list[datetime]:
    found = rows(home, "SELECT send_at FROM outbound WHERE status = 'scheduled' ORDER BY seq")
    return [datetime.fromtimestamp(at, UTC) for (at,) in found]


async def test_a_look_stores_nothing_and_a_run_stores_each_once(ringback: Ringback, home: Path) -> None:
    work = await reminders(ringback)
    both = appointment("a"), appointment("b", NINE + HOUR)
    assert await states(work, *both, act=False) == [("new", 0), ("new", 0)]
    assert stored(home) == []
    assert await states(work, *both) == [("new", 0), ("new", 0)]
    assert await states(work, *both) == [("scheduled", 0), ("scheduled", 0)]
    assert stored(home) == [("scheduled", None)] * 2


async def test_it_says_the_appointments_own_date_and_time(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock
) -> None:
    await states(await reminders(ringback), appointment())
    clock.time = NINE.astimezone(UTC) - DAY
    await ringback.telephone.tend()
    assert [wish.text for wish in carrier.sent] == ["Your appointment is on Fri 20 Mar 2026 at 09:00."]


@pytest.mark.parametrize(
    ("zone", "start", "before", "expected"),
    [
        ("Europe/Berlin", "2026-03-29T09:00", DAY, "2026-03-28T08:00Z"),
        ("Europe/Berlin", "2026-03-29T09:00", timedelta(hours=2), "2026-03-29T05:00Z"),
        ("Europe/Berlin", "2026-03-29T03:30", timedelta(hours=2), "2026-03-28T23:30Z"),
        ("Europe/Berlin", "2026-03-30T02:30", DAY, "2026-03-29T01:30Z"),
        ("Europe/Berlin", "2026-03-30T09:00", 2 * DAY, "2026-03-28T08:00Z"),
        ("Europe/Berlin", "2026-03-29T09:00", timedelta(hours=36), "2026-03-27T20:00Z"),
        ("America/New_York", "2026-03-20T09:00", DAY, "2026-03-19T13:00Z"),
    ],
)
async def test_whole_days_keep_the_time_of_day_and_hours_are_exact_where_the_clocks_change(
    ringback: Ringback, home: Path, zone: str, start: str, before: timedelta, expected: str
) -> None:
    work = await reminders(ringback, before)
    begins = datetime.fromisoformat(start).replace(tzinfo=ZoneInfo(zone))
    assert await states(work, appointment(start=begins)) == [("new", 0)]
    assert due(home) == [datetime.fromisoformat(expected)]


@pytest.mark.parametrize(
    "change",
    [
        {"start": NINE + HOUR},
        {"start": NINE + DAY},
        {"phone": "+12025550124"},
        {"variables": {"time": "nine o'clock"}},
    ],
)
async def test_a_moved_or_changed_appointment_cancels_the_earlier_reminder(
    ringback: Ringback, home: Path, change: dict[str, Any]
) -> None:
    work = await reminders(ringback)
    await states(work, appointment())
    changed = replace(appointment(), **change)
    assert await states(work, changed, act=False) == [("new", 1)]
    assert stored(home) == [("scheduled", None)]
    assert await states(work, changed) == [("new", 1)]
    assert await states(work, changed) == [("scheduled", 0)]
    assert stored(home) == [("cancelled", "appointment_moved"), ("scheduled", None)]
    assert await states(work, appointment()) == [("new", 1)]
    assert [status for status, _ in stored(home)] == ["cancelled", "cancelled", "scheduled"]


async def test_a_called_off_appointment_and_one_that_takes_place_no_more_are_cancelled(
    ringback: Ringback, home: Path
) -> None:
    work = await reminders(ringback)
    await states(work, appointment("a"), appointment("b"))
    assert await states(work, appointment("a", cancelled=True)) == [("cancelled", 1)]
    assert await states(work, absent=["b", "never seen"]) == [("cancelled", 1)]
    assert stored(home) == [("cancelled", "appointment_moved")] * 2


async def test_what_is_not_whole_in_the_file_cancels_nothing(ringback: Ringback, home: Path) -> None:
    work = await reminders(ringback)
    await states(work, appointment())
    assert await states(work, appointment(phone="202555")) == [("refused", 0)]
    assert await states(work, appointment(start=NINE + DAY), unread=["a"]) == [("new", 0)]
    assert [status for status, _ in stored(home)] == ["scheduled", "scheduled"]


async def test_a_series_keeps_its_other_dates_when_one_moves(ringback: Ringback, home: Path) -> None:
    work = await reminders(ringback)
    series = [appointment(start=NINE + 7 * DAY * week) for week in range(3)]
    await states(work, *series)
    moved = [series[0], appointment(start=NINE + 8 * DAY), series[2]]
    assert sum(cancelled for _, cancelled in await states(work, *moved)) == 1
    assert [status for status, _ in stored(home)] == ["scheduled", "cancelled", "scheduled", "scheduled"]


async def test_what_a_person_cancelled_is_not_scheduled_again(ringback: Ringback, home: Path) -> None:
    work = await reminders(ringback)
    (planned,) = await work.run([appointment()], act=True)
    assert planned.id is not None
    await ringback.telephone.cancel(planned.id)
    assert await states(work, appointment()) == [("done", 0)]


async def test_past_and_far_ones_are_told_and_left(ringback: Ringback, clock: FakeClock, home: Path) -> None:
    work = await reminders(ringback)
    soon = clock.now().astimezone(NEW_YORK)
    given = [appointment("a", soon + DAY), appointment("b", soon - DAY), appointment("c", soon + 95 * DAY)]
    assert [state for state, _ in await states(work, *given)] == ["past", "past", "later"]
    assert stored(home) == []


async def test_one_that_is_refused_stops_no_other_and_says_why(ringback: Ringback, home: Path) -> None:
    work = await reminders(ringback, hours="08:00-20:00")
    given = [appointment("a", NINE - 3 * HOUR), appointment("b", phone="+493023125000"), appointment("c")]
    planned = await work.run(given, act=True)
    reasons = [one.error.reason if one.error else one.state for one in planned]
    assert reasons == ["trigger_hours", "trigger_country", "new"]
    assert stored(home) == [("scheduled", None)]


async def test_the_limit_is_of_the_day_on_which_they_go_out(ringback: Ringback) -> None:
    work = await reminders(ringback, limit_per_day=2)
    given = [appointment(str(number), NINE + (number % 2) * DAY) for number in range(6)]
    planned = await work.run(given, act=True)
    assert [one.state for one in planned] == ["new"] * 4 + ["refused"] * 2


async def test_two_spans_before_one_appointment_stand_side_by_side(ringback: Ringback, home: Path) -> None:
    day, hours = await reminders(ringback), await reminders(ringback, 2 * HOUR)
    for _ in range(2):
        await states(day, appointment())
        await states(hours, appointment())
    assert stored(home) == [("scheduled", None)] * 2


async def test_after_its_trigger_was_removed_and_applied_again_an_appointment_is_reminded_of_once(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock
) -> None:
    await states(await reminders(ringback), appointment())
    await ringback.person.triggers.remove("reminder")
    assert await states(await reminders(ringback), appointment()) == [("new", 0)]
    clock.time = NINE.astimezone(UTC) - DAY
    await ringback.telephone.tend()
    assert len(carrier.sent) == 1
