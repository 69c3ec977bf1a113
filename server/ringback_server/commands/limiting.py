"""`limits`: the rules of the road in force, how far each limit is used, and what was spent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import click

from ringback_server.commands.exits import Exit
from ringback_server.commands.root import json_option

if TYPE_CHECKING:
    from ringback.ledger.spending import DaySpent
    from ringback.model.limits import Bulk, Limit, Usage
    from ringback.overview import Standing
    from ringback.rules import Code
    from ringback_server.commands.output import Output

_BAR: Final = 20
_NEARLY: Final = 0.8
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NOT_HERE: Final = (
    "On the sandbox nobody's phone rings: hours, countries, limits, budget and bulk do NOT count here. They do with "
    "RINGBACK_SANDBOX_RULES=true, and on a carrier that reaches real phones. Opt-outs and takeovers always count."
)


@click.command()
@click.option("--days", type=click.IntRange(1, 365), default=30, show_default=True, help="Tell what so many days cost.")
@json_option
@click.pass_obj
def limits(output: Output, /, days: int) -> int:
    """What may go out when, where to, how much and for how much money; how far that is used, and what was spent.

    It shows no number and no text. What is counted is what left in the stretch that ends now. Money is an estimate by
    the price table, not the carrier's bill.
    """
    from ringback_server.commands.installation import installation

    with installation() as here:
        standing = here.run(here.opened.person.overview.standing(days))
    output.show(_document(standing), _lines(standing, days, output))
    return Exit.DONE


def _lines(standing: Standing, days: int, output: Output) -> list[str]:
    from ringback_server.commands.output import aligned, clean

    code = standing.code
    rows = [
        ("hours", _hours(code)),
        ("countries", _countries(code)),
        ("bulk", _bulk_words(code.bulk)),
        ("calls begin", clean(_opening(code))),
    ]
    head = [] if standing.counts else [output.style(_NOT_HERE, "yellow"), ""]
    return [
        *head,
        output.style("Rules", bold=True),
        *aligned(rows, indent="  "),
        "",
        output.style("Limits", bold=True),
        *_usage_lines(standing, output),
        "",
        output.style(f"What left in the last {days} days (UTC)", bold=True),
        *_day_lines(standing),
    ]


def _hours(code: Code) -> str:
    if code.window is None:
        return "at any time"
    return f"{_window(code.window)} wherever the recipient's phone can be, and the stricter hours of US states"


def _window(window: tuple[int, int]) -> str:
    return "-".join(f"{minutes // 60:02d}:{minutes % 60:02d}" for minutes in window)


def _countries(code: Code) -> str:
    if code.countries is None:
        return "all"
    return ", ".join(sorted(code.countries)) or "the line's own"


def _bulk_words(bulk: Bulk | None) -> str:
    if bulk is None:
        return "the same text may go to any number of people one by one"
    people = "1 person" if bulk.count == 1 else f"{bulk.count} people"
    return f"the same text to more than {people} in any {_period(bulk)} is approved as a whole list"


def _period(bulk: Bulk) -> str:
    from ringback.model.limits import PERIODS_S

    return next((name for name, seconds in PERIODS_S.items() if seconds == bulk.period_s), f"{bulk.period_s:g} s")


def _opening(code: Code) -> str:
    from ringback.model.voice import spoken

    return spoken("", caller=code.caller, opening=code.opening).strip()


def _usage_lines(standing: Standing, output: Output) -> list[str]:
    """Each limit and budget with a bar, and those for one person, of which everybody has their own."""
    from ringback.model.limits import Scope
    from ringback_server.commands.output import aligned

    rows = [(_cap(used), _used(used, output)) for used in standing.usage]
    rows += [
        (f"at most {limit.words}", "counted for each person")
        for limit in standing.code.caps.limits
        if limit.scope is Scope.RECIPIENT
    ]
    return aligned(rows, indent="  ") or ["  none: any amount may go out"]


def _cap(used: Usage) -> str:
    from ringback.model.limits import Budget, tell_money

    cap = used.cap
    if isinstance(cap, Budget):
        return f"at most {tell_money(cap.micros, cap.currency)} in any {cap.period}"
    return f"at most {cap.words}"


def _used(used: Usage, output: Output) -> str:
    from ringback.model.limits import Budget, tell_money

    cap = used.cap
    most = cap.micros if isinstance(cap, Budget) else cap.count
    share = min(used.used / most, 1.0) if most else 1.0
    if isinstance(cap, Budget):
        told, left = tell_money(used.used, cap.currency), tell_money(used.left, cap.currency)
    else:
        told, left = str(used.used), str(used.left)
    colour = "red" if share >= 1 else "yellow" if share >= _NEARLY else None
    return f"{output.style(bar(share), colour)}  {told} used, {left} left"


def bar(share: float) -> str:
    """A share from 0 to 1 as a bar: a part that is more than nothing shows, and only a whole one is full."""
    full = min(max(int(share * _BAR), 1 if share else 0), _BAR)
    return f"[{'#' * full}{'-' * (_BAR - full)}]"


def _day_lines(standing: Standing) -> list[str]:
    from ringback.model.limits import tell_money

    if not standing.days:
        return ["  nothing"]
    width = max(len(str(day.count)) for day in standing.days)
    lines = [
        f"  {_date(day)}  {day.channel:<5}  {day.count:>{width}}  {_spent(day, standing.currency)}"
        for day in standing.days
    ]
    total, unpriced = sum(day.micros for day in standing.days), sum(day.unpriced for day in standing.days)
    more = f", and {unpriced} of which no price is known" if unpriced else ""
    return [*lines, f"  In all about {tell_money(total, standing.currency)}{more}."]


def _date(day: DaySpent) -> str:
    return (_EPOCH + timedelta(days=day.day)).date().isoformat()


def _spent(day: DaySpent, currency: str) -> str:
    from ringback.model.limits import tell_money

    if day.unpriced == day.count:
        return "price not known"
    told = tell_money(day.micros, currency)
    return f"{told}, and {day.unpriced} of which no price is known" if day.unpriced else told


def _document(standing: Standing) -> dict[str, object]:
    from ringback.model.limits import Budget, Scope, tell_money

    code = standing.code
    own = [limit for limit in code.caps.limits if limit.scope is Scope.RECIPIENT]
    return {
        "counts": standing.counts,
        "hours": None if code.window is None else _window(code.window),
        "countries": "all" if code.countries is None else sorted(code.countries) or "line",
        "bulk": None if code.bulk is None else {"people": code.bulk.count, "period": _period(code.bulk)},
        "call_opening": _opening(code),
        "limits": [
            *(
                _limit_document(used.cap) | {"used": used.used, "left": used.left}
                for used in standing.usage
                if not isinstance(used.cap, Budget)
            ),
            *map(_limit_document, own),
        ],
        "budgets": [
            {
                "most": tell_money(used.cap.micros, used.cap.currency),
                "period": used.cap.period,
                "used": tell_money(used.used, used.cap.currency),
                "left": tell_money(used.left, used.cap.currency),
            }
            for used in standing.usage
            if isinstance(used.cap, Budget)
        ],
        "days": [
            {
                "date": _date(day),
                "channel": day.channel.value,
                "count": day.count,
                "cost": tell_money(day.micros, standing.currency),
                "without_price": day.unpriced,
            }
            for day in standing.days
        ],
    }


def _limit_document(limit: Limit) -> dict[str, object]:
    return {"scope": limit.scope.value, "most": limit.count, "period": limit.period}
