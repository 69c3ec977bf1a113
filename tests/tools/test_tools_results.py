"""What each tool gives back: text for a model, structure for a program, and both fit what was promised."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import validate
from tests.tools.support import DIGITS, ERAS, PAGE, SENDING, TO, Reader, arguments_of, receipt_of, sent_by, text_of

if TYPE_CHECKING:
    from mcp import Client
    from tests.tools.support import House


async def checked(client: Client, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Call a tool and hold its result against the schema that it was listed with."""
    schemas = {tool.name: tool.output_schema for tool in (await client.list_tools()).tools}
    result = await client.call_tool(name, arguments)
    receipt = receipt_of(result)
    validate(receipt, schemas[name])
    assert text_of(result)
    assert TO not in f"{result}"
    return receipt


@pytest.mark.parametrize("mode", ERAS)
async def test_check_telephony_tells_the_line_masked_and_where_the_handset_is(house: House, mode: str) -> None:
    async with house.client(mode) as client:
        line = await checked(client, "check-telephony", {})
    assert line["enabled"] is True
    assert line["live"] is False
    assert sorted(line["capabilities"]) == ["mms", "sms", "voice"]
    assert (line["carrier"], line["approval"], line["page"]) == ("sandbox", "A1", house.sandbox.url)
    assert line["number"] == "+1 ••• ••• 9999"


async def test_check_telephony_says_so_when_it_is_not_enabled(house: House) -> None:
    house.sandbox.post("/sandbox/faults", {"telephony": "disabled"})
    async with house.client() as client:
        line = await checked(client, "check-telephony", {})
    assert line["enabled"] is False
    assert "not enabled" in line["summary"]


@pytest.mark.parametrize("tool", SENDING)
@pytest.mark.parametrize("mode", ERAS)
async def test_a_send_without_somebody_to_ask_gives_a_waiting_receipt(house: House, mode: str, tool: str) -> None:
    async with house.client(mode) as client:
        receipt = await checked(client, tool, arguments_of(tool, "a text that waits"))
    assert receipt["status"] == "awaiting_approval"
    assert receipt["to"] == f"+1 ••• ••• {DIGITS}"
    assert receipt["approve_at"] == PAGE
    assert f"ringback approve {receipt['id']}" in receipt["next"]
    assert house.posts() == []


@pytest.mark.parametrize("tool", SENDING)
@pytest.mark.parametrize("mode", ERAS)
async def test_an_approved_send_gives_a_receipt_and_its_status_to_the_end(house: House, mode: str, tool: str) -> None:
    async with house.client(mode, Reader()) as client:
        receipt = await checked(client, tool, arguments_of(tool, "a text that goes"))
        assert (receipt["status"], receipt["approval"]) == ("queued", "A1")
        house.sandbox.advance(40)
        status = await checked(client, "status", {"id": receipt["id"]})
        page = await checked(client, "history", {})
    assert status["status"] == ("no_answer" if tool == "voice-call" else "delivered")
    assert page["items"] == [status]
    assert house.texts() == [sent_by(tool, "a text that goes")]


async def test_keys_that_were_pressed_come_back_in_status_and_in_history(house: House) -> None:
    async with house.client(answer=Reader()) as client:
        receipt = await checked(client, "voice-call", arguments_of("voice-call", "press a key"))
        call = house.sandbox.calls()[0]["id"]
        house.sandbox.advance(1)
        house.sandbox.post(f"/sandbox/calls/{call}/answer")
        house.sandbox.post(f"/sandbox/calls/{call}/keys", {"keys": "1#"})
        house.sandbox.post(f"/sandbox/calls/{call}/hangup")
        status = await checked(client, "status", {"id": receipt["id"], "wait": 5})
        page = await checked(client, "history", {})
    assert (status["status"], status["keys"]) == ("completed", "1#")
    assert page["items"][0]["keys"] == "1#"


async def test_history_pages_newest_first(house: House) -> None:
    async with house.client() as client:
        made = [(await checked(client, "send-sms", {"to": TO, "body": f"text {n}"}))["id"] for n in range(5)]
        first = await checked(client, "history", {"limit": 3})
        rest = await checked(client, "history", {"limit": 3, "cursor": first["cursor"]})
    assert [item["id"] for item in [*first["items"], *rest["items"]]] == made[::-1]
    assert "cursor" not in rest


async def test_an_empty_history_reads_as_one(house: House) -> None:
    async with house.client() as client:
        assert (await checked(client, "history", {}))["items"] == []
        assert "Nothing" in text_of(await client.call_tool("history", {}))


async def test_cancel_ends_what_waits_and_nobody_can_approve_it_any_more(house: House) -> None:
    async with house.client() as client:
        waiting = await checked(client, "send-sms", {"to": TO, "body": "not after all"})
        cancelled = await checked(client, "cancel", {"id": waiting["id"]})
        again = await checked(client, "cancel", {"id": waiting["id"]})
    assert cancelled["status"] == again["status"] == "cancelled"
    assert house.posts() == []


async def test_the_text_of_a_result_says_what_its_structure_says(house: House) -> None:
    async with house.client(answer=Reader()) as client:
        result = await client.call_tool("send-sms", {"to": TO, "body": "a text"})
    receipt, text = receipt_of(result), text_of(result)
    for name in ("id", "status", "to", "summary", "next"):
        assert receipt[name] in text
    assert "a text" not in json.dumps(receipt) + text
