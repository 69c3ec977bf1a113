"""What the console does in the background: look for changes, end what expired, send what was approved."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ringback.errors import RingbackError
from ringback.model.status import Status

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ringback.ledger.records import Received, Record
    from ringback.model.outbound import Line
    from ringback.opening import Ringback

_LOOK_S: Final = 1.0
_TEND_SLOWER: Final = 1.6
_LONGEST_TEND_S: Final = 30.0
"""How seldom the carrier is asked about what does not change, while nobody looks."""
_WATCHED_TEND_S: Final = 3.0
"""The same while somebody has a page open: what people write to the line has no other way in without callbacks."""
_NEAR_S: Final = 0.4
"""The same, and how often is looked, while somebody has a conversation open: they wait for an answer."""
_CHECK_S: Final = 5.0
_MOST_PAGES: Final = 64
_LINE_PATIENCE_S: Final = 1.5
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Counts:
    """How many outbounds stand where a person may have something to do."""

    waiting: int = 0
    scheduled: int = 0
    doubtful: int = 0


class Watch:
    """Follows one ledger, whoever changes it, and wakes the open pages."""

    def __init__(self, opened: Ringback) -> None:
        self._opened = opened
        self._pages: set[asyncio.Event] = set()
        self._near: set[asyncio.Event] = set()
        self._change = asyncio.Event()
        self._asking: asyncio.Task[Line | None] | None = None
        self._closed = False
        self._due: list[float] = []
        self.counts = Counts()
        """As last seen."""

    async def run(self) -> None:
        """Watch until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._look())
            group.create_task(self._tend())

    async def changes(self, *, near: bool = False) -> AsyncIterator[bool]:
        """True for every change; false now and then, for the caller to see whether it still wants to listen.

        With `near` somebody reads a conversation: what comes in is wanted at once.
        """
        woken = asyncio.Event()
        self._pages.add(woken)
        if near:
            self._near.add(woken)
        self._change.set()  # whoever opens a page wants to see what is so now
        try:
            while not self._closed:
                try:
                    async with asyncio.timeout(_CHECK_S):
                        await woken.wait()
                except TimeoutError:
                    yield False
                    continue
                woken.clear()
                if not self._closed:
                    yield True
        finally:
            self._pages.discard(woken)
            self._near.discard(woken)

    @property
    def is_full(self) -> bool:
        """Whether so many pages are open that no more are followed live."""
        return len(self._pages) >= _MOST_PAGES

    def tell(self) -> None:
        """Wake the open pages, and tend soon."""
        self._change.set()
        for woken in self._pages:
            woken.set()

    def close(self) -> None:
        """Let the open pages go."""
        self._closed = True
        self.tell()

    async def line(self) -> Line | None:
        """The line by the carrier's word of the last half minute; what was heard before, while it is slow to answer."""
        asking = self._asking
        if asking is None or asking.done():
            asking = self._asking = asyncio.create_task(self._opened.lines.current(self._opened.carriers.first))
        done, _ = await asyncio.wait({asking}, timeout=_LINE_PATIENCE_S)
        return asking.result() if done else self._opened.lines.last(self._opened.carriers.first)

    async def _look(self) -> None:
        seen = None
        while True:
            try:
                state = await self._state()
                if state != seen:
                    await self._count()
            except Exception as error:  # noqa: BLE001 - whatever goes wrong once, the watch goes on
                _log.warning("the ledger cannot be watched: %s", _reason(error))
            else:
                if seen is not None and state != seen:
                    self.tell()
                seen = state
            self._wake_for_what_is_due()
            await self._opened.clock.sleep(_NEAR_S if self._near else _LOOK_S)

    async def _state(self) -> tuple[int, tuple[str, bool] | None, tuple[str, ...]]:
        """What is different after every change: the newest event, the newest text that came in, what is taken over."""
        await self._opened.ledger.outbounds.expire()
        newest: list[Received] = await self._opened.person.received(1)
        came = (newest[0].id, newest[0].text is None) if newest else None
        taken = tuple(takeover.id for takeover in await self._opened.person.conversations.standing())
        return await self._opened.ledger.outbounds.last_event(), came, taken

    async def _count(self) -> None:
        async def under_way(status: Status) -> list[Record]:
            found = await self._opened.ledger.outbounds.under_way({status})
            return [record for record in found if record.content is not None]

        scheduled = await under_way(Status.SCHEDULED)
        self._due = [record.send_at for record in scheduled if record.send_at is not None]
        waiting, doubtful = await under_way(Status.AWAITING_APPROVAL), await under_way(Status.UNKNOWN)
        self.counts = Counts(len(waiting), len(scheduled), len(doubtful))

    def _wake_for_what_is_due(self) -> None:
        """Looked at every second, because clocks are set and machines sleep: a timer would not notice."""
        now = self._opened.clock.now().timestamp()
        if any(at <= now for at in self._due):
            self._change.set()

    @property
    def _patience(self) -> float:
        """How long at most until the carrier is asked again."""
        if self._near:
            return _NEAR_S
        return _WATCHED_TEND_S if self._pages else _LONGEST_TEND_S

    async def _tend(self) -> None:
        pause = _LOOK_S
        while True:
            more = False
            try:
                more = await self._opened.telephone.tend()
            except Exception as error:  # noqa: BLE001 - as above
                _log.warning("the ledger cannot be tended: %s", _reason(error))
            if more:
                await asyncio.sleep(0)
                continue
            try:
                async with asyncio.timeout(min(pause, self._patience)):
                    await self._change.wait()
            except TimeoutError:
                pause = min(pause * _TEND_SLOWER, _LONGEST_TEND_S)
            else:
                self._change.clear()
                pause = _LOOK_S
                await self._opened.clock.sleep(
                    _NEAR_S if self._near else _LOOK_S
                )  # a burst of changes is one reason, not many


def _reason(error: Exception) -> str:
    """What may be logged of an error: its code or its type, never its text."""
    return error.reason if isinstance(error, RingbackError) else type(error).__name__
