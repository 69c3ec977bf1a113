"""ThinkFleetBot's seven calls, as the sandbox speaks them."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Sandbox, StartSandbox

TO = "+15551234567"


@pytest.fixture
def sandbox(still_sandbox: Sandbox) -> Sandbox:
    return still_sandbox


SMS = {"to": TO, "body": "Your order has been shipped!"}
MMS = {"to": TO, "body": "Here is your receipt", "media_url": "https://example.com/receipt.pdf"}
VOICE = {"to": TO, "prompt": "Hello. Press 1 to confirm or 2 to reschedule."}
ROUTES = [
    ("GET", "/api/agents/me/telephony"),
    ("POST", "/api/messaging/sms"),
    ("POST", "/api/messaging/mms"),
    ("POST", "/api/messaging/voice"),
    ("GET", "/api/messaging/sms/msg_1"),
    ("GET", "/api/messaging/voice/call_1"),
    ("GET", "/api/messaging/history"),
]


def test_telephony_is_enabled_with_all_three_capabilities(sandbox: Sandbox) -> None:
    answer = sandbox.api.get("/api/agents/me/telephony")
    assert answer.status_code == 200
    assert answer.json() == {
        "enabled": True,
        "phone_number": "+15550109999",
        "capabilities": ["sms", "mms", "voice"],
    }


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize("header", [None, "Bearer wrong", "Basic {key}", "{key}", "Bearer", "Bearer \u00e9"])
def test_without_the_key_every_call_answers_401(sandbox: Sandbox, method: str, path: str, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header.format(key=sandbox.api_key).encode()}
    answer = sandbox.client.request(method, path, headers=headers, json=SMS if method == "POST" else None)
    assert answer.status_code == 401
    assert answer.json()["error"]
    assert sandbox.messages() == []


@pytest.mark.parametrize(("kind", "given"), [("sms", SMS), ("mms", MMS), ("voice", VOICE)])
def test_a_send_answers_201_with_what_was_taken(sandbox: Sandbox, kind: str, given: dict[str, Any]) -> None:
    answer = sandbox.api.post(f"/api/messaging/{kind}", json=given)
    assert answer.status_code == 201
    taken = answer.json()
    assert taken["id"]
    assert (taken["type"], taken["to"], taken["status"]) == (kind, TO, "queued")
    assert datetime.fromisoformat(taken["created_at"]).tzinfo is not None


@pytest.mark.parametrize(("kind", "given"), [("sms", SMS), ("mms", MMS)])
def test_a_message_is_queued_then_sent_then_delivered(sandbox: Sandbox, kind: str, given: dict[str, Any]) -> None:
    path = "/api/messaging/sms/" + sandbox.api.post(f"/api/messaging/{kind}", json=given).json()["id"]
    sandbox.advance(1)
    sent = sandbox.api.get(path).json()
    sandbox.advance(1)
    delivered = sandbox.api.get(path).json()
    assert (sent["status"], sent["delivered_at"], sent["error"]) == ("sent", None, None)
    assert (delivered["status"], delivered["error"], delivered["type"]) == ("delivered", None, kind)
    took = datetime.fromisoformat(delivered["delivered_at"]) - datetime.fromisoformat(delivered["created_at"])
    assert took.total_seconds() == 2


def test_the_same_send_twice_is_two_messages(sandbox: Sandbox) -> None:
    ids = {sandbox.api.post("/api/messaging/sms", json=SMS).json()["id"] for _ in range(2)}
    assert len(ids) == 2
    assert {message["id"] for message in sandbox.messages()} == ids


def test_history_lists_the_newest_first_with_exactly_the_five_fields(sandbox: Sandbox) -> None:
    for kind, given in (("sms", SMS), ("voice", VOICE), ("mms", MMS)):
        sandbox.api.post(f"/api/messaging/{kind}", json=given)
    data = sandbox.api.get("/api/messaging/history").json()["data"]
    assert [item["type"] for item in data] == ["mms", "voice", "sms"]
    assert all(set(item) == {"id", "type", "to", "status", "created_at"} for item in data)
    assert len(sandbox.api.get("/api/messaging/history?limit=2").json()["data"]) == 2


@pytest.mark.parametrize("limit", ["0", "101", "-1", "x", "", "1e1", "9" * 30])
def test_history_refuses_a_limit_outside_1_to_100(sandbox: Sandbox, limit: str) -> None:
    assert sandbox.api.get("/api/messaging/history", params={"limit": limit}).status_code == 422


def test_an_unknown_id_or_route_is_404_and_a_wrong_method_405_all_in_json(sandbox: Sandbox) -> None:
    call = sandbox.api.post("/api/messaging/voice", json=VOICE).json()["id"]
    for path in ("/api/messaging/sms/nothing", f"/api/messaging/sms/{call}", "/api/nothing", "/api/messaging/"):
        answer = sandbox.api.get(path)
        assert (answer.status_code, list(answer.json())) == (404, ["error"])
    answer = sandbox.api.delete("/api/messaging/sms")
    assert (answer.status_code, list(answer.json())) == (405, ["error"])
    assert "POST" in answer.headers["allow"]


BAD = [
    ("sms", {}),
    ("sms", {"to": TO}),
    ("sms", {"body": "x"}),
    ("sms", {"to": TO, "body": None}),
    ("sms", {"to": TO, "body": 7}),
    ("sms", {"to": TO, "body": ""}),
    ("sms", {"to": TO, "body": " \n\t"}),
    ("sms", {"to": TO, "body": "x" * 1601}),
    ("sms", {"to": [TO], "body": "x"}),
    ("sms", {"to": "5551234567", "body": "x"}),
    ("sms", {"to": "+1 555 123 4567", "body": "x"}),
    ("sms", {"to": "+1555123456a", "body": "x"}),
    ("sms", {"to": "+05551234567", "body": "x"}),
    ("sms", {"to": "+15551234567\n", "body": "x"}),
    ("sms", {"to": "+\uff11\uff15\uff15\uff15\uff11\uff12\uff13\uff14\uff15", "body": "x"}),
    ("sms", {"to": "+1555123456789012", "body": "x"}),
    ("mms", SMS),
    ("mms", {**MMS, "body": ""}),
    ("mms", {**MMS, "media_url": "http://example.com/a.png"}),
    ("mms", {**MMS, "media_url": "https://"}),
    ("mms", {**MMS, "media_url": "https://[/a.png"}),
    ("mms", {**MMS, "media_url": "https://example.com/a b.png"}),
    ("mms", {**MMS, "media_url": ["https://example.com/a.png"]}),
    ("voice", SMS),
    ("voice", {"to": TO, "prompt": "x" * 4097}),
]


@pytest.mark.parametrize(("kind", "given"), BAD)
def test_a_field_that_is_missing_or_ill_formed_is_422_and_nothing_is_taken(
    sandbox: Sandbox, kind: str, given: dict[str, Any]
) -> None:
    answer = sandbox.api.post(f"/api/messaging/{kind}", json=given)
    assert (answer.status_code, list(answer.json())) == (422, ["error"])
    assert sandbox.messages() == sandbox.calls() == []


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b'"x"',
        b"null",
        b"\xff\xfe",
        b'{"to": "+15551234567", "body": "\\ud800"}',
        b'{"to": "+15551234567", "body": "x", "more": NaN}',
        b'{"to": "+15551234567", "body": "x", "more": -Infinity}',
        b"[" * 20_000,
    ],
)
def test_a_body_that_is_no_json_object_is_422(sandbox: Sandbox, raw: bytes) -> None:
    answer = sandbox.api.post("/api/messaging/sms", content=raw, headers={"Content-Type": "application/json"})
    assert (answer.status_code, list(answer.json())) == (422, ["error"])


def test_json_that_is_not_called_json_is_422(sandbox: Sandbox) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert sandbox.api.post("/api/messaging/sms", content=json.dumps(SMS), headers=headers).status_code == 422


@pytest.mark.parametrize("size", [64 * 1024 + 1, 3_000_000])
def test_a_body_above_64_kib_is_413(sandbox: Sandbox, size: int) -> None:
    answer = sandbox.api.post("/api/messaging/sms", content=b" " * size, headers={"Content-Type": "application/json"})
    assert (answer.status_code, list(answer.json())) == (413, ["error"])


def test_the_longest_texts_are_taken(sandbox: Sandbox) -> None:
    assert sandbox.api.post("/api/messaging/sms", json={"to": TO, "body": "é" * 1600}).status_code == 201
    assert sandbox.api.post("/api/messaging/voice", json={"to": TO, "prompt": "é" * 4096}).status_code == 201


def test_above_the_rate_sends_answer_429_until_the_minute_is_over(start_sandbox: StartSandbox) -> None:
    sandbox = start_sandbox("--memory", "--rate", "2")
    for _ in range(2):
        assert sandbox.api.post("/api/messaging/sms", json=SMS).status_code == 201
    refused = sandbox.api.post("/api/messaging/sms", json=SMS)
    assert refused.status_code == 429
    assert 50 < int(refused.headers["retry-after"]) <= 60
    assert sandbox.api.get("/api/messaging/history").status_code == 200
    sandbox.advance(int(refused.headers["retry-after"]))
    assert sandbox.api.post("/api/messaging/sms", json=SMS).status_code == 201
    assert len(sandbox.messages()) == 3


def test_a_rate_of_0_is_no_limit(start_sandbox: StartSandbox) -> None:
    sandbox = start_sandbox("--memory", "--rate", "0")
    assert {sandbox.api.post("/api/messaging/sms", json=SMS).status_code for _ in range(120)} == {201}


def test_every_request_is_recorded_with_its_body_and_what_was_answered(sandbox: Sandbox) -> None:
    sandbox.api.post("/api/messaging/sms", json=SMS)
    sandbox.client.get("/api/messaging/history?limit=5")
    sandbox.api.post("/api/messaging/sms", content=b"\xffnot json")
    third, second, first = sandbox.requests()
    assert first["seq"] < second["seq"] < third["seq"]
    assert (first["method"], first["path"]) == ("POST", "/api/messaging/sms")
    assert (first["body"], first["status"], json.loads(first["answer"])["type"]) == (SMS, 201, "sms")
    assert (second["path"], second["query"], second["status"]) == ("/api/messaging/history", "limit=5", 401)
    assert (third["status"], third["body"]) == (422, "\ufffdnot json")


def test_hostile_text_comes_back_as_it_was_sent(sandbox: Sandbox) -> None:
    body = "<script>alert(1)</script>\u0000\u001b[2J\u202egnp.exe\u2066 '); DROP TABLE traffic; -- \U0001f4de"
    assert sandbox.api.post("/api/messaging/sms", json={"to": TO, "body": body}).status_code == 201
    assert sandbox.messages()[0]["body"] == body


def test_a_path_of_odd_bytes_is_404(sandbox: Sandbox) -> None:
    for path in ("/api/%ff%00", "/api/messaging/sms/%00", "/api/messaging/sms/" + "a" * 5000):
        assert sandbox.api.get(path).status_code == 404
    assert sandbox.get("/sandbox/health")["service"] == "ringback-sandbox"


def test_keys_pressed_come_back_in_the_calls_status(sandbox: Sandbox) -> None:
    path = "/api/messaging/voice/" + sandbox.api.post("/api/messaging/voice", json=VOICE).json()["id"]
    before = sandbox.api.get(path).json()
    assert (before["status"], before["digits"], before["duration"]) == ("queued", "", None)
    sandbox.advance(1)
    call = sandbox.calls()[0]["id"]
    sandbox.post(f"/sandbox/calls/{call}/answer")
    sandbox.post(f"/sandbox/calls/{call}/keys", {"keys": "1"})
    sandbox.post(f"/sandbox/calls/{call}/keys", {"keys": "*#"})
    live = sandbox.api.get(path).json()
    assert (live["status"], live["digits"], live["ended_at"]) == ("in-progress", "1*#", None)
    sandbox.advance(7)
    sandbox.post(f"/sandbox/calls/{call}/hangup")
    over = sandbox.api.get(path).json()
    assert (over["status"], over["digits"], over["duration"]) == ("completed", "1*#", 7)
    assert over["answered_at"] < over["ended_at"]


def test_a_client_that_goes_away_in_the_middle_of_its_body_leaves_nothing(sandbox: Sandbox) -> None:
    def half() -> Iterator[bytes]:
        yield b'{"to": "+15551234567",'
        raise ConnectionAbortedError

    with pytest.raises(ConnectionAbortedError):
        sandbox.api.post("/api/messaging/sms", content=half(), headers={"Content-Length": "100"})
    assert sandbox.api.get("/api/agents/me/telephony").status_code == 200
    assert sandbox.messages() == []
    assert [request["path"] for request in sandbox.requests()] == ["/api/agents/me/telephony"]
