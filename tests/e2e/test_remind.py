"""`ringback remind` on files: what is read, what is told; and five hundred reminders across a change of the clocks."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from ringback.clock import SystemClock
from ringback.ledger.records import Level
from ringback.model.outbound import Channel
from ringback.model.trigger import Definition
from ringback.opening import open_ringback
from ringback.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Sandbox
    from tests.e2e.conftest import Done, Installation, Terminal

    OpenTerminal = Callable[..., Terminal]

TO = "+12025550123"
HERE = ZoneInfo("America/New_York")
DAY = timedelta(days=1)
EVENTS = 500
TICK_S = 1.0
LATE_S = 60.0


async def stand(opened: Any, **changes: Any) -> None:
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
    await opened.person.triggers.apply(definition, level=Level.A2, via="terminal")


def remind(ringback: Installation, file: Path, *more: str) -> Done:
    return ringback("remind", "--from", str(file), "--before", "24h", "--trigger", "reminder", *more)


def soon(days: int = 10) -> datetime:
    return (datetime.now(HERE) + days * DAY).replace(hour=9, minute=30, second=0, microsecond=0)


def states(done: Done) -> list[str]:
    return [item["state"] for item in done.json["items"]]


@pytest.fixture
def table(ringback: Installation, handset: Sandbox, tmp_path: Path) -> Callable[..., Path]:
    ringback.ask(stand)

    def write(*lines: str, head: str = "uid,phone,start,zone") -> Path:
        file = tmp_path / "appointments.csv"
        file.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
        return file

    return write


def test_without_a_terminal_it_tells_what_it_would_do_and_does_it_with_yes_alone(
    ringback: Installation, table: Callable[..., Path]
) -> None:
    file = table(f"a,{TO},{soon():%Y-%m-%dT%H:%M},America/New_York")
    done = remind(ringback, file)
    assert (done.code, done.json["done"], states(done)) == (0, False, ["new"])
    (item,) = done.json["items"]
    assert item["to"].endswith("0123")
    assert TO not in done.out + done.err
    assert item["at"] == f"{soon(9):%a %Y-%m-%d} 09:30 America/New_York"
    assert ringback("history").json["items"] == []
    assert remind(ringback, file, "--yes").json["done"] is True
    again = remind(ringback, file, "--yes")
    assert (again.json["done"], states(again)) == (False, ["scheduled"])
    (stored,) = ringback("history").json["items"]
    assert (stored["status"], stored["approval"]) == ("scheduled", "A0")


def test_a_person_in_a_terminal_sees_it_first_and_is_asked(
    ringback: Installation, table: Callable[..., Path], terminal: OpenTerminal
) -> None:
    file = table(f"a,{TO},{soon():%Y-%m-%dT%H:%M},America/New_York", "b,911,2030-01-01T09:00Z,")
    for typed, stored in (("no\n", 0), ("yes\n", 1)):
        person = terminal("remind", "--from", str(file), "--before", "24h", "--trigger", "reminder", columns=200)
        shown = person.until("Type yes")
        assert "09:30 America/New_York  new" in shown
        assert "1 new, 1 refused" in shown
        assert TO not in shown
        person.type(typed)
        person.finish()
        assert len(ringback("history").json["items"]) == stored


def test_broken_lines_are_told_with_their_place_and_stop_no_other(
    ringback: Installation, table: Callable[..., Path]
) -> None:
    good = f"{soon():%Y-%m-%dT%H:%M}"
    file = table(
        f"a,202-555-0123,{good},America/New_York",
        f"b,{TO},someday,America/New_York",
        f"c,{TO},{good},",
        f"d,{TO},{good},Mars/Olympus",
        f"e,{TO},{good}",
        "f,,,",
        f"g,{TO},{good},America/New_York",
        f"h,{TO},2020-01-01T09:00,America/New_York",
    )
    done = remind(ringback, file, "--yes")
    assert done.code == 3
    told = {item["where"]: item["state"] for item in done.json["items"]}
    assert told == {
        "line 2": "refused",
        "line 3": "unread",
        "line 4": "unread",
        "line 5": "unread",
        "line 6": "unread",
        "line 7": "unread",
        "line 8": "new",
        "line 9": "past",
    }
    assert "202-555" not in done.out
    assert len(ringback("history").json["items"]) == 1


@pytest.mark.parametrize(
    ("head", "told"),
    [("number,start", "columns phone and start"), ("phone,start,phone", "one of them twice"), ('"phone', "first line")],
)
def test_a_table_without_its_columns_is_refused(
    ringback: Installation, table: Callable[..., Path], head: str, told: str
) -> None:
    done = remind(ringback, table(head=head))
    assert (done.code, done.json["error"]["code"]) == (2, "invalid_request")
    assert told in done.json["error"]["message"]


@pytest.mark.parametrize("span", ["24", "0h", "-1h", "1w", "61d", "1.5h"])
def test_a_span_that_cannot_be_read_is_refused(ringback: Installation, table: Callable[..., Path], span: str) -> None:
    done = ringback("remind", "--from", str(table()), "--before", span, "--trigger", "reminder")
    assert done.code == 2


def test_a_moved_appointment_cancels_its_earlier_reminder(ringback: Installation, table: Callable[..., Path]) -> None:
    remind(ringback, table(f"a,{TO},{soon(10):%Y-%m-%dT%H:%M},America/New_York"), "--yes")
    file = table(f"a,{TO},{soon(12):%Y-%m-%dT%H:%M},America/New_York")
    assert remind(ringback, file).json["items"][0]["cancels"] == 1
    remind(ringback, file, "--yes")
    found = [(item["status"], item.get("reason")) for item in ringback("history").json["items"]]
    assert found == [("scheduled", None), ("cancelled", "appointment_moved")]


def event(uid: str, start: str, *more: str) -> str:
    return "\r\n".join(["BEGIN:VEVENT", f"UID:{uid}", start, *more, "END:VEVENT"])


def calendar(file: Path, *events: str) -> Path:
    file.write_text("\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//", *events, "END:VCALENDAR", ""]))
    return file


def at(moment: datetime) -> str:
    return f"DTSTART;TZID=America/New_York:{moment:%Y%m%dT%H%M%S}"


def test_a_calendar_gives_its_numbers_in_three_ways_its_series_and_its_exceptions(
    ringback: Installation, handset: Sandbox, tmp_path: Path
) -> None:
    ringback.ask(stand)
    start = soon()
    file = calendar(
        tmp_path / "a.ics",
        event("x", at(start), f"X-PHONE:{TO}"),
        event("attendee", at(start), "ATTENDEE:mailto:a@example.com", "ATTENDEE;CN=Jo:tel:+1-202-555-0124"),
        event("contact", at(start), "CONTACT:+12025550125"),
        event("series", at(start), f"X-PHONE:{TO}", "RRULE:FREQ=WEEKLY;COUNT=4",
              f"EXDATE;TZID=America/New_York:{start + 7 * DAY:%Y%m%dT%H%M%S}"),
        event("series", at(start + 15 * DAY), f"X-PHONE:{TO}",
              f"RECURRENCE-ID;TZID=America/New_York:{start + 14 * DAY:%Y%m%dT%H%M%S}"),
        event("off", at(start), f"X-PHONE:{TO}", "STATUS:CANCELLED"),
        event("day", f"DTSTART;VALUE=DATE:{start:%Y%m%d}", f"X-PHONE:{TO}"),
        event("floating", f"DTSTART:{start:%Y%m%dT%H%M%S}", f"X-PHONE:{TO}"),
        event("nobody", at(start)),
        event("broken", "DTSTART:someday", f"X-PHONE:{TO}"),
    )  # fmt: skip
    done = remind(ringback, file, "--yes")
    counts = done.json["counts"]
    assert counts == {"new": 6, "cancelled": 1, "unread": 4}
    days = Counter(item["at"] for item in done.json["items"] if item["state"] == "new")
    expected = [start, start, start, start, start + 15 * DAY, start + 21 * DAY]
    assert days == Counter(f"{one - DAY:%a %Y-%m-%d %H:%M} America/New_York" for one in expected)
    # One date of the series is dropped, and an event goes beyond what can be scheduled: both end what was stored.
    calendar(
        file,
        event("series", at(start), f"X-PHONE:{TO}", "RRULE:FREQ=WEEKLY;COUNT=1"),
        event("x", at(start + 200 * DAY), f"X-PHONE:{TO}"),
    )
    again = remind(ringback, file, "--yes")
    assert sum(item.get("cancels", 0) for item in again.json["items"]) == 3
    assert again.json["counts"]["scheduled"] == 1


@pytest.mark.parametrize("content", [b"BEGIN:VCALENDAR\r\n", b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nEND:VCALENDAR\r\n"])
def test_a_calendar_that_is_cut_off_is_refused(
    ringback: Installation, handset: Sandbox, tmp_path: Path, content: bytes
) -> None:
    ringback.ask(stand)
    (tmp_path / "a.ics").write_bytes(content)
    assert remind(ringback, tmp_path / "a.ics", "--yes").code == 2


# -- five hundred, across a change of the clocks ---------------------------------------------------------------------


class Shifted(SystemClock):
    """A clock that is ahead of the machine's."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


