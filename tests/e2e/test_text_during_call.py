"""Texts during a call, from the door to the handset: by an MCP client, by command, and by a thinnest.ai agent."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest
from mcp import Client, StdioServerParameters, stdio_client
from tests.e2e.serving import Serving

from ringback.approvals import Answer
from ringback.ledger.records import Choice, Level
from ringback.model.outbound import Channel
from ringback.opening import open_ringback
from ringback.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import Sandbox
    from tests.e2e.conftest import Installation, Terminal

    from ringback.opening import Ringback
    from ringback.receipts import Receipt

TO = "+12025550123"
YES = Answer(Choice.ONCE, Level.A2, "page")
TEMPLATES = 'booking = "Confirmed for {date} at {time}."\nreset = "Reset it: {link}"\n'
FINISHED = "Confirmed for March 10 at 2:00 PM."
AGENT = "agent_abc123"


async def allow(opened: Ringback, channel: Channel) -> None:
    await opened.person.allow(TO, channel, level=Level.A2, via="terminal", seconds=3600, count=20)


def place_call(ringback: Installation, handset: Sandbox) -> str:
    """A call that was answered on the handset; its outbound id."""
    ringback.ask(lambda opened: allow(opened, Channel.VOICE))
    placed: str = ringback("call", "--to", TO, "--prompt", "Hello").json["id"]
    answer(handset)
    return placed


def answer(handset: Sandbox) -> None:
    handset.advance(1)
    handset.post(f"/sandbox/calls/{handset.calls()[0]['id']}/answer")


def hang_up(handset: Sandbox) -> None:
    handset.post(f"/sandbox/calls/{handset.calls()[0]['id']}/hangup")


def arrived(handset: Sandbox) -> list[tuple[str, str]]:
    return [(message["to"], message["body"]) for message in handset.messages()]


@pytest.fixture
def templates(ringback: Installation, handset: Sandbox) -> None:
    assert handset.messages() == []
    (ringback.home / "templates.toml").write_text(TEMPLATES)


@pytest.mark.usefixtures("templates")
async def test_an_mcp_client_texts_the_other_party_of_its_call_from_a_template(
    ringback: Installation, handset: Sandbox
) -> None:
    async with open_ringback(Settings(home=ringback.home, sandbox_port=0)) as opened:
        await allow(opened, Channel.VOICE)
        server = StdioServerParameters(
            command=sys.executable, args=["-m", "ringback_server", "mcp"], env=ringback.environment
        )
        async with Client(stdio_client(server)) as client:
            checked = (await client.call_tool("check-telephony", {})).structured_content
            assert {"name": "booking", "variables": ["date", "time"]} in checked["templates"]
            call = (await client.call_tool("voice-call", {"to": TO, "prompt": "Hello"})).structured_content["id"]
            wish: dict[str, Any] = {"call_id": call, "template": "booking"}
            wish["variables"] = {"date": "March 10", "time": "2:00 PM"}
            early = await client.call_tool("send-sms", wish)
            assert early.is_error
            assert "[call_not_live]" in early.content[0].text
            answer(handset)
            waiting = await client.call_tool("send-sms", wish)
            told = waiting.structured_content
            assert (waiting.is_error, told["status"]) == (False, "awaiting_approval")
            assert TO[1:] not in str(waiting)
            assert (await opened.person.question(told["id"])).text == FINISHED
            await opened.person.answer(told["id"], YES)
            asked = await client.call_tool("status", {"id": told["id"]})
            assert asked.structured_content["status"] in {"accepted", "queued", "sent", "delivered"}
            assert arrived(handset) == [(TO, FINISHED)]
            hang_up(handset)
            late = await client.call_tool("send-sms", {"call_id": call, "body": "Too late"})
            assert late.is_error
    assert arrived(handset) == [(TO, FINISHED)]


@pytest.mark.usefixtures("templates")
def test_the_command_texts_the_other_party_of_a_live_call(ringback: Installation, handset: Sandbox) -> None:
    call = place_call(ringback, handset)
    ringback.ask(lambda opened: allow(opened, Channel.SMS))
    variables = ("--var", "date=March 10", "--var", "time=-")
    sent = ringback("sms", "--call", call, "--template", "booking", *variables, stdin="2:00 PM\n")
    assert (sent.code, sent.json["status"]) == (0, "queued")
    assert TO[1:] not in sent.out + sent.err
    assert arrived(handset) == [(TO, FINISHED)]
    hang_up(handset)
    late = ringback("sms", "--call", call, "--body", "Too late")
    assert (late.code, late.json["error"]["code"]) == (3, "call_not_live")


@pytest.mark.usefixtures("templates")
@pytest.mark.parametrize(
    "wrong",
    [
        ("--to", TO),
        ("--to", TO, "--body", "x", "--template", "reset"),
        ("--to", TO, "--call", "ob_1", "--body", "x"),
        ("--to", TO, "--template", "reset"),
        ("--to", TO, "--template", "reset", "--var", "link"),
        ("--to", TO, "--template", "reset", "--var", "link=a", "--var", "link=b"),
        ("--to", TO, "--template", "reset", "--var", "link=a", "--var", "more=b"),
    ],
)
def test_a_command_that_does_not_say_one_thing_is_wrong_usage(ringback: Installation, wrong: tuple[str, ...]) -> None:
    assert ringback("sms", *wrong).code == 2


# -- thinnest.ai -----------------------------------------------------------------------------------------------------


@pytest.fixture
def served(ringback: Installation, handset: Sandbox) -> Iterator[Serving]:
    """`ringback serve`, and the settings with which `ringback thinnest` finds it and the sandbox's thinnest.ai."""
    assert handset.messages() == []
    one = Serving(ringback)
    ringback.settings = {
        "THINNESTAI_API_URL": handset.url,
        "THINNESTAI_API_KEY": handset.api_key,
        "THINNESTAI_AGENT_ID": AGENT,
        "RINGBACK_PUBLIC_URL": one.url,
    }
    yield one
    one.close()


