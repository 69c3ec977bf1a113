"""The doctor's look at the rules of the road: what is switched off, what lacks a name or a price, who opted out.

Of those who opted out it tells how many they are, and no number.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

from ringback.errors import ConfigurationError
from ringback_server.doctor_ledger import Findings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ringback.model.prices import PriceTable
    from ringback.settings import Settings

_PROBE_S: Final = 1.0
_OFF: Final = {"hours": "off", "limits": "off", "bulk": "off", "countries": "all"}
"""What switches a rule off, by setting."""
_SANDBOX: Final = "sandbox"
_LATE_S: Final = 600.0
"""A confirmation that was not sent after so long was not sent by anything that runs as it should."""


def look(settings: Settings, facts: dict[str, Any], lines: Mapping[str, Any]) -> Findings:
    """Add what is found to `facts`. `lines` is what was found of the carriers."""
    found = Findings()
    live = _live(settings)
    for name in ("hours", "countries", "limits", "budget", "bulk"):
        facts[name] = getattr(settings, name) or "the line's own"
    facts["count_here"] = live or settings.sandbox_rules
    facts["caller_name"] = "set" if settings.caller_name else "unset"
    facts["redact_inbound"] = settings.redact_inbound
    if live:
        _look_at_switches(settings, found)
        _look_at_calls(settings, found)
        _look_at_countries(settings, lines, found)
    _look_at_presets(settings, facts, found)
    _look_at_prices(settings, facts, found)
    _look_at_opt_outs(settings.ledger_path, facts, found)
    return found


def _live(settings: Settings) -> bool:
    """Whether a carrier is in use that reaches real phones; what cannot be read is none."""
    from ringback.carriers.routes import parse_routes

    try:
        return any(name != _SANDBOX for name in parse_routes(settings.carrier_name).names)
    except ConfigurationError:  # told where the carrier is looked at
        return False


def _look_at_switches(settings: Settings, found: Findings) -> None:
    off = [name for name, word in _OFF.items() if str(getattr(settings, name) or "").strip().lower() == word]
    if off:
        told = ", ".join(f"RINGBACK_{name.upper()}={_OFF[name]}" for name in off)
        found.warnings.append(f"Real phones ring, and these rules are switched off: {told}.")


def _look_at_calls(settings: Settings, found: Findings) -> None:
    from ringback.carriers.registry import channels_of
    from ringback.model.outbound import Channel

    if Channel.VOICE in channels_of(settings.carrier_name) and not settings.caller_name:
        found.warnings.append(
            "Every call is refused (caller_unnamed): RINGBACK_CALLER_NAME does not name on whose behalf calls are made."
        )


def _look_at_countries(settings: Settings, lines: Mapping[str, Any], found: Findings) -> None:
    """Without a setting the line's own country is allowed; where nobody knows it, nothing is."""
    if settings.countries is not None:
        return
    several: dict[str, Mapping[str, Any]] = {name: line for name, line in lines.items() if isinstance(line, dict)}
    each = several or {str(lines.get("name")): lines}
    unknown = [name for name, line in each.items() if line.get("live") and line.get("country") is None]
    if unknown:
        found.warnings.append(
            f"Everything by {', '.join(unknown)} is refused (country_unknown): it does not tell its own number, so "
            "RINGBACK_COUNTRIES has to name the allowed countries, for example US,CA."
        )


def _look_at_presets(settings: Settings, facts: dict[str, Any], found: Findings) -> None:
    from ringback.model.presets import presets_by_area_code

    path = settings.hours_presets
    facts["hours_presets"] = "Ringback's own" if path is None else str(path)
    try:
        facts["area_codes_with_presets"] = len(presets_by_area_code(path))
    except ConfigurationError as error:
        found.problems.append(f"{error.message} {error.hint} RINGBACK_HOURS_PRESETS names the file.")


def _look_at_prices(settings: Settings, facts: dict[str, Any], found: Findings) -> None:
    from ringback.carriers.registry import CARRIERS
    from ringback.model.limits import read_budget
    from ringback.model.prices import merged, read_prices, shipped_prices

    path, table = settings.prices_path, shipped_prices()
    facts["prices"] = "Ringback's own"
    if path.exists():
        facts["prices"] = str(path)
        try:
            own = read_prices(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            found.problems.append("prices.toml in the data folder cannot be read as UTF-8 text, so nothing is sent.")
            return
        except ConfigurationError as error:
            found.problems.append(f"{error.message} {error.hint}")
            return
        if strangers := sorted({price.carrier for price in own.prices} - set(CARRIERS)):
            found.warnings.append(f"prices.toml has prices of carriers that do not exist: {', '.join(strangers)}.")
        table = merged(own, table)
    facts["priced"] = _priced(table)
    if budgets := read_budget(settings.budget):
        _look_at_budget(settings, budgets[0].currency, table, found)


def _priced(table: PriceTable) -> dict[str, int]:
    """How many prices there are, by carrier."""
    carriers = [price.carrier for price in table.prices]
    return {name: carriers.count(name) for name in sorted(set(carriers))}


def _look_at_budget(settings: Settings, currency: str, table: PriceTable, found: Findings) -> None:
    from ringback.carriers.routes import parse_routes

    if currency != table.currency:
        found.problems.append(
            f"RINGBACK_BUDGET is in {currency} and the prices are in {table.currency}; nothing is converted. Give both "
            "in one currency."
        )
    try:
        names = set(parse_routes(settings.carrier_name).names) - {_SANDBOX}
    except ConfigurationError:  # told where the carrier is looked at
        return
    if without := sorted(names - {price.carrier for price in table.prices}):
        found.warnings.append(
            f"There is a budget, and no price is known of {', '.join(without)}: all of it is refused (price_unknown) "
            "until prices.toml in the data folder names them."
        )


def _look_at_opt_outs(path: Path, facts: dict[str, Any], found: Findings) -> None:
    """How many opted out, and whose confirmation has not gone out; read and not changed."""
    if not path.exists():
        return
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=_PROBE_S)) as connection:
            if not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'optout'").fetchone():
                return  # from before there were any
            standing, open_, late = connection.execute(
                "SELECT count(*), coalesce(sum(carrier IS NOT NULL AND NOT confirmed), 0), coalesce(sum("
                "carrier IS NOT NULL AND NOT confirmed AND begun_at < ?), 0) "
                "FROM optout WHERE lifted_at IS NULL",
                (time.time() - _LATE_S,),
            ).fetchone()
    except sqlite3.Error:  # told where the ledger is looked at
        return
    facts["opted_out"], facts["unconfirmed"] = standing, open_
    if late:
        people = "1 person has" if late == 1 else f"{late} people have"
        found.warnings.append(
            f"{people} opted out over {_LATE_S / 60:.0f} minutes ago and got no confirmation. They are sent nothing "
            "else. What sends it is ringback serve, the console, or an assistant's server."
        )
