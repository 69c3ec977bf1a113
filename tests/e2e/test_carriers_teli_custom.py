"""Texts by Teli and by a custom endpoint, from the door to the handset: the sandbox speaks both over real sockets."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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
    from pathlib import Path

    from tests.conftest import Sandbox
    from tests.e2e.conftest import Installation

    from ringback.opening import Ringback
    from ringback.receipts import Receipt

TO = "+12025550123"
STRANGER = "+12025550199"
BODY = "The quick brown fox is ten minutes late"
CARRIERS = ["teli", "custom"]
YES = Answer(Choice.ONCE, Level.A2, "page")
TAKEN = {"teli": "sent", "custom": "accepted"}


@dataclass
class Place:
    """An installation whose texts go by one carrier, and the sandbox that stands in for the service."""

    ringback: Installation
    sandbox: Sandbox

    def posts(self) -> list[dict[str, Any]]:
        return [request for request in self.sandbox.requests() if request["method"] == "POST"]

    def arrived(self) -> list[tuple[str, str]]:
        return [(message["to"], message["body"]) for message in self.sandbox.messages()]


def environment(carrier: str, sandbox: Sandbox) -> dict[str, str]:
    own = {
        "teli": {"TELI_API_URL": sandbox.url, "TELI_API_KEY": sandbox.api_key, "TELI_CAMPAIGN_ID": "campaign_abc123"},
        "custom": {
            "RINGBACK_CUSTOM_URL": f"{sandbox.url}/custom/sms",
            "RINGBACK_CUSTOM_HEADERS": json.dumps({"Authorization": f"Bearer {sandbox.api_key}"}),
            "RINGBACK_CUSTOM_PRIVATE": "true",
        },
    }
    return {"RINGBACK_CARRIER": carrier, **own[carrier]}


@pytest.fixture
def place(
    request: pytest.FixtureRequest,
    ringback: Installation,
    module_sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
) -> Place:
    module_sandbox.post("/sandbox/reset")
    ringback.settings = environment(getattr(request, "param", "teli"), module_sandbox)
    for name, value in {**ringback.settings, "RINGBACK_HOME": str(ringback.home)}.items():
        monkeypatch.setenv(name, value)
    return Place(ringback, module_sandbox)


both = pytest.mark.parametrize("place", CARRIERS, indirect=True)


async def send(opened: Ringback, to: str = TO, body: str = BODY) -> Receipt:
    waiting = await opened.telephone.send_sms(to, body)
    assert waiting.status == "awaiting_approval"
    return await opened.person.answer(waiting.id, YES)


async def allow(opened: Ringback, to: str = TO) -> None:
    await opened.person.allow(to, Channel.SMS, level=Level.A2, via="terminal", seconds=3600, count=20)


def allowed(to: str = TO) -> None:
    async def run() -> None:
        async with open_ringback(load_settings()) as opened:
            await allow(opened, to)

    asyncio.run(run())


@both
async def test_a_text_that_a_person_approved_is_on_the_handset_and_is_told_as_the_service_did(place: Place) -> None:
    carrier = load_settings().carrier_name
    async with open_ringback(load_settings()) as opened:
        done = await send(opened)
        assert (done.status, done.reason, done.carrier) == (TAKEN[carrier], None, carrier)
        later = await opened.telephone.status(done.id)
        await opened.telephone.tend()
    assert later.status == TAKEN[carrier], "nothing tells of a delivery, so none is claimed"
    assert place.arrived() == [(TO, BODY)]
    assert len(place.sandbox.requests()) == 1, "nothing else is asked of the service"


@both
async def test_pictures_and_calls_are_refused_before_anything_is_stored(place: Place) -> None:
    async with open_ringback(load_settings()) as opened:
        for wish in (opened.telephone.call(TO, BODY), opened.telephone.send_mms(TO, BODY, "https://a.example/x.png")):
            with pytest.raises(Refused):
                await wish
        assert (await opened.telephone.history()).items == ()
    assert place.posts() == []


@both
async def test_the_check_says_that_no_service_was_asked(place: Place) -> None:
    carrier = load_settings().carrier_name
    async with open_ringback(load_settings()) as opened:
        told = (await opened.telephone.check()).as_dict()
    assert (told["enabled"], told["live"], told["capabilities"]) == (True, True, ["sms"])
    assert f"{carrier} cannot be asked: it counts as enabled because it is configured." in str(told["summary"])
    assert place.sandbox.requests() == []


async def test_a_contact_that_is_in_no_campaign_is_a_clear_no_with_what_to_do(place: Place) -> None:
    async with open_ringback(load_settings()) as opened:
        failed = await send(opened, STRANGER)
    assert (failed.status, failed.reason) == ("failed", "carrier_rejected")
    assert failed.error == (
        "Client •••0199 not found in campaign campaign_abc123. Add the contact to the campaign at Teli first."
    )
    assert (place.arrived(), len(place.posts())) == ([], 1)


FAULTS = {
    "500": ("unknown", "carrier_unavailable", 0),
    "500-after": ("unknown", "carrier_unavailable", 1),
    "close": ("unknown", "carrier_unavailable", 0),
    "reset-after": ("unknown", "carrier_unavailable", 1),
    "half-json": ("unknown", "carrier_unreadable", 1),
    "not-json": ("unknown", "carrier_unreadable", 1),
    "wrong-type": ("unknown", "carrier_unreadable", 1),
    "redirect": ("unknown", "carrier_unreadable", 0),
}
ANY_ANSWER = {"half-json", "wrong-type"}
"""Answers that a custom endpoint may give as well: it took the text, and that is so."""


@both
@pytest.mark.parametrize("kind", FAULTS)
async def test_a_fault_has_its_outcome_and_nothing_is_posted_twice(place: Place, kind: str) -> None:
    status, reason, count = FAULTS[kind]
    custom = load_settings().carrier_name == "custom"
    async with open_ringback(load_settings()) as opened:
        place.sandbox.post("/sandbox/faults", {"next": 1, "kind": kind})
        done = await send(opened)
        assert (done.status, done.reason) == (("accepted", None) if custom and kind in ANY_ANSWER else (status, reason))
        later = await opened.telephone.status(done.id)
        await opened.telephone.tend()
    assert later.status == done.status
    assert (len(place.arrived()), len(place.posts())) == (count, 1)


@both
async def test_a_wrong_key_and_an_account_that_may_not_are_clear_noes(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.sandbox.post("/sandbox/faults", {"telephony": "disabled"})
    async with open_ringback(load_settings()) as opened:
        done = await send(opened)
        assert (done.status, done.reason) == ("failed", "carrier_not_enabled")
    monkeypatch.setenv("TELI_API_KEY", "wrong")
    monkeypatch.setenv("RINGBACK_CUSTOM_HEADERS", '{"Authorization": "Bearer wrong"}')
    async with open_ringback(load_settings()) as opened:
        done = await send(opened, body="another text")
        assert (done.status, done.reason) == ("failed", "carrier_authentication")
    assert place.arrived() == []


async def test_one_carrier_moves_the_texts_and_another_the_calls(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RINGBACK_CARRIER", "teli,voice=thinkfleetbot")
    monkeypatch.setenv("SAAS_API_URL", place.sandbox.url)
    monkeypatch.setenv("SAAS_API_KEY", place.sandbox.api_key)
    async with open_ringback(load_settings()) as opened:
        text = await send(opened)
        call = await opened.person.answer((await opened.telephone.call(TO, "Hello")).id, YES)
    assert (text.carrier, call.carrier) == ("teli", "thinkfleetbot")
    assert place.arrived() == [(TO, BODY)]
    assert [each["prompt"] for each in place.sandbox.calls()] == [voiced("Hello")]


@both
def test_the_command_sends_by_it_and_tells_its_status(place: Place) -> None:
    carrier = load_settings().carrier_name
    checked = place.ringback("check")
    assert (checked.code, checked.json["capabilities"]) == (0, ["sms"])
    allowed()
    sent = place.ringback("sms", "--to", TO, "--body", BODY)
    assert (sent.code, sent.json["status"]) == (0, TAKEN[carrier])
    asked = place.ringback("status", sent.json["id"])
    assert (asked.code, asked.json["status"]) == (0, TAKEN[carrier])
    assert place.arrived() == [(TO, BODY)]
    assert place.ringback("call", "--to", TO, "--prompt", BODY).code == 3
    for told in (sent, asked):
        assert TO[1:] not in told.out + told.err


@both
async def test_an_mcp_client_sends_by_it_and_gets_its_status(place: Place) -> None:
    carrier = load_settings().carrier_name
    async with open_ringback(load_settings()) as opened:
        await allow(opened)
    env = {**place.ringback.environment, "PATH": os.environ["PATH"]}
    server = StdioServerParameters(command=sys.executable, args=["-m", "ringback_server", "mcp"], env=env)
    async with Client(stdio_client(server)) as client:
        sent = await client.call_tool("send-sms", {"to": TO, "body": BODY})
        asked = await client.call_tool("status", {"id": sent.structured_content["id"]})
    assert (sent.is_error, sent.structured_content["status"]) == (False, TAKEN[carrier])
    assert asked.structured_content["status"] == TAKEN[carrier]
    assert place.arrived() == [(TO, BODY)]


def test_a_text_waits_for_a_person_and_the_doctor_says_that_nobody_was_asked(place: Place, tmp_path: Path) -> None:
    waiting = place.ringback("sms", "--to", TO, "--body", BODY)
    assert (waiting.code, waiting.json["status"]) == (4, "awaiting_approval")
    assert place.posts() == []
    told = place.ringback("doctor")
    assert told.json["carrier"]["answers"] is False
    assert any("cannot be asked" in warning for warning in told.json["warnings"])
