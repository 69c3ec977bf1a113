"""Quiet hours: windows, zones, wall clocks that jump, numbers of many zones and of none, and the next allowed time."""

from __future__ import annotations

from datetime import datetime
from time import perf_counter
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ringback.errors import InvalidRequest
from ringback.model.hours import LOOKED_AHEAD_DAYS, Standing, read_window, standing, tell_window
from ringback.model.numbers import PhoneNumber

NEW_YORK = PhoneNumber("+12125550123")
LOUISIANA = PhoneNumber("+15045550123")
TOLL_FREE = PhoneNumber("+18005550199")
ALL_OF_TENNESSEES_EAST = PhoneNumber("+14235550123")
DAY = (8 * 60, 21 * 60)


def unix(text: str, zone: str | None = None, *, fold: int = 0) -> float:
    moment = datetime.fromisoformat(text)
    return (moment if zone is None else moment.replace(tzinfo=ZoneInfo(zone), fold=fold)).timestamp()


def ask(at: float, window: tuple[int, int] = DAY, zone: str | None = None, number: PhoneNumber = NEW_YORK) -> Standing:
    return standing(number, at, window=window, zone=zone)


# -- the window --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "window"),
    [
        ("08:00-21:00", (480, 1260)),
        ("00:00-24:00", (0, 1440)),
        ("09:59-10:00", (599, 600)),
        ("23:59-24:00", (1439, 1440)),
    ],
)
def test_a_window_is_read_as_minutes_of_the_day_and_told_as_it_was_written(text: str, window: tuple[int, int]) -> None:
    assert read_window(text) == window
    assert tell_window(window) == text


def test_off_is_no_window() -> None:
    assert read_window("off") is None


@pytest.mark.parametrize(
    "text",
    [
        *("", "8:00-21:00", "08:00", "08:00-08:00", "21:00-08:00", "08:00-24:01", "08:60-09:00", "08:00-25:00"),
        *(
            " 08:00-21:00",
            "08:00-21:00\n",
            "08:00\u201321:00",
            "٠٨:00-21:00",
            "08.00-21.00",
            "OFF",
            "none",
            "08:00-21:00:00",
        ),
    ],
)
def test_any_other_text_is_refused_and_told_what_to_give(text: str) -> None:
    with pytest.raises(InvalidRequest, match="08:00-21:00") as caught:
        read_window(text)
    assert "off" in caught.value.hint


# -- zones -------------------------------------------------------------------------------------------------------------


def test_a_moment_inside_is_allowed_and_is_itself_the_next_one() -> None:
    at = unix("2026-11-18T08:00:00.5", "America/New_York")
    assert ask(at) == Standing(allowed=True, next_at=at, zones=("America/New_York",), rule="", unknown=False)


@pytest.mark.parametrize(("number", "clock"), [("+15555550123", 12), ("+883510012345", 3), ("+870773111632", 12)])
def test_a_number_of_no_known_zone_is_refused_at_any_time_and_has_no_next_one(number: str, clock: int) -> None:
    found = ask(unix(f"2026-11-18T{clock:02}:00+00:00"), (0, 1440), number=PhoneNumber(number))
    assert (found.allowed, found.next_at, found.zones, found.unknown) == (False, None, (), True)
    assert found.rule


def test_a_zone_that_the_operator_names_makes_it_known_and_counts_alone() -> None:
    at = unix("2026-11-18T07:00:00", "Asia/Kathmandu")
    for number in (PhoneNumber("+883510012345"), NEW_YORK, TOLL_FREE):
        found = ask(at, zone="Asia/Kathmandu", number=number)
        assert (found.zones, found.next_at) == (("Asia/Kathmandu",), at + 3600)
        assert ask(at + 3600, zone="Asia/Kathmandu", number=number).allowed


@pytest.mark.parametrize("zone", ["Nowhere/City", "EST", "", "../../etc/passwd", "Factory", "Z"])
def test_a_named_zone_that_is_not_known_refuses(zone: str) -> None:
    found = ask(unix("2026-11-18T12:00", "America/New_York"), zone=zone)
    assert (found.allowed, found.next_at, found.unknown) == (False, None, True)


@pytest.mark.parametrize(
    "zone", ["America/Chicago", "US/Central", "America/Puerto_Rico", "Pacific/Guam", "Etc/GMT+6", "UTC", "US/Samoa"]
)
def test_the_area_codes_law_holds_in_a_zone_of_the_united_states_and_in_one_of_no_country(zone: str) -> None:
    found = ask(unix("2026-11-22T12:00", zone), zone=zone, number=LOUISIANA)
    assert (found.allowed, found.rule) == (False, "Louisiana: not on Sundays")
    assert found.next_at == unix("2026-11-23T08:00", zone)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Asia/Calcutta", "America/Toronto", "Europe/Oslo", "Cuba", "Japan"])
