"""What may go out at all: texts, prompts, media addresses, keys; and what is shown of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from ringback_support.fakes import FakeCarrier
from ringback_support.installation import PICTURE, TEXT, TO, opened, outbound, want

import ringback
from ringback.errors import InvalidRequest, NotFound, RingbackError
from ringback.model.numbers import PhoneNumber
from ringback.model.outbound import PROMPT_LIMIT, TEXT_LIMIT, Channel, Outbound

if TYPE_CHECKING:
    from pathlib import Path


def make(channel: Channel, text: str, media_url: str | None = None) -> Outbound:
    return Outbound(channel, PhoneNumber(TO), "sandbox", text, media_url)


@pytest.mark.parametrize(
    ("channel", "limit"), [(Channel.SMS, TEXT_LIMIT), (Channel.MMS, TEXT_LIMIT), (Channel.VOICE, PROMPT_LIMIT)]
)
def test_a_text_has_its_channels_length_and_one_more_is_too_long(channel: Channel, limit: int) -> None:
    media = PICTURE if channel is Channel.MMS else None
    assert make(channel, "ж" * limit, media).text == "ж" * limit
    with pytest.raises(InvalidRequest, match=f"{limit + 1} characters"):
        make(channel, "ж" * (limit + 1), media)


@pytest.mark.parametrize("text", ["", " ", "\n\t ", "\u00a0\u2003"])
@pytest.mark.parametrize("channel", [Channel.SMS, Channel.VOICE])
def test_an_empty_text_is_refused(channel: Channel, text: str) -> None:
    with pytest.raises(InvalidRequest, match="empty"):
        make(channel, text)


@pytest.mark.parametrize("text", ["\ud800", "half \udfff a pair", "\ude00\ud83d"])
def test_half_a_surrogate_pair_cannot_be_sent(text: str) -> None:
    with pytest.raises(InvalidRequest, match="surrogate"):
        make(Channel.SMS, text)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/a.png",
        "https://example.com:8443/a%20b.png?size=1&x=2#part",
        "https://xn--bcher-kva.example/",
        "https://[2001:db8::1]/a",
    ],
)
def test_a_plain_https_address_is_taken_for_media(url: str) -> None:
    assert make(Channel.MMS, TEXT, url).media_host


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://example.com/a.png",
        "ftp://example.com/a.png",
        "file:///etc/passwd",
        "data:image/png;base64,AAAA",
        "javascript:alert(1)",
        "//example.com/a.png",
        "example.com/a.png",
        "https:///a.png",
        "https://",
        "https://user@example.com/a",
        "https://user:password@example.com/a",
        "https://good.example@evil.example/a",
        "https://good.example\\@evil.example/a",
        "https://example.com/a b",
        "https://example.com/a\nb",
        "https://example.com/\u202egnp.exe",
        "https://bücher.example/a",
        "https://example.com:port/a",
        "https://example.com:0/a",
        "https://example.com:99999/a",
        "https://[::1/a",
        "https://example.com/" + "a" * 2048,
    ],
)
def test_what_is_no_plain_https_address_is_refused_for_media(url: str) -> None:
    with pytest.raises(InvalidRequest, match=r"media URL"):
        make(Channel.MMS, TEXT, url)


def test_the_host_that_is_shown_is_the_one_that_a_client_would_reach() -> None:
    assert make(Channel.MMS, TEXT, "https://Evil.Example/#@good.example/").media_host == "evil.example"
    assert make(Channel.MMS, TEXT, "https://evil.example?@good.example/").media_host == "evil.example"


@pytest.mark.parametrize(("channel", "url"), [(Channel.MMS, None), (Channel.SMS, PICTURE), (Channel.VOICE, PICTURE)])
def test_a_picture_goes_with_an_mms_and_with_nothing_else(channel: Channel, url: str | None) -> None:
    with pytest.raises(InvalidRequest, match="media URL"):
        make(channel, TEXT, url)


def test_what_is_printed_of_an_outbound_is_masked() -> None:
    told = repr(outbound(channel=Channel.MMS))
    assert TEXT not in told
    assert "555" not in told
    assert "receipt" not in told


# -- through the facade ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["", "k" * 201, "\ud800"])
async def test_an_unusable_idempotency_key_is_refused_before_anything_is_stored(home: Path, key: str) -> None:
    async with opened(home) as installation:
        with pytest.raises(InvalidRequest, match="idempotency key"):
            await installation.telephone.send_sms(TO, TEXT, idempotency_key=key)
        assert (await installation.telephone.history()).items == ()


@pytest.mark.parametrize("key", ["k", "k" * 200, "ключ 🔑", "with\nlines\x00"])
async def test_any_other_key_is_taken(home: Path, key: str) -> None:
    async with opened(home) as installation:
        first = await installation.telephone.send_sms(TO, TEXT, idempotency_key=key)
        again = await installation.telephone.send_sms(TO, TEXT, idempotency_key=key)
        assert (again.id, again.repeated) == (first.id, True)


HOSTILE: list[Any] = [
    {},
    {"to": TO},
    {"to": TO, "body": None},
    {"to": TO, "body": 7},
    {"to": [TO], "body": "x"},
    {"to": TO, "body": "x", "approved": True},
    {"to": TO, "body": "x", "confirm": "yes"},
    {"to": "\ud800", "body": "\ud800"},
    {"to": TO, "body": "x", "idempotency_key": "\ud800"},
    {"to": TO, "body": "x", "idempotency_key": 7},
    {"id": "\ud800"},
    {"id": "ob_none", "wait": float("nan")},
    {"id": "ob_none", "wait": -1},
    {"limit": 0},
    {"limit": 101},
    {"cursor": "\ud800"},
    {"cursor": "c" + "9" * 99},
]


@pytest.mark.parametrize("arguments", HOSTILE, ids=range(len(HOSTILE)))
async def test_no_arguments_make_a_native_tool_raise_or_send(home: Path, arguments: dict[str, Any]) -> None:
    carrier = FakeCarrier()
    async with opened(home, carrier) as installation:
        for tool in ringback.tools(installation.telephone):
            told = await tool.call(arguments)
            assert isinstance(told, dict)
            assert set(told.get("error", {"code": 1, "message": 1, "next": 1})) >= {"code", "message", "next"}
    assert carrier.sent == []


async def test_the_seven_tools_do_what_the_facade_does(home: Path) -> None:
    async with opened(home) as installation:
        tools = {tool.name: tool for tool in ringback.tools(installation.telephone)}
        assert list(tools) == ["check-telephony", "send-sms", "send-mms", "voice-call", "status", "history", "cancel"]
        assert (await tools["check-telephony"].call())["enabled"] is True
        texts = await tools["send-sms"].call({"to": TO, "body": TEXT})
        await tools["send-mms"].call({"to": TO, "body": TEXT, "media_url": PICTURE})
        await tools["voice-call"].call({"to": TO, "prompt": TEXT})
        assert (await tools["status"].call({"id": texts["id"]}))["status"] == "awaiting_approval"
        items = (await tools["history"].call({}))["items"]
        assert isinstance(items, list)
        assert [item["channel"] for item in items] == ["voice", "mms", "sms"]
        assert (await tools["cancel"].call({"id": texts["id"]}))["status"] == "cancelled"


async def test_every_error_of_the_facade_is_one_of_the_tree(home: Path) -> None:
    async with opened(home) as installation:
        for call in (
            want(installation.telephone, Channel.SMS, "911"),
            want(installation.telephone, Channel.SMS, "+19005551234"),
            want(installation.telephone, Channel.VOICE, TO, ""),
            installation.telephone.status("x"),
            installation.telephone.history(5, "x"),
            installation.telephone.cancel("x"),
            installation.person.question("x"),
        ):
            with pytest.raises(RingbackError) as caught:
                await call
            assert caught.value.hint


async def test_a_cursor_that_history_never_gave_is_not_found(home: Path) -> None:
    async with opened(home) as installation:
        with pytest.raises(NotFound):
            await installation.telephone.history(5, "\ud800")
