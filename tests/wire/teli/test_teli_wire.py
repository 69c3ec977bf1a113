"""Teli's wire: its documented errors, answers that claim something else, and what is never asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from pydantic import SecretStr

from ringback.carriers.teli import Teli, build
from ringback.errors import CarrierError, CarrierRejected, CarrierUnavailable, CarrierUnreadable, ConfigurationError
from ringback.model.numbers import PhoneNumber
from ringback.model.outbound import Channel, Outbound
from ringback.model.status import Status
from ringback.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

TO = "+15551234567"
TEXT = "Hi! This is John following up on your inquiry."
CAMPAIGN = "campaign_abc123"
SENT = {"success": True, "message": "SMS sent successfully", "phone_number": TO, "campaign_id": CAMPAIGN}


def settings(**changes: Any) -> Settings:
    given = {"teli_api_key": SecretStr("secret-key"), "teli_campaign_id": CAMPAIGN}
    return Settings(**{**given, **changes})


def carrier(answer: Callable[[httpx2.Request], httpx2.Response]) -> Teli:
    return build(settings(), transport=httpx2.MockTransport(answer))


async def refused_with(status: int, content: Any) -> CarrierError:
    teli = carrier(lambda _: httpx2.Response(status, json=content))
    with pytest.raises(CarrierError) as caught:
        await teli.transmit(Outbound(Channel.SMS, PhoneNumber(TO), "teli", TEXT))
    return caught.value


DOCUMENTED = {
    "Missing required fields: campaign_id, phone_number, message": (
        "Missing required fields: campaign_id, phone_number, message"
    ),
    "Message text cannot be empty": "Message text cannot be empty",
    "Client +15551234567 not found in campaign campaign_abc123": (
        "Client •••4567 not found in campaign campaign_abc123. Add the contact to the campaign at Teli first."
    ),
}


@pytest.mark.parametrize("status", [200, 400, 404, 422])
@pytest.mark.parametrize("words", DOCUMENTED)
async def test_a_documented_error_left_nothing_and_is_told_masked(words: str, status: int) -> None:
    error = await refused_with(status, {"success": False, "error": words})
    assert type(error) is CarrierRejected
    assert error.nothing_left
    assert error.detail == DOCUMENTED[words]
    assert "1234567" not in str(error)


async def test_a_contact_that_is_in_no_campaign_is_to_be_added_at_teli() -> None:
    error = await refused_with(200, {"success": False, "error": "Client +1 (555) 123-4567 not found in campaign c1"})
    assert error.hint == "Add the contact to the campaign at Teli first."
    assert "123-4567" not in error.detail


@pytest.mark.parametrize(
    "content",
    [
        {"success": False, "error": "Provider timed out"},
        {"success": False},
        {"success": False, "error": ["Message text cannot be empty"]},
        {"success": "true", "phone_number": TO},
        {"success": 1, "phone_number": TO},
        {"message": "SMS sent successfully", "phone_number": TO},
        {**SENT, "phone_number": "+15551234568"},
        {**SENT, "phone_number": "5551234567"},
        {**SENT, "phone_number": None},
        {**SENT, "phone_number": 15551234567},
        {"success": True},
        {**SENT, "campaign_id": "campaign_other"},
        [SENT],
        "sent",
    ],
)
async def test_an_answer_that_does_not_claim_our_text_to_our_number_is_doubt(content: Any) -> None:
    error = await refused_with(200, content)
    assert type(error) is CarrierUnreadable
    assert not error.nothing_left
    assert "1234567" not in str(error) + error.detail


async def test_a_documented_error_with_a_servers_failure_is_doubt() -> None:
    error = await refused_with(500, {"success": False, "error": "Message text cannot be empty"})
    assert type(error) is CarrierUnavailable


@pytest.mark.parametrize("number", [TO, "15551234567", "+1 (555) 123-4567", "+1.555.123.4567"])
async def test_success_is_sent_and_no_more_with_the_number_in_any_grouping(number: str) -> None:
    teli = carrier(lambda _: httpx2.Response(200, json={**SENT, "phone_number": number, "delivered": True, "id": "m1"}))
    taken = await teli.transmit(Outbound(Channel.SMS, PhoneNumber(TO), "teli", TEXT))
    assert (taken.carrier_id, taken.status) == (None, Status.SENT)


async def test_what_is_not_a_text_is_not_posted() -> None:
    asked: list[httpx2.Request] = []
    teli = carrier(lambda request: asked.append(request) or httpx2.Response(200, json=SENT))
    with pytest.raises(CarrierRejected) as caught:
        await teli.transmit(Outbound(Channel.VOICE, PhoneNumber(TO), "teli", TEXT))
    assert caught.value.nothing_left
    assert asked == []


async def test_what_teli_does_not_offer_is_not_asked_for() -> None:
    asked: list[httpx2.Request] = []
    teli = carrier(lambda request: asked.append(request) or httpx2.Response(200, json={}))
    line = await teli.line()
    assert (line.enabled, line.confirmed, line.number, line.capabilities) == (True, False, None, {Channel.SMS})
    assert await teli.report(Channel.SMS, "any") is None
    assert await teli.history(20) == []
    assert await teli.inbox(None) is None
    assert await teli.subscribe("https://example.com", b"secret") is False
    assert asked == []


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"teli_api_key": None}, "needs TELI_API_KEY"),
        ({"teli_campaign_id": None}, "needs TELI_CAMPAIGN_ID"),
        ({"teli_campaign_id": "  "}, "needs TELI_CAMPAIGN_ID"),
        ({"teli_api_key": None, "teli_campaign_id": None}, "TELI_API_KEY and TELI_CAMPAIGN_ID"),
        ({"teli_api_key": SecretStr("secret\nkey")}, "TELI_API_KEY"),
        ({"teli_api_key": SecretStr("secret-kéy")}, "TELI_API_KEY"),
        ({"teli_api_url": "http://api.teli.ai"}, "TELI_API_URL"),
        ({"teli_api_url": "https://user:pass@api.teli.ai"}, "TELI_API_URL"),
        ({"teli_api_url": "https://[::1"}, "TELI_API_URL"),
    ],
)
def test_settings_that_cannot_work_are_named_and_not_repeated(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told) as caught:
        build(settings(**changes))
    assert "secret" not in str(caught.value)
