"""The sandbox as Teli and as an endpoint of somebody's own, asked by a plain HTTP client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx2
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Sandbox

TO = "+15551234567"
TEXT = "Hi! This is John following up on your inquiry. How can I help you today?"
GIVEN = {"campaign_id": "campaign_abc123", "phone_number": TO, "message": TEXT}
MISSING = "Missing required fields: campaign_id, phone_number, message"
NOBODY = "Client +12025550199 not found in campaign campaign_abc123"


@pytest.fixture
def sandbox(module_sandbox: Sandbox) -> Sandbox:
    module_sandbox.post("/sandbox/reset")
    return module_sandbox


@pytest.fixture
def teli(sandbox: Sandbox) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=sandbox.url, headers={"X-API-Key": sandbox.api_key}, trust_env=False) as client:
        yield client


def send(teli: httpx2.Client, **changes: Any) -> httpx2.Response:
    return teli.post("/v1/sms/send", json={**GIVEN, **changes})


def test_the_documented_request_has_the_documented_answer_and_is_on_the_handset(
    sandbox: Sandbox, teli: httpx2.Client
) -> None:
    answer = send(teli)
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "success": True,
            "message": "SMS sent successfully",
            "phone_number": TO,
            "campaign_id": "campaign_abc123",
            "thread_qualified": True,
            "ai_disabled": True,
            "human_takeover": True,
            "powered_by": "Teli",
        },
    )
    assert [(message["to"], message["body"]) for message in sandbox.messages()] == [(TO, TEXT)]


@pytest.mark.parametrize("number", ["(555) 123-4567", "15551234567", "+1 555.123.4567"])
def test_the_number_comes_back_normalised(teli: httpx2.Client, number: str) -> None:
    assert send(teli, phone_number=number).json()["phone_number"] == TO


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"campaign_id": None}, 400, MISSING),
        ({"campaign_id": " "}, 400, MISSING),
        ({"phone_number": ""}, 400, MISSING),
        ({"message": None}, 400, MISSING),
        ({"message": ""}, 400, "Message text cannot be empty"),
        ({"message": " \n"}, 400, "Message text cannot be empty"),
        ({"phone_number": "+12025550199"}, 404, NOBODY),
        ({"phone_number": "(202) 555-0199"}, 404, NOBODY),
    ],
)
def test_a_documented_error_has_its_words_and_nothing_is_sent(
    sandbox: Sandbox, teli: httpx2.Client, changes: dict[str, Any], status: int, words: str
) -> None:
    answer = send(teli, **changes)
    assert (answer.status_code, answer.json()) == (status, {"success": False, "error": words})
    assert sandbox.messages() == []


def test_a_wrong_key_is_refused(sandbox: Sandbox) -> None:
    for headers in ({}, {"X-API-Key": "wrong"}, {"Authorization": f"Bearer {sandbox.api_key}"}):
        assert sandbox.client.post("/v1/sms/send", json=GIVEN, headers=headers).status_code == 401
    assert sandbox.messages() == []


def custom(sandbox: Sandbox, **changes: Any) -> httpx2.Response:
    return sandbox.api.post("/custom/sms", json={"to": TO, "message": TEXT, **changes})


def test_an_endpoint_of_ones_own_takes_a_text_and_names_it(sandbox: Sandbox) -> None:
    answer = custom(sandbox)
    (message,) = sandbox.messages()
    assert (answer.status_code, answer.json()) == (202, {"id": message["id"]})
    assert (message["to"], message["body"]) == (TO, TEXT)


@pytest.mark.parametrize("changes", [{"to": "5551234567"}, {"to": None}, {"message": ""}, {"message": 7}])
def test_what_is_no_text_is_refused(sandbox: Sandbox, changes: dict[str, Any]) -> None:
    assert custom(sandbox, **changes).status_code == 422
    assert sandbox.messages() == []


@pytest.mark.parametrize("path", ["/v1/sms/send", "/custom/sms"])
def test_rate_limit_and_magic_numbers_work_through_both(sandbox: Sandbox, teli: httpx2.Client, path: str) -> None:
    teli.headers["Authorization"] = f"Bearer {sandbox.api_key}"
    body = {**GIVEN, "to": "+15550100004", "phone_number": "+15550100004"}
    told = [teli.post(path, json=body) for _ in range(3)]
    assert [each.status_code // 100 for each in told] == [4, 4, 2]
    assert told[0].headers["retry-after"] == "1"
    sandbox.advance(2)
    assert [message["status"] for message in sandbox.messages()] == ["delivered"]
    fine = {**body, "to": TO, "phone_number": TO}
    sandbox.freeze()
    statuses = [teli.post(path, json=fine).status_code for _ in range(98)]
    assert statuses.count(429) == 1, "with the three before, a hundred a minute"
    assert statuses[-1] == 429
