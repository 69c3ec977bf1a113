"""Calling hours by US law: 51 jurisdictions around the minutes of each boundary, and the data that they come from."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import phonenumbers
import pytest
from phonenumbers.geodata import GEOCODE_DATA
from phonenumbers.tzdata import TIMEZONE_DATA

from ringback.model.hours import Standing, standing
from ringback.model.numbers import PhoneNumber, parse_number
from ringback.model.presets import is_legal_holiday

FEDERAL = (8, 21)
OFF = (0, 0)
# What a weekday, a Saturday, a Sunday and a legal holiday allow, in hours; nothing of holidays is told by three.
STRICTER: dict[str, list[tuple[int, int]]] = {
    "Alabama": [(8, 20), (8, 20), OFF, OFF],
    "California": [(9, 21)] * 3,
    "Connecticut": [(9, 20)] * 3,
    "Florida": [(8, 20)] * 3,
    "Illinois": [(9, 21)] * 3,
    "Indiana": [(9, 20)] * 3,
    "Kentucky": [(10, 21)] * 3,
    "Louisiana": [(8, 20), (8, 20), OFF, OFF],
    "Maine": [(9, 17), OFF, OFF],
    "Maryland": [(8, 20)] * 3,
    "Massachusetts": [(8, 20)] * 3,
    "Michigan": [(9, 21)] * 3,
    "Minnesota": [(9, 21)] * 3,
    "Mississippi": [(8, 20), (8, 20), OFF],
    "Nebraska": [(8, 21), (8, 21), (13, 21), (13, 21)],
    "Nevada": [(9, 20)] * 3,
    "New Mexico": [(9, 21)] * 3,
    "Oklahoma": [(8, 20)] * 3,
    "Oregon": [(8, 20)] * 3,
    "Pennsylvania": [(9, 19), (9, 19), OFF, OFF],
    "Rhode Island": [(9, 18), (10, 17), OFF, OFF],
    "South Dakota": [(9, 21), OFF, OFF],
    "Texas": [(9, 21), (9, 21), (12, 21)],
    "Utah": [(8, 21), (8, 21), OFF, OFF],
    "Washington": [(8, 20)] * 3,
    "Wyoming": [(8, 20)] * 3,
}
FEDERAL_ALONE = [
    *("Alaska", "Arizona", "Arkansas", "Colorado", "Delaware", "District of Columbia", "Georgia", "Hawaii", "Idaho"),
    *("Iowa", "Kansas", "Missouri", "Montana", "New Hampshire", "New Jersey", "New York", "North Carolina"),
    *("North Dakota", "Ohio", "South Carolina", "Tennessee", "Vermont", "Virginia", "West Virginia", "Wisconsin"),
]
JURISDICTIONS = sorted([*STRICTER, *FEDERAL_ALONE])

WEEKDAY, SUMMER = date(2026, 11, 18), date(2026, 7, 15)
SATURDAY, SUNDAY = date(2026, 11, 21), date(2026, 11, 22)
THANKSGIVING = date(2026, 11, 26)
FOURTH_OF_JULY_ON_SUNDAY, ITS_MONDAY = date(2027, 7, 4), date(2027, 7, 5)
DAYS = [WEEKDAY, SUMMER, SATURDAY, SUNDAY, THANKSGIVING, FOURTH_OF_JULY_ON_SUNDAY, ITS_MONDAY]
AREAS_OF_LISTED_EXCHANGES = {prefix[:4] for prefix in TIMEZONE_DATA if len(prefix) > 4}
HOLIDAYS = {THANKSGIVING, FOURTH_OF_JULY_ON_SUNDAY, ITS_MONDAY}


def entries() -> list[dict[str, Any]]:
    text = files("ringback.model").joinpath("hours.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)["jurisdiction"]


ENTRIES = {entry["name"]: entry for entry in entries()}


def hours_on(name: str, day: date) -> tuple[int, int]:
    """The hours that the table above leaves of the federal ones."""
    table = STRICTER.get(name, [FEDERAL] * 3)
    allowed = [FEDERAL, table[{5: 1, 6: 2}.get(day.weekday(), 0)]]
    if day in HOLIDAYS and len(table) == 4:
        allowed.append(table[3])
    begin, end = max(hours[0] for hours in allowed), min(hours[1] for hours in allowed)
    return (begin, end) if begin < end else OFF


def numbers_of(name: str) -> dict[tuple[str, ...], PhoneNumber]:
    """A valid number of the jurisdiction for each set of time zones that its listed exchanges are in."""
    found: dict[tuple[str, ...], PhoneNumber] = {}
    for area in ENTRIES[name]["area_codes"]:
        for exchange in range(200, 1000):
            digits = f"1{area}{exchange}2345"
            shortest = 5 if digits[:4] in AREAS_OF_LISTED_EXCHANGES else 4
            prefixes = (digits[:length] for length in range(10, shortest - 1, -1))
            zones = next((TIMEZONE_DATA[prefix] for prefix in prefixes if prefix in TIMEZONE_DATA), None)
            if zones and zones not in found and phonenumbers.is_valid_number(phonenumbers.parse(f"+{digits}")):
                found[zones] = parse_number(f"+{digits}")
    return found


def at_local(zone: str, day: date, minute: int) -> float:
    return (datetime.combine(day, time(), ZoneInfo(zone)) + timedelta(minutes=minute)).timestamp()


def ask(number: PhoneNumber, at: float) -> Standing:
    return standing(number, at, window=(8 * 60, 21 * 60))


# -- the minutes around each boundary ----------------------------------------------------------------------------------


def test_the_table_has_the_fifty_states_and_the_district() -> None:
    assert len(JURISDICTIONS) == len(set(JURISDICTIONS)) == 51
    assert sorted(ENTRIES) == JURISDICTIONS
    assert len({entry["code"] for entry in ENTRIES.values()}) == 51


@pytest.mark.parametrize("name", JURISDICTIONS)
def test_the_minutes_around_both_ends_of_every_kind_of_day_are_decided_by_the_local_clock(name: str) -> None:
    numbers = numbers_of(name)
    assert numbers
    for zones, number in numbers.items():
        assert set(ask(number, at_local(zones[0], WEEKDAY, 720)).zones) == set(zones)
        for day in DAYS:
            begin, end = hours_on(name, day)
            minutes = [60 * edge + near for edge in {begin, end, *FEDERAL, 12} for near in (-1, 0, 1) if edge]
            for zone in zones:
                for minute in minutes:
                    at = at_local(zone, day, minute)
                    locals_ = [datetime.fromtimestamp(at, ZoneInfo(one)) for one in zones]
                    inside = [begin * 60 <= one.hour * 60 + one.minute < end * 60 for one in locals_]
                    found = ask(number, at)
                    assert found.allowed is all(inside), (number.e164, zone, day, minute, found)
                    assert (found.rule == "") is found.allowed
                    if len(zones) == 1:
                        assert found.allowed is (begin * 60 <= minute < end * 60)


@pytest.mark.parametrize("name", JURISDICTIONS)
def test_a_second_before_a_boundary_is_still_the_minute_before_it(name: str) -> None:
    begin, end = hours_on(name, WEEKDAY)
    zones, number = min(numbers_of(name).items(), key=lambda item: len(item[0]))
    assert len(zones) == 1
    opens, closes = at_local(zones[0], WEEKDAY, begin * 60), at_local(zones[0], WEEKDAY, end * 60)
    assert [ask(number, at).allowed for at in (opens - 0.001, opens, closes - 0.001, closes)] == [
        False,
        True,
        True,
        False,
    ]
    assert ask(number, opens - 0.001).next_at == opens
    assert ask(number, opens + 0.5).next_at == opens + 0.5


@pytest.mark.parametrize("name", JURISDICTIONS)
def test_an_evening_is_followed_by_the_next_day_that_allows_a_minute(name: str) -> None:
    for zones, number in numbers_of(name).items():
        if len(zones) == 1:
            late = at_local(zones[0], WEEKDAY + timedelta(days=2), 22 * 60)  # Friday
            days = (WEEKDAY + timedelta(days=ahead) for ahead in range(3, 9))
            day = next(day for day in days if hours_on(name, day) != OFF)
            assert ask(number, late).next_at == at_local(zones[0], day, hours_on(name, day)[0] * 60)


@pytest.mark.parametrize(
    ("number", "zone", "day", "hour", "rule"),
    [
        ("+12125550123", "America/New_York", WEEKDAY, 7, "08:00-21:00"),
        ("+13055550123", "America/New_York", WEEKDAY, 20, "Florida: 08:00-20:00"),
        ("+13055550123", "America/New_York", WEEKDAY, 22, "Florida: 08:00-20:00"),
        ("+15045550123", "America/Chicago", SUNDAY, 12, "Louisiana: not on Sundays"),
        ("+15045550123", "America/Chicago", THANKSGIVING, 12, "Louisiana: not on legal holidays"),
        ("+12075550123", "America/New_York", SATURDAY, 12, "Maine: not on Saturdays"),
        ("+14015550123", "America/New_York", SATURDAY, 9, "Rhode Island: 10:00-17:00 on Saturdays"),
        ("+14015550123", "America/New_York", WEEKDAY, 18, "Rhode Island: 09:00-18:00"),
        ("+14025550123", "America/Chicago", THANKSGIVING, 9, "Nebraska: 13:00-21:00 on legal holidays"),
        ("+15125550123", "America/Chicago", SUNDAY, 11, "Texas: 12:00-21:00 on Sundays"),
        ("+18015550123", "America/Denver", FOURTH_OF_JULY_ON_SUNDAY, 12, "Utah: not on Sundays"),
    ],
)
def test_the_rule_that_decides_is_told_in_words(number: str, zone: str, day: date, hour: int, rule: str) -> None:
    assert ask(PhoneNumber(number), at_local(zone, day, hour * 60)).rule == rule


def test_the_rule_is_the_operators_window_where_that_is_the_narrower() -> None:
    at = at_local("America/New_York", WEEKDAY, 22 * 60)
    assert standing(PhoneNumber("+13055550123"), at, window=(600, 1020)).rule == "10:00-17:00"


# -- the data ----------------------------------------------------------------------------------------------------------


def test_every_area_code_stands_where_libphonenumbers_geographical_data_has_it() -> None:
    other = {"Washington State": "Washington", "Washington D.C.": "District of Columbia"}
    codes = {entry["code"]: name for name, entry in ENTRIES.items()}
    expected: dict[str, set[int]] = defaultdict(set)
    for prefix, words in GEOCODE_DATA.items():
        if prefix.startswith("1") and len(prefix) >= 4:
            place = words["en"]
            name = other.get(place, place)
            name = name if name in ENTRIES else codes.get(place.rpartition(", ")[2], "")
            if name:
                expected[name].add(int(prefix[1:4]))
    assert {name: set(entry["area_codes"]) for name, entry in ENTRIES.items()} == expected
    assert sum(map(len, expected.values())) > 350


def test_no_geographical_data_is_loaded_to_answer() -> None:
    code = """
