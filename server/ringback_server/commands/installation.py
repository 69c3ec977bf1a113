"""The installation as a command opens it: with a loop that runs while it is asked, and not while a person thinks."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator

    from ringback.opening import Ringback

T = TypeVar("T")


class Installation:
    """An opened installation for code that is not asynchronous.

    A prompt stands outside the loop: inside it, Ctrl-C would cancel a task and leave the prompt standing.
    """

    def __init__(self, opened: Ringback, runner: asyncio.Runner) -> None:
        self.opened = opened
        self._runner = runner

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run one piece of work to its end."""
        return self._runner.run(work)


@contextmanager
def installation() -> Iterator[Installation]:
    """Open the installation that the environment names; close it after what is on its way out has left.

    Raises:
        ConfigurationError, LedgerError: as `ringback.open_ringback`.
    """
    from ringback.opening import open_ringback

    stack = AsyncExitStack()
    with asyncio.Runner() as runner:
        opened = runner.run(stack.enter_async_context(open_ringback()))
        try:
            yield Installation(opened, runner)
        finally:
            runner.run(stack.aclose())
