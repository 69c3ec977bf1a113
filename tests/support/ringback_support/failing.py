"""A disk that is full from one named step on, and what must be true of a ledger that failed."""

from __future__ import annotations

import resource
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from ringback import steps
from ringback.errors import LedgerError
from ringback_support.installation import rows

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator
    from pathlib import Path


class FullDisk:
    """From the step on every write to a file fails, as on a full disk; what is stored already stays readable."""

    def __init__(self, step: str) -> None:
        self._step = step
        self._before = resource.getrlimit(resource.RLIMIT_FSIZE)
        self.seen: list[str] = []
        self.is_full = False

    def reached(self, step: str) -> None:
        self.seen.append(step)
        if step == self._step and not self.is_full:
            self.is_full = True
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, self._before[1]))

    def mend(self) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, self._before)


@contextmanager
def full_disk(step: str) -> Iterator[FullDisk]:
    """A disk that is full from `step` on, and mended at the end."""
    disk = FullDisk(step)
    steps.listener = disk.reached
    try:
        yield disk
    finally:
        steps.listener = None
        disk.mend()


def is_whole(home: Path) -> bool:
    """Whether the file is sound, and each row has the events of its status."""
    (word,) = rows(home, "PRAGMA integrity_check")[0]
    untold = rows(
        home,
        "SELECT id FROM outbound AS o WHERE status IS NOT"
        " (SELECT status FROM event WHERE outbound_id = o.id ORDER BY seq DESC LIMIT 1)",
    )
    return word == "ok" and untold == []


def statuses(home: Path) -> list[str]:
    return [status for (status,) in rows(home, "SELECT status FROM outbound ORDER BY seq")]


async def fails(wish: Awaitable[Any]) -> LedgerError:
    """The error of a call that the ledger stood in the way of, with what to do."""
    with pytest.raises(LedgerError) as caught:
        await wish
    assert caught.value.hint
    return caught.value
