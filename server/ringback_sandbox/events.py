import asyncio
from collections.abc import AsyncIterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .model import Outbound, Reply

# A page that reads nothing for this many changes is cut off; it reloads everything when it comes back.
_QUEUE = 1_000

Change = tuple[int, str, Any]


class Hub:
    """Hands every change to all open event streams.

    Attributes:
        seq: The number of the last change.
        closing: Set once the process ends: streams and held connections let go at once.
    """

    def __init__(self) -> None:
        self.closing = asyncio.Event()
        self.seq = 0
        self._queues: set[asyncio.Queue[Change | None]] = set()

    @property
    def listeners(self) -> int:
        """How many streams are open."""
        return len(self._queues)

    def publish(self, kind: str, item: Any) -> None:
        """Tell all streams that `item`, ready for JSON, is new or changed."""
        self.seq += 1
        for queue in tuple(self._queues):
            try:
                queue.put_nowait((self.seq, kind, item))
            except asyncio.QueueFull:
                self._queues.discard(queue)
                queue.get_nowait()
                queue.put_nowait(None)

    @contextmanager
    def _subscription(self) -> "Iterator[asyncio.Queue[Change | None]]":
        queue: asyncio.Queue[Change | None] = asyncio.Queue(_QUEUE)
        self._queues.add(queue)
        try:
            yield queue
        finally:
            self._queues.discard(queue)

    async def changes(self) -> AsyncIterator[Change]:
        """Every change from now on, until the process ends or the reader falls too far behind.

        The first one is a `hello`: what is fetched after it cannot miss a change.
        """
        with self._subscription() as queue:
            yield (self.seq, "hello", None)
            while not self.closing.is_set() and (change := await queue.get()) is not None:
                yield change

    def close(self) -> None:
        """End all streams."""
        self.closing.set()
        for queue in tuple(self._queues):
            self._queues.discard(queue)
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(None)


class Watcher(Protocol):
    """A dialect's own way to tell its clients of what happens by itself."""

    def reached(self, item: "Outbound", at_ms: int) -> None:
        """`item` reached the status that it had at `at_ms`, or keys were pressed then."""
        ...

    def received(self, reply: "Reply") -> None:
        """A text came in."""
        ...

    def forget(self) -> None:
        """Drop all that has not left yet."""
        ...

    async def close(self) -> None:
        """Drop all that has not left yet, and close connections."""
        ...
