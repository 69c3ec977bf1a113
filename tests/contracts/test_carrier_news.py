"""What every carrier of the registry keeps when it speaks by itself: callbacks, their subscription, received texts."""

from __future__ import annotations

import inspect
import json
import logging
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ringback_support.recorded import Recorded, carrier_from_settings, description, one_for, outbound, set_up
from ringback_support.wire_server import Reply, half, reply

from ringback.carriers.base import CallbackReader, CarrierReader
from ringback.carriers.registry import CARRIERS, build_carriers
from ringback.errors import CallbackRejected, CarrierError
from ringback.model.news import CallbackRequest, Inbox, ReceivedText, StatusNews
from ringback.model.outbound import Channel
from ringback.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ringback.carriers.base import Carrier

NAMES = sorted(CARRIERS)
URL = "https://ringback.example/webhooks/any"
SECRET = bytes(range(32))
NOW = 1_773_144_000.0
DEEP = b"[" * 100_000 + b"]" * 100_000


def built(name: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> Carrier:
    set_up(name, home, monkeypatch, "https://carrier.example")
    return build_carriers(load_settings()).first


def texts_in(value: Any) -> Iterator[str]:
    """Every text in what a carrier gave."""
    if isinstance(value, str):
        yield value
    elif is_dataclass(value) and not isinstance(value, type):
        for each in fields(value):
            yield from texts_in(getattr(value, each.name))
    elif isinstance(value, list | tuple | frozenset):
        for each in value:
            yield from texts_in(each)


# -- the seam --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_it_offers_what_carriers_tell_by_themselves_with_the_protocols_arguments(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    carrier = built(name, tmp_path, monkeypatch)
    for method in ("inbox", "subscribe"):
        offered = getattr(carrier, method)
        assert inspect.iscoroutinefunction(offered)
        promised = inspect.signature(getattr(CarrierReader, method)).parameters
        assert list(inspect.signature(offered).parameters) == list(promised)[1:]
    if carrier.callbacks is not None:
        assert str(inspect.signature(carrier.callbacks.read)) == str(inspect.signature(CallbackReader.read)).replace(
            "(self, ", "("
        )


@pytest.mark.parametrize("name", NAMES)
async def test_its_line_offers_nothing_that_the_service_cannot_move(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with carrier_from_settings(name, tmp_path, monkeypatch, Recorded(name)) as (carrier, _):
        assert carrier.channels
        assert carrier.channels <= frozenset(Channel)
        assert (await carrier.line()).capabilities <= carrier.channels


# -- a carrier that documents none -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
async def test_a_carrier_without_callbacks_subscribes_to_nothing_and_asks_nothing_for_it(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with carrier_from_settings(name, tmp_path, monkeypatch, Recorded(name)) as (carrier, server):
        if carrier.callbacks is None:
            assert await carrier.subscribe(URL, SECRET) is False
            assert server.requests == []


@pytest.mark.parametrize("name", NAMES)
async def test_asking_for_received_texts_starts_nothing_and_never_fails_on_an_unused_carrier(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = reply(200, description(name).get("nothing_received", []))
    async with carrier_from_settings(name, tmp_path, monkeypatch, lambda _: nothing) as (carrier, _):
        for cursor in (None, "", "0", "x", "9" * 100, "²"):
            inbox = await carrier.inbox(cursor)
            assert inbox is None or (isinstance(inbox, Inbox) and inbox.texts == ())


# -- a subscription --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
async def test_a_subscription_tells_address_and_secret_in_the_body_and_nowhere_else(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with carrier_from_settings(name, tmp_path, monkeypatch, Recorded(name, lambda _: reply(200, {}))) as (
        carrier,
        server,
    ):
        if not await carrier.subscribe(URL, SECRET):
            return
        assert carrier.callbacks is not None
        posts = server.posts()
    assert any(URL in request.body.decode() for request in posts)
    told = caplog.text + "".join(request.target for request in server.requests)
    for form in (SECRET.hex(), "AAECAwQFBgcICQ", URL):
        assert form not in told


FAULTS = {
    "500": reply(500, {"error": "x"}),
    "401": reply(401, {}),
    "429": reply(429, {}),
    "closed": Reply(),
    "half": half(200, b"{}"),
    "HTML": reply(200, b"<!doctype html>"),
    "too deep": reply(200, DEEP),
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_subscription_or_a_list_that_fails_is_a_carrier_error(
    name: str, fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    answered = Recorded(name, lambda _: FAULTS[fault])
    async with carrier_from_settings(name, tmp_path, monkeypatch, answered) as (carrier, _):
        await carrier.line()
        for call in (lambda: carrier.subscribe(URL, SECRET), lambda: carrier.inbox(None)):
            try:
                result = await call()
            except CarrierError as error:
                told.append(str(error))
            else:
                assert result in {None, False}, "it cannot have worked"
    assert SECRET.hex() not in "".join(told)


# -- received texts --------------------------------------------------------------------------------------------------

TEXT = {"id": "in_1", "seq": 1, "from": "+14155550199", "body": "Yes.", "created_at": "2026-03-10T12:00:00Z"}
HOSTILE: list[Any] = [
    None,
    {},
    "text",
    7,
    [None, 7, "x", [], {}],
    [{**TEXT, name: value} for name in TEXT for value in (None, 7, [], {}, "\ud800", "", "x" * 100_000)],
    [{**TEXT, "seq": 10**400}],
    [{**TEXT, "created_at": "9999-12-31T23:59:59+00:00"}, {**TEXT, "created_at": "0001-01-01T00:00:00"}],
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("content", HOSTILE, ids=range(len(HOSTILE)))
async def test_whatever_a_list_of_texts_holds_it_gives_texts_that_can_be_kept_or_a_carrier_error(
    name: str, content: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = Recorded(name, lambda _: reply(200, content))
    async with carrier_from_settings(name, tmp_path, monkeypatch, answered) as (carrier, _):
        await carrier.line()
        try:
            inbox = await carrier.inbox("1")
        except CarrierError:
            return
    assert inbox is None or isinstance(inbox, Inbox)
    for text in inbox.texts if inbox else ():
        assert isinstance(text, ReceivedText)
        assert 0 < len(text.carrier_id) <= 200
        assert "Yes." not in repr(text)
    for text in texts_in(inbox):
        text.encode()


@pytest.mark.parametrize("name", NAMES)
async def test_no_text_that_it_gives_holds_half_a_surrogate_pair(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = "\ud800"
    content = {
        "id": bad,
        "status": "delivered",
        "error": f"{bad} failed",
        "message": bad,
        "digits": bad,
        "delivered_at": bad,
        "recording_url": f"https://{bad}",
        "data": [{"id": bad, "type": "sms", "to": bad, "status": bad, "created_at": bad}],
    }
    given: list[Any] = []
    for status in (200, 422):
        answered = Recorded(name, lambda _, status=status: reply(status, content))  # type: ignore[misc]
        async with carrier_from_settings(name, tmp_path, monkeypatch, answered) as (carrier, _):
            for call in (
                carrier.report(Channel.VOICE, "id-1"),
                carrier.history(5),
                carrier.transmit(outbound(name, one_for(name, "transmit").ask)),
            ):
                try:
                    given.append(await call)
                except CarrierError as error:
                    given += [str(error), error.detail]
    for text in texts_in(given):
        text.encode()


# -- callbacks -------------------------------------------------------------------------------------------------------

HEADERS = st.dictionaries(
    st.sampled_from(
        ["webhook-id", "webhook-timestamp", "webhook-signature", "x-twilio-signature", "x-signature", "content-type"]
    ),
    st.one_of(st.text(st.characters(max_codepoint=255), max_size=60), st.just(str(int(NOW)))),
)
BODIES = st.one_of(
    st.binary(max_size=200),
    st.sampled_from(
        [
            DEEP,
            json.dumps({"type": "message.status", "data": {"id": "id-1", "status": "delivered"}}).encode(),
            b"MessageSid=SM1&MessageStatus=delivered",
        ]
    ),
)


@pytest.mark.parametrize("name", NAMES)
def test_a_callback_that_the_carrier_did_not_sign_is_rejected_and_never_read(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = built(name, tmp_path, monkeypatch).callbacks
    if reader is None:
        return

    @settings(suppress_health_check=list(HealthCheck), max_examples=200, derandomize=True, database=None)
    @given(headers=HEADERS, body=BODIES)
    def check(headers: dict[str, str], body: bytes) -> None:
        with pytest.raises(CallbackRejected) as caught:
            reader.read(CallbackRequest(URL, headers, body), secret=SECRET, now=NOW)
        assert caught.value.hint
        assert SECRET.hex() not in str(caught.value)

    check()


def test_news_show_neither_numbers_nor_texts_of_themselves() -> None:
    from ringback.model.outbound import Report
    from ringback.model.status import Status

    told = repr(
        [
            ReceivedText("in_1", "+14155550199", "a secret", 0.0),
            StatusNews("id-1", Report(Status.FAILED, error="a secret")),
            CallbackRequest(URL, {"x": "a secret"}, b"a secret"),
        ]
    )
    assert "secret" not in told
    assert "4155550199" not in told
