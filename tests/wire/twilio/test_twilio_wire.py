"""Twilio's wire: with a public address and a messaging service, its codes, its signatures, its pages, and harm."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from twilio.request_validator import RequestValidator

from ringback.carriers.twilio import Twilio, build
from ringback.carriers.twilio_wire import FAILURES, REFUSALS, STATUSES, twiml
from ringback.errors import (
    CallbackRejected,
    CarrierAuthenticationFailed,
    CarrierError,
    CarrierNotEnabled,
    CarrierRateLimited,
    CarrierRejected,
    CarrierUnavailable,
    CarrierUnreadable,
    ConfigurationError,
)
from ringback.model.news import CallbackRequest, ReceivedText, StatusNews
from ringback.model.numbers import PhoneNumber
from ringback.model.outbound import Channel, Outbound, Report
from ringback.model.status import ENDED, WITH_CARRIER, Status
from ringback.settings import Settings
from ringback_sandbox.wire.twiml import parse

if TYPE_CHECKING:
    from collections.abc import Callable

SID = "AC" + "0a" * 16
TOKEN = "a-token-of-the-tests"
LINE = "+14155550100"
SERVICE = "MG" + "0b" * 16
TO = PhoneNumber("+15551234567")
PUBLIC = "https://ringback.example/in"
HOOK = f"{PUBLIC}/webhooks/twilio"
SM, CA = "SM" + "1c" * 16, "CA" + "2d" * 16
BASE = f"/2010-04-01/Accounts/{SID}"
NOW = 1_785_000_000.0


def given_settings(**changes: Any) -> Settings:
    given = {"twilio_account_sid": SID, "twilio_auth_token": SecretStr(TOKEN), "twilio_from_number": LINE} | changes
    return Settings(**given)


def carrier(answer: Callable[[httpx2.Request], httpx2.Response], **changes: Any) -> Twilio:
    return build(given_settings(**changes), transport=httpx2.MockTransport(answer))


def answering(content: Any, status: int = 200, **changes: Any) -> tuple[Twilio, list[httpx2.Request]]:
    seen: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(status, content=json.dumps(content).encode())

    return carrier(answer, **changes), seen


def wish(channel: Channel = Channel.SMS, text: str = "Hello", to: PhoneNumber = TO) -> Outbound:
    return Outbound(channel, to, "twilio", text, "https://example.com/a.png" if channel is Channel.MMS else None)


def form(request: httpx2.Request) -> dict[str, list[str]]:
    return parse_qs(request.content.decode(), keep_blank_values=True)


# -- sending ---------------------------------------------------------------------------------------------------------


async def test_with_a_public_address_a_text_says_where_its_statuses_go() -> None:
    wire, seen = answering({"sid": SM, "status": "queued"}, 201, public_url=PUBLIC + "/")
    await wire.transmit(wish())
    assert form(seen[0]) == {"To": [TO.e164], "From": [LINE], "Body": ["Hello"], "StatusCallback": [HOOK]}


async def test_with_a_public_address_a_call_asks_for_keys_and_for_every_step() -> None:
    wire, seen = answering({"sid": CA, "status": "queued"}, 201, public_url=PUBLIC)
    await wire.transmit(wish(Channel.VOICE, "Press # & <1>"))
    fields = form(seen[0])
    gather = f'<Gather input="dtmf" finishOnKey="" timeout="5" action="{HOOK}" method="POST">'
    assert fields["Twiml"] == [f"<Response>{gather}<Say>Press # &amp; &lt;1&gt;</Say></Gather></Response>"]
    assert fields["StatusCallback"] == [HOOK]
    assert fields["StatusCallbackEvent"] == ["initiated", "ringing", "answered", "completed"]
    assert (fields["MachineDetection"], fields["AsyncAmd"]) == (["Enable"], ["true"]), "no silence before the prompt"
    assert fields["AsyncAmdStatusCallback"] == [HOOK]


async def test_a_messaging_service_takes_the_place_of_the_number_for_texts_alone() -> None:
    wire, seen = answering({"sid": SM, "status": "accepted"}, 201, twilio_messaging_service_sid=SERVICE)
    assert (await wire.transmit(wish())).status is Status.ACCEPTED
    assert form(seen[0]) == {"To": [TO.e164], "MessagingServiceSid": [SERVICE], "Body": ["Hello"]}
    wire, seen = answering({"sid": CA}, 201, twilio_messaging_service_sid=SERVICE)
    await wire.transmit(wish(Channel.VOICE))
    assert form(seen[0])["From"] == [LINE]


async def test_without_a_number_there_are_texts_and_no_calls() -> None:
    wire, seen = answering({"status": "active"}, twilio_from_number=None, twilio_messaging_service_sid=SERVICE)
    assert wire.channels == {Channel.SMS, Channel.MMS}
    line = await wire.line()
    assert (line.capabilities, line.number, len(seen)) == (wire.channels, None, 1)
    with pytest.raises(CarrierRejected) as caught:
        await wire.transmit(wish(Channel.VOICE))
    assert caught.value.nothing_left
    assert len(seen) == 1


@pytest.mark.parametrize("text", ["a\x00b", "a\x0b", "\ufffe", "<" * 4000, "x" * 4000])
async def test_a_prompt_that_twiml_cannot_hold_is_refused_before_anything_is_posted(text: str) -> None:
    wire, seen = answering({"sid": CA}, 201)
    with pytest.raises(CarrierRejected) as caught:
        await wire.transmit(wish(Channel.VOICE, text))
    assert caught.value.nothing_left
    assert seen == []


@settings(deadline=None)
@given(
    st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), min_size=1, max_size=200)
)
def test_what_is_said_is_exactly_the_text_whatever_is_in_it(text: str) -> None:
    assert parse(twiml(text, None)).said == text
    heard = parse(twiml(text, HOOK + "?a=1&b=2"))
    assert heard.said == text
    assert heard.gather is not None
    assert heard.gather.action == HOOK + "?a=1&b=2"


@pytest.mark.parametrize(
    "sid",
    [None, 7, "", "SM", CA, "SM" + "g" * 32, "SM" + "0" * 31, SM + "/..", "SM15551234567" + "0" * 21, SM.upper()],
)
async def test_a_text_that_was_taken_without_a_usable_sid_is_in_doubt(sid: object) -> None:
    wire, _ = answering({"sid": sid, "status": "queued"}, 201)
    with pytest.raises(CarrierUnreadable):
        await wire.transmit(wish())


# -- errors ----------------------------------------------------------------------------------------------------------


def problem(
    code: object, message: str = "The 'To' number +15551234567 is not valid.", status: int = 400
) -> dict[str, Any]:
    return {
        "code": code,
        "message": message,
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": status,
    }


@pytest.mark.parametrize("code", REFUSALS)
async def test_each_known_refusal_is_told_in_plain_words_with_its_code_and_left_nothing(code: int) -> None:
    wire, _ = answering(problem(code), 400)
    with pytest.raises(CarrierRejected) as caught:
        await wire.transmit(wish())
    assert caught.value.nothing_left
    assert caught.value.message == f"{REFUSALS[code][0]} (error {code})"
    assert caught.value.hint == REFUSALS[code][1]
    assert caught.value.detail == f"{code}: The 'To' number •••4567 is not valid."


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (401, 20003, CarrierAuthenticationFailed),
        (403, 20003, CarrierAuthenticationFailed),
        (400, 20003, CarrierAuthenticationFailed),
        (403, 20005, CarrierNotEnabled),
        (403, 20008, CarrierNotEnabled),
        (429, 20429, CarrierRateLimited),
        (400, 20429, CarrierRateLimited),
        (429, 14107, CarrierRateLimited),
        (400, 63038, CarrierRejected),
        (404, 20404, CarrierRejected),
        (500, 20500, CarrierUnavailable),
        (503, 21211, CarrierUnavailable),
        (500, 20429, CarrierUnavailable),
        (400, "21211", CarrierRejected),
        (400, True, CarrierRejected),
        (400, 15551234567, CarrierRejected),
    ],
)
async def test_a_code_makes_an_error_clearer_and_never_a_doubt_certain(
    status: int, code: object, error: type[CarrierError]
) -> None:
    wire, _ = answering(problem(code, status=status), status)
    for call in (wire.transmit(wish()), wire.report(Channel.SMS, SM), wire.history(5)):
        with pytest.raises(CarrierError) as caught:
            await call
        assert type(caught.value) is error
        assert caught.value.nothing_left is (status < 500)
        assert "1234567" not in f"{caught.value} {caught.value.detail}"


async def test_a_429_with_its_code_keeps_how_long_to_wait() -> None:
    wire = carrier(lambda _: httpx2.Response(429, json=problem(20429), headers={"Retry-After": "7"}))
    with pytest.raises(CarrierRateLimited) as caught:
        await wire.transmit(wish())
    assert caught.value.retry_after == 7


@pytest.mark.parametrize("code", FAILURES)
async def test_why_a_message_did_not_arrive_is_told_with_its_code(code: int) -> None:
    wire, _ = answering({"status": "undelivered", "error_code": code, "error_message": None})
    assert await wire.report(Channel.SMS, SM) == Report(Status.UNDELIVERED, error=f"{code}: {FAILURES[code]}")


def test_no_word_of_twilios_is_one_of_our_own_states_before_a_send() -> None:
    assert set(STATUSES.values()) <= WITH_CARRIER | ENDED
    ended_well = {word for word, status in STATUSES.items() if status in {Status.DELIVERED, Status.COMPLETED}}
    assert ended_well == {"delivered", "read", "completed"}


# -- reading ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "uri",
    [
        "https://elsewhere.example/2010-04-01/Accounts/x/Messages.json?Page=1",
        "//elsewhere.example/?Page=1",
        f"{BASE}/Applications.json?Page=1",
        f"{BASE}/Messages.json/../../secrets?Page=1",
        f"{BASE}/Messages.json?Page=1\r\nHost: x",
        f"{BASE}/Messages.json?Page=1#x",
        7,
        "",
    ],
)
async def test_a_next_page_that_is_not_the_same_lists_is_not_followed(uri: object) -> None:
    wire, seen = answering({"messages": [], "calls": [], "next_page_uri": uri})
    assert await wire.history(5) == []
    await wire.inbox(None)
    assert [request.url.path for request in seen] == [
        f"{BASE}/Messages.json",
        f"{BASE}/Calls.json",
        f"{BASE}/Messages.json",
    ]


async def test_a_list_that_never_ends_is_left_after_a_number_of_pages() -> None:
    following = f"{BASE}/Messages.json?PageSize=50&Page=1"
    rows = [{"direction": "inbound", "date_sent": "Thu, 30 Jul 2099 20:12:31 +0000", "sid": SM, "from": "x"}]
    wire, seen = answering({"messages": rows, "next_page_uri": following})
    await wire.inbox(None)
    assert len(seen) == 41


async def test_the_trial_accounts_own_words_before_a_text_are_no_part_of_it() -> None:
    row = {
        "sid": SM,
        "to": TO.e164,
        "body": "Sent from your Twilio trial account - Hello",
        "direction": "outbound-api",
        "date_created": "Thu, 30 Jul 2026 20:12:31 +0000",
        "status": "sent",
    }
    wire, _ = answering({"messages": [row], "calls": []})
    (item,) = await wire.history(5)
    assert item.text == "Hello"


async def test_a_report_asks_for_no_id_that_is_not_twilios() -> None:
    wire, seen = answering({"status": "delivered"})
    for channel, carrier_id in ((Channel.SMS, "../x"), (Channel.SMS, CA), (Channel.VOICE, SM), (Channel.SMS, "msg_1")):
        with pytest.raises(CarrierRejected):
            await wire.report(channel, carrier_id)
    assert seen == []


# -- received texts --------------------------------------------------------------------------------------------------


class Mailbox:
    """A list of messages as Twilio keeps it, newest first, in pages."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.asked = 0

    def add(self, at: int, *, inbound: bool = True) -> str:
        sid = f"SM{len(self.rows):032x}"
        moment = f"Thu, 30 Jul 2026 20:{at // 60:02}:{at % 60:02} +0000"
        direction = "inbound" if inbound else "outbound-api"
        row = {
            "sid": sid,
            "direction": direction,
            "date_sent": moment,
            "from": TO.e164,
            "body": f"Text {len(self.rows)}",
        }
        self.rows.insert(0, row)
        self.rows.sort(key=lambda each: each["date_sent"], reverse=True)
        return sid

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.asked += 1
        size, place = (int(request.url.params.get(name, 0)) for name in ("PageSize", "Page"))
        part = self.rows[size * place : size * (place + 1)]
        more = len(self.rows) > size * (place + 1)
        uri = f"{BASE}/Messages.json?PageSize={size}&Page={place + 1}" if more else None
        return httpx2.Response(200, json={"messages": part, "next_page_uri": uri})


