"""The installation behind the MCP server: opened when it is first needed, tended while the server runs.

An opening whose key was rotated, or whose ledger failed or was replaced, is given up: who uses it ends with the error,
the next one opens the installation anew. So a new key or a restored ledger is picked up while the server runs.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ringback.errors import LedgerError, RingbackError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    from ringback.opening import Ringback
    from ringback.settings import Settings

_log = logging.getLogger(__name__)
_POLL_S: Final = 0.5
_TEND_S: Final = 0.5
_RETRY_S: Final = 5.0
_START_BY_ITSELF_S: Final = 2.0


@dataclass(eq=False, slots=True)
class _Opening:
    """The installation, opened once; closed when it was given up and nobody uses it any more."""

    opened: Ringback
    closing: AsyncExitStack
    file: tuple[int, int] | None
    """Which file the ledger was, by device and inode."""
    users: int = 0
    given_up: bool = False


class Host:
    """One installation for one server process.

    Args:
        open_with: opens the installation; by default the one that the environment names.
        start_console: gives the address of the person's page, starting it where it does not run.
    """

    def __init__(
        self,
        *,
        open_with: Callable[[], AbstractAsyncContextManager[Ringback]] | None = None,
        start_console: Callable[[Settings], Awaitable[str | None]] | None = None,
    ) -> None:
        self._open_with = open_with
        self._start_console = start_console
        self._lock = asyncio.Lock()
        self._wanted = asyncio.Event()
        self._opening: _Opening | None = None
        self._not_closed: set[_Opening] = set()
        self._closing: set[asyncio.Task[None]] = set()
        self._tended: Ringback | None = None
        self._seen = 0
        self._tend_at = 0.0
        self.openings = 0
        """How often the installation was opened: what was derived from its key belongs to one opening."""

    @asynccontextmanager
    async def using(self) -> AsyncIterator[Ringback]:
        """The installation; opened by whoever asks first, and kept open for as long as somebody uses it.

        Raises:
            ConfigurationError, LedgerError: it cannot be opened; the next call tries again.
        """
        opening = await self._take()
        try:
            yield opening.opened
        except LedgerError:
            self._give_up(opening)
            raise
        finally:
            opening.users -= 1
            self._close_unused(opening)

    async def _take(self) -> _Opening:
        async with self._lock:
            stale = self._opening
            if stale is not None and _is_stale(stale):
                self._give_up(stale)
                self._close_unused(stale)
            if self._opening is None:
                if self._closing:  # SQLite clears up beside the file when it closes it: before another opens it
                    await asyncio.wait(self._closing)
                closing = AsyncExitStack()
                opened = await closing.enter_async_context(self._open())
                self._opening = _Opening(opened, closing, _file_of(opened))
                self._not_closed.add(self._opening)
                self.openings += 1
                self._wanted.set()
            self._opening.users += 1
            return self._opening

    def _give_up(self, opening: _Opening) -> None:
        opening.given_up = True
        if self._opening is opening:
            self._opening = None

    def _close_unused(self, opening: _Opening) -> None:
        if opening.given_up and not opening.users:
            self._close(opening)

    def _close(self, opening: _Opening) -> None:
        """Close in a task of its own: a caller that is cancelled must not cut off what is on its way out."""
        if opening in self._not_closed:
            self._not_closed.remove(opening)
            task = asyncio.create_task(opening.closing.aclose())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    def _open(self) -> AbstractAsyncContextManager[Ringback]:
        if self._open_with is not None:
            return self._open_with()
        from ringback.opening import open_ringback

        return open_ringback()

    async def warm(self) -> None:
        """Get ready for the first call, once the client has its list of tools."""
        async with self.using() as opened:
            for carrier in opened.carriers:
                await opened.lines.current(carrier)

    async def console(self) -> str | None:
        """The address of the console page, started if it does not run."""
        async with self.using() as opened:
            settings = opened.settings
        if self._start_console is not None:
            return await self._start_console(settings)
        from ringback_server.console.starting import ensure_console

        return await ensure_console(settings)

    async def aclose(self) -> None:
        """Close the installation, after what is on its way out has left."""
        self._opening = None
        for opening in list(self._not_closed):
            self._close(opening)
        await asyncio.gather(*self._closing)

    async def tend(self, publish: Callable[[str], Awaitable[None]]) -> None:
        """Run until cancelled: do what is due, finish what an earlier process left, publish what changed.

        Each second, and at once again for as long as more is to be done. An error is told once in the log, until it
        has passed or is another one.

        Args:
            publish: called with the id of every outbound whose status changed, by whichever process.
        """
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wanted.wait(), _START_BY_ITSELF_S)
        told = ""
        while True:
            try:
                async with self.using() as opened:
                    pause = 0.0 if await self._tend(opened, publish) else _POLL_S
                told = ""
            except Exception as error:  # noqa: BLE001 - it must go on for as long as the server runs
                reason = str(error) if isinstance(error, RingbackError) else type(error).__name__
                if reason != told:
                    _log.warning("the installation cannot be tended: %s", reason)
                told, pause = reason, _RETRY_S
            await asyncio.sleep(pause)

    async def _tend(self, opened: Ringback, publish: Callable[[str], Awaitable[None]]) -> bool:
        """One round; whether more is to be done at once."""
        if opened is not self._tended:
            newest = await opened.ledger.outbounds.last_event()
            # A ledger that was restored from a copy may have fewer events than were seen of it.
            self._seen = newest if self._tended is None else min(self._seen, newest)
            self._tended = opened
        more = False
        now = asyncio.get_running_loop().time()
        if now >= self._tend_at:
            more = await opened.telephone.tend()
            self._tend_at = now if more else now + _TEND_S
        for event in await opened.ledger.outbounds.events_after(self._seen):
            self._seen = event.seq
            await publish(event.outbound_id)
        return more


def _is_stale(opening: _Opening) -> bool:
    """Whether the ledger was put under another key since, or another file was put in its place."""
    database = opening.opened.ledger.database
    try:
        rotated = database.key is not None and database.peek_meta("key") != database.key
    except LedgerError:
        return True
    return rotated or _file_of(opening.opened) != opening.file


def _file_of(opened: Ringback) -> tuple[int, int] | None:
    try:
        found = opened.settings.ledger_path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
