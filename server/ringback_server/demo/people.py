"""Who approves and who answers the handset: the person at the terminal, or the demo in their place."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import threading
from typing import TYPE_CHECKING, Final, Protocol

import click

if TYPE_CHECKING:
    from ringback_server.demo.handset import Handset

_NUMBER: Final = re.compile(r"\+\d[\d ().-]*\d")
_LAST: Final = 4
_CHOICES: Final = ("once", "day", "no")
_TALK_S: Final = 1.0


class Left(Exception):
    """The person ended the input: they want to go."""


class Person(Protocol):
    """Whoever stands on the far side of the tools."""

    automatic: bool

    async def look(self, url: str) -> None:
        """Open the handset."""

    async def answer(self, question: str) -> dict[str, str] | None:
        """What they fill into the form below a question: `last_digits` and `choice`; None when they close it."""

    async def take_call(self, handset: Handset, prompt: str) -> None:
        """Answer the call that is about to ring, press 1 and hang up."""

    async def again(self) -> bool:
        """Whether to call once more after a call that nobody answered."""

    async def leave(self) -> None:
        """Look at the handset for as long as they like."""


class Automatic:
    """The demo in the person's place, where there is no terminal. It counts on the sandbox alone."""

    automatic = True

    async def look(self, url: str) -> None:
        """Nobody looks."""
        click.echo(f"   No terminal here, so the demo answers for the person. The handset: {url}")

    async def answer(self, question: str) -> dict[str, str] | None:
        """Yes, this once, with the digits that the question shows."""
        shown = _NUMBER.search(question)
        if shown is None:
            return None
        digits = re.sub(r"\D", "", shown[0])[-_LAST:]
        click.echo(f"   The demo answers for the person: {digits}, once.")
        return {"last_digits": digits, "choice": "once"}

    async def take_call(self, handset: Handset, prompt: str) -> None:
        """Answer through the sandbox's control routes."""
        call_id = await handset.answer(prompt)
        click.echo("   The handset rings. The demo answers for the person, presses 1 and hangs up.")
        await handset.press(call_id, "1")
        await asyncio.sleep(_TALK_S)  # a call of no length would look like none
        await handset.hang_up(call_id)

    async def again(self) -> bool:
        """Once is enough."""
        return False

    async def leave(self) -> None:
        """Nobody looks."""


class Terminal:
    """The person at the terminal."""

    automatic = False

    def __init__(self) -> None:
        self._lines: asyncio.Queue[str | None] | None = None

    async def look(self, url: str) -> None:
        """Wait until the handset is open."""
        click.echo(f"\n   Open the handset in your browser: {url}")
        await self._ask("   Press Enter when you see it. ")

    async def answer(self, question: str) -> dict[str, str] | None:
        """Ask for digits and choice, as the form says."""
        del question  # it stands above
        digits = await self._ask("   Last 4 digits of the number: ")
        choice = ""
        while choice not in _CHOICES:
            typed = (await self._ask("   once, day or no: ")).lower()
            choice = next((word for word in _CHOICES if typed and word.startswith(typed)), "")
        return {"last_digits": digits, "choice": choice}

    async def take_call(self, handset: Handset, prompt: str) -> None:
        """They do it in the browser."""
        del handset, prompt
        click.echo("   The handset rings for 30 seconds: answer it, press 1, then hang up.")

    async def again(self) -> bool:
        """Offer it: half a minute is short."""
        return not (await self._ask("   Press Enter to be called again, or type no: ")).lower().startswith("n")

    async def leave(self) -> None:
        """Keep the handset until they are done."""
        await self._ask("\nThe handset stays until you press Enter. ")

    async def _ask(self, prompt: str) -> str:
        """One line that the person typed, without the space around it.

        Raises:
            Left: they ended the input.
        """
        if self._lines is None:
            self._lines = asyncio.Queue()
            # A daemon: a read of a terminal cannot be called back when the demo is interrupted.
            arguments = (asyncio.get_running_loop(), self._lines)
            threading.Thread(target=_read_lines, args=arguments, name="terminal", daemon=True).start()
        click.echo(prompt, nl=False)
        line = await self._lines.get()
        if line is None:
            self._lines.put_nowait(None)
            raise Left
        return line.strip()


def _read_lines(loop: asyncio.AbstractEventLoop, lines: asyncio.Queue[str | None]) -> None:
    """Pass on what is typed, one line at a time, as the terminal hands it out; then None."""
    data = b"."
    while data:
        try:
            data = os.read(sys.stdin.fileno(), 4096)
        except OSError:  # a terminal that was taken away
            data = b""
        try:
            loop.call_soon_threadsafe(lines.put_nowait, data.decode("utf-8", "replace") if data else None)
        except RuntimeError:  # the loop has ended
            return