@pytest.fixture
def in_july(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ringback.carriers.twilio.time.time", lambda: 1_785_442_000.0)  # 20:06:40


async def test_received_texts_come_once_in_order_however_the_pages_fall(in_july: None) -> None:
    mailbox = Mailbox()
    wire = carrier(mailbox)
    sids = [mailbox.add(at) for at in range(120)]
    first = await wire.inbox(None)
    assert [text.carrier_id for text in first.texts] == sids
    assert first.texts[0] == ReceivedText(sids[0], TO.e164, "Text 0", first.texts[0].sent_at)
    again = await wire.inbox(first.cursor)
    assert (again.texts, again.cursor) == ((), first.cursor)
    late, new = mailbox.add(90), mailbox.add(121)
    assert [text.carrier_id for text in (await wire.inbox(first.cursor)).texts] == [late, new]


async def test_what_went_out_since_moves_the_cursor_so_that_one_page_is_read(in_july: None) -> None:
    mailbox = Mailbox()
    wire = carrier(mailbox)
    mailbox.add(1)
    cursor = (await wire.inbox(None)).cursor
    for at in range(2, 900):
        mailbox.add(at, inbound=False)
    cursor = (await wire.inbox(cursor)).cursor
    mailbox.asked = 0
    sid = mailbox.add(901)
    texts = (await wire.inbox(cursor)).texts
    assert [text.carrier_id for text in texts] == [sid]
    assert mailbox.asked <= 2


async def test_the_first_look_goes_back_a_day_and_no_further(in_july: None) -> None:
    mailbox = Mailbox()
    mailbox.add(1)
    mailbox.rows[0]["date_sent"] = "Tue, 28 Jul 2026 20:00:00 +0000"
    sid = mailbox.add(2)
    assert [text.carrier_id for text in (await carrier(mailbox).inbox(None)).texts] == [sid]


# -- callbacks -------------------------------------------------------------------------------------------------------


def post(fields: dict[str, str], *, token: str = TOKEN, url: str = HOOK) -> CallbackRequest:
    """As Twilio's own validator would sign it."""
    given = {"AccountSid": SID, **fields}
    signature = RequestValidator(token).compute_signature(url, given)
    return CallbackRequest(HOOK, {"x-twilio-signature": signature}, urlencode(given).encode())


def read(request: CallbackRequest) -> tuple[Any, ...]:
    return build(given_settings()).callbacks.read(request, secret=b"another", now=NOW)


@pytest.mark.parametrize(
    ("fields", "news"),
    [
        ({"MessageSid": SM, "MessageStatus": "delivered", "To": TO.e164}, StatusNews(SM, Report(Status.DELIVERED))),
        (
            {"MessageSid": SM, "MessageStatus": "undelivered", "ErrorCode": "30003"},
            StatusNews(SM, Report(Status.UNDELIVERED, error="30003: the handset cannot be reached")),
        ),
        ({"MessageSid": SM, "MessageStatus": "a new one"}, StatusNews(SM, Report(Status.UNKNOWN))),
        ({"CallSid": CA, "CallStatus": "ringing", "To": TO.e164}, StatusNews(CA, Report(Status.RINGING))),
        (
            {"CallSid": CA, "CallStatus": "completed", "CallDuration": "42", "Duration": "1"},
            StatusNews(CA, Report(Status.COMPLETED, duration_s=42.0)),
        ),
        (
            {"CallSid": CA, "CallStatus": "in-progress", "Digits": "1*#", "msg": "Gather End"},
            StatusNews(CA, Report(Status.IN_PROGRESS, keys="1*#")),
        ),
        (
            {"CallSid": CA, "AnsweredBy": "human", "MachineDetectionDuration": "1400"},
            StatusNews(CA, Report(Status.IN_PROGRESS, answered_by="person")),
        ),
        (
            {"CallSid": CA, "AnsweredBy": "machine_start"},
            StatusNews(CA, Report(Status.IN_PROGRESS, answered_by="voicemail")),
        ),
        ({"CallSid": CA, "AnsweredBy": "fax"}, StatusNews(CA, Report(Status.IN_PROGRESS, answered_by="machine"))),
        ({"CallSid": CA, "AnsweredBy": "unknown"}, StatusNews(CA, Report(Status.IN_PROGRESS))),
        ({"CallSid": CA, "AnsweredBy": "a new one"}, StatusNews(CA, Report(Status.IN_PROGRESS))),
        (
            {"CallSid": CA, "CallStatus": "completed", "CallDuration": "9", "AnsweredBy": "machine_end_beep"},
            StatusNews(CA, Report(Status.COMPLETED, duration_s=9.0, answered_by="voicemail")),
        ),
        (
            {
                "CallSid": CA,
                "CallStatus": "completed",
                "RecordingUrl": f"https://api.twilio.com{BASE}/Recordings/RE{'a' * 32}",
            },
            StatusNews(
                CA,
                Report(Status.COMPLETED, recording_url=f"https://api.twilio.com{BASE}/Recordings/RE{'a' * 32}"),
            ),
        ),
        (
            {"CallSid": CA, "CallStatus": "completed", "RecordingUrl": "https://elsewhere.example/+15551234567"},
            StatusNews(CA, Report(Status.COMPLETED)),
        ),
        (
            {"MessageSid": SM, "SmsStatus": "received", "From": TO.e164, "To": LINE, "Body": "Ja & 明日 😀+ %"},
            ReceivedText(SM, TO.e164, "Ja & 明日 😀+ %", NOW),
        ),
        ({"MessageSid": SM, "SmsStatus": "received", "From": "40404", "Body": ""}, ReceivedText(SM, "40404", "", NOW)),
        ({"EventType": "something new"}, None),
    ],
)
def test_a_signed_post_tells_what_is_in_it(fields: dict[str, str], news: object) -> None:
    assert read(post(fields)) == (() if news is None else (news,))


STATUS = {"MessageSid": SM, "MessageStatus": "delivered", "To": TO.e164}


def test_a_post_that_anything_was_changed_of_is_rejected() -> None:
    right = post(STATUS)
    assert read(right)
    wrong = [
        post(STATUS, token="another token"),
        post(STATUS, url=HOOK + "/"),
        post(STATUS, url=HOOK.replace("https", "http")),
        CallbackRequest(HOOK, {}, right.body),
        CallbackRequest(HOOK, {"x-twilio-signature": ""}, right.body),
        CallbackRequest(HOOK + "?x=1", right.headers, right.body),
        CallbackRequest(HOOK, right.headers, right.body.replace(b"delivered", b"failed")),
        CallbackRequest(HOOK, right.headers, right.body + b"&MessageStatus=failed"),
        CallbackRequest(HOOK, right.headers, b"\xff" + right.body),
        CallbackRequest(HOOK, right.headers, b"&".join([right.body, *(b"a=b%d" % at for at in range(600))])),
        post({**STATUS, "AccountSid": "AC" + "9" * 32}),
        post({**STATUS, "MessageSid": "SM1"}),
        post({"CallSid": SM, "CallStatus": "completed"}),
    ]
    for request in wrong:
        with pytest.raises(CallbackRejected) as caught:
            read(request)
        assert TOKEN not in str(caught.value)
        assert TO.e164[1:] not in str(caught.value)


def test_a_field_that_comes_twice_is_signed_as_twilio_does() -> None:
    body = urlencode([("AccountSid", SID), *STATUS.items(), ("Tag", "b"), ("Tag", "a"), ("Tag", "b")])

    class Fields(dict[str, list[str]]):
        def getlist(self, name: str) -> list[str]:
            return self[name]

    signature = RequestValidator(TOKEN).compute_signature(HOOK, Fields(parse_qs(body)))
    assert read(CallbackRequest(HOOK, {"x-twilio-signature": signature}, body.encode()))


@settings(deadline=None)
@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
        max_size=6,
    )
)
def test_whatever_twilio_signs_is_verified_and_read_or_rejected(fields: dict[str, str]) -> None:
    sid = fields.get("CallSid", CA)
    request = post({"CallSid": CA, "CallStatus": "ringing", **fields, "AccountSid": SID})
    if sid == CA:
        (news,) = read(request)
        assert news.carrier_id == CA
    else:
        with pytest.raises(CallbackRejected, match="has a SID"):
            read(request)


