"""Telephony must be switched on, by the carrier's own word. No word means no."""

from ringback.guards.base import Allow, Decision, Facts, Refuse


def enabled(facts: Facts) -> Decision:
    """Refuse unless the carrier says that telephony is enabled for the agent."""
    if facts.line is None:
        return Refuse(
            "enabled_unknown",
            "The carrier could not be asked whether telephony is enabled, so nothing is sent.",
            "Call check-telephony; once it answers, try again.",
            passes=True,
        )
    if not facts.line.enabled:
        return Refuse(
            "not_enabled",
            "Telephony is not enabled for this agent.",
            "Tell the person; it is switched on at the carrier, not here. Do not try again until then.",
        )
    return Allow()
