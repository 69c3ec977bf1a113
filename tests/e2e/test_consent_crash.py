"""`kill -9` between the person's yes and the carrier's answer: the carrier has one, and the ledger says what is so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.tools import support
from tests.tools.support import MODERN, arguments_of, sent_by, yes
from tests.tools.wire import Wire, asks

if TYPE_CHECKING:
    from tests.tools.support import House

carrier = support.carrier
house = support.house

NEVER_ANSWERS = "+15550100007"


@pytest.mark.parametrize(("era", "tool"), [("2025-11-25", "send-sms"), (MODERN, "voice-call")])
def test_a_server_killed_while_the_carrier_holds_its_answer_has_sent_once_and_the_next_one_finds_it(
    house: House, era: str, tool: str
) -> None:
    house.sandbox.post("/sandbox/clock", {"frozen": False})
    wish = arguments_of(tool, "once and no more", NEVER_ANSWERS)
    retry = {}
    with Wire(house, era=era) as wire:
        with house.taking():
            if era == MODERN:
                retry = {"requestState": wire.call(tool, wish)["requestState"], "inputResponses": yes("0007")}
                wire.request("tools/call", {"name": tool, "arguments": wish, **retry})
            else:
                wire.request("tools/call", {"name": tool, "arguments": wish})
                wire.put({"id": wire.until(asks)["id"], "result": yes("0007")["approval"]})
        wire.kill()
    with Wire(house, era=era) as wire:
        (left,) = wire.call("history", {})["structuredContent"]["items"]
        first = wire.call("status", {"id": left["id"]})["structuredContent"]
        told = [wire.call(tool, wish, **retry)["structuredContent"] for _ in range(3)]
    assert first["reason"] in {"dispatcher_gone", "found_at_carrier"}
    assert {receipt["id"] for receipt in told} == {left["id"]}
    assert {receipt["reason"] for receipt in told} == {"found_at_carrier"}
    assert {receipt["status"] for receipt in told} <= {"queued", "sent", "delivered", "ringing"}
    assert house.texts() == [sent_by(tool, "once and no more")]
    assert len(house.posts()) == 1


def test_a_kill_that_leaves_two_readings_is_told_as_unknown_and_never_sent_again(house: House) -> None:
    house.sandbox.post("/sandbox/clock", {"frozen": False})
    wish = arguments_of("send-sms", "once and no more", NEVER_ANSWERS)
    with Wire(house) as wire:
        retry = {"requestState": wire.call("send-sms", wish)["requestState"], "inputResponses": yes("0007")}
        with house.taking():
            wire.request("tools/call", {"name": "send-sms", "arguments": wish, **retry})
        wire.kill()
    house.sandbox.post("/sandbox/faults", {"next": 1, "kind": "500-after"})
    body = {"to": NEVER_ANSWERS, "body": "somebody else's"}
    assert house.sandbox.api.post("/api/messaging/sms", json=body).status_code == 500
    with Wire(house) as wire:
        (left,) = wire.call("history", {})["structuredContent"]["items"]
        told = [wire.call("status", {"id": left["id"]})["structuredContent"]]
        told += [wire.call("send-sms", wish, **retry)["structuredContent"] for _ in range(3)]
    assert {receipt["status"] for receipt in told} == {"unknown"}
    assert "Do not send it again" in told[0]["next"]
    assert sorted(house.texts()) == ["once and no more", "somebody else's"]


def test_a_server_killed_while_it_asks_sends_nothing_and_the_question_stands(house: House) -> None:
    wish = arguments_of("send-sms", "shall I?")
    with Wire(house, era="2025-11-25") as wire:
        wire.request("tools/call", {"name": "send-sms", "arguments": wish})
        asked = wire.until(asks)
        wire.kill()
    with Wire(house, era="2025-11-25") as wire:
        wire.put({"id": asked["id"], "result": yes()["approval"]})  # an answer to a question of the dead
        (item,) = wire.call("history", {})["structuredContent"]["items"]
    assert item["status"] == "awaiting_approval"
    assert house.posts() == []