# -- settings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"twilio_account_sid": None}, "TWILIO_ACCOUNT_SID"),
        ({"twilio_account_sid": "SK" + "0" * 32}, "TWILIO_ACCOUNT_SID"),
        ({"twilio_account_sid": "AC/../x"}, "TWILIO_ACCOUNT_SID"),
        ({"twilio_auth_token": None}, "TWILIO_AUTH_TOKEN"),
        ({"twilio_auth_token": SecretStr("a\nb")}, "TWILIO_AUTH_TOKEN"),
        ({"twilio_from_number": None}, "TWILIO_FROM_NUMBER"),
        ({"twilio_from_number": "(415) 555-0100"}, "TWILIO_FROM_NUMBER"),
        ({"twilio_messaging_service_sid": "MG1"}, "TWILIO_MESSAGING_SERVICE_SID"),
        ({"twilio_api_url": "http://api.example"}, "TWILIO_API_URL"),
        ({"twilio_api_url": "https://a:b@api.example"}, "TWILIO_API_URL"),
        ({"public_url": "http://ringback.example"}, "RINGBACK_PUBLIC_URL"),
    ],
)
def test_a_setting_that_cannot_be_right_is_named_and_not_repeated(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigurationError, match=named) as caught:
        build(given_settings(**changes))
    assert TOKEN not in str(caught.value)
    assert "0100" not in str(caught.value)


