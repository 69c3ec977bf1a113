"""thinnest.ai's API as it is documented: one PATCH, field by field; reading is tried and done without."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from pydantic import SecretStr

from ringback.carriers.thinnest import ThinnestAgent, build_agent
from ringback.errors import (
    CarrierAuthenticationFailed,
    CarrierRejected,
    CarrierUnavailable,
    CarrierUnreadable,
    ConfigurationError,
)
from ringback.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

TWILIO = {
    "enabled": True,
    "provider": "twilio",
    "from_number": "+14155550000",
    "templates": {
        "booking_confirmation": "Your appointment is confirmed for {date} at {time}. Details: {link}",
        "password_reset": "Reset your password: {link}",
    },
}
CUSTOM = {
    "enabled": True,
    "provider": "custom",
    "custom_api_url": "https://api.your-sms-provider.com/v1/sms/send",
    "custom_api_headers": {"Authorization": "Bearer YOUR_SMS_API_KEY"},
}


def agent(answer: Callable[[httpx2.Request], httpx2.Response], **changes: Any) -> ThinnestAgent:
    own = {"thinnestai_api_key": SecretStr("key-1"), "thinnestai_agent_id": "agent_abc123"}
    return build_agent(Settings(**{**own, **changes}), transport=httpx2.MockTransport(answer))


@pytest.mark.parametrize("tool", [TWILIO, CUSTOM], ids=["twilio", "custom"])
async def test_the_patch_is_the_documented_one(tool: dict[str, Any]) -> None:
    seen: list[httpx2.Request] = []
    await agent(lambda request: seen.append(request) or httpx2.Response(200, json={})).set_text_tool(tool)
    (request,) = seen
    assert request.method == "PATCH"
    assert str(request.url) == "https://api.thinnest.ai/agents/agent_abc123"
    assert request.headers["authorization"] == "Bearer key-1"
    assert request.headers["content-type"] == "application/json"
    assert json.loads(request.content) == {"voice_tools": {"sms_mid_call": tool}}


@pytest.mark.parametrize("answer", [httpx2.Response(200, text="ok"), httpx2.Response(204)])
async def test_whatever_stands_in_a_success_is_a_success(answer: httpx2.Response) -> None:
    await agent(lambda _: answer).set_text_tool(CUSTOM)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, CarrierAuthenticationFailed),
        (404, CarrierRejected),
        (422, CarrierRejected),
        (500, CarrierUnavailable),
        (302, CarrierUnreadable),
    ],
)
async def test_a_patch_that_was_not_taken_is_told(status: int, error: type[Exception]) -> None:
    with pytest.raises(error):
        await agent(lambda _: httpx2.Response(status)).set_text_tool(CUSTOM)


async def test_the_tool_is_read_where_the_service_tells_it() -> None:
    told = {"id": "agent_abc123", "voice_tools": {"sms_mid_call": CUSTOM}}
    assert await agent(lambda _: httpx2.Response(200, json=told)).text_tool() == CUSTOM
    assert await agent(lambda _: httpx2.Response(200, json={"voice_tools": {}})).text_tool() == {}


@pytest.mark.parametrize(
    "answer",
    [
        httpx2.Response(404),
        httpx2.Response(405),
        httpx2.Response(403),
        httpx2.Response(200, text="<html>"),
        httpx2.Response(200, json=[]),
        httpx2.Response(200, json={"name": "no tools"}),
        httpx2.Response(200, json={"voice_tools": {"sms_mid_call": "on"}}),
    ],
)
async def test_where_it_does_not_tell_nothing_is_assumed(answer: httpx2.Response) -> None:
    assert await agent(lambda _: answer).text_tool() is None


async def test_a_wrong_key_is_no_missing_answer() -> None:
    with pytest.raises(CarrierAuthenticationFailed):
        await agent(lambda _: httpx2.Response(401)).text_tool()


@pytest.mark.parametrize(
    "changes",
    [
        {"thinnestai_api_key": None},
        {"thinnestai_agent_id": None},
        {"thinnestai_agent_id": "../keys"},
        {"thinnestai_api_key": SecretStr("a\nb")},
        {"thinnestai_api_url": "http://api.thinnest.ai"},
    ],
)
def test_settings_that_cannot_be_used_are_told_without_their_values(changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as told:
        agent(lambda _: httpx2.Response(200), **changes)
    assert "key-1" not in str(told.value)
    assert "../" not in str(told.value)
