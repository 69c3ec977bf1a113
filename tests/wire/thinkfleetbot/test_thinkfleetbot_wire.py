"""ThinkFleetBot's wire: its seven published calls field by field, its words, and answers that mean harm."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from ringback.carriers.http import CarrierHttp, carrier_words
from ringback.carriers.thinkfleetbot import STATUSES, ThinkFleetBot, build
from ringback.errors import CarrierError, CarrierRateLimited, CarrierUnreadable, ConfigurationError
from ringback.model.numbers import PhoneNumber
from ringback.model.outbound import Channel, Outbound
from ringback.model.status import ENDED, WITH_CARRIER, Status
from ringback.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

URL = "https://saas.example/base"
KEY = "secret-key"
TO = PhoneNumber("+15551234567")
APPOINTMENT = "Hello, this is a reminder about your appointment tomorrow at 3pm. Press 1 to confirm or 2 to reschedule."


def carrier(answer: Callable[[httpx2.Request], httpx2.Response]) -> ThinkFleetBot:
    given = Settings(saas_api_url=URL, saas_api_key=SecretStr(KEY))
    return build(given, transport=httpx2.MockTransport(answer))


def answering(content: Any, status: int = 200) -> tuple[ThinkFleetBot, list[httpx2.Request]]:
    seen: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(status, content=json.dumps(content).encode())

    return carrier(answer), seen


def sms(text: str = "Your order has been shipped!") -> Outbound:
    return Outbound(Channel.SMS, TO, "thinkfleetbot", text)


# -- the seven calls, as they are published --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outbound", "path", "body"),
    [
        (sms(), "/api/messaging/sms", {"to": "+15551234567", "body": "Your order has been shipped!"}),
        (
            Outbound(Channel.MMS, TO, "x", "Here is your receipt", "https://example.com/receipt.pdf"),
            "/api/messaging/mms",
            {"to": "+15551234567", "body": "Here is your receipt", "media_url": "https://example.com/receipt.pdf"},
        ),
        (
            Outbound(Channel.VOICE, TO, "x", APPOINTMENT),
            "/api/messaging/voice",
            {"to": "+15551234567", "prompt": APPOINTMENT},
        ),
    ],
)
async def test_a_send_is_the_published_request_and_nothing_more(
    outbound: Outbound, path: str, body: dict[str, str]
) -> None:
    wire, seen = answering({"id": "msg_1", "status": "queued"}, 201)
    await wire.transmit(outbound)
    (request,) = seen
    assert (request.method, str(request.url)) == ("POST", URL + path)
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["content-type"] == "application/json"
    assert json.loads(request.content) == body


@pytest.mark.parametrize(
    ("call", "target", "content"),
    [
        (lambda wire: wire.line(), "/api/agents/me/telephony", {"enabled": False}),
        (lambda wire: wire.report(Channel.SMS, "msg_1"), "/api/messaging/sms/msg_1", {"status": "sent"}),
        (lambda wire: wire.report(Channel.MMS, "msg_1"), "/api/messaging/sms/msg_1", {"status": "sent"}),
        (lambda wire: wire.report(Channel.VOICE, "call_1"), "/api/messaging/voice/call_1", {"status": "ringing"}),
        (lambda wire: wire.history(20), "/api/messaging/history?limit=20", {"data": []}),
    ],
)
async def test_a_question_is_the_published_request_and_nothing_more(call: Any, target: str, content: Any) -> None:
    wire, seen = answering(content)
    await call(wire)
    (request,) = seen
    assert (request.method, str(request.url), request.content) == ("GET", URL + target, b"")
    assert request.headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("carrier_id", ["a/b", "../history", "a?limit=1", "a#b", "a%2fb", "a b", "ä"])
async def test_an_id_stays_one_segment_of_the_path(carrier_id: str) -> None:
    wire, seen = answering({"status": "sent"})
    await wire.report(Channel.SMS, carrier_id)
    raw = seen[0].url.raw_path.decode()
    assert raw.startswith("/base/api/messaging/sms/")
    assert raw.count("/") == 5
    assert "?" not in raw


# -- settings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url", ["https://saas.example", "https://saas.example:8443/base/", "http://127.0.0.1:9", "http://localhost:9"]
)
def test_a_usable_address_is_taken(url: str) -> None:
    assert build(Settings(saas_api_url=url, saas_api_key=SecretStr(KEY))).live


@pytest.mark.parametrize(
    "url",
    [
        "http://saas.example",
        "http://10.0.0.1",
        "http://127.0.0.1.evil.example",
        "ftp://saas.example",
        "saas.example",
        "https://",
        "//saas.example",
        "file:///etc/passwd",
        "https://[::1",
        "https://[x]",
        "https://saas.example:port",
        "https://user:password@saas.example",
    ],
)
def test_an_address_that_is_not_https_or_cannot_be_read_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="SAAS_API_URL"):
        build(Settings(saas_api_url=url, saas_api_key=SecretStr(KEY)))


@pytest.mark.parametrize("key", ["kéy", "key\nX-Evil: 1", "key\r", "key\x00", "ключ"])
def test_a_key_that_no_header_can_carry_is_refused_and_not_repeated(key: str) -> None:
    with pytest.raises(ConfigurationError, match="SAAS_API_KEY") as caught:
        build(Settings(saas_api_url=URL, saas_api_key=SecretStr(key)))
    assert key not in str(caught.value)


def test_what_is_missing_is_named() -> None:
    with pytest.raises(ConfigurationError, match="SAAS_API_URL and SAAS_API_KEY"):
        build(Settings())
    with pytest.raises(ConfigurationError, match="needs SAAS_API_KEY"):
        build(Settings(saas_api_url=URL))


# -- words -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("word", "status"), sorted(STATUSES.items()))
async def test_each_known_word_is_its_status_however_it_is_written(word: str, status: Status) -> None:
    for spelling in (word, word.upper(), word.replace("_", "-"), f" {word.title()} "):
        wire, _ = answering({"id": "msg_1", "status": spelling})
        assert (await wire.report(Channel.SMS, "msg_1")).status is status
        assert (await wire.transmit(sms())).status is status


@pytest.mark.parametrize("word", ["on its way", "success", "ok", "", "DELIVERED!", "done", None, 7, ["sent"], {"a": 1}])
async def test_a_word_that_is_not_in_the_table_is_unknown_in_a_report_and_never_success(word: object) -> None:
    wire, _ = answering({"id": "msg_1", "status": word})
    assert (await wire.report(Channel.SMS, "msg_1")).status is Status.UNKNOWN
    assert (await wire.transmit(sms())).status is Status.ACCEPTED


def test_no_word_stands_for_a_status_that_is_ours_alone() -> None:
    ours = {Status.REFUSED, Status.DECLINED, Status.EXPIRED, Status.UNKNOWN}
    assert set(STATUSES.values()) <= (WITH_CARRIER | ENDED) - ours


@pytest.mark.parametrize(
    ("content", "known"),
    [
        ({"duration": 0}, {"duration_s": 0.0}),
        ({"duration": 12.5}, {"duration_s": 12.5}),
        ({"duration": -1}, {}),
        ({"duration": True}, {}),
        ({"duration": "12"}, {}),
        ({"duration": 10**400}, {}),
        ({"digits": "0123456789*#"}, {"keys": "0123456789*#"}),
        ({"digits": ""}, {}),
        ({"digits": "1; call +15551234567"}, {}),
        ({"digits": 1}, {}),
        ({"recording_url": "http://recordings.example/1"}, {}),
        ({"recording_url": "javascript:alert(1)"}, {}),
        ({"delivered_at": "2026-03-10T15:00:04Z"}, {"delivered_at": "2026-03-10T15:00:04+00:00"}),
        ({"delivered_at": "just now at +15551234567"}, {}),
        ({"delivered_at": 1773154804}, {}),
        ({"error": "+15551234567 is barred"}, {"error": "•••4567 is barred"}),
        ({"error": ""}, {}),
        ({"error": {"code": 7}}, {}),
    ],
)
async def test_a_reports_field_is_read_where_it_is_of_its_kind_and_left_out_otherwise(
    content: dict[str, object], known: dict[str, object]
) -> None:
    wire, _ = answering({"status": "completed", **content})
    report = await wire.report(Channel.VOICE, "call_1")
    names = ("delivered_at", "error", "duration_s", "recording_url", "keys")
    assert {name: value for name in names if (value := getattr(report, name)) is not None} == known


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity", "1e999"])
async def test_a_duration_that_is_no_number_of_seconds_is_left_out(constant: str) -> None:
    wire = carrier(
        lambda _: httpx2.Response(200, content=f'{{"status": "completed", "duration": {constant}}}'.encode())
    )
    assert (await wire.report(Channel.VOICE, "call_1")).duration_s is None


async def test_an_entry_of_the_history_whose_id_tells_the_number_is_left_out() -> None:
    row = {"type": "sms", "to": TO.e164, "status": "sent", "created_at": "2026-03-10T15:00:00Z"}
    ids = ["msg_1", "15551234567", "a-555-123-4567", "x" * 129, "a/b", 7]
    wire, _ = answering({"data": [{**row, "id": each} for each in ids]})
    assert [item.carrier_id for item in await wire.history(20)] == ["msg_1"]


# -- answers that mean harm ------------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just(TO.e164),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=12,
)
FIELDS = ["id", "status", "enabled", "phone_number", "capabilities", "data", "type", "to", "created_at", "error"]
ANSWERS = JSON | st.dictionaries(
    st.sampled_from([*FIELDS, "message", "duration", "digits", "recording_url", "delivered_at"]), JSON, max_size=8
)


@settings(max_examples=150)
@given(content=ANSWERS, status=st.sampled_from([200, 201, 204, 302, 401, 403, 404, 422, 429, 500, 599]))
def test_no_answer_makes_a_call_raise_anything_but_a_carrier_error_without_the_number(
    content: Any, status: int
) -> None:
    async def run() -> None:
        wire, _ = answering(content, status)
        for call in (
            wire.line(),
            wire.transmit(sms()),
            wire.report(Channel.SMS, "msg_1"),
            wire.report(Channel.VOICE, "call_1"),
            wire.history(20),
        ):
            try:
                await call
            except CarrierError as error:
                told.append(str(error) + repr(error))

    told: list[str] = []
    asyncio.run(run())
    assert not any("1234567" in each for each in told)


RETRY_AFTER = st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=40)


@given(RETRY_AFTER | st.datetimes().map(lambda at: at.strftime("%a, %d %b %Y %H:%M:%S GMT")))
@example("Mon, 01 Jan 0001 00:00:00 +1400")
@example("Fri, 31 Dec 9999 23:59:59 -1400")
@example("Mon, 99 Foo 20262026 99:99:99 +9999")
@example("1e9")
@example("-1")
@example("0")
def test_no_retry_after_makes_a_429_anything_else(header: str) -> None:
    wire = carrier(lambda _: httpx2.Response(429, headers={"Retry-After": header}))
    with pytest.raises(CarrierRateLimited) as caught:
        asyncio.run(wire.transmit(sms()))
    assert caught.value.retry_after is None or 0 <= caught.value.retry_after <= 86_400


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ("Call +1 (555) 123-4567 now", "Call •••4567 now"),
        ("555.123.4567", "•••4567"),
        ("%2B15551234567", "%2B•••4567"),
        ("Order 123456 failed", "Order 123456 failed"),
        ("two\nlines\tand   spaces", "two lines and spaces"),
        ("x" * 300, "x" * 200),
    ],
)
def test_a_carriers_words_are_kept_short_on_one_line_and_without_numbers(words: str, kept: str) -> None:
    assert carrier_words(words) == kept


@pytest.mark.parametrize(
    "spelling",
    [
        "5 5 5 1 2 3 4 5 6 7",
        "1 - 555 - 123 - 4567",
        "(555) 123 / 4567",
        "\uff15\uff15\uff15\uff11\uff12\uff13\uff14\uff15\uff16\uff17",
    ],
)
def test_however_a_carrier_spells_a_number_at_most_four_digits_are_kept(spelling: str) -> None:
    told = carrier_words(f"Cannot reach {spelling} today.")
    assert sum(map(str.isdigit, told)) <= 4


async def test_a_carrier_that_does_not_say_whether_it_is_enabled_is_not_believed() -> None:
    for content in ({}, {"enabled": None}, {"enabled": "true"}, {"enabled": 1}):
        wire, _ = answering(content)
        with pytest.raises(CarrierUnreadable):
            await wire.line()


def test_the_clients_repr_holds_no_key() -> None:
    assert KEY not in repr(CarrierHttp(URL, {"Authorization": f"Bearer {KEY}"}))
