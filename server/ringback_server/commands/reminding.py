"""`remind`: one reminder for each appointment of a file, shown first, scheduled once."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from ringback.errors import InvalidRequest
from ringback_server.commands.exits import Exit
from ringback_server.commands.root import json_option

if TYPE_CHECKING:
    from ringback.errors import RingbackError
    from ringback.reminders import Planned, Reminders
    from ringback_server.appointments import Read
    from ringback_server.commands.installation import Installation
    from ringback_server.commands.output import Output

_BEFORE: Final = re.compile(r"([0-9]{1,4})(m|h|d)")
_UNITS: Final = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_LONGEST: Final = timedelta(days=60)
_SHOWN: Final = 40
_WORDS: Final = {
    "new": "new",
    "scheduled": "already scheduled",
    "done": "already sent or ended",
    "past": "too late for a reminder",
    "later": "too far ahead",
    "cancelled": "called off",
    "refused": "refused",
}


@click.command()
@click.option(
    "--from", "file", required=True, metavar="FILE", type=click.Path(path_type=Path), help="CSV or iCalendar."
)
@click.option("--before", required=True, metavar="SPAN", help="How long before the start: 24h, 90m, 2d.")
@click.option("--trigger", "name", required=True, metavar="NAME", help="The trigger whose template is sent.")
@click.option("--yes", is_flag=True, help="Do it without asking.")
@json_option
@click.pass_obj
def remind(output: Output, /, file: Path, before: str, name: str, *, yes: bool) -> int:
    """Schedule a reminder for each appointment in FILE, once, however often this runs.

    It shows what it would do, and asks; where no terminal is, it does nothing without --yes. A CSV file has the columns
    phone and start, zone and uid where there are, and the template's variables. An event of a calendar has its number
    in X-PHONE, as ATTENDEE:tel:, or in CONTACT. A moved appointment's earlier reminder is cancelled. The trigger's
    callers must name remind. ringback serve, or another server of Ringback, sends them when they are due.
    """
    from ringback.reminders import Reminders
    from ringback_server.commands.installation import installation

    span = _span(before)
    with installation() as here:
        caller = here.run(here.opened.triggers.reminding(name))
        reminders = Reminders(here.opened.triggers, here.opened.ledger, here.opened.clock, caller, span)
        read = _read(here, file, span)
        plan = _run(here, reminders, read, act=False)
        changes = sum(one.state == "new" or one.moved > 0 for one in plan)
        if not output.json:
            output.tell("\n".join(_lines(plan, read)))
        act = changes > 0 and (yes or _agreed(output, changes))
        if act:
            plan = _run(here, reminders, read, act=True)
    output.show(_document(plan, read, done=act), _closing(plan, changes, done=act))
    return Exit.REFUSED if any(one.state == "refused" for one in plan) or read.unread else Exit.DONE


def _span(text: str) -> timedelta:
    """Read a span.

    Raises:
        InvalidRequest: it is none, or too long.
    """
    found = _BEFORE.fullmatch(text)
    span = int(found[1]) * _UNITS[found[2]] if found else timedelta()
    if not timedelta() < span <= _LONGEST:
        raise InvalidRequest("--before is no span up to 60 days.", hint="Give one such as 24h, 90m or 2d.")
    return span


def _read(here: Installation, file: Path, span: timedelta) -> Read:
    from ringback.model.moment import FARTHEST_S
    from ringback_server.appointments import read

    now = here.opened.clock.now()
    return read(file, now=now, until=now + timedelta(seconds=FARTHEST_S) + span)


def _run(here: Installation, reminders: Reminders, read: Read, *, act: bool) -> list[Planned]:
    unread = [one.uid for one in read.unread if one.uid is not None]
    return here.run(reminders.run(read.appointments, act=act, unread=unread, absent=read.absent))


def _agreed(output: Output, changes: int) -> bool:
    import sys

    from ringback_server.commands.output import is_terminal
    from ringback_server.commands.terminal import ask, drop_typeahead

    if not (is_terminal(sys.stdin) and is_terminal(sys.stdout)):
        return False
    drop_typeahead()
    return ask(output, f"  Type yes to do this for {changes}: ") == "yes"


def _lines(plan: list[Planned], read: Read) -> list[str]:
    """What would be done, one appointment a line, and how many of each kind."""
    lines = [_line(one) for one in plan[:_SHOWN]]
    if len(plan) > _SHOWN:
        lines.append(f"  and {len(plan) - _SHOWN} more; --json tells all")
    lines += [f"  {_place(one.where)}  cannot be read: {one.error}" for one in read.unread]
    counted = _counted(plan, read)
    return [*lines, "", "  " + ", ".join(f"{count} {words}" for words, count in counted.items()), ""]


def _line(one: Planned) -> str:
    words = _WORDS[one.state]
    if one.error is not None:
        words = f"{words} ({one.error.reason}): {one.error.message}"
    if one.moved:
        words += f"; cancels {one.moved} earlier"
    return "  " + "  ".join(part for part in (_place(one.where), one.to, one.at, words) if part)


def _place(where: str) -> str:
    return f"{where:<12}"


def _counted(plan: list[Planned], read: Read) -> dict[str, int]:
    states = Counter(one.state for one in plan)
    counted = {words: states[state] for state, words in _WORDS.items() if states[state]}
    moved = sum(one.moved for one in plan)
    extra = {"earlier ones to cancel": moved, "that cannot be read": len(read.unread)}
    return {**counted, **{words: count for words, count in extra.items() if count}} or {"appointments": 0}


def _closing(plan: list[Planned], changes: int, *, done: bool) -> list[str]:
    if not changes:
        return ["Nothing to do."]
    if not done:
        return ["Nothing was scheduled or cancelled. Run it with --yes to do it without being asked."]
    new, moved = sum(one.state == "new" for one in plan), sum(one.moved for one in plan)
    refused = [replace(one, where=_place(one.where)) for one in plan if one.state == "refused"]
    lines = [f"Scheduled {new}, cancelled {moved}. ringback serve sends them when they are due."]
    return [*lines, *(f"  {one.where}  refused: {one.error}" for one in refused[:_SHOWN])]


def _document(plan: list[Planned], read: Read, *, done: bool) -> dict[str, object]:
    items: list[dict[str, object]] = []
    for one in plan:
        told: dict[str, object] = {"where": one.where, "state": one.state, "to": one.to, "at": one.at}
        if one.moved:
            told["cancels"] = one.moved
        if one.id is not None:
            told["id"] = one.id
        if one.error is not None:
            told["error"] = _error(one.error)
        items.append(told)
    unread: list[dict[str, object]] = [
        {"where": one.where, "state": "unread", "error": _error(one.error)} for one in read.unread
    ]
    counts = dict(Counter(str(item["state"]) for item in [*items, *unread]))
    return {"done": done, "counts": counts, "items": [*items, *unread]}


def _error(error: RingbackError) -> dict[str, object]:
    """An error as a script reads it, without a suggestion: that would be a whole number."""
    return {"code": error.reason, "message": error.message, "next": error.hint}