import sys
from ringback.model.hours import standing
from ringback.model.numbers import PhoneNumber
assert not standing(PhoneNumber("+13055550123"), 1e9, window=(0, 1)).allowed
print(*sorted(name for name in sys.modules if "geo" in name))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_every_preset_is_sourced_and_those_of_the_table_alone_have_one() -> None:
    with_hours = {name for name, entry in ENTRIES.items() if "weekdays" in entry}
    assert with_hours == set(STRICTER)
    for name in with_hours:
        entry = ENTRIES[name]
        assert entry["law"], name
        assert entry["source"], name
        assert entry["checked"] == date(2026, 11, 22), name
        assert isinstance(entry["certain"], bool), name
    assert {name for name in with_hours if not ENTRIES[name]["certain"]} == {
        *("Indiana", "Mississippi", "Nevada", "Pennsylvania"),
    }
    assert not any("none found" in ENTRIES[name]["source"] and ENTRIES[name]["certain"] for name in with_hours)


def test_the_documentations_table_is_the_data() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "quiet-hours.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    assert rows[2:] == [
        [
            *(name, *(entry.get(kind, "") for kind in ("weekdays", "saturdays", "sundays", "holidays"))),
            entry["law"] + ("" if entry["certain"] else " (uncertain)"),
        ]
        for name, entry in ENTRIES.items()
        if "weekdays" in entry
    ]


