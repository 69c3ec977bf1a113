"""Senders that mean no good knock at `ringback serve`: it answers others meanwhile, keeps nothing, tells nothing."""

from __future__ import annotations

import contextlib
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.e2e.serving import LIMIT_S, Serving, answer, eventually, received, texts

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from tests.conftest import Sandbox
    from tests.e2e.conftest import Installation

HEAD = b"POST /webhooks/sandbox HTTP/1.1\r\nHost: x\r\n"
IMPATIENT = "from ringback_server import webhooks\nwebhooks.HEADERS_S = webhooks.BODY_S = 1.0"
PATIENT = "from ringback_server import webhooks\nwebhooks.HEADERS_S = webhooks.BODY_S = 60.0"
SECRET = "Heliotrope-marmalade"
HAS_PROC = Path("/proc/self/fd").exists()


@pytest.fixture
def patch() -> str:
    return IMPATIENT


@pytest.fixture
def serving(ringback: Installation, handset: Sandbox, patch: str) -> Iterator[Serving]:
    one = Serving(ringback, patch=patch)
    one.told("calls back at")
    yield one
    one.close()


def is_well(serving: Serving, ringback: Installation) -> None:
    """It takes an honest callback, at once, and stores it."""
    before = time.monotonic()
    assert serving.post(received("an honest one", "rpl_honest")).status_code == 204
    assert time.monotonic() - before < 5
    assert "an honest one" in texts(ringback)


@pytest.mark.parametrize(
    "begun",
    [b"", b"POST", HEAD, HEAD + b"X: " + b"y" * 1000],
    ids=["nothing", "a word", "half a head", "half a header"],
)
def test_a_head_that_never_ends_is_dropped(ringback: Installation, serving: Serving, begun: bytes) -> None:
    with serving.knock(begun) as connection, contextlib.suppress(ConnectionResetError):
        assert answer(connection) == b""
    is_well(serving, ringback)


def test_a_second_request_has_no_more_time_than_the_first(ringback: Installation, serving: Serving) -> None:
    with serving.knock(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n") as connection:
        first = b""
        while b"}" not in first:
            first += connection.recv(65536)
        connection.sendall(b"GET /hea")
        with contextlib.suppress(ConnectionResetError):
            assert answer(connection) == b""
    is_well(serving, ringback)


@pytest.mark.parametrize(
    "begun",
    [
        b"Content-Length: 100\r\n\r\n" + SECRET.encode(),
        b"Transfer-Encoding: chunked\r\n\r\n5\r\nslow!\r\n",
        b"Content-Length: 100\r\nExpect: 100-continue\r\n\r\n",
    ],
    ids=["length", "chunks", "expect"],
)
def test_a_body_that_never_ends_is_answered_with_408_and_dropped(
    ringback: Installation, serving: Serving, begun: bytes
) -> None:
    with serving.knock(HEAD + begun) as connection:
        assert b"HTTP/1.1 408 " in answer(connection)
    is_well(serving, ringback)


def test_a_body_that_comes_byte_by_byte_has_no_more_time(ringback: Installation, serving: Serving) -> None:
    with serving.knock(HEAD + b"Content-Length: 900000\r\n\r\n") as connection:
        connection.setblocking(False)  # noqa: FBT003 - the socket's own name for it
        ends_at = time.monotonic() + LIMIT_S
        told = None
        while told is None and time.monotonic() < ends_at:
            try:
                connection.send(b"x")
                told = connection.recv(65536)
            except BlockingIOError:
                continue
            except ConnectionError:  # its answer met a byte that was on its way
                told = b""
        assert told is not None
        assert told == b"" or b" 408 " in told
    is_well(serving, ringback)


def test_chunks_without_end_are_cut_off(ringback: Installation, serving: Serving) -> None:
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    sent = 0
    endless = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    with serving.knock(endless) as connection, contextlib.suppress(ConnectionError):
        while sent < 64 * 1024 * 1024:
            connection.sendall(chunk)
            sent += len(chunk)
    assert sent < 64 * 1024 * 1024
    is_well(serving, ringback)


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (HEAD + b"X: " + b"y" * 200_000 + b"\r\n\r\n", b" 400 "),
        (HEAD + b"".join(b"X-%d: y\r\n" % n for n in range(20_000)) + b"\r\n", b" 400 "),
        (b"POST /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b" 400 "),
        (b"POST /webhooks/\xff HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", b" 400 "),
        (b"POST /webhooks/%ff%00%2e%2e HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", b" 404 "),
        (b"POST /webhooks/sandbox?q=%ff HTTP/1.1\r\nHost: \xff\r\nContent-Length: 2\r\n\r\n{}", b" 401 "),
        (HEAD + b"webhook-signature: \xff\xfe\r\nwebhook-timestamp: \xb2\r\nContent-Length: 2\r\n\r\n{}", b" 401 "),
        (HEAD + b"webhook-timestamp: 99999999999999999999\r\nContent-Length: 2\r\n\r\n{}", b" 401 "),
        (HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", b" 400 "),
        (HEAD + b"Content-Length: -1\r\n\r\n{}", b" 400 "),
        (HEAD + b"Content-Length: 99999999999999999999\r\n\r\n{}", b" 408 "),
        (b"POST /webhooks/sandbox HTTP/1.1\r\n\r\n", b" 400 "),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b" 400 "),
        (b"GET /webhooks/sandbox HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n", b" 405 "),
        (b"CONNECT evil.example:443 HTTP/1.1\r\nHost: x\r\n\r\n", b" 4"),
    ],
)
def test_what_is_no_good_request_is_refused_and_the_next_one_is_taken(
    ringback: Installation, serving: Serving, request_: bytes, code: bytes
) -> None:
    with serving.knock() as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(request_)
        told = b""
        with contextlib.suppress(ConnectionError):
            told = connection.recv(65536)
        assert code in told or (len(request_) > 100_000 and not told)  # it may be cut off while it still sends
    is_well(serving, ringback)


