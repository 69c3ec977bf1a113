"""Who said that they want no more gets no more, until they or a person say otherwise."""

from ringback.guards.base import Allow, Decision, Facts, Refuse


def opt_out(facts: Facts) -> Decision:
    """Refuse everything to somebody who opted out, but for the one confirmation that they did."""
    if not facts.opted_out or facts.outbound.notice:
        return Allow()
    return Refuse(
        "opted_out",
        "This recipient opted out: they said that they want no messages and calls.",
        "Send them nothing, by no other way either. Tell the person; the recipient can write START to undo it.",
    )
