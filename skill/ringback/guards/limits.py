"""How much may go out, and for how much money."""

from __future__ import annotations

import math

from ringback.guards.base import Allow, Decision, Facts, Refuse
from ringback.model.limits import Limit, Usage, tell_money
from ringback.model.moment import iso, tell_moment


def limits(facts: Facts) -> Decision:
    """Refuse what is over a limit when it would go out. What a person writes by hand is counted and not refused."""
    if facts.outbound.by_hand or facts.outbound.notice:
        return Allow()
    over = next((used for used in facts.usage if not used.passes and isinstance(used.cap, Limit)), None)
    return Allow() if over is None else over_limit(over)


def budget(facts: Facts) -> Decision:
    """Refuse what costs more than is left, and, where there is a budget, what costs nobody knows how much."""
    if facts.outbound.by_hand or facts.outbound.notice:
        return Allow()
    budgets = [used for used in facts.usage if not isinstance(used.cap, Limit)]
    if budgets and facts.price is None:
        return Refuse(
            "price_unknown",
            "There is a budget, and the price table does not tell what this would cost.",
            "Tell the person: prices.toml in the data folder can name the price.",
        )
    over = next((used for used in budgets if not used.passes), None)
    return Allow() if over is None else over_limit(over)


def over_limit(used: Usage) -> Refuse:
    """The refusal of what a limit or budget does not let pass."""
    cap = used.cap
    if isinstance(cap, Limit):
        rule, told = cap.rule, f"The limit is reached: at most {cap.words}."
    else:
        left, whole = tell_money(used.left, cap.currency), tell_money(cap.micros, cap.currency)
        rule, told = "budget_spent", f"The budget does not allow it: {left} is left of {whole} in any {cap.period}."
    if used.free_at is None:
        return Refuse(rule, f"{told} It never passes.", "Tell the person; the operator sets the limits.")
    free_at = float(math.ceil(used.free_at))  # what is told has whole seconds
    return Refuse(
        rule,
        f"{told} The next one passes from {tell_moment(free_at)} on.",
        f'Do not look for a way around. Call again with send_at "{iso(free_at)}", if the person still wants it.',
        retry_at=free_at,
    )
