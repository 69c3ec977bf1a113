"""Calls by Thoughtly, from the door to the handset and back: the sandbox speaks its HTTP over real sockets."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx2
import pytest
from mcp import Client, StdioServerParameters, stdio_client
from ringback_support.open_rules import voiced

from ringback.approvals import Answer
from ringback.errors import Refused
from ringback.ledger.records import Choice, Level
from ringback.model.outbound import Channel
from ringback.opening import open_ringback
from ringback.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Sandbox
    from tests.e2e.conftest import Installation, Terminal

    from ringback.opening import Ringback
    from ringback.receipts import Receipt

TO = "+12025550123"
PROMPT = "The quick brown fox is ten minutes late. Press 1 if that is fine."
SAID = voiced(PROMPT)
YES = Answer(Choice.ONCE, Level.A2, "page")


@dataclass
class Place:
    """An installation whose calls go by Thoughtly, and the sandbox that stands in for it."""

    ringback: Installation
    sandbox: Sandbox

    def posts(self) -> list[str]:
        asked = reversed(self.sandbox.requests())
        return [request["path"] for request in asked if request["method"] == "POST"]

    def rang(self) -> list[tuple[str, str]]:
        return [(call["to"], call["prompt"]) for call in self.sandbox.calls()]

    def talk(self, keys: str = "1") -> None:
        """The handset's owner answers, presses keys, and hangs up."""
        self.sandbox.advance(1)
        call = self.sandbox.calls()[0]["id"]
        self.sandbox.post(f"/sandbox/calls/{call}/answer")
        self.sandbox.post(f"/sandbox/calls/{call}/keys", {"keys": keys})
        self.sandbox.advance(3)
        self.sandbox.post(f"/sandbox/calls/{call}/hangup")


