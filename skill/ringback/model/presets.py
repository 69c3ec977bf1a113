"""Calling hours by the law of the US states: which apply to an area code, and what they leave of a day.

The data are in `hours.toml` beside this file; an operator may give a file of the same form in its place.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from ringback.errors import ConfigurationError, InvalidRequest
from ringback.model.hours import read_window, tell_window

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from ringback.model.hours import Window

_ALL_DAY: Final = (0, 24 * 60)
_CLOSED: Final = (0, 0)
_SATURDAY, _SUNDAY = 5, 6
_MONDAY, _THURSDAY = 0, 3
_DAYS: Final = ("weekdays", "saturdays", "sundays")
_WORDS: Final = {"saturdays": "on Saturdays", "sundays": "on Sundays", "holidays": "on legal holidays"}


@dataclass(frozen=True, slots=True)
class Preset:
    """The hours that the law of one jurisdiction allows by kind of day, in minutes of the day, and how to say so."""

    weekdays: tuple[Window, str]
    saturdays: tuple[Window, str]
    sundays: tuple[Window, str]
    holidays: tuple[Window, str]

    def on(self, day: date) -> tuple[tuple[Window, str], ...]:
        """The hours that hold on a day, each with its words: on a Sunday that is a legal holiday there are two."""
        kind = {_SATURDAY: self.saturdays, _SUNDAY: self.sundays}.get(day.weekday(), self.weekdays)
        return (kind, self.holidays) if is_legal_holiday(day) else (kind,)


@lru_cache(maxsize=8)
def presets_by_area_code(path: Path | None = None) -> Mapping[str, tuple[Preset, ...]]:
    """The presets of every area code that has one, from the shipped file or from `path`; read once for a process.

    Raises:
        ConfigurationError: the file cannot be read, or something in it is not of the form.
    """
    found: dict[str, tuple[Preset, ...]] = {}
    for entry in _entries(path):
        area_codes, preset = _read(entry)
        if preset is not None:
            found.update({area_code: (*found.get(area_code, ()), preset) for area_code in area_codes})
    return found


def _entries(path: Path | None) -> list[Any]:
    import tomllib
    from importlib.resources import files

    try:
        source = files("ringback.model").joinpath("hours.toml") if path is None else path
        document = tomllib.loads(source.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            "The presets of the quiet hours cannot be read.",
            hint="Give a TOML file of the form of Ringback's own hours.toml.",
        ) from error
    entries = document.get("jurisdiction")
    if not isinstance(entries, list):
        raise _not_of_the_form("The file has no [[jurisdiction]].")
    return entries


def _read(entry: Any) -> tuple[tuple[str, ...], Preset | None]:
    """The area codes of a jurisdiction, and its preset; `None` where it has no hours of its own."""
    name = entry.get("name") if isinstance(entry, dict) else None
    if not isinstance(name, str) or not name:
        raise _not_of_the_form("A [[jurisdiction]] has no name.")
    codes = entry.get("area_codes")
    if not isinstance(codes, list) or not all(type(code) is int and 200 <= code <= 999 for code in codes):  # noqa: PLR2004 - the range of area codes
        raise _not_of_the_form(f"The area_codes of {name} are not a list of three-digit numbers.")
    area_codes = tuple(str(code) for code in codes)
    if not any(kind in entry for kind in (*_DAYS, "holidays")):
        return area_codes, None
    hours = {kind: _hours(entry, name, kind) for kind in _DAYS}
    hours["holidays"] = _hours(entry, name, "holidays") if "holidays" in entry else _ALL_DAY
    words = {kind: _words(name, kind, hours) for kind in hours}
    return area_codes, Preset(**{kind: (hours[kind], words[kind]) for kind in hours})


def _hours(entry: Mapping[str, Any], name: str, kind: str) -> Window:
    text = entry.get(kind)
    if text == "none":
        return _CLOSED
    try:
        window = read_window(text) if isinstance(text, str) else None
    except InvalidRequest:
        window = None
    if window is None:
        raise _not_of_the_form(f'The {kind} of {name} are neither hours, such as 08:00-20:00, nor "none".')
    return window


def _words(name: str, kind: str, hours: Mapping[str, Window]) -> str:
    if hours[kind] == _CLOSED:
        return f"{name}: not {_WORDS.get(kind, 'on weekdays')}"
    same = kind == "weekdays" or hours[kind] == hours["weekdays"]
    return f"{name}: {tell_window(hours[kind])}" + ("" if same else f" {_WORDS[kind]}")


def _not_of_the_form(message: str) -> ConfigurationError:
    return ConfigurationError(
        f"The presets of the quiet hours are not of the form: {message}",
        hint="Compare the file with Ringback's own hours.toml.",
    )


# -- the federal legal holidays, 5 U.S.C. § 6103 -----------------------------------------------------------------------


def is_legal_holiday(day: date) -> bool:
    """Whether a day is a federal holiday of the United States, or the day off for one that falls on a weekend."""
    return day in _holidays(day.year)


@lru_cache(maxsize=64)
def _holidays(year: int) -> frozenset[date]:
    dates = [*_dated(year), *_counted(year), date(year + 1, 1, 1)]
    shifts = {_SATURDAY: -1, _SUNDAY: 1}
    observed = [day + timedelta(days=shifts.get(day.weekday(), 0)) for day in dates]
    return frozenset(day for day in (*dates, *observed) if day.year == year)


def _dated(year: int) -> Iterator[date]:
    for month, day in ((1, 1), (6, 19), (7, 4), (11, 11), (12, 25)):
        yield date(year, month, day)


def _counted(year: int) -> Iterator[date]:
    for month, weekday, which in ((1, _MONDAY, 3), (2, _MONDAY, 3), (9, _MONDAY, 1), (10, _MONDAY, 2)):
        yield _nth(year, month, weekday, which)
    yield _nth(year, 6, _MONDAY, 1) - timedelta(weeks=1)  # Memorial Day: the last Monday of May
    yield _nth(year, 11, _THURSDAY, 4)


def _nth(year: int, month: int, weekday: int, which: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7, weeks=which - 1)
