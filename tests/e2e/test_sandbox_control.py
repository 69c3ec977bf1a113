"""The routes that tests, the page and the demo use."""

from __future__ import annotations

import json
import shutil
import wave
from datetime import datetime
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2
    from tests.conftest import Sandbox

TO = "+15551234567"
VOICE = {"to": TO, "prompt": "Hello. Press 1 to confirm."}
SMS = {"to": TO, "body": "Hello"}


@pytest.fixture
def sandbox(still_sandbox: Sandbox) -> Sandbox:
    return still_sandbox


def ringing(sandbox: Sandbox) -> str:
    call = sandbox.api.post("/api/messaging/voice", json=VOICE).json()["id"]
    sandbox.advance(1)
    return call


def state_of(sandbox: Sandbox) -> str:
    return sandbox.calls()[0]["status"]


def test_a_call_rings_until_it_is_answered_and_lasts_until_it_is_hung_up(sandbox: Sandbox) -> None:
    call = ringing(sandbox)
    assert state_of(sandbox) == "ringing"
    assert sandbox.post(f"/sandbox/calls/{call}/answer")["status"] == "in-progress"
    sandbox.advance(59)
    assert state_of(sandbox) == "in-progress"
    ended = sandbox.post(f"/sandbox/calls/{call}/hangup")
    assert (ended["status"], ended["duration"]) == ("completed", 59)


def test_a_declined_call_ends_busy(sandbox: Sandbox) -> None:
    assert sandbox.post(f"/sandbox/calls/{ringing(sandbox)}/decline")["status"] == "busy"


def test_a_call_that_nobody_answers_ends_after_30_seconds_of_ringing(sandbox: Sandbox) -> None:
    ringing(sandbox)
    sandbox.advance(28)
    assert state_of(sandbox) == "ringing"
    sandbox.advance(2)
    assert state_of(sandbox) == "no-answer"


def test_a_call_that_nobody_hangs_up_ends_after_ten_minutes(sandbox: Sandbox) -> None:
    sandbox.post(f"/sandbox/calls/{ringing(sandbox)}/answer")
    sandbox.advance(600)
    ended = sandbox.calls()[0]
    assert (ended["status"], ended["duration"]) == ("completed", 600)


def test_voicemail_takes_a_ringing_call_records_for_ten_seconds_and_hangs_up(sandbox: Sandbox) -> None:
    call = ringing(sandbox)
    assert sandbox.calls()[0]["answered_by"] is None
    taken = sandbox.post(f"/sandbox/calls/{call}/voicemail")
    assert (taken["status"], taken["answered_by"]) == ("in-progress", "voicemail")
    for verb in ("hangup", "keys", "answer", "decline", "voicemail"):
        refused = sandbox.client.post(f"/sandbox/calls/{call}/{verb}", json={"keys": "1"})
        assert refused.status_code == 409, "nobody is there to do that"
    sandbox.advance(9)
    assert state_of(sandbox) == "in-progress"
    sandbox.advance(1)
    ended = sandbox.get(f"/sandbox/calls/{call}")
    assert (ended["status"], ended["duration"], ended["answered_by"]) == ("completed", 10, "voicemail")


def test_a_call_tells_that_a_person_took_it_and_nobody_where_nobody_did(sandbox: Sandbox) -> None:
    declined = ringing(sandbox)
    sandbox.post(f"/sandbox/calls/{declined}/decline")
    answered = ringing(sandbox)
    sandbox.post(f"/sandbox/calls/{answered}/answer")
    sandbox.post(f"/sandbox/calls/{answered}/hangup")
    assert [call["answered_by"] for call in sandbox.calls()] == ["person", None]
    assert sandbox.client.get("/sandbox/calls/nothing").status_code == 404


def test_the_voicemail_number_is_taken_at_once_and_no_moment_tells_it_earlier(sandbox: Sandbox) -> None:
    call = sandbox.api.post("/api/messaging/voice", json={**VOICE, "to": "+15550100010"}).json()["id"]
    queued = sandbox.get(f"/sandbox/calls/{call}")
    assert (queued["status"], queued["answered_by"], queued["answered_at"]) == ("queued", None, None)
    sandbox.advance(1)
    taken = sandbox.get(f"/sandbox/calls/{call}")
    assert (taken["status"], taken["answered_by"]) == ("in-progress", "voicemail")
    sandbox.advance(10)
    ended = sandbox.get(f"/sandbox/calls/{call}")
    assert (ended["status"], ended["duration"]) == ("completed", 10)


def test_the_thinkfleetbot_wire_tells_nothing_that_its_service_does_not_document(sandbox: Sandbox) -> None:
    call = ringing(sandbox)
    sandbox.post(f"/sandbox/calls/{call}/voicemail")
    sandbox.advance(10)
    told = sandbox.api.get(f"/api/messaging/voice/{call}").json()
    assert told["status"] == "completed"
    assert "answered_by" not in told


