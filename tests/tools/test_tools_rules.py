"""The rules of the road, as a model meets them over MCP: told beforehand, and refused with the next step."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import validate
from tests.tools.support import ERAS, SENDING, TO, House, Reader, arguments_of, receipt_of, text_of

from ringback.approvals import Answer
from ringback.ledger.records import Choice, Level
from ringback.model.outbound import Channel

if TYPE_CHECKING:
    from mcp import Client


def rules(monkeypatch: pytest.MonkeyPatch, **settings: str) -> None:
    """The rules count on the sandbox, too, and are these."""
    for name, value in {"sandbox_rules": "true", **settings}.items():
        monkeypatch.setenv(f"RINGBACK_{name.upper()}", value)


async def schema_of(client: Client, tool: str) -> dict[str, Any]:
    return next(each.output_schema for each in (await client.list_tools()).tools if each.name == tool)


@pytest.mark.parametrize("mode", ERAS)
@pytest.mark.parametrize("tool", SENDING)
async def test_a_dry_run_tells_asks_nobody_and_sends_nothing(house: House, mode: str, tool: str) -> None:
    person = Reader()
    async with house.client(mode, person) as client:
        result = await client.call_tool(tool, {**arguments_of(tool, "May I?"), "dry_run": True})
        validate(receipt_of(result), await schema_of(client, tool))
        history = receipt_of(await client.call_tool("history", {}))
    told = receipt_of(result)
    assert (told["status"], told["would"]) == ("preview", "ask")
    assert told["cost"] == "nothing: the sandbox"
    assert "A person would be asked" in text_of(result)
    assert TO not in f"{result}"
    assert history["items"] == person.shown == house.posts() == []


@pytest.mark.parametrize("mode", ERAS)
async def test_the_time_that_a_refusal_offers_is_taken(
    house: House, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hour = (house.clock.now().hour - 5) % 24  # in New York, give or take the hour of summer
    ahead = (hour + 12) % 23
    rules(monkeypatch, hours=f"{ahead:02}:00-{ahead + 1:02}:00")
    async with house.client(mode, Reader()) as client:
        refused = await client.call_tool("send-sms", arguments_of("send-sms", "Good morning"))
        offered = re.search(r'send_at "([^"]+)"', text_of(refused))
        assert refused.is_error
        assert text_of(refused).startswith("[quiet_hours] ")
        assert offered is not None
        taken = await client.call_tool(
            "send-sms", {**arguments_of("send-sms", "Good morning"), "send_at": offered.group(1)}
        )
    assert receipt_of(taken)["status"] == "scheduled"
    assert house.posts() == []


@pytest.mark.parametrize("mode", ERAS)
async def test_what_is_left_is_told_before_and_a_limit_tells_when_it_is_free(
    house: House, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules(monkeypatch, limits="sms=1/hour, all=9/day")
    async with house.client(mode, Reader()) as client:
        await client.call_tool("send-sms", arguments_of("send-sms", "One"))
        check = await client.call_tool("check-telephony", {})
        validate(receipt_of(check), await schema_of(client, "check-telephony"))
        refused = await client.call_tool("send-sms", arguments_of("send-sms", "Two"))
    left = {(each["for"], each["per"]): each["left"] for each in receipt_of(check)["limits"]}
    assert left == {("sms", "hour"): 0, ("all", "day"): 8}
    assert "Left: 0 of 1 (sms, in any hour); 8 of 9 (all, in any day)." in text_of(check)
    assert text_of(refused).startswith("[limit_tool] ")
    assert "Call again with send_at" in text_of(refused)
    assert len(house.posts()) == 1


@pytest.mark.parametrize("mode", ERAS)
async def test_the_same_text_to_many_is_never_put_into_a_form(
    house: House, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules(monkeypatch, bulk="1/hour")
    person, to = Reader(), [f"+1202555012{digit}" for digit in (3, 4, 5)]
    async with house.client(mode, person) as client:
        results = [await client.call_tool("send-sms", {"to": each, "body": "Sale!"}) for each in to]
        first, *waiting = map(receipt_of, results)
        assert len(person.shown) == 1
        assert [each["status"] for each in waiting] == ["awaiting_approval"] * 2
        async with house.opened() as opened:
            listed = await opened.person.listed(waiting[0]["id"])
            shown = [question.id for question in listed]
            await opened.person.answer_list(shown, Answer(Choice.ONCE, Level.A2, "page"))
        after = [receipt_of(await client.call_tool("status", {"id": each["id"]})) for each in waiting]
    assert shown == [each["id"] for each in waiting]
    assert "a person to approve the whole list" in text_of(results[1])
    assert first["status"] == after[0]["status"] == after[1]["status"] == "queued"
    assert sorted(post["to"] for post in house.posts()) == to


async def test_who_opted_out_gets_nothing_and_the_model_hears_why(house: House) -> None:
    async with house.opened() as opened:
        await opened.person.allow(TO, Channel.SMS, level=Level.A2, via="page", seconds=3600, count=9)
        await opened.person.opt_outs.add(TO, via="page")
    async with house.client() as client:
        for tool in SENDING:
            refused = await client.call_tool(tool, arguments_of(tool, "Hello?"))
            assert text_of(refused).startswith("[opted_out] This recipient opted out")
            assert "Send them nothing" in text_of(refused)
    assert house.posts() == []
