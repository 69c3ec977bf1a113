"""What every carrier of the registry keeps, whatever service it speaks to. A new carrier brings its recorded answers
under `tests/wire/<name>/` and no test of its own here."""

from __future__ import annotations

import asyncio
import inspect
import logging
from typing import TYPE_CHECKING, Any

import pytest
from ringback_support.recorded import (
    Exchange,
    Recorded,
    carrier_from_settings,
    description,
    exchanges,
    one_for,
    outbound,
    set_up,
)
from ringback_support.wire_server import Reply, half, reply

from ringback.carriers.base import Carrier, CarrierReader
from ringback.carriers.registry import CARRIERS, build_carriers
from ringback.errors import (
    CarrierAuthenticationFailed,
    CarrierError,
    CarrierNotEnabled,
    CarrierRateLimited,
    CarrierRejected,
    CarrierUnavailable,
    CarrierUnreachable,
    CarrierUnreadable,
    ConfigurationError,
)
from ringback.model.outbound import Acceptance, Channel, Line
from ringback.settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path

    from ringback_support.wire_server import Request

NAMES = sorted(CARRIERS)
CHANNELS = [channel.value for channel in Channel]
EXCHANGES = [pytest.param(name, each, id=f"{name}-{each.name}") for name in NAMES for each in exchanges(name)]
DEEP = b"[" * 100_000 + b"]" * 100_000


def offered(name: str) -> list[str]:
    """The channels that the carrier's recorded line has."""
    channels: list[str] = one_for(name, "line").means["capabilities"]
    return channels


SENDS = [(name, channel) for name in NAMES for channel in CHANNELS if channel in offered(name)]


def only(answer: Reply, name: str) -> Recorded:
    return Recorded(name, lambda _: answer)