# -- answers that mean harm ------------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just(TO.e164) | st.just(SM),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=12,
)
NAMES = ["sid", "status", "to", "from", "body", "direction", "date_sent", "date_created", "num_media", "duration"]
NAMES += ["error_code", "error_message", "phone_number", "capabilities"]
ROW = st.dictionaries(
    st.sampled_from(NAMES),
    JSON
    | st.sampled_from(["inbound", "outbound-api", "Thu, 30 Jul 2026 20:12:31 +0000", "Mon, 01 Jan 0001 00:00 +1400"]),
    max_size=9,
)
ANSWERS = (
    JSON
    | ROW
    | st.fixed_dictionaries(
        {name: st.lists(ROW | JSON, max_size=3) for name in ("messages", "calls", "incoming_phone_numbers")},
        optional={"next_page_uri": JSON | st.just(f"{BASE}/Messages.json?Page=1"), "status": st.just("active")},
    )
)


@settings(max_examples=150, deadline=None)
@given(content=ANSWERS, status=st.sampled_from([200, 201, 204, 302, 401, 403, 404, 422, 429, 500]))
def test_no_answer_makes_a_call_raise_anything_but_a_carrier_error_without_the_number(
    content: Any, status: int
) -> None:
    async def run() -> None:
        wire, _ = answering(content, status)
        for call in (
            wire.line(),
            wire.transmit(wish()),
            wire.transmit(wish(Channel.VOICE)),
            wire.report(Channel.SMS, SM),
            wire.report(Channel.VOICE, CA),
            wire.history(20),
            wire.inbox("1785000000:"),
        ):
            try:
                told.append(repr(await call))
            except CarrierError as error:
                told.append(str(error) + repr(error))

    told: list[str] = []
    asyncio.run(run())
    assert not any("1234567" in each for each in told)
