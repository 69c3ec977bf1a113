"""The guards, in the order in which they are asked. Every face of Ringback passes through `decide`."""

from __future__ import annotations

from typing import Final

from ringback.guards.approval import approval
from ringback.guards.base import Allow, AskPerson, Decision, Facts, Guard, Refuse
from ringback.guards.capability import capability
from ringback.guards.clock import clock
from ringback.guards.country import country
from ringback.guards.destination import destination
from ringback.guards.enabled import enabled
from ringback.guards.honest_call import honest_call
from ringback.guards.limits import budget, limits, over_limit
from ringback.guards.opt_out import opt_out
from ringback.guards.quiet_hours import quiet_hours
from ringback.guards.takeover import takeover

__all__ = [
    "GUARDS",
    "Allow",
    "AskPerson",
    "Decision",
    "Facts",
    "Guard",
    "Refuse",
    "decide",
    "destination",
    "over_limit",
    "review",
]

GUARDS: Final[tuple[Guard, ...]] = (
    destination,
    enabled,
    capability,
    country,
    opt_out,
    takeover,
    honest_call,
    clock,
    quiet_hours,
    limits,
    budget,
    approval,
)
"""`destination` comes first: it needs no carrier, and its refusal is final whatever the line says."""


def decide(facts: Facts) -> Decision:
    """The first refusal, else a person to ask, else free to go."""
    ask = False
    for guard in GUARDS:
        decision = guard(facts)
        if isinstance(decision, Refuse):
            return decision
        ask = ask or isinstance(decision, AskPerson)
    return AskPerson() if ask else Allow()


def review(facts: Facts) -> list[tuple[str, Decision]]:
    """What each guard says, by its name, in order: for a preview."""
    return [(guard.__name__, guard(facts)) for guard in GUARDS]