@pytest.mark.parametrize("patch", [PATIENT])
def test_a_thousand_silent_connections_keep_nobody_out_and_leave_nothing(
    ringback: Installation, serving: Serving
) -> None:
    is_well(serving, ringback)
    before = serving.files if HAS_PROC else 0
    with contextlib.ExitStack() as silent:
        for number in range(1200):
            half = HEAD if number % 2 else HEAD + b"Content-Length: 9\r\n\r\nhalf"
            silent.enter_context(serving.knock(half))
        assert serving.post(received("in spite of them", "rpl_2"), event="evt_2").status_code == 204
        if HAS_PROC:
            assert before + 500 < serving.files < before + 1100
    if HAS_PROC:
        eventually(lambda: serving.files <= before)
    assert set(texts(ringback)) == {"an honest one", "in spite of them"}


def test_a_thousand_honest_callbacks_at_once_are_all_stored(ringback: Installation, serving: Serving) -> None:
    with ThreadPoolExecutor(64) as pool:
        numbers = range(1000)
        answers = list(
            pool.map(lambda n: serving.post(received(f"{n}", f"rpl_{n % 500}"), event=f"evt_{n}").status_code, numbers)
        )
    assert answers == [204] * 1000
    count = ringback.ask(lambda opened: opened.person.received(2000))
    assert len(count) == 500


def test_a_thousand_at_the_very_same_moment_are_all_answered(ringback: Installation, serving: Serving) -> None:
    request = HEAD + b"Connection: close\r\nContent-Length: 2\r\n\r\n{}"
    with contextlib.ExitStack() as stack:
        crowd: list[socket.socket] = [stack.enter_context(serving.knock()) for _ in range(1000)]
        for connection in crowd:
            connection.sendall(request)
        assert {answer(connection)[:12] for connection in crowd} == {b"HTTP/1.1 401"}
    is_well(serving, ringback)


def test_nothing_of_a_request_is_in_a_log(ringback: Installation, serving: Serving) -> None:
    serving.client.post(f"/webhooks/sandbox?{SECRET}", content=SECRET, headers={"webhook-id": SECRET})
    serving.client.post(f"/webhooks/{SECRET}", content=SECRET)
    with serving.knock(f"{SECRET} / {SECRET}\r\n\r\n".encode()) as connection:
        answer(connection)
    serving.post(received(SECRET))
    is_well(serving, ringback)
    assert serving.end() == 0
    serving.told("ended")
    assert "was rejected" in serving.words
    assert SECRET not in serving.words
    assert "2025550123" not in serving.words
