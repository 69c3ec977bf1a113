"""News without asking: progress while a wait lasts, and resource updates in both eras, whoever made the change."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import mcp_types as types
import pytest
from mcp import Client
from mcp.client.subscriptions import ResourceUpdated
from mcp.shared.exceptions import MCPDeprecationWarning
from tests.tools.support import ERAS, LIMIT_S, TO, in_seconds, receipt_of

from ringback.approvals import Answer
from ringback.ledger.records import Choice, Level
from ringback_server.mcp_app import build_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from tests.tools.support import House

WISH = {"to": TO, "body": "news of this"}


@asynccontextmanager
async def following(
    house: House, mode: str, wish: dict[str, Any] = WISH
) -> AsyncIterator[tuple[Client, str, Callable[[], Awaitable[str]]]]:
    """A client that follows one waiting outbound: itself, the outbound's id, and what waits for the next update."""
    updates: asyncio.Queue[str] = asyncio.Queue()

    async def on_message(message: Any) -> None:
        if isinstance(message, types.ResourceUpdatedNotification):
            updates.put_nowait(str(message.params.uri))

    async with Client(build_server(house.host()), mode=mode, message_handler=on_message) as client:
        outbound = receipt_of(await client.call_tool("send-sms", wish))["id"]
        uri = f"ringback://outbound/{outbound}"
        if mode == "legacy":
            with pytest.warns(MCPDeprecationWarning):
                await client.subscribe_resource(uri)
            yield client, outbound, updates.get
            return
        async with client.listen(resource_subscriptions=[uri, "ringback://outbound/ob_other"]) as subscription:

            async def next_update() -> str:
                event = await anext(subscription)
                assert isinstance(event, ResourceUpdated)
                return event.uri

            yield client, outbound, next_update


async def drained(client: Client, outbound: str, next_update: Callable[[], Awaitable[str]], status: str) -> None:
    """Read the receipt at each update, and at nothing else, until it has this status."""
    async with asyncio.timeout(LIMIT_S):
        while True:
            assert await next_update() == f"ringback://outbound/{outbound}"
            (content,) = (await client.read_resource(f"ringback://outbound/{outbound}", cache_mode="bypass")).contents
            if f'"status": "{status}"' in content.text:
                return


@pytest.mark.parametrize("mode", ERAS)
async def test_a_change_that_the_same_client_makes_is_told(house: House, mode: str) -> None:
    async with following(house, mode) as (client, outbound, next_update):
        await client.call_tool("cancel", {"id": outbound})
        await drained(client, outbound, next_update, "cancelled")


@pytest.mark.parametrize("mode", ERAS)
async def test_an_approval_in_another_process_sends_it_and_is_told_to_the_end(house: House, mode: str) -> None:
    async with following(house, mode) as (client, outbound, next_update), house.opened() as page:
        await page.person.answer(outbound, Answer(Choice.ONCE, Level.A2, "page"))
        house.sandbox.advance(5)
        await drained(client, outbound, next_update, "delivered")
    assert house.texts() == ["news of this"]


@pytest.mark.parametrize("mode", ERAS)
async def test_an_expiry_is_told_though_nobody_asks(house: House, mode: str) -> None:
    async with following(house, mode) as (client, outbound, next_update):
        house.clock.offset_s = 601
        await drained(client, outbound, next_update, "expired")
    assert house.posts() == []


@pytest.mark.parametrize("mode", ERAS)
async def test_a_scheduled_one_is_told_when_it_goes_out_at_its_time(house: House, mode: str) -> None:
    wish = {**WISH, "send_at": in_seconds(house, 120)}
    async with following(house, mode, wish) as (client, outbound, next_update), house.opened() as page:
        await page.person.answer(outbound, Answer(Choice.ONCE, Level.A2, "page"))
        await drained(client, outbound, next_update, "scheduled")
        assert house.posts() == []
        house.clock.offset_s = 121
        await drained(client, outbound, next_update, "queued")
    assert house.texts() == ["news of this"]


async def test_news_of_one_outbound_is_not_told_to_who_follows_another(house: House) -> None:
    async with following(house, "auto") as (client, outbound, next_update):
        other = receipt_of(await client.call_tool("send-sms", {**WISH, "body": "another"}))["id"]
        await client.call_tool("cancel", {"id": other})
        await client.call_tool("cancel", {"id": outbound})
        async with asyncio.timeout(LIMIT_S):
            assert await next_update() == f"ringback://outbound/{outbound}"


@pytest.mark.filterwarnings("ignore::mcp.MCPDeprecationWarning")  # the old era's way is what is tested
async def test_who_unsubscribes_hears_no_more(house: House) -> None:
    heard: set[str] = set()
    told = asyncio.Event()

    async def on_message(message: Any) -> None:
        if isinstance(message, types.ResourceUpdatedNotification):
            heard.add(str(message.params.uri))
            told.set()

    async with Client(build_server(house.host()), mode="legacy", message_handler=on_message) as client:
        ids = [receipt_of(await client.call_tool("send-sms", {"to": TO, "body": f"{n}"}))["id"] for n in range(2)]
        left, kept = [f"ringback://outbound/{outbound}" for outbound in ids]
        await client.subscribe_resource(left)
        await client.subscribe_resource(kept)
        await client.unsubscribe_resource(left)
        for outbound in ids:
            await client.call_tool("cancel", {"id": outbound})
        async with asyncio.timeout(LIMIT_S):
            await told.wait()
    assert heard == {kept}


@pytest.mark.parametrize("mode", ERAS)
async def test_a_wait_tells_its_progress_and_returns_when_a_person_answers_elsewhere(house: House, mode: str) -> None:
    told: list[tuple[float, float | None]] = []
    first = asyncio.Event()

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, total))
        first.set()

    async with house.client(mode) as client, house.opened() as page:
        outbound = receipt_of(await client.call_tool("send-sms", WISH))["id"]
        wait = {"id": outbound, "wait": 25}
        waiting = asyncio.create_task(client.call_tool("status", wait, progress_callback=on_progress))
        async with asyncio.timeout(LIMIT_S):
            await first.wait()
            await page.person.answer(outbound, Answer(Choice.NO, Level.A2, "page"))
            receipt = receipt_of(await waiting)
    assert receipt["status"] == "declined"
    assert told[0] == (0.0, 25.0)
    assert told == sorted(told)


async def test_a_wait_that_brings_nothing_ends_in_time_with_what_is_so(house: House) -> None:
    async with house.client() as client:
        outbound = receipt_of(await client.call_tool("send-sms", WISH))["id"]
        async with asyncio.timeout(LIMIT_S):
            receipt = receipt_of(await client.call_tool("status", {"id": outbound, "wait": 0.5}))
    assert receipt["status"] == "awaiting_approval"