def test_stop_words_are_switched_off_and_on(sandbox: Sandbox) -> None:
    assert sandbox.get("/sandbox/platform") == {"stop_words": True}
    assert sandbox.post("/sandbox/platform", {"stop_words": False}) == {"stop_words": False}
    assert sandbox.client.post("/sandbox/platform", json={"stop_words": "no"}).status_code == 422
    sandbox.post("/sandbox/reset")
    assert sandbox.get("/sandbox/platform") == {"stop_words": True}


@pytest.mark.parametrize("verb", ["answer", "decline", "voicemail", "hangup", "keys"])
def test_what_a_call_does_not_allow_is_409_and_an_unknown_call_404(sandbox: Sandbox, verb: str) -> None:
    queued = sandbox.api.post("/api/messaging/voice", json=VOICE).json()["id"]
    assert sandbox.client.post(f"/sandbox/calls/{queued}/{verb}", json={"keys": "1"}).status_code == 409
    sandbox.advance(60)
    assert sandbox.client.post(f"/sandbox/calls/{queued}/{verb}", json={"keys": "1"}).status_code == 409
    assert sandbox.client.post(f"/sandbox/calls/nothing/{verb}", json={"keys": "1"}).status_code == 404
    assert sandbox.calls()[0]["digits"] == ""


@pytest.mark.parametrize("keys", ["", "a", "1a", "1 2", "A", "\uff11", "1" * 33, None, 1, ["1"]])
def test_only_keys_of_a_telephone_can_be_pressed(sandbox: Sandbox, keys: Any) -> None:
    call = ringing(sandbox)
    sandbox.post(f"/sandbox/calls/{call}/answer")
    assert sandbox.client.post(f"/sandbox/calls/{call}/keys", json={"keys": keys}).status_code == 422
    assert sandbox.calls()[0]["digits"] == ""


def test_a_call_holds_256_keys_and_no_more(sandbox: Sandbox) -> None:
    call = ringing(sandbox)
    sandbox.post(f"/sandbox/calls/{call}/answer")
    answers = [sandbox.client.post(f"/sandbox/calls/{call}/keys", json={"keys": "1" * 32}) for _ in range(9)]
    assert [answer.status_code for answer in answers] == [200] * 8 + [422]
    assert sandbox.calls()[0]["digits"] == "1" * 256


def test_a_text_written_back_is_kept_apart_from_what_was_sent(sandbox: Sandbox) -> None:
    reply = sandbox.post("/sandbox/replies", {"from": TO, "body": "Thank you"})
    assert (reply["type"], reply["from"], reply["to"], reply["body"]) == ("reply", TO, "+15550109999", "Thank you")
    assert sandbox.get("/sandbox/replies") == [reply]
    assert sandbox.messages() == []
    assert sandbox.api.get("/api/messaging/history").json() == {"data": []}


def test_texts_back_are_polled_oldest_first_from_where_the_last_poll_ended(sandbox: Sandbox) -> None:
    written = []
    for number in range(5):
        sandbox.text("Between them")
        written.append(sandbox.post("/sandbox/replies", {"from": TO, "body": str(number)}))
    assert sandbox.get("/sandbox/replies?after=0") == written
    assert sandbox.get("/sandbox/replies?limit=2") == written[:2]
    after = written[1]["seq"]
    assert sandbox.get(f"/sandbox/replies?after={after}&limit=2") == written[2:4]
    assert sandbox.get(f"/sandbox/replies?after={written[-1]['seq']}") == []
    assert sandbox.get("/sandbox/replies") == written[::-1]


def test_a_poll_after_a_reset_gives_what_is_new_and_nothing_old(sandbox: Sandbox) -> None:
    before = sandbox.post("/sandbox/replies", {"from": TO, "body": "Old"})
    sandbox.post("/sandbox/reset")
    new = sandbox.post("/sandbox/replies", {"from": TO, "body": "New"})
    assert sandbox.get(f"/sandbox/replies?after={before['seq']}") == [new]


@pytest.mark.parametrize(
    "query",
    ["after=-1", "after=x", "after=", "after=1.5", "after=9999999999999999999", "limit=0", "limit=1001", "limit=x"],
)
def test_a_poll_from_nowhere_or_for_too_many_is_422(sandbox: Sandbox, query: str) -> None:
    answer = sandbox.client.get(f"/sandbox/replies?{query}")
    assert (answer.status_code, list(answer.json())) == (422, ["error"])