def test_the_area_codes_law_ends_at_the_border(zone: str) -> None:
    assert ask(unix("2026-11-22T20:30", zone), zone=zone, number=LOUISIANA).allowed


def test_an_exchange_that_the_plan_does_not_list_is_in_every_zone_of_its_area_code() -> None:
    seven_central = unix("2026-11-18T07:30", "America/Chicago")
    found = ask(seven_central, number=ALL_OF_TENNESSEES_EAST)
    assert found.zones == ("America/Chicago", "America/New_York")
    assert found.next_at == unix("2026-11-18T08:00", "America/Chicago")
    assert not ask(unix("2026-11-18T21:00", "America/New_York"), number=ALL_OF_TENNESSEES_EAST).allowed


def test_a_toll_free_number_is_in_42_zones_and_has_the_moments_that_all_of_them_share() -> None:
    at = unix("2026-11-18T15:00+00:00")
    found = ask(at, number=TOLL_FREE)
    opens = unix("2026-11-18T08:00", "Pacific/Guam") + 86_400
    assert (found.allowed, len(found.zones), found.next_at, found.rule) == (False, 42, opens, "08:00-21:00")
    assert opens == unix("2026-11-18T22:00+00:00")
    closes = unix("2026-11-18T21:00", "America/St_Johns")
    assert [ask(one, number=TOLL_FREE).allowed for one in (opens - 1, opens, closes - 1, closes)] == [
        *(False, True, True, False),
    ]


def test_a_window_that_42_zones_do_not_share_has_no_next_moment() -> None:
    found = ask(unix("2026-11-18T15:00+00:00"), (540, 1020), number=TOLL_FREE)
    assert (found.allowed, found.next_at, found.unknown, found.rule) == (False, None, False, "09:00-17:00")


# -- clocks that are put forward and back ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "at", "window", "opens"),
    [
        # The begin is in the hour that is skipped: the first minute after it is inside.
        ("America/New_York", "2027-03-14T00:00-05:00", "02:30-04:00", "2027-03-14T03:00-04:00"),
        ("Australia/Lord_Howe", "2026-10-04T00:00+10:30", "02:15-04:00", "2026-10-04T02:30+11:00"),
        ("Asia/Beirut", "2027-03-27T22:00+02:00", "00:30-04:00", "2027-03-28T01:00+03:00"),
        ("America/Santiago", "2026-09-05T23:30-04:00", "00:00-04:00", "2026-09-06T01:00-03:00"),
        # The begin is in the hour that comes twice: the first of the two.
        ("America/New_York", "2026-11-01T00:00-04:00", "01:30-04:00", "2026-11-01T01:30-04:00"),
        ("Australia/Lord_Howe", "2027-04-04T00:00+11:00", "01:45-04:00", "2027-04-04T01:45+11:00"),
        # The end is in the hour that comes twice: what was closed is open once more from the change on.
        ("America/New_York", "2026-11-01T01:30-04:00", "00:30-01:15", "2026-11-01T01:00-05:00"),
        ("Australia/Lord_Howe", "2027-04-04T01:50+11:00", "00:30-01:45", "2027-04-04T01:30+10:30"),
        # The begin comes twice, and the second is asked for.
        ("America/New_York", "2026-11-01T01:10-05:00", "01:30-04:00", "2026-11-01T01:30-05:00"),
        # The window is skipped altogether on that day.
        ("America/New_York", "2027-03-14T00:00-05:00", "02:00-03:00", "2027-03-15T02:00-04:00"),
        # No change that day, and offsets of 30 and 45 minutes.
        ("Asia/Kathmandu", "2026-11-18T00:00+05:45", "08:07-21:00", "2026-11-18T08:07+05:45"),
        ("Asia/Kolkata", "2026-11-18T22:00+05:30", "08:00-21:00", "2026-11-19T08:00+05:30"),
        ("Pacific/Chatham", "2026-09-27T00:00+12:45", "02:50-04:00", "2026-09-27T03:45+13:45"),
        ("Australia/Eucla", "2026-11-18T23:59+08:45", "00:00-00:01", "2026-11-19T00:00+08:45"),
    ],
)
def test_the_window_opens_by_the_wall_clock_on_the_days_that_clocks_change(
    zone: str, at: str, window: str, opens: str
) -> None:
    minutes = read_window(window)
    assert minutes is not None
    found = ask(unix(at), minutes, zone)
    assert found.allowed is False
    assert found.next_at == unix(opens)
    assert ask(unix(opens), minutes, zone).allowed
    assert not ask(unix(opens) - 1, minutes, zone).allowed


def test_an_hour_that_comes_twice_is_inside_or_outside_both_times() -> None:
    for fold in (0, 1):
        at = unix("2026-11-01T01:30", "America/New_York", fold=fold)
        assert ask(at, (60, 120)).allowed
        assert not ask(at, (120, 180)).allowed
    first, second = (unix("2026-11-01T01:30", "America/New_York", fold=fold) for fold in (0, 1))
    assert second == first + 3600


