"""`ringback serve` with a real sandbox: callbacks arrive, scheduled texts go out, and it starts and ends in order."""

from __future__ import annotations

import signal
import sqlite3
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from tests.e2e.serving import LIMIT_S, Serving, eventually, received, state_of, texts

from ringback.ledger.records import Level
from ringback.model.outbound import Channel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import Sandbox, StartSandbox
    from tests.e2e.conftest import Installation

    Serve = Callable[..., Serving]

TO = "+12025550123"
BODY = "The quick brown fox is ten minutes late"
NO_POLLS = """
from ringback.inbound import Inbound
async def nothing(*_): return 0
Inbound.refresh_due = Inbound.collect = nothing
"""
DIE_AT = """
import os, signal
from ringback import steps
def listen(step):
    if step == "{step}":
        os.kill(os.getpid(), signal.SIGKILL)
steps.listener = listen
"""


@pytest.fixture
def serve(ringback: Installation) -> Iterator[Serve]:
    """Starts `ringback serve` on the installation."""
    started: list[Serving] = []

    def start(*arguments: str, patch: str = "") -> Serving:
        started.append(Serving(ringback, *arguments, patch=patch))
        return started[-1]

    yield start
    for one in started:
        one.close()


def allow(ringback: Installation) -> None:
    ringback.ask(
        lambda opened: opened.person.allow(TO, Channel.SMS, level=Level.A2, via="terminal", seconds=600, count=9)
    )


def status(ringback: Installation, outbound_id: str) -> str:
    """The status as the ledger has it; nobody is asked."""
    items = ringback.ask(lambda opened: opened.telephone.history()).items
    return next(item.status for item in items if item.id == outbound_id)


def soon() -> str:
    return (datetime.now(UTC) + timedelta(seconds=2)).isoformat()


def test_a_delivery_is_known_by_callback_alone(ringback: Installation, handset: Sandbox, serve: Serve) -> None:
    allow(ringback)
    serve(patch=NO_POLLS).told("calls back at")
    outbound_id = ringback("sms", "--to", TO, "--body", BODY).json["id"]
    handset.advance(60)
    eventually(lambda: status(ringback, outbound_id) == "delivered")
    asked = [request for request in handset.requests() if request["method"] == "GET" and "/sms/" in request["path"]]
    assert asked == []


def test_a_reply_is_in_the_history_within_a_second(ringback: Installation, handset: Sandbox, serve: Serve) -> None:
    serve(patch=NO_POLLS).told("calls back at")
    before = time.time()
    handset.post("/sandbox/replies", {"from": TO, "body": "Yes, see you"})
    (item,) = eventually(lambda: ringback.ask(lambda opened: opened.telephone.history()).items)
    assert item.untrusted_text == "Yes, see you"
    assert datetime.fromisoformat(item.received_at).timestamp() - before < 1


@pytest.mark.parametrize("step", ["received.begin", "received.commit", "received.committed"])
def test_a_text_whose_taker_was_killed_is_sent_again_and_stored_once(
    ringback: Installation, start_sandbox: StartSandbox, serve: Serve, step: str
) -> None:
    handset = start_sandbox("--memory", "--callback-wait", "0.1", state=ringback.home / "sandbox")
    first = serve(patch=NO_POLLS + DIE_AT.format(step=step))
    first.told("calls back at")
    handset.post("/sandbox/replies", {"from": TO, "body": "the first"})
    assert first.process.wait(LIMIT_S) == -signal.SIGKILL
    second = serve("--port", str(first.port), patch=NO_POLLS)
    second.told("calls back at")
    # What one sender writes is called back in order: when the second text is here, the first one was taken again.
    handset.post("/sandbox/replies", {"from": TO, "body": "the second"})
    eventually(lambda: "the second" in texts(ringback))
    assert texts(ringback) == ["the second", "the first"]


def test_what_is_scheduled_goes_out_while_only_serve_runs(
    ringback: Installation, handset: Sandbox, serve: Serve
) -> None:
    allow(ringback)
    serve().told("calls back at")
    wish = ringback.ask(lambda opened: opened.telephone.send_sms(TO, BODY, send_at=soon()))
    assert wish.status == "scheduled"
    assert wish.send_at
    (sent,) = eventually(handset.messages)
    assert sent["body"] == BODY
    assert datetime.fromisoformat(sent["created_at"]) >= datetime.fromisoformat(wish.send_at)