AHEAD = """
import os, signal, sys
from datetime import UTC, datetime, timedelta
from ringback import clock, steps
ahead, die_at = timedelta(seconds=float(os.environ["AHEAD_S"])), int(os.environ["DIE_AT"])
clock.SystemClock.now = lambda self: datetime.now(UTC) + ahead
stored = 0
def listen(step):
    global stored
    stored += step == "store.committed"
    if stored == die_at:
        os.kill(os.getpid(), signal.SIGKILL)
steps.listener = listen
from ringback_server.cli import main
sys.argv = ["ringback", *sys.argv[1:]]
main()
"""


def spring_forward() -> datetime:
    """Midnight of the next day on which the clocks of New York are put forward."""
    day = datetime.now(HERE).replace(hour=0, minute=0, second=0, microsecond=0) + 5 * DAY
    while (day + DAY).utcoffset() <= day.utcoffset():
        day += DAY
    return day


def remind_ahead(ringback: Installation, file: Path, ahead_s: float, die_at: int = -1) -> int:
    command = [sys.executable, "-c", AHEAD, "remind", "--from", str(file), "--before", "24h", "--trigger", "reminder"]
    environment = {**ringback.environment, "AHEAD_S": str(ahead_s), "DIE_AT": str(die_at)}
    done = subprocess.run([*command, "--yes"], env=environment, capture_output=True, timeout=120, check=False)
    return done.returncode


