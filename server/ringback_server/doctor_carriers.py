"""`ringback doctor`'s look at the carriers: whether each answers, and what it says of the line."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from ringback.errors import CarrierError
from ringback.guards.clock import TOLERATED_S
from ringback_server.doctor_ledger import Findings

if TYPE_CHECKING:
    from ringback.model.outbound import Line
    from ringback.settings import Settings


def look(settings: Settings, facts: dict[str, Any]) -> Findings:
    """Add what is found to `facts`: of one carrier at the top, of several under each one's name.

    Raises:
        ConfigurationError: the carriers' settings cannot be used.
        CarrierError: the only one cannot be asked.
    """
    found = Findings()
    facts["name"], facts["answers"] = settings.carrier_name, False
    lines = asyncio.run(_lines(settings))
    if len(lines) == 1:
        (line,) = lines.values()
        if isinstance(line, CarrierError):
            raise line
        _tell(line, facts, found, "The carrier")
        return found
    facts["answers"] = all(not isinstance(line, CarrierError) for line in lines.values())
    for name, line in lines.items():
        facts[name] = {"answers": False}
        if isinstance(line, CarrierError):
            found.problems.append(f"The carrier {name} cannot be asked: {line}")
        else:
            _tell(line, facts[name], found, f"The carrier {name}")
    return found


async def _lines(settings: Settings) -> dict[str, Line | CarrierError]:
    from ringback.carriers.registry import build_carriers

    carriers = build_carriers(settings)
    asked: dict[str, Line | CarrierError] = {}
    try:
        for carrier in carriers:
            try:
                asked[carrier.name] = await carrier.line()
            except CarrierError as error:
                asked[carrier.name] = error
    finally:
        await carriers.aclose()
    return asked


def _tell(line: Line, facts: dict[str, Any], found: Findings, who: str) -> None:
    facts["answers"], facts["live"], facts["enabled"] = line.confirmed, line.live, line.enabled
    facts["capabilities"] = sorted(line.capabilities)
    facts["number"], facts["page"] = line.number.masked if line.number else None, line.page
    facts["country"] = line.number.region if line.number else None
    if line.clock_offset_s is not None:
        facts["clock_offset_s"] = round(line.clock_offset_s, 1)
        if abs(line.clock_offset_s) > TOLERATED_S:
            found.problems.append(
                f"This machine's clock is {abs(line.clock_offset_s):.0f} s off the carrier's, so nothing scheduled "
                "is sent. Set the clock right."
            )
    if not line.confirmed:
        found.warnings.append(
            f"{who} cannot be asked whether telephony is enabled: it counts as enabled as it is configured."
        )
    if not line.enabled:
        found.warnings.append(f"{who} says that telephony is not enabled, so everything is refused.")
