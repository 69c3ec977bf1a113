"""The time of a scheduled send: which texts are one moment, which are refused and why, and how a moment is told."""

from __future__ import annotations

import itertools
import json
import os
import string
import subprocess
import sys
import traceback
import zoneinfo
from datetime import UTC, datetime, timedelta, timezone
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from ringback.errors import InvalidRequest
from ringback.model.moment import FARTHEST_S, NEAREST_PAST_S, iso, parse_moment, tell_moment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ABBREVIATIONS = {"CET", "CST6CDT", "EET", "EST", "EST5EDT", "GB", "GMT", "GMT+0", "GMT-0", "GMT0", "HST", "MET", "MST"}
ABBREVIATIONS |= {"MST7MDT", "NZ", "NZ-CHAT", "PRC", "PST8PDT", "ROC", "ROK", "UCT", "W-SU", "WET"}
LISTED = set(files("tzdata").joinpath("zones").read_text(encoding="utf-8").split())
ZONES = sorted(LISTED - ABBREVIATIONS - {"Factory"})
VALID = [
    "2026-11-22T09:00:00+01:00",
    "2026-11-22T08:00:00.250Z",
    "2026-11-22T09:00[Europe/Berlin]",
    "2026-11-22 09:00:00+01:00[!Europe/Berlin]",
    "2026-11-22 09:00 Europe/Berlin",
]
CANARY = "kumquat"


@pytest.fixture(scope="module", autouse=True)
def _expectations_by_the_same_zones() -> Iterator[None]:
    """What the tests expect of a zone comes from the tzdata package too, not from the machine's own tables."""
    before = zoneinfo.TZPATH
    zoneinfo.reset_tzpath(to=())
    zoneinfo.ZoneInfo.clear_cache()
    yield
    zoneinfo.reset_tzpath(to=before)
    zoneinfo.ZoneInfo.clear_cache()


