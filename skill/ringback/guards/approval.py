"""A person agrees to every outbound: beforehand, or now."""

from ringback.guards.base import Allow, AskPerson, Decision, Facts


def approval(facts: Facts) -> Decision:
    """Ask a person unless one already agreed."""
    return Allow() if facts.consented else AskPerson()
