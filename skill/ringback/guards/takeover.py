"""While a person writes to somebody by hand, the agent is silent towards them."""

from ringback.guards.base import Allow, Decision, Facts, Refuse


def takeover(facts: Facts) -> Decision:
    """Refuse what an agent wants to send into a conversation that a person has taken over."""
    if not facts.taken_over or facts.outbound.by_hand or facts.outbound.notice:
        return Allow()
    return Refuse(
        "human_takeover",
        "A person has taken over the conversation with this recipient.",
        "Stay silent towards them until the person gives it back. Tell the person what you wanted to say.",
    )
