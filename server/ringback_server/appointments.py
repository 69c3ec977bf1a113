"""Appointments from a file: CSV with columns, or an iCalendar file. What cannot be read is told with its place.

A broken row stands in the way of no other. Nothing that a file says is repeated in an error.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from ringback.errors import ConfigurationError, InvalidRequest, RingbackError
from ringback.model.moment import read_moment
from ringback.reminders import Appointment

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

LARGEST_FILE: Final = 32 * 1024 * 1024
"""Bytes."""
_OWN: Final = frozenset({"phone", "start", "zone", "uid"})
_NAMED: Final = re.compile(r"\[!?([^\]]+)\]$| ([A-Za-z][^ ]*)$")
_SEPARATORS: Final = str.maketrans("", "", "-.() ")


@dataclass(frozen=True, slots=True)
class Unread:
    """A row or an event that cannot be read."""

    where: str
    error: RingbackError
    uid: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Read:
    """What a file holds."""

    appointments: list[Appointment] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    absent: set[str] = field(default_factory=set)
    """Ids of events that are in the file and have no occurrence in the time that was asked about."""


def read(path: Path, *, now: datetime, until: datetime) -> Read:
    """The appointments of a file; of series those that begin between `now` and `until`.

    Raises:
        InvalidRequest: the file cannot be read, or is of neither form.
        ConfigurationError: it is a calendar, and the package for these is not installed.
    """
    try:
        with path.open("rb") as stream:
            content = stream.read(LARGEST_FILE + 1)
    except OSError as error:
        raise InvalidRequest(f"The file cannot be read: {error.strerror}.", hint="Check its name.") from None
    if len(content) > LARGEST_FILE:
        raise InvalidRequest("The file has more than 32 MiB.", hint="Give a part of it.")
    if content.lstrip(b"\xef\xbb\xbf\r\n ")[:15].upper() == b"BEGIN:VCALENDAR":
        return _calendar(content, now, until)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidRequest("The file is no UTF-8 text.", hint="Save it as UTF-8.") from None
    return _table(text)


def _table(text: str) -> Read:
    rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        columns = [name.strip() for name in rows.fieldnames or ()]
    except csv.Error:
        columns = []
    if not {"phone", "start"} <= set(columns) or len(set(columns)) != len(columns):
        raise InvalidRequest(
            "The first line names no columns phone and start, or one of them twice.",
            hint="Name the columns: phone, start, zone and uid where there are, and the template's variables.",
        )
    rows.fieldnames = columns
    found = Read()
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return found
        except csv.Error:
            found.unread.append(Unread(f"line {rows.line_num}", InvalidRequest("The line is no CSV.", hint="Mend it.")))
            continue
        where = f"line {rows.line_num}"
        try:
            found.appointments.append(_row(where, row))
        except RingbackError as error:
            found.unread.append(Unread(where, error, _text(row.get("uid")) or None))


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _row(where: str, row: dict[str, Any]) -> Appointment:
    if None in row or None in row.values():
        raise InvalidRequest("The line has more or fewer cells than there are columns.", hint="Mend the line.")
    cells = {name: _text(value) for name, value in row.items()}
    start, zone = cells["start"], cells.get("zone", "")
    at = read_moment(f"{start}[{zone}]" if zone else start)
    uid = cells.get("uid") or f"{cells['phone']} {start}"
    variables = {name: value for name, value in cells.items() if name not in _OWN and value}
    return Appointment(where, uid, _local(at, start, zone), cells["phone"], variables)


def _local(at: float, start: str, zone: str) -> datetime:
    """The moment with the zone, or at least the offset, that the row gives."""
    from zoneinfo import ZoneInfo

    moment = datetime.fromtimestamp(at, UTC)
    named = _NAMED.search(start)
    name = zone or (named[1] or named[2] if named else "")
    if name:
        return moment.astimezone(UTC if name.upper() in {"UTC", "Z"} else ZoneInfo(name))
    try:
        return moment.astimezone(datetime.fromisoformat(start.upper()).tzinfo)
    except ValueError:
        return moment


def _calendar(content: bytes, now: datetime, until: datetime) -> Read:
    try:
        import icalendar
        import recurring_ical_events  # type: ignore[import-untyped]
    except ImportError:
        raise ConfigurationError(
            "Calendars need the package for them.", hint="Install it: pip install 'ringback[calendar]'"
        ) from None
    try:
        calendar = icalendar.Calendar.from_ical(content)
        query = recurring_ical_events.of(calendar, skip_bad_series=True)
        events = query.between(now, until)
    except Exception:  # noqa: BLE001 - a parser of foreign text raises what it likes; its words may quote the text
        raise InvalidRequest("The file is no calendar that can be read.", hint="Export it again.") from None
    found = Read()
    _tell_broken(calendar, found)
    for number, event in enumerate(events, 1):
        uid = str(event.get("UID", "")) or f"event {number}"
        where = _where(event, number)
        try:
            found.appointments.extend(_event(where, uid, event))
        except RingbackError as error:
            found.unread.append(Unread(where, error, uid))
        except Exception:  # noqa: BLE001 - as above: one event's broken property stands in the way of no other
            broken = InvalidRequest("The event has a property that cannot be read.", hint="Mend it.")
            found.unread.append(Unread(where, broken, uid))
    seen = {one.uid for one in found.appointments} | {one.uid for one in found.unread}
    found.absent.update(uid for event in calendar.walk("VEVENT") if (uid := str(event.get("UID", ""))) not in seen)
    return found


def _where(event: Any, number: int) -> str:
    start = getattr(event.get("DTSTART"), "dt", None)
    return f"event {number}" if start is None else f"event {number}, {start:%Y-%m-%d}"


def _tell_broken(calendar: Any, found: Read) -> None:
    """Events without a start, or whose properties cannot be read: no query gives them."""
    for number, event in enumerate(calendar.walk("VEVENT"), 1):
        broken = {name for name, _ in getattr(event, "errors", ())}
        if "DTSTART" in broken or "DTSTART" not in event:
            uid = str(event.get("UID", "")) or None
            error = InvalidRequest("The event has no start, or one that cannot be read.", hint="Mend it.")
            found.unread.append(Unread(f"event {number} of the file", error, uid))


def _event(where: str, uid: str, event: Any) -> Iterable[Appointment]:
    start = event.start
    if not isinstance(start, datetime):
        raise InvalidRequest("The event has no time of day.", hint="Give it one.")
    if start.tzinfo is None:
        raise InvalidRequest("The event's start has no time zone.", hint="Give it one.")
    phones = _phones(event)
    if not phones:
        raise InvalidRequest(
            "The event has no telephone number.", hint="Give one in X-PHONE, as ATTENDEE:tel:, or in CONTACT."
        )
    words = {"summary": event.get("SUMMARY"), "location": event.get("LOCATION")}
    variables = {name: " ".join(str(value).split()) for name, value in words.items() if value}
    cancelled = str(event.get("STATUS", "")).upper() == "CANCELLED"
    for phone in phones:
        yield Appointment(where, uid, start, phone, variables, cancelled=cancelled)


def _phones(event: Any) -> list[str]:
    """The numbers of an event: of the first of the properties that has one."""
    for name in ("X-PHONE", "ATTENDEE", "CONTACT"):
        values = event.get(name, [])
        texts = [str(value).strip() for value in (values if isinstance(values, list) else [values])]
        if name == "ATTENDEE":
            texts = [text for text in texts if text.lower().startswith("tel:")]
        numbers = [_bare(text) if text.lower().startswith("tel:") else text for text in texts if text]
        if numbers:
            return list(dict.fromkeys(numbers))
    return []


def _bare(link: str) -> str:
    """A tel: link's number without the separators that RFC 3966 lets stand in it."""
    return link[4:].translate(_SEPARATORS)


def horizon(now: datetime, before: timedelta, farthest_s: float) -> datetime:
    """Until when appointments are of interest: no reminder can be scheduled for later ones."""
    return now + timedelta(seconds=farthest_s) + before