# -- the seam --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
async def test_it_is_built_from_settings_alone_and_says_who_it_is(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with carrier_from_settings(name, tmp_path, monkeypatch, Recorded(name)) as (carrier, server):
        assert carrier.name == name
        assert carrier.live is description(name)["live"]
        assert server.requests == [], "building asks nothing of the service"
        line = await carrier.line()
    assert isinstance(line, Line)
    assert (line.carrier, line.live) == (name, carrier.live)


@pytest.mark.parametrize("name", NAMES)
def test_it_offers_every_method_of_the_protocol_with_its_arguments(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_up(name, tmp_path, monkeypatch, "https://carrier.example")
    carrier = build_carriers(load_settings()).first
    for method in ("line", "transmit", "report", "history", "aclose"):
        promised = getattr(Carrier, method, None) or getattr(CarrierReader, method)
        given = getattr(carrier, method)
        assert inspect.iscoroutinefunction(given)
        assert list(inspect.signature(given).parameters) == list(inspect.signature(promised).parameters)[1:]


@pytest.mark.parametrize("name", NAMES)
def test_its_secrets_are_in_no_repr(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_up(name, tmp_path, monkeypatch, "https://carrier.example")
    carrier = build_carriers(load_settings()).first
    for thing in (carrier, *vars(carrier).values(), load_settings()):
        assert "key-of-the-tests" not in repr(thing)


@pytest.mark.parametrize(
    ("name", "variable"), [(name, variable) for name in NAMES for variable in description(name)["settings"]]
)
def test_a_missing_setting_is_named(name: str, variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_up(name, tmp_path, monkeypatch, "https://carrier.example")
    monkeypatch.delenv(variable)
    with pytest.raises(ConfigurationError, match=variable):
        build_carriers(load_settings())


@pytest.mark.parametrize("name", ["Sandbox", "no-such-carrier", "sandbox,voice=other"])
def test_a_carrier_that_is_not_in_the_registry_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RINGBACK_CARRIER", name)
    with pytest.raises(ConfigurationError, match=", ".join(sorted(CARRIERS))):
        build_carriers(load_settings())


# -- the recorded exchanges ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_its_recorded_exchanges_cover_every_call_and_every_channel(name: str) -> None:
    kinds = {(each.ask["call"], each.ask.get("channel")) for each in exchanges(name)}
    assert {("line", None), ("history", None)} <= kinds
    assert {(call, channel) for call in ("transmit", "report") for channel in offered(name)} <= kinds


@pytest.mark.parametrize(("name", "exchange"), EXCHANGES)
async def test_a_call_goes_over_the_wire_as_documented_and_its_answer_is_understood(
    name: str, exchange: Exchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def respond(request: Request) -> Reply:
        return exchange.respond(request) or one_for(name, "line").reply()

    async with carrier_from_settings(name, tmp_path, monkeypatch, respond) as (carrier, server):
        assert await exchange.perform(carrier) == exchange.means
    steps = [step["request"] for step in exchange.steps()]
    # What the sandbox is asked besides, on routes of its own, is no part of the service's wire.
    spoken = [request for request in server.requests if not request.target.startswith("/sandbox/")]
    for request, step in zip(spoken[-len(steps) :], steps, strict=True):
        assert (request.method, request.target) == (step["method"], step["target"])
        assert request.content() == step["body"]
        assert {header: request.headers.get(header) for header in step["headers"]} == step["headers"]


# -- faults ----------------------------------------------------------------------------------------------------------

FAULTS: dict[str, tuple[Reply, type[CarrierError]]] = {
    "closed without an answer": (Reply(), CarrierUnavailable),
    "reset": (Reply(end="reset"), CarrierUnavailable),
    "half an answer": (half(200, b'{"id": "x"'), CarrierUnavailable),
    "500": (reply(500, {"error": "x"}), CarrierUnavailable),
    "503": (reply(503, b"<p>", {"Retry-After": "1"}), CarrierUnavailable),
    "redirect": (reply(307, b"", {"Location": "/elsewhere"}), CarrierUnreadable),
    "HTML": (reply(200, b"<!doctype html>"), CarrierUnreadable),
    "no id": (reply(200, {}), CarrierUnreadable),
    "null": (reply(200, None), CarrierUnreadable),
    "too deep": (reply(200, DEEP), CarrierUnreadable),
    "400": (reply(400, {"error": "x"}), CarrierRejected),
    "401": (reply(401, {"error": "x"}), CarrierAuthenticationFailed),
    "403": (reply(403, {"error": "x"}), CarrierNotEnabled),
    "404": (reply(404, b"not found"), CarrierRejected),
    "422": (reply(422, {"error": "x"}), CarrierRejected),
    "429": (reply(429, {"error": "x"}, {"Retry-After": "7"}), CarrierRateLimited),
}


def is_taken(name: str, fault: str) -> bool:
    """Whether the answer is no fault for this carrier, because its service promises nothing of its answers."""
    return fault in {"no id", "null", "too deep"} and description(name).get("any_answer", False)


FAILURES = [(*send, fault) for send in SENDS for fault in FAULTS if not is_taken(send[0], fault)]


@pytest.mark.parametrize(("name", "channel", "fault"), FAILURES)
async def test_a_send_that_fails_is_posted_once_and_told_by_what_may_have_left(
    name: str, channel: str, fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer, error = FAULTS[fault]
    sent = one_for(name, "transmit", channel)
    wish = outbound(name, sent.ask)
    async with carrier_from_settings(name, tmp_path, monkeypatch, only(answer, name)) as (carrier, server):
        with pytest.raises(CarrierError) as caught:
            await carrier.transmit(wish)
    assert type(caught.value) is error
    assert len(server.posts()) == 1 + sent.posts_before()
    assert not any("elsewhere" in request.target for request in server.requests)
    for told in (str(caught.value), repr(caught.value)):
        assert wish.to.last_digits not in told
        assert wish.text not in told


@pytest.mark.parametrize(("name", "channel"), SENDS)
async def test_a_connection_that_is_refused_means_that_nothing_left(
    name: str, channel: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with carrier_from_settings(name, tmp_path, monkeypatch, Recorded(name)) as (carrier, server):
        await carrier.line()
        server.stop_listening()
        with pytest.raises(CarrierUnreachable) as caught:
            await carrier.transmit(outbound(name, one_for(name, "transmit", channel).ask))
    assert caught.value.nothing_left
    assert server.posts() == []


HOSTILE: list[Any] = [
    None,
    True,
    7,
    "text",
    [],
    [{}],
    {},
    {"data": None},
    {"data": [None, 7, "x", [], {}, {"id": {}, "to": [], "type": {}}]},
    {"enabled": "true", "status": 7, "id": 7, "data": {}},
    {"enabled": 1, "capabilities": 7, "phone_number": {}, "status": [], "duration": "1", "digits": 1, "id": None},
    {"enabled": True, "capabilities": [None, {}, "sms", "SMS"], "phone_number": "911", "status": None},
    {"status": "x" * 100_000, "id": "../../etc", "duration": -1, "error": "x" * 100_000, "digits": "1" * 1000},
    {"status": "delivered", "duration": 10**400, "delivered_at": "+15551234567", "recording_url": "javascript:x"},
    {"status": "completed", "duration": True, "delivered_at": "call +15551234567", "digits": "call me"},
    {"status": "\ud800", "error": "\ud800", "id": "\ud800"},
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("content", HOSTILE, ids=range(len(HOSTILE)))
async def test_whatever_the_service_answers_a_call_gives_a_value_of_its_kind_or_a_carrier_error(
    name: str, content: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = [one_for(name, "report", channel) for channel in offered(name)]
    calls += [one_for(name, "transmit", channel) for channel in offered(name)]
    calls += [one_for(name, "history"), one_for(name, "line")]
    answers: list[Any] = []
    async with carrier_from_settings(name, tmp_path, monkeypatch, lambda _: reply(200, content)) as (carrier, _):
        for each in calls:
            try:
                answers.append(await each.perform(carrier))
            except CarrierError as error:
                answers.append(str(error))
    told = repr(answers)
    assert "5551234567" not in told
    assert "javascript" not in told
    assert "inf" not in told
    assert len(told) < 10_000


@pytest.mark.parametrize("name", NAMES)
async def test_a_number_of_calls_at_once_are_all_answered(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = one_for(name, "transmit")
    async with carrier_from_settings(name, tmp_path, monkeypatch, only(sent.reply(), name)) as (carrier, server):
        taken = await asyncio.gather(*(carrier.transmit(outbound(name, sent.ask)) for _ in range(40)))
    assert len(server.posts()) == 40 * (1 + sent.posts_before())
    assert len(server.requests) <= 40 * len(sent.steps()) + 2, (
        "at most two checks to find the service, for all of them together"
    )
    assert all(isinstance(each, Acceptance) for each in taken)


@pytest.mark.parametrize("name", NAMES)
async def test_it_works_again_after_it_was_closed_and_may_be_closed_twice(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with carrier_from_settings(name, tmp_path, monkeypatch, Recorded(name)) as (carrier, _):
        await carrier.line()
        await carrier.aclose()
        await carrier.aclose()
        assert (await carrier.line()).enabled


# -- privacy ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
async def test_no_number_and_no_text_is_in_a_url_or_a_log(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    sends = [each for each in exchanges(name) if each.ask["call"] == "transmit"]
    targets: list[str] = []
    for each in sends:
        for answer in (each.reply(), reply(422, {"error": f"{each.ask['to']}: {each.ask['text']}"}), Reply()):
            async with carrier_from_settings(name, tmp_path, monkeypatch, only(answer, name)) as (carrier, server):
                try:
                    await each.perform(carrier)
                except CarrierError:
                    logging.getLogger("test").exception("a send failed")
            targets += [request.target for request in server.requests]
    told = caplog.text + "".join(targets)
    for each in sends:
        assert each.ask["to"][1:] not in told
        assert each.ask["to"][-7:] not in told
        assert each.ask["text"] not in told
