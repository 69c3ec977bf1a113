"""The guards, in the order in which they are asked. Every face of Ringback passes through `decide`."""

from typing import Final

from ringback.guards.approval import approval
from ringback.guards.base import Allow, AskPerson, Decision, Facts, Guard, Refuse
from ringback.guards.capability import capability
from ringback.guards.clock import clock
from ringback.guards.destination import destination
from ringback.guards.enabled import enabled
from ringback.guards.takeover import takeover

__all__ = ["GUARDS", "Allow", "AskPerson", "Decision", "Facts", "Guard", "Refuse", "decide", "destination"]

GUARDS: Final[tuple[Guard, ...]] = (destination, enabled, capability, takeover, clock, approval)
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
