"""Twilio's own Python client against the sandbox: what it sends, reads, lists and is refused."""

from __future__ import annotations

import queue
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client
from twilio.twiml.voice_response import Gather, VoiceResponse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Sandbox

TO = "+15551234567"
SID = "AC" + "5" * 32
SERVICE = "MG" + "7" * 32
LIMIT_S = 30


class ToSandbox(TwilioHttpClient):
    """The client's own HTTP, with the host of every request replaced."""

    def __init__(self, url: str) -> None:
        super().__init__(timeout=LIMIT_S)
        self.session.trust_env = False
        self._url = url

    def request(self, method: str, url: str, *more: Any, **given: Any) -> Any:
        parts = urlsplit(url)
        assert parts.netloc == "api.twilio.com"
        query = f"?{parts.query}" if parts.query else ""
        return super().request(method, f"{self._url}{parts.path}{query}", *more, **given)


def client_of(sandbox: Sandbox, token: str | None = None) -> Client:
    return Client(SID, token or sandbox.api_key, http_client=ToSandbox(sandbox.url))


@pytest.fixture
def sandbox(module_sandbox: Sandbox) -> Sandbox:
    module_sandbox.post("/sandbox/reset")
    module_sandbox.freeze()
    return module_sandbox


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[Client]:
    one = client_of(sandbox)
    yield one
    one.http_client.session.close()


@pytest.fixture
def line(sandbox: Sandbox) -> str:
    number: str = sandbox.get("/sandbox/state")["line"]
    return number


