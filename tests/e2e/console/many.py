"""The same text to many people, which a person answers as one list."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ringback_support.open_rules import OPEN_RULES
from tests.e2e.console.conftest import hidden

if TYPE_CHECKING:
    from ringback.opening import Ringback

WORDS = "We are closed on Friday."
FREE = 3
"""So many may get the same words in an hour before it is a list."""
RULES = {**OPEN_RULES, "RINGBACK_BULK": f"{FREE}/hour", "RINGBACK_SANDBOX_RULES": "true"}


async def ask_many(opened: Ringback, count: int, words: str = WORDS, *, first: int = 0) -> list[str]:
    """The ids of a list of so many; whatever is not of a list yet is taken back."""
    ids: list[str] = []
    free: list[str] = []
    for at in range(first, first + count + (0 if first else FREE)):
        receipt = await opened.telephone.send_sms(f"+1202555{at:04}", words)
        is_bulk = (await opened.ledger.outbounds.get(receipt.id)).bulk
        (ids if is_bulk else free).append(receipt.id)
    for one in free:
        await opened.telephone.cancel(one)
    return ids


def form_of(page: str) -> dict[str, str]:
    """The fields of the only list on a page."""
    return {**{name: hidden(page, name) for name in ("ids", "shown")}, "csrf": hidden(page, "csrf")}


def members(page: str) -> list[str]:
    """Whom a page shows on its lists."""
    return re.findall(r'data-member="(ob_[a-z2-7]{24})"', page)
