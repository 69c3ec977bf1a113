"""Thoughtly's wire: what rings and what does not, the pace, the automation, webhooks in both forms, odd answers."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from ringback_support.fakes import FakeClock

from ringback.carriers.http import CarrierHttp
from ringback.carriers.pace import LONGEST_WAIT_S, Pace
from ringback.carriers.thoughtly import REQUESTS_A_MINUTE, Thoughtly, build
from ringback.carriers.thoughtly_calls import STATUSES, ThoughtlyCallbacks, status_of, told_path
from ringback.errors import (
    CallbackRejected,
    CarrierError,
    CarrierRateLimited,
    CarrierRejected,
    CarrierUnavailable,
    CarrierUnreachable,
    CarrierUnreadable,
    ConfigurationError,
)
from ringback.model.news import CallbackRequest, StatusNews
from ringback.model.numbers import PhoneNumber
from ringback.model.outbound import Channel, Outbound
from ringback.model.status import ENDED, WITH_CARRIER, Status
from ringback.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

URL = "https://thoughtly.example"
TO = PhoneNumber("+15551234567")
AUTOMATION = "auto-secret-0815"
SECRET = bytes(range(32))
CALL = Outbound(Channel.VOICE, TO, "thoughtly", "Press 1 to confirm.")
CONTACT = {"data": {"id": "cnt_1"}, "error": None}
TAKEN = {"data": {"call_id": "call_1", "status": "queued"}, "error": None}
Answer = httpx2.Response | Exception


def response(content: Any, status: int = 200, **headers: str) -> httpx2.Response:
    return httpx2.Response(status, content=json.dumps(content).encode(), headers=headers)


class Service:
    """Answers by path, and keeps what was asked."""

    def __init__(self, **answers: Answer | Callable[[], Answer]) -> None:
        self.answers = {name.replace("__", "/"): answer for name, answer in answers.items()}
        self.seen: list[httpx2.Request] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.seen.append(request)
        answer = self.answers.get(request.url.path.strip("/"), response({}, 404))
        answer = answer() if callable(answer) else answer
        if isinstance(answer, Exception):
            raise answer
        return answer

    def asked(self) -> list[str]:
        return [f"{request.method} {request.url.path}" for request in self.seen]


def carrier(service: Service, **changes: Any) -> Thoughtly:
    given = {
        "thoughtly_api_url": URL,
        "thoughtly_api_token": SecretStr("token"),
        "thoughtly_team_id": "team",
        "thoughtly_agent_id": "agt",
        **changes,
    }
    return build(Settings(**given), transport=httpx2.MockTransport(service))


# -- nothing rings before the call is asked for ----------------------------------------------------------------------

BEFORE: dict[str, tuple[Answer, type[CarrierError]]] = {
    "no connection": (httpx2.ConnectError("refused"), CarrierUnreachable),
    "broken off": (httpx2.ReadError("reset"), CarrierUnreachable),
    "time-out": (httpx2.ReadTimeout("late"), CarrierUnreachable),
    "500": (response({}, 500), CarrierUnreachable),
    "redirect": (httpx2.Response(307, headers={"location": "/x"}), CarrierRejected),
    "HTML": (httpx2.Response(200, content=b"<!doctype html>"), CarrierRejected),
    "no id": (response({"data": {}, "error": None}), CarrierRejected),
    "an id that no body can carry": (response({"data": {"id": "\ud800"}}), CarrierRejected),
    "an error with 200": (response({"data": {"id": "cnt_1"}, "error": {"message": "no"}}), CarrierRejected),
    "another number": (response({"data": {"id": "cnt_1", "phone_number": "+15559990000"}}), CarrierRejected),
    "429": (response({}, 429, **{"retry-after": "7"}), CarrierRateLimited),
}


@pytest.mark.parametrize("fault", BEFORE)
async def test_whatever_fails_before_the_call_left_nothing_and_asks_for_no_call(fault: str) -> None:
    answer, error = BEFORE[fault]
    service = Service(contact__create=answer)
    with pytest.raises(CarrierError) as caught:
        await carrier(service).transmit(CALL)
    assert type(caught.value) is error
    assert caught.value.nothing_left
    assert "POST /contact/call" not in service.asked()
    assert "1234567" not in str(caught.value) + caught.value.detail


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx2.ReadError("reset"), CarrierUnavailable),
        (response({}, 502), CarrierUnavailable),
        (response({"data": {"call_id": "call_15551234567"}}), CarrierUnreadable),
        (response({"data": {"call_id": "call_1"}, "error": {"message": "no"}}), CarrierUnreadable),
    ],
)
async def test_a_call_whose_answer_is_lost_is_in_doubt(answer: Answer, error: type[CarrierError]) -> None:
    service = Service(contact__create=response(CONTACT), contact__call=answer)
    with pytest.raises(error) as caught:
        await carrier(service).transmit(CALL)
    assert not caught.value.nothing_left
    assert service.asked() == ["POST /contact/create", "POST /contact/call"]


async def test_a_process_that_was_held_up_over_the_contact_asks_for_no_call() -> None:
    clock = FakeClock()

    def late() -> httpx2.Response:
        clock.move(21)
        return response(CONTACT)

    service = Service(contact__create=late, contact__call=response(TAKEN))
    http = CarrierHttp(URL, {}, transport=httpx2.MockTransport(service))
    with pytest.raises(CarrierUnreachable) as caught:
        await Thoughtly(http, "agt", clock=clock).transmit(CALL)
    assert caught.value.nothing_left
    assert service.asked() == ["POST /contact/create"]


@pytest.mark.parametrize("channel", [Channel.SMS, Channel.MMS])
async def test_a_text_is_refused_and_never_made_a_call(channel: Channel) -> None:
    service = Service()
    media = "https://example.com/a.png" if channel is Channel.MMS else None
    with pytest.raises(CarrierRejected):
        await carrier(service).transmit(Outbound(channel, TO, "thoughtly", "Hello", media))
    assert service.seen == []


# -- a contact that is there already ---------------------------------------------------------------------------------

CONFLICT = response({"data": None, "error": {"message": "+1 555-123-4567 exists"}}, 409)


@pytest.mark.parametrize(
    ("contact", "same"),
    [
        ({"phone_number": "+15551234567"}, True),
        ({"phone_number": "+1 (555) 123-4567"}, True),
        ({"phone_number": "5551234567", "country_code": "+1"}, True),
        ({"phone_number": "15551234567"}, False),  # without plus or country it may be another country's
        ({"phone_number": "5551234567", "country_code": "US"}, False),
        ({"phone_number": "+4915551234567"}, False),
        ({"phone_number": "+15559994567"}, False),
        ({"phone_number": None}, False),
        ({}, False),
    ],
)
async def test_only_a_contact_with_exactly_this_number_is_called(contact: dict[str, Any], same: bool) -> None:
    rows = {"data": [{"id": "cnt_9", **contact}], "error": None}
    service = Service(contact__create=CONFLICT, contact=response(rows), contact__call=response(TAKEN))
    if same:
        assert (await carrier(service).transmit(CALL)).carrier_id == "call_1"
        assert json.loads(service.seen[-1].content)["contact_id"] == "cnt_9"
    else:
        with pytest.raises(CarrierRejected) as caught:
            await carrier(service).transmit(CALL)
        assert caught.value.nothing_left
        assert caught.value.detail == "•••4567 exists"
        assert "POST /contact/call" not in service.asked()


async def test_a_contact_is_looked_for_page_by_page_with_four_digits_in_the_url() -> None:
    pages = iter([[{"id": f"cnt_{each}", "phone_number": "+15550004567"} for each in range(50)]] * 9)
    service = Service(contact__create=CONFLICT, contact=lambda: response(next(pages)))
    with pytest.raises(CarrierRejected):
        await carrier(service).transmit(CALL)
    targets = [request.url.raw_path.decode() for request in service.seen[1:]]
    assert targets == [f"/contact?search=4567&page={page}&limit=50" for page in range(4)]


# -- the pace --------------------------------------------------------------------------------------------------------


async def test_a_burst_waits_here_and_never_exceeds_the_limit_in_any_window() -> None:
    clock, made = FakeClock(), []
    pace = Pace(10, 5.0, clock=clock)
    for _ in range(40):
        await pace.take()
        made.append(clock.now().timestamp())
        clock.move(0.1)
    for at in made:
        assert sum(at <= other < at + 5.0 for other in made) <= 10
    assert made[-1] - made[0] < 20, "it waits no longer than it must"


async def test_who_would_wait_longer_than_ten_seconds_is_told_for_how_long() -> None:
    clock = FakeClock()
    pace = Pace(REQUESTS_A_MINUTE, 60.0, clock=clock)
    await pace.take(REQUESTS_A_MINUTE)
    clock.move(49)
    with pytest.raises(CarrierRateLimited) as caught:
        await pace.take()
    assert caught.value.retry_after == pytest.approx(11)
    assert caught.value.nothing_left
    clock.move(1)
    before = clock.now()
    await pace.take()
    assert (clock.now() - before).total_seconds() == pytest.approx(LONGEST_WAIT_S)


async def test_what_reads_leaves_room_for_what_sends() -> None:
    pace = Pace(100, 60.0, kept=20, clock=FakeClock())
    await pace.take(80, reads=True)
    with pytest.raises(CarrierRateLimited):
        await pace.take(reads=True)
    await pace.take(20)


async def test_a_clock_that_was_put_back_locks_nobody_out() -> None:
    clock = FakeClock()
    pace = Pace(2, 60.0, clock=clock)
    await pace.take(2)
    clock.move(-86_400)
    await pace.take()


async def test_everything_that_is_asked_of_the_service_counts() -> None:
    service = Service(contact__create=response(CONTACT), contact__call=response(TAKEN))
    clock = FakeClock()
    one = Thoughtly(CarrierHttp(URL, {}, transport=httpx2.MockTransport(service)), "agt", clock=clock)
    for _ in range(50):
        await one.transmit(CALL)
    with pytest.raises(CarrierRateLimited) as caught:
        await one.transmit(CALL)
    assert caught.value.retry_after == pytest.approx(60)
    assert len(service.seen) == REQUESTS_A_MINUTE


# -- the automation --------------------------------------------------------------------------------------------------


async def test_an_automation_starts_the_call_without_credentials_and_gives_no_id(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    service = Service(**{f"webhook__automation__{AUTOMATION}": response({"success": True})})
    one = carrier(service, thoughtly_automation_id=SecretStr(AUTOMATION))
    acceptance = await one.transmit(CALL)
    assert (acceptance.carrier_id, acceptance.status) == (None, Status.ACCEPTED)
    (request,) = service.seen
    assert json.loads(request.content) == {"contact_phone": TO.e164, "prompt": CALL.text}
    assert "x-api-token" not in request.headers
    assert "team_id" not in request.headers
    assert "/webhook/automation/•••" in caplog.text, "the request itself is logged"
    assert AUTOMATION not in caplog.text + repr(one) + repr(vars(one))


@pytest.mark.parametrize(
    ("answer", "nothing_left"),
    [(response({}, 404), True), (httpx2.ReadError("reset"), False), (response({}, 500), False)],
)
async def test_an_automation_that_fails_is_told_by_what_may_have_left(answer: Answer, nothing_left: bool) -> None:
    service = Service(**{f"webhook__automation__{AUTOMATION}": answer})
    with pytest.raises(CarrierError) as caught:
        await carrier(service, thoughtly_automation_id=SecretStr(AUTOMATION)).transmit(CALL)
    assert caught.value.nothing_left is nothing_left
    assert AUTOMATION not in str(caught.value) + repr(caught.value)


# -- words -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("word", "status"), sorted(STATUSES.items()))
def test_each_known_word_is_its_status_however_it_is_written(word: str, status: Status) -> None:
    for spelling in (word, word.upper(), word.replace("_", "-"), word.replace("_", " "), f" {word.title()} "):
        assert status_of(spelling) is status


@pytest.mark.parametrize("word", ["done", "", "ok", "successful", "not success", None, 7, ["success"]])
def test_a_word_that_is_not_in_the_table_is_unknown(word: object) -> None:
    assert status_of(word) is Status.UNKNOWN


def test_no_word_stands_for_a_status_that_is_ours_alone() -> None:
    ours = {Status.REFUSED, Status.DECLINED, Status.EXPIRED, Status.UNKNOWN}
    assert set(STATUSES.values()) <= (WITH_CARRIER | ENDED) - ours


async def test_a_call_is_found_on_a_later_page_and_looked_for_on_four_at_most() -> None:
    full = [{"id": f"call_{each}", "status": "queued"} for each in range(50)]
    pages = iter([full, [{"id": "call_x", "status": "success"}]])
    service = Service(interview__agt__responses=lambda: response({"data": next(pages)}))
    report = await carrier(service).report(Channel.VOICE, "call_x")
    assert report is not None
    assert report.status is Status.COMPLETED
    endless = Service(interview__agt__responses=response({"data": full}))
    assert await carrier(endless).report(Channel.VOICE, "call_x") is None
    assert len(endless.seen) == 4


async def test_a_lost_call_is_found_by_its_contact_with_the_prompt_that_was_given() -> None:
    row = {"id": "call_7", "contact_id": "cnt_1", "direction": "outbound", "status": "success"}
    row |= {"metadata": {"prompt": CALL.text}, "created_at": "2026-03-10T12:00:00Z"}  # type: ignore[dict-item]
    service = Service(
        contact__create=response(CONTACT),
        contact__call=httpx2.ReadError("reset"),
        interview__agt__responses=response({"data": [row, {**row, "contact_id": "cnt_2"}]}),
    )
    one = carrier(service)
    with pytest.raises(CarrierUnavailable):
        await one.transmit(CALL)
    (item,) = await one.history(100)
    assert (item.carrier_id, item.to, item.text) == ("call_7", TO.e164, CALL.text)


async def test_a_turn_cannot_pass_for_another_ones() -> None:
    said = [
        {"speaker": "user", "transcript": "No.\nai: You said yes.\u2028user: yes"},
        {"speaker": "admin", "transcript": "hello"},
        {"speaker": "user", "transcript": " "},
        {"speaker": "ai", "transcript": 7},
        None,
    ]
    rows = [{"id": "call_1", "status": "success", "transcript": said}]
    report = await carrier(Service(interview__agt__responses=response(rows))).report(Channel.VOICE, "call_1")
    assert report is not None
    assert report.transcript == "user: No. ai: You said yes. user: yes\nsomebody: hello"


# -- webhooks --------------------------------------------------------------------------------------------------------

DESCRIBED = {
    "event": "NEW_RESPONSE",
    "call": {
        "id": "call_01J0",
        "interview_id": "agt",
        "contact_id": "cnt_01HXY",
        "direction": "outbound",
        "status": "success",
        "outcome": "qualified",
        "duration_seconds": 184,
        "recording_url": "https://recordings.example/call_01J0.mp3",
    },
    "agent": {"id": "agt", "title": "Spring", "phone_number": "+14155557788"},
    "transcript": [{"transcript": "Is now a good time?", "speaker": "ai", "createdAt": "2026-05-24T15:31:14Z"}],
    "custom_fields": {"source": "crm"},
}
BRIEF = {
    "call_id": "call_01J0",
    "agent_id": "agt",
    "duration": 184,
    "outcome": "qualified",
    "transcript": "ai: Is now a good time?",
    "variables": {"phone": "+15551234567", "name": "John Doe"},
}


def read(body: object, token: str | None = None) -> tuple[Any, ...]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = CallbackRequest("https://x.example", {}, raw, told_path(SECRET) if token is None else token)
    return ThoughtlyCallbacks("agt").read(request, secret=SECRET, now=0.0)


def test_both_forms_of_a_finished_call_are_read_and_neither_is_proven() -> None:
    for body, variables in ((DESCRIBED, {"source": "crm"}), (BRIEF, {"phone": "•••4567", "name": "John Doe"})):
        (news,) = read(body)
        assert isinstance(news, StatusNews)
        assert (news.carrier_id, news.proven) == ("call_01J0", False)
        report = news.report
        assert (report.status, report.duration_s, report.outcome) == (Status.COMPLETED, 184.0, "qualified")
        assert (report.transcript, report.variables) == ("ai: Is now a good time?", variables)


@pytest.mark.parametrize(
    "body",
    [
        {**BRIEF, "outcome": "voicemail"},
        {**BRIEF, "outcome": "Voicemail", "duration": 0},
        {**DESCRIBED, "call": {**DESCRIBED["call"], "status": "voicemail", "outcome": None}},
    ],
)
def test_what_a_mailbox_answered_is_no_persons_answer_in_either_form(body: object) -> None:
    (news,) = read(body)
    assert (news.report.status, news.report.answered_by) == (Status.NO_ANSWER, "voicemail")
    assert news.report.outcome.lower() == "voicemail"


def test_a_success_does_not_claim_that_a_person_answered() -> None:
    (news,) = read(DESCRIBED)
    assert (news.report.status, news.report.answered_by) == (Status.COMPLETED, None)


@pytest.mark.parametrize("duration", [0, None, "184", -1])
def test_the_brief_form_claims_no_talk_where_it_tells_of_none(duration: object) -> None:
    (news,) = read({**BRIEF, "duration": duration})
    assert news.report.status is Status.UNKNOWN


@pytest.mark.parametrize("token", ["", "x", told_path(bytes(32)), told_path(SECRET)[:-1], told_path(SECRET) + "A", "é"])
def test_at_any_other_path_nothing_is_read(token: str) -> None:
    with pytest.raises(CallbackRejected):
        read(DESCRIBED, token)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"[" * 100_000,
        {},
        {"id": "call_01J0", "duration": 3},
        {**DESCRIBED, "event": "PHONE_TRANSFER"},
        {**DESCRIBED, "call": {"id": "../x"}},
        {**BRIEF, "call_id": 7},
    ],
)
def test_what_is_in_neither_form_is_rejected(body: object) -> None:
    with pytest.raises(CallbackRejected):
        read(body)


@pytest.mark.parametrize(
    "body",
    [
        {**BRIEF, "agent_id": "another"},
        {**DESCRIBED, "call": {**DESCRIBED["call"], "interview_id": "another"}},  # type: ignore[dict-item]
        {**DESCRIBED, "call": {**DESCRIBED["call"], "direction": "inbound"}},  # type: ignore[dict-item]
    ],
)
def test_another_agents_calls_and_those_that_came_in_tell_nothing(body: object) -> None:
    assert read(body) == ()


async def test_it_subscribes_and_unsubscribes_at_the_same_path_that_nobody_can_guess() -> None:
    done = response({"data": {"id": "wh_1"}, "error": None})
    service = Service(webhooks__subscribe=done, webhooks__unsubscribe=done)
    one = carrier(service)
    assert await one.subscribe("https://me.example/webhooks/thoughtly", SECRET)
    assert await one.unsubscribe("https://me.example/webhooks/thoughtly", SECRET)
    assert service.asked() == ["POST /webhooks/subscribe", "DELETE /webhooks/unsubscribe"]
    first, second = (json.loads(request.content) for request in service.seen)
    assert (
        first
        == second
        == {
            "type": "NEW_RESPONSE",
            "url": f"https://me.example/webhooks/thoughtly/{told_path(SECRET)}",
        }
    )
    assert len(told_path(SECRET)) == 43
    assert told_path(SECRET) != told_path(bytes(32))


async def test_an_address_of_this_machine_is_not_told_to_a_service_elsewhere() -> None:
    service = Service()
    assert not await carrier(service).subscribe("http://127.0.0.1:8426/webhooks/thoughtly", SECRET)
    assert service.seen == []


# -- settings --------------------------------------------------------------------------------------------------------


def test_what_is_missing_is_named() -> None:
    names = "THOUGHTLY_API_TOKEN and THOUGHTLY_TEAM_ID and THOUGHTLY_AGENT_ID"
    with pytest.raises(ConfigurationError, match=names):
        build(Settings())


@pytest.mark.parametrize("url", ["http://thoughtly.example", "ftp://x", "https://user:password@thoughtly.example", ""])
def test_an_address_that_is_not_https_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="THOUGHTLY_API_URL"):
        carrier(Service(), thoughtly_api_url=url)


@pytest.mark.parametrize("name", ["thoughtly_team_id", "thoughtly_agent_id"])
def test_what_no_header_can_carry_is_refused_and_not_repeated(name: str) -> None:
    with pytest.raises(ConfigurationError, match=name.upper()) as caught:
        carrier(Service(), **{name: "te\nam"})
    assert "te\nam" not in str(caught.value)


# -- answers that mean harm ------------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just(TO.e164),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=12,
)
FIELDS = ["id", "call_id", "status", "data", "error", "phone_number", "transcript", "variables", "custom_fields"]
ROWS = st.dictionaries(
    st.sampled_from([*FIELDS, "duration_seconds", "recording_url", "contact", "metadata", "direction", "speaker"]),
    JSON,
    max_size=8,
)


@settings(max_examples=150)
@given(content=JSON | ROWS | st.fixed_dictionaries({"data": ROWS | st.lists(ROWS, max_size=3)}), row=ROWS)
def test_no_answer_makes_a_call_raise_anything_but_a_carrier_error_without_the_number(content: Any, row: Any) -> None:
    async def run() -> None:
        one = carrier(Service(**dict.fromkeys(PATHS, response(content))))
        for call in (one.line(), one.transmit(CALL), one.report(Channel.VOICE, "call_1"), one.history(20)):
            try:
                await call
            except CarrierError as error:
                told.append(str(error) + repr(error) + error.detail)

    told: list[str] = []
    asyncio.run(run())
    for body in (row, {"call": row}):
        try:
            told.append(repr(read(body)))
        except CallbackRejected as error:
            told.append(str(error))
    assert not any("1234567" in each for each in told)


PATHS = ("user", "interview", "contact__create", "contact__call", "contact", "interview__agt__responses")
