"""A clock that goes faster than the machine's, the same in several processes; and how full any stretch of time was."""

from __future__ import annotations

import time
from bisect import bisect_right
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ringback.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Sequence


class QuickClock(SystemClock):
    """From `since` on (Unix seconds) a second of the machine's clock counts as `pace`. A sleep takes real seconds."""

    def __init__(self, since: float, pace: float) -> None:
        self.since = since
        self._pace = pace

    def now(self) -> datetime:
        """The time by this clock."""
        return datetime.fromtimestamp(self.since, UTC) + timedelta(seconds=self._pace * (time.time() - self.since))

    def told(self, at: float) -> float:
        """What this clock showed when the machine's showed `at`."""
        return self.since + self._pace * (at - self.since)


def fullest(times: Sequence[float], length: float) -> int:
    """How many at most lie in any stretch of this length, its first moment counted and its last one not."""
    ordered = sorted(times)
    return max((at - bisect_right(ordered, last - length) + 1 for at, last in enumerate(ordered)), default=0)
