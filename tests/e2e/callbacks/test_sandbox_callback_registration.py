"""Where the sandbox calls back to: who may say so, and how long it holds."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest
from tests.e2e.callback_receiver import SECRET, Receiver, receiving, register

if TYPE_CHECKING:
    from tests.conftest import Sandbox, StartSandbox

TO = "+15551234567"


def test_what_is_registered_is_shown_without_its_secret(sandbox: Sandbox, receiver: Receiver) -> None:
    assert sandbox.get("/sandbox/callbacks") == {"url": None, "mode": None}
    given = {"url": receiver.url, "secret": SECRET, "mode": "duplicate"}
    shown = {"url": receiver.url, "mode": "duplicate"}
    assert sandbox.post("/sandbox/callbacks", given) == shown
    assert sandbox.get("/sandbox/callbacks") == shown
    for path in ("/sandbox/callbacks", "/sandbox/state", "/sandbox/export"):
        assert SECRET not in sandbox.client.get(path).text


def test_whoever_registers_again_without_a_mode_leaves_it_as_it_is(sandbox: Sandbox, receiver: Receiver) -> None:
    register(sandbox, receiver, "duplicate")
    given = {"url": receiver.url, "secret": SECRET}
    assert sandbox.post("/sandbox/callbacks", given) == {"url": receiver.url, "mode": "duplicate"}
    assert sandbox.post("/sandbox/callbacks", {**given, "mode": None}) == {"url": receiver.url, "mode": None}


def test_a_url_of_null_ends_callbacks_and_what_waited(sandbox: Sandbox, receiver: Receiver) -> None:
    receiver.answers = [500]
    register(sandbox, receiver)
    sandbox.text("Hello", TO)
    assert receiver.next()[0].data["status"] == "queued"
    assert sandbox.post("/sandbox/callbacks", {"url": None}) == {"url": None, "mode": None}
    sandbox.text("Not told", TO)
    register(sandbox, receiver)
    sandbox.advance(1)
    assert {one.data["status"] for one in receiver.next(2)} == {"sent"}


def test_what_waits_goes_to_wherever_callbacks_go_by_then(hasty_sandbox: Sandbox, receiver: Receiver) -> None:
    with receiving() as gone:
        register(hasty_sandbox, gone)
    sent = hasty_sandbox.text("Hello", TO)
    register(hasty_sandbox, receiver)
    (callback,) = receiver.next()
    assert (callback.data["id"], callback.data["status"]) == (sent, "queued")


def test_a_reset_drops_what_waits_and_keeps_the_registration(hasty_sandbox: Sandbox, receiver: Receiver) -> None:
    receiver.gate.clear()
    register(hasty_sandbox, receiver, "duplicate")
    hasty_sandbox.text("Dropped", TO)
    receiver.next()
    hasty_sandbox.post("/sandbox/reset")
    receiver.gate.set()
    assert hasty_sandbox.get("/sandbox/callbacks") == {"url": receiver.url, "mode": "duplicate"}
    hasty_sandbox.freeze()
    told = hasty_sandbox.text("Told", TO)
    assert [one.data["id"] for one in receiver.next(2)] == [told, told]


@pytest.mark.parametrize("mode", [None, "duplicate"])
def test_a_restart_goes_on_calling_back(start_sandbox: StartSandbox, receiver: Receiver, mode: str | None) -> None:
    times = 1 if mode is None else 2
    first = start_sandbox()
    register(first, receiver, mode)
    first.post("/sandbox/reset")
    call = first.ring("Hello", TO)
    receiver.next(2 * times)
    first.process.kill()
    first.process.wait()
    second = start_sandbox()
    assert second.get("/sandbox/callbacks") == {"url": receiver.url, "mode": mode}
    second.post(f"/sandbox/calls/{call}/answer")
    told = receiver.next(times)
    assert all(one.signed for one in told)
    assert [(one.data["id"], one.data["status"]) for one in told] == [(call, "in-progress")] * times


def test_without_a_registration_a_restart_calls_nobody(start_sandbox: StartSandbox, receiver: Receiver) -> None:
    first = start_sandbox()
    register(first, receiver)
    first.post("/sandbox/callbacks", {"url": None})
    first.process.kill()
    first.process.wait()
    second = start_sandbox()
    assert second.get("/sandbox/callbacks") == {"url": None, "mode": None}
    second.text("Not told", TO)
    register(second, receiver)
    told = second.text("Told", TO)
    assert receiver.next()[0].data["id"] == told


def test_a_clock_that_stood_still_does_not_go_back_over_a_restart(start_sandbox: StartSandbox) -> None:
    first = start_sandbox()
    first.freeze()
    first.advance(3600)
    sent = first.text("Hello", TO)
    first.advance(1)
    first.process.kill()
    first.process.wait()
    second = start_sandbox()
    assert second.api.get(f"/api/messaging/sms/{sent}").json()["status"] != "queued"


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1:8426/x",
        "http://example.com/x",
        "http://192.168.1.4/x",
        "http://0.0.0.0/x",
        "http://127.0.0.1@example.com/x",
        "http://user:word@127.0.0.1/x",
        "http://127.0.0.1:99999/x",
        "http://127.0.0.1:0/x",
        "http://127.0.0.1\\@example.com/x",
        "http://127.0.0.1 /x",
        "http://127.0.0.1.example.com/x",
        "http://[::ffff:8.8.8.8]/x",
        "//127.0.0.1/x",
        "ftp://127.0.0.1/x",
        "http:///x",
        "",
        "http://127.0.0.1/" + "x" * 2048,
        7,
        ["http://127.0.0.1/x"],
    ],
)
def test_only_plain_http_to_this_machine_is_registered(sandbox: Sandbox, url: Any) -> None:
    answer = sandbox.client.post("/sandbox/callbacks", json={"url": url, "secret": SECRET})
    assert (answer.status_code, list(answer.json())) == (422, ["error"])
    assert sandbox.get("/sandbox/callbacks") == {"url": None, "mode": None}


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.4.2", "localhost", "[::1]"])
def test_every_loopback_address_is_registered(sandbox: Sandbox, host: str) -> None:
    url = f"http://{host}:8426/webhooks/sandbox"
    assert sandbox.post("/sandbox/callbacks", {"url": url, "secret": SECRET, "mode": "off"})["url"] == url


GOOD = {"url": "http://127.0.0.1:8426/x", "secret": SECRET}


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"secret": SECRET},
        {"mode": "duplicate"},
        {"url": GOOD["url"]},
        {**GOOD, "mode": "upside-down"},
        {**GOOD, "mode": ["off"]},
        {**GOOD, "secret": None},
        {**GOOD, "secret": SECRET.removeprefix("whsec_")},
        {**GOOD, "secret": "whsec_not base64!"},
        {**GOOD, "secret": "whsec_é"},
        {**GOOD, "secret": "whsec_" + base64.b64encode(bytes(23)).decode()},
        {**GOOD, "secret": "whsec_" + base64.b64encode(bytes(65)).decode()},
    ],
)
def test_a_registration_that_says_too_little_or_nonsense_is_422_and_changes_nothing(
    sandbox: Sandbox, given: dict[str, Any]
) -> None:
    answer = sandbox.client.post("/sandbox/callbacks", json=given)
    assert (answer.status_code, list(answer.json())) == (422, ["error"])
    assert "whsec_" + "AAEC" not in answer.text
    assert sandbox.get("/sandbox/callbacks") == {"url": None, "mode": None}


def test_another_web_site_can_register_nothing(sandbox: Sandbox) -> None:
    headers = {"Origin": "https://example.com"}
    assert sandbox.client.post("/sandbox/callbacks", json=GOOD, headers=headers).status_code == 403
    assert sandbox.get("/sandbox/callbacks")["url"] is None