def test_five_hundred_reminders_across_a_change_of_the_clocks_go_out_at_the_right_local_time_once(
    ringback: Installation, handset: Sandbox, tmp_path: Path
) -> None:
    """The command is killed in between, run again, and run twice more; the sandbox's own record is judged."""
    change = spring_forward()
    first = change - DAY
    starts = {f"visit-{n}": first + n % 5 * DAY + timedelta(hours=9 + n // 5 % 10) for n in range(EVENTS)}
    phones = {uid: f"+1202556{1000 + number}" for number, uid in enumerate(starts)}
    events = [event(uid, at(start), f"X-PHONE:{phones[uid]}", f"SUMMARY:{uid}") for uid, start in starts.items()]
    file = calendar(tmp_path / "visits.ics", *events)
    clock = Shifted()
    clock.ahead = first - 2 * DAY - datetime.now(UTC)
    handset.advance(clock.ahead.total_seconds())
    ahead_s = clock.ahead.total_seconds()
    ringback.ask(lambda opened: stand(opened, template="{summary}: {date} at {time}", hours="08:00-20:00"))
    assert remind_ahead(ringback, file, ahead_s, die_at=170) < 0
    assert [remind_ahead(ringback, file, ahead_s) for _ in range(3)] == [0, 0, 0]
    due = sorted({start.replace(tzinfo=None) - DAY for start in starts.values()})

    async def live() -> None:
        settings = Settings(home=ringback.home, sandbox_port=0)
        async with open_ringback(settings, clock=clock) as opened:
            for local in due:
                for moment in (local.replace(tzinfo=HERE) - timedelta(minutes=5), local.replace(tzinfo=HERE)):
                    step = max((moment - clock.now()).total_seconds() + TICK_S, 0.0)
                    clock.ahead += timedelta(seconds=step)
                    handset.advance(step)
                    while await opened.telephone.tend():
                        pass

    asyncio.run(live())
    arrived = handset.messages()
    assert len(arrived) == EVENTS
    assert {message["body"].partition(":")[0] for message in arrived} == set(starts)
    for message in arrived:
        uid, _, said = message["body"].partition(": ")
        start = starts[uid]
        wanted = (start.replace(tzinfo=None) - DAY).replace(tzinfo=HERE)
        late = (datetime.fromisoformat(message["created_at"]) - wanted).total_seconds()
        assert 0 <= late < LATE_S, (uid, late)
        assert said == f"{start:%a} {start.day} {start:%b} {start.year} at {start:%H:%M}"
        assert message["to"] == phones[uid]