def test_the_default_hours_are_those_of_the_wall_clock_before_and_after_both_changes() -> None:
    for day in ("2026-10-31", "2026-11-01", "2026-11-02", "2027-03-13", "2027-03-14", "2027-03-15"):
        opens, closes = (unix(f"{day}T{hour}:00", "America/New_York") for hour in ("08", "21"))
        assert [ask(at).allowed for at in (opens - 60, opens, closes - 60, closes)] == [False, True, True, False]


def test_a_country_that_skipped_a_day_skipped_its_hours_too() -> None:
    evening = unix("2011-12-29T21:00-10:00")
    assert ask(evening, zone="Pacific/Apia").next_at == unix("2011-12-31T08:00+14:00")


def test_an_offset_of_odd_seconds_opens_on_the_next_whole_minute() -> None:
    found = ask(unix("1971-06-01T00:00+00:00"), zone="Africa/Monrovia")
    assert found.next_at == unix("1971-06-01T08:45+00:00")
    assert unix("1971-06-01T08:00", "Africa/Monrovia") == unix("1971-06-01T08:44:30+00:00")


# -- the next moment ---------------------------------------------------------------------------------------------------

ZONES = [None, "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Chatham", "Africa/Casablanca"]
NUMBERS = ["+12125550123", "+14235550123", "+13055550123", "+14015550123", "+15045550123", "+18005550199"]
NUMBERS += ["+15125550123", "+16055550123", "+442071234567", "+61255501234", "+97714123456"]


@st.composite
def windows(draw: st.DrawFn) -> tuple[int, int]:
    begin = draw(st.integers(0, 1439))
    return begin, draw(st.integers(begin + 1, 1440))


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(NUMBERS),
    st.floats(unix("2026-01-01T00:00+00:00"), unix("2028-01-01T00:00+00:00")),
    windows(),
    st.sampled_from(ZONES),
)
@example("+14015550123", unix("2026-12-24T18:00-05:00"), DAY, None)
@example("+12125550123", unix("2026-11-01T01:15-04:00"), (30, 75), None)
def test_the_next_moment_is_allowed_and_no_whole_minute_before_it_is(
    number: str, at: float, window: tuple[int, int], zone: str | None
) -> None:
    to = PhoneNumber(number)
    found = ask(at, window, zone, to)
    assert found.allowed is (found.next_at == at)
    assert found.allowed is (found.rule == "")
    horizon = at + LOOKED_AHEAD_DAYS * 86_400
    until = horizon if found.next_at is None else found.next_at
    if found.next_at is not None:
        assert at <= found.next_at <= horizon
        assert ask(found.next_at, window, zone, to).allowed
    if found.allowed:
        return
    assert found.next_at is None or found.next_at % 60 == 0
    minute = -(-at // 60) * 60
    while minute < until:
        assert not ask(minute, window, zone, to).allowed
        minute += 60


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(["+12125550123", "+14235550123", "+18005550199", "+442071234567", "+61255501234", "+97714123456"]),
    st.integers(int(unix("2026-01-01T00:00+00:00")), int(unix("2028-01-01T00:00+00:00"))),
    windows(),
    st.sampled_from(ZONES),
)
def test_where_no_law_is_stricter_a_moment_is_allowed_just_if_every_wall_clock_shows_a_minute_of_the_window(
    number: str, at: int, window: tuple[int, int], zone: str | None
) -> None:
    found = ask(float(at), window, zone, PhoneNumber(number))
    clocks = [datetime.fromtimestamp(at, ZoneInfo(name)) for name in found.zones]
    assert found.allowed is all(window[0] <= one.hour * 60 + one.minute < window[1] for one in clocks)


@pytest.mark.parametrize("at", [-1.0, float("nan"), float("inf"), float("-inf"), 1e18])
def test_a_time_that_is_no_time_is_refused(at: float) -> None:
    with pytest.raises(InvalidRequest, match="out of range"):
        ask(at)


def test_the_first_and_the_last_time_that_are_taken_are_decided() -> None:
    assert ask(0.0, (0, 1440)).allowed
    assert ask(unix("9998-12-31T12:00+00:00"), (0, 1440), "Pacific/Kiritimati").allowed


def test_a_warm_answer_takes_well_under_a_millisecond() -> None:
    asked = [(TOLL_FREE, (540, 1020)), (TOLL_FREE, DAY), (LOUISIANA, DAY)]
    at = unix("2026-11-22T15:00+00:00")
    for number, window in asked:
        ask(at, window, number=number)
    best = min(_seconds(asked, at + repeat) for repeat in range(20))
    assert best / len(asked) < 0.001


def _seconds(asked: list[tuple[PhoneNumber, tuple[int, int]]], at: float) -> float:
    before = perf_counter()
    for number, window in asked:
        ask(at, window, number=number)
    return perf_counter() - before
