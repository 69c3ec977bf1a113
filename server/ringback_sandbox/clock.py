import time


class Clock:
    """The sandbox's only source of time: real time plus an offset that callers may grow, or a moment that stands still.

    Attributes:
        offset_ms: Milliseconds by which the sandbox runs ahead of real time.
    """

    def __init__(self, offset_ms: int = 0) -> None:
        self.offset_ms = offset_ms
        self._frozen_ms: int | None = None

    @property
    def frozen(self) -> bool:
        """Whether time stands still until it is advanced."""
        return self._frozen_ms is not None

    @property
    def ahead_ms(self) -> int:
        """Milliseconds by which it is ahead of real time now, also while it stands still."""
        return self.offset_ms if self._frozen_ms is None else self._frozen_ms - _real_ms()

    def now_ms(self) -> int:
        """Milliseconds since 1970-01-01 UTC on the sandbox's clock."""
        return _real_ms() + self.offset_ms if self._frozen_ms is None else self._frozen_ms

    def advance(self, seconds: float) -> None:
        """Move the clock forward by `seconds`, whether or not it stands still.

        Raises:
            ValueError: `seconds` is negative.
        """
        if seconds < 0:
            raise ValueError("the clock only moves forward: give seconds of 0 or more")
        if self._frozen_ms is None:
            self.offset_ms += round(seconds * 1000)
        else:
            self._frozen_ms += round(seconds * 1000)

    def freeze(self) -> None:
        """Let time stand still."""
        self._frozen_ms = self.now_ms()

    def run(self) -> None:
        """Let time run on from where it stands."""
        self.offset_ms = self.now_ms() - _real_ms()
        self._frozen_ms = None

    def reset(self) -> None:
        """Return to real time."""
        self.offset_ms = 0
        self._frozen_ms = None


def _real_ms() -> int:
    return time.time_ns() // 1_000_000


def iso(ms: int | None) -> str | None:
    """`ms` since 1970 as ISO 8601 in UTC with milliseconds, such as 2026-11-21T18:44:00.123Z."""
    if ms is None:
        return None
    whole, rest = divmod(ms, 1000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)) + f".{rest:03d}Z"