@pytest.mark.parametrize("given", [{}, {"from": "5551234567", "body": "x"}, {"from": TO, "body": " "}])
def test_a_text_back_needs_a_number_and_words(sandbox: Sandbox, given: dict[str, str]) -> None:
    assert sandbox.client.post("/sandbox/replies", json=given).status_code == 422


@pytest.mark.parametrize("seconds", [-1, "1", None, True, 1e12, float("inf")])
def test_the_clock_takes_a_number_of_seconds_and_never_goes_back(sandbox: Sandbox, seconds: Any) -> None:
    content = json.dumps({"advance_s": seconds})
    headers = {"Content-Type": "application/json"}
    assert sandbox.client.post("/sandbox/clock", content=content, headers=headers).status_code == 422
    assert sandbox.get("/sandbox/clock")["offset_s"] == 0


def test_a_clock_that_stands_still_moves_only_when_advanced_and_runs_on_from_there(sandbox: Sandbox) -> None:
    before = sandbox.get("/sandbox/clock")
    assert before["frozen"] is True
    assert sandbox.get("/sandbox/clock") == before
    moved = sandbox.post("/sandbox/clock", {"advance_s": 3600})
    assert seconds_between(before, moved) == 3600
    running = sandbox.post("/sandbox/clock", {"frozen": False})
    assert running["frozen"] is False
    assert 0 <= seconds_between(moved, running) < 60
    assert 3500 < running["offset_s"] <= 3600


def seconds_between(one: dict[str, Any], other: dict[str, Any]) -> float:
    return (datetime.fromisoformat(other["now"]) - datetime.fromisoformat(one["now"])).total_seconds()


@pytest.mark.parametrize("given", [{}, {"frozen": None}, {"frozen": "yes"}, {"frozen": 1}])
def test_the_clock_is_told_plainly_what_to_do(sandbox: Sandbox, given: dict[str, Any]) -> None:
    assert sandbox.client.post("/sandbox/clock", json=given).status_code == 422


def test_a_reset_forgets_everything_and_returns_to_real_time(sandbox: Sandbox) -> None:
    ringing(sandbox)
    sandbox.api.post("/api/messaging/sms", json=SMS)
    sandbox.post("/sandbox/replies", {"from": TO, "body": "x"})
    sandbox.post("/sandbox/faults", {"next": 3, "kind": "500", "telephony": "disabled"})
    sandbox.post("/sandbox/reset")
    state = sandbox.get("/sandbox/state")
    assert (state["items"], state["requests"], state["clock"]["offset_s"]) == ([], [], 0)
    assert state["faults"] == {"next": 0, "kind": None, "telephony": "enabled"}


def test_the_export_is_a_file_with_everything_in_it(sandbox: Sandbox) -> None:
    sandbox.api.post("/api/messaging/sms", json=SMS)
    sandbox.post("/sandbox/replies", {"from": TO, "body": "Back"})
    answer = sandbox.client.get("/sandbox/export")
    assert "attachment" in answer.headers["content-disposition"]
    exported = answer.json()
    assert [item["body"] for item in exported["items"]] == ["Back", "Hello"]
    assert [request["path"] for request in exported["requests"]] == ["/api/messaging/sms"]


def test_a_picture_of_the_documented_host_is_served_here(sandbox: Sandbox) -> None:
    for url in ("https://sandbox.ringback.example/receipt.png", "https://example.com/a/b.jpg?x=1"):
        sandbox.api.post("/api/messaging/mms", json={**SMS, "media_url": url})
    foreign, own = (message["media"] for message in sandbox.messages())
    assert foreign == {"host": "example.com", "file": "b.jpg", "local": None}
    picture = sandbox.client.get(own["local"])
    assert (own["host"], picture.headers["content-type"]) == ("sandbox.ringback.example", "image/svg+xml")
    assert picture.content.startswith(b"<svg")


# -- who may talk to it --------------------------------------------------------------------------------------------

WAYS = ["/", "/sandbox/messages", "/sandbox/events", "/sandbox/export", "/sandbox/health"]


@pytest.mark.parametrize("path", WAYS)
@pytest.mark.parametrize("host", ["example.com", "127.0.0.1", "127.0.0.1:1", "localhost.example.com:{port}", ""])
def test_under_a_foreign_host_name_nothing_can_be_read(sandbox: Sandbox, path: str, host: str) -> None:
    port = urlsplit(sandbox.url).port
    answer = sandbox.client.get(path, headers={"Host": host.format(port=port)})
    assert answer.status_code == 421


def test_localhost_with_the_right_port_is_the_sandbox(sandbox: Sandbox) -> None:
    port = urlsplit(sandbox.url).port
    assert sandbox.client.get("/sandbox/health", headers={"Host": f"localhost:{port}"}).status_code == 200