def unix(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


NOW = unix("2026-11-20T08:00:00Z")


def refusal(text: str, now: float = NOW) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        parse_moment(text, now=now)
    return caught.value


def run_python(code: str, **environment: str) -> str:
    environment = {**os.environ, **environment}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


# -- what is taken ---------------------------------------------------------------------------------------------------

EIGHT_UTC = [
    *("2026-11-22T09:00:00+01:00", "2026-11-22T09:00+01:00", "2026-11-22 09:00:00+01:00", "2026-11-22t08:00:00z"),
    *("2026-11-22T08:00:00Z", "2026-11-22T08:00:00+00:00", "2026-11-22T22:00+14:00", "2026-11-21T18:00-14:00"),
    *("2026-11-22T09:00[Europe/Berlin]", "2026-11-22T09:00[!Europe/Berlin]", "2026-11-22t09:00:00 Europe/Berlin"),
    *("2026-11-22T09:00:00+01:00[Europe/Berlin]", "2026-11-22T08:00Z[Europe/London]", "2026-11-22T08:00[Etc/UTC]"),
    *("2026-11-22 09:00 Europe/Berlin", "2026-11-22 09:00+01:00 Europe/Berlin", "2026-11-22 03:00 US/Eastern"),
    *("2026-11-22 17:00 Japan", "2026-11-22 13:45 Asia/Kathmandu", "2026-11-22 08:00 UTC", "2026-11-22 08:00 Z"),
]


@pytest.mark.parametrize("text", EIGHT_UTC)
def test_one_moment_with_an_offset_or_a_zone_is_taken(text: str) -> None:
    at = parse_moment(text, now=NOW)
    assert (at, iso(at)) == (unix("2026-11-22T08:00:00Z"), "2026-11-22T08:00:00Z")


def test_a_fraction_of_a_second_is_taken_to_the_millisecond() -> None:
    for fraction, taken in [("0", 0), ("25", 0.25), ("001", 0.001), ("9999999", 0.999), ("0" * 79, 0)]:
        at = parse_moment(f"2026-11-22T08:00:00.{fraction}Z", now=NOW)
        assert at == unix("2026-11-22T08:00:00Z") + taken


def test_every_zone_name_but_abbreviations_and_the_stand_in_is_taken() -> None:
    taken = set()
    for name in LISTED:
        try:
            at = parse_moment(f"2026-11-22 09:00 {name}", now=NOW)
        except InvalidRequest:
            continue
        assert at == datetime(2026, 11, 22, 9, tzinfo=zoneinfo.ZoneInfo(name)).timestamp(), name
        taken.add(name)
    assert LISTED - taken == ABBREVIATIONS | {"Factory"}


@pytest.mark.parametrize(
    ("now", "text", "expected"),
    [
        ("2026-12-31T23:59:30Z", "2027-01-01T00:00Z", "2027-01-01T00:00:00Z"),
        ("2026-12-31T09:00:00Z", "2027-01-01 00:30 Pacific/Kiritimati", "2026-12-31T10:30:00Z"),
        ("2027-01-01T00:00:10Z", "2026-12-31 23:30 America/New_York", "2027-01-01T04:30:00Z"),
        ("2026-12-31T23:59:59Z", "2027-03-31T23:59:59Z", "2027-03-31T23:59:59Z"),
        ("2027-12-31T12:00:00Z", "2028-02-29 09:00 Europe/Berlin", "2028-02-29T08:00:00Z"),
    ],
)
def test_a_moment_is_read_across_the_end_of_a_year(now: str, text: str, expected: str) -> None:
    assert iso(parse_moment(text, now=unix(now))) == expected


def test_a_moment_up_to_a_minute_ago_is_taken_and_an_older_one_is_refused() -> None:
    now = NOW + 0.0004
    assert parse_moment(iso(NOW - NEAREST_PAST_S + 0.001), now=now) == NOW - NEAREST_PAST_S + 0.001
    assert parse_moment(iso(NOW), now=now) == NOW
    assert parse_moment(iso(NOW + 0.001), now=now) == NOW + 0.001
    assert parse_moment(iso(NOW - NEAREST_PAST_S), now=NOW) == NOW - NEAREST_PAST_S
    assert "in the past" in refusal(iso(NOW - NEAREST_PAST_S - 0.001)).message


def test_a_moment_ninety_days_ahead_is_taken_and_a_later_one_is_refused() -> None:
    assert parse_moment(iso(NOW + FARTHEST_S), now=NOW) == NOW + 90 * 86_400
    assert "more than 90 days" in refusal(iso(NOW + FARTHEST_S + 0.001)).message


@pytest.mark.parametrize("now", [float("nan"), float("-inf"), float("inf")])
def test_no_moment_is_taken_by_a_clock_that_does_not_tell_the_time(now: float) -> None:
    refusal("2026-11-22T08:00:00Z", now=now)


# -- what is refused -------------------------------------------------------------------------------------------------

REFUSED = {
    "is empty": ["", "   "],
    "no zone and no offset": ["2026-11-22T09:00", "2026-11-22 09:00:00.5"],
    "no time of day": ["2026-11-22", "2026-11-22Z", "2026-11-22+01:00", "2026-11-22 UTC", "2026-11-22[Europe/Berlin]"],
    "basic format": ["20261122T0900Z", "20261122"],
    "Week dates": ["2026-W47-7T09:00Z", "2026W477T0900Z"],
    "ordinal dates": ["2026-326T09:00Z", "2026326T0900Z"],
    "cannot be read": [
        *("2026-11-22T0900Z", "2026-11-22T9:00Z", "2026-11-22T09Z", "2026-11-22T09:00+0100", "2026-11-22T09:00+01"),
        *("2026-11-22T09:00:00,5Z", "2026-11-22T09:00.5Z", "2026-11-22T09:00:00.Z", "2026-11-22  09:00Z"),
        *(" 2026-11-22T09:00Z", "2026-11-22T09:00Z ", "12026-11-22T09:00Z", "+2026-11-22T09:00Z", "1795338000"),
        *("tomorrow at nine", "2026-11-22T09:00[Europe/Berlin", "2026-11-22T09:00[Europe/Berlin][u-ca=hebrew]"),
    ],
    "leap second": ["2026-11-22T09:00:60Z", "2026-12-31T23:59:60Z"],
    "no such time of day": ["2026-11-22T09:00:61Z", "2026-11-22T09:60Z", "2026-11-22T24:00Z"],
    "no such day": ["2026-11-31T09:00Z", "2027-02-29T09:00Z", "2026-13-01T09:00Z", "2026-00-10T09:00Z"],
    "before 1970": ["0000-01-01T00:00Z", "1969-12-31T23:59Z"],
    "in the past": ["1970-01-01T00:00Z", "1970-01-01T00:00+14:00", "1970-01-01T00:00[Africa/Monrovia]"],
    "90 days ahead": ["9999-12-31T23:59Z", "9999-12-31T23:59-14:00", "9999-12-31T23:59[America/New_York]"],
    "-00:00": ["2026-11-22T09:00-00:00"],
    "out of range": [f"2026-11-22T09:00{offset}" for offset in ("+14:01", "-14:01", "+99:99", "+01:60", "-24:00")],
    "contradicts": [
        *("2026-11-22T09:00+02:00[Europe/Berlin]", "2026-11-22T09:00Z[Europe/Berlin]", "2026-11-22T09:00+01:00[UTC]"),
    ],
    "abbreviation": [f"2026-11-22 09:00 {zone}" for zone in ("EST", "CST", "BST", "EST5EDT", "GMT", "PM")],
    "not known": [
        *("2026-11-22 09:00 Europe/Atlantis", "2026-11-22 09:00 europe/berlin", "2026-11-22T09:00 +01:00"),
        *("2026-11-22T09:00[]", "2026-11-22T09:00[ Europe/Berlin]", "2026-11-22T09:00[+01:00]"),
    ],
    "outside ASCII": [
        *("\uff12026-11-22T09:00Z", "\u0662026-11-22T09:00Z", "2026-11-22T09:00\u221201:00", "2026-11-22\u202f09:00Z"),
    ],
    "control characters": [
        *("2026-11-22T09:00Z\n", "2026-11-22\t09:00Z", "2026-11-22T09:00Z\x00", "2026-11-22T09:00[Europe/Berlin\x7f]"),
    ],
    "more than 100 characters": ["2026-11-22T09:00:00." + "0" * 80 + "Z", "\ud800" * 1_000_000],
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_is_not_exactly_one_moment_is_refused_with_its_reason(reason: str) -> None:
    for text in REFUSED[reason]:
        error = refusal(text)
        assert reason in error.message, text[:100]
        assert error.hint.endswith(".")


def test_a_time_without_a_place_is_told_which_form_to_give() -> None:
    hint = refusal("2026-11-22T09:00").hint
    assert "2026-11-22T09:00:00+01:00" in hint
    assert "2026-11-22 09:00 Europe/Berlin" in hint


def test_an_offset_that_contradicts_its_zone_is_answered_with_the_zones_own() -> None:
    assert "+01:00" in refusal("2026-11-22T09:00+02:00[Europe/Berlin]").hint
    assert "+05:45" in refusal("2026-11-22T09:00+05:30[Asia/Kathmandu]").hint
    assert "+00:00" in refusal("2026-11-22T09:00+01:00[Europe/London]").hint


# -- where the clocks change -----------------------------------------------------------------------------------------

# The zone, the gap: its first and last minute and the first after it; the hour that comes twice: its first and last
# minute, the offsets of the first and the second coming, and the first minute after it.
CHANGES = [
    ("Europe/Berlin", "03-29 02:00 02:59 03:00", "10-25 02:00 02:59 +02:00 +01:00 03:00"),
    ("America/New_York", "03-08 02:00 02:59 03:00", "11-01 01:00 01:59 -04:00 -05:00 02:00"),
    ("Australia/Lord_Howe", "10-04 02:00 02:29 02:30", "04-05 01:30 01:59 +11:00 +10:30 02:00"),
    ("Africa/Casablanca", "03-22 02:00 02:59 03:00", "02-15 02:00 02:59 +01:00 +00:00 03:00"),
    ("America/St_Johns", "03-08 02:00 02:59 03:00", "11-01 01:00 01:59 -02:30 -03:30 02:00"),
]


def before(day: str) -> float:
    return unix(f"2026-{day}T00:00Z") - 86_400


@pytest.mark.parametrize(("zone", "gap"), [(zone, gap) for zone, gap, _ in CHANGES])
def test_a_local_time_that_the_clocks_skip_is_refused_and_those_around_it_are_taken(zone: str, gap: str) -> None:
    day, first, last, after = gap.split()
    offset = datetime.fromisoformat(f"2026-{day}T00:00").replace(tzinfo=zoneinfo.ZoneInfo(zone)).isoformat()[19:25]
    for missing in (first, last):
        assert "does not exist" in refusal(f"2026-{day} {missing} {zone}", before(day)).message
        assert "does not exist" in refusal(f"2026-{day}T{missing}{offset}[{zone}]", before(day)).message
    first_minute = datetime.fromisoformat(f"2026-{day}T{first}") - timedelta(minutes=1)
    around = [f"{first_minute:%Y-%m-%d %H:%M} {zone}", f"2026-{day} {after} {zone}"]
    earlier, later = (parse_moment(text, now=before(day)) for text in around)
    assert later - earlier == 60


@pytest.mark.parametrize(("zone", "fold"), [(zone, fold) for zone, _, fold in CHANGES])
def test_a_local_time_that_comes_twice_is_taken_with_either_offset_and_refused_without(zone: str, fold: str) -> None:
    day, first, last, early, late, after = fold.split()
    now = before(day)
    for twice in (first, last):
        error = refusal(f"2026-{day} {twice} {zone}", now)
        assert "comes twice" in error.message
        assert f"{early} for the first, {late} for the second" in error.hint
        for offset in (early, late):
            text = f"2026-{day}T{twice}{offset}"
            assert parse_moment(f"{text}[{zone}]", now=now) == unix(text)
        wrong = refusal(f"2026-{day}T{twice}+13:00[{zone}]", now)
        assert "contradicts" in wrong.message
        assert f"{early} or {late}" in wrong.hint
    assert parse_moment(f"2026-{day} {after} {zone}", now=now) == unix(f"2026-{day}T{after}{late}")


def test_a_day_that_a_zone_skipped_whole_does_not_exist() -> None:
    now = unix("2011-12-29T00:00:00Z")
    assert "does not exist" in refusal("2011-12-30 12:00 Pacific/Apia", now).message
    assert iso(parse_moment("2011-12-31 12:00 Pacific/Apia", now=now)) == "2011-12-30T22:00:00Z"


@pytest.mark.parametrize(("zone", "gap", "fold"), CHANGES)
def test_near_a_change_a_local_minute_is_taken_exactly_when_one_instant_shows_it(
    zone: str, gap: str, fold: str
) -> None:
    place, counts = zoneinfo.ZoneInfo(zone), set()
    for day, minute in itertools.product((gap[:5], fold[:5]), range(300)):
        wall = datetime.fromisoformat(f"2026-{day}T00:00Z") + timedelta(minutes=minute)
        # Every instant that could show this wall time, each asked what its clock shows there.
        candidates = (wall - timedelta(minutes=30 * half) for half in range(-28, 29))
        showing = [instant for instant in candidates if instant.astimezone(place).replace(tzinfo=UTC) == wall]
        counts.add(len(showing))
        text = f"{wall:%Y-%m-%d %H:%M} {zone}"
        if len(showing) == 1:
            assert parse_moment(text, now=before(day)) == showing[0].timestamp()
        else:
            assert ("comes twice" if showing else "does not exist") in refusal(text, before(day)).message
    assert counts == {0, 1, 2}


# -- zone names and files --------------------------------------------------------------------------------------------

HOSTILE_ZONES = [
    *("../x", "../../../../../../etc/passwd", "/etc/passwd", "/etc/localtime", "/usr/share/zoneinfo/Europe/Berlin"),
    *("//Europe/Berlin", "Europe/../Europe/Berlin", "Europe/./Berlin", "Europe//Berlin", "Europe/Berlin/"),
    *("Europe\\Berlin", "Europe", "posixrules", "posix/Europe/Berlin", "right/Europe/Berlin", "localtime", "Factory"),
    *("tzdata.zi", "zone.tab", "zone1970.tab", "leapseconds", "__init__.py", "Europe/__init__.py", "C:/x", "CON"),
    *("~root", "$HOME", "file:///etc/passwd", ".", "..", "!", "!!Europe/Berlin"),
]

OPENED = """
import json, sys
from ringback.errors import InvalidRequest
from ringback.model.moment import parse_moment
parse_moment("2026-11-22 09:00 Asia/Tokyo", now={now})
touched = []
sys.addaudithook(lambda event, given: touched.append(str(given[0])) if event in ("open", "os.listdir") else None)
answers = []
for text in json.loads({texts!r}):
    try:
        answers.append(parse_moment(text, now={now}))
    except InvalidRequest:
        answers.append(None)
print(json.dumps([answers, touched]))
"""


def opened_for(texts: list[str], **environment: str) -> tuple[list[float | None], list[str]]:
    answers, touched = json.loads(run_python(OPENED.format(now=NOW, texts=json.dumps(texts)), **environment))
    return answers, touched


def test_a_zone_name_that_is_a_path_or_no_zone_is_refused_and_no_file_is_opened() -> None:
    texts = [f"2026-11-22 09:00 {name}" for name in HOSTILE_ZONES]
    texts += [f"2026-11-22T09:00[{name}]" for name in HOSTILE_ZONES]
    assert opened_for(texts) == ([None] * len(texts), [])


def test_a_zone_is_read_from_the_tzdata_package_whatever_the_machine_has(tmp_path: Path) -> None:
    (tmp_path / "Europe").mkdir()
    tokyo = files("tzdata").joinpath("zoneinfo/Asia/Tokyo").read_bytes()
    (tmp_path / "Europe" / "Berlin").write_bytes(tokyo)
    (tmp_path / "Ringback").write_bytes(tokyo)
    texts = ["2026-11-22 09:00 Europe/Berlin", "2026-11-22 09:00 Ringback"]
    answers, touched = opened_for(texts, PYTHONTZPATH=str(tmp_path))
    assert answers == [unix("2026-11-22T08:00:00Z"), None]
    assert touched == [str(files("tzdata").joinpath("zoneinfo/Europe/Berlin"))]


def test_zones_are_loaded_only_for_a_text_that_names_one() -> None:
    code = f"""
import sys
from ringback.model.moment import iso, parse_moment, tell_moment
at = parse_moment("2026-11-22T09:00:00+01:00", now={NOW})
tell_moment(at), iso(at)
assert not {{"zoneinfo", "tzdata", "importlib.resources"}} & set(sys.modules)
parse_moment("2026-11-22 09:00 Europe/Berlin", now={NOW})
assert "zoneinfo" in sys.modules
"""
    run_python(code)


# -- hostile text ----------------------------------------------------------------------------------------------------


DATES = [
    "2026-11-22",
    "2026-03-29",
    "1970-01-01",
    "0000-01-01",
    "9999-12-31",
    "2027-02-29",
    "2026-00-99",
    "20261122",
    "",
]
TIMES = [
    "T09:00",
    " 02:30:00.5",
    "t23:59:60",
    "T24:00",
    "T00:00:00",
    "T23:59:59.999999999999",
    "T99:99:99",
    "T0900",
    "",
]
PLACES = ["", "Z", "-00:00", "+14:00", "-14:00", "+14:01", "-99:99", "+01:00", "+0100"]
NAMES = [
    "",
    "[]",
    "[Europe/Berlin]",
    "[!Pacific/Niue]",
    " Pacific/Kiritimati",
    " Africa/Monrovia",
    " EST",
    "[../x]",
    "[[",
]

SPLICE = st.one_of(st.text(max_size=3), st.text(alphabet="0123456789:+-.TtZz []!/\n", max_size=4))


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A valid text in which something is put, lost, or written over."""
    text = draw(st.sampled_from(VALID))
    start = draw(st.integers(0, len(text)))
    end = draw(st.integers(start, min(len(text), start + 3)))
    return text[:start] + draw(SPLICE) + text[end:]


def check_either(text: str, now: float) -> None:
    """Either a moment in the window, or an invalid request: any other exception fails the test."""
    try:
        at = parse_moment(text, now=now)
    except InvalidRequest:
        return
    assert now <= at <= now + FARTHEST_S, text


@given(text=st.one_of(st.text(), st.text(alphabet=string.printable), mutated()), now=st.sampled_from([NOW, 0.0, 4e9]))
@example(text="\ud800", now=NOW)
@settings(max_examples=500)
def test_any_text_is_a_moment_in_the_window_or_an_invalid_request(text: str, now: float) -> None:
    check_either(text, now)


def test_every_mixture_of_right_and_wrong_parts_is_a_moment_in_the_window_or_an_invalid_request() -> None:
    for parts in itertools.product(DATES, TIMES, PLACES, NAMES):
        for now in (NOW, 0.0, unix("9999-12-31T12:00:00Z")):
            check_either("".join(parts), now)


def test_an_error_never_repeats_what_was_given() -> None:
    told = set()
    for text in (*VALID, "2026-11-22", "2026-11-22T09:00", "2026-11-22 09:00 ", "2026-11-22T09:00[]"):
        for place in range(len(text) + 1):
            error = refusal(text[:place] + CANARY + text[place:])
            assert CANARY not in "".join(traceback.format_exception(error)) + repr(error) + error.hint
            told.add(error.message)
    assert len(told) == 3


# -- there and back --------------------------------------------------------------------------------------------------

INSTANTS = st.integers(1_000 * int(NOW), 1_000 * int(NOW + FARTHEST_S)).map(lambda ms: ms / 1000)
OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(at=INSTANTS)
def test_what_iso_writes_is_read_as_the_same_moment(at: float) -> None:
    assert parse_moment(iso(at), now=NOW) == at


@given(at=INSTANTS, offset=OFFSETS, between=st.sampled_from("Tt "))
def test_a_moment_written_at_any_offset_is_read_as_the_same(at: float, offset: timezone, between: str) -> None:
    text = datetime.fromtimestamp(at, offset).isoformat(between, timespec="milliseconds")
    assert parse_moment(text, now=NOW) == at


@given(at=INSTANTS, zone=st.sampled_from(ZONES), form=st.sampled_from(["[{}]", "[!{}]", " {}"]))
@settings(max_examples=150)
def test_a_moment_written_in_any_zone_with_its_offset_is_read_as_the_same(at: float, zone: str, form: str) -> None:
    local = datetime.fromtimestamp(at, zoneinfo.ZoneInfo(zone))
    assert parse_moment(local.isoformat(timespec="milliseconds") + form.format(zone), now=NOW) == at


@given(at=INSTANTS, zone=st.sampled_from(ZONES), wrong=OFFSETS)
def test_an_offset_other_than_the_zones_is_always_refused(at: float, zone: str, wrong: timezone) -> None:
    local = datetime.fromtimestamp(at, zoneinfo.ZoneInfo(zone)).replace(microsecond=0)
    assume(local.replace(fold=0).utcoffset() == local.replace(fold=1).utcoffset() != wrong.utcoffset(None))
    refusal(f"{local.replace(tzinfo=wrong).isoformat()}[{zone}]")


# -- how a moment is told --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "zone", "told"),
    [
        ("2026-11-21T08:00:00Z", "Europe/Berlin", "Sat 21 Nov 2026, 09:00 Europe/Berlin (08:00 UTC)"),
        ("2026-11-21T08:00:00Z", None, "Sat 21 Nov 2026, 08:00 UTC"),
        ("2026-11-21T08:00:00Z", "UTC", "Sat 21 Nov 2026, 08:00 UTC"),
        ("2026-11-21T08:00:05Z", None, "Sat 21 Nov 2026, 08:00:05 UTC"),
        ("2026-11-21T08:00:05Z", "Asia/Kathmandu", "Sat 21 Nov 2026, 13:45:05 Asia/Kathmandu (08:00:05 UTC)"),
        ("2026-11-21T08:00:00.999Z", None, "Sat 21 Nov 2026, 08:00 UTC"),
        (
            "2026-12-31T23:30:00Z",
            "Europe/Berlin",
            "Fri 1 Jan 2027, 00:30 Europe/Berlin (Thu 31 Dec 2026, 23:30 UTC)",
        ),
        ("2026-10-25T00:30:00Z", "Europe/Berlin", "Sun 25 Oct 2026, 02:30 Europe/Berlin (00:30 UTC)"),
        ("2026-10-25T01:30:00Z", "Europe/Berlin", "Sun 25 Oct 2026, 02:30 Europe/Berlin (01:30 UTC)"),
    ],
)
def test_a_moment_is_told_with_its_place_and_in_utc(at: str, zone: str | None, told: str) -> None:
    assert tell_moment(unix(at), zone) == told


def test_every_weekday_and_month_is_told_by_its_english_name() -> None:
    days = [unix(f"2026-{month:02}-{month:02}T12:00:00Z") for month in range(1, 13)]
    months = [tell_moment(at).split()[2] for at in days]
    assert months == ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    week = [tell_moment(unix("2026-11-23T12:00:00Z") + day * 86_400)[:3] for day in range(7)]
    assert week == ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]


@pytest.mark.parametrize("zone", ["../x", "EST", "Factory", "", "Europe/Atlantis", "\ud800", CANARY])
def test_a_moment_is_not_told_in_a_zone_that_is_not_one(zone: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        tell_moment(NOW, zone)
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (NOW, "2026-11-20T08:00:00Z"),
        (NOW + 0.25, "2026-11-20T08:00:00.250Z"),
        (NOW + 0.0004, "2026-11-20T08:00:00Z"),
        (NOW + 0.0006, "2026-11-20T08:00:00.001Z"),
        (0, "1970-01-01T00:00:00Z"),
    ],
)
def test_iso_shows_milliseconds_only_where_there_are_some(at: float, text: str) -> None:
    assert iso(at) == text
