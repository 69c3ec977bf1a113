"""Twilio end to end: the real command, MCP's own client and `ringback serve`, on the sandbox's Twilio over sockets."""

from __future__ import annotations

import socket
import sys
from typing import TYPE_CHECKING, Any

import pytest
from mcp import Client, StdioServerParameters, stdio_client
from ringback_support.open_rules import voiced
from tests.e2e.serving import Serving, eventually, texts
from tests.tools.support import Reader, files_of, receipt_of, traces

from ringback.ledger.records import Level
from ringback.model.outbound import Channel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import Sandbox
    from tests.e2e.conftest import Installation

TO = "+12025550123"
SID = "AC" + "5" * 32
BODY = "Your table is ready at seven"
PROMPT = "Press 1 to confirm & <2> to cancel."
PICTURE = "https://example.com/a.png"
NO_POLLS = """
from ringback.inbound import Inbound
async def nothing(*_): return 0
Inbound.refresh_due = Inbound.collect = nothing
"""


@pytest.fixture
def sandbox(module_sandbox: Sandbox) -> Sandbox:
    module_sandbox.post("/sandbox/reset")
    module_sandbox.freeze()
    return module_sandbox


@pytest.fixture
def twilio(ringback: Installation, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """An installation whose carrier is Twilio, at the sandbox's address."""
    ringback.settings = {
        "RINGBACK_CARRIER": "twilio",
        "RINGBACK_CONSOLE_PORT": "0",
        "TWILIO_API_URL": sandbox.url,
        "TWILIO_ACCOUNT_SID": SID,
        "TWILIO_AUTH_TOKEN": sandbox.api_key,
        "TWILIO_FROM_NUMBER": sandbox.get("/sandbox/state")["line"],
    }
    for name, value in ringback.settings.items():
        monkeypatch.setenv(name, value)
    return ringback


@pytest.fixture
def public(twilio: Installation, monkeypatch: pytest.MonkeyPatch) -> int:
    """The port that the installation's public address leads to, which nothing has yet."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
    twilio.settings["RINGBACK_PUBLIC_URL"] = f"http://127.0.0.1:{port}"
    monkeypatch.setenv("RINGBACK_PUBLIC_URL", f"http://127.0.0.1:{port}")
    return port


@pytest.fixture
def serving(twilio: Installation, public: int) -> Iterator[Serving]:
    """`ringback serve` at the public address; it asks nothing, so whatever it knows was called back."""
    one = Serving(twilio, "--port", str(public), patch=NO_POLLS)
    yield one
    one.close()


def allow(installation: Installation) -> None:
    for channel in Channel:
        installation.ask(
            lambda opened, channel=channel: opened.person.allow(
                TO, channel, level=Level.A2, via="terminal", seconds=600, count=9
            )
        )


def known(installation: Installation, outbound_id: str) -> Any:
    """The receipt as the ledger has it; nobody is asked."""
    items = installation.ask(lambda opened: opened.telephone.history()).items
    return next(item for item in items if item.id == outbound_id)


def reaching(installation: Installation, outbound_id: str, status: str) -> Callable[[], bool]:
    return lambda: known(installation, outbound_id).status == status


# -- by command line -------------------------------------------------------------------------------------------------


def test_the_command_checks_sends_and_tells_what_became_of_it(twilio: Installation, sandbox: Sandbox) -> None:
    line = twilio("check").json
    assert (line["carrier"], line["enabled"], line["capabilities"]) == ("twilio", True, ["mms", "sms", "voice"])
    allow(twilio)
    text = twilio("sms", "--to", TO, "--body", BODY).json
    picture = twilio("mms", "--to", TO, "--body", "Look", "--media-url", PICTURE).json
    call = twilio("call", "--to", TO, "--prompt", PROMPT).json
    assert [sandbox.messages()[at]["body"] for at in (1, 0)] == [BODY, "Look"]
    assert sandbox.messages()[0]["media_url"] == PICTURE
    assert sandbox.calls()[0]["prompt"] == voiced(PROMPT)
    sandbox.advance(60)
    ends = [twilio("status", each["id"]).json["status"] for each in (text, picture, call)]
    assert ends == ["delivered", "delivered", "no_answer"]
    paths = [request["path"] + request["query"] for request in sandbox.requests()]
    assert all(path.startswith("/2010-04-01/Accounts/") for path in paths)
    assert not any(TO[1:] in path or "5550109999" in path for path in paths)
    assert traces(files_of(twilio.home), TO, BODY, PROMPT, sandbox.api_key) == []


def test_a_recipient_who_opted_out_is_told_in_plain_words(twilio: Installation, sandbox: Sandbox) -> None:
    allow(twilio)
    sandbox.post("/sandbox/replies", {"from": TO, "body": "STOP"})
    done = twilio("sms", "--to", TO, "--body", BODY)
    assert "21610" in done.out
    assert "123" not in done.json.get("detail", "")
    assert sandbox.messages() == []


@pytest.mark.parametrize("kind", ["close-after", "500-after", "half-json", "wrong-type"])
def test_a_text_whose_answer_is_lost_is_found_in_twilios_list_and_never_sent_twice(
    twilio: Installation, sandbox: Sandbox, kind: str
) -> None:
    allow(twilio)
    sandbox.post("/sandbox/clock", {"frozen": False})
    sandbox.post("/sandbox/faults", {"next": 1, "kind": kind})
    doubtful = twilio("sms", "--to", TO, "--body", BODY).json
    found = twilio("status", doubtful["id"]).json
    assert found["status"] in {"queued", "sent", "delivered"}
    assert len(sandbox.messages()) == 1


def test_what_people_write_back_is_collected_without_a_public_address(twilio: Installation, sandbox: Sandbox) -> None:
    sandbox.post("/sandbox/replies", {"from": TO, "body": "Yes, see you"})
    sandbox.post("/sandbox/replies", {"from": TO, "body": "And a cake"})
    for _ in range(2):
        twilio.ask(lambda opened: opened.inbound.collect())
    assert texts(twilio) == ["And a cake", "Yes, see you"]


# -- by an MCP client ------------------------------------------------------------------------------------------------


async def test_an_mcp_client_texts_and_calls_by_twilio_and_hears_what_became_of_it(
    twilio: Installation, sandbox: Sandbox
) -> None:
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "ringback_server", "mcp"], env=twilio.environment
    )
    person = Reader()
    with (twilio.home.parent / "server.log").open("w") as log:
        async with Client(stdio_client(server, log), elicitation_callback=person) as client:
            assert receipt_of(await client.call_tool("check-telephony", {}))["carrier"] == "twilio"
            text = receipt_of(await client.call_tool("send-sms", {"to": TO, "body": BODY}))
            call = receipt_of(await client.call_tool("voice-call", {"to": TO, "prompt": PROMPT}))
            sandbox.advance(1)
            sandbox.post(f"/sandbox/calls/{sandbox.calls()[0]['id']}/answer")
            sandbox.advance(9)
            sandbox.post(f"/sandbox/calls/{sandbox.calls()[0]['id']}/hangup")
            ends = [receipt_of(await client.call_tool("status", {"id": each["id"]})) for each in (text, call)]
    assert [each["status"] for each in ends] == ["delivered", "completed"]
    assert ends[1]["duration_s"] == 9
    assert "keys" not in ends[1], "without a public address nobody tells them"
    assert (sandbox.messages()[0]["body"], sandbox.calls()[0]["prompt"]) == (BODY, voiced(PROMPT))
    assert len(person.shown) == 2
    log_bytes = {"log": (twilio.home.parent / "server.log").read_bytes()}
    assert traces(log_bytes | files_of(twilio.home), TO, BODY, PROMPT, sandbox.api_key) == []


# -- callbacks -------------------------------------------------------------------------------------------------------


def test_statuses_are_called_back_signed_and_nobody_has_to_ask(
    twilio: Installation, sandbox: Sandbox, serving: Serving
) -> None:
    allow(twilio)
    text = twilio("sms", "--to", TO, "--body", BODY).json["id"]
    sandbox.advance(2)
    eventually(reaching(twilio, text, "delivered"))
    assert not any(request["method"] == "GET" and "/Messages" in request["path"] for request in sandbox.requests())


def test_pressed_keys_come_back_and_end_the_call(twilio: Installation, sandbox: Sandbox, serving: Serving) -> None:
    allow(twilio)
    call = twilio("call", "--to", TO, "--prompt", PROMPT).json["id"]
    own = sandbox.calls()[0]["id"]
    assert sandbox.calls()[0]["prompt"] == voiced(PROMPT)
    sandbox.advance(1)
    sandbox.post(f"/sandbox/calls/{own}/answer")
    sandbox.post(f"/sandbox/calls/{own}/keys", {"keys": "1"})
    sandbox.post(f"/sandbox/calls/{own}/keys", {"keys": "#"})
    sandbox.advance(5)
    eventually(reaching(twilio, call, "completed"))
    assert known(twilio, call).keys == "1#"


def test_a_reply_is_called_back_once_the_number_says_where(
    twilio: Installation, sandbox: Sandbox, serving: Serving, public: int
) -> None:
    serving.told("set that at the carrier")
    api = {"auth": (SID, sandbox.api_key)}
    numbers = f"/2010-04-01/Accounts/{SID}/IncomingPhoneNumbers"
    (number,) = sandbox.client.get(f"{numbers}.json", **api).json()["incoming_phone_numbers"]
    hook = f"http://127.0.0.1:{public}/webhooks/twilio"
    sandbox.client.post(f"{numbers}/{number['sid']}.json", data={"SmsUrl": hook}, **api).raise_for_status()
    sandbox.post("/sandbox/replies", {"from": TO, "body": "Ja, gern 😀"})
    eventually(lambda: texts(twilio))
    twilio.ask(lambda opened: opened.inbound.collect())
    assert texts(twilio) == ["Ja, gern 😀"], "called back and listed, it is one text"


def test_a_callback_is_answered_with_empty_twiml_and_a_forged_one_with_401(serving: Serving, sandbox: Sandbox) -> None:
    from twilio.request_validator import RequestValidator

    url = f"{serving.url}/webhooks/twilio"
    fields = {"AccountSid": SID, "MessageSid": "SM" + "1" * 32, "MessageStatus": "delivered"}
    signature = RequestValidator(sandbox.api_key).compute_signature(url, fields)
    right = serving.client.post("/webhooks/twilio", data=fields, headers={"X-Twilio-Signature": signature})
    assert (right.status_code, right.headers["content-type"], right.content) == (
        200,
        "text/xml; charset=utf-8",
        b"<Response/>",
    )
    forged = serving.client.post(
        "/webhooks/twilio", data=fields | {"MessageStatus": "failed"}, headers={"X-Twilio-Signature": signature}
    )
    assert (forged.status_code, forged.content) == (401, b"")
