"""How long scheduled outbounds wait for a carrier that takes nothing just now."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ringback.clock import Clock


class Holds:
    """One hold for each carrier. A hold of a time to come does not count: the clock was set back since."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._spans: dict[str, tuple[float, float]] = {}

    def hold(self, carrier: str, seconds: float) -> float:
        """Let everything for this carrier wait; until when, in Unix seconds."""
        now = self._clock.now().timestamp()
        begun, until = self._spans[carrier] if self.is_held(carrier) else (now, now)
        self._spans[carrier] = begun, max(until, now + seconds)
        return self._spans[carrier][1]

    def is_held(self, carrier: str) -> bool:
        """Whether it waits."""
        begun, until = self._spans.get(carrier, (0.0, 0.0))
        return begun <= self._clock.now().timestamp() < until