def push(terminal: Callable[..., Terminal], *options: str, typed: str = "yes") -> tuple[int, str]:
    """The command in a person's terminal; its exit code, and what it showed."""
    person = terminal("thinnest", "push", *options, columns=200)
    person.until("Type yes: ")
    person.type(f"{typed}\n")
    return person.finish(), person.shown


def tool(handset: Sandbox) -> dict[str, Any]:
    set_up: dict[str, Any] = handset.api.get(f"/agents/{AGENT}").json()["voice_tools"]["sms_mid_call"]
    return set_up


def agent_texts(handset: Sandbox, **said: Any) -> Any:
    call = handset.calls()[0]["id"]
    return handset.post("/sandbox/thinnest/texts", {"agent_id": AGENT, "call_id": call, **said})


@pytest.mark.usefixtures("templates")
def test_an_agent_that_was_set_up_by_push_texts_during_a_call_after_a_persons_yes(
    ringback: Installation, handset: Sandbox, served: Serving, terminal: Callable[..., Terminal]
) -> None:
    code, shown = push(terminal)
    assert code == 0
    set_up = tool(handset)
    secret = set_up["custom_api_headers"]["Authorization"].removeprefix("Bearer ")
    assert set_up == {
        "enabled": True,
        "provider": "custom",
        "templates": {"booking": "Confirmed for {date} at {time}.", "reset": "Reset it: {link}"},
        "custom_api_url": f"{served.url}/thinnest/sms",
        "custom_api_headers": {"Authorization": f"Bearer {secret}"},
    }
    assert '+ provider: "custom"' in shown
    assert "- enabled: false" in shown
    assert secret not in shown
    place_call(ringback, handset)
    variables = {"date": "March 10", "time": "2:00 PM"}
    posted = agent_texts(handset, template="booking", variables=variables)
    assert (posted["status"], "awaiting_approval" in posted["body"]) == (202, True)
    assert arrived(handset) == []

    async def approve(opened: Ringback) -> Receipt:
        (question,) = await opened.person.waiting()
        assert (question.text, question.asked_by) == (FINISHED, "thinnest during a call")
        return await opened.person.answer(question.id, YES)

    assert ringback.ask(approve).status == "queued"
    assert arrived(handset) == [(TO, FINISHED)]
    assert agent_texts(handset, message=FINISHED)["status"] == 200
    served.client.headers["Authorization"] = f"Bearer {secret}"
    stranger = served.client.post("/thinnest/sms", json={"to": "+12025550199", "message": "x"})
    assert (stranger.status_code, stranger.json()["error"]["code"]) == (403, "not_on_call")
    hang_up(handset)
    assert served.client.post("/thinnest/sms", json={"to": TO, "message": "After it"}).status_code == 403
    assert arrived(handset) == [(TO, FINISHED)]
    assert "0123" not in served.words


@pytest.mark.usefixtures("served")
def test_without_a_typed_yes_nothing_is_written_and_the_secret_stays(
    handset: Sandbox, terminal: Callable[..., Terminal]
) -> None:
    push(terminal)
    before = tool(handset)
    code, shown = push(terminal, typed="y")
    assert (code, tool(handset)) == (3, before)
    assert "Nothing was written" in shown


@pytest.mark.usefixtures("served")
def test_with_twilio_the_service_gets_the_number_and_no_address_of_ours(
    handset: Sandbox, terminal: Callable[..., Terminal]
) -> None:
    code, _ = push(terminal, "--provider", "twilio", "--from-number", "+14155550000")
    assert code == 0
    patches = [request for request in handset.requests() if request["method"] == "PATCH"]
    wanted = {"enabled": True, "provider": "twilio", "from_number": "+14155550000", "templates": {}}
    assert [patch["body"] for patch in patches] == [{"voice_tools": {"sms_mid_call": wanted}}]


@pytest.mark.usefixtures("served")
def test_only_a_person_in_a_terminal_sets_it_up_or_makes_a_secret(ringback: Installation, handset: Sandbox) -> None:
    for command in ("push", "secret"):
        done = ringback("thinnest", command, stdin="yes\n")
        assert (done.code, done.json["error"]["code"]) == (3, "no_terminal")
    assert tool(handset) == {"enabled": False}


def test_a_secret_is_shown_once_and_opens_the_door(served: Serving, terminal: Callable[..., Terminal]) -> None:
    person = terminal("thinnest", "secret", columns=200)
    assert person.finish() == 0
    secret = person.shown.partition("Bearer ")[2].split()[0]
    body = {"to": TO, "message": "x"}
    assert served.client.post("/thinnest/sms", json=body).status_code == 401
    known = served.client.post("/thinnest/sms", json=body, headers={"Authorization": f"Bearer {secret}"})
    assert known.status_code == 403
