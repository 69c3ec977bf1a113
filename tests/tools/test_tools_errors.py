"""What cannot be done comes back as an error that a model can act on, and no error repeats a number or a text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from mcp.shared.exceptions import MCPError
from tests.tools.support import ERAS, NAMES, SENDING, TO, Reader, arguments_of, disguises, receipt_of, text_of

if TYPE_CHECKING:
    from mcp import Client
    from tests.tools.support import House

SECRET = "the blue door at four"
ERROR = re.compile(r"\[(?P<code>[a-z_]+)\] (?P<message>.+?) Next: (?P<next>.+)", re.DOTALL)

NO_NUMBERS = {
    "911": "emergency",
    "+1911": "emergency",
    "112": "emergency",
    "5551234567": "missing_plus",
    "+1212555CALL": "letters",
    "tel:+14155552671;ext=9": "extension",
    "+14155552671,+14155552672": "several",
    "+1 415 555 2671": "formatting",
    "+\uff11\uff14\uff11\uff15\uff15\uff15\uff15\uff12\uff16\uff17\uff11": "unicode_digits",
    "72345": "short_code",
    "": "empty",
    "+1415555": "length",
    "+9991234567": "country_code",
}
FORBIDDEN = {
    "+19005551234": "destination_premium",
    "+881612345678": "destination_satellite",
    "+80012345678": "destination_non_geographic",
    "+447012345678": "destination_personal",
}
COUSINS = (
    *("confirm", "confirmed", "approve", "approved", "approval", "consent", "consented", "yes", "force", "human"),
    *("skip_approval", "auto_approve", "user_confirmed", "_approved", "bypass", "trusted", "allow", "sudo"),
    *("last_digits", "digits", "choice", "nonce", "level", "via", "carrier", "from"),
    *("request_state", "requestState", "inputResponses"),
)


async def refused(client: Client, tool: str, arguments: dict[str, Any], *unspoken: str) -> str:
    """Call a tool that must fail; the error's code."""
    result = await client.call_tool(tool, arguments)
    assert result.is_error
    assert result.structured_content is None
    told = ERROR.fullmatch(text_of(result))
    assert told, text_of(result)
    for secret in unspoken:
        assert not [form for form, needle in disguises(secret).items() if needle and needle in f"{result}".encode()]
    return told["code"]


@pytest.mark.parametrize(("number", "problem"), NO_NUMBERS.items(), ids=NO_NUMBERS.values())
async def test_what_is_no_whole_number_is_refused_by_every_tool_without_being_repeated(
    house: House, number: str, problem: str
) -> None:
    async with house.client(answer=Reader()) as client:
        for tool in SENDING:
            assert await refused(client, tool, arguments_of(tool, SECRET, number), SECRET) == "invalid_number", problem
            told = text_of(await client.call_tool(tool, arguments_of(tool, SECRET, number)))
            assert len(number) < 4 or number not in told.partition("Did the person mean")[0]
        assert receipt_of(await client.call_tool("history", {}))["items"] == []
    assert house.posts() == []


@pytest.mark.parametrize("mode", ERAS)
async def test_a_number_that_is_plainly_meant_comes_back_as_a_question_and_is_never_used(
    house: House, mode: str
) -> None:
    async with house.client(mode, Reader()) as client:
        await client.call_tool("check-telephony", {})  # the line's own number tells the country
        result = await client.call_tool("send-sms", {"to": "2025550123", "body": SECRET})
    assert f"Did the person mean {TO}?" in text_of(result)
    assert house.posts() == []


@pytest.mark.parametrize(("number", "rule"), FORBIDDEN.items(), ids=FORBIDDEN.values())
async def test_a_forbidden_destination_is_refused_by_its_rule_and_nobody_is_asked(
    house: House, number: str, rule: str
) -> None:
    person = Reader()
    async with house.client(answer=person) as client:
        for tool in SENDING:
            assert await refused(client, tool, arguments_of(tool, SECRET, number), SECRET, number) == rule
    assert person.shown == []
    assert house.posts() == []


@pytest.mark.parametrize("tool", NAMES)
@pytest.mark.parametrize("mode", ERAS)
async def test_an_argument_that_the_tool_does_not_have_is_refused_on_every_tool(
    house: House, mode: str, tool: str
) -> None:
    person = Reader()
    given = arguments_of(tool, SECRET) if tool in SENDING else {"id": "ob_x"} if tool in {"status", "cancel"} else {}
    async with house.client(mode, person) as client:
        for name in COUSINS if tool in SENDING else (*COUSINS, "dry_run"):
            for value in (True, "yes", {"action": "accept"}):
                result = await client.call_tool(tool, {**given, name: value})
                assert "none can stand in for a person's approval" in text_of(result), name
                assert result.is_error
    assert person.shown == []
    assert house.posts() == []


