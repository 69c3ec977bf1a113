"""Many sends to as many people against a carrier at fault, and what came of each by both sides' word."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ringback_support.installation import YES, opened, want
from ringback_support.open_rules import worded

from ringback.carriers.registry import build_carriers
from ringback.clock import SystemClock
from ringback.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from datetime import datetime

    from tests.conftest import Sandbox

    from ringback.model.outbound import Channel
    from ringback.opening import Ringback
    from ringback.receipts import Receipt

DOCS = Path(__file__).resolve().parents[2] / "docs" / "errors.md"
CONNECTIONS = 16
"""So many requests one installation has under way at the same time; more would wait for one of these to end."""
STEP_S = 2.0


class AheadClock(SystemClock):
    """The machine's clock, ahead by as much as a test says: what is asked again a second later is asked now."""

    ahead_s = 0.0

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self.ahead_s)


@dataclass(frozen=True)
class Try:
    """One send: its own recipient, its own text, and the receipt that the person's yes gave."""

    channel: Channel
    number: str
    text: str
    receipt: Receipt

    @property
    def sent(self) -> str:
        """What goes out of the text."""
        return worded(self.channel, self.text)


@dataclass
class House:
    """An installation whose carrier is the sandbox, over real sockets."""

    ringback: Ringback
    sandbox: Sandbox
    clock: AheadClock

    async def tries(self, channel: Channel, count: int, at_once: int = CONNECTIONS) -> list[Try]:
        """So many sends with a person's yes each, `at_once` at a time."""
        gate = asyncio.Semaphore(at_once)

        async def one(place: int) -> Try:
            number, text = number_of(channel, place), f"{channel} number {place}"
            async with gate:
                waiting = await want(self.ringback.telephone, channel, number, text)
                return Try(channel, number, text, await self.ringback.person.answer(waiting.id, YES))

        return list(await asyncio.gather(*map(one, range(count))))

    async def tend_until_nothing_moves(self, doubtful: list[Try]) -> None:
        """What a server does every second, for as long as it resolves a doubt; both clocks go on together."""
        before, left = -1, len(doubtful)
        while left not in {0, before}:
            self.clock.ahead_s += STEP_S
            await asyncio.to_thread(self.sandbox.advance, STEP_S)
            while await self.ringback.telephone.tend():
                pass
            before, left = left, [(await self.now(each)).status for each in doubtful].count("unknown")

    async def now(self, each: Try) -> Any:
        """The record as the ledger holds it; nobody is asked."""
        return await self.ringback.ledger.outbounds.get(each.receipt.id)

    async def again(self, tried: Iterable[Try]) -> list[Receipt]:
        """The same wishes once more."""
        return [await want(self.ringback.telephone, each.channel, each.number, each.text) for each in tried]

    def arrived(self) -> dict[str, tuple[str, str, str]]:
        """What the sandbox took, by its own record: id to channel, recipient and text."""
        found = {item["id"]: (item["type"], item["to"], item["body"]) for item in self.sandbox.messages()}
        return found | {item["id"]: (item["type"], item["to"], item["prompt"]) for item in self.sandbox.calls()}

    def asked(self, method: str, ending: str = "") -> int:
        """How many requests the sandbox recorded."""
        return sum(each["method"] == method and each["path"].endswith(ending) for each in self.sandbox.requests())


@asynccontextmanager
async def house(home: Path, sandbox: Sandbox, **changes: Any) -> AsyncIterator[House]:
    """Open an installation that finds this sandbox running."""
    state = home / "sandbox"
    state.mkdir(parents=True)
    (state / "endpoint.json").write_text(json.dumps({"url": sandbox.url, "api_key": sandbox.api_key}))
    clock = AheadClock()
    carrier = build_carriers(Settings(home=home, **changes)).first
    async with opened(home, carrier, clock=clock, **changes) as ringback:
        yield House(ringback, sandbox, clock)


def number_of(channel: Channel, place: int) -> str:
    """A recipient of its own for each try; valid, so that a carrier with real telephones would take it as well."""
    return f"+1202{300 + list(type(channel)).index(channel)}{1000 + place:04d}"


def by_content(tried: Iterable[Try]) -> set[tuple[str, str, str]]:
    return {(each.channel.value, each.number, each.sent) for each in tried}


def doubles(arrived: Iterable[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """What arrived more than once."""
    return [content for content, times in Counter(arrived).items() if times > 1]


def documented(words: str) -> set[str]:
    """The codes whose row in docs/errors.md says these words."""
    rows = [line for line in DOCS.read_text("utf-8").splitlines() if line.startswith("| `") and words in line]
    return {match[1] for row in rows if (match := re.match(r"\| `(\w+)`", row))}
