"""The rules in force: hours, countries, limits and money and how far they are used, lists, what calls say first."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import RedirectResponse

from ringback.errors import InvalidNumber, InvalidRequest
from ringback.model.hours import tell_window
from ringback.model.limits import PERIODS_S, Limit, Scope, tell_money
from ringback.model.outbound import Channel
from ringback.model.presets import presets_by_area_code
from ringback.model.text import visible
from ringback.model.voice import spoken
from ringback.questions import country_name
from ringback_server.console.outcomes import CHANNELS
from ringback_server.console.plots import columns, share

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.responses import Response

    from ringback.ledger.records import NamedZone
    from ringback.ledger.spending import DaySpent
    from ringback.model.limits import Budget, Bulk, Usage
    from ringback.overview import Standing
    from ringback_server.console.gate import Gate, Parts, Visit

DAYS: Final = 30
_CONTACT: Final = re.compile(r"ct_[a-z2-7]{16}", re.ASCII)
_DAY_S: Final = 86_400


class Rulebook:
    """The page of one console about the rules."""

    def __init__(self, parts: Parts, gate: Gate) -> None:
        self._parts = parts
        self._gate = gate
        self._overview = parts.opened.person.overview

    async def show(self, visit: Visit) -> Response:
        """The rules, how far they are used, and the zones that a person named."""
        return await self._show(visit)

    async def _show(self, visit: Visit, problem: str = "", status: int = 200) -> Response:
        standing = await self._overview.standing(DAYS)
        today = int(self._parts.opened.clock.now().timestamp() // _DAY_S)
        code = standing.code
        return self._gate.render(
            "rules.html",
            visit,
            status,
            counts_here=standing.counts,
            window=None if code.window is None else tell_window(code.window),
            presets=_presets(self._parts.opened.settings.hours_presets),
            zones=[_zone_view(named) for named in await self._overview.zones()],
            countries=await self._countries(code.countries),
            limits=_limits(standing),
            budgets=[_budget_view(used.cap, used) for used in standing.usage if not isinstance(used.cap, Limit)],
            spent=_spent(standing.days, today, standing.currency),
            bulk=_bulk(code.bulk),
            caller=code.caller,
            opening=visible(spoken("", caller=code.caller, opening=code.opening).strip()),
            problem=problem,
            given={name: visit.form.get(name, "") for name in ("number", "zone")},
        )

    async def _countries(self, countries: frozenset[str] | None) -> dict[str, Any]:
        if countries is None:
            return {"all": True, "own": False, "names": []}
        if countries:
            return {"all": False, "own": False, "names": sorted(_country(code) for code in countries)}
        line = await self._parts.watch.line()
        number = line.number if line is not None else None
        names = [] if number is None or number.region is None else [country_name(number)]
        return {"all": False, "own": True, "names": names}

    async def name_zone(self, visit: Visit) -> Response:
        """Let a zone stand for a recipient."""
        number, zone = (visit.form.get(name, "").strip() for name in ("number", "zone"))
        try:
            await self._overview.name_zone(number, zone)
        except (InvalidNumber, InvalidRequest) as error:
            suggestion = error.suggestion if isinstance(error, InvalidNumber) else None
            hint = f"Did you mean {suggestion}?" if suggestion else error.hint
            return await self._show(visit, f"{error.message} {hint}", 422)
        self._parts.watch.tell()
        visit.session.notes.append("Stored. Their hours go by that zone from now on.")
        return RedirectResponse("/rules", 303)

    async def drop_zone(self, visit: Visit) -> Response:
        """Go by the number again."""
        wanted = visit.form.get("contact", "")
        named = [named for named in await self._overview.zones() if named.contact == wanted]
        dropped = bool(_CONTACT.fullmatch(wanted)) and bool(named)
        if dropped:
            await self._overview.drop_zone(named[0].number.e164)
            self._parts.watch.tell()
        words = "Cleared. Their hours go by their number again." if dropped else "That one had been cleared before."
        visit.session.notes.append(words)
        return RedirectResponse("/rules", 303)


def _zone_view(named: NamedZone) -> dict[str, Any]:
    country = country_name(named.number)
    return {
        "number": named.number.formatted,
        "country": country[:1].upper() + country[1:],
        "contact": named.contact,
        "zone": named.zone,
    }


@cache
def _presets(path: Path | None) -> list[dict[str, str]]:
    """The hours that the law of a place sets, each place once, by its name."""
    found: dict[str, dict[str, str]] = {}
    for preset in {preset for presets in presets_by_area_code(path).values() for preset in presets}:
        place = preset.weekdays[1].partition(":")[0]
        parts = (preset.weekdays, preset.saturdays, preset.sundays, preset.holidays)
        told = [words.partition(": ")[2].partition(" on ")[0].replace("not", "none") for _, words in parts]
        found[place] = {
            "place": place,
            **dict(zip(("weekdays", "saturdays", "sundays", "holidays"), told, strict=True)),
        }
    return [found[place] for place in sorted(found)]


def _limits(standing: Standing) -> list[dict[str, Any]]:
    """Every limit, in the order in which it was written; those for one person without a count of their own."""
    used = {usage.cap: usage for usage in standing.usage}
    found: list[dict[str, Any]] = []
    for limit in standing.code.caps.limits:
        usage, view = used.get(limit), {"words": _limit_words(limit), "most": f"{limit.count:,}"}
        if usage is None:
            found.append({**view, "used": None})
        else:
            found.append(
                {**view, "used": f"{usage.used:,}", "left": f"{usage.left:,}", **_fullness(usage, limit.count)}
            )
    return found


def _limit_words(limit: Limit) -> str:
    what = {Scope.RECIPIENT: "To one person", Scope.ALL: "In all"}
    name = what.get(limit.scope) or f"{CHANNELS[Channel(limit.scope.value)]}s"
    return f"{name}, in any {limit.period}"


def _budget_view(budget: Limit | Budget, usage: Usage) -> dict[str, Any]:
    assert not isinstance(budget, Limit)
    used, most, left = (tell_money(micros, budget.currency) for micros in (usage.used, budget.micros, usage.left))
    view = {"words": f"Money, in any {budget.period}", "used": used, "most": most, "left": left}
    return {**view, **_fullness(usage, budget.micros)}


def _fullness(usage: Usage, most: int) -> dict[str, Any]:
    return {"share": share(usage.used, most), "full": not usage.passes, "free_at": usage.free_at}


def _spent(days: list[DaySpent], today: int, currency: str) -> dict[str, Any]:
    """The last days, oldest first: how many left, for how much, and the columns of both plots."""
    rows: list[dict[str, Any]] = []
    for day in range(today - DAYS + 1, today + 1):
        of_day = [spent for spent in days if spent.day == day]
        micros = sum(spent.micros for spent in of_day)
        date = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)
        rows.append(
            {
                "date": date.strftime("%Y-%m-%d"),
                "short": f"{date.day} {date:%B}",
                "count": sum(spent.count for spent in of_day),
                "by": {str(spent.channel): spent.count for spent in of_day},
                "micros": micros,
                "money": tell_money(micros, currency),
                "unpriced": sum(spent.unpriced for spent in of_day),
            }
        )
    most = max(rows, key=lambda row: row["micros"])
    busiest = max(rows, key=lambda row: row["count"])
    return {
        "rows": rows,
        "money": columns([(row["micros"], f"{row['date']}: {row['money']}") for row in rows]),
        "count": columns([(row["count"], f"{row['date']}: {row['count']}") for row in rows]),
        "total_money": tell_money(sum(row["micros"] for row in rows), currency),
        "total_count": sum(row["count"] for row in rows),
        "unpriced": sum(row["unpriced"] for row in rows),
        "most": most,
        "busiest": busiest,
        "channels": [(str(channel), f"{CHANNELS[channel]}s") for channel in Channel],
    }


def _bulk(bulk: Bulk | None) -> dict[str, Any] | None:
    if bulk is None:
        return None
    period = next((name for name, seconds in PERIODS_S.items() if seconds == bulk.period_s), f"{bulk.period_s:.0f} s")
    return {"count": bulk.count, "period": period}


@cache
def _country_names() -> dict[str, str]:
    lines = files("tzdata.zoneinfo").joinpath("iso3166.tab").read_text(encoding="utf-8").splitlines()
    return {code: name for code, _, name in (line.partition("\t") for line in lines if line[:1] != "#")}


def _country(code: str) -> str:
    return f"{_country_names().get(code, code)} ({code})"
