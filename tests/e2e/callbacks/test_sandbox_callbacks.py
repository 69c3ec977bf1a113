"""What the sandbox calls back, and how often it tries."""

from __future__ import annotations

import time
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING

from tests.e2e.callback_receiver import LIMIT_S, Receiver, receiving, register

if TYPE_CHECKING:
    from tests.conftest import Sandbox, StartSandbox

TO = "+15551234567"
MESSAGE = ["queued", "sent", "delivered"]


def test_each_status_of_a_message_is_called_back_signed_and_as_the_status_call_gives_it(
    sandbox: Sandbox, receiver: Receiver
) -> None:
    register(sandbox, receiver)
    path = "/api/messaging/sms/" + sandbox.text("Hello", TO)
    for status in MESSAGE:
        (callback,) = receiver.next()
        assert callback.signed
        assert (callback.path, callback.headers["content-type"]) == ("/webhooks/sandbox", "application/json")
        assert callback.body["type"] == "message.status"
        assert callback.data == sandbox.api.get(path).json()
        assert callback.data["status"] == status
        assert abs(int(callback.headers["webhook-timestamp"]) - time.time()) < 60
        sandbox.advance(1)


def test_a_body_that_is_changed_by_one_byte_no_longer_fits_its_signature(sandbox: Sandbox, receiver: Receiver) -> None:
    register(sandbox, receiver)
    sandbox.text("Hello", TO)
    (callback,) = receiver.next()
    assert callback.signed
    callback.raw = callback.raw.replace(b"queued", b"queueD")
    assert not callback.signed


def test_a_jump_of_the_clock_calls_back_every_status_on_the_way_with_its_own_moment(
    sandbox: Sandbox, receiver: Receiver
) -> None:
    register(sandbox, receiver)
    sandbox.text("Hello", "+15550100001")
    sandbox.advance(3600)
    queued, sent, ended = receiver.next(3)
    assert [one.data["status"] for one in (queued, sent, ended)] == ["queued", "sent", "undelivered"]
    assert [one.data["error"] for one in (queued, sent)] == [None, None]
    assert ended.data["error"]
    moments = [time_of(one.body["timestamp"]) for one in (queued, sent, ended)]
    assert [round(later - earlier, 3) for earlier, later in pairwise(moments)] == [1, 1]