def test_a_sandbox_that_was_started_anew_is_told_again(
    ringback: Installation, start_sandbox: StartSandbox, serve: Serve
) -> None:
    state = ringback.home / "sandbox"
    first = start_sandbox("--memory", state=state)
    serving = serve(patch=NO_POLLS)
    serving.told("calls back at")
    first.end()
    again = start_sandbox("--memory", state=state)
    assert state_of(state)["url"] == again.url
    assert again.url != first.url
    eventually(lambda: again.get("/sandbox/callbacks")["url"])
    again.post("/sandbox/replies", {"from": TO, "body": "after the restart"})
    eventually(lambda: texts(ringback) == ["after the restart"])


def test_after_a_change_of_the_key_callbacks_are_taken_on(
    ringback: Installation, handset: Sandbox, serve: Serve
) -> None:
    serving = serve(patch=NO_POLLS)
    serving.told("calls back at")
    old = (ringback.home / "key").read_bytes()
    assert ringback("keys", "rotate").code == 0
    assert (ringback.home / "key").read_bytes() != old
    assert serving.post(received("signed by the new key")).status_code == 204
    assert texts(ringback) == ["signed by the new key"]
    handset.post("/sandbox/replies", {"from": TO, "body": "from the handset"})
    eventually(lambda: "from the handset" in texts(ringback))


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_in_order_even_while_somebody_dawdles(
    ringback: Installation, handset: Sandbox, serve: Serve, ending: signal.Signals
) -> None:
    serving = serve()
    endpoint = ringback.home / "serve" / "endpoint.json"
    assert endpoint.stat().st_mode & 0o077 == 0
    with serving.knock(b"POST /webhooks/sandbox HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nslow"):
        serving.process.send_signal(ending)
        assert serving.process.wait(LIMIT_S) == 0
    serving.told("ended")
    assert not endpoint.exists()


def test_a_second_one_on_the_same_data_is_refused_and_told_where_the_first_is(
    ringback: Installation, handset: Sandbox, serve: Serve
) -> None:
    serving = serve()
    done = ringback("serve", "--port", "0")
    assert (done.code, done.json["error"]["code"]) == (7, "configuration")
    assert serving.url in done.json["error"]["message"]


def test_a_port_that_is_taken_is_told_with_what_to_do(
    ringback: Installation, handset: Sandbox, module_sandbox: Sandbox
) -> None:
    port = module_sandbox.url.rpartition(":")[2]
    done = ringback("serve", "--port", port)
    assert (done.code, done.json["error"]["code"]) == (7, "configuration")
    assert f"Port {port} is taken" in done.json["error"]["message"]
    assert "RINGBACK_SERVE_PORT" in done.json["error"]["next"]


def test_an_address_of_another_machine_is_refused(ringback: Installation, handset: Sandbox) -> None:
    done = ringback("serve", "--port", "0", "--host", "203.0.113.7")
    assert done.code == 7
    assert "--host" in done.json["error"]["message"]


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com",
        "ftp://example.com",
        "example.com",
        "https://",
        "https://user:secret@example.com",
        "https://example.com/?token=secret",
        "https://example.com/#secret",
        "https://exa mple.com",
        "https://example.com:port",
        "https://[::1",
    ],
)
def test_a_public_address_that_no_carrier_could_be_given_is_refused(ringback: Installation, url: str) -> None:
    ringback.settings = {"RINGBACK_PUBLIC_URL": url}
    done = ringback("serve", "--port", "0")
    assert (done.code, done.json["error"]["code"]) == (7, "configuration")
    assert "RINGBACK_PUBLIC_URL" in done.json["error"]["message"]
    assert "secret" not in done.out + done.err


def test_a_carrier_that_documents_no_callbacks_is_asked_instead(ringback: Installation, serve: Serve) -> None:
    ringback.settings = {"SAAS_API_URL": "http://127.0.0.1:9", "SAAS_API_KEY": "x"}
    serving = serve()
    serving.told("thinkfleetbot documents no callbacks: it is asked instead.")
    assert serving.client.post("/webhooks/thinkfleetbot", content=b"{}").status_code == 404


def test_listening_beyond_this_machine_is_warned_about(ringback: Installation, handset: Sandbox, serve: Serve) -> None:
    serving = serve("--port", "0", "--host", "0.0.0.0")
    serving.told("others can reach this address")
    serving.told("calls back at http://127.0.0.1:")  # the sandbox is on this machine, wherever else it listens


def test_a_ledger_of_a_newer_version_is_told_before_anything_listens(ringback: Installation, handset: Sandbox) -> None:
    ringback("history")
    with sqlite3.connect(ringback.home / "ledger.db") as database:
        database.execute("PRAGMA user_version = 999")
    database.close()
    done = ringback("serve", "--port", "0")
    assert (done.code, done.json["error"]["code"]) == (7, "ledger")
    assert not (ringback.home / "serve" / "endpoint.json").exists()
