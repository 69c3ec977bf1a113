"""Leap seconds in the texts of moments: the hours of an outbound rest on clocks that do not show them."""

from __future__ import annotations

import pytest

from ringback.errors import InvalidRequest
from ringback.model.hours import standing
from ringback.model.moment import iso, parse_moment, read_moment
from ringback.model.numbers import PhoneNumber

NEW_YORK = PhoneNumber("+12125550123")
# When one was, when none was, and when the window of the default hours ends.
LEAP_SECONDS = [
    "2016-12-31T23:59:60Z",
    "2016-12-31T18:59:60-05:00",
    "2016-12-31T18:59:60-05:00[America/New_York]",
    "2016-12-31 18:59:60 America/New_York",
    "2016-12-31T23:59:60.5Z",
    "2026-11-22T23:59:60Z",
    "2026-11-22T23:59:60.000Z",
    "2026-11-22T20:59:60 America/New_York",
    "2026-11-22 05:44:60 Asia/Kathmandu",
]


@pytest.mark.parametrize("text", LEAP_SECONDS)
def test_second_60_is_refused_wherever_it_stands_and_the_answer_says_what_to_give(text: str) -> None:
    with pytest.raises(InvalidRequest, match="leap second") as caught:
        read_moment(text)
    assert "second 59 or the next minute" in caught.value.hint


@pytest.mark.parametrize("text", LEAP_SECONDS)
def test_second_59_and_the_next_minute_are_one_second_apart(text: str) -> None:
    last = read_moment(text.replace(":60.5", ":59").replace(":60.000", ":59").replace(":60", ":59"))
    assert iso(last).endswith(":59Z")
    assert iso(last + 1).endswith(":00Z")


@pytest.mark.parametrize("second", ["61", "62", "99"])
def test_a_second_past_60_is_no_time_of_day(second: str) -> None:
    with pytest.raises(InvalidRequest, match="no such time of day"):
        read_moment(f"2026-11-22T23:59:{second}Z")


def test_a_scheduled_second_60_is_refused_as_a_leap_second_and_not_as_past() -> None:
    with pytest.raises(InvalidRequest, match="leap second"):
        parse_moment("2016-12-31T23:59:60Z", now=2e9)


def test_the_moment_around_a_past_leap_second_is_decided_by_the_minute() -> None:
    around = [read_moment(f"2016-12-31T{text}") for text in ("20:59:59-05:00", "21:00:00-05:00")]
    assert [standing(NEW_YORK, at, window=(480, 1260)).allowed for at in around] == [True, False]