def time_of(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def test_time_alone_is_called_back_while_nobody_asks(start_sandbox: StartSandbox, receiver: Receiver) -> None:
    sandbox = start_sandbox("--memory")
    register(sandbox, receiver)
    sandbox.text("Hello", TO)
    assert receiver.statuses(3) == MESSAGE


def test_a_call_is_called_back_with_each_status_and_the_keys_pressed(sandbox: Sandbox, receiver: Receiver) -> None:
    register(sandbox, receiver)
    call = sandbox.ring("Press 1", TO)
    sandbox.post(f"/sandbox/calls/{call}/answer")
    for keys in ("1", "*#"):
        sandbox.post(f"/sandbox/calls/{call}/keys", {"keys": keys})
    sandbox.advance(7)
    sandbox.post(f"/sandbox/calls/{call}/hangup")
    told = receiver.next(6)
    assert all(one.signed and one.body["type"] == "call.status" for one in told)
    assert [(one.data["status"], one.data["digits"]) for one in told] == [
        ("queued", ""),
        ("ringing", ""),
        ("in-progress", ""),
        ("in-progress", "1"),
        ("in-progress", "1*#"),
        ("completed", "1*#"),
    ]
    as_asked = sandbox.api.get(f"/api/messaging/voice/{call}").json()
    assert told[-1].data == as_asked | {"answered_by": "person"}
    assert len({one.id for one in told}) == 6


def test_a_jump_of_the_clock_ends_a_call_that_was_answered_once(sandbox: Sandbox, receiver: Receiver) -> None:
    register(sandbox, receiver)
    call = sandbox.ring("Hello", TO)
    sandbox.post(f"/sandbox/calls/{call}/answer")
    sandbox.advance(3600)
    sandbox.ring("Hello again", "+15550100002")
    told = receiver.next(6)
    assert [one.data["status"] for one in told if one.data["id"] == call] == [
        "queued",
        "ringing",
        "in-progress",
        "completed",
    ]


def test_a_call_that_is_answered_the_moment_it_rings_still_rang(
    start_sandbox: StartSandbox, receiver: Receiver
) -> None:
    sandbox = start_sandbox("--memory")
    register(sandbox, receiver)
    call = sandbox.api.post("/api/messaging/voice", json={"to": TO, "prompt": "Hello"}).json()["id"]
    answered = 409
    while answered == 409:  # it does not ring yet
        answered = sandbox.client.post(f"/sandbox/calls/{call}/answer", json={}).status_code
    assert answered == 200
    assert receiver.statuses(3) == ["queued", "ringing", "in-progress"]


def test_a_text_written_back_is_called_back_with_its_words(sandbox: Sandbox, receiver: Receiver) -> None:
    register(sandbox, receiver)
    reply = sandbox.post("/sandbox/replies", {"from": TO, "body": "Grüße \U0001f4de"})
    (callback,) = receiver.next()
    assert callback.signed
    assert callback.body == {
        "type": "message.received",
        "timestamp": reply["created_at"],
        "data": {
            "id": reply["id"],
            "type": "sms",
            "from": TO,
            "to": "+15550109999",
            "body": "Grüße \U0001f4de",
            "created_at": reply["created_at"],
        },
    }


# -- again, until it is taken --------------------------------------------------------------------------------------


def test_a_callback_that_meets_500_twice_comes_again_the_same_and_what_follows_waits_for_it(
    hasty_sandbox: Sandbox, receiver: Receiver
) -> None:
    receiver.answers = [500, 500]
    register(hasty_sandbox, receiver)
    hasty_sandbox.text("Hello", TO)
    hasty_sandbox.advance(2)
    told = receiver.next(5)
    assert [one.data["status"] for one in told] == ["queued", "queued", *MESSAGE]
    assert len({one.id for one in told[:3]}) == len({one.raw for one in told[:3]}) == 1
    assert len({one.id for one in told}) == 3
    assert all(one.signed for one in told)


def test_the_waits_grow_five_times_up_to_sixty_and_after_eight_tries_the_next_status_begins_anew(
    hasty_sandbox: Sandbox, receiver: Receiver
) -> None:
    receiver.answers = [500] * 9
    register(hasty_sandbox, receiver)
    hasty_sandbox.text("Hello", TO)
    hasty_sandbox.advance(1)
    told = receiver.next(10)
    assert [one.data["status"] for one in told] == ["queued"] * 8 + ["sent"] * 2
    waits = [later.at - earlier.at for earlier, later in pairwise(told[:8])]
    least = [0.01, 0.05, 0.25, 0.6, 0.6, 0.6, 0.6]
    assert all(wait >= bound - 0.005 for wait, bound in zip(waits, least, strict=True))
    assert sum(waits) < LIMIT_S


def test_the_first_wait_is_a_second_unless_told_otherwise(sandbox: Sandbox, receiver: Receiver) -> None:
    receiver.answers = [503]
    register(sandbox, receiver)
    sandbox.text("Hello", TO)
    first, second = receiver.next(2)
    assert 0.9 < second.at - first.at < 5


def test_a_redirect_is_not_followed_but_tried_again(hasty_sandbox: Sandbox, receiver: Receiver) -> None:
    receiver.answers = [307]
    register(hasty_sandbox, receiver)
    hasty_sandbox.text("Hello", TO)
    assert [one.path for one in receiver.next(2)] == ["/webhooks/sandbox"] * 2


def test_a_receiver_that_comes_back_gets_what_it_missed(hasty_sandbox: Sandbox) -> None:
    with receiving() as gone:
        port = gone.server.server_address[1]
        register(hasty_sandbox, gone)
    hasty_sandbox.text("Hello", TO)
    hasty_sandbox.advance(2)
    with receiving(port) as receiver:
        assert receiver.statuses(3) == MESSAGE


def test_an_answer_that_does_not_come_within_five_seconds_is_not_waited_for(
    hasty_sandbox: Sandbox, receiver: Receiver
) -> None:
    receiver.gate.clear()
    register(hasty_sandbox, receiver)
    hasty_sandbox.text("Hello", TO)
    first, second = receiver.next(2)
    assert first.id == second.id
    assert 4.9 < second.at - first.at < LIMIT_S


def test_a_receiver_that_is_stuck_holds_up_neither_the_sandbox_nor_other_items(
    sandbox: Sandbox, receiver: Receiver
) -> None:
    receiver.gate.clear()
    register(sandbox, receiver)
    sent = {sandbox.text("Hello", TO), sandbox.text("Hello again", TO)}
    assert {one.data["id"] for one in receiver.next(2)} == sent
    assert len(sandbox.messages()) == 2
    sandbox.advance(1)
    receiver.gate.set()
    assert receiver.statuses(2) == ["sent", "sent"]


def test_a_dead_receiver_is_told_of_once_on_standard_error(start_sandbox: StartSandbox) -> None:
    sandbox = start_sandbox("--memory", "--callback-wait", "0")
    with receiving() as gone:
        register(sandbox, gone)
    for _ in range(3):
        sandbox.text("Hello", TO)
    line = sandbox.process.stderr.readline()
    assert "nobody listens there" in line
    assert TO not in line
    sandbox.process.terminate()
    assert sandbox.process.stderr.read() == ""
