"""What the console does by itself: what is due leaves, what came in is fetched, what counts is counted."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from tests.e2e.console.conftest import TO
from tests.e2e.console.desk import desk

from ringback.errors import CarrierUnavailable
from ringback.model.news import ReceivedText
from ringback_server.console import watch as watching
from ringback_server.console.watch import Counts, Watch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from tests.e2e.console.desk import Desk

HOUR = 3600.0
RETENTION_S = 30 * 86_400.0
LIMIT_S = 20


@pytest.fixture(autouse=True)
def _no_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pause ends by itself: what happens has a reason. The desk's clock does not wait between two looks."""
    monkeypatch.setattr(watching, "_LOOK_S", 1000.0)
    monkeypatch.setattr(watching, "_LONGEST_TEND_S", 1000.0)
    monkeypatch.setattr(watching, "_WATCHED_TEND_S", 1000.0)


@dataclass
class Watched:
    """A desk whose console watches, and how often the carrier was asked for what came in."""

    at: Desk
    watch: Watch
    asked: int = 0

    async def count(self, cursor: str | None) -> None:
        self.asked += 1


@asynccontextmanager
async def watched(home: Path) -> AsyncIterator[Watched]:
    async with desk(home, signed=False) as at:
        here = Watched(at, Watch(at.opened))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(at.carrier, "inbox", here.count)
            running = asyncio.create_task(here.watch.run())
            try:
                await until(lambda: here.asked > 0)  # it tended once, and pauses
                yield here
            finally:
                running.cancel()
                await asyncio.wait({running})


async def until(so: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not so():  # noqa: ASYNC110 - what is waited for tells no event
            await asyncio.sleep(0)


async def test_what_is_due_leaves_although_no_page_is_open(tmp_path: Path) -> None:
    async with watched(tmp_path) as here:
        await here.at.agreed("At its hour.", after_s=HOUR)
        await until(lambda: here.watch.counts.scheduled == 1)
        here.at.clock.advance(HOUR - 1)
        await until(lambda: here.watch.counts.scheduled == 1)
        assert here.at.carrier.sent == []
        here.at.clock.advance(1)
        await until(lambda: [sent.text for sent in here.at.carrier.sent] == ["At its hour."])
        await until(lambda: here.watch.counts.scheduled == 0)


async def test_an_open_page_has_the_carrier_asked_more_often(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "_WATCHED_TEND_S", 0.01)
    async with watched(tmp_path) as here:
        page = here.watch.changes()
        opening = asyncio.create_task(anext(page))
        asked = here.asked
        await until(lambda: here.asked > asked + 3)
        here.watch.close()
        with pytest.raises(StopAsyncIteration):
            await opening


async def test_a_text_that_came_in_and_one_that_was_erased_wake_the_open_pages(tmp_path: Path) -> None:
    async with watched(tmp_path) as here:
        page = here.watch.changes()
        opening = asyncio.create_task(anext(page))
        await asyncio.sleep(0)
        await here.at.opened.ledger.inbox.add("sandbox", ReceivedText("in-1", TO, "Hello?", 0.0))
        async with asyncio.timeout(LIMIT_S):
            assert await opening is True
            opening = asyncio.create_task(anext(page))
            await here.at.opened.person.forget(TO)
            assert await opening is True
        await page.aclose()


async def test_every_count_is_of_what_a_person_can_still_see(tmp_path: Path) -> None:
    async with watched(tmp_path) as here:
        here.at.carrier.troubles.append(CarrierUnavailable("reset"))
        await here.at.agreed("In doubt.")
        await here.at.agreed("Later.", after_s=HOUR)
        await here.at.opened.telephone.send_sms(TO, "A question.")
        await until(lambda: here.watch.counts == Counts(waiting=1, scheduled=1, doubtful=1))
        here.at.clock.advance(RETENTION_S + 1)
        await here.at.opened.telephone.tend()
        await here.at.opened.telephone.send_sms(TO, "Another question.")
        await until(lambda: here.watch.counts == Counts(waiting=1, scheduled=0, doubtful=0))
