"""The installation behind the MCP server: opened when it is first needed, tended while the server runs."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING, Final

from ringback.errors import RingbackError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    from ringback.opening import Ringback
    from ringback.settings import Settings

_log = logging.getLogger(__name__)
_POLL_S: Final = 0.5
_TEND_S: Final = 1.0
_START_BY_ITSELF_S: Final = 2.0


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
        self._stack = AsyncExitStack()
        self._lock = asyncio.Lock()
        self._wanted = asyncio.Event()
        self._opened: Ringback | None = None

    async def opened(self) -> Ringback:
        """The installation; opened by whoever asks first.

        Raises:
            ConfigurationError, LedgerError: it cannot be opened; the next call tries again.
        """
        async with self._lock:
            if self._opened is None:
                self._opened = await self._stack.enter_async_context(self._opening())
                self._wanted.set()
            return self._opened

    def _opening(self) -> AbstractAsyncContextManager[Ringback]:
        if self._open_with is not None:
            return self._open_with()
        from ringback.opening import open_ringback

        return open_ringback()

    async def warm(self) -> None:
        """Get ready for the first call, once the client has its list of tools."""
        opened = await self.opened()
        await opened.lines.current()

    async def console(self) -> str | None:
        """The address of the console page, started if it does not run."""
        settings = (await self.opened()).settings
        if self._start_console is not None:
            return await self._start_console(settings)
        from ringback_server.console.starting import ensure_console

        return await ensure_console(settings)

    async def aclose(self) -> None:
        """Close the installation, after what is on its way out has left."""
        await self._stack.aclose()

    async def tend(self, publish: Callable[[str], Awaitable[None]]) -> None:
        """Run until cancelled: finish what an earlier process left, follow what is open, publish what changed.

        Args:
            publish: called with the id of every outbound whose status changed, by whichever process.
        """
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wanted.wait(), _START_BY_ITSELF_S)
        seen: int | None = None
        last_tended = 0.0
        loop = asyncio.get_running_loop()
        while True:
            try:
                opened = await self.opened()
                if seen is None:
                    seen = await opened.ledger.outbounds.last_event()
                if loop.time() - last_tended >= _TEND_S:
                    last_tended = loop.time()
                    await opened.telephone.tend()
                for event in await opened.ledger.outbounds.events_after(seen):
                    seen = event.seq
                    await publish(event.outbound_id)
            except Exception as error:  # noqa: BLE001 - it must go on for as long as the server runs
                reason = error.reason if isinstance(error, RingbackError) else type(error).__name__
                _log.warning("the installation cannot be tended: %s", reason)
                await asyncio.sleep(_TEND_S * 5)
            await asyncio.sleep(_POLL_S)
