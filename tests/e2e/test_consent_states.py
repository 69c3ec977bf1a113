"""What a client of the stateless era carries between two rounds: it counts once, for one question, untouched."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from mcp.server.request_state import AESGCMRequestStateCodec
from tests.tools import support
from tests.tools.support import TO, arguments_of, yes
from tests.tools.wire import Wire, bare

from ringback.approvals import Answer
from ringback.errors import NotFound, Refused
from ringback.ledger.records import Choice, Level
from ringback_server import sealing

if TYPE_CHECKING:
    from tests.tools.support import House
    from tests.tools.wire import Bare

carrier = support.carrier
house = support.house

WISH = {"to": TO, "body": "shall I?"}
REJECTED = "Invalid or expired requestState"


async def asked(client: Bare, arguments: dict[str, Any] | None = None, tool: str = "send-sms") -> str:
    """Propose, and give the sealed state of the question that came back."""
    result = await client.call(tool, arguments or WISH)
    assert result["resultType"] == "input_required", result
    state: str = result["requestState"]
    return state


async def retried(client: Bare, state: Any, arguments: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """Come back with a yes."""
    tool = more.pop("tool", "send-sms")
    return await client.call(tool, arguments or WISH, requestState=state, inputResponses=yes(**more))


def test_a_confirmed_retry_that_is_replayed_three_times_and_then_to_another_process_sends_one(house: House) -> None:
    with Wire(house) as wire:
        retry = {"requestState": wire.call("send-sms", WISH)["requestState"], "inputResponses": yes()}
        told = [wire.call("send-sms", WISH, **retry) for _ in range(4)]
    with Wire(house) as wire:
        told.append(wire.call("send-sms", WISH, **retry))
    assert len({receipt["structuredContent"]["id"] for receipt in told}) == 1
    assert house.texts() == ["shall I?"]
    assert len(house.posts()) == 1


def test_an_answer_counts_though_the_server_was_restarted_in_between(house: House) -> None:
    with Wire(house) as wire:
        state = wire.call("send-sms", WISH)["requestState"]
        wire.kill()
    with Wire(house) as wire:
        told = wire.call("send-sms", WISH, requestState=state, inputResponses=yes())
    assert told["structuredContent"]["status"] == "queued"
    assert house.texts() == ["shall I?"]


@pytest.mark.parametrize("first", ["no", "wrong digits", "closed"])
async def test_a_yes_after_another_answer_to_the_same_question_sends_nothing(house: House, first: str) -> None:
    answers = {
        "no": yes(choice="no"),
        "wrong digits": yes(digits="9999"),
        "closed": {"approval": {"action": "cancel"}},
    }
    async with bare(house) as client:
        state = await asked(client)
        await client.call("send-sms", WISH, requestState=state, inputResponses=answers[first])
        told = await retried(client, state)
    assert told["structuredContent"]["status"] in {"declined", "cancelled"}
    assert house.posts() == []


async def test_a_state_with_any_character_changed_is_rejected(house: House) -> None:
    async with bare(house) as client:
        state = await asked(client)
        places = {*range(6), *range(6, len(state), 7), len(state) - 1}
        for place in places:
            other = "A" if state[place] != "A" else "B"
            told = await retried(client, f"{state[:place]}{other}{state[place + 1 :]}")
            assert told["message"] == REJECTED, place
    assert house.posts() == []


async def test_a_state_that_was_cut_or_made_up_is_rejected(house: House) -> None:
    async with bare(house) as client:
        state = await asked(client)
        (item,) = (await client.call("history", {}))["structuredContent"]["items"]
        inner = {"id": item["id"], "nonce": "", "by": "form"}
        claims = {"v": 1, "iat": time.time(), "exp": time.time() + 60, "m": "tools/call", "t": "send-sms", "s": inner}
        own = AESGCMRequestStateCodec([b"k" * 32])
        made_up: list[Any] = [
            *(state[:length] for length in range(0, len(state), 25)),
            state + "A",
            state + "=",
            f" {state}",
            state.upper(),
            f"v2.{state[3:]}",
            json.dumps(inner),
            json.dumps(claims),
            base64.urlsafe_b64encode(json.dumps(inner).encode()).decode(),
            own.seal(json.dumps(inner).encode()),
            own.seal(json.dumps({**claims, "s": json.dumps(inner)}).encode()),
            "null",
            "{}",
        ]
        for forged in made_up:
            assert (await retried(client, forged))["message"] == REJECTED
        for kind in (7, True, ["state"], inner):
            assert "message" in await retried(client, kind)
    assert house.posts() == []


async def test_a_yes_without_a_state_is_no_answer_and_asks_again(house: House) -> None:
    async with bare(house) as client:
        for missing in ({}, {"requestState": None}):
            told = await client.call("send-sms", WISH, inputResponses=yes(), **missing)
            assert told["resultType"] == "input_required"
    assert house.posts() == []


async def test_the_state_of_one_question_answers_no_other_tool_argument_or_outbound(house: House) -> None:
    other = {"to": TO, "body": "shall I, too?"}
    async with bare(house) as client:
        mine, others = await asked(client), await asked(client, other)
        crossings = [
            await retried(client, mine, other),
            await retried(client, others, WISH),
            await retried(client, mine, {**WISH, "to": "+12025550199"}, digits="0199"),
            await retried(client, mine, {**WISH, "idempotency_key": "k"}),
            await retried(client, mine, arguments_of("send-mms", "shall I?"), tool="send-mms"),
            await retried(client, mine, arguments_of("voice-call", "shall I?"), tool="voice-call"),
            await retried(client, mine, {"id": "ob_x"}, tool="status"),
        ]
        assert [told["message"] for told in crossings] == [REJECTED] * len(crossings)
        elsewhere = await client.request(
            "prompts/get", {"name": "what-is-waiting", "requestState": mine, "inputResponses": yes()}
        )
        assert (await client.answer(elsewhere))["error"]["message"] == REJECTED
    assert house.posts() == []


async def test_only_the_newest_question_about_an_outbound_is_answered(house: House) -> None:
    async with bare(house) as client:
        older, newest = await asked(client), await asked(client)
        told = await retried(client, older)
        assert told["structuredContent"]["status"] == "awaiting_approval"
        assert house.posts() == []
        told = await retried(client, newest)
    assert told["structuredContent"]["status"] == "queued"
    assert house.texts() == ["shall I?"]


async def test_a_state_of_another_installation_is_rejected(
    house: House, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with bare(house) as client:
        await asked(client)
        monkeypatch.setenv("RINGBACK_HOME", str(tmp_path_factory.mktemp("other")))
        foreign = sealing.InstallationCodec()
        (item,) = (await client.call("history", {}))["structuredContent"]["items"]
        forged = foreign.seal(json.dumps({"id": item["id"], "nonce": ""}).encode())
        assert (await retried(client, forged))["message"] == REJECTED
    assert house.posts() == []


async def test_a_state_that_is_older_than_ten_minutes_sends_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with bare(house) as client:
        state = await asked(client)
        house.clock.offset_s = 601
        told = await retried(client, state)
        assert told["structuredContent"]["status"] == "expired"
        monkeypatch.setattr("mcp.server.request_state.time.time", lambda: time.monotonic() + 10**10)
        assert (await retried(client, state))["message"] == REJECTED
    assert house.posts() == []


@pytest.mark.parametrize("choices", [("once", "once"), ("once", "no"), ("no", "once")], ids="-".join)
async def test_of_two_hundred_answers_at_once_to_one_question_the_first_one_counts(
    house: House, choices: tuple[str, str]
) -> None:
    async with bare(house) as client:
        state = await asked(client)
        house.clock.offset_s = 31  # the line is asked again, so that the dispatches stand still beside each other
        calls = []
        for n in range(200):
            answer = yes(choice=choices[n % 2])
            params = {"name": "send-sms", "arguments": WISH, "requestState": state, "inputResponses": answer}
            calls.append(await client.request("tools/call", params))
        for call in calls:
            assert (await client.answer(call))["result"]["structuredContent"]["id"]
        (item,) = (await client.call("history", {}))["structuredContent"]["items"]
    assert item["status"] in {"queued", "declined"}
    assert house.texts() == ([] if item["status"] == "declined" else ["shall I?"])
    assert len(house.posts()) == len(house.texts())


async def test_answers_on_the_page_and_in_the_client_at_once_send_one(house: House) -> None:
    async with bare(house) as client, house.opened() as page:
        state = await asked(client)
        (question,) = await page.person.waiting()
        house.clock.offset_s = 31
        answer = Answer(Choice.ONCE, Level.A2, "page")
        await asyncio.gather(*(page.person.answer(question.id, answer) for _ in range(20)), retried(client, state))
    assert house.texts() == ["shall I?"]
    assert len(house.posts()) == 1


async def test_an_answer_counts_only_where_it_names_an_outbound_that_waits(house: House) -> None:
    async with house.opened() as page:
        with pytest.raises(NotFound):
            await page.person.answer("ob_nothing", Answer(Choice.ONCE, Level.A2, "page"))
        receipt = await page.telephone.send_sms(TO, "shall I?")
        with pytest.raises(NotFound):
            await page.person.answer(receipt.id, Answer(Choice.ALLOWANCE, Level.A2, "page"))
        with pytest.raises(Refused):
            await page.telephone.send_sms("+19005551234", "shall I?")
    assert house.posts() == []
