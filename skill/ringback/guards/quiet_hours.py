"""Nobody's phone rings at night: it must be day wherever the telephone can be."""

from ringback.guards.base import Allow, Decision, Facts, Refuse
from ringback.model.moment import iso, tell_moment
from ringback.model.zones import tell_there


def quiet_hours(facts: Facts) -> Decision:
    """Refuse what would go out outside the hours where the recipient is, and tell the next time that is inside.

    What a person writes by hand is theirs to time, and the confirmation of an opt-out is an answer.
    """
    outbound = facts.outbound
    if facts.window is None or outbound.by_hand or outbound.notice:
        return Allow()
    from ringback.model.hours import standing

    at = facts.now if outbound.send_at is None else max(facts.now, outbound.send_at)
    found = standing(outbound.to, at, window=facts.window, zone=facts.zone, presets=facts.presets)
    if found.allowed:
        return Allow()
    if found.unknown:
        return Refuse(
            "hours_unknown",
            "It is not known what time it is where this number is, so it counts as night.",
            "Tell the person; they can name the recipient's time zone: ringback zones set",
        )
    there = tell_there(at, found.zones)
    if found.next_at is None:
        return Refuse(
            "quiet_hours",
            f"It would be {there} there. The rule is {found.rule}, and its zones share no such time soon.",
            "Tell the person; they can name the recipient's time zone: ringback zones set",
        )
    return Refuse(
        "quiet_hours",
        f"It would be {there} where the recipient is. The rule there is {found.rule}. The next allowed time is "
        f"{tell_moment(found.next_at)}.",
        f'Do not look for a way around. Call again with send_at "{iso(found.next_at)}", if the person agrees.',
        retry_at=found.next_at,
    )
