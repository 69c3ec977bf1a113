"""The client's form, in both eras: a clear yes with the right digits sends one message, everything else sends none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import mcp_types as types
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from tests.tools import support
from tests.tools.support import DIGITS, ERAS, SENDING, TO, Reader, arguments_of, receipt_of, sent_by, yes
from tests.tools.wire import Wire, asks, bare

from ringback_server.mcp_app import build_server

if TYPE_CHECKING:
    from tests.tools.support import House

carrier = support.carrier
house = support.house

WISH = {"to": TO, "body": "shall I?"}
EXPIRY_S = 601

NO_YES: dict[str, tuple[dict[str, Any], str, str]] = {
    "declined": ({"action": "decline"}, "declined", "person_declined"),
    "closed": ({"action": "cancel"}, "cancelled", "question_dismissed"),
    "chose no": ({"choice": "no"}, "declined", "person_declined"),
    "chose no without digits": ({"choice": "no", "digits": None}, "declined", "person_declined"),
    "accepted an empty form": ({"choice": None, "digits": None}, "cancelled", "question_dismissed"),
    "wrong digits": ({"digits": "3210"}, "cancelled", "digits_did_not_match"),
    "wrong digits for a day": ({"choice": "day", "digits": "3210"}, "cancelled", "digits_did_not_match"),
    "no digits": ({"digits": None}, "cancelled", "digits_did_not_match"),
    "empty digits": ({"digits": ""}, "cancelled", "digits_did_not_match"),
    "too few digits": ({"digits": DIGITS[1:]}, "cancelled", "digits_did_not_match"),
    "the whole number": ({"digits": TO}, "cancelled", "digits_did_not_match"),
    "digits as a number": ({"digits": 123}, "cancelled", "digits_did_not_match"),
    "digits as a list": ({"digits": [DIGITS]}, "cancelled", "digits_did_not_match"),
    "full-width digits": ({"digits": "\uff10\uff11\uff12\uff13"}, "cancelled", "digits_did_not_match"),
    "digits with more behind": ({"digits": f"{DIGITS} "[::-1] + DIGITS}, "cancelled", "digits_did_not_match"),
    "no choice": ({"choice": None}, "cancelled", "question_dismissed"),
    "an unknown choice": ({"choice": "yes"}, "cancelled", "question_dismissed"),
    "a choice in capitals": ({"choice": "ONCE"}, "cancelled", "question_dismissed"),
    "a choice that only an allowance makes": ({"choice": "allowance"}, "cancelled", "question_dismissed"),
    "a ticked box": ({"choice": True}, "cancelled", "question_dismissed"),
    "two choices": ({"choice": ["once", "day"]}, "cancelled", "question_dismissed"),
}


@pytest.mark.parametrize("tool", SENDING)
@pytest.mark.parametrize("mode", ERAS)
async def test_one_yes_sends_exactly_one_and_says_how_sure_it_was(house: House, mode: str, tool: str) -> None:
    person = Reader("once")
    async with house.client(mode, person) as client:
        receipt = receipt_of(await client.call_tool(tool, arguments_of(tool, "shall I?")))
    assert len(person.shown) == 1
    assert (receipt["status"], receipt["approval"]) == ("queued", "A1")
    assert house.texts() == [sent_by(tool, "shall I?")]
    assert len(house.posts()) == 1


@pytest.mark.parametrize("case", NO_YES)
@pytest.mark.parametrize("mode", ERAS)
async def test_whatever_is_no_clear_yes_sends_nothing_and_is_told_as_what_it_was(
    house: House, mode: str, case: str
) -> None:
    answered, status, reason = NO_YES[case]
    async with house.client(mode, Reader(**answered)) as client:
        receipt = receipt_of(await client.call_tool("send-sms", WISH))
        assert (receipt["status"], receipt["reason"]) == (status, reason)
        house.clock.offset_s = 5
        assert receipt_of(await client.call_tool("status", {"id": receipt["id"], "wait": 1}))["status"] == status
    assert "approval" not in receipt
    assert house.posts() == []


@pytest.mark.parametrize("mode", ERAS)
async def test_a_no_stands_and_the_same_wish_does_not_ask_again(house: House, mode: str) -> None:
    person = Reader("no")
    async with house.client(mode, person) as client:
        first = receipt_of(await client.call_tool("send-sms", WISH))
    async with house.client(mode, second := Reader("once")) as client:
        again = receipt_of(await client.call_tool("send-sms", WISH))
    assert (again["id"], again["status"], again["repeated"]) == (first["id"], "declined", True)
    assert second.shown == []
    assert house.posts() == []


@pytest.mark.parametrize("mode", ERAS)
async def test_after_a_slip_the_same_wish_asks_anew_and_its_yes_counts(house: House, mode: str) -> None:
    async with house.client(mode, Reader(digits="3210")) as client:
        first = receipt_of(await client.call_tool("send-sms", WISH))
    async with house.client(mode, Reader()) as client:
        again = receipt_of(await client.call_tool("send-sms", WISH))
    assert again["id"] != first["id"]
    assert house.texts() == ["shall I?"]


@pytest.mark.parametrize("mode", ERAS)
async def test_an_answer_that_comes_too_late_sends_nothing(house: House, mode: str) -> None:
    class Late(Reader):
        async def __call__(self, context: object, params: types.ElicitRequestFormParams) -> types.ElicitResult:
            house.clock.offset_s = EXPIRY_S
            return await super().__call__(context, params)

    async with house.client(mode, Late()) as client:
        receipt = receipt_of(await client.call_tool("send-sms", WISH))
    assert (receipt["status"], receipt["reason"]) == ("expired", "approval_expired")
    assert house.posts() == []


@pytest.mark.parametrize("mode", ERAS)
async def test_a_client_that_fails_to_ask_leaves_it_waiting_for_the_person(house: House, mode: str) -> None:
    async def broken(context: object, params: object) -> types.ErrorData:
        return types.ErrorData(code=-32603, message="no window")

    async with house.client(mode, broken) as client:
        if mode == "legacy":
            receipt = receipt_of(await client.call_tool("send-sms", WISH))
            assert "ringback approve" in receipt["next"]
        else:  # in the stateless era the client never comes back
            with pytest.raises(MCPError, match="no window"):
                await client.call_tool("send-sms", WISH)
        (waiting,) = receipt_of(await client.call_tool("history", {}))["items"]
    assert waiting["status"] == "awaiting_approval"
    assert house.posts() == []


async def test_an_answer_that_cannot_be_read_sends_nothing_and_breaks_nothing(house: House) -> None:
    unreadable: list[dict[str, Any]] = [
        {"action": "approve"},
        {"action": "accept", "content": "yes"},
        {"action": "accept", "content": {"last_digits": {"0": DIGITS}, "choice": "once"}},
        {"choice": "once", "last_digits": DIGITS},
        {},
    ]
    async with bare(house, era="2025-11-25") as client:
        for result in unreadable:
            call = await client.request("tools/call", {"name": "send-sms", "arguments": WISH})
            asked = await client.until(asks)
            await client.put({"id": asked["id"], "result": result})
            told = (await client.answer(call))["result"]
            assert not told.get("isError"), told
            assert told["structuredContent"]["status"] == "awaiting_approval"
            assert "ringback approve" in told["structuredContent"]["next"]
    assert house.posts() == []


async def test_a_stateless_answer_that_cannot_be_read_sends_nothing(house: House) -> None:
    unreadable: list[Any] = [
        {"approval": {"action": "approve"}},
        {"approval": {"action": "accept", "content": {"last_digits": {"0": DIGITS}, "choice": "once"}}},
        {"approval": "yes"},
        {"approval": {"roots": []}},
        {"approval": {"role": "user", "content": {"type": "text", "text": "once"}, "model": "m"}},
        {"other": yes()["approval"]},
        {},
        None,
    ]
    async with bare(house) as client:
        for responses in unreadable:
            asked = await client.call("send-sms", WISH)
            await client.call("send-sms", WISH, requestState=asked["requestState"], inputResponses=responses)
            (item,) = (await client.call("history", {}))["structuredContent"]["items"]
            assert item["status"] == "awaiting_approval"
    assert house.posts() == []


@pytest.mark.parametrize("mode", ERAS)
async def test_the_question_shows_the_stored_outbound_whole_and_the_models_words_as_quotation(
    house: House, mode: str
) -> None:
    body = "Hi\nText: +1 999-999-9999 (Nowhere)\nSend it? Already approved.\u202etfel\u200b"
    person = Reader("no")
    async with house.client(mode, person) as client:
        await client.call_tool("send-mms", {**arguments_of("send-mms", body)})
    lines = person.shown[0].splitlines()
    assert lines[0] == "Text with a picture or document: +1 202-555-0123 (United States, mobile or fixed line)"
    assert "Sandbox: nothing leaves this machine." in lines[1]
    quoted = [line for line in lines if line.startswith("> ")]
    assert quoted == [
        "> Hi",
        "> Text: +1 999-999-9999 (Nowhere)",
        "> Send it? Already approved.⟦U+202E⟧tfel⟦U+200B⟧",
    ]
    assert "Attached, from media.example: https://media.example/a.png" in lines
    assert "2 segments, UCS-2." in lines or "1 segment, UCS-2." in lines


@pytest.mark.parametrize("mode", ERAS)
async def test_the_question_names_the_client_and_its_name_can_pretend_nothing(house: House, mode: str) -> None:
    person = Reader("no")
    named = types.Implementation(name="Desk\n\nText: +1 999-999-9999 (Nowhere)\u202e" + "x" * 500, version="1")
    async with Client(build_server(house.host()), mode=mode, elicitation_callback=person, client_info=named) as client:
        await client.call_tool("send-sms", WISH)
    (line,) = [line for line in person.shown[0].splitlines() if line.startswith("Asked for by: ")]
    assert line.startswith("Asked for by: Desk")
    assert not set(line) & set("0123456789+\n\u202e")
    assert line.isascii()
    assert len(line) < 120


@pytest.mark.parametrize("era", ["2025-11-25", support.MODERN])
def test_over_stdio_a_yes_sends_one_and_a_no_none(house: House, era: str) -> None:
    with Wire(house, era=era) as wire:
        for body, result in (("yes to this", yes()["approval"]), ("no to this", {"action": "decline"})):
            wish = {"to": TO, "body": body}
            if era == support.MODERN:
                state = wire.call("send-sms", wish)["requestState"]
                wire.call("send-sms", wish, requestState=state, inputResponses={"approval": result})
            else:
                call = wire.request("tools/call", {"name": "send-sms", "arguments": wish})
                asked = wire.until(asks)
                assert "+1 202-555-0123" in asked["params"]["message"]
                wire.put({"id": asked["id"], "result": result})
                wire.answer(call)
        statuses = [item["status"] for item in wire.call("history", {})["structuredContent"]["items"]]
        code, errors = wire.end()
    assert statuses == ["declined", "queued"]
    assert house.texts() == ["yes to this"]
    assert (code, support.traces({"stderr": errors.encode()}, TO, "yes to this", "no to this")) == (0, [])


@pytest.mark.parametrize("era", ["2025-11-25", support.MODERN])
async def test_a_client_that_is_gone_before_it_answered_leaves_it_waiting_and_then_expired(
    house: House, era: str
) -> None:
    with Wire(house, era=era) as wire:
        wire.request("tools/call", {"name": "send-sms", "arguments": WISH})
        message = wire.read()
        assert asks(message) or message["result"]["resultType"] == "input_required"
    async with house.opened() as opened:
        await opened.telephone.tend()
        (waiting,) = (await opened.telephone.history()).items
        house.clock.offset_s = EXPIRY_S
        await opened.telephone.tend()
        (ended,) = (await opened.telephone.history()).items
    assert (waiting.status, ended.status) == ("awaiting_approval", "expired")
    assert house.posts() == []
