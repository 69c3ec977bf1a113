"""A time of day counts only where two clocks agree on it: this machine's and the carrier's."""

from typing import Final

from ringback.guards.base import Allow, Decision, Facts, Refuse

TOLERATED_S: Final = 300.0
"""Certificates, caches and slow answers shift what a carrier's `Date` header tells by seconds, not by minutes."""


def clock(facts: Facts) -> Decision:
    """Refuse a scheduled one while this machine's clock is far from the carrier's: it would go out early or late."""
    offset = facts.line.clock_offset_s if facts.line else None
    if facts.outbound.send_at is None or offset is None or abs(offset) <= TOLERATED_S:
        return Allow()
    direction = "behind" if offset > 0 else "ahead of"
    return Refuse(
        "clock_in_doubt",
        f"This machine's clock is {round(abs(offset) / 60)} minutes {direction} the carrier's; nothing is sent by it.",
        "Tell the person: the clock must be set right. What is scheduled waits until then.",
        passes=True,
    )
