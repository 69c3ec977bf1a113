"""What went neither well nor clearly wrong: put off, in doubt, settled by a person; and that a model reads which."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.tools.support import ERAS, TO, Reader, in_seconds, receipt_of, text_of

if TYPE_CHECKING:
    from tests.tools.support import House


async def tend(house: House) -> None:
    """What another server of the same installation would do now."""
    async with house.opened() as opened:
        await opened.telephone.tend()


@pytest.mark.parametrize("mode", ERAS)
async def test_a_scheduled_one_that_the_carrier_puts_off_says_why_and_goes_later_once(house: House, mode: str) -> None:
    async with house.client(mode, Reader()) as client:
        wish = {"to": TO, "body": "put off", "send_at": in_seconds(house, 60)}
        outbound = receipt_of(await client.call_tool("send-sms", wish))["id"]
        house.sandbox.post("/sandbox/faults", {"next": 1000, "kind": "429"})
        house.clock.offset_s = 61
        await tend(house)
        put_off = await client.call_tool("status", {"id": outbound})
        assert house.texts() == []
        house.sandbox.post("/sandbox/faults", {"next": 0})
        house.clock.offset_s = 90
        await tend(house)
        gone = receipt_of(await client.call_tool("status", {"id": outbound}))
    receipt = receipt_of(put_off)
    assert (receipt["status"], receipt["reason"]) == ("scheduled", "carrier_rate_limited")
    assert "reason carrier_rate_limited" in text_of(put_off)
    assert "not sent yet" in text_of(put_off)
    assert gone["status"] == "queued"
    assert house.texts() == ["put off"]


@pytest.mark.parametrize("mode", ERAS)
async def test_one_that_was_put_off_can_still_be_cancelled(house: House, mode: str) -> None:
    async with house.client(mode, Reader()) as client:
        wish = {"to": TO, "body": "put off", "send_at": in_seconds(house, 60)}
        outbound = receipt_of(await client.call_tool("send-sms", wish))["id"]
        house.sandbox.post("/sandbox/faults", {"next": 1000, "kind": "429"})
        house.clock.offset_s = 61
        await tend(house)
        cancelled = receipt_of(await client.call_tool("cancel", {"id": outbound}))
        house.sandbox.post("/sandbox/faults", {"next": 0})
        house.clock.offset_s = 90
        await tend(house)
    assert cancelled["status"] == "cancelled"
    assert house.texts() == []


@pytest.mark.parametrize(("sent", "status"), [(True, "sent"), (False, "failed")])
@pytest.mark.parametrize("mode", ERAS)
async def test_a_doubt_is_told_as_one_until_a_person_settles_it(
    house: House, mode: str, sent: bool, status: str
) -> None:
    house.sandbox.post("/sandbox/faults", {"next": 1, "kind": "reset"})
    async with house.client(mode, Reader()) as client, house.opened() as page:
        result = await client.call_tool("send-sms", {"to": TO, "body": "did it?"})
        doubtful = receipt_of(result)
        again = receipt_of(await client.call_tool("send-sms", {"to": TO, "body": "did it?"}))
        await page.person.resolve(doubtful["id"], sent=sent)
        settled = await client.call_tool("status", {"id": doubtful["id"]})
        (item,) = receipt_of(await client.call_tool("history", {}))["items"]
    assert doubtful["status"] == again["status"] == "unknown"
    assert again["id"] == doubtful["id"]
    assert "It may or may not have gone out" in text_of(result)
    assert "Do not send it again" in text_of(result)
    assert receipt_of(settled)["status"] == item["status"] == status
    assert "a person found out" in text_of(settled)
    assert len(house.posts()) == 1
