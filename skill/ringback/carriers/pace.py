"""A service's own limit on requests, kept on our side, so that a burst waits here and is not refused there."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from ringback.clock import Clock, SystemClock
from ringback.errors import CarrierRateLimited

if TYPE_CHECKING:
    from datetime import datetime

LONGEST_WAIT_S: Final = 10.0
"""Who would have to wait longer is told so, and for how long."""


class Pace:
    """At most `most` requests in any `window_s` seconds, over everything that this process asks one service.

    What only reads leaves `kept` of them to what sends.
    """

    def __init__(self, most: int, window_s: float, *, kept: int = 0, clock: Clock | None = None) -> None:
        self._most = most
        self._window_s = window_s
        self._kept = kept
        self._clock = clock or SystemClock()
        self._made: deque[datetime] = deque()

    async def take(self, count: int = 1, *, reads: bool = False) -> None:
        """Return once `count` requests may be made at once; they are counted from then on.

        Raises:
            CarrierRateLimited: that would take longer than ten seconds. Nothing was asked.
        """
        most = self._most - (self._kept if reads else 0)
        waited = 0.0
        while wait := self._wait(count, most):
            if waited + wait > LONGEST_WAIT_S:
                raise CarrierRateLimited(
                    f"The carrier takes {self._most} requests in {self._window_s:g} seconds, and has had them.",
                    hint="Wait before sending more.",
                    retry_after=wait,
                )
            await self._clock.sleep(wait)
            waited += wait
        self._made.extend([self._clock.now()] * count)

    def _wait(self, count: int, most: int) -> float:
        """Seconds until `count` more are within the limit; 0 where they are."""
        now = self._clock.now()
        while self._made and not 0 <= (now - self._made[0]).total_seconds() < self._window_s:
            self._made.popleft()  # old enough, or from before the clock was put back
        over = len(self._made) + count - most
        if over <= 0:
            return 0.0
        return self._window_s - (now - self._made[over - 1]).total_seconds()
