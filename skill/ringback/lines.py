"""What the carriers said about the agent's lines, kept for a short while."""

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

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: dict[str, tuple[Line, float]] = {}

    async def ask(self, carrier: CarrierReader) -> Line:
        """Ask the carrier now.

        Raises:
            CarrierError: it could not be asked, or answered something else.
        """
        asked_at = self._clock.now().timestamp()
        self._kept.pop(carrier.name, None)
        line = await carrier.line()
        self._kept[carrier.name] = line, asked_at
        return line

    async def current(self, carrier: CarrierReader) -> Line | None:
        """The line by the carrier's word of the last 30 seconds; `None` where it cannot be asked."""
        line, asked_at = self._kept.get(carrier.name, (None, 0.0))
        if line is not None and 0 <= self._clock.now().timestamp() - asked_at < KEPT_S:
            return line
        try:
            return await self.ask(carrier)
        except CarrierError:
            return None

    def last(self, carrier: CarrierReader) -> Line | None:
        """What was last heard, however old: good for a suggestion, never for a decision."""
        return self._kept.get(carrier.name, (None, 0.0))[0]
