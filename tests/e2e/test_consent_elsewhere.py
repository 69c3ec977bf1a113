"""Where the client cannot ask, or its word does not count: it waits for the person, and goes once they said yes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from tests.tools import support
from tests.tools.support import (
    DIGITS,
    ERAS,
    MODERN,
    PAGE,
    TO,
    Reader,
    arguments_of,
    receipt_of,
    sent_by,
    until_sent,
    yes,
)
from tests.tools.wire import Wire, asks, bare

from ringback.approvals import Answer
from ringback.errors import Refused
from ringback.ledger.records import Choice, Level

if TYPE_CHECKING:
    from tests.tools.support import House

carrier = support.carrier
house = support.house

WISH = {"to": TO, "body": "shall I?"}
BOTH_ERAS = ["2025-11-25", MODERN]
YES = Answer(Choice.ONCE, Level.A2, "page")


@pytest.mark.parametrize("era", BOTH_ERAS)
def test_over_stdio_a_client_that_cannot_ask_gets_a_waiting_id_and_a_page_that_is_there(house: House, era: str) -> None:
    with Wire(house, era=era, elicitation=None) as wire:
        receipt = wire.call("send-sms", WISH)["structuredContent"]
        page = httpx2.get(receipt["approve_at"], trust_env=False, follow_redirects=True)
    assert receipt["status"] == "awaiting_approval"
    assert receipt["id"].startswith("ob_")
    assert page.status_code == 200
    assert house.posts() == []


@pytest.mark.parametrize("mode", ERAS)
async def test_what_waits_goes_by_itself_once_a_person_approves_it_elsewhere(house: House, mode: str) -> None:
    async with house.client(mode) as client, house.opened() as page:
        waiting = receipt_of(await client.call_tool("send-sms", WISH))
        await page.person.answer(waiting["id"], YES)
        receipt = receipt_of(await client.call_tool("status", {"id": waiting["id"]}))
    assert (receipt["status"], receipt["approval"]) == ("queued", "A2")
    assert house.texts() == ["shall I?"]


async def test_what_was_approved_while_no_server_ran_goes_when_the_next_one_starts(house: House) -> None:
    async with house.opened() as opened:
        receipt = await opened.telephone.send_sms(TO, "shall I?")
        record = await opened.ledger.outbounds.get(receipt.id)
        await opened.ledger.consents.answer(record, Choice.ONCE, level=Level.A2, via="page")
    assert house.posts() == []
    async with house.client(), house.opened() as opened:
        assert await until_sent(opened, receipt.id) in {"queued", "sent", "delivered"}
    assert house.texts() == ["shall I?"]


@pytest.mark.parametrize("elicitation", [{}, {"form": {}}, {"form": {}, "url": {}}])
@pytest.mark.parametrize("era", BOTH_ERAS)
async def test_a_client_that_shows_forms_is_asked_by_form(house: House, era: str, elicitation: dict[str, Any]) -> None:
    async with bare(house, era=era, elicitation=elicitation) as client:
        if era == MODERN:
            asked = (await client.call("send-sms", WISH))["inputRequests"]["approval"]["params"]
        else:
            await client.request("tools/call", {"name": "send-sms", "arguments": WISH})
            asked = (await client.until(asks))["params"]
    assert set(asked["requestedSchema"]["required"]) == {"last_digits", "choice"}
    assert house.posts() == []


@pytest.mark.parametrize("action", ["accept", "cancel", "decline"])
@pytest.mark.parametrize("era", BOTH_ERAS)
async def test_a_client_that_only_opens_pages_cannot_say_yes_itself(
    house: House, era: str, action: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ringback_server.asking._PAGE_WAIT_S", 0.2)
    said = {"action": action} | ({"content": yes()["approval"]["content"]} if action == "accept" else {})
    async with bare(house, era=era, elicitation={"url": {}}) as client:
        if era == MODERN:
            asked = await client.call("send-sms", WISH)
            params = asked["inputRequests"]["approval"]["params"]
            answer = {"requestState": asked["requestState"], "inputResponses": {"approval": said}}
            told = await client.call("send-sms", WISH, **answer)
        else:
            call = await client.request("tools/call", {"name": "send-sms", "arguments": WISH})
            question = await client.until(asks)
            params = question["params"]
            await client.put({"id": question["id"], "result": said})
            told = (await client.answer(call))["result"]
    assert (params["mode"], params["url"]) == ("url", PAGE)
    assert DIGITS not in params["message"]
    assert told["structuredContent"]["status"] == ("declined" if action == "decline" else "awaiting_approval")
    assert house.posts() == []


@pytest.mark.parametrize("era", BOTH_ERAS)
async def test_a_page_that_the_client_opened_and_where_the_person_says_yes_sends_it_in_the_same_call(
    house: House, era: str
) -> None:
    async with bare(house, era=era, elicitation={"url": {}}) as client, house.opened() as page:
        if era == MODERN:
            asked = await client.call("send-sms", WISH)
            retry = {"requestState": asked["requestState"], "inputResponses": {"approval": {"action": "accept"}}}
            call = await client.request("tools/call", {"name": "send-sms", "arguments": WISH, **retry})
        else:
            call = await client.request("tools/call", {"name": "send-sms", "arguments": WISH})
            question = await client.until(asks)
            await client.put({"id": question["id"], "result": {"action": "accept"}})
        (waiting,) = await page.person.waiting()
        await page.person.answer(waiting.id, YES)
        told = (await client.answer(call))["result"]["structuredContent"]
    assert (told["status"], told["approval"]) == ("queued", "A2")
    assert house.texts() == ["shall I?"]


@pytest.mark.parametrize("floor", ["page", "passkey"])
@pytest.mark.parametrize("mode", ERAS)
async def test_where_more_is_asked_for_the_clients_yes_is_not_even_sought(
    house: House, mode: str, floor: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RINGBACK_APPROVAL", floor)
    monkeypatch.setattr("ringback_server.asking._PAGE_WAIT_S", 0.2)
    person = Reader()
    async with house.client(mode, person) as client, house.opened() as page:
        receipt = receipt_of(await client.call_tool("send-sms", WISH))
        assert receipt["status"] == "awaiting_approval"
        assert not any("last" in shown for shown in person.shown)
        with pytest.raises(Refused, match="approval of level"):
            await page.person.answer(receipt["id"], Answer(Choice.ONCE, Level.A1, "client:x", digits=DIGITS))
        assert house.posts() == []
        nonce = await page.person.ask_client(receipt["id"])
        assert nonce is not None
        signed = await page.person.challenge(receipt["id"], Choice.ONCE, nonce)
        answer = Answer(Choice.ONCE, Level.A3, "page", nonce=nonce, challenge=signed)
        assert (await page.person.answer(receipt["id"], answer)).status == "queued"
    assert house.texts() == ["shall I?"]


async def test_a_question_that_was_asked_before_more_was_asked_for_is_answered_in_vain(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with bare(house) as client:
        state = (await client.call("send-sms", WISH))["requestState"]
    monkeypatch.setenv("RINGBACK_APPROVAL", "page")
    async with bare(house) as client:
        told = await client.call("send-sms", WISH, requestState=state, inputResponses=yes())
        (item,) = (await client.call("history", {}))["structuredContent"]["items"]
    assert told["isError"]
    assert "[approval_level]" in told["content"][0]["text"]
    assert item["status"] == "awaiting_approval"
    assert house.posts() == []


async def test_a_yes_that_was_stored_before_more_was_asked_for_is_not_sent_on(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house.opened() as opened:
        receipt = await opened.telephone.send_sms(TO, "shall I?")
        record = await opened.ledger.outbounds.get(receipt.id)
        await opened.ledger.consents.answer(record, Choice.ONCE, level=Level.A1, via="client:x")
    monkeypatch.setenv("RINGBACK_APPROVAL", "page")
    async with house.client(), house.opened() as opened:
        await opened.telephone.tend()
        ended = await opened.telephone.status(receipt.id)
    assert (ended.status, ended.reason) == ("refused", "approval_level")
    assert house.posts() == []


@pytest.mark.parametrize("mode", ERAS)
async def test_a_number_that_is_trusted_for_a_day_is_not_asked_about_again_on_that_channel(
    house: House, mode: str
) -> None:
    person = Reader("day")
    async with house.client(mode, person) as client:
        first = receipt_of(await client.call_tool("send-sms", {"to": TO, "body": "first"}))
        second = receipt_of(await client.call_tool("send-sms", {"to": TO, "body": "second"}))
        assert (first["approval"], second["approval"], len(person.shown)) == ("A1", "A0", 1)
        await client.call_tool("send-mms", arguments_of("send-mms", "another channel"))
        await client.call_tool("voice-call", arguments_of("voice-call", "another channel still"))
        await client.call_tool("send-sms", {"to": "+12025550199", "body": "another number"})
        assert len(person.shown) == 4
    said = sent_by("voice-call", "another channel still")
    assert house.texts() == ["first", "second", "another channel", said, "another number"]


async def test_trust_for_a_day_ends_after_the_day_and_after_twenty_texts(house: House) -> None:
    person = Reader("day")
    async with house.client(answer=person) as client:
        for n in range(21):
            await client.call_tool("send-sms", {"to": TO, "body": f"text {n}"})
        assert len(person.shown) == 1
        await client.call_tool("send-sms", {"to": TO, "body": "one too many"})
        assert len(person.shown) == 2
        house.clock.offset_s = 86_401
        await client.call_tool("send-sms", {"to": TO, "body": "the next day"})
        assert len(person.shown) == 3
    assert len(house.texts()) == 23


async def test_trust_ends_at_once_when_the_person_takes_it_back(house: House) -> None:
    person = Reader("day")
    async with house.client(answer=person) as client, house.opened() as page:
        await client.call_tool("send-sms", {"to": TO, "body": "first"})
        (allowance,) = await page.person.allowances()
        assert await page.person.revoke(allowance.id)
        await client.call_tool("send-sms", {"to": TO, "body": "second"})
    assert len(person.shown) == 2


async def test_trust_that_a_client_gave_does_not_outlive_a_stricter_setting(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house.client(answer=Reader("day")) as client:
        first = receipt_of(await client.call_tool("send-sms", {"to": TO, "body": "first"}))
        house.sandbox.advance(5)
        assert receipt_of(await client.call_tool("status", {"id": first["id"]}))["status"] == "delivered"
    monkeypatch.setenv("RINGBACK_APPROVAL", "page")
    async with house.client() as client:
        receipt = receipt_of(await client.call_tool("send-sms", {"to": TO, "body": "second"}))
    assert receipt["status"] == "awaiting_approval"
    assert house.texts() == ["first"]


@pytest.mark.parametrize("mode", ERAS)
async def test_the_same_call_twice_is_one_message_and_one_question(house: House, mode: str) -> None:
    person = Reader()
    async with house.client(mode, person) as client:
        first = receipt_of(await client.call_tool("send-sms", WISH))
        again = receipt_of(await client.call_tool("send-sms", WISH))
    assert (again["id"], again["repeated"]) == (first["id"], True)
    assert "nothing new was sent" in again["summary"]
    assert len(person.shown) == 1
    assert house.texts() == ["shall I?"]