class Taken:
    """Posts that a server on this machine took, in their order."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.waiting: queue.Queue[tuple[str, dict[str, str], str]] = queue.Queue()

    def next(self) -> dict[str, str]:
        path, fields, signature = self.waiting.get(timeout=LIMIT_S)
        self.signature, self.path = signature, path
        return fields

    def signed_by(self, token: str, fields: dict[str, str]) -> bool:
        return bool(RequestValidator(token).validate(f"{self.url}{self.path}", fields, self.signature))


@contextmanager
def taking() -> Iterator[Taken]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            fields = dict(parse_qsl(body, keep_blank_values=True))
            taken.waiting.put((self.path, fields, self.headers["X-Twilio-Signature"]))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    taken = Taken(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield taken
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def taken() -> Iterator[Taken]:
    with taking() as one:
        yield one


# -- messages --------------------------------------------------------------------------------------------------------


def test_a_text_is_sent_appears_on_the_handset_and_is_fetched_as_it_goes_on(
    client: Client, sandbox: Sandbox, line: str
) -> None:
    sent = client.messages.create(to=TO, from_=line, body="Grüße, 明日 & <you> 😀")
    assert (sent.status, sent.direction, sent.to, sent.from_) == ("queued", "outbound-api", TO, line)
    assert sent.sid.startswith("SM")
    assert len(sent.sid) == 34
    assert sent.date_sent is None
    (shown,) = sandbox.messages()
    assert (shown["to"], shown["body"], shown["type"]) == (TO, "Grüße, 明日 & <you> 😀", "sms")
    sandbox.advance(1)
    assert sent.fetch().status == "sent"
    sandbox.advance(1)
    done = client.messages(sent.sid).fetch()
    assert (done.status, done.body, done.error_code, done.num_media) == (
        "delivered",
        "Grüße, 明日 & <you> 😀",
        None,
        "0",
    )
    assert done.date_created <= done.date_sent <= done.date_updated


def test_a_picture_is_an_mms(client: Client, sandbox: Sandbox, line: str) -> None:
    sent = client.messages.create(to=TO, from_=line, body="Look", media_url=["https://example.com/a.png"])
    assert (sent.sid[:2], sent.num_media) == ("MM", "1")
    assert sandbox.messages()[0]["media_url"] == "https://example.com/a.png"


def test_a_messaging_service_takes_the_place_of_the_number(client: Client, sandbox: Sandbox) -> None:
    sent = client.messages.create(to=TO, messaging_service_sid=SERVICE, body="Hello")
    assert (sent.status, sent.from_, sent.messaging_service_sid) == ("accepted", None, SERVICE)
    sandbox.advance(2)
    assert sent.fetch().status == "delivered"


def test_a_message_that_cannot_arrive_ends_undelivered_with_its_code(
    client: Client, sandbox: Sandbox, line: str
) -> None:
    sent = client.messages.create(to="+15550100001", from_=line, body="Hello")
    sandbox.advance(2)
    ended = sent.fetch()
    assert (ended.status, ended.error_code) == ("undelivered", 30003)
    assert ended.error_message == "Unreachable destination handset"


def test_the_list_is_read_page_by_page_newest_first_without_one_twice(
    client: Client, sandbox: Sandbox, line: str
) -> None:
    sids = [client.messages.create(to=TO, from_=line, body=f"Number {at}").sid for at in range(7)]
    pages = client.messages.page(page_size=3)
    first = [message.sid for message in pages]
    client.messages.create(to=TO, from_=line, body="One more, between two pages")
    second = [message.sid for message in client.messages.get_page(pages.next_page_url)]
    assert first + second == sids[::-1][:6]
    assert len(client.messages.list(page_size=3)) == 8
    assert len(client.messages.list(limit=2)) == 2


def test_the_list_is_filtered_by_both_numbers_and_by_day(client: Client, sandbox: Sandbox, line: str) -> None:
    client.messages.create(to=TO, from_=line, body="Out")
    client.messages.create(to="+15557654321", from_=line, body="Out, to another")
    sandbox.post("/sandbox/replies", {"from": TO, "body": "In"})
    assert [(each.body, each.direction, each.status) for each in client.messages.list(to=line)] == [
        ("In", "inbound", "received")
    ]
    assert [each.body for each in client.messages.list(to=TO)] == ["Out"]
    assert [each.body for each in client.messages.list(from_=TO)] == ["In"]
    day = client.messages.list(to=line)[0].date_sent
    assert len(client.messages.list(date_sent=day)) == 3
    assert len(client.messages.list(date_sent_after=day)) == 3
    assert client.messages.list(date_sent_before=day.replace(year=2001)) == []


def test_a_received_text_is_fetched_by_its_sid(client: Client, sandbox: Sandbox, line: str) -> None:
    sandbox.post("/sandbox/replies", {"from": TO, "body": "Yes"})
    (listed,) = client.messages.list(to=line)
    assert (listed.fetch().body, listed.from_) == ("Yes", TO)


# -- calls -----------------------------------------------------------------------------------------------------------


def asking(words: str, **attributes: Any) -> str:
    response = VoiceResponse()
    gather = Gather(input="dtmf", **attributes)
    gather.say(words)
    response.append(gather)
    return str(response)


def test_a_call_says_its_words_on_the_handset_and_ends_as_the_handset_ends_it(
    client: Client, sandbox: Sandbox, line: str
) -> None:
    response = VoiceResponse()
    response.say("Hello, <you> & yours.")
    call = client.calls.create(to=TO, from_=line, twiml=response)
    assert (call.sid[:2], call.status, call.duration) == ("CA", "queued", None)
    (shown,) = sandbox.calls()
    assert shown["prompt"] == "Hello, <you> & yours."
    sandbox.advance(1)
    assert call.fetch().status == "ringing"
    sandbox.post(f"/sandbox/calls/{shown['id']}/answer")
    assert call.fetch().status == "in-progress"
    sandbox.advance(12)
    sandbox.post(f"/sandbox/calls/{shown['id']}/hangup")
    ended = call.fetch()
    assert (ended.status, ended.duration) == ("completed", "12")
    assert [each.sid for each in client.calls.list(to=TO, status="completed")] == [call.sid]
    assert client.calls.list(status="busy") == []


def test_a_call_is_ended_from_outside(client: Client, sandbox: Sandbox, line: str) -> None:
    ringing = client.calls.create(to=TO, from_=line, twiml=asking("Hello"))
    sandbox.advance(1)
    assert ringing.update(status="completed").status == "canceled"
    with pytest.raises(TwilioRestException) as caught:
        ringing.update(status="completed")
    assert caught.value.code == 21220
    talking = client.calls.create(to=TO, from_=line, twiml=asking("Hello"))
    sandbox.advance(1)
    sandbox.post(f"/sandbox/calls/{sandbox.calls()[0]['id']}/answer")
    assert talking.update(status="completed").status == "completed"


def test_every_step_of_a_call_that_was_asked_for_is_called_back_signed(
    client: Client, sandbox: Sandbox, line: str, taken: Taken
) -> None:
    url = f"{taken.url}/calls"
    steps = ["initiated", "ringing", "answered", "completed"]
    call = client.calls.create(to=TO, from_=line, twiml=asking("Hi"), status_callback=url, status_callback_event=steps)
    told = [taken.next()]
    sandbox.advance(1)
    told.append(taken.next())
    sandbox.post(f"/sandbox/calls/{sandbox.calls()[0]['id']}/answer")
    told.append(taken.next())
    sandbox.advance(5)
    sandbox.post(f"/sandbox/calls/{sandbox.calls()[0]['id']}/hangup")
    told.append(taken.next())
    assert taken.signed_by(sandbox.api_key, told[-1])
    assert not taken.signed_by("another token", told[-1])
    assert [each["CallStatus"] for each in told] == ["initiated", "ringing", "in-progress", "completed"]
    assert [each["SequenceNumber"] for each in told] == ["0", "1", "2", "3"]
    assert {each["CallSid"] for each in told} == {call.sid}
    assert {each["AccountSid"] for each in told} == {SID}
    assert told[-1]["CallDuration"] == "5"


def test_without_a_choice_of_steps_only_the_end_is_called_back(
    client: Client, sandbox: Sandbox, line: str, taken: Taken
) -> None:
    client.calls.create(to="+15550100002", from_=line, twiml=asking("Hi"), status_callback=f"{taken.url}/calls")
    sandbox.advance(60)
    assert taken.next()["CallStatus"] == "busy"
    assert taken.waiting.empty()


@pytest.mark.parametrize(
    ("attributes", "pressed", "digits"),
    [
        ({"num_digits": 2}, ["1", "2"], "12"),
        ({}, ["4", "5", "#"], "45"),
        ({"finish_on_key": "*"}, ["4", "#", "*"], "4#"),
        ({"finish_on_key": "", "timeout": 5}, ["#"], "#"),
    ],
)
def test_pressed_keys_are_posted_to_the_gathers_action_and_the_call_is_over(
    client: Client,
    sandbox: Sandbox,
    line: str,
    taken: Taken,
    attributes: dict[str, Any],
    pressed: list[str],
    digits: str,
) -> None:
    call = client.calls.create(to=TO, from_=line, twiml=asking("Keys?", action=f"{taken.url}/keys", **attributes))
    sandbox.advance(1)
    own = sandbox.calls()[0]["id"]
    sandbox.post(f"/sandbox/calls/{own}/answer")
    for key in pressed:
        assert taken.waiting.empty()
        sandbox.post(f"/sandbox/calls/{own}/keys", {"keys": key})
    sandbox.advance(5)
    fields = taken.next()
    assert (fields["Digits"], fields["CallSid"], taken.path) == (digits, call.sid, "/keys")
    assert taken.signed_by(sandbox.api_key, fields)


# -- callbacks of messages -------------------------------------------------------------------------------------------


def test_each_status_of_a_message_is_called_back_signed(
    client: Client, sandbox: Sandbox, line: str, taken: Taken
) -> None:
    sent = client.messages.create(
        to="+15550100001", from_=line, body="Hi", status_callback=f"{taken.url}/a/path?with=query"
    )
    told = [taken.next()]
    sandbox.advance(2)
    told += [taken.next(), taken.next()]
    assert [each["MessageStatus"] for each in told] == ["queued", "sent", "undelivered"]
    assert [each.get("ErrorCode") for each in told] == [None, None, "30003"]
    assert {each["MessageSid"] for each in told} == {sent.sid}
    assert taken.signed_by(sandbox.api_key, told[-1])


def test_a_reply_is_posted_to_the_numbers_address(client: Client, sandbox: Sandbox, line: str, taken: Taken) -> None:
    (number,) = client.incoming_phone_numbers.list(phone_number=line)
    assert number.update(sms_url=f"{taken.url}/sms").sms_url == f"{taken.url}/sms"
    sandbox.post("/sandbox/replies", {"from": TO, "body": "Ja, gern 😀"})
    fields = taken.next()
    assert (fields["Body"], fields["From"], fields["To"], fields["SmsStatus"]) == ("Ja, gern 😀", TO, line, "received")
    assert client.messages(fields["MessageSid"]).fetch().body == "Ja, gern 😀"
    assert taken.signed_by(sandbox.api_key, fields)


# -- account, and what is refused ------------------------------------------------------------------------------------


def test_the_account_and_its_number_tell_what_they_can(client: Client, sandbox: Sandbox, line: str) -> None:
    assert client.api.accounts(SID).fetch().status == "active"
    (number,) = client.incoming_phone_numbers.list()
    assert (number.phone_number, number.capabilities["sms"], number.capabilities["voice"]) == (line, True, True)
    assert client.incoming_phone_numbers.list(phone_number="+15557654321") == []
    sandbox.post("/sandbox/faults", {"telephony": "disabled"})
    assert client.api.accounts(SID).fetch().status == "suspended"
    with pytest.raises(TwilioRestException) as caught:
        client.messages.create(to=TO, from_=line, body="Hello")
    assert (caught.value.status, caught.value.code) == (403, 20005)


def test_a_wrong_token_is_refused(sandbox: Sandbox, line: str) -> None:
    stranger = client_of(sandbox, "not the token")
    for act in (stranger.api.accounts(SID).fetch, lambda: stranger.messages.create(to=TO, from_=line, body="Hello")):
        with pytest.raises(TwilioRestException) as caught:
            act()
        assert (caught.value.status, caught.value.code) == (401, 20003)
    assert sandbox.messages() == []
    stranger.http_client.session.close()


MESSAGES: list[tuple[int, dict[str, Any]]] = [
    (21211, {"to": "12345", "body": "x"}),
    (21211, {"to": "+15005550001", "body": "x"}),
    (21612, {"to": "+15005550002", "body": "x"}),
    (21408, {"to": "+15005550003", "body": "x"}),
    (21610, {"to": "+15005550004", "body": "x"}),
    (21614, {"to": "+15005550009", "body": "x"}),
    (21602, {"to": TO}),
    (21617, {"to": TO, "body": "x" * 1601}),
    (21606, {"to": TO, "body": "x", "from_": "+15557654321"}),
    (21603, {"to": TO, "body": "x", "from_": None}),
    (21701, {"to": TO, "body": "x", "messaging_service_sid": "MG1"}),
    (21620, {"to": TO, "body": "x", "media_url": ["file:///etc/passwd"]}),
    (21623, {"to": TO, "body": "x", "media_url": ["https://example.com/a.png"] * 11}),
    (21609, {"to": TO, "body": "x", "status_callback": "nowhere"}),
]


@pytest.mark.parametrize(("code", "given"), MESSAGES)
def test_a_message_that_is_refused_tells_its_code_and_leaves_nothing(
    client: Client, sandbox: Sandbox, line: str, code: int, given: dict[str, Any]
) -> None:
    with pytest.raises(TwilioRestException) as caught:
        client.messages.create(**({"from_": line} | given))
    assert (caught.value.status, caught.value.code) == (400, code)
    assert sandbox.messages() == []


CALLS: list[tuple[int, dict[str, Any]]] = [
    (21211, {"to": "12345"}),
    (21215, {"to": "+15005550003"}),
    (21210, {"to": TO, "from_": "+15557654321"}),
    (21205, {"to": TO, "twiml": None}),
    (21205, {"to": TO, "twiml": None, "url": "https://example.com/twiml"}),
    (12100, {"to": TO, "twiml": "<Response><Say>Hello</Response>"}),
    (12100, {"to": TO, "twiml": "<Response><Dial>+15551234567</Dial></Response>"}),
    (12100, {"to": TO, "twiml": '<!DOCTYPE a [<!ENTITY b "c">]><Response><Say>&b;</Say></Response>'}),
    (21626, {"to": TO, "twiml": f"<Response><Say>{'x' * 4000}</Say></Response>"}),
]


@pytest.mark.parametrize(("code", "given"), CALLS)
def test_a_call_that_is_refused_tells_its_code_and_rings_nobody(
    client: Client, sandbox: Sandbox, line: str, code: int, given: dict[str, Any]
) -> None:
    with pytest.raises(TwilioRestException) as caught:
        client.calls.create(**({"from_": line, "twiml": "<Response><Say>Hello</Say></Response>"} | given))
    assert (caught.value.status, caught.value.code) == (400, code)
    assert sandbox.calls() == []


@pytest.mark.parametrize("kind", ["SM", "CA", "PN"])
def test_what_does_not_exist_is_not_found(client: Client, kind: str) -> None:
    sid = kind + "0" * 32
    asked = {"SM": client.messages, "CA": client.calls, "PN": client.incoming_phone_numbers}[kind]
    with pytest.raises(TwilioRestException) as caught:
        asked(sid).fetch()
    assert (caught.value.status, caught.value.code) == (404, 20404)


@pytest.mark.parametrize(
    ("kind", "status", "code"), [("429", 429, 20429), ("500", 500, 20500), ("500-after", 500, 20500)]
)
def test_a_fault_on_demand_strikes_a_send_in_the_services_own_form(
    client: Client, sandbox: Sandbox, line: str, kind: str, status: int, code: int
) -> None:
    sandbox.post("/sandbox/faults", {"next": 1, "kind": kind})
    with pytest.raises(TwilioRestException) as caught:
        client.messages.create(to=TO, from_=line, body="Hello")
    assert (caught.value.status, caught.value.code) == (status, code)
    assert len(sandbox.messages()) == (kind == "500-after")


def test_an_address_on_another_machine_is_kept_and_never_called(client: Client, sandbox: Sandbox, line: str) -> None:
    sent = client.messages.create(to=TO, from_=line, body="Hi", status_callback="https://example.com/status")
    sandbox.advance(2)
    assert sent.fetch().status == "delivered"
