"""A call says on whose behalf it is made."""

from ringback.guards.base import Allow, Decision, Facts, Refuse
from ringback.model.outbound import Channel


def honest_call(facts: Facts) -> Decision:
    """Refuse a call by an artificial voice on a real line while nobody has said on whose behalf it calls."""
    is_real = facts.line is not None and facts.line.live
    if facts.outbound.channel is not Channel.VOICE or facts.caller is not None or not is_real:
        return Allow()
    return Refuse(
        "caller_unnamed",
        "A call must say on whose behalf it is made, and no name is set.",
        "Tell the person: RINGBACK_CALLER_NAME names who calls.",
    )
