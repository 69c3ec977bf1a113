"""The telephone end to end: real processes, MCP's own client, a real browser, and the bytes on the disk."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from tests.tools import support
from tests.tools.support import (
    ERAS,
    MODERN,
    NAMES,
    SENDING,
    TO,
    Reader,
    arguments_of,
    files_of,
    receipt_of,
    sent_by,
    traces,
    yes,
)
from tests.tools.wire import Wire, asks

if TYPE_CHECKING:
    from tests.conftest import OpenHandset, Sandbox
    from tests.tools.support import House

carrier = support.carrier
house = support.house

BOTH_ERAS = ["2025-11-25", MODERN]
NEVER_REACHED = (
    *("911", "+19005551234", "+881612345678", "+1212555CALL", "5551234567", "tel:+14155552671;ext=9"),
    *("+1911", "+80012345678", "72345", "+14155552671,+14155552672", ""),
)


@pytest.mark.parametrize("mode", ERAS)
async def test_mcps_own_client_lists_and_calls_the_tools_over_stdio(house: House, mode: str) -> None:
    person = Reader()
    async with house.stdio(mode, person) as client:
        assert tuple(tool.name for tool in (await client.list_tools()).tools) == NAMES
        assert receipt_of(await client.call_tool("check-telephony", {}))["enabled"] is True
        sent = [receipt_of(await client.call_tool(tool, arguments_of(tool, f"by {tool}"))) for tool in SENDING]
        house.sandbox.advance(40)
        ends = [receipt_of(await client.call_tool("status", {"id": item["id"], "wait": 5}))["status"] for item in sent]
        history = receipt_of(await client.call_tool("history", {}))["items"]
        late = await client.call_tool("cancel", {"id": sent[0]["id"]})
    assert ends == ["delivered", "delivered", "no_answer"]
    assert [item["id"] for item in history] == [item["id"] for item in reversed(sent)]
    assert late.is_error
    assert len(person.shown) == 3
    assert house.texts() == [sent_by(tool, f"by {tool}") for tool in SENDING]


@pytest.mark.parametrize("era", BOTH_ERAS)
def test_numbers_that_nobody_may_reach_never_reach_the_carrier(house: House, era: str) -> None:
    with Wire(house, era=era) as wire:
        for number in NEVER_REACHED:
            for tool in SENDING:
                told = wire.call(tool, arguments_of(tool, "shall I?", number))
                assert told["isError"], number
                assert "Next: " in told["content"][0]["text"]
        assert wire.call("history", {})["structuredContent"]["items"] == []
    assert house.posts() == []


@pytest.mark.parametrize("telephony", ["disabled", "unreachable-check", "hang-check"])
def test_with_telephony_off_or_its_check_unanswered_nothing_is_sent(
    house: House, telephony: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RINGBACK_READ_TIMEOUT_S", "0.5")
    house.sandbox.post("/sandbox/faults", {"telephony": telephony})
    with Wire(house) as wire:
        for tool in SENDING:
            told = wire.call(tool, arguments_of(tool, "shall I?"))
            expected = "[not_enabled]" if telephony == "disabled" else "[enabled_unknown]"
            assert told["isError"]
            assert told["content"][0]["text"].startswith(expected)
        line = wire.call("check-telephony", {})
    assert line.get("isError") or line["structuredContent"]["enabled"] is False
    assert house.posts() == []


async def test_the_same_call_twice_over_stdio_is_one_message_whichever_client_repeats_it(house: House) -> None:
    for mode in ERAS:
        async with house.stdio(mode, Reader()) as client:
            for _ in range(2):
                await client.call_tool("send-sms", {"to": TO, "body": "once"})
    assert house.texts() == ["once"]
    assert len(house.posts()) == 1


@pytest.mark.browser
def test_a_real_browser_shows_the_text_and_a_call_answered_there_comes_back_with_its_key(
    house: House, carrier: Sandbox, open_handset: OpenHandset
) -> None:
    carrier.post("/sandbox/clock", {"frozen": False})
    page = open_handset(carrier)

    async def text_and_call() -> dict[str, Any]:
        async with house.stdio("auto", Reader()) as client:
            await client.call_tool("send-sms", {"to": TO, "body": "Your table is ready at seven."})
            prompt = {"to": TO, "prompt": "Press 1 to confirm the table."}
            call = receipt_of(await client.call_tool("voice-call", prompt))
            return receipt_of(await client.call_tool("status", {"id": call["id"], "wait": 25}))

    with ThreadPoolExecutor() as pool:
        told = pool.submit(asyncio.run, text_and_call())
        page.get_by_test_id("answer").click()
        assert page.get_by_test_id("captions").text_content() == sent_by("voice-call", "Press 1 to confirm the table.")
        page.get_by_test_id("key-1").click()
        page.get_by_test_id("digits").filter(has_text="1").wait_for()
        page.get_by_role("button", name="Hang up").click()
        call = told.result(timeout=support.LIMIT_S)
    assert (call["status"], call["keys"]) == ("completed", "1")
    page.get_by_test_id("thread").click()
    page.get_by_test_id("bubble").filter(has_text="Your table is ready at seven.").wait_for()


def test_after_all_of_it_no_file_and_no_log_holds_a_number_or_a_text(house: House) -> None:
    text, url = "The blue door; ring twice & wait", "https://media.example/blue-door.png?x=1"
    numbers = [TO, "+15550100005", "+15550100006", "+15550100009", "+15550100001"]
    logs: dict[str, bytes] = {}
    for era in BOTH_ERAS:
        with Wire(house, era=era) as wire:
            for number in [*numbers, "+19005551234", "tel:+14155552671;ext=9"]:
                for answer in (yes(number[-4:]), {"approval": {"action": "decline"}}, yes("9999", "day")):
                    wish = {"to": number, "body": f"{text}, {answer}", "media_url": url}
                    send(wire, era, wish, answer)
            assert wire.call("history", {})["structuredContent"]["items"]
            wire.call("send-sms", {"to": TO, "body": text, TO: text})
            wire.call(f"send {TO}", {"body": text})
            wire.ask("tools/call", {"name": "send-sms", "arguments": text})
            wire.ask("resources/read", {"uri": f"ringback://outbound/{TO}"})
            wire.ask("prompts/get", {"name": text, "arguments": {TO: text}})
            wire.process.stdin.write(f'{{"method": "{TO} {text}"\n'.encode())
            wire.ask("tools/list")
            logs[f"log of {era}"] = wire.end()[1].encode()
    with Wire(house, elicitation=None) as wire:  # and with the person's page running
        assert wire.call("send-sms", {"to": TO, "body": text})["structuredContent"]["approve_at"]
        logs["log with page"] = wire.end()[1].encode()
    kept = files_of(house.home)
    assert {"ledger.db", "key", "console/console.log"} <= set(kept)
    secrets = (*numbers, "+19005551234", "+14155552671", text, url)
    assert traces({**kept, **logs}, *secrets) == []
    platform = {"the sandbox": str(house.sandbox.requests()).encode()}
    assert len(traces(platform, TO, text)) >= 2  # the search finds what is there


def send(wire: Wire, era: str, wish: dict[str, Any], answer: dict[str, Any]) -> None:
    """Send a picture and answer the question, if there is one, in the way of the era."""
    if era == MODERN:
        asked = wire.call("send-mms", wish)
        if "requestState" in asked:
            wire.call("send-mms", wish, requestState=asked["requestState"], inputResponses=answer)
        return
    call = wire.request("tools/call", {"name": "send-mms", "arguments": wish})
    message = wire.until(lambda message: asks(message) or message.get("id") == call)
    if asks(message):
        wire.put({"id": message["id"], "result": answer["approval"]})
        wire.answer(call)