@pytest.mark.parametrize(
    "origin", ["https://example.com", "null", "http://127.0.0.1:1", "https://{own}", "http://{own}.a"]
)
def test_another_web_site_can_change_nothing(sandbox: Sandbox, origin: str) -> None:
    ringing(sandbox)
    own = urlsplit(sandbox.url).netloc
    answer = sandbox.client.post("/sandbox/reset", json={}, headers={"Origin": origin.format(own=own)})
    assert answer.status_code == 403
    assert len(sandbox.calls()) == 1


def test_the_page_itself_may_change_things(sandbox: Sandbox) -> None:
    assert sandbox.client.post("/sandbox/reset", json={}, headers={"Origin": sandbox.url}).status_code == 200


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-www-form-urlencoded"])
def test_a_form_of_another_web_site_is_415(sandbox: Sandbox, content_type: str | None) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}
    assert sandbox.client.post("/sandbox/reset", content=b"{}", headers=headers).status_code == 415


def test_a_control_body_that_is_no_json_object_is_422(sandbox: Sandbox) -> None:
    for raw in (b"", b"[]", b"{", b'{"advance_s": 1e999}'):
        headers = {"Content-Type": "application/json"}
        assert sandbox.client.post("/sandbox/clock", content=raw, headers=headers).status_code == 422


def test_every_page_forbids_inline_script_framing_and_caching(sandbox: Sandbox) -> None:
    headers = sandbox.client.get("/").headers
    policy = headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"


# -- live ----------------------------------------------------------------------------------------------------------


def events(answer: httpx2.Response) -> Iterator[tuple[str, Any]]:
    kind = ""
    for line in answer.iter_lines():
        name, _, value = line.partition(": ")
        if name == "event":
            kind = value
        elif name == "data":
            yield kind, json.loads(value)


def test_the_stream_tells_of_each_change_as_the_clock_moves(sandbox: Sandbox) -> None:
    with sandbox.client.stream("GET", "/sandbox/events") as answer:
        stream = (event for event in events(answer) if event[0] != "request")
        assert next(stream)[0] == "hello"
        sandbox.api.post("/api/messaging/sms", json=SMS)
        told = [next(stream)]
        for _ in range(2):
            sandbox.advance(1)
            told += [next(stream), next(stream)]
        reply = sandbox.post("/sandbox/replies", {"from": TO, "body": "x"})
        assert next(stream) == ("reply", reply)
        sandbox.post("/sandbox/reset")
        assert next(stream)[0] == "reset"
    assert [kind for kind, _ in told] == ["message", "clock", "message", "clock", "message"]
    assert [item["status"] for kind, item in told if kind == "message"] == ["queued", "sent", "delivered"]


def test_the_stream_tells_of_a_jump_of_the_clock_once_with_how_it_ended(sandbox: Sandbox) -> None:
    with sandbox.client.stream("GET", "/sandbox/events") as answer:
        stream = (event for event in events(answer) if event[0] == "message" or event[0] == "reply")
        sandbox.text("Hello")
        sandbox.advance(3600)
        sandbox.post("/sandbox/replies", {"from": TO, "body": "x"})
        told = [next(stream) for _ in range(3)]
    assert [item.get("status") for _, item in told] == ["queued", "delivered", None]


def test_time_alone_delivers_a_message_and_the_stream_tells_it(sandbox: Sandbox) -> None:
    sandbox.post("/sandbox/clock", {"frozen": False})
    with sandbox.client.stream("GET", "/sandbox/events", timeout=10) as answer:
        sandbox.api.post("/api/messaging/sms", json=SMS)
        told = (item["status"] for kind, item in events(answer) if kind == "message")
        assert [next(told) for _ in range(3)] == ["queued", "sent", "delivered"]


def test_the_stream_tells_of_each_request_and_its_answer(sandbox: Sandbox) -> None:
    with sandbox.client.stream("GET", "/sandbox/events") as answer:
        stream = events(answer)
        next(stream)
        sandbox.api.get("/api/messaging/history")
        begun, finished = next(stream), next(stream)
    assert (begun[0], begun[1]["status"], finished[1]["status"]) == ("request", None, 200)
    assert begun[1]["seq"] == finished[1]["seq"]


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
def test_the_prompt_is_spoken_as_a_well_formed_wav(sandbox: Sandbox) -> None:
    call = ringing(sandbox)
    answer = sandbox.client.get(f"/sandbox/calls/{call}/prompt.wav", timeout=20)
    assert answer.headers["content-type"] == "audio/wav"
    with wave.open(BytesIO(answer.content)) as spoken:
        assert spoken.getnframes() * spoken.getsampwidth() * spoken.getnchannels() == len(answer.content) - 44
        assert spoken.getnframes() / spoken.getframerate() > 1
    assert sandbox.client.get("/sandbox/calls/nothing/prompt.wav").status_code == 404
