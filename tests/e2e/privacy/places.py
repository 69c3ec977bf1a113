"""An installation in process, with a carrier that does as a path says, and all that comes out of it."""

from __future__ import annotations

import io
import json
import logging
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ringback.approvals import Answer
from ringback.errors import RingbackError
from ringback.ledger.records import Choice, Level
from ringback.model.outbound import Channel

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator
    from pathlib import Path

    from ringback_support.fakes import FakeCarrier, FakeClock
    from tests.e2e.privacy.needles import Needles, Seed

    from ringback.opening import Ringback

YES = Answer(Choice.ONCE, Level.A2, "page")
CHANNELS = tuple(Channel)


@dataclass
class Told:
    """Everything that came out: logs, tracebacks and what results show of themselves; and what the model reads."""

    log: io.StringIO = field(default_factory=io.StringIO)
    results: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)

    def leaks(self, needles: Needles) -> list[str]:
        """The model wrote the texts itself, and is shown what people wrote back; numbers it gets masked only."""
        said = "\n".join([self.log.getvalue(), *self.results]).encode("utf-8", "surrogatepass")
        read = "\n".join(self.answers).encode("utf-8", "surrogatepass")
        found = [f"{what} in what was told" for what in needles.in_(said)]
        return found + [f"{what} in an answer" for what in needles.in_(read, numbers_only=True)]


@dataclass
class Place:
    """What a path plays on."""

    ringback: Ringback
    carrier: FakeCarrier
    clock: FakeClock
    told: Told
    home: Path

    async def attempt(self, wish: Awaitable[Any]) -> Any:
        """Await one call; whatever comes of it is kept."""
        try:
            result = await wish
        except RingbackError as error:
            self.told.results += [repr(error), str(error)]
            logging.getLogger("tests").exception("a wish failed")
            return None
        self.told.results += [repr(result), str(result)]
        if hasattr(result, "as_dict"):
            self.told.answers.append(json.dumps(result.as_dict()))
        return result

    async def wish(self, seed: Seed, at: int = 0, **more: Any) -> Any:
        """A wish on the channel of this turn."""
        telephone, channel = self.ringback.telephone, CHANNELS[at % 3]
        if channel is Channel.SMS:
            return await self.attempt(telephone.send_sms(seed.number, seed.text, **more))
        if channel is Channel.MMS:
            return await self.attempt(telephone.send_mms(seed.number, seed.text, seed.media_url, **more))
        return await self.attempt(telephone.call(seed.number, seed.text, **more))

    async def yes(self, seed: Seed, at: int = 0, **more: Any) -> Any:
        """A wish and a person's yes to it."""
        waiting = await self.wish(seed, at, **more)
        return await self.attempt(self.ringback.person.answer(waiting.id, YES))

    async def tend(self, seconds: float = 0.0) -> None:
        """Later, all that a server does by itself, until there is no more of it."""
        self.clock.move(seconds)
        while await self.attempt(self.ringback.telephone.tend()):
            pass

    async def look(self) -> None:
        """All that can be asked for without a person, to the end of the history."""
        cursor = None
        while True:
            page = await self.attempt(self.ringback.telephone.history(100, cursor))
            self.told.answers.append(json.dumps([item.as_dict() for item in page.items]))
            cursor = page.cursor
            if cursor is None:
                return


def words(seed: Seed) -> str:
    """What a carrier that repeats everything says, as an adapter passes it on."""
    return f"{seed.number} {seed.text} {seed.media_url}"


def files(home: Path) -> dict[str, bytes]:
    """Every file of the installation, the write-ahead log among them."""
    return {path.name: path.read_bytes() for path in home.rglob("*") if path.is_file()}


def leaks_of(home: Path, needles: Needles) -> list[str]:
    """What of the seeds stands in a file of this folder."""
    return [f"{what} in {name}" for name, content in files(home).items() for what in needles.in_(content)]


@contextmanager
def talkative(told: Told) -> Iterator[None]:
    """Every logger at its most talkative, tracebacks and arguments included, into what was told."""
    handler = logging.StreamHandler(told.log)
    handler.setFormatter(logging.Formatter("%(name)s %(levelname)s %(message)s %(args)r"))
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(before)
