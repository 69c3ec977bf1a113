"""The line must be able to do what is asked."""

from ringback.guards.base import Allow, Decision, Facts, Refuse


def capability(facts: Facts) -> Decision:
    """Refuse a channel that the carrier does not list for this line."""
    if facts.line is None or facts.outbound.channel not in facts.line.capabilities:
        offered = ", ".join(sorted(facts.line.capabilities)) if facts.line else ""
        return Refuse(
            "no_capability",
            f"This line cannot do {facts.outbound.channel}.",
            f"It offers: {offered or 'nothing'}. Use one of these, or tell the person.",
        )
    return Allow()
