"""A conversation that a person has taken over, as a model meets it: refused, told why, and shown what is by hand."""

from __future__ import annotations

import pytest
from jsonschema import validate
from tests.tools.support import ERAS, SENDING, TO, House, Reader, arguments_of, receipt_of, sent_by, text_of

from ringback import tools as native_tools
from ringback.ledger.records import Level

BY_HAND = "It is me, in person."


async def take_over(house: House, *, write: str = "") -> None:
    """A person takes over in another process, and may write by hand."""
    async with house.opened() as opened:
        await opened.person.conversations.take_over(TO, via="page")
        if write:
            await opened.person.conversations.write(TO, write, level=Level.A2, via="page")


@pytest.mark.parametrize("mode", ERAS)
@pytest.mark.parametrize("tool", SENDING)
async def test_every_send_into_it_is_refused_with_the_reason_and_asks_nobody(
    house: House, mode: str, tool: str
) -> None:
    person = Reader()
    async with house.client(mode, person) as client:
        await take_over(house)
        refused = await client.call_tool(tool, arguments_of(tool, "May I?"))
        assert refused.is_error
        assert text_of(refused).startswith("[human_takeover] A person has taken over")
        assert "Stay silent towards them" in text_of(refused)
        assert TO not in text_of(refused)
        async with house.opened() as opened:
            await opened.person.conversations.give_back(TO)
        assert not (await client.call_tool(tool, arguments_of(tool, "May I now?"))).is_error
    assert len(person.shown) == 1
    assert house.texts() == [sent_by(tool, "May I now?")]


@pytest.mark.parametrize("mode", ERAS)
async def test_what_was_cancelled_and_what_is_by_hand_stand_in_history_as_such(house: House, mode: str) -> None:
    async with house.client(mode) as client:
        schema = next(tool.output_schema for tool in (await client.list_tools()).tools if tool.name == "history")
        waiting = receipt_of(await client.call_tool("send-sms", arguments_of("send-sms", "May I?")))
        await take_over(house, write=BY_HAND)
        told = receipt_of(await client.call_tool("status", {"id": waiting["id"]}))
        result = await client.call_tool("history", {})
    assert (told["status"], told["reason"]) == ("cancelled", "human_takeover")
    hand, agent = receipt_of(result)["items"]
    validate(receipt_of(result), schema)
    assert hand["by_hand"] is True
    assert "by_hand" not in agent
    assert (agent["id"], agent["reason"]) == (waiting["id"], "human_takeover")
    first, second = (line for line in text_of(result).splitlines() if line.startswith("id "))
    assert " · by_hand True · " in first
    assert "by_hand" not in second
    assert BY_HAND not in f"{result}"
    assert TO not in f"{result}"


async def test_a_framework_without_mcp_is_refused_and_sees_the_same(house: House) -> None:
    await take_over(house, write=BY_HAND)
    async with house.opened() as opened:
        native = {tool.name: tool for tool in native_tools(opened.telephone)}
        for tool in SENDING:
            assert (await native[tool].call(arguments_of(tool, "May I?")))["error"]["code"] == "human_takeover"
        (item,) = (await native["history"].call({}))["items"]
    assert item["by_hand"] is True
    assert BY_HAND not in f"{item}"
    assert house.texts() == [BY_HAND]
