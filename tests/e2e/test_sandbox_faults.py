"""What goes wrong on purpose: magic numbers, and faults on demand."""

from __future__ import annotations

import json
import re
import socket
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx2
import pytest

if TYPE_CHECKING:
    from tests.conftest import Sandbox

TO = "+15551234567"


@pytest.fixture
def sandbox(still_sandbox: Sandbox) -> Sandbox:
    return still_sandbox


def text(sandbox: Sandbox, to: str = TO, body: str = "Hello") -> httpx2.Response:
    return sandbox.api.post("/api/messaging/sms", json={"to": to, "body": body}, timeout=0.5)


def ring(sandbox: Sandbox, to: str) -> dict[str, Any]:
    answer = sandbox.api.post("/api/messaging/voice", json={"to": to, "prompt": "Hello"}, timeout=0.5)
    sandbox.advance(1)
    return sandbox.api.get("/api/messaging/voice/" + answer.json()["id"]).json()


def test_01_is_undeliverable_and_says_why_only_once_it_is_known(sandbox: Sandbox) -> None:
    path = "/api/messaging/sms/" + text(sandbox, "+15550100001").json()["id"]
    sandbox.advance(1)
    assert sandbox.api.get(path).json()["error"] is None
    assert sandbox.messages()[0]["error"] is None
    sandbox.advance(1)
    ended = sandbox.api.get(path).json()
    assert (ended["status"], ended["delivered_at"]) == ("undelivered", None)
    assert ended["error"]
    assert ring(sandbox, "+15550100001")["status"] == "failed"


@pytest.mark.parametrize(("number", "status"), [("+15550100002", "busy"), ("+15550100003", "no-answer")])
def test_02_is_busy_and_03_does_not_answer_at_once(sandbox: Sandbox, number: str, status: str) -> None:
    call = ring(sandbox, number)
    assert (call["status"], call["duration"], call["answered_at"]) == (status, 0, None)
    assert call["ended_at"] is not None


def test_04_answers_429_twice_for_the_same_content_then_accepts(sandbox: Sandbox) -> None:
    answers = [text(sandbox, "+15550100004") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 429, 201]
    assert [answer.headers.get("retry-after") for answer in answers] == ["1", "1", None]
    assert text(sandbox, "+15550100004", "Other words").status_code == 429
    assert len(sandbox.messages()) == 1


def test_a_429_can_come_without_a_time_to_wait(sandbox: Sandbox) -> None:
    sandbox.post("/sandbox/faults", {"next": 1, "kind": "429-bare"})
    answer = text(sandbox)
    assert (answer.status_code, answer.headers.get("retry-after")) == (429, None)
    assert answer.json()["error"]
    assert sandbox.messages() == []


def test_05_answers_500_and_accepts_nothing(sandbox: Sandbox) -> None:
    assert text(sandbox, "+15550100005").status_code == 500
    assert sandbox.messages() == []


def test_06_accepts_then_closes_the_connection_without_an_answer(sandbox: Sandbox) -> None:
    with pytest.raises(httpx2.RemoteProtocolError):
        text(sandbox, "+15550100006")
    assert len(sandbox.messages()) == 1
    assert sandbox.requests()[0]["status"] == "closed"


def test_07_accepts_then_never_answers(sandbox: Sandbox) -> None:
    with pytest.raises(httpx2.ReadTimeout):
        text(sandbox, "+15550100007")
    assert len(sandbox.messages()) == 1


def test_08_accepts_then_answers_500(sandbox: Sandbox) -> None:
    assert text(sandbox, "+15550100008").status_code == 500
    assert len(sandbox.messages()) == 1


def test_09_accepts_then_answers_half_a_document(sandbox: Sandbox) -> None:
    answer = text(sandbox, "+15550100009")
    assert answer.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        answer.json()
    assert len(sandbox.messages()) == 1


