"""What Twilio does by itself, on the sandbox: stop words, and telling a person from a machine. Its own client asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.e2e.test_sandbox_twilio import SERVICE, TO, Taken, asking, client_of, taking
from twilio.base.exceptions import TwilioRestException

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Sandbox
    from twilio.rest import Client

OTHER = "+15557654321"
STOPPED = (
    "You have successfully been unsubscribed. You will not receive any more messages from this number. "
    "Reply START to resubscribe."
)
STARTED = (
    "You have successfully been re-subscribed to messages from this number. Reply HELP for help. "
    "Reply STOP to unsubscribe. Msg&Data Rates May Apply."
)
HELPED = "Reply STOP to unsubscribe. Msg&Data Rates May Apply."


@pytest.fixture
def sandbox(still_sandbox: Sandbox) -> Sandbox:
    return still_sandbox


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[Client]:
    one = client_of(sandbox)
    yield one
    one.http_client.session.close()


@pytest.fixture
def line(sandbox: Sandbox) -> str:
    number: str = sandbox.get("/sandbox/state")["line"]
    return number


@pytest.fixture
def taken() -> Iterator[Taken]:
    with taking() as one:
        yield one


def write(sandbox: Sandbox, body: str, sender: str = TO) -> None:
    sandbox.post("/sandbox/replies", {"from": sender, "body": body})


def shown(sandbox: Sandbox) -> list[str]:
    """What the handset got, oldest first."""
    return [message["body"] for message in reversed(sandbox.messages())]


# -- stop words ------------------------------------------------------------------------------------------------------


def test_stop_is_answered_once_and_keeps_texts_back_until_start(client: Client, sandbox: Sandbox, line: str) -> None:
    client.messages.create(to=TO, from_=line, body="Hello")
    write(sandbox, " stop ")
    write(sandbox, "STOP")
    for sender in ({"from_": line}, {"messaging_service_sid": SERVICE}):
        with pytest.raises(TwilioRestException) as caught:
            client.messages.create(to=TO, body="Hello again", **sender)
        assert (caught.value.status, caught.value.code) == (400, 21610)
    client.messages.create(to=OTHER, from_=line, body="Hello")
    write(sandbox, "Start")
    client.messages.create(to=TO, from_=line, body="Welcome back")
    assert shown(sandbox) == ["Hello", STOPPED, "Hello", STARTED, "Welcome back"]


@pytest.mark.parametrize(
    "word", ["STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT", "Quit"]
)
def test_each_stop_word_of_the_service_ends_its_texts(client: Client, sandbox: Sandbox, line: str, word: str) -> None:
    write(sandbox, word)
    with pytest.raises(TwilioRestException) as caught:
        client.messages.create(to=TO, from_=line, body="Hello")
    assert caught.value.code == 21610
    write(sandbox, "UNSTOP")
    client.messages.create(to=TO, from_=line, body="Hello")


@pytest.mark.parametrize("text", ["Please stop", "STOP now", "stop.", "opt out", "Stopp", "arret", "Yes", "start", ""])
def test_any_other_text_is_neither_answered_nor_acted_on(
    client: Client, sandbox: Sandbox, line: str, text: str
) -> None:
    client.messages.create(to=TO, from_=line, body="Hello")
    write(sandbox, text or "-")
    client.messages.create(to=TO, from_=line, body="Again")
    assert shown(sandbox) == ["Hello", "Again"]


def test_help_is_answered_but_not_for_who_opted_out(client: Client, sandbox: Sandbox, line: str) -> None:
    client.messages.create(to=TO, from_=line, body="Hello")
    write(sandbox, "help")
    write(sandbox, "STOP")
    write(sandbox, "INFO")
    assert shown(sandbox) == ["Hello", HELPED, STOPPED]


def test_a_number_that_another_service_texted_last_is_not_answered(client: Client, sandbox: Sandbox, line: str) -> None:
    client.messages.create(to=TO, from_=line, body="By Twilio")
    sandbox.text("By another", TO)
    write(sandbox, "STOP")
    assert shown(sandbox) == ["By Twilio", "By another"]


def test_the_services_own_answer_is_in_its_list_as_a_reply_and_calls_nobody_back(
    client: Client, sandbox: Sandbox, line: str, taken: Taken
) -> None:
    (number,) = client.incoming_phone_numbers.list()
    number.update(sms_url=f"{taken.url}/sms")
    client.messages.create(to=TO, from_=line, body="Hello")
    write(sandbox, "STOP")
    assert taken.next()["Body"] == "STOP", "the text itself is passed on"
    sandbox.advance(2)
    told = {each.body: (each.direction, each.status) for each in client.messages.list(to=TO)}
    assert told == {STOPPED: ("outbound-reply", "delivered"), "Hello": ("outbound-api", "delivered")}
    assert taken.waiting.empty()


def test_switched_off_the_service_leaves_stop_words_to_its_clients(client: Client, sandbox: Sandbox, line: str) -> None:
    sandbox.post("/sandbox/platform", {"stop_words": False})
    client.messages.create(to=TO, from_=line, body="Hello")
    write(sandbox, "STOP")
    client.messages.create(to=TO, from_=line, body="You are unsubscribed.")
    assert shown(sandbox) == ["Hello", "You are unsubscribed."]


# -- who took the call -----------------------------------------------------------------------------------------------


def end(sandbox: Sandbox, who: str) -> None:
    """Let a person or voicemail take the newest call, and let it end."""
    sandbox.advance(1)
    own = sandbox.calls()[0]["id"]
    sandbox.post(f"/sandbox/calls/{own}/{'answer' if who == 'person' else 'voicemail'}")
    sandbox.advance(10)
    if who == "person":
        sandbox.post(f"/sandbox/calls/{own}/hangup")


@pytest.mark.parametrize(
    ("who", "wanted", "told"),
    [
        ("person", {"machine_detection": "Enable"}, "human"),
        ("voicemail", {"machine_detection": "Enable"}, "machine_start"),
        ("voicemail", {"machine_detection": "DetectMessageEnd"}, "machine_end_beep"),
        ("voicemail", {}, None),
        ("person", {}, None),
    ],
)
def test_who_took_a_call_is_told_where_it_was_asked_for(
    client: Client, sandbox: Sandbox, line: str, who: str, wanted: dict[str, Any], told: str | None
) -> None:
    call = client.calls.create(to=TO, from_=line, twiml=asking("Hi"), **wanted)
    assert call.answered_by is None
    end(sandbox, who)
    ended = call.fetch()
    assert (ended.status, ended.answered_by) == ("completed", told)


@pytest.mark.parametrize(("who", "told"), [("person", "human"), ("voicemail", "machine_start")])
def test_in_the_background_it_is_posted_during_the_call_and_in_the_resource_after_it(
    client: Client, sandbox: Sandbox, line: str, taken: Taken, who: str, told: str
) -> None:
    detection = {
        "machine_detection": "Enable",
        "async_amd": "true",
        "async_amd_status_callback": f"{taken.url}/who",
    }
    call = client.calls.create(to=TO, from_=line, twiml=asking("Hi"), **detection)
    sandbox.advance(1)
    own = sandbox.calls()[0]["id"]
    sandbox.post(f"/sandbox/calls/{own}/{'answer' if who == 'person' else 'voicemail'}")
    fields = taken.next()
    assert (taken.path, fields["CallSid"], fields["AnsweredBy"]) == ("/who", call.sid, told)
    assert "CallStatus" not in fields
    assert taken.signed_by(sandbox.api_key, fields)
    assert call.fetch().answered_by is None
    call.update(status="completed")
    assert call.fetch().answered_by == told


@pytest.mark.parametrize("number", ["+15550100001", "+15550100002", "+15550100003"])
def test_of_a_call_that_nobody_took_nothing_is_told(client: Client, sandbox: Sandbox, line: str, number: str) -> None:
    call = client.calls.create(to=number, from_=line, twiml=asking("Hi"), machine_detection="Enable")
    sandbox.advance(60)
    assert call.fetch().answered_by is None


def test_an_unknown_detection_is_refused(client: Client, sandbox: Sandbox, line: str) -> None:
    with pytest.raises(TwilioRestException) as caught:
        client.calls.create(to=TO, from_=line, twiml=asking("Hi"), machine_detection="Perhaps")
    assert (caught.value.status, caught.value.code) == (400, 21626)
    assert sandbox.calls() == []
