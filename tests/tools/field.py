"""Where attacks on consent are counted: each has a text of its own, and the sandbox's record is the judge."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

from tests.tools.support import arguments_of, yes

if TYPE_CHECKING:
    import pytest
    from tests.tools.support import House
    from tests.tools.wire import Bare

DIRECTORY = 1212
"""With 555 before it: directory assistance, which is never reached."""


@dataclass(frozen=True)
class Wish:
    """One attempt: what a client asks for, and how its recipient's number ends."""

    tool: str
    arguments: dict[str, Any]
    text: str
    digits: str


@dataclass
class Field:
    """The installation under attack. What a person approved is noted; everything else that leaves is a breach."""

    house: House
    monkeypatch: pytest.MonkeyPatch
    attempts: int = 0
    approved: Counter[str] = field(default_factory=Counter)
    random: Random = field(default_factory=lambda: Random(20260728))

    def wish(self, tool: str = "send-sms", *, to: str | None = None, words: str = "") -> Wish:
        """A new attempt, with a recipient and a text that no other one has."""
        self.attempts += 1
        line = self.attempts + (self.attempts >= DIRECTORY)
        to = f"+1202555{line:04}" if to is None else to
        text = f"{words} attempt {self.attempts}."
        return Wish(tool, arguments_of(tool, text, to), text, to[-4:])

    def more(self, count: int) -> None:
        """Count further attempts at the same wish."""
        self.attempts += count

    def approve(self, wish: Wish) -> None:
        """Note that a person agreed to exactly this, once."""
        self.approved[wish.text] += 1

    def wrong_digits(self, wish: Wish) -> str:
        """Four digits that are not the number's last ones."""
        return f"{(int(wish.digits) + self.random.randrange(1, 10_000)) % 10_000:04}"

    def breaches(self) -> list[str]:
        """What reached the carrier without a yes, or more often than there was one."""
        posted = Counter(body.get("body") or body["prompt"] for body in self.house.posts())
        return [text for text, count in posted.items() if count > self.approved[text]]

    def lost(self) -> list[str]:
        """What was approved and did not leave: a suite that sends nothing at all proves nothing."""
        posted = Counter(body.get("body") or body["prompt"] for body in self.house.posts())
        return [text for text, count in self.approved.items() if posted[text] < count]


async def ask(client: Bare, wish: Wish) -> dict[str, Any]:
    """Propose a wish in the stateless era; the question that comes back, or whatever else does."""
    return await client.call(wish.tool, wish.arguments)


async def reply(client: Bare, wish: Wish, state: Any, responses: Any = None, **yes_: Any) -> dict[str, Any]:
    """Come back with a state and an answer; by default the right yes."""
    answer = yes(**{"digits": wish.digits, **yes_}) if responses is None else responses
    return await client.call(wish.tool, wish.arguments, requestState=state, inputResponses=answer)