@pytest.mark.parametrize(
    ("kind", "status", "accepted"), [("429", 429, 0), ("500", 500, 0), ("500-after", 500, 1), ("redirect", 307, 0)]
)
def test_a_fault_strikes_the_next_sends_and_no_more(sandbox: Sandbox, kind: str, status: int, accepted: int) -> None:
    sandbox.post("/sandbox/faults", {"next": 2, "kind": kind})
    assert [text(sandbox).status_code for _ in range(3)] == [status, status, 201]
    assert len(sandbox.messages()) == 2 * accepted + 1
    assert sandbox.get("/sandbox/faults") == {"next": 0, "kind": None, "telephony": "enabled"}


@pytest.mark.parametrize(("kind", "accepted"), [("close", 0), ("close-after", 1)])
def test_a_connection_closed_before_or_after_acceptance_looks_the_same(
    sandbox: Sandbox, kind: str, accepted: int
) -> None:
    sandbox.post("/sandbox/faults", {"next": 1, "kind": kind})
    with pytest.raises(httpx2.RemoteProtocolError):
        text(sandbox)
    assert len(sandbox.messages()) == accepted


@pytest.mark.parametrize(("kind", "accepted"), [("reset", 0), ("reset-after", 1)])
@pytest.mark.parametrize("channel", ["sms", "voice"])
def test_a_connection_is_reset_before_or_after_acceptance(
    sandbox: Sandbox, kind: str, accepted: int, channel: str
) -> None:
    sandbox.post("/sandbox/faults", {"next": 1, "kind": kind})
    given = {"to": TO, "body": "Hello"} if channel == "sms" else {"to": TO, "prompt": "Hello"}
    with closing(socket.create_connection(address(sandbox))) as connection:
        connection.sendall(posted(sandbox, f"/api/messaging/{channel}", given))
        with pytest.raises(ConnectionResetError):
            connection.recv(1)
    assert len(sandbox.messages() + sandbox.calls()) == accepted
    assert sandbox.requests()[0]["status"] == "closed"


@pytest.mark.parametrize("kind", ["close", "close-after"])
def test_a_connection_that_is_closed_ends_in_order(sandbox: Sandbox, kind: str) -> None:
    sandbox.post("/sandbox/faults", {"next": 1, "kind": kind})
    with closing(socket.create_connection(address(sandbox))) as connection:
        connection.sendall(posted(sandbox, "/api/messaging/sms", {"to": TO, "body": "Hello"}))
        assert connection.recv(1) == b""


def address(sandbox: Sandbox) -> tuple[str, int]:
    parts = urlsplit(sandbox.url)
    assert parts.hostname
    assert parts.port
    return parts.hostname, parts.port


def posted(sandbox: Sandbox, path: str, given: dict[str, str]) -> bytes:
    """A request, byte for byte."""
    headers = {"Authorization": f"Bearer {sandbox.api_key}"}
    request = sandbox.client.build_request("POST", path, json=given, headers=headers)
    head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    return f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + request.content


def test_a_send_that_hangs_was_not_accepted_and_leaves_the_rest_at_work(sandbox: Sandbox) -> None:
    sandbox.post("/sandbox/faults", {"next": 1, "kind": "hang"})
    with closing(socket.create_connection(address(sandbox))) as connection:
        connection.sendall(posted(sandbox, "/api/messaging/sms", {"to": TO, "body": "Hello"}))
        connection.settimeout(0.3)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        assert sandbox.messages() == []
        assert sandbox.requests()[0]["status"] is None
        assert text(sandbox).status_code == 201


@pytest.mark.parametrize("kind", ["hang-after", "slow"])
def test_an_answer_that_does_not_come_in_time_was_accepted(sandbox: Sandbox, kind: str) -> None:
    sandbox.post("/sandbox/faults", {"next": 1, "kind": kind})
    with pytest.raises(httpx2.ReadTimeout):
        text(sandbox)
    assert len(sandbox.messages()) == 1


