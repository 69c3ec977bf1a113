"""What the console does in the background: look for changes, end what expired, send what was approved."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from ringback.errors import RingbackError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ringback.model.outbound import Line
    from ringback.opening import Ringback

_LOOK_S: Final = 1.0
_TEND_SLOWER: Final = 1.6
_LONGEST_TEND_S: Final = 30.0
"""How seldom the carrier is asked about what does not change."""
_CHECK_S: Final = 5.0
_MOST_PAGES: Final = 64
_LINE_PATIENCE_S: Final = 1.5
_log = logging.getLogger(__name__)


class Watch:
    """Follows one ledger, whoever changes it, and wakes the open pages."""

    def __init__(self, opened: Ringback) -> None:
        self._opened = opened
        self._pages: set[asyncio.Event] = set()
        self._change = asyncio.Event()
        self._asking: asyncio.Task[Line | None] | None = None
        self._closed = False
        self.waiting = 0
        """How many outbounds wait for an answer, as last seen."""

    async def run(self) -> None:
        """Watch until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._look())
            group.create_task(self._tend())

    async def changes(self) -> AsyncIterator[bool]:
        """True for every change; false now and then, for the caller to see whether it still wants to listen."""
        woken = asyncio.Event()
        self._pages.add(woken)
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
            asking = self._asking = asyncio.create_task(self._opened.lines.current())
        done, _ = await asyncio.wait({asking}, timeout=_LINE_PATIENCE_S)
        return asking.result() if done else self._opened.lines.last

    async def _look(self) -> None:
        seen = None
        while True:
            try:
                waiting = len(await self._opened.person.waiting())  # ends what expired, as well
                seq = await self._opened.ledger.outbounds.last_event()
            except Exception as error:  # noqa: BLE001 - whatever goes wrong once, the watch goes on
                _log.warning("the ledger cannot be watched: %s", _reason(error))
            else:
                self.waiting = waiting
                if seen is not None and seq != seen:
                    self.tell()
                seen = seq
            await self._opened.clock.sleep(_LOOK_S)

    async def _tend(self) -> None:
        pause = _LOOK_S
        while True:
            try:
                await self._opened.telephone.tend()
            except Exception as error:  # noqa: BLE001 - as above
                _log.warning("the ledger cannot be tended: %s", _reason(error))
            try:
                async with asyncio.timeout(pause):
                    await self._change.wait()
            except TimeoutError:
                pause = min(pause * _TEND_SLOWER, _LONGEST_TEND_S)
            else:
                self._change.clear()
                pause = _LOOK_S
                await self._opened.clock.sleep(_LOOK_S)  # a burst of changes is one reason, not many


def _reason(error: Exception) -> str:
    """What may be logged of an error: its code or its type, never its text."""
    return error.reason if isinstance(error, RingbackError) else type(error).__name__
