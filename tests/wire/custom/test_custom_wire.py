"""The custom endpoint's wire: bodies that nothing breaks out of, headers, and answers of which only 2xx is known."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from ringback.carriers.custom import CustomEndpoint, build
from ringback.carriers.custom_settings import read_endpoint
from ringback.errors import CarrierRejected, CarrierUnreadable, ConfigurationError
from ringback.model.numbers import PhoneNumber
from ringback.model.outbound import Channel, Outbound
from ringback.model.status import Status
from ringback.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from ringback.model.outbound import Acceptance

URL = "https://93.184.215.14/v1/sms/send?account=7"
TO = "+14155551234"
TEXT = "Your appointment is confirmed for March 10 at 2:00 PM."
TAKEN = httpx2.Response(200)


def settings(**changes: Any) -> Settings:
    return Settings(**{"custom_url": URL, **changes})


def carrier(answer: Callable[[httpx2.Request], httpx2.Response], **changes: Any) -> CustomEndpoint:
    return build(settings(**changes), transport=httpx2.MockTransport(answer))


def wish(text: str = TEXT) -> Outbound:
    return Outbound(Channel.SMS, PhoneNumber(TO), "custom", text)


async def answered(response: httpx2.Response) -> Acceptance:
    return await carrier(lambda _: response).transmit(wish())


async def posted(text: str = TEXT, **changes: Any) -> httpx2.Request:
    seen: list[httpx2.Request] = []
    await carrier(lambda request: seen.append(request) or httpx2.Response(202), **changes).transmit(wish(text))
    assert len(seen) == 1
    return seen[0]


# -- the request -----------------------------------------------------------------------------------------------------


async def test_the_url_is_asked_as_it_was_given_with_the_operators_headers() -> None:
    headers = {"X-Api-Key": "k-1", "Authorization": "Bearer t", "Content-Type": "application/vnd.texts+json"}
    request = await posted(custom_headers=SecretStr(json.dumps(headers)))
    assert (request.method, str(request.url)) == ("POST", URL)
    assert {name: request.headers[name] for name in headers} == headers
    assert json.loads(request.content) == {"to": TO, "message": TEXT}


async def test_a_body_of_the_operators_holds_both_in_its_texts() -> None:
    body = (
        '{"recipients": [{"msisdn": "tel:{to}"}], "content": {"text": "Acme: {message} ({to})"},'
        ' "flash": false, "parts": 1.5, "ref": null, "tpl": "{{name}}"}'
    )
    request = await posted("Hi {to}", custom_body=body)
    assert json.loads(request.content) == {
        "recipients": [{"msisdn": f"tel:{TO}"}],
        "content": {"text": f"Acme: Hi {{to}} ({TO})"},
        "flash": False,
        "parts": 1.5,
        "ref": None,
        "tpl": "{name}",
    }


@given(st.text(min_size=1).filter(lambda text: text.strip() and text.isprintable()))
def test_no_text_breaks_out_of_the_place_it_was_given(text: str) -> None:
    endpoint = read_endpoint(settings(custom_body='[{"a": "{message}", "b": "<{to}>"}]'))
    filled = json.loads(json.dumps(endpoint.body.filled(to=TO, message=text)))
    assert filled == [{"a": text, "b": f"<{TO}>"}]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("{to} {message}", "valid JSON"),
        ('{"to": "{to}", "message": "{message}"', "valid JSON"),
        ('{"to": "{to}", "message": "{message}", "n": NaN}', "valid JSON"),
        ('{"to": "{to}", "to": "+1", "message": "{message}"}', "valid JSON"),
        ('{"to": "{to}", "message": "{message}\\ud800"}', "valid JSON"),
        ('"{to} {message}"', "object or list"),
        ('{"to": "{to}", "message": "{message} {name}"}', "placeholders"),
        ('{"to": "{to}", "message": "{message} {}"}', "placeholders"),
        ('{"to": "{to}", "message": "{message} {"}', "placeholders"),
        ('{"to": "{to}", "message": "{message} }"}', "placeholders"),
        ('{"to": "{to}", "message": "{message!r}"}', "placeholders"),
        ('{"to": "{to.e164}", "message": "{message}"}', "placeholders"),
        ('{"{to}": "{to}", "message": "{message}"}', "placeholders"),
        ('{"message": "{message}"}', "lacks"),
        ('{"to": "{to}"}', "lacks"),
        ('{"to": "{{to}}", "message": "{message}"}', "lacks"),
    ],
)
def test_a_body_that_cannot_carry_a_text_is_refused_at_the_start(body: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match="RINGBACK_CUSTOM_BODY") as caught:
        build(settings(custom_body=body))
    assert told in str(caught.value)


@pytest.mark.parametrize(
    "headers",
    [
        "secret",
        '["secret"]',
        '{"X-Key": 7}',
        '{"X-Key": null}',
        '{"X-Key": "secret\\r\\nX-Other: 1"}',
        '{"X-Key": "secret\\n"}',
        '{"X-Key": "secret\\u0000"}',
        '{"X-Key": "secrét"}',
        '{"X Key": "secret"}',
        '{"X-Key:": "secret"}',
        '{"X-Key\\r\\n": "secret"}',
        '{"": "secret"}',
        '{"X-Key": "secret", "x-key": "secret"}',
        '{"X-Key": "secret", "X-Key": "secret"}',
        '{"Host": "secret.example"}',
        '{"content-length": "1"}',
        '{"Transfer-Encoding": "chunked"}',
    ],
)
def test_headers_that_http_cannot_carry_are_refused_at_the_start_and_not_repeated(headers: str) -> None:
    with pytest.raises(ConfigurationError, match="RINGBACK_CUSTOM_HEADERS") as caught:
        build(settings(custom_headers=SecretStr(headers)))
    assert "secr" not in str(caught.value)


# -- the answer ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "carrier_id"),
    [
        (b"", None),
        (b"OK", None),
        (b'{"id": "a1"', None),
        (b"<Response>queued</Response>", None),
        (b"[" * 100_000, None),
        (b'["a1"]', None),
        (b'{"status": "delivered"}', None),
        (b'{"id": "a1", "message_id": "b2"}', "a1"),
        (b'{"message_id": "b2", "sid": "c3"}', "b2"),
        (b'{"sid": "SM0123"}', "SM0123"),
        (b'{"id": 71}', "71"),
        (b'{"id": true}', None),
        (b'{"id": ""}', None),
        (b'{"id": "../x"}', None),
        (b'{"id": "x y"}', None),
        (b'{"id": "+14155551234-1"}', None),
        (b'{"id": "sms-415-555-1234"}', None),
        (b'{"id": 14155551234}', None),
    ],
)
@pytest.mark.parametrize("status", [200, 201, 202])
async def test_every_2xx_means_accepted_and_never_more(content: bytes, carrier_id: str | None, status: int) -> None:
    taken = await answered(httpx2.Response(status, content=content))
    assert (taken.carrier_id, taken.status) == (carrier_id, Status.ACCEPTED)


async def test_an_answer_without_content_means_accepted() -> None:
    assert (await answered(httpx2.Response(204))).status is Status.ACCEPTED


@pytest.mark.parametrize("page", [b"<!DOCTYPE html><p>Log in", b"\n <html><p>Welcome"])
async def test_a_web_page_is_doubt(page: bytes) -> None:
    with pytest.raises(CarrierUnreadable) as caught:
        await answered(httpx2.Response(200, content=page))
    assert not caught.value.nothing_left


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed_and_is_doubt(status: int) -> None:
    seen: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(status, headers={"Location": "http://127.0.0.1/"})

    with pytest.raises(CarrierUnreadable):
        await carrier(answer).transmit(wish())
    assert len(seen) == 1


async def test_the_endpoints_own_words_are_masked() -> None:
    with pytest.raises(CarrierRejected) as caught:
        await answered(httpx2.Response(422, json={"error": "+1 415 555 1234 is not reachable"}))
    assert caught.value.detail == "•••1234 is not reachable"


async def test_what_is_not_a_text_is_not_posted() -> None:
    seen: list[httpx2.Request] = []
    endpoint = carrier(lambda request: seen.append(request) or httpx2.Response(200))
    with pytest.raises(CarrierRejected) as caught:
        await endpoint.transmit(Outbound(Channel.VOICE, PhoneNumber(TO), "custom", TEXT))
    assert caught.value.nothing_left
    assert seen == []