@pytest.mark.parametrize("kind", ["half-json", "not-json"])
def test_an_answer_that_is_no_json_was_accepted(sandbox: Sandbox, kind: str) -> None:
    sandbox.post("/sandbox/faults", {"next": 1, "kind": kind})
    with pytest.raises(json.JSONDecodeError):
        text(sandbox).json()
    assert len(sandbox.messages()) == 1


def test_an_answer_of_wrong_types_is_json_with_the_same_keys(sandbox: Sandbox) -> None:
    right = text(sandbox).json()
    sandbox.post("/sandbox/faults", {"next": 1, "kind": "wrong-type"})
    wrong = text(sandbox).json()
    assert set(wrong) == set(right)
    assert all(type(wrong[key]) is not type(right[key]) for key in right)
    assert len(sandbox.messages()) == 2


def test_a_redirect_that_is_followed_shows_in_the_record(sandbox: Sandbox) -> None:
    sandbox.post("/sandbox/faults", {"next": 1, "kind": "redirect"})
    answer = text(sandbox)
    sandbox.api.post(answer.headers["location"], json={})
    assert sandbox.requests()[0]["path"] == answer.headers["location"]
    assert sandbox.requests()[0]["status"] == 404


def test_a_fault_that_is_called_off_strikes_nothing(sandbox: Sandbox) -> None:
    sandbox.post("/sandbox/faults", {"next": 5, "kind": "500"})
    sandbox.post("/sandbox/faults", {"next": 0})
    assert text(sandbox).status_code == 201


def test_disabled_telephony_says_so_and_refuses_sends(sandbox: Sandbox) -> None:
    sandbox.post("/sandbox/faults", {"telephony": "disabled"})
    assert sandbox.api.get("/api/agents/me/telephony").json()["enabled"] is False
    refused = text(sandbox)
    assert (refused.status_code, refused.json()) == (403, {"error": "telephony is not enabled"})
    sandbox.post("/sandbox/faults", {"telephony": "enabled"})
    assert text(sandbox).status_code == 201


def test_the_check_can_fail_or_hang_while_sends_would_work(sandbox: Sandbox) -> None:
    sandbox.post("/sandbox/faults", {"telephony": "unreachable-check"})
    assert sandbox.api.get("/api/agents/me/telephony").status_code == 500
    sandbox.post("/sandbox/faults", {"telephony": "hang-check"})
    with pytest.raises(httpx2.ReadTimeout):
        sandbox.api.get("/api/agents/me/telephony", timeout=0.2)
    assert text(sandbox).status_code == 201


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"kind": "nothing"},
        {"kind": ["500"]},
        {"next": -1, "kind": "500"},
        {"next": "1", "kind": "500"},
        {"next": True, "kind": "500"},
        {"next": 1.5, "kind": "500"},
        {"telephony": "off"},
        {"telephony": {}},
    ],
)
def test_an_unknown_fault_is_422_and_changes_nothing(sandbox: Sandbox, given: dict[str, Any]) -> None:
    assert sandbox.client.post("/sandbox/faults", json=given).status_code == 422
    assert sandbox.get("/sandbox/faults") == {"next": 0, "kind": None, "telephony": "enabled"}


def test_the_table_of_magic_numbers_is_told_whole(sandbox: Sandbox) -> None:
    table = sandbox.get("/sandbox/magic")
    assert [row["number"] for row in table] == [f"+155501000{which:02}" for which in range(1, 11)]
    assert all(row["does"] for row in table)


def test_the_page_on_the_sandbox_lists_every_fault_and_no_other(sandbox: Sandbox) -> None:
    refused = sandbox.client.post("/sandbox/faults", json={"kind": "nothing"}).json()["error"]
    page = (Path(__file__).parents[2] / "docs" / "carriers" / "sandbox.md").read_text("utf-8")
    table = re.findall(r"^\| `([a-z0-9-]+)` \| (?:not )?accepted \|", page, re.MULTILINE)
    assert sorted(table) == sorted(refused.partition("one of ")[2].split(", "))
