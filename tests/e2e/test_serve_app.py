"""What `ringback serve` hands on of a request, and what it answers for whatever becomes of it."""

from __future__ import annotations

import json
import sqlite3
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from tests.e2e.serving import Serving, received, texts

from ringback.errors import CallbackRejected, ConfigurationError, LedgerError, NotFound
from ringback_server.webhooks import LARGEST_BODY, build

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.conftest import Sandbox
    from tests.e2e.conftest import Installation

    from ringback.model.news import CallbackRequest

BASE = "https://public.example/ringback"
SECRET = "Heliotrope marmalade"


class Inbound:
    """Takes what is handed on, or fails."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.taken: list[tuple[str, CallbackRequest]] = []

    async def callback(self, carrier: str, request: CallbackRequest) -> int:
        self.taken.append((carrier, request))
        if self.error is not None:
            raise self.error
        return 1

    def answer(self, carrier: str) -> None:
        """A carrier that looks at nothing but the status."""


@pytest.fixture
def inbound() -> Inbound:
    return Inbound()


@pytest.fixture
async def client(inbound: Inbound) -> AsyncIterator[httpx2.AsyncClient]:
    @asynccontextmanager
    async def using() -> AsyncIterator[Any]:
        yield SimpleNamespace(inbound=inbound)

    transport = httpx2.ASGITransport(build(using, BASE))  # type: ignore[arg-type]
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8426") as client:
        yield client


async def test_the_address_handed_on_is_the_configured_one_whatever_the_request_says(
    client: httpx2.AsyncClient, inbound: Inbound
) -> None:
    lies = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http", "Forwarded": "x"}
    answer = await client.post("/webhooks/sandbox?next=https://evil.example", content=b"{}", headers=lies)
    assert answer.status_code == 204
    ((carrier, request),) = inbound.taken
    assert (carrier, request.url) == ("sandbox", f"{BASE}/webhooks/sandbox")


async def test_header_names_are_in_lower_case_and_the_body_is_byte_for_byte_what_came(
    client: httpx2.AsyncClient, inbound: Inbound
) -> None:
    body = bytes(range(256))
    await client.post("/webhooks/sandbox", content=body, headers=[(b"WebHook-ID", b"one"), (b"X-Odd", b"\xff")])
    ((_, request),) = inbound.taken
    assert request.body == body
    assert request.headers["webhook-id"] == "one"
    assert all(name == name.lower() for name in request.headers)


async def test_a_header_that_comes_twice_is_not_one_of_the_two(client: httpx2.AsyncClient, inbound: Inbound) -> None:
    twice = [("webhook-signature", "v1,good"), ("webhook-signature", "v1,bad")]
    await client.post("/webhooks/sandbox", content=b"{}", headers=twice)
    assert inbound.taken[0][1].headers["webhook-signature"] == "v1,good, v1,bad"


@pytest.mark.parametrize(
    ("error", "code", "headers"),
    [
        (NotFound(SECRET), 404, {}),
        (CallbackRejected(SECRET, hint=SECRET), 401, {}),
        (LedgerError(SECRET), 503, {"retry-after": "5"}),
        (ConfigurationError(SECRET), 503, {"retry-after": "5"}),
        (RuntimeError(SECRET), 500, {}),
        (UnicodeEncodeError("utf-8", SECRET, 0, 1, "x"), 500, {}),
    ],
)
async def test_each_failure_is_answered_by_its_code_and_nothing_else(
    client: httpx2.AsyncClient,
    inbound: Inbound,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    code: int,
    headers: dict[str, str],
) -> None:
    inbound.error = error
    answer = await client.post("/webhooks/sandbox", content=b"{}")
    assert (answer.status_code, answer.content) == (code, b"")
    assert headers.items() <= dict(answer.headers).items()
    assert SECRET not in caplog.text


async def test_an_installation_that_cannot_be_opened_is_asked_for_again_later() -> None:
    @asynccontextmanager
    async def using() -> AsyncIterator[Any]:
        raise LedgerError(SECRET)
        yield

    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(build(using, BASE)), base_url="http://x") as client:
        assert (await client.post("/webhooks/sandbox", content=b"{}")).status_code == 503


@pytest.mark.parametrize(("size", "code"), [(0, 204), (LARGEST_BODY, 204), (LARGEST_BODY + 1, 413), (3_000_000, 413)])
async def test_a_body_is_taken_up_to_its_limit(
    client: httpx2.AsyncClient, inbound: Inbound, size: int, code: int
) -> None:
    answer = await client.post("/webhooks/sandbox", content=b"x" * size)
    assert answer.status_code == code
    assert len(inbound.taken) == (code == 204)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_only_posting_is_taken(client: httpx2.AsyncClient, inbound: Inbound, method: str) -> None:
    answer = await client.request(method, "/webhooks/sandbox")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert inbound.taken == []


@pytest.mark.parametrize("path", ["/", "/webhooks", "/webhooks/", "/webhooks/sandbox/", "/webhooks/a/b", "/docs"])
async def test_no_other_path_leads_anywhere(client: httpx2.AsyncClient, inbound: Inbound, path: str) -> None:
    answer = await client.post(path, content=b"{}", headers={"Host": "evil.example"})
    assert answer.status_code == 404
    assert "location" not in answer.headers
    assert inbound.taken == []


async def test_health_tells_that_it_is_there_and_nothing_more(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/health")
    assert (answer.status_code, answer.json()) == (200, {"service": "ringback-serve"})


# -- the process, with the ledger ------------------------------------------------------------------------------------


@pytest.fixture
def serving(ringback: Installation, handset: Sandbox) -> Iterator[Serving]:
    one = Serving(ringback, patch="from ringback.ledger import database\ndatabase._BUSY_TIMEOUT_MS = 50")
    yield one
    one.close()


def test_a_callback_is_stored_once_and_a_repetition_is_taken_as_well(ringback: Installation, serving: Serving) -> None:
    body = received("Yes, see you")
    assert [serving.post(body, event=event).status_code for event in ("evt_1", "evt_1", "evt_2")] == [204] * 3
    assert texts(ringback) == ["Yes, see you"]


@pytest.mark.parametrize("signed_by", [None, "another carrier"])
def test_what_is_not_proven_is_not_stored(ringback: Installation, serving: Serving, signed_by: str | None) -> None:
    answer = serving.post(received("I am the carrier"), signed_by=signed_by)
    assert (answer.status_code, answer.content) == (401, b"")
    assert texts(ringback) == []


def test_a_signature_over_another_body_is_not_proof(ringback: Installation, serving: Serving) -> None:
    stolen = serving.post(received("Yes, see you")).request.headers
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    headers = {name: stolen[name] for name in names}
    answer = serving.client.post("/webhooks/sandbox", content=received("No, never", "rpl_2"), headers=headers)
    assert answer.status_code == 401
    assert texts(ringback) == ["Yes, see you"]


def test_while_the_ledger_cannot_be_written_the_carrier_is_asked_to_come_again(
    ringback: Installation, serving: Serving
) -> None:
    body = received("Yes, see you")
    holder = sqlite3.connect(ringback.home / "ledger.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    refused = serving.post(body)
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
    holder.execute("ROLLBACK")
    holder.close()
    assert serving.post(body).status_code == 204
    assert texts(ringback) == ["Yes, see you"]


def test_a_type_that_is_not_known_is_taken_and_tells_nothing(ringback: Installation, serving: Serving) -> None:
    body = json.dumps({"type": "line.moved", "timestamp": "now", "data": {"id": "x"}}).encode()
    assert serving.post(body).status_code == 204
    assert texts(ringback) == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"type": "message.received"}',
        b'{"type": "message.received", "data": {"id": 7}}',
        b'{"type": "message.status", "data": {"id": "\\ud800"}}',
        received("\ud800 half an emoji"),
        received("text", sender="\ud800"),
    ],
)
def test_whatever_a_true_signature_stands_under_it_goes_on(
    ringback: Installation, serving: Serving, body: bytes
) -> None:
    assert serving.post(body).status_code in {204, 401}
    assert serving.post(received("Yes, see you", "rpl_2"), event="evt_2").status_code == 204
    assert "Yes, see you" in texts(ringback)
