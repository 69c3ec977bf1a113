"""Which carrier moves what: read from one setting, held by the one door."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import pytest
from ringback_support.fakes import FakeCarrier, FakeClock
from ringback_support.installation import YES, want

from ringback.adapters import native
from ringback.adapters.offered import channels_in, is_offered
from ringback.adapters.specs import SPECS
from ringback.carriers.registry import CARRIERS, channels_of
from ringback.carriers.routes import Carriers, parse_routes
from ringback.errors import CarrierUnreachable, ConfigurationError, Refused
from ringback.model.outbound import Channel
from ringback.opening import open_ringback
from ringback.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path


def texts_and_calls(home: Path) -> tuple[FakeCarrier, FakeCarrier, Settings]:
    texts, calls = FakeCarrier("texts"), FakeCarrier("calls", live=True)
    texts.channels, calls.channels = frozenset({Channel.SMS}), frozenset({Channel.VOICE})
    texts.capabilities, calls.capabilities = texts.channels, calls.channels
    return texts, calls, Settings(home=home, carrier="texts,voice=calls")


def carriers_of(settings: Settings, *opened: FakeCarrier) -> Carriers:
    return Carriers(parse_routes(settings.carrier_name), {carrier.name: carrier for carrier in opened})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("twilio", {"sms": "twilio", "mms": "twilio", "voice": "twilio"}),
        ("teli, voice = thoughtly", {"sms": "teli", "mms": "teli", "voice": "thoughtly"}),
        ("sms=teli,mms=twilio,voice=thoughtly", {"sms": "teli", "mms": "twilio", "voice": "thoughtly"}),
        ("voice=thoughtly", {"sms": None, "mms": None, "voice": "thoughtly"}),
    ],
)
def test_one_setting_names_the_carrier_of_each_channel(text: str, expected: dict[str, str | None]) -> None:
    routes = parse_routes(text)
    assert {channel.value: routes.name(channel) for channel in Channel} == expected


@pytest.mark.parametrize(
    "text", ["", " ", ",", "a,b", "fax=a", "voice=", "=a", "voice=a,voice=b", "a,", "voice=a=b,c,d"]
)
def test_a_setting_that_names_no_carriers_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="RINGBACK_CARRIER"):
        parse_routes(text)


async def test_a_text_goes_by_one_carrier_and_a_call_by_the_other(home: Path, clock: FakeClock) -> None:
    texts, calls, settings = texts_and_calls(home)
    async with open_ringback(settings, carriers=carriers_of(settings, texts, calls), clock=clock) as ringback:
        for channel in (Channel.SMS, Channel.VOICE):
            receipt = await want(ringback.telephone, channel, "+14155552671")
            await ringback.person.answer(receipt.id, YES)
        assert [wish.channel for wish in texts.sent] == [Channel.SMS]
        assert [wish.channel for wish in calls.sent] == [Channel.VOICE]
        report = await ringback.telephone.check()
    assert (report.carrier, report.routes) == ("texts, calls", {"sms": "texts", "voice": "calls"})
    assert report.live, "one of them rings real phones"


async def test_a_channel_that_no_carrier_moves_is_refused_before_anything_is_stored(
    home: Path, clock: FakeClock
) -> None:
    texts, calls, settings = texts_and_calls(home)
    async with open_ringback(settings, carriers=carriers_of(settings, texts, calls), clock=clock) as ringback:
        with pytest.raises(Refused) as refused:
            await want(ringback.telephone, Channel.MMS)
        assert refused.value.rule == "no_capability"
        assert "sms, voice" in refused.value.hint
        assert (await ringback.telephone.history()).items == ()


async def test_a_question_tells_whether_its_own_carrier_rings_real_phones(home: Path, clock: FakeClock) -> None:
    texts, calls, settings = texts_and_calls(home)
    async with open_ringback(settings, carriers=carriers_of(settings, texts, calls), clock=clock) as ringback:
        for channel in (Channel.SMS, Channel.VOICE):
            await want(ringback.telephone, channel, "+14155552671")
        told = {question.channel: question.live for question in await ringback.person.waiting()}
    assert told == {Channel.SMS: False, Channel.VOICE: True}


async def test_the_check_tells_of_the_others_where_one_carrier_cannot_be_asked(home: Path, clock: FakeClock) -> None:
    texts, calls, settings = texts_and_calls(home)
    texts.line_error = CarrierUnreachable("gone")
    async with open_ringback(settings, carriers=carriers_of(settings, texts, calls), clock=clock) as ringback:
        assert (await ringback.telephone.check()).capabilities == ("voice",)
        calls.line_error = CarrierUnreachable("gone too")
        with pytest.raises(CarrierUnreachable):
            await ringback.telephone.check()


async def test_what_waits_for_a_carrier_that_is_not_in_use_stays_and_is_taken_for_live(
    home: Path, clock: FakeClock
) -> None:
    texts, calls, settings = texts_and_calls(home)
    async with open_ringback(settings, carriers=carriers_of(settings, texts, calls), clock=clock) as ringback:
        receipt = await want(ringback.telephone, Channel.SMS)
    only = Settings(home=home, carrier="calls")
    async with open_ringback(only, carriers=carriers_of(only, calls), clock=clock) as ringback:
        assert (await ringback.person.question(receipt.id)).live
        await ringback.person.answer(receipt.id, YES)
        await ringback.telephone.tend()
    assert (texts.sent, calls.sent) == ([], [])


async def test_a_framework_is_given_no_tool_for_a_channel_that_nothing_moves(home: Path, clock: FakeClock) -> None:
    texts, calls, settings = texts_and_calls(home)
    async with open_ringback(settings, carriers=carriers_of(settings, texts, calls), clock=clock) as ringback:
        tools = native.tools(ringback.telephone)
    names = [tool.name for tool in tools]
    assert "call_id" in tools[1].parameters["properties"]
    assert names == ["check-telephony", "send-sms", "voice-call", "status", "history", "cancel"]


async def test_where_nothing_calls_no_text_can_go_to_whoever_is_on_a_call(home: Path, clock: FakeClock) -> None:
    texts, _, _ = texts_and_calls(home)
    async with open_ringback(Settings(home=home, carrier="texts"), carriers=Carriers.only(texts), clock=clock) as one:
        sms = next(tool for tool in native.tools(one.telephone) if tool.name == "send-sms")
    assert "call_id" not in sms.parameters["properties"]
    assert "to" in sms.parameters["properties"]


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({}, set()),
        ({"RINGBACK_CARRIER": "twilio"}, set()),
        ({"ringback_carrier": "teli"}, {"send-mms", "voice-call"}),
        ({"RINGBACK_CARRIER": "thoughtly"}, {"send-sms", "send-mms"}),
        ({"RINGBACK_CARRIER": "teli,voice=thoughtly"}, {"send-mms"}),
        ({"RINGBACK_CARRIER": "what,is,this"}, set()),
    ],
)
def test_the_environment_tells_which_tools_have_something_to_do(given: dict[str, str], missing: set[str]) -> None:
    channels = channels_in(given)
    assert {spec.name for spec in SPECS if not is_offered(spec.name, channels)} == missing


@pytest.mark.parametrize("name", sorted(CARRIERS))
def test_what_is_told_of_a_carrier_without_opening_it_is_what_its_adapter_says(name: str) -> None:
    module = import_module(CARRIERS[name])
    adapter = getattr(module, module.build.__annotations__["return"])
    # One whose channels depend on its settings is told with all that it can move.
    assert channels_of(name) == getattr(adapter, "channels", frozenset(Channel))
