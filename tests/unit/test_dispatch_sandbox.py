"""Dispatch against the sandbox as it really runs: its own record says how often something was sent."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import stamina
from ringback_support.installation import PICTURE, YES, grant, opened, want
from ringback_support.open_rules import voiced
from ringback_support.recorded import set_up
from ringback_support.wire_server import Reply, Request, reply, wire_server

from ringback.carriers.registry import build_carriers
from ringback.clock import SystemClock
from ringback.dispatch import TRIES
from ringback.errors import InvalidNumber, Refused
from ringback.ledger.records import Level
from ringback.model.numbers import PhoneNumber
from ringback.model.outbound import Channel
from ringback.settings import Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Sandbox, StartSandbox

    from ringback.opening import Ringback

SUPPORT = Path(__file__).resolve().parents[1] / "support"
TO = "+15551234567"
UNKNOWN = ("unknown", "carrier_unavailable")


def point_at(sandbox: Sandbox, home: Path) -> None:
    """Let the installation of `home` find this sandbox."""
    state = home / "sandbox"
    state.mkdir(parents=True, exist_ok=True)
    (state / "endpoint.json").write_text(json.dumps({"url": sandbox.url, "api_key": sandbox.api_key}))


@pytest.fixture
def sandbox(module_sandbox: Sandbox, home: Path) -> Sandbox:
    module_sandbox.post("/sandbox/reset")
    point_at(module_sandbox, home)
    return module_sandbox


@pytest.fixture
def _no_back_off() -> Iterator[None]:
    with stamina.set_testing(True, attempts=TRIES, cap=True):
        yield


def over_sandbox(home: Path, **changes: Any) -> Any:
    settings = Settings(home=home, **changes)
    return opened(home, build_carriers(settings).first, clock=SystemClock(), **changes)


async def send(
    ringback: Ringback, to: str, channel: Channel = Channel.SMS, text: str = "Hello"
) -> tuple[str, str | None]:
    waiting = await want(ringback.telephone, channel, to, text)
    receipt = await ringback.person.answer(waiting.id, YES)
    return receipt.status, receipt.reason


def taken(sandbox: Sandbox) -> int:
    return len(sandbox.messages()) + len(sandbox.calls())


def posts(sandbox: Sandbox) -> int:
    return sum(request["method"] == "POST" for request in sandbox.requests())


# -- what goes well --------------------------------------------------------------------------------------------------


async def test_a_text_a_picture_and_a_call_arrive_as_they_were_wished(sandbox: Sandbox, home: Path) -> None:
    async with over_sandbox(home) as ringback:
        for channel in Channel:
            assert await send(ringback, TO, channel, f"a {channel}") == ("queued", None)
    arrived = {
        (message["type"], message["to"], message["body"], message["media_url"]) for message in sandbox.messages()
    }
    assert arrived == {("sms", TO, "a sms", None), ("mms", TO, "a mms", PICTURE)}
    assert [(call["to"], call["prompt"]) for call in sandbox.calls()] == [(TO, voiced("a voice"))]


async def test_the_status_follows_the_sandboxs_clock_to_the_end(sandbox: Sandbox, home: Path) -> None:
    async with over_sandbox(home) as ringback:
        waiting = await want(ringback.telephone, Channel.SMS, TO)
        told = [(await ringback.person.answer(waiting.id, YES)).status]
        for _ in range(2):
            sandbox.advance(1)
            told.append((await ringback.telephone.status(waiting.id)).status)
        done = await ringback.telephone.status(waiting.id)
    assert told == ["queued", "sent", "delivered"]
    assert done.delivered_at is not None
    assert datetime.fromisoformat(done.delivered_at).tzinfo is not None


async def test_the_keys_of_an_answered_call_come_back(sandbox: Sandbox, home: Path) -> None:
    async with over_sandbox(home) as ringback:
        waiting = await want(ringback.telephone, Channel.VOICE, TO)
        await ringback.person.answer(waiting.id, YES)
        sandbox.advance(1)
        call = sandbox.calls()[0]["id"]
        for action, body in (("answer", {}), ("keys", {"keys": "1"}), ("keys", {"keys": "#"}), ("hangup", {})):
            sandbox.post(f"/sandbox/calls/{call}/{action}", body)
        done = await ringback.telephone.status(waiting.id)
    assert (done.status, done.keys) == ("completed", "1#")


# -- what goes wrong -------------------------------------------------------------------------------------------------

MAGIC = {
    "+15550100005": (UNKNOWN, 0, 1, "unknown"),
    "+15550100006": (UNKNOWN, 1, 1, "queued"),
    "+15550100007": (UNKNOWN, 1, 1, "queued"),
    "+15550100008": (UNKNOWN, 1, 1, "queued"),
    "+15550100009": (("unknown", "carrier_unreadable"), 1, 1, "queued"),
}


@pytest.mark.parametrize("channel", list(Channel))
@pytest.mark.parametrize("number", MAGIC)
async def test_a_doubtful_send_is_posted_once_and_found_where_the_sandbox_took_it(
    sandbox: Sandbox, home: Path, number: str, channel: Channel
) -> None:
    outcome, accepted, posted, later = MAGIC[number]
    timeout = 0.5 if number == "+15550100007" else 10
    async with over_sandbox(home, read_timeout_s=timeout) as ringback:
        assert await send(ringback, number, channel) == outcome
        waiting = (await ringback.telephone.history(1)).items[0].id
        assert (await ringback.telephone.status(waiting)).status == later
        again = await want(ringback.telephone, channel, number, "Hello")
        assert (again.id, again.repeated) == (waiting, True)
        await ringback.telephone.tend()
    assert (taken(sandbox), posts(sandbox)) == (accepted, posted)


async def test_a_429_is_waited_for_as_the_carrier_asks_and_then_taken(sandbox: Sandbox, home: Path) -> None:
    async with over_sandbox(home) as ringback:
        assert await send(ringback, "+15550100004") == ("queued", None)
    sent = [request for request in sandbox.requests() if request["method"] == "POST"][::-1]
    assert [request["status"] for request in sent] == [429, 429, 201]
    times = [datetime.fromisoformat(request["at"]).timestamp() for request in sent]
    assert all(later - earlier >= 0.99 for earlier, later in pairwise(times))


FAULTS = {
    "429": (("queued", None), 1, 2),
    "500": (UNKNOWN, 0, 1),
    "500-after": (UNKNOWN, 1, 1),
    "close": (UNKNOWN, 0, 1),
    "close-after": (UNKNOWN, 1, 1),
    "half-json": (("unknown", "carrier_unreadable"), 1, 1),
    "not-json": (("unknown", "carrier_unreadable"), 1, 1),
    "wrong-type": (("unknown", "carrier_unreadable"), 1, 1),
    "redirect": (("unknown", "carrier_unreadable"), 0, 1),
}


@pytest.mark.usefixtures("_no_back_off")
@pytest.mark.parametrize("channel", list(Channel))
@pytest.mark.parametrize("kind", FAULTS)
async def test_a_fault_on_demand_has_its_outcome_and_its_number_of_posts(
    sandbox: Sandbox, home: Path, kind: str, channel: Channel
) -> None:
    outcome, accepted, posted = FAULTS[kind]
    async with over_sandbox(home) as ringback:
        sandbox.post("/sandbox/faults", {"next": 1, "kind": kind})
        assert await send(ringback, TO, channel) == outcome
    assert (taken(sandbox), posts(sandbox)) == (accepted, posted)


@pytest.mark.parametrize(("mode", "rule"), [("disabled", "not_enabled"), ("unreachable-check", "enabled_unknown")])
async def test_nothing_is_sent_while_the_check_says_no_or_nothing(
    sandbox: Sandbox, home: Path, mode: str, rule: str
) -> None:
    sandbox.post("/sandbox/faults", {"telephony": mode})
    async with over_sandbox(home) as ringback:
        for channel in Channel:
            with pytest.raises(Refused) as caught:
                await want(ringback.telephone, channel, TO)
            assert caught.value.rule == rule
    assert posts(sandbox) == 0


FORBIDDEN = ["911", "+19005551234", "+881612345678", "+1212555CALL", "5551234567", "tel:+14155552671;ext=9"]


@pytest.mark.parametrize("to", FORBIDDEN)
async def test_a_forbidden_number_never_reaches_the_carrier(sandbox: Sandbox, home: Path, to: str) -> None:
    async with over_sandbox(home) as ringback:
        for channel in Channel:
            with pytest.raises((InvalidNumber, Refused)):
                await want(ringback.telephone, channel, to)
        assert (await ringback.telephone.history()).items == ()
    assert posts(sandbox) == 0


# -- processes -------------------------------------------------------------------------------------------------------


def environment(home: Path, **more: str) -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(SUPPORT), os.environ.get("PYTHONPATH", "")]),
        "RINGBACK_HOME": str(home),
        **more,
    }


def sender(channel: str, number: str) -> list[str]:
    return [sys.executable, "-m", "ringback_support.sender", channel, number, "Hello"]


async def allow(home: Path, number: str, carrier: str = "sandbox") -> None:
    async with over_sandbox(home) as ringback:
        for channel in Channel:
            await ringback.ledger.consents.allow(
                PhoneNumber(number), grant(channel, carrier=carrier), level=Level.A2, via="terminal"
            )


def until_event(sandbox: Sandbox, kind: str) -> None:
    """Wait for the sandbox to tell of a message or a call; it also tells those that came before the stream began."""
    with sandbox.client.stream("GET", "/sandbox/events", timeout=30) as stream:
        if taken(sandbox):
            return
        for line in stream.iter_lines():
            if line == f"event: {kind}":
                return


@pytest.mark.parametrize(("channel", "kind"), [("sms", "message"), ("mms", "message"), ("voice", "call")])
async def test_a_process_killed_amid_its_send_leaves_one_message_which_the_next_start_finds(
    sandbox: Sandbox, home: Path, channel: str, kind: str
) -> None:
    number = "+15550100007"
    await allow(home, number)
    child = await asyncio.create_subprocess_exec(*sender(channel, number), env=environment(home))
    try:
        await asyncio.to_thread(until_event, sandbox, kind)
    finally:
        child.kill()
        await child.wait()
    async with over_sandbox(home) as ringback:
        (left,) = (await ringback.telephone.history()).items
        assert left.status == "dispatching"
        for _ in range(2):
            await ringback.telephone.tend()
        found = await ringback.telephone.status(left.id)
        assert (found.status, found.reason) == ("queued", "found_at_carrier")
        again = await want(ringback.telephone, Channel(channel), number, "Hello")
        assert (again.id, again.repeated) == (left.id, True)
    assert (taken(sandbox), posts(sandbox)) == (1, 1)


@pytest.mark.parametrize("arrived", [True, False])
async def test_a_process_killed_before_its_answer_is_found_or_told_as_unknown_and_never_sends_twice(
    home: Path, monkeypatch: pytest.MonkeyPatch, arrived: bool
) -> None:
    row = {
        "id": "msg_1",
        "type": "sms",
        "to": "+14155552671",
        "status": "sent",
        "created_at": SystemClock().now().isoformat(),
    }
    posted = asyncio.Event()

    def respond(request: Request) -> Reply:
        if request.method == "POST":
            posted.set()
            return Reply(end="hold")
        if "history" in request.path:
            return reply(200, {"data": [row] if arrived else []})
        return reply(200, {"enabled": True, "capabilities": ["sms"]})

    real = row["to"]
    await allow(home, real, carrier="thinkfleetbot")
    async with wire_server(respond) as server:
        set_up("thinkfleetbot", home, monkeypatch, server.url)
        child = await asyncio.create_subprocess_exec(*sender("sms", real), env=environment(home))
        await asyncio.wait_for(posted.wait(), 30)
        child.kill()
        await child.wait()
        async with opened(home, build_carriers(load_settings()).first, clock=SystemClock()) as ringback:
            for _ in range(2):
                await ringback.telephone.tend()
            (left,) = (await ringback.telephone.history()).items
            assert left.status == ("sent" if arrived else "unknown")
        assert len(server.posts()) == 1


async def test_the_same_wish_from_four_processes_at_once_is_one_message(sandbox: Sandbox, home: Path) -> None:
    await allow(home, TO)
    command = [sys.executable, "-m", "ringback_support.crowd", str(home), "send", "4"]
    told = await asyncio.to_thread(
        subprocess.run,
        [*command, json.dumps({"times": 25, "to": TO})],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env=environment(home),
    )
    receipts = [receipt for part in json.loads(told.stdout) for receipt in part]
    assert len(receipts) == 100
    assert len({receipt[0] for receipt in receipts}) == 1
    assert sum(not receipt[2] for receipt in receipts) == 1
    assert (taken(sandbox), posts(sandbox)) == (1, 1)


async def test_a_sandbox_that_was_started_anew_is_found_by_the_next_send(
    start_sandbox: StartSandbox, home: Path
) -> None:
    first = start_sandbox("--memory", state=home / "sandbox")
    async with over_sandbox(home) as ringback:
        assert await send(ringback, TO, text="one") == ("queued", None)
        first.end()
        second = start_sandbox("--memory", state=home / "sandbox")
        assert await send(ringback, TO, text="two") == ("queued", None)
    assert [message["body"] for message in second.messages()] == ["two"]