@pytest.fixture
def place(ringback: Installation, module_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Place:
    module_sandbox.post("/sandbox/reset")
    module_sandbox.freeze()
    ringback.settings = {
        "RINGBACK_CARRIER": "thoughtly",
        "THOUGHTLY_API_URL": module_sandbox.url,
        "THOUGHTLY_API_TOKEN": module_sandbox.api_key,
        "THOUGHTLY_TEAM_ID": "team_7",
        "THOUGHTLY_AGENT_ID": "sandbox_agent",
    }
    for name, value in {**ringback.settings, "RINGBACK_HOME": str(ringback.home)}.items():
        monkeypatch.setenv(name, value)
    return Place(ringback, module_sandbox)


async def call(opened: Ringback, to: str = TO, prompt: str = PROMPT) -> Receipt:
    waiting = await opened.telephone.call(to, prompt)
    assert waiting.status == "awaiting_approval"
    return await opened.person.answer(waiting.id, YES)


def allowed() -> None:
    async def run() -> None:
        async with open_ringback(load_settings()) as opened:
            await opened.person.allow(TO, Channel.VOICE, level=Level.A2, via="terminal", seconds=3600, count=20)

    asyncio.run(run())


# -- the call and its status -----------------------------------------------------------------------------------------


async def test_a_call_that_a_person_approved_rings_and_its_whole_story_comes_back(place: Place) -> None:
    async with open_ringback(load_settings()) as opened:
        done = await call(opened)
        assert (done.status, done.reason, done.carrier) == ("queued", None, "thoughtly")
        place.sandbox.advance(1)
        assert (await opened.telephone.status(done.id)).status == "ringing"
        place.talk("1")
        told = await opened.telephone.status(done.id)
    assert place.rang() == [(TO, SAID)]
    assert place.posts() == ["/contact/create", "/contact/call"]
    assert (told.status, told.duration_s, told.untrusted_outcome) == ("completed", 3.0, "answered")
    assert told.untrusted_transcript == f"ai: {SAID}\nuser: pressed 1"
    assert told.untrusted_variables == {"keys": "1"}
    assert TO[1:] not in str(told.as_dict())


@pytest.mark.parametrize(
    ("number", "status"), [("+15550100001", "failed"), ("+15550100002", "busy"), ("+15550100003", "no_answer")]
)
async def test_a_call_that_reaches_nobody_says_so(place: Place, number: str, status: str) -> None:
    # Such a number is no telephone's on a live carrier, so the request is made as Thoughtly's own clients make it.
    headers = {"x-api-token": place.sandbox.api_key, "team_id": "team_7"}
    with httpx2.Client(base_url=place.sandbox.url, headers=headers, trust_env=False) as client:
        contact = client.post("/contact/create", json={"phone_number": number}).json()["data"]["id"]
        given = {"contact_id": contact, "agent_id": "sandbox_agent"}
        call_id = client.post("/contact/call", json=given).json()["data"]["call_id"]
    place.sandbox.advance(60)
    async with open_ringback(load_settings()) as opened:
        carrier = opened.carriers.first
        report = await carrier.report(Channel.VOICE, call_id)
    assert report is not None
    assert report.status == status


async def test_a_second_call_to_the_same_person_finds_the_contact_and_no_url_tells_the_number(place: Place) -> None:
    async with open_ringback(load_settings()) as opened:
        for prompt in ("one", "two"):
            assert (await call(opened, prompt=prompt)).status == "queued"
    assert place.rang() == [(TO, voiced("two")), (TO, voiced("one"))]
    targets = [f"{request['path']}?{request['query']}" for request in place.sandbox.requests()]
    assert any("search=0123" in target for target in targets)
    assert not any(TO[-7:] in target for target in targets)


async def test_texts_are_refused_before_anything_is_stored(place: Place) -> None:
    async with open_ringback(load_settings()) as opened:
        with pytest.raises(Refused):
            await opened.telephone.send_sms(TO, "Hello")
        assert (await opened.telephone.history()).items == ()
    assert place.posts() == []


@pytest.mark.parametrize(("mode", "enabled"), [("enabled", True), ("disabled", False)])
async def test_the_check_asks_whether_the_agent_is_active(place: Place, mode: str, enabled: bool) -> None:
    place.sandbox.post("/sandbox/faults", {"telephony": mode})
    async with open_ringback(load_settings()) as opened:
        told = await opened.telephone.check()
    assert (told.enabled, told.live, told.capabilities) == (enabled, True, ("voice",))


FAULTS = {
    "500": ("unknown", "carrier_unavailable", 0, "unknown"),
    "500-after": ("unknown", "carrier_unavailable", 1, "queued"),
    "close": ("unknown", "carrier_unavailable", 0, "unknown"),
    "reset-after": ("unknown", "carrier_unavailable", 1, "queued"),
    "half-json": ("unknown", "carrier_unreadable", 1, "queued"),
    "not-json": ("unknown", "carrier_unreadable", 1, "queued"),
    "wrong-type": ("unknown", "carrier_unreadable", 1, "queued"),
    "redirect": ("unknown", "carrier_unreadable", 0, "unknown"),
}


@pytest.mark.parametrize("kind", FAULTS)
async def test_a_call_in_doubt_is_asked_for_once_and_found_where_it_was_taken(place: Place, kind: str) -> None:
    status, reason, count, later = FAULTS[kind]
    place.sandbox.post("/sandbox/faults", {"next": 1, "kind": kind})
    async with open_ringback(load_settings()) as opened:
        done = await call(opened)
        assert (done.status, done.reason) == (status, reason)
        assert (await opened.telephone.status(done.id)).status == later
        await opened.telephone.tend()
    assert (len(place.rang()), place.posts().count("/contact/call")) == (count, 1)


async def test_a_limit_at_the_service_is_obeyed_and_the_call_goes_once(place: Place) -> None:
    place.sandbox.post("/sandbox/faults", {"next": 1, "kind": "429"})
    async with open_ringback(load_settings()) as opened:
        assert (await call(opened)).status == "queued"
    assert place.rang() == [(TO, SAID)]


async def test_an_automation_rings_the_handset_and_claims_no_more_than_it_knows(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THOUGHTLY_AUTOMATION_ID", "sandbox_automation")
    async with open_ringback(load_settings()) as opened:
        done = await call(opened)
        place.talk()
        await opened.telephone.tend()
        assert (done.status, (await opened.telephone.status(done.id)).status) == ("accepted", "accepted")
    assert place.rang() == [(TO, SAID)]
    assert place.posts() == ["/webhook/automation/sandbox_automation"]


# -- the command and a model -----------------------------------------------------------------------------------------


def test_the_command_calls_by_it_and_shows_what_came_back_behind_a_bar(place: Place) -> None:
    checked = place.ringback("check")
    assert (checked.code, checked.json["capabilities"]) == (0, ["voice"])
    allowed()
    sent = place.ringback("call", "--to", TO, "--prompt", PROMPT)
    assert (sent.code, sent.json["status"]) == (0, "queued")
    place.talk("1")
    asked = place.ringback("status", sent.json["id"])
    assert (asked.code, asked.json["status"]) == (0, "completed")
    assert asked.json["untrusted_transcript"].endswith("user: pressed 1")
    assert place.rang() == [(TO, SAID)]
    for told in (sent, asked):
        assert TO[1:] not in told.out + told.err


def test_a_person_reads_the_transcript_in_their_terminal(place: Place, terminal: Callable[..., Terminal]) -> None:
    allowed()
    outbound_id = place.ringback("call", "--to", TO, "--prompt", PROMPT).json["id"]
    place.talk("1")
    screen = terminal("status", outbound_id, columns=320)
    assert screen.finish() == 0
    lines = [line.strip() for line in screen.shown.splitlines()]
    assert lines[lines.index("transcript") + 1].endswith(f"ai: {SAID}")
    assert lines[lines.index("outcome") + 1].endswith("answered")
    assert lines[lines.index("variables") + 1].endswith("keys: 1")


async def test_an_mcp_client_calls_by_it_and_gets_its_story_as_untrusted_content(place: Place) -> None:
    async with open_ringback(load_settings()) as opened:
        await opened.person.allow(TO, Channel.VOICE, level=Level.A2, via="terminal", seconds=3600, count=20)
    env = {**place.ringback.environment, "PATH": os.environ["PATH"]}
    server = StdioServerParameters(command=sys.executable, args=["-m", "ringback_server", "mcp"], env=env)
    async with Client(stdio_client(server)) as client:
        sent = await client.call_tool("voice-call", {"to": TO, "prompt": PROMPT})
        place.talk("1")
        asked = await client.call_tool("status", {"id": sent.structured_content["id"]})
    assert (sent.is_error, sent.structured_content["status"]) == (False, "queued")
    told = asked.structured_content
    assert (told["status"], told["duration_s"], told["untrusted_outcome"]) == ("completed", 3.0, "answered")
    assert "  | user: pressed 1" in asked.content[0].text.split("\n")
    assert place.rang() == [(TO, SAID)]
