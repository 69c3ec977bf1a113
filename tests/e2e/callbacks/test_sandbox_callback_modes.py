"""What goes wrong with the sandbox's callbacks on purpose."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import httpx2
import pytest
from tests.e2e.callback_receiver import LIMIT_S, Receiver, receiving, register

if TYPE_CHECKING:
    from tests.conftest import Sandbox, StartSandbox

TO = "+15551234567"
MESSAGE = ["queued", "sent", "delivered"]


def test_duplicate_sends_each_one_twice_the_same(sandbox: Sandbox, receiver: Receiver) -> None:
    register(sandbox, receiver, "duplicate")
    sandbox.text("Hello", TO)
    sandbox.advance(2)
    sandbox.post("/sandbox/replies", {"from": TO, "body": "Thanks"})
    told = receiver.next(8)
    assert all(one.signed for one in told)
    statuses = [one for one in told if one.body["type"] == "message.status"]
    assert [one.data["status"] for one in statuses] == [status for status in MESSAGE for _ in range(2)]
    assert len({(one.id, one.raw) for one in told}) == 4


def test_disorder_swaps_pairs_and_holds_nothing_back_at_the_end(sandbox: Sandbox, receiver: Receiver) -> None:
    register(sandbox, receiver, "disorder")
    sandbox.text("Hello", TO)
    sandbox.advance(2)
    assert receiver.statuses(3) == ["sent", "queued", "delivered"]
    sandbox.ring("Hello", "+15550100002")
    assert receiver.statuses(2) == ["busy", "queued"]


def test_a_mode_that_is_changed_lets_go_what_disorder_held_back(sandbox: Sandbox, receiver: Receiver) -> None:
    register(sandbox, receiver, "disorder")
    sandbox.text("Hello", TO)
    sandbox.post("/sandbox/callbacks", {"mode": None})
    sandbox.advance(1)
    assert receiver.statuses(2) == ["queued", "sent"]


@pytest.mark.parametrize("kind", ["sms", "voice"])
def test_early_calls_back_and_is_answered_before_the_send_is(sandbox: Sandbox, receiver: Receiver, kind: str) -> None:
    register(sandbox, receiver, "early")
    receiver.gate.clear()
    given = {"to": TO, "prompt": "Hello"} if kind == "voice" else {"to": TO, "body": "Hello"}
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(sandbox.api.post, f"/api/messaging/{kind}", json=given)
        (callback,) = receiver.next()
        with pytest.raises(TimeoutError):
            answer.result(timeout=0.3)
        receiver.gate.set()
        assert answer.result(timeout=LIMIT_S).json()["id"] == callback.data["id"]
    assert (callback.signed, callback.data["status"]) == (True, "queued")


def test_without_early_a_send_is_answered_while_its_callback_still_waits(sandbox: Sandbox, receiver: Receiver) -> None:
    register(sandbox, receiver)
    receiver.gate.clear()
    assert sandbox.api.post("/api/messaging/sms", json={"to": TO, "body": "Hello"}, timeout=3).status_code == 201


def test_early_without_a_receiver_answers_the_send_after_one_try(sandbox: Sandbox) -> None:
    with receiving() as gone:
        register(sandbox, gone, "early")
    assert sandbox.api.post("/api/messaging/sms", json={"to": TO, "body": "Hello"}, timeout=3).status_code == 201


def test_early_tells_of_a_send_whose_own_answer_never_comes(sandbox: Sandbox, receiver: Receiver) -> None:
    register(sandbox, receiver, "early")
    sandbox.post("/sandbox/faults", {"next": 1, "kind": "reset-after"})
    with pytest.raises(httpx2.ReadError):
        sandbox.text("Hello", TO)
    assert receiver.next()[0].data["id"] == sandbox.messages()[0]["id"]


def test_forged_signs_with_another_key(sandbox: Sandbox, receiver: Receiver) -> None:
    register(sandbox, receiver, "forged")
    sandbox.text("Hello", TO)
    sandbox.post("/sandbox/replies", {"from": TO, "body": "Thanks"})
    for callback in receiver.next(2):
        assert not callback.signed
        version, _, signature = callback.headers["webhook-signature"].partition(",")
        assert (version, len(base64.b64decode(signature))) == ("v1", 32)


def test_off_drops_what_waits_to_be_tried_again(start_sandbox: StartSandbox, receiver: Receiver) -> None:
    sandbox = start_sandbox("--memory", "--callback-wait", "0.2")
    sandbox.freeze()
    receiver.answers = [500, 500]
    register(sandbox, receiver)
    dropped = sandbox.text("Dropped", TO)
    assert receiver.next()[0].data["id"] == dropped
    sandbox.post("/sandbox/callbacks", {"mode": "off"})
    sandbox.post("/sandbox/callbacks", {"mode": None})
    kept = sandbox.text("Kept", TO)
    # The second try of this one comes after the one that was dropped would have had its own.
    assert [one.data["id"] for one in receiver.next(2)] == [kept, kept]


def test_off_is_registered_and_silent(sandbox: Sandbox, receiver: Receiver) -> None:
    register(sandbox, receiver, "off")
    sandbox.text("Not told", TO)
    sandbox.post("/sandbox/replies", {"from": TO, "body": "Not told"})
    sandbox.post("/sandbox/callbacks", {"mode": None})
    told = sandbox.text("Told", TO)
    (callback,) = receiver.next()
    assert callback.data["id"] == told
    assert sandbox.get("/sandbox/callbacks") == {"url": receiver.url, "mode": None}
