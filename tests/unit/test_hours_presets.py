"""Presets of the operator's own in place of the shipped ones, and how far ahead a moment is looked for under them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from ringback.errors import ConfigurationError
from ringback.model.hours import standing
from ringback.model.numbers import PhoneNumber

if TYPE_CHECKING:
    from pathlib import Path

NEW_YORK = PhoneNumber("+12125550123")
LOUISIANA = PhoneNumber("+15045550123")
DAY = (8 * 60, 21 * 60)


def unix(text: str, zone: str | None = None) -> float:
    moment = datetime.fromisoformat(text)
    return (moment if zone is None else moment.replace(tzinfo=ZoneInfo(zone))).timestamp()


OWN = """
[[jurisdiction]]
name = "New York"
area_codes = [212]
weekdays = "10:00-16:00"
saturdays = "none"
sundays = "none"

[[jurisdiction]]
name = "Elsewhere"
area_codes = [212, 504]
weekdays = "11:00-18:00"
saturdays = "11:00-18:00"
sundays = "none"
"""


def own(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_an_operators_file_stands_in_place_of_the_shipped_one(tmp_path: Path) -> None:
    presets = own(tmp_path / "own.toml", OWN)
    sunday = unix("2026-11-22T10:30", "America/Chicago")
    found = standing(LOUISIANA, sunday, window=DAY, presets=presets)
    assert (found.rule, found.next_at) == ("Elsewhere: not on Sundays", unix("2026-11-23T11:00", "America/Chicago"))
    florida = standing(PhoneNumber("+13055550123"), unix("2026-11-18T20:30-05:00"), window=DAY, presets=presets)
    assert florida.allowed


def test_an_area_code_of_two_jurisdictions_stands_under_both(tmp_path: Path) -> None:
    presets = own(tmp_path / "own.toml", OWN)
    opens, closes = unix("2026-11-18T11:00-05:00"), unix("2026-11-18T16:00-05:00")
    assert [
        standing(NEW_YORK, at, window=DAY, presets=presets).allowed for at in (opens - 60, opens, closes - 60, closes)
    ] == [False, True, True, False]
    assert standing(NEW_YORK, opens - 60, window=DAY, presets=presets).rule == "Elsewhere: 11:00-18:00"
    assert standing(NEW_YORK, closes, window=DAY, presets=presets).rule == "New York: 10:00-16:00"


def test_a_file_without_jurisdictions_lifts_all_presets(tmp_path: Path) -> None:
    presets = own(tmp_path / "own.toml", "jurisdiction = []")
    assert standing(LOUISIANA, unix("2026-11-22T20:30", "America/Chicago"), window=DAY, presets=presets).allowed


def test_a_next_moment_is_looked_for_ten_days_ahead_and_no_further(tmp_path: Path) -> None:
    saturdays = OWN.partition('[[jurisdiction]]\nname = "Elsewhere"')[0].replace('"10:00-16:00"', '"none"')
    saturdays = saturdays.replace('saturdays = "none"', 'saturdays = "10:00-16:00"\nholidays = "none"')
    presets = own(tmp_path / "own.toml", saturdays)
    # The fourth of July 2026 is a Saturday.
    opens = unix("2026-07-11T10:00", "America/New_York")
    for at, next_at in [(opens - 10 * 86_400, opens), (opens - 10 * 86_400 - 1, None)]:
        found = standing(NEW_YORK, at, window=DAY, presets=presets)
        assert (found.next_at, found.unknown, found.rule) == (next_at, False, "New York: not on weekdays")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("jurisdiction", "cannot be read"),
        ("", r"no \[\[jurisdiction\]\]"),
        ("[[jurisdiction]]\narea_codes = [212]", "has no name"),
        ('[[jurisdiction]]\nname = "X"', "area_codes of X"),
        ('[[jurisdiction]]\nname = "X"\narea_codes = [21]', "area_codes of X"),
        ('[[jurisdiction]]\nname = "X"\narea_codes = ["212"]', "area_codes of X"),
        (OWN.replace("10:00-16:00", "10-16"), "weekdays of New York"),
        (OWN.replace("10:00-16:00", "off"), "weekdays of New York"),
        (OWN.replace('saturdays = "none"', ""), "saturdays of New York"),
        (OWN.replace('weekdays = "10:00-16:00"', ""), "weekdays of New York"),
        (OWN.replace('"none"', "false"), "saturdays of New York"),
    ],
)
def test_a_file_that_is_not_of_the_form_is_refused_whoever_is_asked_about(tmp_path: Path, text: str, told: str) -> None:
    presets = own(tmp_path / "own.toml", text)
    with pytest.raises(ConfigurationError, match=told):
        standing(NEW_YORK, unix("2026-11-18T12:00-05:00"), window=DAY, presets=presets)


def test_a_file_that_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        standing(NEW_YORK, 0.0, window=DAY, presets=tmp_path / "none.toml")
