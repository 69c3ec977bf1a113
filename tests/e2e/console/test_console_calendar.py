"""The calendar of what is scheduled: by day in this machine's zone, each entry with the time where the recipient is."""

from __future__ import annotations

import re
import time
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest
from starlette.exceptions import HTTPException
from tests.e2e.console.conftest import TO
from tests.e2e.console.desk import Desk, desk

from ringback_server.console.planner import find, there

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BERLIN = "+4930901820"


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """A hand that sets this machine's zone, and takes it back."""
    yield monkeypatch
    monkeypatch.undo()
    time.tzset()


def be_in(hand: pytest.MonkeyPatch, name: str) -> None:
    hand.setenv("TZ", name)
    time.tzset()


async def due(at: Desk, when: datetime, to: str = TO, body: str = "Later.") -> str:
    return await at.agreed(body, to, after_s=(when - at.clock.now()).total_seconds())


def days(page: str) -> dict[str, str]:
    """Each day of a page, by its date."""
    return {part[:10]: part.partition("</ol>")[0] for part in page.split('<h3><time datetime="')[1:]}


@pytest.mark.parametrize(
    ("when", "first", "last", "previous", "following"),
    [
        ("2026-11", date(2026, 10, 26), date(2026, 12, 6), "2026-10", "2026-12"),
        ("2026-12", date(2026, 11, 30), date(2027, 1, 3), "2026-11", "2027-01"),
        ("2027-02", date(2027, 2, 1), date(2027, 2, 28), "2027-01", "2027-03"),
        ("2028-02", date(2028, 1, 31), date(2028, 3, 5), "2028-01", "2028-03"),
        ("2026-W53", date(2026, 12, 28), date(2027, 1, 3), "2026-W52", "2027-W01"),
        ("2027-W01", date(2027, 1, 4), date(2027, 1, 10), "2026-W53", "2027-W02"),
    ],
)
def test_a_month_has_whole_weeks_and_leads_on(
    when: str, first: date, last: date, previous: str, following: str
) -> None:
    found = find(when)
    assert (found.first, found.last, found.previous, found.following) == (first, last, previous, following)


@pytest.mark.parametrize(
    "when",
    [
        *("", "2026", "2026-00", "2026-13", "2026-1", "2026-W00", "2026-W54", "2027-W53", "2026-11-22", "1969-12"),
        *("9999-12", "٢٠٢٦-11", "2026-11\n", "-2026-11", "../rules", "0000-01", "9990-W01"),
    ],
)
def test_what_is_no_month_and_no_week_is_not_found(when: str) -> None:
    with pytest.raises(HTTPException) as caught:
        find(when)
    assert caught.value.status_code == 404


@pytest.mark.parametrize(
    ("zones", "words"),
    [
        ((), "time there not known"),
        (("America/New_York",), "04:30 there"),
        (("Asia/Tokyo",), "18:30 there"),
        (("Pacific/Auckland",), "22:30 there"),
        (("America/Los_Angeles", "America/New_York"), "01:30 to 04:30 there"),
        (("Pacific/Honolulu",), "Sun 23:30 there"),
        (("Pacific/Honolulu", "America/New_York"), "Sun 23:30 to 04:30 there"),
        (("America/New_York", "America/Toronto"), "04:30 there"),
    ],
)
def test_the_time_there_is_by_every_zone_that_the_number_can_be_in(zones: tuple[str, ...], words: str) -> None:
    assert there(datetime(2026, 11, 23, 9, 30, tzinfo=UTC), zones) == words


async def test_an_entry_stands_on_its_day_by_this_machines_clock(tmp_path: Path, zone: pytest.MonkeyPatch) -> None:
    be_in(zone, "Asia/Tokyo")
    async with desk(tmp_path, signed=False) as at:
        receipt = await due(at, datetime(2026, 6, 10, 15, 30, tzinfo=UTC), BERLIN)
        found = days((await at.get("/scheduled/calendar")).text)
        (entry,) = [day for day in found.values() if receipt in day]
        assert entry is found["2026-06-11"]
        assert f'href="/outbounds/{receipt}"' in entry
        assert ">00:30</time>" in entry
        assert "Wed 17:30 there" in entry
        assert "+49 30 901820" in entry


async def test_a_zone_that_a_person_named_tells_the_time_there(tmp_path: Path) -> None:
    async with desk(tmp_path, signed=False) as at:
        await at.opened.person.overview.name_zone(TO, "Asia/Tokyo")
        await due(at, datetime(2026, 6, 10, 6, tzinfo=UTC))
        assert "15:00 there" in (await at.get("/scheduled/calendar/2026-06")).text


async def test_a_month_shows_three_of_a_day_and_the_week_shows_all(tmp_path: Path) -> None:
    async with desk(tmp_path, signed=False) as at:
        ids = [await due(at, datetime(2026, 6, 10, hour, tzinfo=UTC), body=f"At {hour}") for hour in range(6, 14)]
        month, week = [(await at.get(f"/scheduled/calendar/{when}")).text for when in ("2026-06", "2026-W24")]
        assert [one for one in ids if one in month] == ids[:3]
        assert "and 5 more" in month
        assert 'href="/scheduled/calendar/2026-W24">and 5 more' in month
        assert re.findall(r"/outbounds/(ob_[a-z2-7]{24})", week) == ids
        assert "8 are scheduled in this month." in month
        assert "8 are scheduled in this week." in week


async def test_an_empty_month_leads_to_the_next_entry(tmp_path: Path) -> None:
    async with desk(tmp_path, signed=False) as at:
        assert "Nothing is scheduled in this month. Times" in (await at.get("/scheduled/calendar")).text
        await due(at, datetime(2026, 8, 3, 9, tzinfo=UTC))
        page = (await at.get("/scheduled/calendar")).text
        assert 'The next one is on <a href="/scheduled/calendar/2026-08">3 August 2026</a>.' in page
        assert page.count("quiet-day") == len(days(page)) == 35


async def test_what_fills_the_weeks_of_a_month_is_not_counted_in_it(tmp_path: Path) -> None:
    async with desk(tmp_path, signed=False) as at:
        await due(at, datetime(2026, 7, 2, 9, tzinfo=UTC))
        page = (await at.get("/scheduled/calendar/2026-06")).text
        assert "Nothing is scheduled in this month. The next one is on" in page
        assert 'href="/scheduled/calendar/2026-07">2 July 2026</a>' in page


async def test_the_hour_that_comes_twice_keeps_its_day(tmp_path: Path, zone: pytest.MonkeyPatch) -> None:
    be_in(zone, "America/New_York")
    async with desk(tmp_path, signed=False) as at:
        at.clock.advance(130 * 86_400)
        for hour in (5, 6):  # 01:30 by both offsets
            await due(at, datetime(2026, 11, 1, hour, 30, tzinfo=UTC), body=f"{hour}")
        found = days((await at.get("/scheduled/calendar/2026-11")).text)
        assert found["2026-11-01"].count(">01:30</time>") == 2


async def test_erased_and_cancelled_ones_are_not_in_it(tmp_path: Path) -> None:
    async with desk(tmp_path, signed=False) as at:
        receipt = await due(at, datetime(2026, 6, 10, 6, tzinfo=UTC))
        await at.opened.person.forget(TO)
        page = (await at.get("/scheduled/calendar")).text
        assert receipt not in page
        assert "0123" not in page