def test_no_preset_is_wider_than_the_federal_hours() -> None:
    for name, table in STRICTER.items():
        assert all(hours == OFF or (hours[0] >= 8 and hours[1] <= 21) for hours in table), name
        assert any(hours != FEDERAL for hours in table), name


# -- legal holidays ----------------------------------------------------------------------------------------------------


def test_the_legal_holidays_of_2026_and_2027_are_the_official_ones_and_the_days_off_for_them() -> None:
    days = [date(2026, 1, 1) + timedelta(days=day) for day in range(730)]
    assert [day.isoformat() for day in days if is_legal_holiday(day)] == [
        *("2026-01-01", "2026-01-19", "2026-02-16", "2026-05-25", "2026-06-19", "2026-07-03", "2026-07-04"),
        *("2026-09-07", "2026-10-12", "2026-11-11", "2026-11-26", "2026-12-25"),
        *("2027-01-01", "2027-01-18", "2027-02-15", "2027-05-31", "2027-06-18", "2027-06-19", "2027-07-04"),
        *("2027-07-05", "2027-09-06", "2027-10-11", "2027-11-11", "2027-11-25", "2027-12-24", "2027-12-25"),
        "2027-12-31",
    ]


def test_a_new_years_day_on_a_saturday_gives_the_last_day_of_the_year_off() -> None:
    assert is_legal_holiday(date(2021, 12, 31))
    assert not is_legal_holiday(date(2026, 12, 31))
    assert is_legal_holiday(date(2023, 1, 2))


def test_the_holiday_is_that_of_the_recipients_own_calendar() -> None:
    number = PhoneNumber("+18015550123")
    # Wednesday evening in Utah, when it is Thanksgiving in London; and the morning after, when it is in Utah.
    assert ask(number, datetime(2026, 11, 26, 3, 0, tzinfo=UTC).timestamp()).allowed
    assert ask(number, datetime(2026, 11, 26, 16, 0, tzinfo=UTC).timestamp()).rule == "Utah: not on legal holidays"
