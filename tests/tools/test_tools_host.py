"""The installation behind a running server: tended without a pause, opened anew when key or ledger changed."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from tests.tools.support import ERAS, LIMIT_S, TO, Reader, in_seconds, receipt_of, text_of, yes
from tests.tools.wire import bare

from ringback.approvals import Answer
from ringback.errors import LedgerError
from ringback.ledger.records import Choice, Level
from ringback.model.outbound import Channel
from ringback.rotation import rotate
from ringback.settings import load_settings
from ringback_server import host as hosting
from ringback_server.host import Host

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import mcp_types as types
    from tests.tools.support import House

    from ringback.opening import Ringback

WISH = {"to": TO, "body": "shall I?"}
YES = Answer(Choice.ONCE, Level.A2, "page")
DAMAGE = b"this is no database " * 400


async def nobody(_: str) -> None:
    """Who is told of changes and does nothing."""


async def test_what_is_due_together_goes_out_without_a_pause_between_shares(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hosting, "_TEND_S", 3600.0)  # the next regular round is an hour away
    count = 150
    told: set[str] = set()
    async with house.opened() as opened:
        await opened.person.allow(TO, Channel.SMS, level=Level.A2, via="page", seconds=3600, count=count)
        at = in_seconds(house, 60)
        ids = {(await opened.telephone.send_sms(TO, f"text {n}", send_at=at)).id for n in range(count)}
        house.clock.offset_s = 61
        everything = asyncio.Event()

        async def publish(outbound_id: str) -> None:
            told.add(outbound_id)
            if len(told) == count:
                everything.set()

        host = house.host()
        async with host.using():  # so that it begins at once
            tending = asyncio.create_task(host.tend(publish))
            async with asyncio.timeout(LIMIT_S):
                await everything.wait()
            tending.cancel()
            await asyncio.wait([tending])
        await host.aclose()
    assert told == ids
    assert len(house.texts()) == len(set(house.texts())) == count


@pytest.mark.parametrize("mode", ERAS)
async def test_a_key_rotated_while_the_server_runs_is_picked_up_and_no_call_fails(house: House, mode: str) -> None:
    async with house.client(mode) as client:
        waiting = receipt_of(await client.call_tool("send-sms", WISH))
        rotate(load_settings())
        (item,) = receipt_of(await client.call_tool("history", {}))["items"]
        again = receipt_of(await client.call_tool("status", {"id": waiting["id"]}))
        async with house.opened() as page:
            await page.person.answer(waiting["id"], YES)
        sent = receipt_of(await client.call_tool("status", {"id": waiting["id"]}))
    assert item["id"] == again["id"] == waiting["id"]
    assert sent["status"] == "queued"
    assert house.texts() == ["shall I?"]


async def test_what_was_scheduled_goes_at_its_time_though_the_key_was_rotated_before(house: House) -> None:
    async with house.client(answer=Reader()) as client:
        wish = {**WISH, "send_at": in_seconds(house, 120)}
        scheduled = receipt_of(await client.call_tool("send-sms", wish))
        rotate(load_settings())
        house.clock.offset_s = 121
        async with house.opened() as other:  # asks without a call of this server
            assert (await other.telephone.status(scheduled["id"], wait_s=25)).status == "queued"
    assert house.texts() == ["shall I?"]


@pytest.mark.parametrize("mode", ERAS)
async def test_a_key_rotated_while_the_person_reads_sends_nothing_and_the_next_question_counts(
    house: House, mode: str
) -> None:
    class Slow(Reader):
        async def __call__(self, context: object, params: types.ElicitRequestFormParams) -> types.ElicitResult:
            if not self.shown:
                rotate(load_settings())
            return await super().__call__(context, params)

    async with house.client(mode, Slow()) as client:
        first = await client.call_tool("send-sms", WISH)
        assert first.is_error or receipt_of(first)["status"] == "awaiting_approval"
        assert house.posts() == []
        second = receipt_of(await client.call_tool("send-sms", WISH))
    assert second["status"] == "queued"
    assert house.texts() == ["shall I?"]


async def test_what_was_sealed_under_the_old_key_does_not_count_under_the_new_one(house: House) -> None:
    async with bare(house) as client:
        state = (await client.call("send-sms", WISH))["requestState"]
        rotate(load_settings())
        await client.call("history", {})  # by now the server has the new key
        told = await client.call("send-sms", WISH, requestState=state, inputResponses=yes())
        assert "Invalid or expired requestState" in told["message"]
        asked = await client.call("send-sms", WISH)
        sent = await client.call("send-sms", WISH, requestState=asked["requestState"], inputResponses=yes())
    assert sent["structuredContent"]["status"] == "queued"
    assert len(house.posts()) == 1


@pytest.mark.parametrize("mode", ERAS)
async def test_a_ledger_that_fails_is_told_to_every_call_and_works_again_once_it_is_mended(
    house: House, mode: str
) -> None:
    async with house.client(mode) as client:
        waiting = receipt_of(await client.call_tool("send-sms", WISH))
        ledger = house.home / "ledger.db"
        async with house.opened() as opened:
            opened.ledger.database.truncate_wal()
        whole = ledger.read_bytes()
        ledger.write_bytes(DAMAGE)
        for _ in range(2):
            told = await client.call_tool("history", {})
            assert told.is_error
            assert text_of(told).startswith("[ledger] ")
        ledger.write_bytes(whole)
        (item,) = receipt_of(await client.call_tool("history", {}))["items"]
    assert item["id"] == waiting["id"]
    assert house.posts() == []


async def test_an_error_that_lasts_is_logged_once_and_another_one_once_more(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for pause in ("_RETRY_S", "_START_BY_ITSELF_S", "_POLL_S"):
        monkeypatch.setattr(hosting, pause, 0.001)
    problem = "The disk is full."
    tried: asyncio.Queue[str] = asyncio.Queue()
    works = asyncio.Event()

    @asynccontextmanager
    async def failing() -> AsyncIterator[Ringback]:
        if problem:
            tried.put_nowait(problem)
            raise LedgerError(problem)
        async with house.opened() as opened:
            works.set()
            yield opened

    async def rounds(count: int) -> None:
        while count:
            count -= await tried.get() == problem

    host = Host(open_with=failing)
    with caplog.at_level(logging.WARNING):
        tending = asyncio.create_task(host.tend(nobody))
        async with asyncio.timeout(LIMIT_S):
            await rounds(20)
            problem = "The ledger is locked."
            await rounds(20)
            problem = ""
            await works.wait()
        tending.cancel()
        await asyncio.wait([tending])
    await host.aclose()
    told = [record.getMessage() for record in caplog.records if record.name == hosting.__name__]
    assert told == [
        f"the installation cannot be tended: {what}" for what in ("The disk is full.", "The ledger is locked.")
    ]


async def test_who_uses_an_opening_that_is_given_up_keeps_it_until_it_is_done(house: House) -> None:
    host = house.host()
    async with host.using() as before:
        rotate(load_settings())
        async with host.using() as after:
            assert after is not before
            assert after.keyring.fingerprint != before.keyring.fingerprint
            for _ in range(20):  # what would close it comes to its turn
                await asyncio.sleep(0)
            assert before.ledger.database.peek_meta("key") == after.keyring.fingerprint
        async with host.using() as again:
            assert again is after
    await host.aclose()
    for closed in (before, after):
        with pytest.raises(LedgerError):
            closed.ledger.database.peek_meta("key")


async def test_an_opening_whose_ledger_failed_is_not_used_again(house: House) -> None:
    host = house.host()
    before: Ringback | None = None
    with pytest.raises(LedgerError):
        async with host.using() as before:
            raise LedgerError("The disk is full.")
    async with host.using() as after, host.using() as again:
        assert before is not after is again
    assert host.openings == 2
    await host.aclose()


async def test_a_ledger_that_was_restored_from_a_copy_is_used_and_not_the_one_that_was_replaced(house: House) -> None:
    async with house.client() as client:
        kept = receipt_of(await client.call_tool("send-sms", {**WISH, "body": "in the copy"}))
        async with house.opened() as opened:
            opened.ledger.database.truncate_wal()
        copy = house.home / "copy.db"
        copy.write_bytes((house.home / "ledger.db").read_bytes())
        await client.call_tool("send-sms", {**WISH, "body": "not in the copy"})
        copy.replace(house.home / "ledger.db")
        for leftover in house.home.glob("ledger.db-*"):
            leftover.unlink()
        new = receipt_of(await client.call_tool("send-sms", {**WISH, "body": "after it"}))
        shown = receipt_of(await client.call_tool("history", {}))["items"]
    async with house.opened() as opened:
        stored = (await opened.telephone.history()).items
    assert [item["id"] for item in shown] == [item.id for item in stored] == [new["id"], kept["id"]]


async def test_a_resource_that_the_ledger_cannot_give_is_not_told_as_missing(house: House) -> None:
    async with bare(house) as client:
        waiting: dict[str, Any] = await client.call("send-sms", {**WISH, "body": "x"})
        assert waiting
        (item,) = (await client.call("history", {}))["structuredContent"]["items"]
        async with house.opened() as opened:
            opened.ledger.database.truncate_wal()
        (house.home / "ledger.db").write_bytes(DAMAGE)
        uri = f"ringback://outbound/{item['id']}"
        told = await client.answer(await client.request("resources/read", {"uri": uri}))
    assert told["error"]["code"] == -32603
    assert "ledger" in told["error"]["message"].lower()
