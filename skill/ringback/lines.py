"""What the carrier said about the agent's line, kept for a short while."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringback.errors import CarrierError

if TYPE_CHECKING:
    from ringback.carriers.base import CarrierReader
    from ringback.clock import Clock
    from ringback.model.outbound import Line

KEPT_S = 30.0
"""Seconds for which the carrier's word about the line counts."""


class Lines:
    """The enabled-check behind every send."""

    def __init__(self, carrier: CarrierReader, clock: Clock) -> None:
        self._carrier = carrier
        self._clock = clock
        self._line: Line | None = None
        self._asked_at = 0.0

    async def ask(self) -> Line:
        """Ask the carrier now.

        Raises:
            CarrierError: it could not be asked, or answered something else.
        """
        asked_at = self._clock.now().timestamp()
        self._line = None
        line = await self._carrier.line()
        self._line, self._asked_at = line, asked_at
        return line

    async def current(self) -> Line | None:
        """The line by the carrier's word of the last 30 seconds; `None` where it cannot be asked."""
        age = self._clock.now().timestamp() - self._asked_at
        if self._line is not None and 0 <= age < KEPT_S:
            return self._line
        try:
            return await self.ask()
        except CarrierError:
            return None

    @property
    def last(self) -> Line | None:
        """What was last heard, however old: good for a suggestion, never for a decision."""
        return self._line
