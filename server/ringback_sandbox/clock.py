import time


class Clock:
    """The sandbox's only source of time: real time plus an offset that callers may grow.

    Attributes:
        offset_ms: Milliseconds by which the sandbox runs ahead of real time.
    """

    def __init__(self, offset_ms: int = 0) -> None:
        self.offset_ms = offset_ms

    def now_ms(self) -> int:
        """Milliseconds since 1970-01-01 UTC on the sandbox's clock."""
        return time.time_ns() // 1_000_000 + self.offset_ms

    def advance(self, seconds: float) -> None:
        """Move the clock forward by `seconds`.

        Raises:
            ValueError: `seconds` is negative.
        """
        if seconds < 0:
            raise ValueError("the clock only moves forward: give seconds of 0 or more")
        self.offset_ms += round(seconds * 1000)

    def reset(self) -> None:
        """Return to real time."""
        self.offset_ms = 0


def iso(ms: int | None) -> str | None:
    """`ms` since 1970 as ISO 8601 in UTC with milliseconds, such as 2026-11-21T18:44:00.123Z."""
    if ms is None:
        return None
    whole, rest = divmod(ms, 1000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)) + f".{rest:03d}Z"
