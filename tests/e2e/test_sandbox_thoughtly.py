"""The sandbox's Thoughtly as its own clients meet it: over HTTP, after the documentation, and without Ringback."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from tests.e2e.callback_receiver import receiving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Sandbox, StartSandbox

TO = "+15551234567"
AGENT = "sandbox_agent"


@pytest.fixture
def sandbox(module_sandbox: Sandbox) -> Sandbox:
    module_sandbox.post("/sandbox/reset")
    module_sandbox.freeze()
    return module_sandbox


@pytest.fixture
def api(sandbox: Sandbox) -> Iterator[httpx2.Client]:
    with client(sandbox) as one:
        yield one


def client(sandbox: Sandbox, **headers: str) -> httpx2.Client:
    given = {"x-api-token": sandbox.api_key, "team_id": "team_7", **headers}
    return httpx2.Client(base_url=sandbox.url, headers=given, trust_env=False)


def contact(api: httpx2.Client, number: str = TO, **more: Any) -> str:
    made: str = api.post("/contact/create", json={"phone_number": number, **more}).json()["data"]["id"]
    return made


def test_the_developer_pages_first_example_works(sandbox: Sandbox, api: httpx2.Client) -> None:
    made = api.post("/contact/create", json={"phone_number": TO, "name": "John Doe", "email": "john@example.com"})
    assert made.json()["error"] is None
    called = api.post("/contact/call", json={"contact_id": made.json()["data"]["id"], "agent_id": AGENT})
    assert (called.status_code, called.json()["data"]["status"]) == (200, "queued")
    assert [(call["id"], call["to"]) for call in sandbox.calls()] == [(called.json()["data"]["call_id"], TO)]


def test_the_agents_older_name_works_and_its_script_sees_the_metadata(sandbox: Sandbox, api: httpx2.Client) -> None:
    given = {"contact_id": contact(api), "interview_id": AGENT, "metadata": {"prompt": "Hello", "campaign": "spring"}}
    assert api.post("/contact/call", json=given).is_success
    assert [call["prompt"] for call in sandbox.calls()] == ["Hello"]
    (row,) = api.get(f"/interview/{AGENT}/responses").json()["data"]
    assert (row["metadata"]["campaign"], row["contact_id"]) == ("spring", given["contact_id"])
    assert TO not in str(row)


@pytest.mark.parametrize("headers", [{"x-api-token": ""}, {"x-api-token": "wrong"}, {"team_id": ""}])
def test_without_token_or_team_nothing_is_answered(sandbox: Sandbox, headers: dict[str, str]) -> None:
    with client(sandbox, **headers) as api:
        for method, path in (("POST", "/contact/create"), ("GET", "/user"), ("GET", "/interview"), ("GET", "/contact")):
            assert api.request(method, path).status_code == 401


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/contact/create", {}, 400),
        ("/contact/create", {"phone_number": "5551234567"}, 400),
        ("/contact/create", [], 400),
        ("/contact/call", {"contact_id": "cnt_nobody", "agent_id": AGENT}, 404),
        ("/contact/call", {}, 404),
        ("/webhook/automation/other", {"contact_phone": TO}, 404),
        ("/webhook/automation/sandbox_automation", {"prompt": "Hello"}, 400),
        ("/webhooks/subscribe", {"type": "OTHER", "url": "https://x.example"}, 400),
        ("/webhooks/subscribe", {"type": "NEW_RESPONSE", "url": "ftp://x.example"}, 400),
    ],
)
def test_what_is_wrong_is_refused_in_the_services_own_form(
    sandbox: Sandbox, api: httpx2.Client, path: str, body: Any, status: int
) -> None:
    answer = api.post(path, json=body)
    assert answer.status_code == status
    assert answer.json()["data"] is None
    assert answer.json()["error"]["message"]
    assert sandbox.calls() == []


def test_another_agent_calls_nobody(sandbox: Sandbox, api: httpx2.Client) -> None:
    given = {"contact_id": contact(api), "interview_id": "somebody", "agent_id": AGENT}
    assert api.post("/contact/call", json=given).status_code == 404
    assert api.get("/interview/somebody/responses").status_code == 404
    assert sandbox.calls() == []


def test_a_number_has_one_contact_which_a_part_of_it_or_the_name_finds(api: httpx2.Client) -> None:
    one, two = contact(api, name="Ada"), contact(api, "+15559994567")
    assert api.post("/contact/create", json={"phone_number": TO}).status_code == 409
    found = {word: [row["id"] for row in api.get("/contact", params={"search": word}).json()["data"]] for word in WORDS}
    assert found == {"4567": [one, two], "1234567": [one], "ada": [one], "nobody": []}


WORDS = ("4567", "1234567", "ada", "nobody")


def test_lists_come_in_pages_counted_from_0_of_50_at_most(api: httpx2.Client) -> None:
    for each in range(5):
        contact(api, f"+1555123000{each}")
    pages = [api.get("/contact", params={"page": page, "limit": 2}).json()["data"] for page in range(4)]
    assert [len(page) for page in pages] == [2, 2, 1, 0]
    for wrong in ({"limit": 0}, {"limit": 51}, {"page": -1}, {"page": "x"}):
        assert api.get("/contact", params=wrong).status_code == 400


def test_an_agent_is_active_while_telephony_is_on(sandbox: Sandbox, api: httpx2.Client) -> None:
    asked = {"status": "ACTIVE"}
    assert [agent["id"] for agent in api.get("/interview", params=asked).json()["data"]] == [AGENT]
    sandbox.post("/sandbox/faults", {"telephony": "disabled"})
    assert api.get("/interview", params=asked).json()["data"] == []
    called = api.post("/contact/call", json={"contact_id": contact(api), "agent_id": AGENT})
    assert called.status_code == 403


def test_an_automation_needs_no_token_and_calls_whom_its_payload_names(sandbox: Sandbox) -> None:
    given = {"contact_phone": TO, "appointment_time": "15:00", "service_name": "Cleaning", "prompt": "See you at 15:00"}
    answer = sandbox.client.post("/webhook/automation/sandbox_automation", json=given)
    assert answer.is_success
    assert "call_" not in answer.text
    assert [(call["to"], call["prompt"]) for call in sandbox.calls()] == [(TO, "See you at 15:00")]


def test_a_mailbox_that_answers_is_voicemail_in_the_list_and_in_both_webhooks(
    sandbox: Sandbox, api: httpx2.Client
) -> None:
    with receiving() as whole, receiving() as brief:
        for url in (whole.url, f"{brief.url}?form=brief"):
            api.post("/webhooks/subscribe", json={"type": "NEW_RESPONSE", "url": url})
        api.post("/contact/call", json={"contact_id": contact(api, "+15550100010"), "agent_id": AGENT})
        sandbox.advance(60)
        (told,), (short,) = whole.next(), brief.next()
    (row,) = api.get(f"/interview/{AGENT}/responses", params={"status": "voicemail"}).json()["data"]
    assert (row["status"], row["outcome"], row["duration_seconds"]) == ("voicemail", "voicemail", 10)
    assert (told.body["call"]["status"], short.body["outcome"]) == ("voicemail", "voicemail")


@pytest.mark.parametrize(("number", "word"), [("+15550100001", "failure"), ("+15550100002", "busy"), (TO, "no_answer")])
def test_a_call_that_nobody_answers_ends_by_itself_with_its_word(
    sandbox: Sandbox, api: httpx2.Client, number: str, word: str
) -> None:
    api.post("/contact/call", json={"contact_id": contact(api, number), "agent_id": AGENT})
    sandbox.advance(60)
    (row,) = api.get(f"/interview/{AGENT}/responses").json()["data"]
    assert (row["status"], row["duration_seconds"], row["transcript"]) == (word, 0, [])


def test_a_finished_call_is_posted_once_to_each_who_subscribed_and_to_nobody_else(
    sandbox: Sandbox, api: httpx2.Client
) -> None:
    with receiving() as one, receiving() as other:
        for receiver, kind in ((one, "NEW_RESPONSE"), (one, "NEW_RESPONSE"), (other, "PHONE_TRANSFER")):
            assert api.post("/webhooks/subscribe", json={"type": kind, "url": receiver.url}).is_success
        api.post("/contact/call", json={"contact_id": contact(api), "agent_id": AGENT, "metadata": {"prompt": "Hi"}})
        sandbox.advance(1)
        call = sandbox.calls()[0]["id"]
        for action, body in (("answer", {}), ("keys", {"keys": "12"}), ("hangup", {})):
            sandbox.post(f"/sandbox/calls/{call}/{action}", body)
        (told,) = one.next()
        assert (told.body["event"], told.body["call"]["id"], told.body["call"]["status"]) == (
            "NEW_RESPONSE",
            call,
            "success",
        )
        assert [turn["transcript"] for turn in told.body["transcript"]] == ["Hi", "pressed 1", "pressed 2"]
        assert (one.tries.qsize(), other.tries.qsize()) == (0, 0)
        for receiver, kind in ((one, "NEW_RESPONSE"), (other, "PHONE_TRANSFER")):
            ending = {"type": kind, "url": receiver.url}
            assert api.request("DELETE", "/webhooks/unsubscribe", json=ending).is_success
            assert api.request("DELETE", "/webhooks/unsubscribe", json=ending).status_code == 404


def test_every_request_counts_against_the_rate(start_sandbox: StartSandbox) -> None:
    sandbox = start_sandbox("--memory", "--rate", "3")
    sandbox.freeze()
    with client(sandbox) as api:
        answers = [api.get(path).status_code for path in ("/user", "/interview", "/contact", "/user")]
        assert answers == [200, 200, 200, 429]
        assert 0 < int(api.get("/user").headers["Retry-After"]) <= 60
        sandbox.advance(61)
        assert api.get("/user").status_code == 200