BROKEN: list[tuple[str, dict[str, Any]]] = [
    ("send-sms", {}),
    ("send-sms", {"to": TO}),
    ("send-sms", {"to": None, "body": SECRET}),
    ("send-sms", {"to": 12025550123, "body": SECRET}),
    ("send-sms", {"to": [TO], "body": SECRET}),
    ("send-sms", {"to": {"number": TO}, "body": SECRET}),
    ("send-sms", {"to": TO, "body": ""}),
    ("send-sms", {"to": TO, "body": " \n"}),
    ("send-sms", {"to": TO, "body": [SECRET]}),
    ("send-sms", {"to": TO, "body": SECRET * 100}),
    ("send-sms", {"to": TO, "body": SECRET, "idempotency_key": ""}),
    ("send-sms", {"to": TO, "body": SECRET, "idempotency_key": "k" * 201}),
    ("send-sms", {"to": TO, "body": SECRET, TO: SECRET}),
    ("send-mms", {"to": TO, "body": SECRET}),
    ("send-mms", {"to": TO, "body": SECRET, "media_url": "http://media.example/a.png"}),
    ("send-mms", {"to": TO, "body": SECRET, "media_url": f"https://{TO}@media.example/a.png"}),
    ("send-mms", {"to": TO, "body": SECRET, "media_url": "file:///etc/passwd"}),
    ("send-mms", {"to": TO, "body": SECRET, "media_url": "https://media.example/a b"}),
    ("voice-call", {"to": TO, "prompt": SECRET * 300}),
    ("voice-call", {"to": TO, "body": SECRET}),
    ("status", {"id": TO, "wait": 26}),
    ("status", {"id": TO, "wait": -1}),
    ("status", {"id": TO, "wait": "for ever"}),
    ("history", {"limit": 0}),
    ("history", {"limit": 101}),
    ("history", {"limit": SECRET}),
]


async def test_arguments_of_the_wrong_kind_are_refused_without_being_repeated(house: House) -> None:
    person = Reader()
    async with house.client(answer=person) as client:
        for tool, arguments in BROKEN:
            assert await refused(client, tool, arguments, SECRET, TO) == "invalid_request", (tool, arguments)
    assert person.shown == []
    assert house.posts() == []


async def test_an_id_or_cursor_that_belongs_to_nothing_is_not_found(house: House) -> None:
    async with house.client() as client:
        for id_ in (TO, "ob_nothing", "' OR 1=1 --", "", "ob_\u202e", "x" * 10_000):
            assert await refused(client, "status", {"id": id_}, TO) == "not_found"
            assert await refused(client, "cancel", {"id": id_}, TO) == "not_found"
        for cursor in ("c", "c-1", "1", TO, "c1e3", "c\u0663", "c" + "9" * 30):
            assert await refused(client, "history", {"cursor": cursor}, TO) == "not_found"


async def test_a_key_that_was_used_for_something_else_is_a_conflict(house: House) -> None:
    async with house.client() as client:
        await client.call_tool("send-sms", {"to": TO, "body": "one", "idempotency_key": "k"})
        code = await refused(client, "send-sms", {"to": TO, "body": SECRET, "idempotency_key": "k"}, SECRET, TO)
    assert code == "idempotency_conflict"


async def test_what_the_carrier_has_cannot_be_cancelled(house: House) -> None:
    async with house.client(answer=Reader()) as client:
        receipt = receipt_of(await client.call_tool("send-sms", {"to": TO, "body": SECRET}))
        assert await refused(client, "cancel", {"id": receipt["id"]}, SECRET, TO) == "too_late_to_cancel"


@pytest.mark.parametrize(("telephony", "rule"), [("disabled", "not_enabled"), ("unreachable-check", "enabled_unknown")])
async def test_nothing_is_sent_where_telephony_is_off_or_cannot_be_asked(
    house: House, telephony: str, rule: str
) -> None:
    house.sandbox.post("/sandbox/faults", {"telephony": telephony})
    async with house.client(answer=Reader()) as client:
        for tool in SENDING:
            assert await refused(client, tool, arguments_of(tool, SECRET), SECRET, TO) == rule
    assert house.posts() == []


@pytest.mark.parametrize("mode", ERAS)
async def test_a_tool_that_does_not_exist_is_an_error_that_lists_those_that_do(house: House, mode: str) -> None:
    async with house.client(mode) as client:
        for name in ("approve", "allow", "send_sms", "SEND-SMS", "", "send-sms ", TO, "__import__"):
            with pytest.raises(MCPError) as error:
                await client.call_tool(name, {})
            assert error.value.error.code == -32602
            assert all(tool in error.value.error.message for tool in NAMES)
            assert TO not in str(error.value)


async def test_a_broken_ledger_is_told_and_nothing_is_sent(house: House) -> None:
    (house.home / "ledger.db").write_bytes(b"this is no database" * 100)
    async with house.client(answer=Reader()) as client:
        assert await refused(client, "send-sms", {"to": TO, "body": SECRET}, SECRET, TO) == "ledger"
        assert await refused(client, "history", {}) == "ledger"
    assert house.posts() == []


async def test_a_setting_that_cannot_be_read_is_told_by_name_and_not_by_value(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RINGBACK_APPROVAL", SECRET)
    async with house.client(answer=Reader()) as client:
        result = await client.call_tool("send-sms", {"to": TO, "body": "text"})
    assert text_of(result).startswith("[configuration] These settings cannot be read: approval")
    assert SECRET not in text_of(result)
    assert house.posts() == []
